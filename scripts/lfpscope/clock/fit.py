"""The clock of a recording from its rate or its timestamps."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from math import nan

import numpy as np

from lfpscope.clock.segments import Clock, Segment
from lfpscope.clock.timestamps import Coarse, Piece, pieces, regroup, usual_step
from lfpscope.formatting import duration_text
from lfpscope.typing import Floats

SENTINEL = -1.0  # in Allen's files: no time
MAX_SEGMENTS = 10_000  # more, and the clock is not one that runs evenly between breaks
FINEST_DOUBTED = 1e-3  # seconds: times that are right to it are not worth a word
FEW_BEATS = 3  # stretches that are joined where float32 explains it
MANY_BEATS = 16  # stretches that lie on one line by no chance


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

    Timestamps coarser than a sample repeat too, all the time: float32, rounded ones, one for each
    buffer. Where the line through them proves it, the clock is that line, and the segment's note
    says so; a new segment starts where a step differs from the line by more than 1.25 samples or
    half of the usual step between timestamps.

    Parameters
    ----------
    blocks : iterable of ndarray of float64, shape (n,)
        Timestamps in seconds, in the order of the samples.

    Raises
    ------
    ValueError
        If there are more than 10,000 segments: time does not run evenly anywhere.
    """
    stretches: list[list[Piece]] = []
    usual = float("nan")
    is_float32 = True  # so far
    for block in regroup(blocks):
        is_float32 = is_float32 and _is_float32(block.times)
        if np.isnan(usual):
            usual = usual_step(block)
        for piece in pieces(block, usual):
            if stretches and _belongs_to(piece, stretches[-1]):
                stretches[-1].append(piece)
            else:
                stretches.append([piece])
        if len(stretches) > MAX_SEGMENTS:
            stretches = _join_beats(stretches, usual, is_float32=is_float32)
        if len(stretches) > MAX_SEGMENTS:
            raise ValueError(_uneven(stretches))
    segments: list[Segment] = []
    first = 0
    for stretch in _join_beats(stretches, usual, is_float32=is_float32):
        segment = _segment(stretch, first, usual, is_float32=is_float32)
        first = segment.stop_sample
        if segments and not segment.valid and not segments[-1].valid:
            segments[-1] = replace(
                segments[-1], n_samples=segments[-1].n_samples + segment.n_samples
            )
        else:
            segments.append(segment)
    if any(segment.valid and segment.n_samples > 2 for segment in segments) or not segments:
        return Clock(tuple(segments))
    untimed = sum(segment.n_samples for segment in segments if not segment.valid)
    if untimed > first / 2:  # the few that have a time are where one standstill follows another
        why = _why_untimed(stretches, is_float32=is_float32)
        segments = [Segment(0, first, nan, usual, valid=False, note=why)]
    return Clock(tuple(segments))


def _why_untimed(stretches: Sequence[Sequence[Piece]], *, is_float32: bool) -> str:
    """Say why no sample has a time."""
    found = [piece for stretch in stretches for piece in stretch]
    n_samples = sum(piece.n for piece in found)
    missing = sum(piece.n for piece in found if not np.isfinite(piece.first))
    if missing > n_samples / 2:
        return f"{missing} of {n_samples} timestamps are not numbers"
    latest = max(abs(piece.last) for piece in found if np.isfinite(piece.last))
    if is_float32 and float32_step(latest) > FINEST_DOUBTED:
        step = duration_text(float32_step(latest))
        return f"timestamps are float32, in steps of {step} at {latest:.4g} s: no rate can be told"
    repeated = sum(piece.n for piece in found if not piece.valid) - missing
    return f"{repeated} of {n_samples} samples repeat the timestamp before them"


def _uneven(stretches: Sequence[Sequence[Piece]]) -> str:
    n_samples = sum(piece.n for stretch in stretches for piece in stretch)
    untimed = sum(piece.n for stretch in stretches for piece in stretch if not piece.valid)
    without = f", {untimed} of them without a time of their own" if untimed else ""
    return (
        f"timestamps that rise evenly, found {len(stretches)} jumps or standstills "
        f"in the first {n_samples} samples{without}"
    )


def _is_float32(times: Floats) -> bool:
    with np.errstate(over="ignore"):
        rounded = times.astype(np.float32)
    return bool(np.array_equal(rounded, times, equal_nan=True))


