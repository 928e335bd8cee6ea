"""Gestures on screens with two pixels in one of the page, in windows of three widths."""

import re
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.browser
PROBES = ("100000021", "100000022")
Tab = Any  # of conftest.py
Open = Callable[..., Tab]
SHAPE = f"""() => {{
    const image = pageModel("picture {PROBES[0]}").data.image[0]
    const plot = pageModels().find(({{name}}) => name == "traces")
    return [image.shape[0] / plot.inner_height, image.shape[1] / plot.inner_width]
}}"""


@pytest.mark.parametrize(("width", "height"), [(1000, 700), (1440, 800), (2560, 700)])
def test_gestures_with_two_pixels_in_one(
    open_tab: Open, address: str, width: int, height: int
) -> None:
    tab = open_tab(f"{address}?mode=signed&t=40-44", width, height, 2)
    for probe in range(len(PROBES)):
        tab.wait_for("every sample", probe)
    tab.settle()
    assert tab.evaluate(f"({SHAPE})()") == pytest.approx([2, 2], rel=0.01)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    # the reading is of the time and the row under the mouse
    tab.page.mouse.move(*tab.point(0.3, 0.6))
    x, y = tab.point(0.25, 0.5)
    tab.page.mouse.move(x, y)
    tab.page.locator(".reading", has_text=re.compile(r"^0:(40\.99|41\.00)")).wait_for()
    depth = float(tab.reading().split(" · ")[3].split()[0])
    assert depth == pytest.approx(480, abs=60)  # of 24 rows from 20 to 940 µm
    # the wheel zooms about the mouse, a drag moves what is under it
    tab.page.mouse.wheel(0, -200)
    tab.page.wait_for_function("() => pageModel('time').end - pageModel('time').start < 3.9")
    tab.settle()
    start, stop = tab.range
    assert (41 - start) / (stop - start) == pytest.approx(0.25, abs=0.01)
    for _ in range(20):  # a browser that is late takes a drag for a press
        tab.page.mouse.move(*tab.point(0.5))
        tab.page.mouse.down()
        for share in (0.4, 0.3, 0.25):  # moves within a frame are one, too few to pan
            tab.page.mouse.move(*tab.point(share), steps=3)
            tab.page.wait_for_timeout(100)
        tab.page.mouse.up()
        tab.settle()
        if tab.range != (start, stop):
            break
    moved, _ = tab.range
    assert moved - start == pytest.approx(0.25 * (stop - start), rel=0.05)
    # beside the picture: an area, depths, one channel alone
    plot = tab.page.locator(".bk-Plot.traces").nth(1).bounding_box()
    tab.page.mouse.click(plot["x"] - 12, plot["y"] + 0.3 * plot["height"])
    tab.page.wait_for_function("() => location.search.includes('areas=CA1')")
    tab.press("0")
    plot = tab.page.locator(".bk-Plot.traces").nth(1).bounding_box()
    tab.page.mouse.move(plot["x"] - 20, plot["y"] + 0.25 * plot["height"])
    tab.page.mouse.down()
    tab.page.mouse.move(plot["x"] - 20, plot["y"] + 0.4 * plot["height"])
    tab.page.mouse.move(plot["x"] - 20, plot["y"] + 0.75 * plot["height"])
    tab.page.mouse.up()
    tab.page.wait_for_function("() => location.search.includes('depths=')")
    tab.settle()
    low, high = map(float, re.search(r"depths=(\d+)-(\d+)", tab.page.url).groups())
    assert (high - low) / 40 == pytest.approx(7, abs=1)  # half of the 14 channels in CA1
    tab.page.mouse.click(*tab.point(0.5, 0.5, probe=1))
    tab.page.wait_for_function(f"() => location.search.includes('channel={PROBES[1]}:')")
    tab.page.wait_for_function("() => document.activeElement == document.body")  # no frame
    # the minimap moves the page to where it is clicked
    tab.move_to(40, 42)
    box = tab.page.locator(".minimap").bounding_box()
    frame = tab.evaluate(
        """(() => { const map = pageModels().find(({css_classes}) =>
            css_classes?.includes("minimap"))
            return [map.inner_width, map.x_range.start, map.x_range.end] })()"""
    )
    inner, first, last = frame
    right = box["x"] + box["width"] - 84
    tab.page.mouse.click(right - inner / 4, box["y"] + box["height"] / 2)
    tab.page.wait_for_function("() => pageModel('time').start > 43")
    tab.settle()
    assert sum(tab.range) / 2 == pytest.approx(first + 0.75 * (last - first), abs=1)
