"""Files that are written completely or not at all."""

import errno
import glob
import os
import platform
import re
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lfpscope.errors import WriteError
from lfpscope.io.locks import is_at, try_lock

REFUSALS = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO),
    *(errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ENAMETOOLONG),
}
"""Errors of a disk or a folder that does not take what is written."""


NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES}
"""Errors of file systems, and of folders without read permission, that cannot sync a folder."""


ABANDONED_AFTER_S = 24 * 3600.0  # a part that no lock shows to be abandoned, by its last change


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Write a file completely or not at all.

    Parameters
    ----------
    path : Path
        Where the file shall be. Its folder is made.

    Yields
    ------
    Path
        A temporary name in the same folder, on which a lock is held. When the block ends without
        an error the file is flushed to disk and takes its name in one step; otherwise it is
        removed and whatever stood at `path` before stays as it was.

    Raises
    ------
    UserError
        If the disk or the folder does not take it.
    """
    with translate_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        start = f".{path.name}."
        remove_abandoned(path.parent.glob(f"{glob.escape(start)}*.part"))
        handle, part = _new_part(path.parent, f"{start}{platform.node()}.{os.getpid()}.")
        try:
            yield part
            part.chmod(0o666 & ~_umask())  # mkstemp makes it private to the user
            fsync(part)
            part.replace(path)
            fsync_folder(path.parent)
        finally:
            part.unlink(missing_ok=True)
            os.close(handle)


def _new_part(folder: Path, start: str) -> tuple[int, Path]:
    """Make a temporary file and lock it; return its descriptor, which holds the lock, and path."""
    while True:
        handle, name = tempfile.mkstemp(prefix=start, suffix=".part", dir=folder)
        try_lock(handle)
        if is_at(handle, Path(name)):
            return handle, Path(name)
        os.close(handle)  # removed as abandoned in the moment before it was locked


def remove_abandoned(parts: Iterable[Path]) -> None:
    """Remove temporary files that no process writes any more.

    A process that writes one holds a lock on it, which ends with the process. That is certain
    among processes of one computer, whose name stands in the file's. Where locks do not reach,
    on other computers and on file systems without locks, only the age of the last change counts.
    """
    for part in parts:
        with suppress(OSError):  # of another user, or removed by another process
            if _is_abandoned(part):
                part.unlink()


def _is_abandoned(part: Path) -> bool:
    is_old = time.time() - part.stat().st_mtime > ABANDONED_AFTER_S
    if not is_old and f".{platform.node()}." not in part.name:
        return False
    handle = os.open(part, os.O_RDONLY | os.O_NONBLOCK)
    try:
        locked = try_lock(handle)
    finally:
        os.close(handle)
    return is_old if locked is None else locked


@contextmanager
def translate_os_errors(path: Path) -> Iterator[None]:
    """Name the file that a disk or a folder does not take.

    Raises
    ------
    UserError
        Instead of such an error of the system.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in REFUSALS:
            raise
        raise WriteError(
            f"{path}: cannot be written: {error.strerror}. Make room, or write elsewhere, and run "
            "again. What was there before is as it was."
        ) from error


def _umask() -> int:
    """Return the mask of permissions, without setting it: other threads may be making files."""
    try:
        mask = re.search(
            r"^Umask:\s*([0-7]+)$", Path("/proc/self/status").read_text(), re.MULTILINE
        )
    except OSError:  # not Linux
        mask = None
    return int(mask[1], 8) if mask else FIRST_UMASK


def _ask_umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


FIRST_UMASK = _ask_umask()  # at import, before there are threads


def fsync(path: Path) -> None:
    """Write what the system holds of a file to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fsync_folder(path: Path) -> None:
    """Write the names in a folder to the disk, where its file system can."""
    try:
        fsync(path)
    except OSError as error:
        if error.errno not in NO_FOLDER_SYNC:
            raise


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, with Unix line ends."""
    with atomic(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
