"""Times of samples: regular stretches and what lies between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from lfpscope.formatting import nan_if_null, null_if_nan

PLAUSIBLE_RATES = (100.0, 100_000.0)  # Hz, of LFP; others are read, with a doubt


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
        The largest distance, in seconds, of a stored timestamp from ``t0 + i * dt``, or slightly
        more where a segment was read in several blocks.
    valid : bool
        False where the file has no usable time: NaN, or a clock that stands still (a block of
        −1.0 at the start of some of Allen's probes).
    note : str
        Why stored timestamps are coarser than a sample; empty where they are not.
    """

    first_sample: int
    n_samples: int
    t0: float
    dt: float
    residual: float = 0.0
    valid: bool = True
    note: str = ""

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
        """Times ``(start, stop)`` that are missing between two segments, seconds."""
        return [(start, stop) for start, stop, dt in self._seams() if stop - start > dt / 2]

    def resets(self) -> list[tuple[float, float]]:
        """Session times ``(before, after)`` at which the clock was set back, seconds."""
        return [(start, stop) for start, stop, dt in self._seams() if start - stop > dt / 2]

    def _seams(self) -> list[tuple[float, float, float]]:
        return [(before.t1, after.t0, after.dt) for before, after in pairwise(self.valid)]

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
        """Lists ``[first_sample, n_samples, t0, dt, residual]``; t0 is null where invalid.

        A note, where a segment has one, comes last.
        """
        return [
            [s.first_sample, s.n_samples, null_if_nan(s.t0), null_if_nan(s.dt), s.residual]
            + [s.note] * bool(s.note)
            for s in self.segments
        ]

    @classmethod
    def from_json(cls, content: Sequence[Sequence[Any]]) -> "Clock":
        """Undo `to_json`.

        Raises
        ------
        ValueError
            If a segment does not begin where the one before it ends, or its time does not rise.
        """
        segments = tuple(
            Segment(first, n, nan_if_null(t0), nan_if_null(dt), residual, t0 is not None, *note)
            for first, n, t0, dt, residual, *note in content
        )
        stop = 0
        for segment in segments:
            rises = not segment.valid or (
                segment.dt > 0 and np.isfinite([segment.t0, segment.dt]).all()
            )
            if segment.first_sample != stop or segment.n_samples < 1 or not rises:
                raise ValueError(f"a clock with {segment}")
            stop = segment.stop_sample
        return cls(segments)
