"""The viewer in Chromium: what a reader sees and does."""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser
PROBES = ("100000021", "100000022")  # the second one's clock has a gap
Tab = Any  # of conftest.py
Open = Callable[..., Tab]
Serve = Callable[..., AbstractContextManager[str]]


@pytest.fixture
def tab(open_tab: Open, address: str) -> Tab:
    """The viewer, showing traces of the whole recording."""
    tab = open_tab(f"{address}?mode=traces&gain=200")
    for probe in range(len(PROBES)):
        tab.wait_for("envelope of", probe)
    return tab


def test_shows_the_whole_recording_of_every_probe(tab: Tab) -> None:
    assert [0.05 < tab.ink(probe) < 1 for probe in PROBES] == [True, True]
    start, stop = tab.range
    assert (round(start, 2), round(stop, 1)) == (5.21, 149.7)
    for area in ("APN", "LP", "DG", "CA1"):
        assert area in tab.texts()
    assert tab.source("health")["what"] == [f"{PROBES[1]}: gap of 3.750 s in the clock"]
    assert [tab.source(f"channel marks {probe}")["marker"] for probe in PROBES] == [["x"], ["x"]]


def test_bokeh_serves_it(open_tab: Open, bokeh_serve: str) -> None:
    tab = open_tab(f"{bokeh_serve}?t=20-21")
    tab.wait_for("every sample", 1)
    tab.page.close()


def test_wheel_zooms_from_the_envelope_to_every_sample_and_back(tab: Tab) -> None:
    before = tab.range
    tab.wheel(12)
    tab.wait_for("every sample", 0)
    tab.wait_for("every sample", 1)
    start, stop = tab.range
    assert before[0] < start < stop < before[1]
    assert tab.ink(PROBES[0]) > 0.01
    tab.wheel(-14)
    tab.wait_for("envelope of", 0)


def test_dragging_pans(tab: Tab) -> None:
    tab.wheel(6)
    start, stop = tab.range
    tab.drag(0.6, 0.4)
    tab.settle()
    after = tab.range
    assert after[0] - start == pytest.approx(0.2 * (stop - start), rel=0.05)
    assert after[1] - after[0] == pytest.approx(stop - start)


def test_box_zoom_and_reset(tab: Tab) -> None:
    start, stop = tab.range
    tab.tool("x-box-zoom")
    is_active = "pageModels().some(({type, active}) => type == 'BoxZoomTool' && active)"
    tab.page.wait_for_function(is_active)  # until then a drag would pan
    tab.drag(0.25, 0.5)
    width = "pageModel('time').end - pageModel('time').start"
    tab.page.wait_for_function(f"(whole) => {width} < whole / 2", arg=stop - start)
    tab.settle()
    inside = tab.range
    assert inside[1] - inside[0] == pytest.approx(0.25 * (stop - start), rel=0.05)
    tab.tool("reset")
    tab.settle()
    assert tab.range == pytest.approx((start, stop))


def test_two_tabs_are_independent(tab: Tab, open_tab: Open, address: str) -> None:
    other = open_tab(address)
    other.wait_for("envelope of")
    whole = other.range
    tab.wheel(12)
    tab.wait_for("every sample")
    assert other.range == whole
    assert "envelope" in other.badge()


def test_a_gap_in_the_clock_stays_blank(tab: Tab) -> None:
    tab.move_to(91.5, 94)
    tab.wait_for("no samples here", 1)
    assert tab.ink(PROBES[1]) == 0
    assert tab.ink(PROBES[0]) > 0.01


def test_the_ends_of_the_recording_are_ends(tab: Tab) -> None:
    whole = tab.range
    tab.wheel(-3)
    assert tab.range == pytest.approx(whole)
    tab.wheel(6, x=0.98)
    tab.drag(0.9, 0.1)
    tab.press("ArrowRight", "ArrowRight")
    assert tab.range[1] == pytest.approx(whole[1])
    tab.wheel(-14, x=0.98)
    assert tab.range == pytest.approx(whole)
    entry = tab.page.get_by_placeholder("go to 1:02.5")
    entry.fill("500")
    entry.press("Enter")
    tab.page.get_by_text("The recording lasts from 0:05.2 to 2:29.7.").wait_for()


def test_a_session_moved_elsewhere_with_a_file_gone(
    open_tab: Open, serve: Serve, session: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "moved <b>here</b>"
    shutil.copytree(session, moved)
    references = moved / "probes" / PROBES[0] / "lfp.json"
    text = references.read_text()
    references.write_text(text.replace(f"data/{PROBES[0]}.nwb", "data/gone.nwb"))
    with serve(moved) as address:
        tab = open_tab(address)
        tab.wait_for("envelope of", 0)
        assert tab.ink(PROBES[1]) > 0.05
        message = tab.page.locator(".wrong").inner_text()
        assert "gone.nwb: No such file" in message
        tab.page.close()
