"""Calls that end their process: named, and the next one is made in another."""

import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lfpscope.errors import UserError
from lfpscope.hdf5 import isolation
from lfpscope.hdf5.isolation import IsolatedReader

pytestmark = pytest.mark.slow  # servers, processes and large files


def for_ever() -> None:
    while True:
        pass


def test_what_is_returned_and_what_is_raised() -> None:
    with IsolatedReader() as other:
        assert other.call("a.nwb", max, 1, 2) == 2
        assert other.call("a.nwb", os.getpid) != os.getpid()
        with pytest.raises(ValueError, match="invalid literal"):
            other.call("a.nwb", int, "x")


def kill_self(number: int) -> None:
    os.kill(os.getpid(), number)


def crash() -> None:
    ctypes.string_at(0)


RESTORE = "Download it again, or restore it from a copy."
ENDS: dict[str, tuple[Callable[..., object], tuple[int, ...], str]] = {
    "endless": (
        for_ever,
        (),
        f"its metadata are damaged: HDF5 found no end in 1 s of CPU time. {RESTORE}",
    ),
    "abort": (os.abort, (), f"its metadata are damaged: HDF5 crashes (SIGABRT). {RESTORE}"),
    "crash": (crash, (), f"its metadata are damaged: HDF5 crashes (SIGSEGV). {RESTORE}"),
    "memory": (
        kill_self,
        (signal.SIGKILL,),
        (
            "reading it was killed (SIGKILL), as the system does when memory runs out. "
            "Run again with more memory."
        ),
    ),
    "ended": (
        kill_self,
        (signal.SIGTERM,),
        "reading it was ended from outside (SIGTERM). Run again.",
    ),
    "exit": (os._exit, (3,), "reading it ended with exit code 3. See the log."),
    "hangs": (
        time.sleep,
        (60,),
        (
            "no answer in 3 s: its disk or server hangs. "
            "Check that the file can be copied, and run again."
        ),
    ),
}


@pytest.mark.parametrize("how", ENDS)
def test_a_call_that_ends_its_process(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "SECONDS", 1.0)
    monkeypatch.setattr(isolation, "WAIT_SECONDS", 3.0 if how == "hangs" else 60.0)
    function, arguments, message = ENDS[how]
    with IsolatedReader() as other:
        with pytest.raises(UserError) as raised:
            other.call("a.nwb", function, *arguments)
        assert str(raised.value) == f"a.nwb: {message}"
        monkeypatch.setattr(isolation, "WAIT_SECONDS", 60.0)
        assert other.call("a.nwb", max, 1, 2) == 2


def test_a_process_that_is_killed_between_two_calls() -> None:
    with IsolatedReader() as other:
        os.kill(other.call("a.nwb", os.getpid), signal.SIGKILL)
        with pytest.raises(UserError, match="killed"):
            other.call("a.nwb", max, 1, 2)
        assert other.call("a.nwb", max, 1, 2) == 2


LIMITED = """
import resource
from lfpscope.hdf5 import isolation
from lfpscope.errors import UserError

def for_ever():
    while True:
        pass

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CPU, (3, 3))
    isolation.SECONDS = 60.0
    with isolation.IsolatedReader() as other:
        try:
            other.call("a.nwb", for_ever)
        except UserError as error:
            print(error)
"""


@pytest.mark.slow
def test_a_limit_of_the_computer_is_no_damage(tmp_path: Path) -> None:
    program = tmp_path / "limited.py"
    program.write_text(LIMITED)
    run = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.strip() == (
        "a.nwb: its metadata took more CPU time than is allowed here (60 s, of the 3 s of "
        "`ulimit -Ht`). Raise the limit and run again."
    )


def test_where_less_time_is_allowed_anyway(monkeypatch: pytest.MonkeyPatch) -> None:
    with IsolatedReader() as other:
        other.call("a.nwb", resource.setrlimit, resource.RLIMIT_CPU, (100, 100))
        monkeypatch.setattr(isolation, "SECONDS", 1000.0)
        assert other.call("a.nwb", max, 1, 2) == 2


def test_waiting_is_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "SECONDS", 0.5)
    with IsolatedReader() as other:
        other.call("a.nwb", time.sleep, 1.5)


KILLED = """
import os, signal
from lfpscope.hdf5.isolation import IsolatedReader

if __name__ == "__main__":
    print(IsolatedReader().call("a.nwb", os.getpid), flush=True)
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
