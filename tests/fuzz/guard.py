"""Cases run in a process of their own: a crash, a hang and a gigabyte are seen and named."""

import multiprocessing
import os
import re
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

SECONDS = 10.0  # that a case may take,
PATIENCE = 3 * SECONDS  # where others keep the machine busy
MEGABYTES = 1000  # that it may need beside what is there when nothing is done

RIGHT = "right"
NAMED = "right but for what is named"
REFUSED = "refused in one line"
STORED = "as HDF5 reads it: the format cannot tell"
OWN = "the writer's own tale, of the source alone"
GOOD = (RIGHT, NAMED, REFUSED, STORED, OWN)


class Outcome(NamedTuple):
    """How a case ended: one of `GOOD`, or what is wrong; and a line on it."""

    word: str
    note: str = ""


class WrongError(Exception):
    """What came of a case is plausible, and wrong."""


def refused(message: str) -> Outcome:
    """Outcome of an error message: it must be one line that says something."""
    lines = message.splitlines()
    if len(lines) != 1 or len(message) < 20:
        return Outcome("not one line", message)
    return Outcome(REFUSED, message)


@dataclass
class Guard:
    """A process that works on one case after the other, and is replaced when it dies.

    Parameters
    ----------
    work : callable
        Takes a case and returns its outcome. What it raises is a traceback for the user.
    """

    work: Callable[[Any], Outcome]
    slowest: float = 0.0  # seconds that a case took
    largest: float = 0.0  # megabytes that one needed

    def __post_init__(self) -> None:
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("fork")  # what is imported need not be again
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self.work))
        self._process.start()
        theirs.close()

    def run(self, case: Any) -> Outcome:
        """Work on one case."""
        start = time.monotonic()
        self._pipe.send(case)
        try:
            if not self._pipe.poll(PATIENCE):
                return self._replaced(Outcome("hang", f"no answer in {PATIENCE:g} s"))
            outcome, megabytes = self._pipe.recv()
        except EOFError:
            self._process.join(60)
            code = self._process.exitcode or 0
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            return self._replaced(Outcome("crash", how))
        finally:
            self.slowest = max(self.slowest, time.monotonic() - start)
        self.largest = max(self.largest, megabytes)
        return Outcome(*outcome)

    def _replaced(self, outcome: Outcome) -> Outcome:
        self.close()
        self._start()
        return outcome

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join(60)
        self._pipe.close()


def _serve(pipe: Connection, work: Callable[[Any], Outcome]) -> None:
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    before = _megabytes("VmSize")
    most = int((before + 4 * MEGABYTES) * 1e6)  # so that the machine survives
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    while True:
        case = pipe.recv()
        Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
        before = _megabytes("VmHWM")
        try:
            outcome = work(case)
        except WrongError as error:
            outcome = Outcome("wrong", str(error))
        except Exception as error:  # noqa: BLE001 - whatever a user would see a traceback of
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(place.filename).name}:{place.lineno}"
            outcome = Outcome("traceback", f"{error!r} in {where}")
        needed = _megabytes("VmHWM") - before
        if needed > MEGABYTES:
            outcome = Outcome("memory", f"{needed:.0f} MB; else {outcome.word}")
        pipe.send((tuple(outcome), needed))


def _megabytes(kind: str) -> float:
    status = Path("/proc/self/status").read_text()
    return int(re.findall(rf"^{kind}:\s+(\d+)", status, re.MULTILINE)[0]) / 1024


@dataclass
class Counts:
    """How many cases of each kind ended how; those that are not good are printed."""

    found: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, kind: str, outcome: Outcome, case: Any, *, show: bool = False) -> None:
        """Count a case."""
        self.found.setdefault(kind, Counter())[outcome.word] += 1
        if outcome.word not in GOOD or show:
            print(f"{outcome.word}: {kind} {case}: {outcome.note}", flush=True)

    def show(self) -> int:
        """Print the counts; return how many cases ended as none may."""
        for kind, counter in self.found.items():
            words = ", ".join(f"{n} {word}" for word, n in counter.most_common())
            print(f"{kind}: {sum(counter.values())} tried: {words}")
        return sum(n for one in self.found.values() for word, n in one.items() if word not in GOOD)


def run_all(
    work: Callable[[Any], Outcome], cases: Iterable[tuple[str, Any]], *, show: bool = False
) -> int:
    """Run cases, each of a kind; print how many ended how; return how many as none may."""
    guard, counts = Guard(work), Counts()
    for kind, case in cases:
        counts.add(kind, guard.run(case), case, show=show)
    guard.close()
    print(f"the slowest took {guard.slowest:.1f} s, the largest {guard.largest:.0f} MB")
    return counts.show()


def finish(n_bad: int) -> None:
    """End the program."""
    sys.exit(f"{n_bad} cases ended as none may" if n_bad else 0)
