"""Texts around pictures fit, and the time axis says where it is broken."""

import warnings
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
import recorded
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.font_manager import findSystemFonts

from lfpscope.clock.timeline import Stretch, Timeline
from lfpscope.doubts import Doubt
from lfpscope.render.figure import (
    fit_text,
    make_heading,
    new_figure,
    save,
    text_width,
    wrap,
    wrap_some,
)
from lfpscope.render.fonts import describe_boxes, text_settings
from lfpscope.render.overviews import draw_probe, draw_session, natural_order
from lfpscope.render.profile import PROFILE
from lfpscope.render.time_labels import describe_breaks, time_ticks

RESET = Timeline((Stretch(0, 1800.0, 1801.0, 1800.0), Stretch(1, 0.0, 9.0, 1801.2)))
LEFT_OUT = Timeline((Stretch(0, 10.0, 15.0, 10.0), Stretch(0, 3615.0, 3620.0, 15.2)))
UNBROKEN = Timeline((Stretch(0, 10.0, 70.0, 10.0),))
UNIX = Timeline((Stretch(0, 1_650_999_999.0, 1_651_000_009.0, 1_650_999_999.0),))


def test_ticks_at_round_times() -> None:
    ticks, title = time_ticks(UNBROKEN, 10.0, 70.0, 1000)
    assert [label for _, label, _ in ticks] == [f"0:{s:02d}" for s in range(10, 60, 10)] + [
        "1:00",
        "1:10",
    ]
    assert [at for at, _, _ in ticks] == [10, 20, 30, 40, 50, 60, 70]
    assert title == "session time"


def test_both_sides_of_a_break_have_their_session_time() -> None:
    ticks, _ = time_ticks(RESET, 1800.0, 1810.2, 1300)
    at = {label: (seconds, side) for seconds, label, side in ticks}
    assert at["30:01"] == (1801.0, "right")
    assert at["0:00"] == (1801.2, "left")
    assert at["0:05"] == (pytest.approx(1806.2), "center")
    assert describe_breaks(RESET) == ["clock reset after 1 s"]
    assert describe_breaks(LEFT_OUT) == ["1 h 0 min left out"]
    assert describe_breaks(UNBROKEN) == []


def test_seconds_since_1970_are_a_time_of_day() -> None:
    ticks, title = time_ticks(UNIX, 1_650_999_999.0, 1_651_000_009.0, 1000)
    assert title == "time of day on 2022-04-26 (UTC)"
    assert [label for _, label, _ in ticks][1:3] == ["19:06:40", "19:06:41"]


@given(
    start=st.floats(0, 1e4),
    span=st.floats(1e-3, 1e5),
    width=st.integers(60, 2000),
    n=st.integers(1, 12),
)
def test_labels_of_time_never_overlap(start: float, span: float, width: int, n: int) -> None:
    at, stretches = start, []
    for i in range(n):
        stretches.append(Stretch(i, start, start + span, at))
        at += span * 1.02
    timeline = Timeline(tuple(stretches))
    stop = stretches[-1].end
    ticks, _ = time_ticks(timeline, start, stop, width)
    per_second = width / (stop - start)
    with text_settings():
        ends = -np.inf
        for seconds, label, side in ticks:
            wide = text_width(label, 10)
            left = seconds * per_second - wide * {"left": 0, "center": 0.5, "right": 1}[side]
            assert left >= ends - 1e-6 * abs(left)
            ends = left + wide


def test_what_does_not_fit_is_counted() -> None:
    parts = ["depth is z as stored", "no unit", "ids are not unique"]
    assert wrap_some(parts, 1, lambda text: len(text) <= 60) == [" · ".join(parts)]
    assert wrap_some(parts, 1, lambda text: len(text) <= 45) == [
        "depth is z as stored · no unit · and 1 more"
    ]
    assert wrap_some(parts, 2, lambda text: len(text) <= 30) == [
        "depth is z as stored · no unit",
        "ids are not unique",
    ]
    assert wrap(parts, lambda text: len(text) <= 12) == [
        "depth is z",
        "as stored",
        "no unit",
        "ids are not",
        "unique",
    ]
    assert wrap_some(["a" * 50, "b"], 1, lambda text: len(text) <= 20)[0].endswith("and 1 more")


@given(
    texts=st.lists(st.text("abc µ.,-", min_size=1, max_size=90), max_size=9),
    width=st.integers(320, 1600),
)
def test_a_heading_fits_into_its_picture(texts: list[str], width: int) -> None:
    with text_settings():
        doubts = [Doubt("values", text) for text in texts]
        heading = make_heading("session s", ["10 s", "93 channels"], doubts, width)
        assert len(heading.doubts) <= 2
        assert bool(heading.doubts) == bool(texts)
        for line in heading.doubts:
            assert text_width(line, 10.5) <= width


