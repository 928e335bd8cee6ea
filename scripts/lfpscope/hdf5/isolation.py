"""Run HDF5 reads in another process: a damaged file can crash libhdf5, or make it loop.

One wrong bit is enough: a list in the file that ends in itself is followed without end (HDF5 2.0).
"""

import math
import os
import resource
import signal
import threading
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Self, TypeVar

from lfpscope.errors import RESTORE, UserError
from lfpscope.io.addresses import is_remote

T = TypeVar("T")

SECONDS = 5.0  # of CPU time that reading a file's metadata may take,
BYTES_A_SECOND = 50e6  # and more where it is large; the clock of 2 GB takes one
REMOTE_SECONDS = 60.0
WAIT_SECONDS = 1800.0  # for an answer; a disk or server that is slower is taken as hung

CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE)


class IsolatedReader:
    """Another process for calls that may not return; it is replaced when one has ended it."""

    def __init__(self) -> None:
        self._process: BaseProcess | None = None  # started by the first call

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self._process is None:
            return
        if kind is not None:  # interrupted, perhaps in the middle of a call
            self._process.kill()
        self._pipe.close()  # at which it ends
        self._process.join()

    def call(self, file: str, function: Callable[..., T], *arguments: Any) -> T:
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
            If the process ends or does not answer, with the cause; and what the function raises.
        """
        seconds = _seconds(file)
        process = self.start()
        try:
            self._pipe.send((seconds, function, arguments))
            if not self._pipe.poll(WAIT_SECONDS):
                self._drop()
                raise UserError(
                    f"{file}: no answer in {WAIT_SECONDS:g} s: its disk or server hangs. "
                    "Check that the file can be copied, and run again."
                )
            is_result, answer = self._pipe.recv()
        except (EOFError, ConnectionError):
            process.join()
            self._drop()
            raise UserError(f"{file}: {_why_ended(process.exitcode or 0, seconds)}") from None
        if is_result:
            result: T = answer
            return result
        raise answer

    def start(self) -> BaseProcess:
        """Start the process, unless it runs; the first call does so too."""
        if self._process is None:
            context = get_context("spawn")
            self._pipe, others = context.Pipe()
            self._process = context.Process(target=_serve, args=(others,), daemon=True)
            self._process.start()
            others.close()
        return self._process

    def _drop(self) -> None:
        """End the process, if it has not ended; the next call starts another."""
        if self._process is not None:
            self._process.kill()
            self._process = None
        self._pipe.close()


def _why_ended(code: int, seconds: float) -> str:
    """Cause and remedy where the process has ended, by its exit code: minus the signal, if any."""
    if -code == signal.SIGXCPU:
        limit = resource.getrlimit(resource.RLIMIT_CPU)[1]
        if limit != resource.RLIM_INFINITY:
            return (
                f"its metadata took more CPU time than is allowed here ({seconds:.0f} s, of the "
                f"{limit} s of `ulimit -Ht`). Raise the limit and run again."
            )
        return (
            f"its metadata are damaged: HDF5 found no end in {seconds:.0f} s of CPU time. {RESTORE}"
        )
    if -code in CRASHES:
        return f"its metadata are damaged: HDF5 crashes ({signal.Signals(-code).name}). {RESTORE}"
    if -code == signal.SIGKILL:
        return (
            "reading it was killed (SIGKILL), as the system does when memory runs out. "
            "Run again with more memory."
        )
    if code < 0:
        return f"reading it was ended from outside ({signal.Signals(-code).name}). Run again."
    return f"reading it ended with exit code {code}. See the log."


# --- in the other process -----------------------------------------------------------------------


def _serve(pipe: Connection) -> None:
    """Answer calls until the other end of the pipe is closed."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends this one
    import_module("h5py")  # before it is asked
    while True:
        try:
            seconds, function, arguments = pipe.recv()
        except EOFError:
            return
        _limit_cpu(seconds)
        try:
            answer = (True, function(*arguments))
        except UserError as error:
            answer = (False, error)
        except Exception as error:  # noqa: BLE001 - raised again in the first process
            traceback.print_exc()  # which a pipe does not carry
            answer = (False, error)
        pipe.send(answer)


def _end_with_parent() -> None:
    """End this process with the one that made it, even if that is killed during a call."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _seconds(file: str) -> float:
    if is_remote(file):
        return REMOTE_SECONDS
    path = Path(file)
    return SECONDS + (path.stat().st_size / BYTES_A_SECOND if path.is_file() else 0)


def _limit_cpu(seconds: float) -> None:
    """Let this process use so many more seconds of CPU time; then the system ends it."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = math.ceil(time.process_time() + seconds)
    if hard != resource.RLIM_INFINITY:  # at the hard limit, the signal would be SIGKILL
        soft = max(1, min(soft, hard - 1))
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
