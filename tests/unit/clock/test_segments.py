"""The clock: every peculiarity of timestamps, against segments written out by hand.

Seconds are multiples of powers of two, so that they are exact.
"""

import json
from collections.abc import Iterator
from math import inf, nan

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfpscope.clock.doubts import clock_doubts
from lfpscope.clock.fit import MAX_SEGMENTS, clock_from_rate, clock_from_timestamps
from lfpscope.clock.segments import Clock, Segment
from lfpscope.clock.timestamps import ENOUGH_STEPS
from lfpscope.doubts import Doubt
from lfpscope.formatting import duration_text

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


@pytest.mark.parametrize("rate", [3051.75, 1247.3, 2500 / 3, 30000.0])
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
    pairs = np.repeat(10.0 * np.arange(MAX_SEGMENTS), 5) + np.tile(even(5), MAX_SEGMENTS)
    assert len(clock(pairs).segments) == MAX_SEGMENTS


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


def test_pieces_that_are_shorter_than_slow_waves_are_doubted():
    times = np.arange(12_500) / 1250
    lost = np.arange(times.size) % 50 >= 45
    (doubt,) = clock_doubts(clock(times[~lost]))
    assert doubt == Doubt(
        "values", "gaps cut it into 250 pieces of about 36 ms: amplitudes lack slower waves"
    )


def test_a_few_short_pieces_are_not_doubted():
    times = np.arange(12_500) / 1250
    assert clock_doubts(clock(np.delete(times, [2000, 2005, 2010]))) == []


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


# --- timestamps coarser than a sample -----------------------------------------------------------

RATE = 1250.0


def away(found: Clock, truth: Floats) -> float:
    """The largest distance of the clock's times from the true ones, seconds."""
    times = [s.t0 + s.dt * np.arange(s.n_samples) for s in found.valid]
    true = [truth[s.first_sample : s.stop_sample] for s in found.valid]
    return float(np.abs(np.concatenate(times) - np.concatenate(true)).max())


def as_float32(times: Floats) -> Floats:
    return times.astype(np.float32).astype(np.float64)


def doubts(found: Clock) -> list[str]:
    return [doubt.text for doubt in clock_doubts(found)]


@pytest.mark.parametrize(
    ("t0", "quantum", "said"),
    [
        (3600.0, 2**-12, []),  # finer than half a sample
        (9000.0, 2**-10, ["timestamps are float32: times are right to 0.98 ms"]),
        (20_000.0, 2**-9, ["timestamps are float32: times are right to 2 ms"]),
        (70_000.0, 2**-7, ["timestamps are float32: times are right to 7.8 ms"]),
        (200_000.0, 2**-6, ["timestamps are float32: times are right to 16 ms"]),
    ],
)
def test_float32(t0, quantum, said):
    truth = t0 + np.arange(100_000) / RATE
    found = clock(as_float32(truth))
    (segment,) = found.segments
    assert away(found, truth) <= quantum
    assert segment.residual <= 1.5 * quantum  # slightly more than the largest distance
    assert 1 / segment.dt == pytest.approx(RATE, rel=1e-5)
    assert doubts(found) == said


def test_float32_that_gets_coarser_than_a_sample_on_the_way():
    truth = 7000 + np.arange(3_000_000) / RATE  # past 8192 s, where a step is 0.98 ms
    found = clock(as_float32(truth))
    assert len(found.segments) == 1
    assert away(found, truth) <= 2**-10
    assert found.dt == pytest.approx(1 / RATE, rel=1e-6)


@pytest.mark.parametrize("rate", [1000.0, 1023.9, 1024.1, 2500.0, 500.0])
def test_float32_at_other_rates(rate):
    truth = 10_000 + np.arange(60_000) / rate
    found = clock(as_float32(truth))
    assert len(found.segments) == 1
    assert away(found, truth) <= 2**-10
    assert 1 / found.dt == pytest.approx(rate, rel=1e-4)


def test_float32_of_unix_time_tells_no_rate():
    found = clock(as_float32(1.651e9 + np.arange(12_500) / RATE))
    assert found.valid == ()
    why = "timestamps are float32, in steps of 2 min 8 s at 1.651e+09 s: no rate can be told"
    assert doubts(found) == [f"no sample has a usable time: {why}"]


def test_whole_numbers_are_no_float32():
    assert doubts(clock(even(5000, 0.0, 2**-10))) == []


