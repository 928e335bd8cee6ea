"""Timestamps in blocks → pieces in which time runs evenly.

A sample has a time of its own where its timestamp differs from the one before it: a stamp. Usually
every sample is one. Where timestamps are coarser than a sample (float32, rounded, one for each
buffer), many samples share a stamp, and it is the stamps that have to run evenly.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from lfpscope.typing import Floats, Ints, Mask

Steps = tuple[Floats, Floats]  # times, and the step to each from the one before it

BLOCK = 1 << 14  # samples looked at together: what stays in a core's cache
MIN_BLOCK = 1 << 10  # samples; larger ones are halved where only a part is coarse
MAX_BLOCK = 1 << 20  # samples, where few of them are stamps
ENOUGH_STEPS = 1000  # to tell the usual one
MIN_STAMPS = 64  # in each later block
MANY_CUTS = 32  # in a block: its timestamps may be coarse
MIN_REPEATS = 4  # stamps shared by several samples that prove it where there are few
WINDOW = 64  # stamps over which a rate is taken that their coarseness hardly changes


class Coarse(NamedTuple):
    """How coarse timestamps are."""

    least: int  # samples that share a stamp
    most: int
    quantum: float  # seconds: all steps between stamps are multiples of it; 0 where there is none


class Piece(NamedTuple):
    """The part of a stretch of samples that lies in one block."""

    n: int
    first: float  # its timestamps; where they are coarse, those of the even clock through them
    last: float
    low: float  # how far timestamps lie below and above the line between first and last
    high: float
    valid: bool
    continues: bool  # one step after the end of the block before
    coarse: Coarse | None = None


class Stamp(NamedTuple):
    """The last stamp of the blocks so far."""

    time: float
    n: int  # samples since it


NO_STAMP = Stamp(float("nan"), 0)


class Block(NamedTuple):
    """Timestamps, the steps to each from the one before it, and the last stamp before them."""

    times: Floats
    steps: Floats
    stamp: Stamp


def make_block(times: Floats) -> Block:
    """A block of its own, of timestamps with nothing before them."""
    return Block(times, _steps(times, float("nan")), NO_STAMP)


def regroup(blocks: Iterable[Floats]) -> Iterator[Block]:
    """Cut timestamps into blocks that depend on them alone, each with enough stamps.

    The first block has a thousand steps that rise, later ones 64, if there are as many in a million
    samples; what is left at the end goes to the last one.
    """
    ready: list[Steps] = []
    held: list[Steps] = []
    n_rising, wanted, before = 0, ENOUGH_STEPS, float("nan")
    stamp = NO_STAMP
    for part in _parts(blocks):
        held.append((part, _steps(part, before)))
        before = float(part[-1])
        n_rising += int(np.count_nonzero(held[-1][1] > 0))
        if part.size == BLOCK and (n_rising >= wanted or len(held) * BLOCK >= MAX_BLOCK):
            if ready:
                block = _join(ready, stamp)
                yield block
                stamp = _last_stamp(block)
            ready, held = held, []
            n_rising, wanted = 0, MIN_STAMPS
    if ready or held:
        yield _join([*ready, *held], stamp)


def _parts(blocks: Iterable[Floats]) -> Iterator[Floats]:
    """Timestamps in parts of one length but for the last."""
    parts: list[Floats] = []
    wanted = BLOCK
    for block in blocks:
        first = 0
        while block.size - first >= wanted:
            parts.append(block[first : first + wanted])
            yield np.concatenate(parts) if len(parts) > 1 else parts[0]
            first, wanted, parts = first + wanted, BLOCK, []
        if first < block.size:
            parts.append(block[first:])
            wanted -= block.size - first
    if parts:
        yield np.concatenate(parts)


def _steps(times: Floats, before: float) -> Floats:
    steps = np.empty(times.size)
    with np.errstate(invalid="ignore"):  # between infinite ones
        np.subtract(times[1:], times[:-1], out=steps[1:])
        steps[0] = times[0] - before
    return steps


def _join(parts: list[Steps], stamp: Stamp) -> Block:
    if len(parts) == 1:
        return Block(*parts[0], stamp)
    times, steps = zip(*parts, strict=True)
    return Block(np.concatenate(times), np.concatenate(steps), stamp)


def _last_stamp(block: Block) -> Stamp:
    times, steps, stamp = block
    if steps[-1] != 0 and np.isfinite(times[-1]):
        return Stamp(float(times[-1]), 1)
    changes = np.flatnonzero((steps != 0) & np.isfinite(times))
    if changes.size:
        return Stamp(float(times[changes[-1]]), int(times.size - changes[-1]))
    return Stamp(stamp.time, stamp.n + times.size)


# --- the usual step -----------------------------------------------------------------------------


def usual_step(block: Block) -> float:
    """Seconds per sample of most of a block; NaN where no time rises in it."""
    rising = block.steps[(block.steps > 0) & np.isfinite(block.steps)]
    usual = float(np.median(rising)) if rising.size else float("nan")
    over_windows = _usual_slope(*_stamps(block))
    if not np.isfinite(over_windows):
        return usual
    is_coarse = _may_be_coarse(block, _cuts(block, usual))
    if not is_coarse:
        return over_windows
    proved = [piece for piece in coarse_pieces(block, over_windows) or () if piece.n > 1]
    if not proved:
        return usual
    longest = max(proved, key=lambda piece: piece.n * piece.valid)
    return (longest.last - longest.first) / (longest.n - 1)


def _usual_slope(index: Ints, times: Floats) -> float:
    """Median of the slopes over windows of stamps; NaN where there are too few."""
    window = min(WINDOW, index.size // 8)
    if window < 1:
        return float("nan")
    ends = np.arange(1, index.size, window)  # the first stamp may have begun earlier
    slopes = np.diff(times[ends]) / np.diff(index[ends])
    slopes = slopes[slopes > 0]
    return float(np.median(slopes)) if slopes.size else float("nan")


# --- pieces -------------------------------------------------------------------------------------


def pieces(block: Block, usual: float) -> Iterator[Piece]:
    """Cut a block where the clock jumps, and where samples with and without a time meet."""
    cuts = _cuts(block, usual)
    if _may_be_coarse(block, cuts):
        coarse = coarse_pieces(block, usual)
        if coarse is not None:
            yield from coarse
            return
        if block.times.size > MIN_BLOCK:  # perhaps coarse in a part, or otherwise in each
            for half in _halves(block):
                yield from pieces(half, usual)
            return
    times, steps, _ = block
    timeless = _timeless(block)
    starts = np.flatnonzero(cuts[1:]) + 1
    for start, stop in pairwise([0, *starts.tolist(), times.size]):
        valid = not timeless[start]
        part = times[start:stop]
        low, high = _bend(part) if valid else (0.0, 0.0)
        continues = start == 0 and bool(abs(steps[0] - usual) <= usual / 2)
        yield Piece(part.size, float(part[0]), float(part[-1]), low, high, valid, continues)


def _halves(block: Block) -> tuple[Block, Block]:
    middle = block.times.size // 2
    left = Block(block.times[:middle], block.steps[:middle], block.stamp)
    return left, Block(block.times[middle:], block.steps[middle:], _last_stamp(left))


def _timeless(block: Block) -> Mask:
    timeless: Mask = ~np.isfinite(block.times)
    timeless |= block.steps == 0
    return timeless


def _cuts(block: Block, usual: float) -> Mask:
    timeless = _timeless(block)
    with np.errstate(invalid="ignore"):
        uneven: Mask = ~(np.abs(block.steps - usual) <= usual / 2)
    uneven &= ~timeless
    uneven[1:] |= timeless[1:] != timeless[:-1]
    return uneven


def _bend(times: Floats) -> tuple[float, float]:
    away = times - np.linspace(times[0], times[-1], times.size)
    return float(away.min()), float(away.max())


# --- coarse timestamps --------------------------------------------------------------------------


def _may_be_coarse(block: Block, cuts: Mask) -> bool:
    n_cuts = np.count_nonzero(cuts)
    few = n_cuts < MANY_CUTS
    return bool(n_cuts and (not few or np.count_nonzero(_timeless(block)) > block.times.size / 2))


def _stamps(block: Block) -> tuple[Ints, Floats]:
    """Sample and time of each stamp; the first may lie before the block."""
    changes = np.flatnonzero((block.steps != 0) & np.isfinite(block.times))
    index, times = changes, block.times[changes]
    if np.isfinite(block.stamp.time):
        index = np.r_[-block.stamp.n, index]
        times = np.r_[block.stamp.time, times]
    kept = np.ones(times.size, dtype=bool)
    kept[1:] = np.diff(times) != 0  # not where one is repeated after a NaN
    return index[kept].astype(np.int64), times[kept]


def coarse_pieces(block: Block, usual: float) -> list[Piece] | None:
    """Find the stretches in which the stamps run evenly, though not every sample is one.

    Stamps of an even clock that is read coarsely lie within one sample of a line, those of buffers
    within half a buffer. None where stamps prove nothing of the kind: then every sample that has no
    timestamp of its own has no time.
    """
    index, times = _stamps(block)
    if index.size < MIN_REPEATS + 1 or not usual > 0:
        return None
    lengths, steps = np.diff(index), np.diff(times)
    rising = steps[steps > 0]
    if not rising.size:
        return None
    tolerance = max(1.25 * usual, float(np.median(rising)) / 2)
    longest = 4 * float(np.median(lengths)) + 2  # what is longer is a standstill
    fits = (np.abs(steps - lengths * usual) <= tolerance) & (lengths <= longest)
    if index[0] == 0:  # the clock may have read the first stamp before the recording started
        fits[0] |= 0 < steps[0] <= 1.01 * np.median(rising) and 1 < np.median(lengths) >= lengths[0]
    n_fits = np.count_nonzero(fits)
    if fits.size - n_fits > max(2, fits.size / 16):
        return None
    few = min(n_fits, np.count_nonzero(_cuts(block, usual))) < MANY_CUTS
    shared = np.count_nonzero(fits & (lengths > 1))
    if few and shared < max(MIN_REPEATS, n_fits / 2):
        return None
    found: list[Piece] = []
    firsts = [0, *(np.flatnonzero(~fits) + 1).tolist(), index.size]
    for a, b in pairwise(firsts):
        line = _line(index[a:b], times[a:b], usual)
        away = times[a + 1 : b] - line[0] - line[1] * index[a + 1 : b]
        slope_is_usual = abs(line[1] / usual - 1) <= 0.005 + 2 * tolerance / (
            times[b - 1] - times[a] + usual
        )
        if away.size and (np.abs(away).max() > 1.5 * tolerance or not slope_is_usual):
            return None
        stop = int(index[b]) if b < index.size else block.times.size
        found += _coarse_piece(block, index[a:b], times[a:b], line, stop, longest)
    untimed = int(index[0])
    return [*([_untimed(untimed)] if untimed > 0 else []), *found]


def _line(index: Ints, times: Floats, usual: float) -> tuple[float, float]:
    """Time of sample 0 of the block and seconds per sample, by the stamps of a stretch.

    The first is left out: it may stand for samples before the stretch.
    """
    if index.size > 1:
        index, times = index[1:], times[1:]
    middle, around = index.mean(), times.mean()
    slope = usual
    if index.size > 1:
        fitted = np.sum((index - middle) * (times - around)) / np.sum((index - middle) ** 2)
        slope = float(fitted) if fitted > 0 else usual
    return float(around - slope * middle), slope


def _coarse_piece(
    block: Block,
    index: Ints,
    times: Floats,
    line: tuple[float, float],
    stop: int,
    longest: float,
) -> list[Piece]:
    start, last = max(0, int(index[0])), int(index[-1])
    lengths = np.diff(index)
    inner = lengths[1:] if lengths.size > 1 else lengths
    timed = stop
    if stop - last > longest:  # a standstill: as many samples as usual belong to its stamp
        timed = max(start, last + int(np.median(inner))) if inner.size else start
    found = []
    if timed > start:
        even = line[0] + line[1] * np.arange(start, timed)
        here = block.times[start:timed]
        away = (here - even)[np.isfinite(here)]
        found.append(
            Piece(
                n=timed - start,
                first=float(even[0]),
                last=float(even[-1]),
                low=float(away.min(initial=0.0)),
                high=float(away.max(initial=0.0)),
                valid=True,
                continues=bool(index[0] < 0),
                coarse=_coarseness(inner, np.diff(times)[-inner.size :], line[1]),
            )
        )
    if stop > timed:
        found.append(_untimed(stop - timed))
    return found


def _untimed(n: int) -> Piece:
    return Piece(n, float("nan"), float("nan"), 0.0, 0.0, False, False)


def _coarseness(lengths: Ints, steps: Floats, usual: float) -> Coarse | None:
    """How coarse stamps are; None where each sample has its own, one step after another."""
    if not lengths.size or (lengths.max() == 1 and np.abs(steps / usual - 1).max() < 0.02):
        return None
    least, quantum = float(steps.min()), 0.0
    if least > 0:
        ratios = steps / least
        quantum = least if np.abs(ratios - np.round(ratios)).max() < 0.02 else 0.0
    return Coarse(int(lengths.min()), int(lengths.max()), quantum)
