"""Calls in another process: a damaged HDF5 file may crash the library, or keep it for ever.

One bit in the wrong place is enough: a list in the file that ends in itself is followed without
end (HDF5 2.0).
"""

import math
import os
import resource
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any, Self, TypeVar

from lfpscope.addresses import is_remote
from lfpscope.files import UserError

T = TypeVar("T")

SECONDS = 5.0  # of a processor's time that reading a file's metadata may take,
BYTES_A_SECOND = 50e6  # and more where it is large; the clock of 2 GB takes one
REMOTE_SECONDS = 60.0


class Apart:
    """Another process for calls that may not come back; it is replaced when one has ended it."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=_end_with_parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def read(self, file: str, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function that reads an HDF5 file.

        Parameters
        ----------
        file : str
            Path or address.
        function : callable
            Of a module, so that the other process finds it.
        arguments
            Of the function.

        Raises
        ------
        UserError
            If HDF5 crashes, or does not come to an end; and what the function raises.
        """
        try:
            return self._pool.submit(_call, _seconds(file), function, *arguments).result()
        except BrokenProcessPool:
            self._start()
            raise UserError(
                f"{file}: HDF5 crashes or finds no end in it: its metadata are damaged. "
                "Fetch it anew."
            ) from None


def _end_with_parent() -> None:
    """End this process with the one that made it, even if that is killed; else it might wait on."""
    parent = parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _seconds(file: str) -> float:
    if is_remote(file):
        return REMOTE_SECONDS
    path = Path(file)
    return SECONDS + (path.stat().st_size / BYTES_A_SECOND if path.is_file() else 0)


def _call(seconds: float, function: Callable[..., T], *arguments: Any) -> T:
    """Call a function within so many seconds of a processor, else the system ends this process."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = math.ceil(time.process_time() + seconds)
    # a computer may allow even less
    soft = soft if hard == resource.RLIM_INFINITY else min(soft, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return function(*arguments)
