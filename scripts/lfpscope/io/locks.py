"""Locks on files, among threads and processes."""

import fcntl
import os
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_threads: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)  # by path


@contextmanager
def file_lock(path: Path) -> Iterator[bool]:
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
                if locked and not is_at(handle, lock):
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


def try_lock(handle: int) -> bool | None:
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


def is_at(handle: int, path: Path) -> bool:
    """Tell whether an open file is still the one that has its name."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
