"""The clock: every peculiarity of timestamps, against segments written out by hand.

Seconds are multiples of powers of two, so that they are exact.
"""

import json
from collections.abc import Iterator
from math import inf, nan

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfpscope.clock import (
    MOST_SEGMENTS,
    Clock,
    Segment,
    clock_from_rate,
    clock_from_timestamps,
)
from lfpscope.stamps import ENOUGH_STEPS

Floats = npt.NDArray[np.float64]


def clock(times: list[float] | Floats, block: int = 1 << 14) -> Clock:
    stored = np.array(times, dtype=float)
    return clock_from_timestamps(
        stored[first : first + block] for first in range(0, stored.size, block)
    )


def segments(times: list[float] | Floats, block: int = 1 << 14) -> list[list[float | None]]:
    """First sample, number of samples, t0 (None where invalid), dt, residual."""
    return clock(times, block).to_json()


def even(n: int, t0: float = 0.0, dt: float = 1.0) -> Floats:
    return t0 + dt * np.arange(n)


# --- regular ------------------------------------------------------------------------------------


def test_regular():
    assert segments([3, 3.5, 4, 4.5]) == [[0, 4, 3.0, 0.5, 0.0]]


@pytest.mark.parametrize("times", [[3.0], [3.0, 1.0], [3.0, inf]])
def test_without_a_step_that_rises_no_sample_has_a_time(times):
    found = clock(times)
    assert found.valid == ()
    assert found.n_samples == len(times)


def test_from_rate_and_start():
    found = clock_from_rate(1000, rate=3051.75, start=-2.5)
    assert found.segments == (Segment(0, 1000, -2.5, 1 / 3051.75),)
    assert found.t1 == -2.5 + 1000 / 3051.75


@pytest.mark.parametrize("rate", [3051.75, 1249.9972, 2500 / 3, 30000.0])
def test_rate_that_is_no_whole_number(rate):
    (found,) = clock(13.58 + np.arange(50_000) / rate).segments
    assert found.n_samples == 50_000
    assert found.dt == pytest.approx(1 / rate, rel=1e-9)
    assert found.residual < 1e-10


def test_before_the_session_starts():
    assert segments([-2, -1, 0, 1]) == [[0, 4, -2.0, 1.0, 0.0]]


def test_ticks_labelled_seconds():
    # 1250 Hz, counted at 30 kHz: the clock is what the file says; the recording warns
    assert segments([960, 984, 1008]) == [[0, 3, 960.0, 24.0, 0.0]]


# --- jitter -------------------------------------------------------------------------------------


def test_jitter_is_the_residual():
    assert segments([0, 1.25, 2, 2.75, 4]) == [[0, 5, 0.0, 1.0, 0.25]]


def test_step_of_one_and_a_half_is_jitter():
    assert segments([0, 1, 2.5, 3, 4]) == [[0, 5, 0.0, 1.0, 0.5]]


def test_step_of_more_than_one_and_a_half_is_a_break():
    assert segments([0, 1, 2.75, 3.75, 4.75]) == [[0, 2, 0.0, 1.0, 0.0], [2, 3, 2.75, 1.0, 0.0]]


def test_drift_is_the_residual():
    # the second half runs slower: farthest from the even clock where it turns
    times = np.concatenate([even(2048), 2047 + 1.25 * np.arange(1, 2049)])
    (found,) = clock(times, block=512).segments
    dt = times[-1] / 4095
    exact = np.abs(times - dt * np.arange(4096)).max()
    assert found.dt == dt
    assert exact <= found.residual <= exact * 1.01


def test_residual_of_a_segment_that_starts_at_the_end_of_a_block():
    # its first step tells its dt badly
    times = np.concatenate([even(2046), 5000 + even(2050)])
    times[2047] += 0.25
    (_, found) = clock(times, block=2048).segments
    assert (found.first_sample, found.n_samples) == (2046, 2050)
    assert 0.25 <= found.residual <= 0.51


def test_clock_that_never_runs_evenly_is_refused():
    rng = np.random.default_rng(0)
    times = rng.uniform(0, 1000, 100_000)
    with pytest.raises(ValueError, match=r"rise evenly, found \d+ jumps or standstills in"):
        clock(times)