def test_names_are_shortened_in_their_middle_to_the_room() -> None:
    with text_settings():
        name = "Left superior temporal gyrus, posterior part"
        fitted = fit_text(name, 9.5, 150)
        assert fitted.startswith("Left sup")
        assert fitted.endswith("part")
        assert text_width(fitted, 9.5) <= 150
        assert fit_text("海馬 CA1 $x_$", 9.5, 300) == "海馬 CA1 $x_$"  # no font may have them
        assert text_width("two\nlines", 9.5) > 0  # no font has the end of a line


def test_letters_that_no_font_has_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with text_settings():
        figure = new_figure(600, 100)
        figure.text(0, 0.5, "σ ганглий CA1\n\u2009µV")
        assert describe_boxes(figure) == ""
        figure.text(0, 0.1, "".join(map(chr, range(0x10600, 0x10605))))  # Linear A
        words = (
            "drawn as boxes, because no font here has them: U+10600, U+10601, U+10602 and 2 more"
        )
        assert describe_boxes(figure) == words
        save(figure, tmp_path / "a.png")
    assert capsys.readouterr().out == f"{words}\n"
    assert [one.get_text() for one in figure.texts][-1] == words


def test_chinese_letters_are_drawn_where_a_font_has_them() -> None:
    if not any("CJK" in font or "wqy" in font for font in findSystemFonts()):
        pytest.skip("no font with Chinese letters: apt-get install fonts-wqy-microhei")
    with text_settings(), warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = new_figure(600, 100)
        figure.text(0.1, 0.5, "海马 CA1 µV σ", fontweight="bold")
        assert describe_boxes(figure) == ""
        figure.canvas.draw()


def test_natural_order() -> None:
    names = ["LFP10", "LFP2", "a", "10", "9", "LFP2b"]
    assert sorted(names, key=natural_order) == ["9", "10", "LFP2", "LFP2b", "LFP10", "a"]


def make(folder: Path, **options: Any) -> tuple[Path, Path]:
    data = (np.random.default_rng(0).normal(0, 50, (4000, 3)) * 1e-6).astype(np.float32)
    references = recorded.index(folder, data, chunks=(1000, 1), **options)
    return references.file, recorded.summarise(references)[1]


def test_doubts_stand_in_every_picture(tmp_path: Path) -> None:
    files = make(tmp_path)  # without electrodes
    overview, thumbnail, session = (tmp_path / f"{name}.png" for name in "ots")
    draw_probe(*files, overview=overview, thumbnail=thumbnail, width=1500)
    draw_session([files[0]], [files[1]], session="s", overview=session, width=1500)

    def red(picture: Path) -> Any:
        red, green, blue = np.moveaxis(matplotlib.image.imread(picture)[:, :, :3], 2, 0)
        return (red > 0.6) & (green < 0.35) & (blue < 0.35)

    assert red(overview)[54:90, :500].sum() > 100  # below one or two lines of figures
    assert red(thumbnail)[-18:, -12:].sum() > 8
    assert red(session)[60:84, 190:].sum() > 100


def test_a_reset_is_drawn_as_a_break(tmp_path: Path) -> None:
    """Nine tenths of the recording follow a reset of the clock by eight hours."""
    times = np.arange(4000) / recorded.RATE
    times[:400] += 27_720
    files = make(tmp_path, times=times)
    overview, thumbnail = tmp_path / "o.png", tmp_path / "t.png"
    draw_probe(*files, overview=overview, thumbnail=thumbnail, width=1510 + PROFILE)
    picture = matplotlib.image.imread(overview)[:, :, :3]
    map_row = picture[880, 190:1390]
    is_paper = (map_row > 0.99).all(axis=1)
    gap = np.flatnonzero(is_paper)
    assert gap.size == pytest.approx(1200 * 0.02 / 1.02, abs=5)
    assert gap.min() == pytest.approx(1200 * 0.1 / 1.02, abs=4)
    assert (np.diff(gap) == 1).all()


def test_each_segment_has_a_column(tmp_path: Path) -> None:
    """Short segments, hours apart and set back, are all in the picture."""
    times = np.concatenate(
        [
            start + np.arange(400) / recorded.RATE
            for start in (0, 9e3, 4e4, 4e4 + 1, 10, 3e5, 3e5 + 0.5, 20, 21, 22)
        ]
    )
    files = make(tmp_path, times=times)
    overview, thumbnail = tmp_path / "o.png", tmp_path / "t.png"
    draw_probe(*files, overview=overview, thumbnail=thumbnail, width=1510 + PROFILE)
    picture = (matplotlib.image.imread(overview)[880, 190:1390, :3] * 255).round()
    is_data = (picture < 200).any(axis=1) | (picture[:, 2] < 150)
    assert is_data.mean() > 0.5


def test_names_are_no_formulas(tmp_path: Path) -> None:
    with text_settings():
        figure = new_figure(300, 100)
        figure.text(0.1, 0.5, r"$$\alpha$$")
        save(figure, tmp_path / "a.png")
    assert (tmp_path / "a.png").is_file()