@pytest.mark.parametrize("quantum", [0.001, 0.01, 0.1, 1.0])
@pytest.mark.parametrize("rounding", [np.round, np.floor])
def test_rounded_timestamps(quantum, rounding):
    truth = 5 + np.arange(300_000) / 1247.3
    found = clock(rounding(truth / quantum) * quantum)
    assert len(found.segments) == 1
    assert away(found, truth) <= quantum
    assert 1 / found.dt == pytest.approx(1247.3, rel=1e-5)
    assert doubts(found) == [f"timestamps are rounded: times are right to {duration_text(quantum)}"]


@pytest.mark.parametrize("rate", [999.9, 1000.1, 1000.01, 900.0])
def test_a_step_is_skipped_or_repeated_now_and_then(rate):
    truth = np.arange(3_000_000) / rate
    found = clock(np.round(truth, 3))
    assert len(found.segments) == 1
    assert away(found, truth) <= 0.001
    assert 1 / found.dt == pytest.approx(rate, rel=1e-6)


def test_six_significant_digits():
    # 0.1 ms up to 100 s, 1 ms up to 1000 s, then 10 ms: all but a part of a block is read
    truth = 1 + np.arange(1_500_000) / RATE
    found = clock([float(f"{time:.6g}") for time in truth.tolist()])
    assert sum(segment.n_samples for segment in found.valid) > 1_498_000
    assert away(found, truth) <= 0.01


