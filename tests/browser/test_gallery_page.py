"""The gallery in Chromium, from its file, with as many probes as the Allen Institute recorded."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from simulated import (
    CODE_OF_HALF,
    DOUBTS,
    HOSTILE,
    PROBES,
    SESSIONS,
    simulate_all,
    simulate_not_taken,
    write_page,
)

from lfpscope.render.heatmap import HEAT_GAP
from lfpscope.render.palettes import HEAT_COLOURS, HEAT_PALETTE
from lfpscope.render.thumbnail import LEAST, LOWEST, STEP
from lfpscope.site.results import Result

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def results() -> list[Result]:
    return simulate_all()


@pytest.fixture(scope="module")
def page_file(results: list[Result], tmp_path_factory: pytest.TempPathFactory) -> Path:
    some = sorted([*results, *simulate_not_taken()], key=lambda one: one.row.session)
    return write_page(some, tmp_path_factory.mktemp("gallery"))


@pytest.fixture
def page(browser: Browser, page_file: Path) -> Iterator[Page]:
    """The page in a tab; it must not complain, nor ask for anything but files."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith(("file:", "data:")) else complaints.append(request.url)
        ),
    )
    page.goto(page_file.as_uri())
    yield page
    page.close()
    assert complaints == []


def shown(page: Page) -> list[str]:
    """Probes on the page, in their order."""
    return page.evaluate(
        """[...document.querySelectorAll(".card")]
            .filter((card) => !card.closest("[hidden]"))
            .map((card) => card.id.split("/")[1])"""
    )


def ids(results: list[Result]) -> list[str]:
    return [result.row.probe for result in results]


def test_pictures_far_below_are_not_loaded(page: Page) -> None:
    page.wait_for_function("performance.getEntriesByType('paint').length > 0")
    loaded = page.evaluate("[...document.images].filter((image) => image.complete).length")
    assert loaded < SESSIONS * PROBES / 2


def test_all_probes_by_session(page: Page, results: list[Result]) -> None:
    assert shown(page) == ids(results)
    expect(page.get_by_role("heading", level=2)).to_have_count(SESSIONS)
    expect(page.locator("output")).to_have_text("348 of 348 probes")


def test_filters(page: Page, results: list[Result]) -> None:
    figures = {one.row.probe: one.figures for one in results if one.figures}
    page.get_by_role("combobox", name="Area").select_option("CA1")
    page.get_by_role("combobox", name="Rate").select_option("2500")
    page.get_by_label("Channels from").fill("71")
    wanted = [
        probe
        for probe, one in figures.items()
        if "CA1" in one.areas and one.rate == 2500 and one.channels >= 71
    ]
    assert shown(page) == wanted
    page.get_by_role("button", name="Reset").first.click()
    expect(page.locator("output")).to_have_text("348 of 348 probes")
    for quality in (
        "dead",
        "noisy",
        "outside",
        "saturated",
        "drifting",
        "mains",
        "gaps",
        "resets",
        "missing",
    ):
        page.get_by_role("combobox", name="Quality").select_option(quality)
        assert shown(page) == [probe for probe, one in figures.items() if getattr(one, quality)]
    page.get_by_role("combobox", name="Quality").select_option("incomplete")
    assert shown(page) == [one.row.probe for one in results if one.problem]
    page.get_by_role("combobox", name="Quality").select_option("")
    page.get_by_label("Bad up to").fill("0")
    assert shown(page) == [probe for probe, one in figures.items() if not one.dead + one.noisy]


def test_doubts_are_on_cards_and_found_by_kind(page: Page, results: list[Result]) -> None:
    quality = page.get_by_role("combobox", name="Quality")
    doubted = [one.row.probe for one in results if one.doubts]
    page.get_by_role("link", name=f"{len(doubted)} probes with doubts").click()
    expect(quality).to_have_value("doubted")
    assert shown(page) == doubted
    for doubt in DOUBTS:
        quality.select_option(f"doubts-{doubt.kind}")
        assert shown(page) == [one.row.probe for one in results if doubt in one.doubts]
        expect(page.locator(".card:visible .doubts").first).to_contain_text(doubt.text)
    quality.select_option("clean")
    clean = shown(page)
    assert not {one.row.probe for one in results if one.doubts or one.problem} & set(clean)
    assert clean
    quality.select_option("")
    page.get_by_role("searchbox").fill("values may be wrong")
    assert shown(page) == [one.row.probe for one in results if DOUBTS[0] in one.doubts]


def test_what_was_not_taken_is_listed(page: Page) -> None:
    table = page.get_by_role("region", name="What was found and not taken")
    expect(table.get_by_role("row")).to_have_count(1 + 2)
    expect(table).to_contain_text(f"data/{HOSTILE}.nwb")


def test_an_address_with_a_choice_that_is_none_shows_all(page: Page, page_file: Path) -> None:
    page.goto(f"{page_file.as_uri()}#?quality=broken&sort=nothing")
    expect(page.locator("output")).to_have_text("348 of 348 probes")


def test_sort(page: Page, results: list[Result]) -> None:
    figures = {one.row.probe: one.figures for one in results if one.figures}
    page.get_by_role("combobox", name="Sort by").select_option("std")
    loudest = sorted(figures, key=lambda probe: -figures[probe].std)
    broken = [one.row.probe for one in results if one.problem]
    assert shown(page) == [*loudest, *broken]
    page.get_by_label("lowest first").check()
    assert shown(page) == [*loudest[::-1], *broken]
    page.get_by_role("combobox", name="Sort by").select_option("")
    assert shown(page) == ids(results)


