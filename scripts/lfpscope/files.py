"""Files: written whole or not at all, and the one kind of error that is the user's to mend."""

import csv
import errno
import fcntl
import glob
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

REFUSALS = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO),
    *(errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ENAMETOOLONG),
}
"""Errors of a disk or a folder that does not take what is written."""


class UserError(Exception):
    """Something the user can mend: what was expected, what was found, where, and what to do.

    Programs print it as one line, without a traceback.
    """


class WriteError(UserError):
    """A disk or a folder that does not take what is written: the fault of no recording."""


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Write a file whole or not at all.

    Parameters
    ----------
    path : Path
        Where the file shall be. Its folder is made.

    Yields
    ------
    Path
        A temporary name in the same folder. When the block ends without an error the file is
        flushed to disk and takes its name in one step; otherwise it is removed and whatever
        stood at `path` before stays as it was.

    Raises
    ------
    UserError
        If the disk or the folder does not take it.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        mine = f".{path.name}.{platform.node()}.{os.getpid()}."
        handle, name = tempfile.mkstemp(prefix=mine, suffix=".part", dir=path.parent)
        os.close(handle)
        part = Path(name)
        try:
            yield part
            part.chmod(0o666 & ~_umask())  # mkstemp makes it private to the user
            flush(part)
            part.replace(path)
            flush(path.parent)
        finally:
            part.unlink(missing_ok=True)


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


def _sweep(path: Path) -> None:
    """Remove what processes of this computer that were killed have left of a file."""
    start = f".{path.name}.{platform.node()}."
    for one in path.parent.glob(f"{glob.escape(start)}*"):
        process = one.name.removeprefix(start).partition(".")[0]
        if process.isdigit() and not Path("/proc", process).exists():
            one.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def flush(path: Path) -> None:
    """Have what was written to a file, or the names in a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Let one process at a time make a file; the others wait.

    The lock is a file beside it, which the system unlocks when a process is killed.

    Yields
    ------
    bool
        False where nobody waits, because the file system has no locks.
    """
    lock = path.with_name(f"{path.name}.lock")
    while True:
        with lock.open("w") as file:
            # who had it before has removed the name, and somebody may have made a new file of it
            locked = _lock(file, path)
            if locked and not _is_at(file, lock):
                continue
            try:
                yield locked
            finally:
                lock.unlink(missing_ok=True)
            return


def _lock(file: IO[str], path: Path) -> bool:
    """Wait for a lock; False where the file system has none."""
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{path}: another process makes it; waiting", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:  # as of Lustre without the option flock
        print(f"{path}: no lock to be had ({error.strerror}); going on without", file=sys.stderr)
        return False
    return True


def _is_at(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
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
        raise UserError(f"{path}: {error.strerror}. Mend that and run again.") from None
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
