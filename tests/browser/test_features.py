"""What the viewer offers beyond pan and zoom, in Chromium."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.signal
from playwright.sync_api import Browser
from serving import serve as serve_files

from lfpscope.viewer.style import LEFT, RIGHT, STRIP

pytestmark = pytest.mark.browser
PROBES = ("100000021", "100000022")
SCRIPTS = Path(__file__).parents[2] / "scripts"
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


@pytest.fixture
def copy(session: Path, tmp_path: Path) -> Path:
    """A copy of the session, to be changed."""
    return Path(shutil.copytree(session, tmp_path / "demo-2"))


CHOSEN = """pageModels().filter(({name}) => name == "mode")
    .map(({labels, active}) => labels[active])"""


def test_modes_of_one_probe_and_of_all(tab: Tab) -> None:
    tab.page.get_by_text("amplitude", exact=True).nth(1).click()
    tab.settle()
    assert f"mode={PROBES[0]}:heat,{PROBES[1]}:traces" in tab.page.url
    assert tab.ink(PROBES[0]) > 0.9
    tab.choose("mode by zoom", "signed map")
    assert "mode=signed" in tab.page.url
    assert tab.ink(PROBES[1]) > 0.5
    tab.press("h")
    assert "mode=heat" in tab.page.url


# a colour bar's ends and its labels come one after the other; one without ticks of its own is the
# spectrogram's
IN_STEP = """() => pageModels()
    .filter(({type, visible, ticker}) => type == "ColorBar" && visible && ticker.ticks)
    .every(({color_mapper: {high}, ticker: {ticks}}) => ticks.at(-1) == high)"""


def test_the_mode_suits_the_zoom_and_the_colours_have_a_bar(open_tab: Open, address: str) -> None:
    tab = open_tab(address)
    tab.wait_for("envelope of", 1)
    tab.settle()
    bars = """pageModels()
        .filter(({type, visible, ticker}) => type == "ColorBar" && visible && ticker.ticks)
        .map(({color_mapper, ticker, major_label_overrides}) => [color_mapper.low,
            color_mapper.high, [...ticker.ticks], [...major_label_overrides.values()]])"""
    assert tab.evaluate(CHOSEN) == ["amplitude"] * 2
    tab.page.wait_for_function(IN_STEP)
    for low, high, ticks, texts in tab.evaluate(bars):
        assert [low, *ticks] == [0, 0, high]
        assert (texts[0], texts[1]) == ("0", f"{high:g} µV")
    tab.move_to(40, 44)
    assert tab.evaluate(CHOSEN) == ["signed map"] * 2
    tab.page.wait_for_function(IN_STEP)
    for low, high, ticks, texts in tab.evaluate(bars):
        assert (low, ticks) == (-high, [-high, 0, high])
        assert texts == [f"−{high:g} µV", "0", f"+{high:g} µV"]
    tab.press("h", "h")  # the user's own choice stays
    assert "mode=traces" in tab.page.url
    tab.press("0")
    assert tab.evaluate(CHOSEN) == ["traces"] * 2
    tab.press("a")
    assert "mode" not in tab.page.url
    assert tab.evaluate(CHOSEN) == ["amplitude"] * 2


def test_gain_by_key_and_menu(tab: Tab) -> None:
    tab.move_to(40, 41)
    before = tab.ink(PROBES[0])
    gain = float(re.search(r"gain=([\d.]+)", tab.page.url)[1])
    tab.press("ArrowUp", "ArrowUp")
    assert float(re.search(r"gain=([\d.]+)", tab.page.url)[1]) < gain / 3
    assert tab.ink(PROBES[0]) > before
    tab.choose("gain 200 µV", "gain 2 mV")
    assert "gain=2000" in tab.page.url
    assert tab.ink(PROBES[0]) < before
    tab.press("g")
    assert "gain=auto" in tab.page.url
    tab.press("ArrowDown")  # from the gain that is shown
    assert re.search(r"gain=\d", tab.page.url)


def test_areas_and_every_nth_channel_by_menu(tab: Tab) -> None:
    tab.choose("all areas", "CA1")
    assert "areas=CA1" in tab.page.url
    assert "CA1" in tab.texts()
    assert "DG" not in tab.texts()
    # the other probe has none: an empty panel that says so
    tab.wait_for("no channel of this probe is among those chosen")
    headings = tab.page.locator(".heading").all_inner_texts()[1:]
    assert ["· 0 of " in text for text in headings] == [True, False]
    assert not tab.source(f"picture {PROBES[0]}")["image"]
    tab.page.mouse.move(*tab.point(0.4))
    tab.page.locator(".reading", has_text="no channel or sample here").wait_for()
    tab.choose("all areas", "+ DG")
    assert "areas=CA1,DG" in tab.page.url
    tab.choose("all areas", "− CA1")
    assert "areas=DG" in tab.page.url
    tab.choose("all areas", "all areas")
    assert "DG" in tab.texts()
    tab.choose("every channel", "every 8th channel")
    assert "every=8" in tab.page.url


def test_an_area_is_chosen_by_a_click(tab: Tab) -> None:
    box = tab.page.locator(".bk-Plot.traces").nth(1).bounding_box()
    x, y = box["x"] - 12, box["y"] + 0.3 * box["height"]
    tab.page.mouse.click(x, y)
    tab.page.wait_for_function("() => location.search.includes('areas=CA1')")
    tab.settle()
    tab.page.wait_for_timeout(500)  # or it would be a double click
    tab.page.mouse.click(x, y)
    tab.page.wait_for_function("() => !location.search.includes('areas')")
    tab.settle()
    tab.page.wait_for_timeout(500)
    shown = set(tab.texts())
    tab.page.keyboard.down("Shift")
    tab.page.mouse.click(x, y)  # leaves it out
    tab.page.keyboard.up("Shift")
    tab.page.wait_for_function("() => location.search.includes('areas')")
    tab.settle()
    assert "CA1" not in tab.short_address()
    assert "CA1" in shown - set(tab.texts())


def test_a_box_over_depths_shows_these(tab: Tab) -> None:
    before = tab.range
    box = tab.page.locator(".bk-Plot.traces").nth(1).bounding_box()
    top, bottom = (box["y"] + share * box["height"] for share in (0.25, 0.5))
    found = []
    for x in (-20, 20, 300):  # the strip of areas, the axis, and with Shift the picture
        if x == 300:
            tab.page.keyboard.down("Shift")
        tab.page.mouse.move(box["x"] + x, top)
        tab.page.mouse.down()
        tab.page.mouse.move(box["x"] + x + 9, (top + bottom) / 2)
        tab.page.mouse.move(box["x"] + x, bottom)
        tab.page.mouse.up()
        tab.page.keyboard.up("Shift")
        tab.page.wait_for_function("() => location.search.includes('depths')")
        tab.settle()
        found += re.findall(r"&depths=[^&]*", tab.short_address())
        assert "7 of 24 channels" in tab.page.locator(".heading").nth(2).inner_text()
        assert "areas" not in tab.page.url
        assert "channel=" not in tab.page.url
        entry = tab.page.get_by_placeholder('500-1500 or area == "CA1"')
        entry.fill("")
        entry.press("Enter")
        tab.page.wait_for_function("() => !location.search.includes('depths')")
        tab.settle()
    assert len(set(found)) == 1
    assert tab.range == before


def test_a_name_in_the_lane_hides_its_intervals(tab: Tab) -> None:
    names = tab.source("spans")["name"]
    assert "flash <b>" in " ".join(names)
    box = tab.page.locator(".bk-Plot.moves:not(.traces)").first.bounding_box()
    for address in ("&without=intervals", ""):
        tab.page.mouse.click(box["x"] + 60, box["y"] + 9)
        tab.page.wait_for_function(
            "(there) => location.search.includes('without') == there", arg=bool(address)
        )
        tab.settle()
        tab.page.wait_for_timeout(500)  # or it would be a double click
        assert tab.short_address().endswith(address)
        assert tab.source("spans")["name"] == ([] if address else names)


def test_the_wheel_zooms_in_depth_beside_the_picture(tab: Tab) -> None:
    before = tab.range
    box = tab.page.locator(".bk-Plot.traces").first.bounding_box()
    for x in (-12, 20):  # the strip of areas, and the axis
        tab.page.mouse.move(box["x"] + x, box["y"] + box["height"] / 2)
        tab.page.mouse.wheel(0, -100)
        tab.page.wait_for_function("() => location.search.includes('depths')")
        tab.settle()
        assert " of 24 channels" in tab.page.locator(".heading").nth(1).inner_text()
        tab.page.mouse.wheel(0, 100)
        tab.page.wait_for_function("() => !location.search.includes('depths')")
        tab.settle()
    assert tab.range == before


def test_a_hidden_probe_takes_no_room(tab: Tab) -> None:
    pictures = """pageModels()
        .filter(({name}) => name == "traces").map(({inner_height}) => inner_height)"""
    heights = tab.evaluate(pictures)
    button = tab.page.get_by_role("button", name=PROBES[0])
    button.click()
    tab.page.wait_for_function(
        f"(both) => {pictures}.some((height) => height > both)", arg=sum(heights)
    )
    assert tab.page.locator(".bk-Plot.traces:visible").count() == 1
    tab.page.wait_for_function(f"() => location.search.includes('probes={PROBES[1]}')")
    button.click()
    tab.page.wait_for_function(f"(before) => `${{{pictures}}}` == `${{before}}`", arg=heights)
    tab.page.wait_for_function("() => !location.search.includes('probes')")


def test_a_click_on_its_name_makes_a_probe_large(tab: Tab) -> None:
    pictures = """pageModels()
        .filter(({name}) => name == "traces").map(({inner_height}) => inner_height)"""
    heights = tab.evaluate(pictures)
    name = tab.page.locator(".probe-name").nth(1)
    name.click()
    tab.page.wait_for_function(f"() => location.search.includes('large={PROBES[1]}')")
    tab.page.wait_for_function(f"(both) => Math.max(...{pictures}) > 0.7 * both", arg=sum(heights))
    tab.settle()
    assert 15 < min(tab.evaluate(pictures)) < 50
    name.click()
    tab.page.wait_for_function(f"(before) => `${{{pictures}}}` == `${{before}}`", arg=heights)
    tab.press("o")
    assert "large=" in tab.page.url


@pytest.mark.parametrize("width", [700, 3840])
def test_a_window_of_any_width_has_all_controls(open_tab: Open, address: str, width: int) -> None:
    tab = open_tab(address, width=width)
    tab.wait_for("envelope of", 1)
    controls = tab.page.locator("button:visible, select:visible, input:visible").all()
    boxes = [control.bounding_box() for control in controls]
    assert len(boxes) > 15
    assert [box for box in boxes if box["x"] < 0 or box["x"] + box["width"] > width] == []
    pictures = tab.page.locator(".bk-Plot.traces").first.bounding_box()
    assert pictures["width"] == pytest.approx(width - 92, abs=30)


def test_a_range_of_depths(tab: Tab, session: Path) -> None:
    entry = tab.page.get_by_placeholder('500-1500 or area == "CA1"')
    entry.fill("400-100")
    entry.press("Enter")
    tab.page.wait_for_function("() => location.search.includes('depths=100-400')")
    tab.settle()
    entry.evaluate("(element) => element.blur()")
    tab.page.mouse.move(*tab.point(0.5, 0.01))
    tab.page.mouse.move(*tab.point(0.5, 0.02))
    tab.page.locator(".reading", has_text=" µV").wait_for()
    depth = float(tab.reading().split(" · ")[3].split()[0])
    table = (session / "probes" / PROBES[0] / "channels.csv").read_text().splitlines()
    known = [float(row.split(",")[2]) for row in table[1:]]
    assert depth == max(one for one in known if 100 <= one <= 400)
    entry.fill("deep")
    entry.press("Enter")
    tab.page.get_by_text("Or write depths, as 500-1500").wait_for()
    entry.fill("")
    entry.press("Enter")
    tab.page.wait_for_function("() => !location.search.includes('depths')")


def test_pictures_have_the_pixels_of_the_screen(browser: Browser, address: str) -> None:
    for ratio in (1, 2):
        page = browser.new_page(device_scale_factor=ratio, viewport={"width": 900, "height": 600})
        page.goto(f"{address}?t=40-40.5")  # a sample is wider than a pixel
        page.wait_for_function(
            """([name, ratio]) => {
                const document = window.Bokeh?.documents[0]
                const image = document?.get_model_by_name(name)?.data.image[0]
                const plot = [...document?.all_models ?? []].find((model) => model.name == "traces")
                return image && image.shape[0] == plot.inner_height * ratio
                    && image.shape[1] == plot.inner_width * ratio
            }""",
            arg=[f"picture {PROBES[0]}", ratio],
            timeout=90_000,
        )
        page.close()


def test_the_page_says_what_it_shows(open_tab: Open, address: str, session: Path) -> None:
    tab = open_tab(f"{address}?t=40-42")
    tab.wait_for("every sample")
    tab.settle()
    width = tab.evaluate("pageModels().find(({name}) => name == 'traces').inner_width")
    title = tab.page.locator(".heading").first
    assert "2 probes · 2 min 24 s, from 0:05.2 to 2:29.7" in title.inner_text()
    shown = f"0:40.00 to 0:42.00 · 2 s · {2000 / width:.3g} ms in a pixel"
    assert title.locator(".shown").inner_text() == shown
    name = tab.page.locator(".facts b", has_text=PROBES[0])
    assert name.get_attribute("title").startswith(f"{session.parent}/data/{PROBES[0]}.nwb /acq")
    box = tab.evaluate("[pageModel('minimap box').left, pageModel('minimap box').right]")
    assert box == pytest.approx([40, 42])


def test_the_minimap_is_dragged(tab: Tab) -> None:
    tab.move_to(40, 60)
    box = tab.page.locator(".bk-Plot.minimap").bounding_box()
    left, width = box["x"] + STRIP + LEFT, box["width"] - STRIP - LEFT - RIGHT
    y = box["y"] + box["height"] / 2
    start, stop = 5.2143, 149.68

    def x(seconds: float) -> float:
        return float(left + (seconds - start) / (stop - start) * width)

    tab.page.mouse.move(x(50), y)
    tab.page.mouse.down()
    tab.page.mouse.move(x(70), y, steps=5)
    tab.page.mouse.up()
    tab.settle()
    assert tab.range == pytest.approx((60, 80), abs=1)
    tab.page.mouse.move(x(80), y)  # at an edge
    tab.page.mouse.down()
    tab.page.mouse.move(x(100), y, steps=5)
    tab.page.mouse.up()
    tab.settle()
    assert tab.range == pytest.approx((60, 100), abs=1)
    tab.move_to(40, 40.1)  # a box of a pixel, of the same length wherever it goes
    tab.page.mouse.click(x(90), y)
    tab.settle()
    assert tab.range == pytest.approx((89.95, 90.05), abs=0.3)
    tab.page.mouse.move(x(90), y)
    tab.page.mouse.down()
    tab.page.mouse.move(x(20), y, steps=5)
    tab.page.mouse.up()
    tab.settle()
    assert tab.range == pytest.approx((19.95, 20.05), abs=0.5)
    assert tab.range[1] - tab.range[0] == pytest.approx(0.1)
    tab.page.mouse.click(x(start) + 1, y)
    tab.settle()
    assert tab.range == pytest.approx((start, start + 0.1), abs=0.3)


def test_the_wheel_moves_in_time_with_shift_or_to_the_side(tab: Tab) -> None:
    tab.move_to(40, 50)
    tab.page.mouse.move(*tab.point(0.5))
    width = tab.evaluate("pageModels().find(({name}) => name == 'traces').inner_width")
    tab.page.keyboard.down("Shift")
    tab.page.mouse.wheel(0, width / 10)
    tab.page.keyboard.up("Shift")
    tab.settle()
    assert tab.range == pytest.approx((41, 51), abs=0.01)
    tab.page.mouse.wheel(-width / 5, 0)
    tab.settle()
    assert tab.range == pytest.approx((39, 49), abs=0.02)


def test_lengths_of_a_page_by_button(tab: Tab) -> None:
    tab.move_to(40, 60)
    for text, length in (("100 ms", 0.1), ("10 s", 10), ("1 min", 60)):
        tab.page.get_by_role("button", name=text, exact=True).click()
        tab.settle()
        assert tab.range[1] - tab.range[0] == pytest.approx(length)
        assert sum(tab.range) / 2 == pytest.approx(50)
    tab.wheel(1)
    tab.page.get_by_role("button", name="1 min", exact=True).click()  # again
    tab.settle()
    assert tab.range[1] - tab.range[0] == pytest.approx(60)
    tab.page.get_by_role("button", name="all", exact=True).click()
    tab.settle()
    assert tab.range == pytest.approx((5.2143, 149.68), abs=0.01)


def test_the_focus_returns_to_the_page_after_a_control(tab: Tab) -> None:
    tab.move_to(40, 50)
    menu = tab.page.locator("select").filter(has_text="auto gain")
    menu.focus()
    menu.select_option(label="gain 500 µV")
    tab.settle()
    tab.press("ArrowRight")
    assert tab.short_address() == "t=49-59&gain=500&mode=traces"
    entry = tab.page.get_by_placeholder("go to 1:02.5")
    entry.fill("1:00")
    entry.press("Enter")
    tab.wait_for_range(55, 65)
    tab.press("h")
    assert tab.short_address() == "t=55-65&gain=500&mode=signed"
    entry.fill("1:")
    tab.press("Escape", "h")
    assert tab.short_address() == "t=55-65&gain=500&mode=heat"


def test_back_shows_the_view_before(tab: Tab) -> None:
    tab.move_to(40, 50)
    for start in (60, 80):
        tab.page.wait_for_timeout(1100)  # a view that rests is an entry of the history
        tab.move_to(start, start + 10)
        tab.move_to(start + 1, start + 11)
    tab.page.keyboard.press("Backspace")
    tab.wait_for_range(61, 71)
    tab.page.go_back()
    tab.wait_for_range(40, 50)
    tab.page.go_forward()
    tab.wait_for_range(61, 71)
    tab.settle()
    assert tab.short_address() == "t=61-71&gain=200&mode=traces"


def test_keys_work_on_other_keyboards_and_with_caps_lock(tab: Tab) -> None:
    event = """([key, code]) => document.body.dispatchEvent(
        new KeyboardEvent("keydown", {key, code, bubbles: true, composed: true}))"""
    for key, code, mode in (
        ("\u0440", "KeyH", "signed"),  # a Cyrillic layout
        ("H", "KeyH", "heat"),  # caps lock
        ("h", "KeyJ", "traces"),  # the letter counts where it has a meaning
    ):
        tab.page.evaluate(event, [key, code])
        tab.settle()
        assert f"mode={mode}" in tab.page.url


def test_escape_closes_help_and_message(tab: Tab) -> None:
    before = tab.page.locator(".bk-Plot.traces").first.bounding_box()
    tab.press("?")
    assert tab.page.get_by_text("Shift wheel").is_visible()
    assert tab.page.locator(".bk-Plot.traces").first.bounding_box() == before
    tab.press("p", "p", "Escape")
    assert not tab.page.get_by_text("Shift wheel").is_visible()
    assert not tab.page.locator(".message").is_visible()


def test_the_reading_is_what_h5py_reads(tab: Tab, session: Path) -> None:
    tab.move_to(40, 40.2)
    tab.page.mouse.move(*tab.point(0.3, 0.4))
    tab.page.mouse.move(*tab.point(0.31, 0.41))
    tab.page.locator(".reading", has_text=" µV").wait_for()
    time, probe, channel, depth, area, sample, value = tab.reading().split(" · ")
    assert probe == PROBES[0]
    row, index = int(channel.split()[1]), int(sample.split()[1])
    with h5py.File(session.parent / "data" / f"{probe}.nwb") as nwb:
        series = nwb[f"acquisition/probe_{probe}_lfp/probe_{probe}_lfp_data"]
        electrodes = nwb["general/extracellular_ephys/electrodes"]
        ids = electrodes["id"][:].tolist()
        assert value == f"{series['data'][index, ids.index(row)] * 1e6:.3f} µV"
        assert depth == f"{electrodes['probe_vertical_position'][ids.index(row)]} µm"
        assert area == electrodes["location"].asstr()[ids.index(row)]
        seconds = series["timestamps"][index]
    assert time == f"0:{seconds:.4f}"


def test_the_address_reproduces_the_view(open_tab: Open, address: str) -> None:
    tab = open_tab(f"{address}?t=20-25&gain=200&mode=signed&areas=CA1&probes={PROBES[1]}")
    tab.wait_for("every sample", 0)
    assert tab.range == pytest.approx((20, 25))
    assert "CA1" in tab.texts()
    assert "DG" not in tab.texts()
    assert tab.page.locator(".badge:visible").count() == 1
    tab.settle()
    other = open_tab(tab.page.url)
    other.wait_for("every sample", 0)
    other.settle()
    name = f"picture {PROBES[1]}"
    assert other.source(name)["image"] == tab.source(name)["image"]


def test_what_the_address_says_wrongly_is_named(open_tab: Open, address: str) -> None:
    tab = open_tab(f"{address}?t=soon&gain=<b>x&areas=CA1,XYZ")
    tab.wait_for("envelope of", 1)
    assert tab.message() == "Not understood in the address: t=soon, gain=<b>x, areas=XYZ"
    tab.settle()
    assert "DG" not in tab.texts()


CUT = """(menus) => menus.filter((menu) => {
    const pen = document.createElement("canvas").getContext("2d")
    pen.font = getComputedStyle(menu).font
    const widest = Math.max(...[...menu.options].map((one) => pen.measureText(one.text).width))
    return menu.offsetWidth && widest + 26 > menu.offsetWidth // with the arrow
}).map((menu) => menu.selectedOptions[0].text)"""


def test_words_of_the_page(open_tab: Open, address: str) -> None:
    tab = open_tab(f"{address}?probes={PROBES[0]}", 1440, 900)
    tab.wait_for("envelope of")
    assert tab.page.locator("select").evaluate_all(CUT) == []
    # the reading stays under the mouse when the page moves, and goes with the mouse
    tab.page.mouse.move(*tab.point(0.5))
    tab.page.mouse.move(*tab.point(0.25))
    for keys in (), ("+", "+"), ("ArrowRight",):
        tab.press(*keys)
        start, stop = tab.range
        minutes, seconds = divmod(start + (stop - start) / 4, 60)
        near = f"{int(minutes)}:{seconds:07.4f}"[: 4 if not keys else 5]
        tab.page.locator(".reading", has_text=f"{near}").wait_for()
    tab.page.mouse.move(5, 5)
    tab.press("ArrowLeft")
    assert tab.reading() == ""
    # the help is as wide as the page, and Esc closes it
    tab.press("?")
    box = tab.page.locator("kbd").first.locator("xpath=ancestor::div[1]").bounding_box()
    assert box["width"] > 1200
    assert box["height"] < 400
    tab.press("Escape")
    assert tab.page.locator("kbd").first.is_hidden()
    # no probe at all is a choice that is kept
    tab.page.get_by_role("button", name=PROBES[0]).click()
    tab.page.wait_for_function("() => location.search.includes('probes=-')")
    tab.page.reload()
    tab.page.get_by_role("button", name=PROBES[0]).wait_for()
    assert tab.page.locator(".badge:visible").count() == 0
    assert "probes=-" in tab.page.url


def test_a_gap_is_hatched_and_named(tab: Tab) -> None:
    tab.move_to(88, 98)
    (what,) = tab.source(f"gaps {PROBES[1]}")["what"]
    assert what.startswith("gap of ")
    assert tab.source(f"gaps {PROBES[0]}")["what"] == []


def test_intervals_are_shaded_named_and_visited(tab: Tab) -> None:
    flashes = ["flash <b>", "flash <b>"]
    assert sorted(tab.source("spans")["name"]) == ["drifting gratings", *flashes, "spontaneous"]
    tab.move_to(20, 40)
    tab.press("n")  # the onset at a quarter of the page
    assert tab.range == pytest.approx((25, 45))
    tab.press("n", "n")
    assert tab.range == pytest.approx((56, 76))
    tab.press("p")
    assert tab.range == pytest.approx((28, 48))
    tab.press("n", "n")
    assert tab.message() == "There is no interval after this one."
    tab.page.get_by_role("button", name="◀").nth(1).click()
    tab.settle()
    assert tab.range == pytest.approx((28, 48))
    tab.press("0", "n")  # from the complete recording to the first one
    assert tab.range[0] < 20 < tab.range[1]
    assert not tab.page.locator(".message").is_visible()
    tab.move_to(62, 64)  # all within one interval: its name is where the cursor is
    tab.page.mouse.move(*tab.point(0.5, 0.5))
    tab.page.mouse.move(*tab.point(0.5, 0.51))
    tab.page.locator(".bk-Tooltip", has_text="drifting gratings").wait_for()


def test_a_kind_of_intervals_is_visited_and_issues_too(tab: Tab) -> None:
    tab.choose("any interval", "flash <b>")
    tab.press("0", "n")
    assert tab.range[0] < 30 < tab.range[1]
    tab.press("n", "n")
    assert tab.message() == "There is no flash <b> after this one."
    tab.choose("any interval", "gaps and damage")
    tab.press("0", "n")
    assert tab.range[0] < 90.918 < 94.668 < tab.range[1]


def test_going_to_a_time_and_paging(tab: Tab) -> None:
    tab.move_to(40, 50)
    entry = tab.page.get_by_placeholder("go to 1:02.5")
    entry.fill("1:02.5")
    entry.press("Enter")
    tab.wait_for_range(57.5, 67.5)
    entry.evaluate("(element) => element.blur()")
    tab.press("ArrowRight")
    assert tab.range == pytest.approx((66.5, 76.5))
    tab.press("0")
    assert tab.range == pytest.approx((5.2143, 149.68), abs=0.01)
    tab.move_to(40, 50)
    entry.fill("1:02.5")  # the same time again
    entry.press("Enter")
    tab.wait_for_range(57.5, 67.5)


def test_a_channel_is_shown_alone_as_h5py_reads_it(tab: Tab, session: Path) -> None:
    tab.move_to(40, 40.2)
    tab.page.mouse.click(*tab.point(0.3, 0.4))
    tab.page.wait_for_function("() => location.search.includes('channel=')")
    tab.page.locator(".channel", has_text="of the recording").wait_for()
    tab.settle()
    probe, channel = re.search(r"channel=(\d+):(\d+)", tab.page.url).groups()
    with h5py.File(session.parent / "data" / f"{probe}.nwb") as nwb:
        series = nwb[f"acquisition/probe_{probe}_lfp/probe_{probe}_lfp_data"]
        ids = nwb["general/extracellular_ephys/electrodes/id"][:].tolist()
        name, times = series.name, series["timestamps"][:]
        here = (times >= 40.01) & (times <= 40.19)
        values = series["data"][here, ids.index(int(channel))]
        expected = dict(zip(times[here], values, strict=True))
    line = tab.source("channel")
    shown = [(x, y) for x, y in zip(line["x"], line["y"], strict=True) if 40.01 <= x <= 40.19]
    assert [x for x, _ in shown] == pytest.approx(list(expected))
    volts = [one * 1e6 for one in expected.values()]
    assert [y for _, y in shown] == pytest.approx(volts, rel=1e-5, abs=1e-3)
    tab.move_to(40, 50)
    # in windows of 4096 samples, of which the view before did not have so many
    of_view = "pageModel('spectrum of the view').data.hertz.length"
    tab.page.wait_for_function(f"() => {of_view} > 300")
    assert len(tab.source("spectrogram")["image"]) == 1
    with h5py.File(session.parent / "data" / f"{probe}.nwb") as nwb:
        first = int(np.searchsorted(times, 40, side="right")) - 1
        values = nwb[name]["data"][first : first + 12_500, ids.index(int(channel))]
    found, how = tab.source("spectrum of the view"), {"nperseg": 4096, "detrend": "constant"}
    hertz, density = scipy.signal.welch(values.astype(float), 1250, "hann", **how)
    shown = np.interp(found["hertz"], hertz, 10 * np.log10(density) + 120)
    assert found["x"] == pytest.approx(shown, abs=0.05)
    tab.press("Shift+ArrowDown")
    below = re.search(r"channel=\d+:(\d+)", tab.page.url)[1]
    assert int(below) < int(channel)
    tab.press("Escape")
    assert "channel" not in tab.page.url
    assert not tab.page.locator(".channel").is_visible()


MOVES = {  # what the help writes: the key, and the address after it, one after the other
    "→": ("ArrowRight", "t=49-59&gain=200"),
    "←": ("ArrowLeft", "t=40-50&gain=200"),
    "Shift →": ("Shift+ArrowRight", "t=40.9-50.9&gain=200"),
    "Shift ←": ("Shift+ArrowLeft", "t=40-50&gain=200"),
    "+": ("+", "t=42.5-47.5&gain=200"),
    "−": ("-", "t=40-50&gain=200"),
    "↑": ("ArrowUp", "t=40-50&gain=100"),
    "↓": ("ArrowDown", "t=40-50&gain=200"),
    "w": ("w", "t=40-50&gain=200&spacing=8"),
    "c": ("c", "t=40-50&gain=200"),
    "n": ("n", "t=58.066667-69.8&gain=200"),
    "p": ("p", "t=30.066667-41.8&gain=200"),
    "h": ("h", "t=30.066667-41.8&gain=200&mode=heat"),
    "y": ("y", "t=30.066667-41.8&gain=200&mode=butterfly"),
    "d": ("d", "t=30.066667-41.8&gain=200&mode=butterfly&scale=common"),
    "0": ("0", "t=5.2143-149.680303&gain=200&mode=butterfly&scale=common"),
}
# and those that do other things
ACTS = {
    "Shift ↑",
    "Shift ↓",
    "Shift n",
    "Shift p",
    "Esc",
    "o",
    "Backspace",
    *"gamubs?",
    *"eflix",
}  # those of sheets and columns: test_panels.py


def test_each_key_of_the_help_does_what_it_says(open_tab: Open, serve: Serve, copy: Path) -> None:
    def wait_until_saved(*lines: str) -> None:
        for _ in range(300):
            text = (copy / "marks.csv").read_text() if (copy / "marks.csv").exists() else ""
            if text.splitlines()[1:] == list(lines):
                return
            tab.page.wait_for_timeout(100)
        pytest.fail(f"{lines} expected, {text} saved")

    with serve(copy) as address:
        tab = open_tab(f"{address}?t=40-50&gain=200")
        tab.wait_for("every sample", 1)
        keys = tab.page.locator("kbd")
        tab.press("?")
        assert set(keys.all_inner_texts()) == {*MOVES, *ACTS}
        assert keys.first.is_visible()
        tab.press("?")
        assert not keys.first.is_visible()
        for key, after in MOVES.values():
            tab.press(key)
            assert tab.short_address() == after, key
        tab.press("a")
        assert "mode" not in tab.short_address()
        tab.press("g")
        assert "gain=auto" in tab.short_address()
        tab.move_to(40, 50)
        tab.press("m")
        wait_until_saved("40.000000,50.000000,,,")
        tab.press("u")
        wait_until_saved()
        tab.page.mouse.move(*tab.point(0.5, 0.5))
        tab.page.mouse.move(*tab.point(0.5, 0.51))
        tab.page.locator(".reading", has_text=" µV").wait_for()
        tab.press("b")
        channel = tab.reading().split(" · ")[2].split()[1]
        wait_until_saved(f",,{PROBES[0]},{channel},bad")
        tab.press("b")
        wait_until_saved()
        tab.press("s")
        tab.page.get_by_text("Saved as").wait_for()
        assert [path.name for path in copy.glob("views/*.png")] == ["40.000-50.000.png"]
        note = tab.page.get_by_placeholder("note")
        note.click()
        tab.page.keyboard.type("hmn0")  # are letters here, not keys
        tab.settle()
        assert note.input_value() == "hmn0"
        assert tab.short_address() == "t=40-50&gain=auto&scale=common"
        tab.page.close()


def test_events_that_come_fast_end_at_the_last(tab: Tab) -> None:
    tab.evaluate(
        """new Promise((done) => {
            const time = pageModel("time")
            let n = 0
            const timer = setInterval(() => {
                n += 1
                time.setv({start: 20 + n / 10, end: 30 + n / 10})
                if (n == 60) { clearInterval(timer); done() }
            }, 33)
        })"""
    )
    tab.settle()
    assert tab.range == pytest.approx((26, 36))
    assert tab.short_address().startswith("t=26-36&")


def test_the_badge_switches_where_a_column_becomes_a_bucket(tab: Tab) -> None:
    width = tab.evaluate("pageModels().find(({name}) => name == 'traces').inner_width")
    # the finest buckets are of 128 samples; a view snapped to its columns may have two more
    for samples, badge in ((126.5, "every sample"), (127.5, "envelope of 128 samples")):
        tab.move_to(10, 10 + (width - 2) * samples / 1250)
        tab.wait_for(badge)


def test_spacing_makes_room_for_each_channel(tab: Tab) -> None:
    tab.press("w", "w")
    tab.page.wait_for_function(
        """() => location.search.includes("spacing=16")
            && pageModel("picture 100000021").data.image[0].shape[0]
                >= 16 * 24"""
    )
    tab.press("c", "c")
    assert "spacing" not in tab.page.url


def test_a_box_marks_some_channels(open_tab: Open, serve: Serve, copy: Path) -> None:
    with serve(copy) as address:
        tab = open_tab(f"{address}?t=40-50")
        tab.wait_for("every sample")
        tab.page.get_by_placeholder("note").fill("ripple <i>")
        tab.tool("box-select")
        tab.page.mouse.move(*tab.point(0.25, 0.3))
        tab.page.mouse.down()
        tab.page.mouse.move(*tab.point(0.4, 0.4))
        tab.page.mouse.move(*tab.point(0.5, 0.5))
        tab.page.mouse.up()
        tab.page.wait_for_function(
            "(name) => pageModel(name).data.start.length == 1",
            arg=f"boxes {PROBES[0]}",
        )
        box = tab.source(f"boxes {PROBES[0]}")
        assert box["name"] == ["mark: ripple <i>"]
        assert (box["start"][0], box["stop"][0]) == pytest.approx((42.5, 45), abs=0.1)
        assert tab.source(f"boxes {PROBES[1]}")["start"] == []
        tab.page.close()
    row = (copy / "marks.csv").read_text().splitlines()[1].split(",")
    assert row[2] == PROBES[0]
    assert 3 <= len(row[3].split()) <= 7  # a fifth of 24 channels


def test_marks_of_two_tabs_survive_a_restart(open_tab: Open, serve: Serve, copy: Path) -> None:
    bad = f"""pageModel("channel marks {PROBES[0]}").data.what
        .filter((what) => what.includes("marked bad")).length == 1"""
    with serve(copy) as address:
        one, two = open_tab(address), open_tab(address)
        for tab, start in ((one, 40), (two, 50)):
            tab.wait_for("envelope of")
            tab.move_to(start, start + 5)
            tab.page.get_by_placeholder("note").fill(f"from {start}, <i>")
            tab.page.get_by_role("button", name="mark this range").click()
            mark = f"mark: from {start}, <i>"
            tab.page.wait_for_function(
                """(name) => {
                    const spans = pageModel("spans")
                    return spans.data.name.includes(name)
                }""",
                arg=mark,
            )
        two.page.mouse.move(*two.point(0.5, 0.5))
        two.page.mouse.move(*two.point(0.5, 0.51))
        two.page.locator(".bk-Plot.traces").first.hover()
        two.press("b")
        two.page.wait_for_function(bad)
        one.page.close()
        two.page.close()
    with serve(copy) as address:
        tab = open_tab(address)
        tab.wait_for("envelope of")
        names = tab.source("spans")["name"]
        assert "mark: from 40, <i>" in names
        assert "mark: from 50, <i>" in names
        tab.page.wait_for_function(bad)
        tab.page.close()


def test_a_picture_is_downloaded_in_the_format_chosen(
    open_tab: Open, serve: Serve, copy: Path
) -> None:
    with serve(copy) as address:
        tab = open_tab(f"{address}?t=40-42")
        tab.wait_for("every sample")
        tab.page.get_by_role("button", name="save picture").click()
        with tab.page.expect_download() as download:
            tab.page.get_by_text("SVG", exact=True).click()
        assert download.value.suggested_filename == "demo-2-40.000-42.000.svg"
        saved = (copy / "views" / "40.000-42.000.svg").read_bytes()
        assert Path(download.value.path()).read_bytes() == saved
        tab.page.close()


def test_a_saved_picture_renders_again_byte_for_byte(
    open_tab: Open, serve: Serve, copy: Path, tmp_path: Path
) -> None:
    with serve(copy) as address:
        tab = open_tab(f"{address}?t=40-42")
        tab.wait_for("every sample")
        tab.press("s")
        tab.page.get_by_text("Saved as").wait_for()
        tab.page.close()
    (picture,) = (copy / "views").glob("*.png")
    view = picture.with_suffix(".json")
    source = json.loads(view.read_text())["probes"][0]["source"]
    assert source["address"].endswith(f"{PROBES[0]}.nwb")
    again = tmp_path / "again.png"
    render = [sys.executable, copy / "viewer.py", "--render", view, again]
    subprocess.run(render, check=True)
    assert again.read_bytes() == picture.read_bytes()


def test_a_source_that_goes_while_it_is_shown_is_named(
    open_tab: Open, serve: Serve, copy: Path, tmp_path: Path
) -> None:
    references = copy / "probes" / PROBES[0] / "lfp.json"
    here = json.loads(references.read_text())["templates"]["u"]
    mine = tmp_path / "mine.nwb"
    shutil.copy2(here, mine)
    references.write_text(references.read_text().replace(here, str(mine)))
    with serve(copy) as address:
        tab = open_tab(address)
        tab.wait_for("envelope of")
        mine.rename(tmp_path / "away.nwb")
        tab.wheel(12)
        assert "mine.nwb: No such file" in tab.page.locator(".wrong").inner_text()
        tab.wait_for("every sample", 1)
        (tmp_path / "away.nwb").rename(mine)
        tab.wheel(1)
        tab.wait_for("every sample", 0)
        tab.page.close()


def test_a_server_that_is_slow_goes_and_comes_back(
    open_tab: Open, serve: Serve, copy: Path
) -> None:
    probe = copy / "probes" / PROBES[0]
    here = Path(json.loads((probe / "source.json").read_text())["address"])
    with ExitStack() as network, ExitStack() as rest:
        server = network.enter_context(serve_files(here.parent))
        (probe / "source.json").write_text(json.dumps({"address": f"{server.address}/{here.name}"}))
        command = [sys.executable, SCRIPTS / "index_probe.py", "source.json"]
        names = ["--session", "demo-2", "--probe", PROBES[0]]
        outputs = ["--references", "lfp.json", "--index", "index.json"]
        subprocess.run([*command, *names, *outputs], cwd=probe, check=True)
        tab = open_tab(f"{rest.enter_context(serve(copy))}?t=20-22")
        tab.wait_for("every sample")
        server.seconds = 1  # for each answer
        tab.move_to(70, 90, settle=False)
        tab.wait_for("envelope of 128 samples · samples are being read")
        server.seconds = 0
        tab.wait_for("every sample")
        wrong = tab.page.locator(".wrong", has_text=here.name)
        server.status[here.name] = 404
        tab.move_to(100, 102)
        wrong.wait_for()
        tab.wait_for("every sample", 1)
        del server.status[here.name]
        tab.move_to(100, 103)
        tab.wait_for("every sample")
        network.close()  # nobody answers at that port
        tab.move_to(50, 52)
        wrong.wait_for()
        tab.wait_for("every sample", 1)
        port = int(server.address.rpartition(":")[2])
        rest.enter_context(serve_files(here.parent, port=port))
        tab.move_to(50, 53)
        tab.wait_for("every sample")
        assert tab.ink(PROBES[0]) > 0.01
        tab.page.close()


def test_a_page_goes_on_when_its_results_come_back(
    open_tab: Open, serve: Serve, copy: Path
) -> None:
    references = copy / "probes" / PROBES[0] / "lfp.json"
    content = references.read_text()
    time = "pageModel('time')"
    with serve(copy) as address:
        tab = open_tab(f"{address}?t=40-42&gain=200")
        tab.wait_for("every sample")
        before = tab.evaluate(f"{time}.id")
        references.unlink()
        tab.move_to(40, 43)
        tab.page.locator(".wrong", has_text="lfp.json").wait_for()
        references.write_text(content)
        # without a key, a move or another tab
        tab.page.wait_for_function(
            "(before) => ![undefined, before].includes(pageModel('time')?.id)", arg=before
        )
        tab.wait_for("every sample")
        tab.settle()
        assert tab.short_address() == "t=40-43&gain=200"
        tab.press("h")
        assert tab.short_address() == "t=40-43&gain=200&mode=heat"
        tab.page.close()


def test_boxes_are_drawn_by_panels_alone(tab: Tab) -> None:
    with_boxes = """pageModels()
        .filter((m) => m.type == "Plot" && m.toolbar.tools.some(({type}) => type.startsWith("Box")))
        .map(({name, css_classes}) => css_classes.includes("traces"))"""
    plots = tab.evaluate(with_boxes)
    # the lane's frame lies elsewhere in its plot: a box of the same pixels is at another time
    assert plots == [True] * len(PROBES)
