"""How far a long job has come: a small file, which the console of a run and the viewer read."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from lfpscope.formatting import duration_text

PROGRESS = ".progress.json"
"""Name of the file, in the folder of a probe."""
PAUSE_S = 0.5  # seconds between two notes
LEAST_S = 1.0  # seconds without which nothing is said about the time left
_noted_in: ContextVar[Path | None] = ContextVar("noted_in", default=None)


@dataclass(frozen=True)
class Stage:
    """How far a job has come.

    Attributes
    ----------
    what : str
        What is done, as in "summarise".
    done, total : int
        Bytes; the total is 0 where it is not known.
    seconds : float
        Since the first part was done: it waits for what is compiled or asked of a server.
    begun : int
        Bytes that had been done by then.
    """

    what: str
    done: int
    total: int
    seconds: float
    begun: int = 0

    @property
    def text(self) -> str:
        """In words: share, rate, time left."""
        words = [f"{self.done / 1e6:.0f} MB"]
        if self.total:
            words = [f"{100 * self.done / self.total:.0f} % of {self.total / 1e6:.0f} MB"]
        new = self.done - self.begun
        if self.seconds >= LEAST_S and new > 0:
            rate = new / self.seconds
            words.append(f"{rate / 1e6:.3g} MB/s")
            if self.total:
                words.append(f"{duration_text((self.total - self.done) / rate)} left")
        return f"{self.what} {', '.join(words)}"


@contextmanager
def noted_in(folder: Path) -> Iterator[None]:
    """Let what goes on meanwhile note its progress in a folder; the note is removed at the end."""
    token = _noted_in.set(folder / PROGRESS)
    try:
        yield
    finally:
        _noted_in.reset(token)
        with suppress(OSError):
            (folder / PROGRESS).unlink(missing_ok=True)


class Progress:
    """Notes how far a job has come, now and then, if a folder for that was named.

    Parameters
    ----------
    what : str
        What is done.
    total : int, optional
        Bytes, where that is known.
    begun : int
        Bytes that were done before.
    """

    def __init__(self, what: str, total: int | None, begun: int = 0) -> None:
        self._path = _noted_in.get()
        self._what, self._total, self._begun, self._done = what, total or 0, begun, begun
        self._start: float | None = None  # when the first part was done
        self._due = 0.0

    def __enter__(self) -> Self:
        self._note(0.0)
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, n: int) -> None:
        """Count `n` bytes more."""
        self._done += n
        now = time.monotonic()
        if self._start is None:
            self._start, self._begun = now, self._done
        if now >= self._due:
            self._due = now + PAUSE_S
            self._note(now - self._start)

    def _note(self, seconds: float) -> None:
        if self._path is None:
            return
        stage = Stage(self._what, self._done, self._total, seconds, self._begun)
        part = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with suppress(OSError):  # a full disk is the job's own to say
            part.write_text(json.dumps(asdict(stage)))
            part.replace(self._path)


def read_progress(folder: Path) -> Stage | None:
    """Read how far the job of a probe has come; None where nothing is known of one."""
    try:
        return Stage(**json.loads((folder / PROGRESS).read_text()))
    except (OSError, ValueError, TypeError):
        return None