def test_search_and_nothing_found(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("s03 TRUNCATED")
    assert len(shown(page)) in (0, 1)
    page.get_by_role("searchbox").fill("no such probe")
    expect(page.get_by_text("No probe is like this.")).to_be_visible()


def test_choice_is_in_the_address(page: Page) -> None:
    page.get_by_role("combobox", name="Area").select_option("CA1")
    page.get_by_role("combobox", name="Sort by").select_option("channels")
    before = shown(page)
    page.reload()
    assert shown(page) == before
    page.locator("a.picture:visible").first.click()
    assert page.url.endswith("/overview.png")
    page.go_back()
    assert shown(page) == before


def test_keyboard_goes_from_picture_to_picture(page: Page, results: list[Result]) -> None:
    page.locator("a.picture").first.focus()
    focused = "document.activeElement.closest('.card').id.split('/')[1]"
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused) == results[1].row.probe
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused) == results[5].row.probe  # four in a row at this width
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(focused) == results[0].row.probe
    page.keyboard.press("Enter")
    page.wait_for_url("**/overview.png")


def drawn(page: Page, card: int) -> Any:
    """Pixels of a map as they are on the screen."""
    plot = page.locator(".card").nth(card).locator(".plot")
    plot.locator("img").evaluate("image => image.decode()")
    with Image.open(BytesIO(plot.screenshot())) as image:
        return np.asarray(image.convert("RGB"))


def test_maps_are_coloured_at_the_chosen_scale(page: Page) -> None:
    last = len(HEAT_COLOURS) - 1
    middle, gap = drawn(page, 0)[80, 100], drawn(page, 0)[80, 0]
    code = 10 ** (LOWEST + STEP * (CODE_OF_HALF - LEAST))  # times 125 µV
    assert middle.tolist() == HEAT_COLOURS[round(code * last)].tolist()
    assert gap.tolist() == HEAT_PALETTE[HEAT_GAP].tolist()
    for scale in (12.5, 625.0):
        page.get_by_role("combobox", name="Brightest at").select_option(f"{scale:g}")
        middle = drawn(page, 0)[80, 100]
        assert middle.tolist() == HEAT_COLOURS[min(round(code * 125 / scale * last), last)].tolist()
        assert drawn(page, 0)[80, 0].tolist() == HEAT_PALETTE[HEAT_GAP].tolist()
    page.reload()
    assert drawn(page, 0)[80, 100].tolist() == middle.tolist()


def test_a_time_stands_at_one_place_in_all_maps(page: Page) -> None:
    place = "card => { const box = card.querySelector('.levels'); return ['left', 'right'].map("
    place += "side => box.getBoundingClientRect()[side] - box.parentElement"
    place += ".getBoundingClientRect().left).map(x => x / box.parentElement.offsetWidth); }"
    some = [page.locator(".card").nth(i) for i in range(3)]
    places = [card.evaluate(place) for card in some]
    # 8572 s long; the second starts 100 s later, the third is 600 s long
    expected = [[0, 8572], [100, 8672], [0, 600]]
    assert np.array(places) * 8672 == pytest.approx(np.array(expected), abs=40)
    expect(page.locator("#axis-said")).to_contain_text("one axis for all pictures: 2:24:32 long")
    # its first and its last column are there however narrow it is
    short = drawn(page, 2)[80]
    assert short[0].tolist() == HEAT_PALETTE[HEAT_GAP].tolist()
    assert (short == HEAT_COLOURS[-1]).all(axis=1).any()
    labels = [card.locator(".axis i").all_text_contents() for card in some]
    assert labels == [["0 s", "1:00:00", "2:00:00"]] * 3
    page.get_by_role("combobox", name="Time axis").select_option("own")
    places = [card.evaluate(place) for card in some]
    assert np.array(places) == pytest.approx(np.array([[0, 1]] * 3), abs=0.01)
    assert some[2].locator(".axis i").all_text_contents() == ["0 s", "0:05:00"]
    expect(page.locator("#axis-said")).to_contain_text("each picture has its own axis")


def test_sessions_share_rows_and_fill_them(page: Page) -> None:
    page.set_viewport_size({"width": 2560, "height": 1200})
    page.get_by_role("searchbox").fill("s00")  # six cards in a row
    width = "cards => cards.filter(card => !card.hidden).map(card => card.offsetWidth)"
    cards = page.locator(".card")
    assert sum(cards.evaluate_all(width)) == pytest.approx(2560 - 48 - 5 * 20, abs=8)
    page.get_by_role("searchbox").fill("")
    page.get_by_role("combobox", name="Quality").select_option("gaps")  # one of a session
    tops = page.locator(".session:not([hidden])").evaluate_all(
        "all => all.map(one => one.offsetTop)"
    )
    assert len(tops) > 6
    assert len({round(top) for top in tops[:6]}) == 1


def test_reason_stands_as_it_is_written(page: Page) -> None:
    table = page.get_by_role("region", name="Probes that are incomplete")
    expect(table.get_by_role("row")).to_have_count(1 + 9)
    expect(table).to_contain_text("truncated: <b>the file</b> ends early")


def test_every_control_has_a_name(page: Page) -> None:
    nameless = page.locator("body").aria_snapshot().splitlines()
    controls = ("- link", "- button", "- combobox", "- searchbox", "- spinbutton", "- checkbox")
    assert not [line for line in nameless if line.strip().rstrip(":") in controls]