@pytest.mark.parametrize("n", [2, 3, 32, 128, 1024])
def test_one_timestamp_for_each_buffer(n):
    truth = np.arange(12_500) / RATE
    found = clock(truth[np.arange(12_500) // n * n])
    assert len(found.segments) == 1
    assert away(found, truth) < 1e-9
    assert doubts(found) == [
        f"one timestamp for each {n} samples: times within a buffer are interpolated"
    ]


def test_timestamps_of_buffers_that_jitter():
    rng = np.random.default_rng(0)
    truth = np.arange(300_000) / RATE
    buffer = np.arange(300_000) // 1024
    late = rng.uniform(0, 0.05, buffer.max() + 1)
    found = clock(truth[buffer * 1024] + late[buffer])
    assert len(found.segments) == 1
    assert away(found, truth) < 0.05
    assert found.dt == pytest.approx(1 / RATE, rel=1e-3)


def test_buffers_lost_between_others():
    truth = np.arange(320_000) / RATE
    truth[128_000:] += 32 / RATE  # one
    truth[256_000:] += 8 * 3600
    found = clock(truth[np.arange(320_000) // 32 * 32])
    assert [segment.first_sample for segment in found.segments] == [0, 128_000, 256_000]
    assert found.gaps() == [
        (pytest.approx(102.4), pytest.approx(102.4256)),
        (pytest.approx(204.8256), pytest.approx(29_004.8256)),
    ]
    assert away(found, truth) < 1e-9


def test_buffers_of_varying_length():
    rng = np.random.default_rng(0)
    lengths = rng.integers(20, 41, 4000)
    truth = np.arange(lengths.sum()) / RATE
    starts = np.repeat(np.cumsum(lengths) - lengths, lengths)
    found = clock(truth[starts])
    assert len(found.segments) == 1
    assert away(found, truth) < 1e-9
    assert doubts(found) == ["one timestamp for 20 to 40 samples: times between are interpolated"]


def test_buffers_with_nan_between_their_timestamps():
    truth = np.arange(12_500) / RATE
    stored = np.where(np.arange(12_500) % 32 == 0, truth, nan)
    found = clock(stored)
    assert len(found.segments) == 1
    assert away(found, truth) < 1e-9


def test_too_few_buffers_to_prove_anything():
    truth = np.arange(12_500) / RATE
    found = clock(truth[np.arange(12_500) // 5000 * 5000])
    assert found.valid == ()
    assert doubts(found) == [
        "no sample has a usable time: 12497 of 12500 samples repeat the timestamp before them"
    ]


@pytest.mark.parametrize("by", [0.02, 1.0, 8 * 3600.0, -0.02, -9000.0])
def test_gaps_and_resets_of_coarse_timestamps(by):
    truth = 9000 + np.arange(300_000) / RATE
    truth[150_000:] += by
    found = clock(as_float32(truth))
    assert [segment.first_sample for segment in found.segments] == [0, 150_000]
    assert (len(found.gaps()), len(found.resets())) == ((1, 0) if by > 0 else (0, 1))
    assert away(found, truth) <= 2**-8


@pytest.mark.parametrize("lost", [nan, None])
def test_standstill_of_a_coarse_clock(lost):
    stored = as_float32(9000 + np.arange(300_000) / RATE)
    stored[100_000:150_000] = stored[100_000] if lost is None else lost
    found = clock(stored)
    assert [segment.valid for segment in found.segments] == [True, False, True]
    assert found.segments[1].n_samples == pytest.approx(50_000, abs=2)


def test_sentinels_before_a_coarse_clock():
    stored = np.concatenate([np.full(296_000, -1.0), as_float32(9000 + np.arange(50_000) / RATE)])
    found = clock(stored)
    assert [(s.n_samples, s.valid) for s in found.segments] == [(296_000, False), (50_000, True)]


@pytest.mark.parametrize("share", [0.002, 0.02])
def test_samples_lost_at_random_are_gaps(share):
    # 1 and 2 steps, as of a coarse clock, but no line lies near all of them
    kept = np.flatnonzero(np.random.default_rng(0).random(100_000) >= share)
    found = clock(kept * 2.0**-10)
    assert len(found.segments) == 1 + np.count_nonzero(np.diff(kept) > 1)
    assert max(segment.residual for segment in found.segments) == 0.0


# --- what is uncertain about it -----------------------------------------------------------------


def test_nothing_is_doubted_of_a_regular_clock():
    assert doubts(clock_from_rate(1000, rate=1250.0, start=0.0)) == []
    assert doubts(clock_from_rate(1000, rate=1250.0, start=1.651e9)) == []  # seconds since 1970


def test_a_reset_is_called_one():
    times = np.concatenate([27_720 + np.arange(768) / 1024, np.arange(12_000) / 1024])
    found = clock(times)
    assert doubts(found) == ["the clock is reset 1 time: after 750 ms it restarts at 0:00"]
    assert found.resets() == [(27_720.75, 0.0)]
    assert found.gaps() == []


def test_resets_that_overlap_and_one_of_milliseconds():
    times = np.concatenate([even(1024, 0, 2**-10), even(1024, 0.5, 2**-10)])
    times = np.concatenate([times, times[-1] - 4 * 2**-10 + even(1024, 0, 2**-10)])
    found = clock(times)
    assert found.resets() == [(1.0, 0.5), (1.5, 1.5 - 5 * 2**-10)]
    assert doubts(found) == [
        "the clock is reset 2 times: the first after 1 s it restarts at 0:00.500"
    ]


def test_samples_without_a_time_are_missing():
    (doubt,) = clock_doubts(clock(np.concatenate([np.full(768, -1.0), even(5000, 13, 2**-10)])))
    assert (doubt.kind, doubt.text) == ("missing", "768 samples have no usable time")


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (100.0, []),
        (100_000.0, []),
        (30.0, ["implausible rate for LFP: 30 Hz. Are the timestamps milliseconds?"]),
        (
            1.0,
            ["implausible rate for LFP: 1 Hz. Are the timestamps counts of samples, or ticks?"],
        ),
        (2e6, ["implausible rate for LFP: 2e+06 Hz"]),
    ],
)
def test_rates_that_lfp_does_not_have(rate, said):
    assert doubts(clock_from_rate(1000, rate=rate, start=0.0)) == said


def test_a_clock_that_drifts_is_doubted():
    times = np.concatenate(
        [even(5000, 0, 2**-10), 4999 * 2**-10 + even(5001, 0, 1.25 * 2**-10)[1:]]
    )
    # the middle is half way between what the first half gains and the second loses
    assert doubts(clock(times)) == ["timestamps are up to 610 ms from an even clock"]


def test_what_is_noted_is_stored():
    found = clock(np.repeat(even(500, 0, 2**-5), 32))
    assert found.to_json()[0][5:] == [
        "one timestamp for each 32 samples: times within a buffer are interpolated"
    ]
    assert Clock.from_json(json.loads(json.dumps(found.to_json()))) == found


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


@given(parts=stretches, block=st.integers(1, 500))
def test_blocks_do_not_matter(parts, block):
    times = assembled(parts)
    assert segments(times, block) == segments(times)


@given(times=st.lists(anything, min_size=1, max_size=20))
def test_whatever_is_found_can_be_stored(times):
    found = clock(times)
    stored = json.dumps(found.to_json(), allow_nan=False)
    assert Clock.from_json(json.loads(stored)).to_json() == found.to_json()
    assert found.n_samples == len(times)


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
