"""Files: written completely or not at all, and the one kind of error that a user can fix."""

import csv
import errno
import fcntl
import glob
import json
import os
import platform
import re
import resource
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

REFUSALS = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO),
    *(errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ENAMETOOLONG),
}
"""Errors of a disk or a folder that does not take what is written."""

NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES}
"""Errors of file systems, and of folders without read permission, that cannot sync a folder."""

ABANDONED_AFTER_S = 24 * 3600.0  # a part that no lock shows to be abandoned, by its last change


RESTORE = "Download it again, or restore it from a copy."
"""Remedy for a damaged file that may be the only one of its kind, or a downloaded one."""


class UserError(Exception):
    """Something the user can fix: what was expected, what was found, where, and what to do.

    Programs print it as one line, without a traceback.
    """


def why_not_opened(path: Path, number: int) -> str:
    """Cause and remedy where the system does not open a file for reading, by its error number."""
    if number == errno.ENOENT and path.is_symlink():
        target = path.readlink()
        if ".git/annex/objects" in target.as_posix():
            return (
                "its content was not fetched by git-annex. Run `git annex get` in its repository."
            )
        return f"a link to {target}, which does not exist. Correct the link, or the location."
    match number:
        case errno.ENOENT:
            return (
                "no such file. Correct the location in sessions.tsv; where it was made or fetched, "
                "run with --forcerun fetch_probe."
            )
        case errno.EACCES | errno.EPERM:
            return "no permission to read it. Change its permissions, or those of its folder."
        case errno.EMFILE | errno.ENFILE:
            limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            return f"too many open files (limit {limit}). Raise the limit with `ulimit -n`."
        case errno.ENOTDIR | errno.ENAMETOOLONG | errno.ELOOP:
            return f"{os.strerror(number)}. Correct the location."
    return f"the disk does not return it ({os.strerror(number)}). Check the disk."


class WriteError(UserError):
    """A disk or a folder that does not take what is written: the fault of no recording."""


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
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        start = f".{path.name}."
        remove_abandoned(path.parent.glob(f"{glob.escape(start)}*.part"))
        handle, part = _new_part(path.parent, f"{start}{platform.node()}.{os.getpid()}.")
        try:
            yield part
            part.chmod(0o666 & ~_umask())  # mkstemp makes it private to the user
            flush(part)
            part.replace(path)
            flush_folder(path.parent)
        finally:
            part.unlink(missing_ok=True)
            os.close(handle)


def _new_part(folder: Path, start: str) -> tuple[int, Path]:
    """Make a temporary file and lock it; return its descriptor, which holds the lock, and path."""
    while True:
        handle, name = tempfile.mkstemp(prefix=start, suffix=".part", dir=folder)
        _try_lock(handle)
        if _is_at(handle, Path(name)):
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
        locked = _try_lock(handle)
    finally:
        os.close(handle)
    return is_old if locked is None else locked


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Name the file that a disk or a folder does not take.

    Raises
    ------
    UserError
        In place of such an error of the system.
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


def flush(path: Path) -> None:
    """Write what the system holds of a file to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_folder(path: Path) -> None:
    """Write the names in a folder to the disk, where its file system can."""
    try:
        flush(path)
    except OSError as error:
        if error.errno not in NO_FOLDER_SYNC:
            raise


# --- locks --------------------------------------------------------------------------------------

_threads: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)  # by path


@contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Let one thread of one process at a time make or change a file; the others wait.

    The lock is a file beside it, which the system unlocks when a process is killed. Where the
    file system has no locks, only the threads of this process wait for each other.

    Yields
    ------
    bool
        False where other processes do not wait, because the file system has no locks.
    """
    lock = path.with_name(f"{path.name}.lock")
    with _threads[path.absolute()]:
        while True:
            handle = _open_lock(lock)
            try:
                locked = _wait_for_lock(handle, path)
                # the previous holder has removed the name, and a new file may have it
                if locked and not _is_at(handle, lock):
                    continue
                try:
                    yield locked
                finally:
                    with suppress(FileNotFoundError, PermissionError):  # another user's
                        lock.unlink()
                return
            finally:
                os.close(handle)


def _open_lock(lock: Path) -> int:
    """Open a lock file, make it where it is not there; another user's is opened for reading."""
    try:
        return os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError:
        if not lock.exists():
            raise
        return os.open(lock, os.O_RDONLY)


def _try_lock(handle: int) -> bool | None:
    """Lock an open file without waiting; None where the file system has no locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _wait_for_lock(handle: int, path: Path) -> bool:
    """Lock an open file; False where the file system has no locks."""
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{path}: another process has locked it; waiting", file=sys.stderr)
            fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError as error:  # on Lustre without the option flock, for example
        print(f"{path}: no lock ({error.strerror}); continuing without", file=sys.stderr)
        return False
    return True


def _is_at(handle: int, path: Path) -> bool:
    """Tell whether an open file is still the one that has its name."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, with Unix line ends."""
    with atomic(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically: compact, keys in the order given, no NaN."""
    write_text(path, json.dumps(content, separators=(",", ":"), allow_nan=False))


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises
    ------
    UserError
        If the file is missing or is not JSON.
    """
    try:
        return parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file. Run the pipeline to make it.") from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}. Correct that and run again.") from None
    except ValueError as error:
        raise UserError(f"{path}: not JSON ({error}). Delete it and run again.") from None


def parse_json(text: str) -> Any:
    """Parse JSON.

    Raises
    ------
    ValueError
        If it is not JSON, or names a key of an object twice: readers differ in which one counts.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for i, (key, _) in enumerate(pairs) if key in dict(pairs[:i]))
        raise ValueError(f"the key {twice[:80]!r} twice")
    return found


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a table atomically: comma separated where the name ends in .csv, else by tabs."""
    with atomic(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        delimiter = "," if path.suffix == ".csv" else "\t"
        writer = csv.DictWriter(file, columns, delimiter=delimiter, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_table(path: Path) -> list[dict[str, str]]:
    """Read a table that `write_table` wrote.

    Raises
    ------
    UserError
        If the file is missing.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            delimiter = "," if path.suffix == ".csv" else "\t"
            return list(csv.DictReader(file, delimiter=delimiter))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file. Run the pipeline to make it.") from None
