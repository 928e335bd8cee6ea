"""What a page shows, without a browser."""

from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as some

from lfpscope.clock.segments import Clock, Segment
from lfpscope.clock.timeline import Timeline, make_timeline
from lfpscope.formatting import voltage_text
from lfpscope.viewer.state_query import from_query
from lfpscope.viewer.times import axis_title, read_axis_time, read_time, time_of
from lfpscope.viewer.view_state import MODES, State, round_scale

WHOLE = State(0.0, 100.0, 200.0, probes=("a", "b"))


def test_a_range_is_never_empty_nor_backwards() -> None:
    assert WHOLE.at(5, 3).start == 3
    single = WHOLE.at(5, 5)
    assert single.start < 5 < single.stop


def test_steps_and_zooms() -> None:
    assert WHOLE.page(1).start == 90
    assert WHOLE.page(-1).stop == 10
    near = WHOLE.zoom(0.1)
    assert (near.start, near.stop) == (45, 55)
    assert (near.around(70).start, near.around(70).stop) == (65, 75)
    assert (near.long(2).start, near.long(2).stop) == (49, 51)


def test_an_interval_starts_at_a_quarter_of_the_page_and_is_shown_completely() -> None:
    near = WHOLE.at(45, 55)
    one = near.from_onset(70, 71)
    assert (one.start, one.stop, one.onset) == (67.5, 77.5, 70)
    long = near.from_onset(0, 50)
    assert long.start < 0 < 50 < long.stop
    assert long.onset == pytest.approx(0)
    short = near.from_onset(70, 70.001)
    assert short.stop - short.start == pytest.approx(0.02)
    assert near.from_onset(70, 70).start == 67.5  # a point


def test_depths_are_zoomed_about_the_mouse() -> None:
    near = WHOLE.zoom_depths(0.5, 100, (0, 400))
    assert near.depths == (50, 250)
    assert near.zoom_depths(2, 100, (0, 400)).depths is None  # all again
    assert near.zoom_depths(1.2, 250, (0, 400)).depths == (10, 250)


def test_an_area_is_chosen_and_given_up() -> None:
    one = WHOLE.choose_area("CA1")
    assert one.areas == {"CA1"}
    assert one.choose_area("DG").areas == {"DG"}
    assert one.choose_area("CA1").areas == frozenset()


def test_areas_are_left_out_and_shown_again() -> None:
    names = frozenset({"CA1", "DG", "TH"})
    two = WHOLE.toggle_area("CA1", names)
    assert two.areas == {"DG", "TH"}
    assert two.toggle_area("TH", names).areas == {"DG"}
    assert two.toggle_area("CA1", names).areas == frozenset()  # all
    assert two.toggle_area("CA1", names | {"no area"}).areas == {"CA1", "DG", "TH"}
    assert WHOLE.choose_area("DG").toggle_area("DG", names).areas == frozenset()


@pytest.mark.parametrize("line", ["flashes", "a, b", "50 % & more", "marks"])
def test_the_address_knows_lines_that_are_left_out(line: str) -> None:
    state = WHOLE.toggle_line("others").toggle_line(line)
    again, doubts = from_query(dict(parse_qsl(state.to_query())), WHOLE)
    assert (again.without, doubts) == ({"others", line}, [])
    assert again.toggle_line(line).toggle_line("others") == WHOLE


def test_one_probe_is_large_and_the_others_small() -> None:
    large = WHOLE.enlarge("b")
    assert [large.is_small(name) for name in "ab"] == [True, False]
    assert not replace(large, hidden=frozenset("b")).is_small("a")  # there is none to make room for
    assert large.enlarge("a").large == "a"
    assert large.enlarge("b") == WHOLE
    again, doubts = from_query(dict(parse_qsl(large.to_query())), WHOLE)
    assert (again, doubts) == (large, [])
    assert from_query({"large": "c"}, WHOLE) == (WHOLE, ["large=c"])


def test_a_view_lies_inside_the_recording() -> None:
    for start, stop, expected in (
        (-5, 5, (0, 10)),
        (95, 105, (90, 100)),
        (500, 510, (90, 100)),
        (-50, 500, (0, 100)),
        (3, 4, (3, 4)),
    ):
        inside = WHOLE.at(start, stop).inside(0, 100)
        assert (inside.start, inside.stop) == pytest.approx(expected)


def test_spacing_goes_in_steps() -> None:
    assert [WHOLE.wider(steps).spacing for steps in (-1, 0, 1, 2, 99)] == [0, 0, 8, 16, 64]
    assert replace(WHOLE, spacing=17).wider(-1).spacing == 8


def test_gain_goes_in_steps_of_1_2_5() -> None:
    assert [WHOLE.louder(steps).microvolts for steps in (-2, -1, 0, 1, 2)] == [
        1000,
        500,
        200,
        100,
        50,
    ]
    assert WHOLE.louder(99).microvolts == 1e-3
    assert round_scale(303) == 200
    assert round_scale(0) == round_scale(float("nan")) == 100


