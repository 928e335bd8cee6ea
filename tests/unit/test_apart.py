"""Calls that end their process: named, and the next one is made in another."""

import os
import resource
import time

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