def test_as_many_breaks_as_there_may_be():
    pairs = np.repeat(10.0 * np.arange(MOST_SEGMENTS), 5) + np.tile(even(5), MOST_SEGMENTS)
    assert len(clock(pairs).segments) == MOST_SEGMENTS


# --- gaps and steps back ------------------------------------------------------------------------


def test_gap():
    found = clock([0, 1, 2, 10, 11, 12])
    assert found.to_json() == [[0, 3, 0.0, 1.0, 0.0], [3, 3, 10.0, 1.0, 0.0]]
    assert found.gaps() == [(3.0, 10.0)]
    assert (found.t0, found.t1, found.dt) == (0.0, 13.0, 1.0)


def test_gap_after_a_single_sample():
    assert segments([0, 10, 11, 12]) == [[0, 1, 0.0, 1.0, 0.0], [1, 3, 10.0, 1.0, 0.0]]


def test_step_back():
    found = clock([5, 6, 7, 2, 3, 4])
    assert found.to_json() == [[0, 3, 5.0, 1.0, 0.0], [3, 3, 2.0, 1.0, 0.0]]
    assert found.resets() == [(8.0, 2.0)]
    assert found.gaps() == []
    assert (found.t0, found.t1) == (2.0, 8.0)


def test_each_segment_has_its_own_step():
    assert segments([0, 1, 2, 3, 10, 11.25, 12.5]) == [
        [0, 4, 0.0, 1.0, 0.0],
        [4, 3, 10.0, 1.25, 0.0],
    ]


def test_samples_lost_one_by_one():
    assert segments([0, 1, 2, 4, 5, 7, 8]) == [
        [0, 3, 0.0, 1.0, 0.0],
        [3, 2, 4.0, 1.0, 0.0],
        [5, 2, 7.0, 1.0, 0.0],
    ]


# --- samples without a time ---------------------------------------------------------------------


def test_nan_in_the_middle():
    assert segments([0, 1, nan, nan, 4, 5]) == [
        [0, 2, 0.0, 1.0, 0.0],
        [2, 2, None, 1.0, 0.0],
        [4, 2, 4.0, 1.0, 0.0],
    ]


@pytest.mark.parametrize("lost", [nan, inf, -inf])
def test_not_finite_at_both_ends(lost):
    assert segments([lost, 1, 2, 3, lost]) == [
        [0, 1, None, 1.0, 0.0],
        [1, 3, 1.0, 1.0, 0.0],
        [4, 1, None, 1.0, 0.0],
    ]


def test_nothing_but_nan():
    found = clock([nan] * 5)
    assert found.to_json() == [[0, 5, None, None, 0.0, "5 of 5 timestamps are not numbers"]]
    assert found.valid == ()
    assert np.isnan([found.t0, found.t1, found.dt]).all()
    assert found.gaps() == []


def test_sentinels_at_the_start():
    assert segments([-1, -1, -1, 13, 14, 15]) == [[0, 3, None, 1.0, 0.0], [3, 3, 13.0, 1.0, 0.0]]


@pytest.mark.parametrize("n", [1, 2, 1999, 2000, 2001, 4096, 296_000])
def test_sentinels_across_blocks(n):
    times = np.concatenate([np.full(n, -1.0), 13.5 + 0.5 * np.arange(5000)])
    assert segments(times, block=2000) == [
        [0, n, None, 0.5, 0.0],
        [n, 5000, 13.5, 0.5, 0.0],
    ]


def test_few_steps_before_a_long_standstill():
    times = np.concatenate([even(500, 3.0), np.full(20_000, -1.0), even(5000, 90.0)])
    assert segments(times, block=2000) == [
        [0, 500, 3.0, 1.0, 0.0],
        [500, 20_000, None, 1.0, 0.0],
        [20_500, 5000, 90.0, 1.0, 0.0],
    ]


def test_minus_one_second_of_a_running_clock_is_no_sentinel():
    assert segments([-1, -0.5, 0, 0.5]) == [[0, 4, -1.0, 0.5, 0.0]]


