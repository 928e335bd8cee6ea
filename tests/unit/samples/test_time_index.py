"""Selection by session time equals a search in all timestamps."""

import pickle
import tracemalloc
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from lfpscope.clock.segments import Clock, Segment
from lfpscope.samples.time_index import ClockIndex

GAP = Clock((Segment(0, 5, 10.0, 0.5), Segment(5, 4, 20.0, 0.5)))  # 10 … 12, 20 … 21.5
RESET = Clock((Segment(0, 5, 10.0, 0.5), Segment(5, 6, 11.0, 0.25)))  # 10 … 12, 11 … 12.25
INVALID = Clock((Segment(0, 3, np.nan, np.nan, valid=False), Segment(3, 4, 5.0, 1.0)))


def samples(clock: Clock) -> xr.DataArray:
    """The numbers of all samples, at their times."""
    coords = xr.Coordinates.from_xindex(ClockIndex.of(clock))
    return xr.DataArray(np.arange(clock.n_samples), dims="time", coords=coords)


def test_times_are_the_clock_s() -> None:
    assert samples(GAP).time.values.tolist() == [10, 10.5, 11, 11.5, 12, 20, 20.5, 21, 21.5]
    np.testing.assert_array_equal(samples(INVALID).time, [np.nan] * 3 + [5, 6, 7, 8])


@pytest.mark.parametrize(
    ("clock", "wanted", "expected"),
    [
        (GAP, slice(11, 20.5), [2, 3, 4, 5, 6]),
        (GAP, slice(11.1, 11.4), []),
        (GAP, slice(13, 19), []),
        (GAP, slice(None, 10), [0]),
        (GAP, slice(21.5, None), [8]),
        (GAP, slice(10, 21, 3), [0, 3, 6]),
        (RESET, slice(11, 11.5), [2, 3, 5, 6, 7]),  # both passes, in the order of the recording
        (RESET, slice(12.1, 99), [10]),
        (INVALID, slice(None), [0, 1, 2, 3, 4, 5, 6]),
        (INVALID, slice(0, 6), [3, 4]),
    ],
)
def test_a_range_of_seconds(clock: Clock, wanted: slice, expected: list[int]) -> None:
    assert samples(clock).sel(time=wanted).values.tolist() == expected


@pytest.mark.parametrize(
    ("clock", "time", "expected"),
    [
        (GAP, 10.7, 1),
        (GAP, 10.25, 0),  # the earlier of two equally near
        (GAP, 15.9, 4),
        (GAP, 16.1, 5),
        (GAP, -1e9, 0),
        (GAP, 1e9, 8),
        (RESET, 11.0, 2),
        (RESET, 11.26, 6),
        (INVALID, 0.0, 3),
    ],
)
def test_the_nearest_sample(clock: Clock, time: float, expected: int) -> None:
    found = samples(clock).sel(time=time, method="nearest")
    assert found.item() == expected
    assert found.shape == ()


def test_labels_keep_their_dimensions() -> None:
    onsets = xr.DataArray([[10.1, 12.4], [20.0, 21.0]], dims=("trial", "side"))
    found = samples(GAP).sel(time=onsets, method="nearest")
    assert found.dims == ("trial", "side")
    assert found.values.tolist() == [[0, 4], [5, 7]]
    assert samples(GAP).sel(time=[10.5, 20.0]).values.tolist() == [1, 5]


@pytest.mark.parametrize(
    ("label", "how"),
    [
        (10.1, {}),
        (np.nan, {"method": "nearest"}),
        ([10.0, 15.0], {"method": "nearest", "tolerance": 0.1}),
        (slice(np.nan, 3), {}),
    ],
)
def test_times_without_a_sample_are_refused(label: Any, how: dict[str, Any]) -> None:
    with pytest.raises(KeyError):
        samples(GAP).sel(time=label, **how)


def test_other_methods_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'pad' \(expected None or 'nearest'\)"):
        samples(GAP).sel(time=10.1, method="pad")


@given(data=st.data())
def test_ranges_and_nearest_equal_a_search_in_all_times(data: st.DataObject) -> None:
    draw = data.draw
    segments, n = [], 0
    for _ in range(draw(st.integers(1, 4))):
        size = draw(st.integers(1, 9))
        t0 = draw(st.floats(-100, 100))
        segments.append(Segment(n, size, t0, draw(st.floats(1e-4, 3))))
        n += size
    numbers = samples(Clock(tuple(segments)))
    begin = draw(st.integers(0, n - 1))
    part = numbers[begin : draw(st.integers(begin + 1, n))]
    times = part.time.values
    edges = st.one_of(st.floats(-150, 150), st.sampled_from(times.tolist()))
    low, high = sorted([draw(edges), draw(edges)])
    expected = part.values[(times >= low) & (times <= high)]
    assert part.sel(time=slice(low, high)).values.tolist() == expected.tolist()
    nearest = part.values[np.abs(times - low).argmin()]
    assert part.sel(time=low, method="nearest").item() == nearest


def test_parts_keep_their_times() -> None:
    everything = samples(RESET)
    for part in (everything[3:8], everything[::2], everything[[7, 1]], everything[::-1]):
        np.testing.assert_array_equal(part.time, everything.time.values[part.values])
    assert everything[2:].sel(time=slice(11, 11.5)).values.tolist() == [2, 3, 5, 6, 7]
    assert everything[-1].time.item() == 12.25
    mask = everything.values % 2 == 1
    assert everything[mask].time.values.tolist() == [10.5, 11.5, 11, 11.5, 12]


def test_joined_copied_and_compared() -> None:
    everything = samples(GAP)
    joined = xr.concat([everything[:3], everything[6:]], "time")
    assert joined.sel(time=slice(11, 21)).values.tolist() == [2, 6, 7]
    xr.testing.assert_identical(pickle.loads(pickle.dumps(everything)), everything)  # noqa: S301
    assert not everything.indexes["time"].equals(samples(RESET).indexes["time"])
    assert (everything - everything[:]).sum() == 0
    with pytest.raises(NotImplementedError, match="alignment"):
        everything[1:] + samples(RESET)[1:]


def test_no_times_are_loaded() -> None:
    """Of 2.4 hours, whose times take 86 MB."""
    day = Clock((Segment(0, 10_700_000, 5.0, 1 / 1250),))
    coords = xr.Coordinates.from_xindex(ClockIndex.of(day))
    lazy = xr.Dataset(coords=coords)
    tracemalloc.start()
    part = lazy.sel(time=slice(3600, 3610))
    lazy.sel(time=3600.0001, method="nearest").time.item()
    repr(lazy)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()
    assert part.sizes["time"] == 12_501
