"""Views on demand: made by a process, one at a time, given up when nobody wants them."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import recorded
from bokeh.document import Document

from lfpscope.envelope.read import OpenProbe
from lfpscope.envelope.transformed import SummarisedView, transformed
from lfpscope.signals.transform import parse_transform
from lfpscope.summary.asked_view import bound_folder
from lfpscope.viewer.asked_views import AskedView, Makers, is_made
from lfpscope.viewer.page_views import PageViews
from lfpscope.viewer.picture import asked_view, draw_probe
from lfpscope.viewer.view_state import State

LONG = State(0.0, 1000.0, 1e6, probes=("probe",), transform="median >20Hz")
GENEROUS_S = 300.0


@pytest.fixture
def probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenProbe:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "session/probes/probe"
    folder.mkdir(parents=True)
    data = recorded.walk(800_000, 4, step=1.0).astype(np.int16)
    return recorded.probe(recorded.index(folder, data, chunks=(100_000, 2)))


def wait(makers: Makers, until: Callable[[], bool]) -> None:
    end = time.monotonic() + GENEROUS_S
    while not until():
        assert time.monotonic() < end
        makers.look()
        time.sleep(0.05)


def asked_of(probe: OpenProbe, state: State = LONG) -> AskedView:
    asked = asked_view(probe, state)
    assert asked is not None
    return asked


@pytest.mark.slow
def test_a_view_replaces_what_was_recorded(probe: OpenProbe) -> None:
    before = draw_probe(probe, LONG, 200, 100)
    assert before.badge().startswith("AS RECORDED, not yet median >20Hz · envelope")
    asked = asked_of(probe)
    assert before.awaits == asked
    makers = Makers()
    makers.want(1, {"probe": asked})
    assert makers.describe(asked).startswith("median >20Hz")
    wait(makers, lambda: is_made(asked))
    after = draw_probe(probe, LONG, 200, 100)
    assert after.awaits is None
    assert after.badge().startswith("median >20Hz · envelope")
    found = transformed(probe, parse_transform(LONG.transform), np.zeros(4, np.bool_))
    assert isinstance(found, SummarisedView)
    # another channel as bad is another reference
    marked = asked_of(probe, replace(LONG, bad=frozenset({("probe", 2)})))
    assert marked.marked
    assert marked.view != asked.view
    wait(makers, lambda: not asked.progress.exists())


@pytest.mark.slow
def test_what_nobody_wants_is_given_up_and_a_failure_is_named(probe: OpenProbe) -> None:
    makers, asked = Makers(), asked_of(probe)
    makers.want(1, {"probe": asked})
    makers.want(2, {"probe": asked})
    makers.want(1, {})
    assert asked.progress.exists()  # the other page wants it
    makers.want(2, {})
    assert not asked.progress.exists()
    assert not is_made(asked)
    wrong = replace(asked, envelope=f"{asked.envelope}.gone")
    makers.want(1, {"probe": wrong})
    wait(makers, lambda: "cannot be made" in makers.describe(wrong))
    assert "no such file" in makers.describe(wrong)
    makers.stop()


def test_short_views_and_what_cannot_be_done_ask_for_nothing(probe: OpenProbe) -> None:
    assert asked_view(probe, LONG.at(0.0, 10.0)) is None
    assert asked_view(probe, replace(LONG, transform="")) is None
    assert asked_view(probe, replace(LONG, transform=">700Hz")) is None


def test_the_oldest_views_go(tmp_path: Path) -> None:
    for age, name in enumerate(("new", "older", "oldest")):
        path = tmp_path / name / "x.zarr.zip"
        path.parent.mkdir()
        path.write_bytes(bytes(1000))
        os.utime(path, (1e9 - age, 1e9 - age))
    bound_folder(tmp_path, most=2500)
    assert sorted(path.parent.name for path in tmp_path.glob("*/*.zip")) == ["new", "older"]
    bound_folder(tmp_path, most=10)
    assert [path.parent.name for path in tmp_path.glob("*/*.zip")] == ["new"]


def test_a_page_gives_up_what_it_asked_for_also_after_its_document() -> None:
    document = Document()
    views = PageViews(document, {}, lambda _name: None)
    document.callbacks.destroy()  # as the server does before it tells the page
    views.stop()