def test_clock_that_stands_still_after_a_jump():
    # all of it, and the sample that jumped as well
    assert segments([5, 6, 7, 0, 0, 0, 11, 12]) == [
        [0, 3, 5.0, 1.0, 0.0],
        [3, 3, None, 1.0, 0.0],
        [6, 2, 11.0, 1.0, 0.0],
    ]


def test_clock_that_stands_still():
    # the first sample of the standstill has its time
    assert segments([5, 6, 7, 7, 7, 10, 11]) == [
        [0, 3, 5.0, 1.0, 0.0],
        [3, 2, None, 1.0, 0.0],
        [5, 2, 10.0, 1.0, 0.0],
    ]


def test_one_timestamp_twice():
    assert segments([5, 6, 7, 7, 8, 9]) == [
        [0, 3, 5.0, 1.0, 0.0],
        [3, 1, None, 1.0, 0.0],
        [4, 2, 8.0, 1.0, 0.0],
    ]


# --- blocks -------------------------------------------------------------------------------------

stretches = st.lists(
    st.tuples(st.sampled_from(["even", "nan", "still"]), st.integers(1, 400), st.integers(-50, 50)),
    min_size=1,
    max_size=6,
)


anything = st.one_of(st.floats(-1e15, 1e15), st.sampled_from([nan, inf, -inf, 1, 2, 3]))


def assembled(parts: list[tuple[str, int, int]]) -> Floats:
    times, last = [even(ENOUGH_STEPS + 1)], float(ENOUGH_STEPS)
    for kind, n, jump in parts:
        if kind == "even":
            times.append(even(n, last + jump))
            last = float(times[-1][-1])
        else:
            times.append(np.full(n, nan if kind == "nan" else last + jump))
    return np.concatenate(times)


@settings(max_examples=200, deadline=None)
@given(parts=stretches, block=st.integers(1, 500))
def test_blocks_do_not_matter(parts, block):
    times = assembled(parts)
    assert segments(times, block) == segments(times)


@settings(max_examples=200, deadline=None)
@given(times=st.lists(anything, min_size=1, max_size=20))
def test_whatever_is_found_can_be_stored(times):
    found = clock(times)
    stored = json.dumps(found.to_json(), allow_nan=False)
    assert Clock.from_json(json.loads(stored)).to_json() == found.to_json()
    assert found.n_samples == len(times)


@settings(max_examples=200, deadline=None)
@given(parts=stretches)
def test_every_sample_is_in_one_segment_and_near_its_time(parts):
    times = assembled(parts)
    found = clock(times)
    assert found.n_samples == times.size
    assert [s.first_sample for s in found.segments] == [
        0,
        *(s.stop_sample for s in found.segments[:-1]),
    ]
    for segment in found.valid:
        here = times[segment.first_sample : segment.stop_sample]
        expected = segment.t0 + segment.dt * np.arange(segment.n_samples)
        assert np.abs(here - expected).max() <= segment.residual + 1e-9


def test_memory_does_not_grow_with_the_recording():
    import tracemalloc

    def blocks() -> Iterator[Floats]:
        for first in range(0, 5_000_000, 10_000):
            yield even(10_000, first / 1250, 1 / 1250)

    tracemalloc.start()
    assert clock_from_timestamps(blocks()).n_samples == 5_000_000
    assert tracemalloc.get_traced_memory()[1] < 3_000_000
    tracemalloc.stop()


# --- the clock in use ---------------------------------------------------------------------------


def test_seconds_of_a_sample():
    found = clock([0, 1, 2, 10, 11, 12])
    assert [found.seconds(i) for i in range(6)] == [0, 1, 2, 10, 11, 12]
    with pytest.raises(IndexError, match="sample 6 of 6"):
        found.seconds(6)


def test_json_and_back():
    found = clock([-1, -1, 3, 4, 5, nan, 7])
    assert Clock.from_json(found.to_json()).to_json() == found.to_json()
    assert [s.valid for s in Clock.from_json(found.to_json()).segments] == [
        False,
        True,
        False,
        True,
    ]
