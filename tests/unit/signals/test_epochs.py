"""Averages around events against a loop over trials."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from lfpscope.clock.segments import Clock, Segment
from lfpscope.signals.epochs import average, locate_events, make_window

Floats = npt.NDArray[np.float64]
RATE = 1000.0


def loop(
    signal: Floats, events: list[float], times: Floats, edges: list[int], before: int, after: int
) -> tuple[list[Floats], list[int]]:
    """Trials of each channel, one by one; segments begin at edges."""
    trials: list[list[Floats]] = [[] for _ in signal]
    lost = [0] * len(signal)
    for event in events:
        nearest = int(np.argmin(np.abs(times - event)))  # the first of equals
        start, stop = nearest - before, nearest + after + 1
        inside = [a <= start and stop <= b for a, b in pairwise(edges)]
        if not any(inside) or abs(times[nearest] - event) > 0.5001 / RATE:
            continue
        for channel, row in enumerate(signal):
            if np.isfinite(row[start:stop]).all():
                trials[channel].append(row[start:stop])
            else:
                lost[channel] += 1
    return [np.array(some).reshape(-1, before + after + 1) for some in trials], lost


@given(data=st.data())
def test_equal_to_a_loop_over_trials(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    lengths = data.draw(st.lists(st.integers(50, 400), min_size=1, max_size=4))
    gaps = data.draw(st.lists(st.floats(0.01, 2), min_size=4, max_size=4))
    edges = np.cumsum([0, *lengths]).tolist()
    starts = np.cumsum([3.0, *gaps[1:]])
    times = np.concatenate(
        [starts[i] + sum(lengths[:i]) / RATE + np.arange(n) / RATE for i, n in enumerate(lengths)]
    )
    signal = rng.normal(size=(3, times.size)) + 5
    for channel, sample in data.draw(
        st.lists(st.tuples(st.integers(0, 1), st.integers(0, times.size - 1)), max_size=5)
    ):
        signal[channel, sample] = np.nan
    before, after = data.draw(st.integers(0, 30)), data.draw(st.integers(0, 60))
    events = rng.uniform(times[0] - 0.1, times[-1] + 0.1, size=data.draw(st.integers(0, 30)))
    found = average(signal, events, times=times, window=(-before / RATE, after / RATE))
    trials, lost = loop(signal, events.tolist(), times, edges, before, after)
    np.testing.assert_allclose(found.time, np.arange(-before, after + 1) / RATE, atol=1e-12)
    assert found.n.tolist() == [len(some) for some in trials]
    assert found.dropped.get("nan", np.zeros(3, dtype=int)).tolist() == lost
    everywhere = sum(int(n[0]) for reason, n in found.dropped.items() if reason != "nan")
    assert everywhere == len(events) - found.n[2] - lost[2]
    for channel, some in enumerate(trials):
        if len(some):
            np.testing.assert_allclose(found.mean[channel], some.mean(axis=0), atol=1e-9)
        if len(some) > 1:
            sem = some.std(axis=0, ddof=1) / np.sqrt(len(some))
            np.testing.assert_allclose(found.sem[channel], sem, atol=1e-7)
        else:
            assert np.isnan(found.sem[channel]).all()
        if len(some) and before:
            np.testing.assert_allclose(found.baseline[channel], some[:, :before].mean(), atol=1e-9)


def test_the_sample_nearest_to_the_event_and_of_two_the_earlier() -> None:
    clock = Clock((Segment(0, 100, 0.0, 0.25),))  # binary fractions: ties are exact
    window = make_window(0.25, (0, 0))
    events = [1.0, 1.125, 1.126, 1.124, 0.0, 24.75]
    assert locate_events(events, clock, window).samples.tolist() == [4, 4, 5, 4, 0, 99]


def test_why_a_trial_is_dropped() -> None:
    # 0 to 10 s, a gap, 12 to 20 s, then set back to 15 s until 25 s, then at half the rate
    clock = Clock(
        (
            Segment(0, 1000, 0.0, 0.01),
            Segment(1000, 800, 12.0, 0.01),
            Segment(1800, 1000, 15.0, 0.01),
            Segment(2800, 500, 30.0, 0.02),
        )
    )
    window = make_window(0.01, (-0.5, 0.5))
    reasons = {
        0.2: "outside",
        5.0: "",
        9.8: "gap",
        11.0: "gap",
        12.1: "gap",
        13.0: "",
        17.0: "twice",
        24.8: "gap",
        24.0: "",
        35.0: "rate",
        99.0: "outside",
        -1.0: "outside",
    }
    located = locate_events(list(reasons), clock, window)
    assert located.reasons.tolist() == list(reasons.values())
    assert (located.samples >= 0).tolist() == [not reason for reason in reasons.values()]
    assert located.samples[[1, 5, 8]].tolist() == [500, 1100, 2700]


def test_times_that_are_excluded() -> None:
    clock = Clock((Segment(0, 1000, 0.0, 0.01),))
    window = make_window(0.01, (-0.5, 0.5))
    events = [1.4, 2.0, 2.8, 3.2, 3.6]
    located = locate_events(events, clock, window, excluded=[(2.0, 3.0)])
    assert located.reasons.tolist() == ["", "excluded", "excluded", "excluded", ""]
    located = locate_events(events, clock, window, excluded=[(2.0, 2.1)], artefacts=[(1.8, 3.0)])
    assert located.reasons.tolist() == ["artefact", "excluded", "artefact", "artefact", ""]


def test_a_window_has_the_samples_within_it() -> None:
    assert make_window(1 / 1250, (-0.25, 0.75)).width == 312 + 1 + 937
    assert make_window(0.001, (-0.25, 0.75)).width == 1001
    with pytest.raises(ValueError, match="no sample"):
        make_window(0.01, (0.001, 0.002))


def test_xarray_with_times_of_its_own() -> None:
    signal = np.random.default_rng(3).normal(size=(200, 2))
    times = 7 + np.arange(200) / 100
    labelled = xr.DataArray(
        signal, dims=("time", "channel"), coords={"timestamps": ("time", times)}
    )
    found = average(labelled, [8.0, 8.5], window=(-0.1, 0.1))
    expected = average(signal.T, [8.0, 8.5], times=times, window=(-0.1, 0.1))
    np.testing.assert_array_equal(found.mean, expected.mean)
    assert found.n.tolist() == [2, 2]


def test_rate_in_place_of_times_and_neither() -> None:
    signal = np.arange(100.0)[np.newaxis]
    found = average(signal, [0.5], rate=100, window=(-0.02, 0.02))
    assert found.mean.tolist() == [[48, 49, 50, 51, 52]]
    with pytest.raises(ValueError, match="neither times nor rate"):
        average(signal, [0.5])
    with pytest.raises(ValueError, match="times of shape"):
        average(signal, [0.5], times=np.arange(99))
