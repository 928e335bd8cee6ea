"""The clock: sample index ↔ seconds, as a list of segments in which time runs evenly."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SENTINEL = -1.0  # in Allen's files: no time
ENOUGH_STEPS = 1000  # to tell the usual one
MOST_SEGMENTS = 10_000  # more, and the clock is not one that runs evenly between breaks


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
        """Undo `to_json`.

        Raises
        ------
        ValueError
            If a segment does not begin where the one before it ends, or its time does not rise.
        """
        segments = tuple(
            Segment(first, n, _or_nan(t0), _or_nan(dt), residual, t0 is not None)
            for first, n, t0, dt, residual in content
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
    step is the median of the first thousand or more that rise; where none does, no sample has a
    time. Samples without a time of their own make segments that are not valid: NaN, a timestamp
    that repeats the one before it, and a single one that such repeats follow or that is Allen's
    sentinel −1.0.

    Parameters
    ----------
    blocks : iterable of ndarray of float64, shape (n,)
        Timestamps in seconds, in the order of the samples.

    Raises
    ------
    ValueError
        If there are more than 10,000 segments: time does not run evenly anywhere.
    """
    stretches: list[list[_Piece]] = []
    usual = float("nan")
    before = float("nan")
    for block, usual in _with_usual_step(blocks):
        for piece in _pieces(block, before, usual):
            if stretches and _belongs_to(piece, stretches[-1]):
                stretches[-1].append(piece)
            else:
                stretches.append([piece])
        if len(stretches) > MOST_SEGMENTS:
            n_samples = sum(piece.n for stretch in stretches for piece in stretch)
            raise ValueError(
                f"timestamps that rise evenly, found {len(stretches)} jumps or standstills "
                f"in the first {n_samples} samples"
            )
        before = float(block[-1])
    segments = []
    first = 0
    for stretch in stretches:
        segments.append(_segment(stretch, first, usual))
        first = segments[-1].stop_sample
    return Clock(tuple(segments))


class _Piece(NamedTuple):
    """The part of a stretch that lies in one block."""

    n: int
    first: float  # its timestamps
    last: float
    bend: float  # largest distance of a timestamp from the line between first and last
    valid: bool
    continues: bool  # one step after the end of the block before


def _with_usual_step(blocks: Iterable[Floats]) -> Iterator[tuple[Floats, float]]:
    """Yield each block with the usual step: blocks are held back until enough of them tell it.

    It is NaN with blocks at the start in which no time rises: there, any step is uneven.
    """
    held: list[Floats] = []
    rising = [np.empty(0)]
    usual = before = float("nan")
    n_rising = 0
    for block in blocks:
        if n_rising < ENOUGH_STEPS:
            steps = _steps(block, before)
            rising.append(steps[(steps > 0) & np.isfinite(steps)])
            n_rising, before = n_rising + rising[-1].size, float(block[-1])
            if 0 < n_rising < ENOUGH_STEPS:
                held.append(block)
                continue
            usual = _median(rising)
            yield from ((one, usual) for one in held)
        yield block, usual
    if n_rising < ENOUGH_STEPS:
        usual = _median(rising)
        yield from ((one, usual) for one in held)


def _steps(times: Floats, before: float) -> Floats:
    """Steps to each timestamp from the one before it."""
    with np.errstate(invalid="ignore"):  # between infinite ones
        return np.diff(times, prepend=before)


def _median(parts: list[Floats]) -> float:
    steps = np.concatenate(parts)
    return float(np.median(steps)) if steps.size else float("nan")


def _pieces(times: Floats, before: float, usual: float) -> Iterator[_Piece]:
    """Cut a block where the clock jumps, and where samples with and without a time meet."""
    steps = _steps(times, before)
    timeless = ~np.isfinite(times) | (steps == 0)
    with np.errstate(invalid="ignore"):
        uneven = ~(np.abs(steps - usual) <= usual / 2)
    cuts = uneven & ~timeless
    cuts[1:] |= timeless[1:] != timeless[:-1]
    starts = np.flatnonzero(cuts[1:]) + 1
    for start, stop in pairwise([0, *starts.tolist(), times.size]):
        valid = not timeless[start]
        part = times[start:stop]
        bend = _bend(part) if valid else 0.0
        continues = start == 0 and not uneven[0]
        yield _Piece(part.size, float(part[0]), float(part[-1]), bend, valid, bool(continues))


def _bend(times: Floats) -> float:
    even = np.linspace(times[0], times[-1], times.size)
    return float(np.max(np.abs(times - even)))


def _belongs_to(piece: _Piece, stretch: Sequence[_Piece]) -> bool:
    """Tell whether a piece goes on a stretch: one that it continues, or whose time it repeats."""
    if piece.valid:
        return piece.continues and stretch[-1].valid
    stray = len(stretch) == 1 and stretch[0].n == 1 and piece.first == stretch[0].last
    return stray or not stretch[-1].valid


def _segment(stretch: Sequence[_Piece], first_sample: int, usual: float) -> Segment:
    """Join the pieces of a stretch: an even clock from its first timestamp to its last."""
    n = sum(piece.n for piece in stretch)
    t0, last = stretch[0].first, stretch[-1].last
    sentinel = n == 1 and t0 == SENTINEL
    dt = (last - t0) / (n - 1) if n > 1 else usual
    if sentinel or not dt > 0 or not all(piece.valid for piece in stretch):
        return Segment(first_sample, n, float("nan"), usual, valid=False)
    residual = 0.0
    start = 0
    for piece in stretch:  # it strays from its own line, and that line's ends from the segment's
        ends = [piece.first - t0 - start * dt, piece.last - t0 - (start + piece.n - 1) * dt]
        residual = max(residual, piece.bend + max(map(abs, ends)))
        start += piece.n
    return Segment(first_sample, n, t0, dt, residual)
