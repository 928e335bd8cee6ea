"""One thread that does the latest of many requests, or all of them.

Threads of the viewer: each page has six workers (pictures, sketches, readings, savings, marks,
lanes); the probes' slots and the page pool start threads that end by themselves; samples are read
and traces drawn by the pools of `lfpscope.samples` and `lfpscope.render`, which all pages share.
"""

import sys
import threading
import traceback
from collections.abc import Callable
from typing import Generic, TypeVar

Request = TypeVar("Request")


class Worker(Generic[Request]):
    """Does the latest request; those that it overtakes are dropped.

    Parameters
    ----------
    work : callable
        Gets a request, and a function that tells whether a newer one waits. Long work asks it
        from time to time and ends early.
    every : bool
        Whether it does all requests, in their order, even those that wait when it is stopped.
    """

    def __init__(
        self, work: Callable[[Request, Callable[[], bool]], None], *, every: bool = False
    ) -> None:
        self._work, self._every = work, every
        self._waiting: list[Request] = []
        self._changed = threading.Condition()
        self._stopped = False
        threading.Thread(target=self._run, daemon=True).start()

    def submit(self, request: Request) -> None:
        """Ask for something, instead of whatever still waits unless all is to be done."""
        with self._changed:
            self._waiting = [*self._waiting, request] if self._every else [request]
            self._changed.notify()

    def stop(self) -> None:
        """End the thread once it has done what it is at."""
        with self._changed:
            self._stopped = True
            self._waiting = self._waiting if self._every else []
            self._changed.notify()

    def _stale(self) -> bool:
        return bool(self._waiting) or self._stopped

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._stale)
                if not self._waiting:
                    return
                request = self._waiting.pop(0)
            try:
                self._work(request, self._stale)
            except Exception:  # noqa: BLE001 - the thread must outlive a request that fails
                traceback.print_exc(file=sys.stderr)
