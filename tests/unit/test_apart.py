"""Calls that end their process: named, and the next one is made in another."""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lfpscope import apart
from lfpscope.apart import Apart
from lfpscope.files import UserError


def for_ever() -> None:
    while True:
        pass


def test_what_is_returned_and_what_is_raised() -> None:
    with Apart() as other:
        assert other.read("a.nwb", max, 1, 2) == 2
        assert other.read("a.nwb", os.getpid) != os.getpid()
        with pytest.raises(ValueError, match="invalid literal"):
            other.read("a.nwb", int, "x")


def test_a_call_that_crashes_or_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "SECONDS", 0.5)
    with Apart() as other:
        for harm in (os.abort, for_ever):
            with pytest.raises(UserError, match=r"^a\.nwb: HDF5 crashes or finds no end in it"):
                other.read("a.nwb", harm)
        assert other.read("a.nwb", max, 1, 2) == 2


def test_where_less_time_is_allowed_anyway(monkeypatch: pytest.MonkeyPatch) -> None:
    with Apart() as other:
        other.read("a.nwb", resource.setrlimit, resource.RLIMIT_CPU, (100, 100))
        monkeypatch.setattr(apart, "SECONDS", 1000.0)
        assert other.read("a.nwb", max, 1, 2) == 2


def test_waiting_is_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "SECONDS", 0.5)
    with Apart() as other:
        other.read("a.nwb", time.sleep, 1.5)


KILLED = """
import os, signal
from lfpscope.apart import Apart

if __name__ == "__main__":
    print(Apart().read("a.nwb", os.getpid), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_it_ends_with_a_program_that_is_killed(tmp_path: Path) -> None:
    program = tmp_path / "killed.py"
    program.write_text(KILLED)
    # the other process holds the output open as long as it lives
    run = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == -9
    stop = time.monotonic() + 30
    while lives(int(run.stdout)):
        assert time.monotonic() < stop, "it outlives the program"
        time.sleep(0.02)


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
