"""Compiled loops that fit lines to blocks, and find how far samples and buckets lie from them."""

import math
from typing import Any

import numpy as np

from lfpscope.compiling import numba
from lfpscope.envelope.kernels import M2, MEAN, N
from lfpscope.typing import Array, Ints

LINE_BITS = 12  # of a block's line, below the RMS of its quietest bucket
JUMP = 6.0  # times the mean of the other differences: a step of a block's means (of noise 3 to 4)
MIN_JUMP_BUCKETS = 8  # of fewer a difference stands out by chance
MAX_JUMP_BUCKETS = 32  # or the slopes of all pairs would take long: at 30 kHz a block has 512
LANES = 32  # of sums and extremes: vectorised, and the same on every machine


@numba.njit(nogil=True, cache=True)
def about_lines(
    moments: Array,
    lows: Array,
    highs: Array,
    factor: float,
    blocks: Ints,
    per_block: int,
    lines: Array,
    squares: Array,
    peaks: Array,
) -> None:
    """Distances of the samples of buckets from the line of their block.

    The line is fitted to the means of the buckets by least squares, weighted by their valid
    samples, and taken at the middle of each bucket. Where the means jump, by a step or an artefact,
    it goes through most of them (repeated medians), which the others do not move. It is rounded to
    a small fraction of the RMS of the quietest bucket, so that it takes few bytes; everything is
    about the rounded line.

    Parameters
    ----------
    moments : ndarray of float64, shape (3, n_channels, n)
        N, MEAN and M2 of buckets that make up whole blocks.
    lows, highs : ndarray, shape (n_channels, n)
        Their smallest and largest samples, as stored.
    factor : float
        By which these are multiplied.
    blocks : ndarray of int, shape (n_blocks + 1,)
        Where blocks start and stop, in buckets.
    per_block : int
        Buckets of a block that no segment's end cuts short.
    lines : ndarray of float64, shape (2, n_channels, n_blocks)
        Filled with the lines: value at the middle of a full block, and slope per bucket; 0 where
        a block has no valid sample.
    squares, peaks : ndarray of float64, shape (n_channels, n)
        Filled with the sum of squared distances, and the largest distance; 0 where there is none.
    """
    for channel in range(squares.shape[0]):
        n, mean, m2 = moments[N, channel], moments[MEAN, channel], moments[M2, channel]
        low, high = lows[channel], highs[channel]
        for block in range(blocks.size - 1):
            here = slice(blocks[block], blocks[block + 1])
            line = lines[:, channel, block]
            _fit_line(n[here], mean[here], m2[here], per_block, line)
            for k in range(blocks[block], blocks[block + 1]):
                if n[k]:
                    base = _baseline(line, k - blocks[block], per_block)
                    distance = mean[k] - base
                    squares[channel, k] = m2[k] + n[k] * distance * distance
                    peaks[channel, k] = max(high[k] * factor - base, base - low[k] * factor)
                else:
                    squares[channel, k] = peaks[channel, k] = 0.0


@numba.njit(nogil=True, cache=True)
def _baseline(line: Array, k: int, per_block: int) -> Any:
    """Value of a line at the middle of bucket k of its block."""
    return line[0] + line[1] * (k - (per_block - 1) / 2)


@numba.njit(nogil=True, cache=True)
def _jumps(n: Array, mean: Array) -> bool:
    """Whether one difference of successive means stands out: a step, or an artefact's edge."""
    largest = total = last = 0.0
    count = 0
    for k in range(n.size):
        if n[k]:
            difference = abs(mean[k] - last) if count else 0.0
            total += difference
            largest = max(largest, difference)
            last = mean[k]
            count += 1
    return count >= MIN_JUMP_BUCKETS and largest * (count - 2) > JUMP * (total - largest)


