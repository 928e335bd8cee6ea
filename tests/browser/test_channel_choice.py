"""Channels sorted, grouped and chosen on the page, in Chromium."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.browser
PROBES = ("100000021", "100000022")
Tab = Any  # of conftest.py
Open = Callable[..., Tab]
HAS_FOCUS = "() => document.activeElement == document.body"


@pytest.fixture
def tab(open_tab: Open, address: str) -> Tab:
    """The viewer, showing traces of ten seconds."""
    tab = open_tab(f"{address}?mode=traces&gain=200&t=40-50")
    for probe in range(len(PROBES)):
        tab.wait_for("every sample", probe)
    return tab


def axis_titles(tab: Tab) -> list[str]:
    """Of the panels."""
    return list(
        tab.evaluate("""() => pageModels().filter(({name}) => name == "traces")
            .map(({left}) => left[0].axis_label)""")
    )


def test_rows_are_sorted_and_grouped_and_columns_completed(tab: Tab) -> None:
    menu = tab.page.locator(".lfpscope-completion")
    order = tab.page.get_by_placeholder("sort by depth")
    order.click()
    tab.page.keyboard.type("ar")
    assert menu.inner_text() == "area"
    tab.page.keyboard.press("Tab")
    assert order.input_value() == "area"
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_function("() => location.search.includes('sort=area')")
    tab.settle()
    tab.page.wait_for_function(HAS_FOCUS)
    assert tab.source(f"blocks {PROBES[0]}")["text"] == ["APN", "LP"]
    assert "· sorted by area ·" in tab.page.locator(".facts").nth(1).inner_text()
    assert set(axis_titles(tab)) == {"distance from the tip (µm)"}
    order.fill("-std")
    order.press("Enter")
    tab.page.wait_for_function("() => location.search.includes('sort=-std')")
    tab.settle()
    assert set(axis_titles(tab)) == {"std (µV)"}
    # depths are not chosen where rows are in another order
    box = tab.page.locator(".bk-Plot.traces").first.bounding_box()
    tab.page.mouse.move(box["x"] + 20, box["y"] + 60)
    tab.page.mouse.wheel(0, -100)
    tab.page.locator(".message", has_text="The rows follow std").wait_for()
    order.fill("hue")
    order.press("Enter")
    tab.page.locator(".message", has_text="No column hue (there are ").wait_for()
    order.fill("")
    order.press("Enter")
    tab.page.wait_for_function("() => !location.search.includes('sort')")
    where = tab.page.get_by_placeholder('500-1500 or area == "CA1"')
    where.click()
    tab.page.keyboard.type('area == "d')
    assert menu.inner_text() == '"DG"'
    tab.page.keyboard.press("Escape")  # closes the menu first
    assert not menu.count()
    assert where.input_value() == 'area == "d'
    tab.page.keyboard.press("ArrowDown")
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.type(" and dep")
    menu.get_by_text("depth", exact=True).click()
    tab.page.keyboard.type(" > 100")
    assert where.input_value() == 'area == "DG" and depth > 100'
    tab.page.keyboard.press("Escape")  # leaves the box
    tab.page.wait_for_function(HAS_FOCUS)
    tab.page.wait_for_function("() => location.search.includes('where=area')")
    assert "channel" not in menu.all_inner_texts()


def test_areas_left_out_are_named_in_grey_and_come_back_by_a_click(tab: Tab) -> None:
    strip = tab.page.locator(".bk-Plot.traces").nth(1).bounding_box()
    x, y = strip["x"] - 12, strip["y"] + 0.3 * strip["height"]
    tab.page.keyboard.down("Shift")
    tab.page.mouse.click(x, y)
    tab.page.keyboard.up("Shift")
    tab.page.wait_for_function("() => location.search.includes('areas=')")
    tab.settle()
    assert tab.source(f"left out {PROBES[1]}")["area"] == ["CA1"]
    assert tab.page.evaluate(f"() => pageModel('left out {PROBES[0]}') == null")  # none of it
    names = tab.source(f"left out {PROBES[1]}")
    box = tab.page.locator(".bk-Plot.traces").nth(1).bounding_box()
    y = box["y"] + (1 - names["y"][0]) * box["height"]
    tab.page.mouse.click(box["x"] - 40, y)
    tab.page.wait_for_function("() => !location.search.includes('areas=')")
    tab.settle()
    assert tab.source(f"left out {PROBES[1]}")["area"] == []
    tab.choose("all areas", "CA1")
    tab.wait_for("no channel of this probe is among those chosen")
    assert set(tab.source(f"left out {PROBES[0]}")["area"]) == {"APN", "LP"}
    bars = """() => pageModels().filter(({name}) => name == "traces")
        .map(({center}) => center.filter(({type}) => type == "BoxAnnotation")[0].visible)"""
    assert tab.evaluate(f"({bars})()") == [False, True]  # an empty panel has no scale


def test_a_butterfly_has_microvolts_and_names_the_channel_under_the_mouse(tab: Tab) -> None:
    labels = """() => pageModels().filter(({name}) => name == "traces")
        .map(({left}) => [...left[0].major_label_overrides.values()])[0]"""
    depths = tab.evaluate(f"({labels})()")
    tab.press("y")
    assert "mode=butterfly" in tab.page.url
    tab.page.wait_for_function(f"() => ({labels})().includes('0') && ({labels})().length > 2")
    assert axis_titles(tab) == ["µV", "µV"]
    assert len(tab.source(f"lines {PROBES[0]}")["colour"]) == 24
    tab.page.mouse.move(*tab.point(0.4, 0.5))
    tab.page.mouse.move(*tab.point(0.5, 0.5))
    tab.page.locator(".reading", has_text="channel").wait_for()
    channel = tab.reading().split(" · ")[2].split()[1]
    tab.page.mouse.click(*tab.point(0.5, 0.5))
    tab.page.wait_for_function(f"() => location.search.includes('channel={PROBES[0]}:{channel}')")
    tab.press("Escape", "y")
    assert "mode=" not in tab.page.url
    assert axis_titles(tab)[0] == "distance from the tip (µm)"
    assert tab.evaluate(f"({labels})()") == depths
    assert tab.source(f"lines {PROBES[0]}")["colour"] == []


def test_probes_share_a_scale_of_depth(open_tab: Open, address: str) -> None:
    heights = """() => pageModels().filter(({name}) => name == "traces")
        .map(({y_range, inner_height}) => inner_height / (y_range.end - y_range.start))"""
    tab = open_tab(f"{address}?t=40-42&mode=signed")
    tab.wait_for("every sample", 1)
    tab.page.get_by_placeholder('500-1500 or area == "CA1"').fill('area != "CA1"')
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_function("() => location.search.includes('where=')")
    tab.choose("fit spacing", "depth scale")
    assert "scale=common" in tab.page.url
    rows, fewer = tab.evaluate(f"({heights})()")
    assert fewer / rows == pytest.approx(10 / 24, rel=0.01)  # DG alone of the second probe
    # above the rows of the second one there is nothing
    tab.page.mouse.move(*tab.point(0.5, 0.2, probe=1))
    tab.page.mouse.move(*tab.point(0.51, 0.2, probe=1))
    tab.press("d")
    assert "scale=" not in tab.page.url
    assert tab.evaluate(f"({heights})()")[1] > fewer
