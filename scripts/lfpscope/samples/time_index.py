"""Session time as an index of xarray: computed from the clock's segments, never loaded."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from xarray.core.indexing import IndexSelResult
from xarray.indexes import CoordinateTransform, CoordinateTransformIndex, PandasIndex

from lfpscope.clock.segments import Clock, Segment
from lfpscope.typing import Floats, Ints

TIME = "time"


class ClockTransform(CoordinateTransform):
    """Positions along a dimension → session time, by a clock.

    Parameters
    ----------
    clock : Clock
        Of the recording.
    first, stop : int
        Samples of it that lie along the dimension.
    dim : str
        Name of the dimension and of its coordinate.
    """

    def __init__(self, clock: Clock, first: int, stop: int, dim: str = TIME) -> None:
        super().__init__([dim], {dim: stop - first}, np.dtype(np.float64))
        self.clock, self.first, self.stop = clock, first, stop
        self._starts = np.array([one.first_sample for one in clock.segments])
        self._t0 = np.array([one.t0 for one in clock.segments])
        self._dt = np.array([one.dt for one in clock.segments])

    def seconds(self, positions: Ints) -> Floats:
        """Session time of some positions; NaN where the file has none."""
        samples = positions + self.first
        at = np.searchsorted(self._starts, samples, side="right") - 1
        return np.asarray(self._t0[at] + (samples - self._starts[at]) * self._dt[at])

    def forward(self, dim_positions: dict[str, Any]) -> dict[Hashable, Any]:
        """Session time of positions, as xarray asks for it."""
        (name,), (positions,) = self.coord_names, dim_positions.values()
        return {name: self.seconds(np.asarray(positions))}

    def equals(self, other: CoordinateTransform, **_: object) -> bool:
        """Whether another has the same times."""
        return (
            isinstance(other, ClockTransform)
            and (self.first, self.stop) == (other.first, other.stop)
            and self.clock.to_json() == other.clock.to_json()
        )


class ClockIndex(CoordinateTransformIndex):
    """Selects samples by session time.

    A range selects each sample whose time lies in it, ends included, in the order of the
    recording: none in a gap, those of both passes where a clock reset repeats a time. A single
    time selects the sample at exactly that time, or with ``method="nearest"`` the nearest one; of
    several equally near, the earliest in the recording.
    """

    transform: ClockTransform

    @classmethod
    def of(cls, clock: Clock) -> "ClockIndex":
        """Index of all samples of a recording."""
        return cls(ClockTransform(clock, 0, clock.n_samples))

    @property
    def dim(self) -> str:
        """Name of the dimension."""
        return self.transform.dims[0]

    def isel(
        self, indexers: Mapping[Any, int | slice | np.ndarray | xr.Variable]
    ) -> xr.Index | None:
        """Take some positions: a contiguous range stays an index without values."""
        wanted, size = indexers[self.dim], self.transform.stop - self.transform.first
        if isinstance(wanted, slice):
            start, stop, step = wanted.indices(size)
            if step == 1:
                first = self.transform.first + start
                taken = ClockTransform(
                    self.transform.clock, first, max(first, self.transform.first + stop), self.dim
                )
                return type(self)(taken)
            wanted = np.arange(start, stop, step)
        dim = wanted.dims[0] if isinstance(wanted, xr.Variable) and wanted.dims else self.dim
        positions = np.arange(size)[wanted] if _is_mask(wanted) else np.asarray(wanted)
        if positions.ndim != 1:
            return None
        return _values_index(self.transform.seconds(positions % max(size, 1)), str(dim))

    def sel(
        self, labels: dict[Any, Any], method: str | None = None, tolerance: float | None = None
    ) -> IndexSelResult:
        """Find the positions of session times; see the class."""
        if method not in (None, "nearest"):
            raise ValueError(f"method {method!r} (expected None or 'nearest')")
        (label,) = labels.values()
        if isinstance(label, slice):
            return IndexSelResult({self.dim: self._range(label)})
        times = np.asarray(label, dtype=np.float64)
        within = 0.0 if method is None else np.inf if tolerance is None else float(tolerance)
        positions = self._nearest(times.ravel(), within).reshape(times.shape)
        found: Any = positions if times.ndim else int(positions)
        if isinstance(label, xr.Variable):
            found = xr.Variable(label.dims, positions)
        elif isinstance(label, xr.DataArray):
            found = xr.DataArray(positions, coords=label.coords, dims=label.dims)
        return IndexSelResult({self.dim: found})

    def to_pandas_index(self) -> "pd.Index[Any]":
        """All times, 8 bytes a sample."""
        return _values_index(self._seconds(), self.dim).index

    @classmethod
    def concat(
        cls,
        indexes: Sequence["ClockIndex"],
        dim: Hashable,
        positions: Iterable[Iterable[int]] | None = None,
    ) -> Any:
        """Join times of several objects one after the other, by their values."""
        values = [_values_index(one._seconds(), one.dim) for one in indexes]
        return PandasIndex.concat(values, dim, positions)

    def _seconds(self) -> Floats:
        return self.transform.seconds(np.arange(self.transform.stop - self.transform.first))

    def _pieces(self) -> Iterable[tuple[Segment, int, int]]:
        """Segments that have a time, with the samples of each that are here."""
        for segment in self.transform.clock.valid:
            low = max(segment.first_sample, self.transform.first)
            high = min(segment.stop_sample, self.transform.stop)
            if low < high:
                yield segment, low - segment.first_sample, high - segment.first_sample

    def _range(self, label: slice) -> slice | Ints:
        """Positions of all samples between two times; a slice where they are contiguous."""
        if label.start is None and label.stop is None:
            return label  # those without a time, too
        start = -np.inf if label.start is None else float(label.start)
        stop = np.inf if label.stop is None else float(label.stop)
        if np.isnan([start, stop]).any():
            raise KeyError(f"{TIME}: {label} is no range of seconds")
        found: list[tuple[int, int]] = []
        for segment, low, high in self._pieces():
            offset = segment.first_sample - self.transform.first
            first = _first_at(segment, start, low, high)
            end = _first_at(segment, np.nextafter(stop, np.inf), low, high)
            if first < end and found and found[-1][1] == first + offset:
                found[-1] = found[-1][0], end + offset
            elif first < end:
                found.append((first + offset, end + offset))
        if len(found) <= 1:
            return slice(*(found[0] if found else (0, 0)), label.step)
        return np.concatenate([np.arange(*one) for one in found])[:: label.step]

    def _nearest(self, times: Floats, within: float) -> Ints:
        """Positions of the samples nearest to some times.

        Raises
        ------
        KeyError
            If one is farther away than so many seconds.
        """
        best = np.full(times.shape, np.inf)
        positions = np.full(times.shape, -1)
        for segment, low, high in self._pieces():
            at = np.clip(np.floor((times - segment.t0) / segment.dt), low, high - 1)
            at = np.nan_to_num(at, nan=low).astype(np.int64)
            for sample in (at, np.minimum(at + 1, high - 1)):
                distance = np.abs(segment.t0 + sample * segment.dt - times)
                nearer = distance < best
                best[nearer] = distance[nearer]
                positions[nearer] = (sample + segment.first_sample - self.transform.first)[nearer]
        missing = (positions < 0) | (best > within)
        if missing.any():
            raise KeyError(
                f"no sample at {TIME} = {times[missing][0]} s. Use method='nearest', or a slice."
            )
        return positions


def _first_at(segment: Segment, time: float, low: int, high: int) -> int:
    """The first of samples low to high of a segment at a time or after it; high if none is."""
    estimate = np.clip((time - segment.t0) / segment.dt, low - 2, high + 2)
    at = int(np.clip(np.ceil(estimate), low, high))
    while at > low and segment.t0 + (at - 1) * segment.dt >= time:  # what rounding has moved
        at -= 1
    while at < high and segment.t0 + at * segment.dt < time:
        at += 1
    return at


def _values_index(seconds: Floats, dim: str) -> PandasIndex:
    return PandasIndex(pd.Index(seconds, name=TIME), dim)


def _is_mask(wanted: Any) -> bool:
    return getattr(wanted, "dtype", None) == np.bool_
