"""The time axis: session time, broken where it is set back or stands empty."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfpscope.clock.segments import Clock, Segment
from lfpscope.clock.timeline import Timeline, clock_epochs, make_timeline


def clock(*stretches: tuple[float, int], dt: float = 1.0) -> Clock:
    """Segments of a session time and a number of samples."""
    segments, first = [], 0
    for t0, n in stretches:
        segments.append(Segment(first, n, t0, dt))
        first += n
    return Clock(tuple(segments))


def axis(timeline: Timeline) -> list[tuple[float, float, float]]:
    """Axis time of start and end, and session time of the start, of each stretch."""
    return [(one.at, one.end, one.start) for one in timeline.stretches]


# --- where there is no break --------------------------------------------------------------------


@pytest.mark.parametrize(
    "one",
    [
        clock((13.58, 100)),
        clock((0, 100), (150, 100)),
        clock((0, 10), (90, 10)),  # a fifth is recorded
        clock((-3600, 100)),
    ],
)
def test_session_time_stays_as_it_is(one):
    timeline = make_timeline([one])
    assert not timeline.is_broken
    assert timeline.clock(one) is one
    assert timeline.to_axis(17.25) == timeline.to_session(17.25) == 17.25
    assert timeline.place(-5.0, 1e6) == [(-5.0, 1e6)]
    assert timeline.to_json() == []
    assert (timeline.start, timeline.stop) == (one.t0, one.t1)


def test_without_any_time():
    timeline = make_timeline([Clock((Segment(0, 5, math.nan, math.nan, valid=False),))])
    assert timeline.stretches == ()
    assert not timeline.is_broken
    assert math.isnan(timeline.start)
    assert timeline.to_axis(3.0) == 3.0


# --- breaks -------------------------------------------------------------------------------------


def test_reset():
    # 1 s at 1:00:00, then 9 s from 0:00; a break is a fiftieth of the 10 s
    one = clock((3600, 1), (0, 9))
    timeline = make_timeline([one])
    assert axis(timeline) == [(3600, 3601, 3600), (3601.2, 3610.2, 0)]
    assert timeline.breaks == ((3601, 3601.2),)
    assert [segment.t0 for segment in timeline.clock(one).segments] == [3600, 3601.2]
    assert timeline.to_session(3605.2) == pytest.approx(4)
    assert timeline.to_session(3601.05) == 3601  # in the break: the nearer edge
    assert timeline.to_session(3601.15) == 0
    assert timeline.to_axis(4) == pytest.approx(3605.2)
    assert timeline.to_axis(3600.5) == 3600.5


def test_gap_of_eight_hours():
    one = clock((0, 10), (28_800, 10))
    timeline = make_timeline([one])
    assert axis(timeline) == [(0, 10, 0), (10.4, 20.4, 28_800)]
    assert timeline.to_axis(5000) == 10  # nobody recorded then: the nearest edge
    assert timeline.place(100, 200) == []
    assert timeline.place(5, 28_805) == [(5, 10), (10.4, pytest.approx(15.4))]


def test_only_the_largest_gaps_are_cut_out():
    timeline = make_timeline([clock((0, 10), (15, 10), (100_000, 10))])
    assert [(s.start, s.stop) for s in timeline.stretches] == [(0, 25), (100_000, 100_010)]


def test_reset_with_overlap_is_placed_twice():
    timeline = make_timeline([clock((0, 10), (5, 10))])
    assert axis(timeline) == [(0, 10, 0), (10.4, 20.4, 5)]
    assert timeline.place(6, 7) == [(6, 7), (pytest.approx(11.4), pytest.approx(12.4))]
    assert timeline.place(1, 2) == [(1, 2)]
    assert timeline.to_axis(6, 0) == 6
    assert timeline.to_axis(6, 1) == pytest.approx(11.4)


def test_reset_by_some_milliseconds():
    one = clock((0, 1000), (0.995, 1000), dt=0.001)
    first, second = make_timeline([one]).clock(one).segments
    assert second.t0 - first.t1 == pytest.approx(0.04)


def test_many_resets_leave_most_of_the_axis_to_the_recording():
    timeline = make_timeline([clock(*[(0, 10)] * 500)])
    assert len(timeline.breaks) == 499
    assert sum(stop - start for start, stop in timeline.breaks) == pytest.approx(0.1 * 5000)


def test_samples_without_a_time_stay_without():
    segments = Segment(0, 3, math.nan, 1.0, valid=False), Segment(3, 9, 50.0, 1.0)
    one = Clock((*segments, Segment(12, 9, 0.0, 1.0)))
    drawn = make_timeline([one]).clock(one)
    assert [segment.valid for segment in drawn.segments] == [False, True, True]
    assert [segment.t0 for segment in drawn.segments[1:]] == [50.0, pytest.approx(59.36)]
    assert clock_epochs(one) == [0, 0, 1]


# --- several probes -----------------------------------------------------------------------------


def test_probes_with_the_same_resets_lie_under_each_other():
    a, b = clock((3600, 10), (0, 10)), clock((3602, 10), (1, 10))
    timeline = make_timeline([a, b])
    assert [(s.start, s.stop) for s in timeline.stretches] == [(3600, 3612), (0, 11)]
    assert [segment.t0 for segment in timeline.clock(b).segments] == [3602, pytest.approx(3613.46)]


def test_a_probe_that_started_after_the_reset_lies_under_what_came_after_it():
    a, b = clock((27_720, 1), (0, 10)), clock((2, 8))
    timeline = make_timeline([a, b])
    assert len(timeline.stretches) == 2
    (drawn,) = timeline.clock(b).segments
    assert drawn.t0 == pytest.approx(timeline.to_axis(2, 1))
    assert drawn.t0 > timeline.stretches[1].at


def test_a_probe_that_stopped_before_the_reset_lies_above():
    a, b = clock((27_720, 10), (0, 10)), clock((27_721, 8))
    timeline = make_timeline([a, b])
    assert timeline.clock(b).segments[0].t0 == 27_721


def test_a_probe_that_missed_one_of_two_resets():
    a, b = clock((500, 10), (0, 10), (0, 300)), clock((501, 9), (100, 200))
    timeline = make_timeline([a, b])
    third = timeline.to_axis(100, 2)
    assert [segment.t0 for segment in timeline.clock(b).segments] == [501, pytest.approx(third)]


# --- ticks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("span", "ticks"),
    [
        ((0, 10), [0, 2, 4, 6, 8, 10]),
        ((0.1, 0.35), [0.1, 0.15, 0.2, 0.25, 0.3, 0.35]),
        ((0, 3600), [0, 600, 1200, 1800, 2400, 3000, 3600]),
        ((-3600, 3600), [-3600, -1800, 0, 1800, 3600]),
        ((0, 604_800), [86_400 * day for day in range(8)]),
    ],
)
def test_ticks_at_round_times(span, ticks):
    timeline = make_timeline([clock((0, 604_800))])
    assert timeline.ticks(*span, 5) == ticks


def test_ticks_of_a_broken_axis_are_round_in_session_time():
    timeline = make_timeline([clock((3600, 10), (0.5, 20))])
    found = timeline.ticks(timeline.start, timeline.stop, 6)
    assert [timeline.to_session(tick) for tick in found] == pytest.approx(
        [3600, 3605, 3610, 5, 10, 15, 20]
    )
    assert not any(start < tick < stop for start, stop in timeline.breaks for tick in found)


def test_a_short_stretch_has_its_roundest_time():
    # 0.6 s at 7:42:00, then 9.4 s
    one = clock((27_719.9, 768), (0, 11_732), dt=1 / 1250)
    timeline = make_timeline([one])
    found = timeline.ticks(timeline.start, timeline.stop, 5)
    assert timeline.to_session(found[0]) == pytest.approx(27_720)
    assert [timeline.to_session(tick) for tick in found[1:]] == pytest.approx([2, 4, 6, 8])


def test_seconds_since_1970():
    timeline = make_timeline([clock((1_651_000_000, 12_500))])
    assert timeline.is_unix
    assert timeline.date_text == "2022-04-26 UTC"
    first = timeline.ticks(timeline.start, timeline.stop, 4)[0]
    assert first % 3600 == 0
    assert not make_timeline([clock((27_720, 10))]).is_unix
    assert make_timeline([clock((27_720, 10))]).date_text == ""


# --- any clock ----------------------------------------------------------------------------------

jumps = st.one_of(
    st.floats(0, 100), st.floats(1e4, 1e7), st.floats(-1e5, -1e-3), st.sampled_from([0.0, -0.005])
)
stretches = st.lists(st.tuples(jumps, st.integers(1, 5000)), min_size=1, max_size=12)


def assembled(start: float, parts: list[tuple[float, int]]) -> Clock:
    time, found = start, []
    for jump, n in parts:
        time += jump
        found.append((time, n))
        time += n / 128
    return clock(*found, dt=1 / 128)


clocks = st.builds(assembled, st.sampled_from([0.0, -3600.0, 1.65e9]), stretches)


@given(st.lists(clocks, min_size=1, max_size=3))
def test_any_clocks(probes):
    timeline = make_timeline(probes)
    drawn = [timeline.clock(one) for one in probes]
    for one, on_axis in zip(probes, drawn, strict=True):
        pairs = list(zip(one.segments, on_axis.segments, strict=True))
        assert all(at.n_samples == segment.n_samples for segment, at in pairs)
        for segment, at in pairs:
            assert at.t1 > at.t0
            assert timeline.start - 1e-3 <= at.t0 < at.t1 <= timeline.stop + 1e-3
            middle = (at.t0 + at.t1) / 2
            expected = (segment.t0 + segment.t1) / 2
            assert timeline.to_session(middle) == pytest.approx(expected, abs=1e-3)
        for (before, after), (epoch, later) in zip(
            pairwise(on_axis.segments), pairwise(clock_epochs(one)), strict=True
        ):
            assert before.t0 < after.t0 or epoch != later
    assert covered(drawn) >= 0.0999 * (timeline.stop - timeline.start)
    for tick in timeline.ticks(timeline.start, timeline.stop, 8):
        assert not any(start + 1e-6 < tick < stop - 1e-6 for start, stop in timeline.breaks)


def covered(drawn: list[Clock]) -> float:
    """How much of the axis is recording of any probe, seconds."""
    total, reached = 0.0, -math.inf
    for start, stop in sorted((one.t0, one.t1) for clock in drawn for one in clock.segments):
        total += max(0.0, stop - max(start, reached))
        reached = max(reached, stop)
    return total


@given(clocks, st.floats(0, 0.99))
def test_times_on_the_axis_and_back(one, share):
    timeline = make_timeline([one])
    for stretch in timeline.stretches:
        time = stretch.start + share * (stretch.stop - stretch.start)
        at = timeline.to_axis(time, stretch.epoch)
        assert timeline.to_session(at) == pytest.approx(time, abs=1e-3)
        assert any(
            start - 1e-3 <= at <= stop + 1e-3 for start, stop in timeline.place(time, time + 1)
        )


def test_ten_thousand_segments_of_six_probes():
    starts = np.arange(10_000) * 100.0
    probes = [clock(*[(t0 + i, 1) for t0 in starts.tolist()]) for i in range(6)]
    timeline = make_timeline(probes)
    assert timeline.is_broken
    drawn = [timeline.clock(one) for one in probes]
    assert all(len(one.segments) == 10_000 for one in drawn)
    assert sum(stop - start for start, stop in timeline.breaks) <= 0.1 * 60_000 * 1.001