def _belongs_to(piece: Piece, stretch: Sequence[Piece]) -> bool:
    """Tell whether a piece goes on a stretch: one that it continues, or whose time it repeats."""
    if piece.valid:
        return piece.continues and stretch[-1].valid
    stray = len(stretch) == 1 and stretch[0].n == 1 and piece.first == stretch[0].last
    return stray or not stretch[-1].valid


def _join_beats(
    stretches: list[list[Piece]], usual: float, *, is_float32: bool
) -> list[list[Piece]]:
    """Join stretches between which a coarse clock skips or repeats a step now and then.

    That of 1000.1 Hz in whole milliseconds repeats one in 10,000. Many stretches are one where all
    their ends lie within a sample of a line; a few are, where float32 has no finer times.
    """
    if len(stretches) < FEW_BEATS or not usual > 0:
        return stretches
    n = np.array([sum(piece.n for piece in stretch) for stretch in stretches])
    first = np.cumsum(n) - n
    valid = np.array([all(piece.valid for piece in stretch) for stretch in stretches])
    timed = np.flatnonzero(valid)
    if timed.size < FEW_BEATS:
        return stretches
    starts = np.array([stretches[i][0].first for i in timed.tolist()])
    stops = np.array([stretches[i][-1].last for i in timed.tolist()])
    lengths = first[timed[1:]] - (first + n - 1)[timed[:-1]]
    away = np.abs(starts[1:] - stops[:-1] - lengths * usual)
    breaks = np.flatnonzero(~((away <= 1.25 * usual) & (lengths <= 2))) + 1
    joined: list[list[Piece]] = []
    done = 0
    for a, b in pairwise([0, *breaks.tolist(), timed.size]):
        is_float32_step = is_float32 and float32_step(stops[b - 1]) > usual / 2
        if b - a < (FEW_BEATS if is_float32_step else MANY_BEATS):
            continue
        here, final = timed[a:b], timed[b - 1]
        ends = np.r_[first[here], (first + n - 1)[here]]
        times = np.r_[starts[a:b], stops[a:b]]
        dt = (starts[b - 1] - starts[a + 1]) / (first[final] - first[here[1]])
        t0 = starts[a + 1] - dt * first[here[1]]
        if not dt > 0 or np.abs(times - t0 - dt * ends).max() > 1.05 * usual:
            continue
        away = times - t0 - dt * ends
        parts = [piece for i in here.tolist() for piece in stretches[i]]
        start, stop = int(first[here[0]]), int(first[final] + n[final])
        whole = Piece(
            n=stop - start,
            first=float(t0 + dt * start),
            last=float(t0 + dt * (stop - 1)),
            low=float(away.min()) + min(piece.low for piece in parts),
            high=float(away.max()) + max(piece.high for piece in parts),
            valid=True,
            continues=False,
            coarse=Coarse(1, 2, usual),
        )
        joined += [*stretches[done : int(here[0])], [whole]]
        done = int(final) + 1
    return [*joined, *stretches[done:]]


def _segment(
    stretch: Sequence[Piece], first_sample: int, usual: float, *, is_float32: bool
) -> Segment:
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
        residual = max(residual, max(ends) + piece.high, -min(ends) - piece.low)
        start += piece.n
    coarse = [piece.coarse for piece in stretch if piece.coarse]
    note = ""
    if coarse:
        note = _coarse_note(coarse, float32_step(last) if is_float32 else 0.0)
    return Segment(first_sample, n, t0, dt, residual, note=note)


def float32_step(seconds: float) -> float:
    """Seconds between neighbouring float32 numbers at a time."""
    return float(np.spacing(np.float32(abs(seconds))))


def _coarse_note(found: Sequence[Coarse], float32_quantum: float) -> str:
    """Say how coarse the timestamps of a segment are."""
    least, most = min(one.least for one in found), max(one.most for one in found)
    quantum = max(one.quantum for one in found)
    if float32_quantum and quantum <= 1.5 * float32_quantum:
        return f"timestamps are float32: times are right to {accuracy_text(float32_quantum)}"
    if least == most > 1:
        return f"one timestamp for each {most} samples: times within a buffer are interpolated"
    if all(one.quantum for one in found):
        return f"timestamps are rounded: times are right to {accuracy_text(quantum)}"
    if most > 1:
        return f"one timestamp for {least} to {most} samples: times between are interpolated"
    return ""


def accuracy_text(seconds: float) -> str:
    """A duration in two digits."""
    return duration_text(float(f"{seconds:.2g}"))