@numba.njit(nogil=True, cache=True)
def _least_squares(n: Array, mean: Array, per_block: int, line: Array) -> None:
    """Line with the least squares, weighted by samples."""
    first = 0
    while n[first] == 0:
        first += 1
    pivot = mean[first]
    count = place = total = 0.0
    for k in range(n.size):
        if n[k]:
            count += n[k]
            place += n[k] * k
            total += n[k] * (mean[k] - pivot)
    place /= count
    middle = pivot + total / count
    product = square = 0.0
    for k in range(n.size):
        if n[k]:
            product += n[k] * (k - place) * (mean[k] - middle)
            square += n[k] * (k - place) * (k - place)
    slope = product / square if square else 0.0
    line[0] = middle + slope * ((per_block - 1) / 2 - place)
    line[1] = slope


@numba.njit(nogil=True, cache=True)
def _count(n: Array) -> int:
    """Buckets with a valid sample."""
    count = 0
    for k in range(n.size):
        count += n[k] != 0
    return count


@numba.njit(nogil=True, cache=True)
def _line_of_most(n: Array, mean: Array, per_block: int, line: Array) -> None:
    """Line through most of the means, which the others do not move."""
    count = _count(n)
    step = max(1, count // MAX_JUMP_BUCKETS)
    at, means = np.empty(count), np.empty(count)
    place = used = 0
    for k in range(n.size):
        if n[k]:
            if place % step == 0:
                at[used], means[used] = k - (per_block - 1) / 2, mean[k]
                used += 1
            place += 1
    at, means = at[:used], means[:used]
    line[1] = _repeated_median_slope(at, means)
    for k in range(used):
        means[k] -= line[1] * at[k]
    line[0] = _median(means)


@numba.njit(nogil=True, cache=True)
def _repeated_median_slope(at: Array, means: Array) -> Any:
    """Slope that up to half of the points cannot move (Siegel 1982, repeated medians)."""
    slopes, medians = np.empty(at.size - 1), np.empty(at.size)
    for i in range(at.size):
        k = 0
        for j in range(at.size):
            if j != i:
                slopes[k] = (means[j] - means[i]) / (at[j] - at[i])
                k += 1
        medians[i] = _median(slopes)
    return _median(medians)


@numba.njit(nogil=True, cache=True)
def _median(values: Array) -> Any:
    """Median of a few values, which are sorted: numba's own takes two seconds to compile."""
    n = values.size
    for i in range(1, n):
        value = values[i]
        j = i
        while j > 0 and values[j - 1] > value:
            values[j] = values[j - 1]
            j -= 1
        values[j] = value
    return values[n // 2] if n % 2 else (values[n // 2 - 1] + values[n // 2]) / 2


@numba.njit(nogil=True, cache=True)
def _fit_line(n: Array, mean: Array, m2: Array, per_block: int, line: Array) -> None:
    """Fit a line to the buckets of a block: least squares, or through most of them."""
    line[0] = line[1] = 0.0
    if not _count(n):
        return
    if _jumps(n, mean):
        _line_of_most(n, mean, per_block, line)
    else:
        _least_squares(n, mean, per_block, line)
    quietest = np.inf
    for k in range(n.size):
        if n[k]:
            distance = mean[k] - _baseline(line, k, per_block)
            power = m2[k] / n[k] + distance * distance
            quietest = min(quietest, power) if power > 0.0 else quietest
    if quietest < np.inf:
        unit = math.ldexp(1.0, math.frexp(math.sqrt(quietest))[1] - LINE_BITS)
        fine = unit / per_block  # its error grows towards the ends of the block
        if fine:
            line[0], line[1] = np.rint(line[0] / unit) * unit, np.rint(line[1] / fine) * fine


@numba.njit(nogil=True, cache=True)
def peaks_of_buckets(
    lows: Array,
    highs: Array,
    factor: float,
    n: Ints,
    lines: Array,
    first: int,
    per_block: int,
    peaks: Array,
) -> None:
    """Largest distance of the samples of the finest buckets from the line of their block.

    Parameters
    ----------
    lows, highs, factor, per_block
        As of `about_lines`.
    n : ndarray of int, shape (n_channels, n)
        Valid samples of each bucket.
    lines : ndarray of float64, shape (2, n_channels, n_blocks)
        Of the blocks, from the one of the first bucket on.
    first : int
        Where in its block the first bucket is.
    peaks : ndarray of float64, shape (n_channels, n)
        Filled; 0 where there is no valid sample.
    """
    for channel in range(n.shape[0]):
        for k in range(n.shape[1]):
            block, place = divmod(first + k, per_block)
            base = _baseline(lines[:, channel, block], place, per_block)
            high, low = highs[channel, k] * factor - base, base - lows[channel, k] * factor
            peaks[channel, k] = max(high, low) if n[channel, k] else 0.0


@numba.njit(nogil=True, cache=True)
def amplitude_of_samples(
    samples: Array,
    factor: float,
    begin: int,
    bucket: int,
    per_block: int,
    lines: Array,
    origin: int,
    step: int,
    squares: Array,
    n: Array,
    peaks: Array,
) -> None:
    """Distances of the samples of a chunk from the line of their block, in columns.

    Parameters
    ----------
    samples : ndarray, shape (n_channels, any)
        A stretch of a segment; NaN is left out.
    factor : float
        Samples are multiplied by it.
    begin : int
        The first sample, counted from the start of the first block.
    bucket, per_block : int
        Samples of a finest bucket, and buckets of a block.
    lines : ndarray of float64, shape (2, n_channels, n_blocks)
        From the first block on.
    origin : int
        The first sample, counted from the start of the first column.
    step : int
        Samples of a column.
    squares, n, peaks : ndarray, shape (n_channels, n_columns)
        Filled: sums of squared distances, how many each is of, and the largest distance; 0 where
        there is no number.
    """
    totals, tops = np.empty(LANES), np.empty(LANES)
    squares[:], n[:], peaks[:] = 0.0, 0, 0.0
    for channel in range(samples.shape[0]):
        x = samples[channel]
        for column in range(squares.shape[1]):
            first = max(0, column * step - origin)
            stop = min(x.size, (column + 1) * step - origin)
            totals[:], tops[:], count = 0.0, 0.0, 0
            for is_slow in (False, True):  # slowly only where the sum of all is no number
                i = first
                while i < stop:
                    k = (begin + i) // bucket
                    end = min(stop, (k + 1) * bucket - begin)
                    base = _baseline(lines[:, channel, k // per_block], k % per_block, per_block)
                    if is_slow:
                        count += _add_numbers(x[i:end], factor, base, totals, tops)
                    else:
                        _add(x[i:end], factor, base, totals, tops)
                        count += end - i
                    i = end
                if is_slow or totals.sum() < np.inf:
                    break
                totals[:], tops[:], count = 0.0, 0.0, 0
            squares[channel, column], n[channel, column] = totals.sum(), count
            peaks[channel, column] = tops.max()


@numba.njit(nogil=True, cache=True)
def _add(x: Array, factor: float, base: float, totals: Array, tops: Array) -> None:
    """Add squared distances from a value in lanes, and keep the largest of each."""
    whole = x.size // LANES * LANES
    for i in range(0, whole, LANES):
        for lane in range(LANES):
            distance = abs(_stored(x[i + lane], factor) - base)
            totals[lane] += distance * distance
            tops[lane] = distance if distance > tops[lane] else tops[lane]
    for i in range(whole, x.size):
        distance = abs(_stored(x[i], factor) - base)
        totals[i - whole] += distance * distance
        tops[i - whole] = distance if distance > tops[i - whole] else tops[i - whole]


@numba.njit(nogil=True, cache=True)
def _add_numbers(x: Array, factor: float, base: float, totals: Array, tops: Array) -> int:
    """Do the same with what is a number; return how many that is."""
    count = 0
    for i in range(x.size):
        distance = abs(_stored(x[i], factor) - base)
        if distance == distance:
            totals[0] += distance * distance
            tops[0] = max(tops[0], distance)
            count += 1
    return count


@numba.njit(nogil=True, cache=True)
def _stored(x: Any, factor: float) -> Any:
    """Return what is stored: of a whole count the float32 that it stands for."""
    return np.float64(x) if factor == 1.0 else np.float64(np.float32(x * factor))
