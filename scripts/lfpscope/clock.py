"""The clock: sample index ↔ seconds, as a list of segments in which time runs evenly."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Segment:
    """A stretch of samples whose clock runs evenly.

    Attributes
    ----------
    first_sample, n_samples : int
        The stretch, in samples from the start of the recording.
    t0 : float
        Session time of its first sample, seconds. NaN if the stretch is invalid.
    dt : float
        Seconds per sample.
    residual : float
        The largest distance, in seconds, of a stored timestamp from ``t0 + i * dt``.
    valid : bool
        False where the file has no usable time: NaN, or a clock that stands still (a block of
        −1.0 at the start of some of Allen's probes).
    """

    first_sample: int
    n_samples: int
    t0: float
    dt: float
    residual: float = 0.0
    valid: bool = True

    @property
    def stop_sample(self) -> int:
        """One past the last sample."""
        return self.first_sample + self.n_samples

    @property
    def t1(self) -> float:
        """Session time one step past the last sample, seconds."""
        return self.t0 + self.n_samples * self.dt


@dataclass(frozen=True)
class Clock:
    """All segments of a recording, in the order of the samples."""

    segments: tuple[Segment, ...]

    @property
    def n_samples(self) -> int:
        """Samples in all segments."""
        return sum(segment.n_samples for segment in self.segments)

    @property
    def valid(self) -> tuple[Segment, ...]:
        """The segments that have a time."""
        return tuple(segment for segment in self.segments if segment.valid)

    @property
    def dt(self) -> float:
        """Seconds per sample, of the longest segment that has a time; NaN where none has."""
        return max(self.valid, key=lambda s: s.n_samples).dt if self.valid else float("nan")

    @property
    def t0(self) -> float:
        """The earliest session time, seconds."""
        return min((segment.t0 for segment in self.valid), default=float("nan"))

    @property
    def t1(self) -> float:
        """The latest session time, one step past the last sample, seconds."""
        return max((segment.t1 for segment in self.valid), default=float("nan"))

    def gaps(self) -> list[tuple[float, float]]:
        """Times ``(start, stop)`` between one segment's end and the next one's start, seconds.

        A clock that steps back gives a gap whose stop lies before its start.
        """
        return [(before.t1, after.t0) for before, after in pairwise(self.valid)]

    def seconds(self, sample: int) -> float:
        """Session time of a sample.

        Raises
        ------
        IndexError
            If there is no such sample.
        """
        for segment in self.segments:
            if segment.first_sample <= sample < segment.stop_sample:
                return segment.t0 + (sample - segment.first_sample) * segment.dt
        raise IndexError(f"sample {sample} of {self.n_samples}")

    def to_json(self) -> list[list[Any]]:
        """Lists ``[first_sample, n_samples, t0, dt, residual]``; t0 is null where invalid."""
        return [
            [s.first_sample, s.n_samples, _or_null(s.t0), _or_null(s.dt), s.residual]
            for s in self.segments
        ]

    @classmethod
    def from_json(cls, content: Sequence[Sequence[Any]]) -> "Clock":
        """Undo `to_json`."""
        return cls(
            tuple(
                Segment(first, n, _or_nan(t0), _or_nan(dt), residual, t0 is not None)
                for first, n, t0, dt, residual in content
            )
        )


def _or_null(number: float) -> float | None:
    return None if np.isnan(number) else number


def _or_nan(number: float | None) -> float:
    return float("nan") if number is None else number


def clock_from_rate(n_samples: int, *, rate: float, start: float) -> Clock:
    """Clock of a series that stores a rate in Hz and a starting time in seconds."""
    return Clock((Segment(0, n_samples, start, 1.0 / rate),))


def clock_from_timestamps(blocks: Iterable[Floats]) -> Clock:
    """Find the segments in timestamps that come in blocks, in constant memory.

    A new segment starts where a step differs from the usual step dt by more than dt / 2. The usual
    step is the median of the positive steps of the first block that has any. Stretches of NaN, or
    in which the clock stands still, become segments that are not valid.

    Parameters
    ----------
    blocks : iterable of ndarray of float64, shape (n,)
        Timestamps in seconds, in the order of the samples.
    """
    usual = float("nan")
    builder = _Builder()
    last = np.empty(0)
    for block in blocks:
        times = np.concatenate([last, block])  # so that the step between blocks is seen
        if np.isnan(usual):
            steps = np.diff(times)
            positive = steps[steps > 0]
            usual = float(np.median(positive)) if positive.size else float("nan")
        builder.add(times, usual, known=last.size)
        last = times[-1:]
    return builder.clock(usual)


class _Builder:
    """Collects stretches of evenly spaced or of invalid timestamps over successive blocks."""

    def __init__(self) -> None:
        self.stretches: list[_Stretch] = []
        self.n_samples = 0

    def add(self, times: Floats, usual: float, *, known: int) -> None:
        """Take the timestamps of a block, of which the first `known` were seen before."""
        steps = np.diff(times)
        stands = steps == 0
        invalid = ~np.isfinite(times)
        invalid[1:] |= stands
        invalid[:-1] |= stands
        if known:
            invalid[0] = self.stretches[-1].invalid
        elif times.size and times[0] == -1.0:  # Allen's sentinel, if only once
            invalid[0] = True
        breaks = invalid[1:] != invalid[:-1]
        with np.errstate(invalid="ignore"):
            breaks |= ~invalid[1:] & ~(np.abs(steps - usual) <= usual / 2)
        starts = np.concatenate([[0], np.flatnonzero(breaks) + 1, [times.size]])
        for start, stop in pairwise(starts.tolist()):
            continues = start == 0 and known
            self._extend(times[start:stop], bool(invalid[start]), bool(continues))
        self.n_samples += times.size - known

    def _extend(self, times: Floats, invalid: bool, continues: bool) -> None:
        if continues:
            self.stretches[-1].extend(times[1:])
        elif times.size:
            self.stretches.append(_Stretch(times, invalid))

    def clock(self, usual: float) -> Clock:
        """Join the stretches to a clock."""
        segments = []
        first = 0
        for stretch in self.stretches:
            segments.append(stretch.segment(first, usual))
            first += stretch.n_samples
        return Clock(tuple(segments))


class _Stretch:
    """A growing stretch: its ends, and the extremes of its distance from an even clock.

    The even clock is only known at the end, so the distance is measured from a provisional one;
    `segment` adds what the two clocks can differ by, which makes the residual an upper bound.
    """

    def __init__(self, times: Floats, invalid: bool) -> None:
        self.invalid = invalid
        self.n_samples = 0
        self.t0 = float(times[0])
        self.dt = float(times[-1] - times[0]) / max(times.size - 1, 1)
        self.last = self.t0
        self.low = self.high = 0.0
        self.extend(times)

    def extend(self, times: Floats) -> None:
        if not times.size:
            return
        if not self.invalid:
            even = self.t0 + np.arange(self.n_samples, self.n_samples + times.size) * self.dt
            self.low = min(self.low, float(np.min(times - even)))
            self.high = max(self.high, float(np.max(times - even)))
        self.last = float(times[-1])
        self.n_samples += times.size

    def segment(self, first_sample: int, usual: float) -> Segment:
        if self.invalid:
            return Segment(first_sample, self.n_samples, float("nan"), usual, valid=False)
        if self.n_samples == 1:
            return Segment(first_sample, 1, self.t0, usual)
        dt = (self.last - self.t0) / (self.n_samples - 1)
        drift = abs(dt - self.dt) * (self.n_samples - 1)
        return Segment(first_sample, self.n_samples, self.t0, dt, max(-self.low, self.high) + drift)