@given(
    start=some.floats(-1e4, 1e4),
    span=some.floats(0.01, 1e4),
    microvolts=some.sampled_from([1.0, 200.0, 5000.0]),
    hidden=some.sets(some.sampled_from("ab")),
    modes=some.dictionaries(some.sampled_from("ab"), some.sampled_from(list(MODES))),
    is_auto=some.booleans(),
    channel=some.none() | some.tuples(some.sampled_from("ab"), some.integers(0, 10**12)),
    areas=some.sets(some.sampled_from(["CA1", "VISp2/3", "a&b=c", "area 17, left", "5 %2C"])),
    every=some.integers(1, 9),
    depths=some.none() | some.just((20.0, 3840.0)),
    spacing=some.sampled_from([0, 8, 17]),
    where=some.sampled_from(["", 'area == "CA1" and depth > 1200', "channel in [3, 5]"]),
    shares_depths=some.booleans(),
    sort=some.sampled_from(["", "area,-depth", "rms_theta"]),
    transform=some.sampled_from(["", "median:shank 4-10Hz notch:50", ">0.5Hz", "<300Hz"]),
)
def test_the_address_reproduces_the_state(
    start: float,
    span: float,
    microvolts: float,
    hidden: set[str],
    modes: dict[str, str],
    is_auto: bool,
    areas: set[str],
    **rest: object,
) -> None:
    state = WHOLE.at(start, start + span).scaled(microvolts)
    state = replace(
        state,
        hidden=frozenset(hidden),
        modes=frozenset(modes.items()),
        areas=frozenset(areas),
        **rest,
    )
    if is_auto:
        state = replace(state, microvolts=WHOLE.microvolts, is_auto=True)
    again, doubts = from_query(dict(parse_qsl(state.to_query())), WHOLE)
    assert doubts == []
    assert again.start == pytest.approx(state.start, abs=1e-5)
    assert again.stop == pytest.approx(state.stop, abs=1e-5)
    assert replace(again, start=0, stop=1) == replace(state, start=0, stop=1)


@pytest.mark.parametrize(
    "field",
    [
        "t=1",
        "t=a-b",
        "t=nan-1",
        "gain=0",
        "gain=x",
        "probes=z",
        "mode=z",
        "mode=a",
        "mode=z:heat",
        "channel=z:1",
        "channel=a:x",
        "every=0",
        "depths=1",
        "spacing=-1",
        "transform=mean",
        "where=area",
        "sort=a;b",
        "scale=x",
    ],
)
def test_what_an_address_says_wrongly_is_named_and_ignored(field: str) -> None:
    name, value = field.split("=")
    assert from_query({name: value, "bokeh-theme": "x"}, WHOLE) == (WHOLE, [field])


def test_voltages_in_words() -> None:
    assert [voltage_text(one) for one in (0.5, 200, 1000, 2.5e6)] == [
        "0.5 µV",
        "200 µV",
        "1 mV",
        "2.5 V",
    ]


def test_times_that_are_typed() -> None:
    for text, seconds in {"62.5": 62.5, "1:02.5": 62.5, "1:00:00": 3600, "−0:03": -3}.items():
        assert read_time(text) == seconds
    for text in ("x", "1:", "1:2:3:4"):
        with pytest.raises(ValueError, match=text):
            read_time(text)


def clock(*segments: tuple[float, int]) -> Clock:
    """A clock of 1000 Hz of segments of so many samples."""
    firsts = [sum(n for _, n in segments[:i]) for i in range(len(segments))]
    return Clock(
        tuple(Segment(first, n, t0, 0.001) for first, (t0, n) in zip(firsts, segments, strict=True))
    )


def test_times_that_are_typed_are_session_times() -> None:
    assert read_axis_time(Timeline(()), "1:02.5") == 62.5
    reset = make_timeline([clock((30_000, 1000), (0, 4000))])
    assert time_of(reset, read_axis_time(reset, "0:03"), 1) == "0:03.0"
    assert read_axis_time(reset, "0:03") > read_axis_time(reset, "8:20:00")
    assert axis_title(reset) == "session time, the axis is broken at 1 clock reset"
    unix = make_timeline([clock((1_651_000_000, 10_000))])  # 2022-04-26 19:06:40 UTC
    assert read_axis_time(unix, "19:06:45") == 1_651_000_005
    assert read_axis_time(unix, "1651000005") == 1_651_000_005
    assert time_of(unix, 1_651_000_005) == "19:06:45"
    assert axis_title(unix) == "time of day, 2022-04-26 UTC"
    assert axis_title(make_timeline([clock((5, 1000))])) == ""


def test_a_range_over_a_break_is_a_piece_of_each_stretch() -> None:
    reset = make_timeline([clock((30_000, 1000), (0, 4000))])
    whole = replace(WHOLE, timeline=reset).at(reset.start, reset.stop)
    assert sum(whole.pieces, ()) == pytest.approx((30_000, 30_001, 0, 4))
    assert WHOLE.pieces == [(0, 100)]
