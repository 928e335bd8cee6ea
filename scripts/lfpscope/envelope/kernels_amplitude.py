"""Compiled loops of the amplitude: distances of samples from the mean of their block."""

import math

import numpy as np
import numpy.typing as npt

from lfpscope.compiling import numba
from lfpscope.envelope.kernels import M2, MEAN, Block, Ints, N

CODES_PER_OCTAVE = 64  # of a mean square, so 128 of an RMS: steps of 0.54 %
_MANTISSA_BITS = 11  # enough: an error of 0.05 of a step
_LOG2 = np.rint(
    CODES_PER_OCTAVE * np.log2(1 + (np.arange(1 << _MANTISSA_BITS) + 0.5) / (1 << _MANTISSA_BITS))
).astype(np.int64)
MEAN_BITS = 14  # of a block's mean, below the RMS of its quietest bucket


@numba.njit(nogil=True, cache=True)
def about_blocks(
    moments: Block,
    lows: Block,
    highs: Block,
    factor: float,
    blocks: Ints,
    means: Block,
    squares: Block,
    peaks: Block,
) -> None:
    """Distances of the samples of buckets from the mean of their block.

    The mean is rounded to a small fraction of the RMS of the quietest bucket, so that it takes few
    bytes; everything is about the rounded mean.

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
    means : ndarray of float64, shape (n_channels, n_blocks)
        Filled with the means of blocks; 0 where a block has no valid sample.
    squares, peaks : ndarray of float64, shape (n_channels, n)
        Filled with the sum of squared distances, and the largest distance; 0 where there is none.
    """
    for channel in range(means.shape[0]):
        n, mean, m2 = moments[N, channel], moments[MEAN, channel], moments[M2, channel]
        for block in range(means.shape[1]):
            start, stop = blocks[block], blocks[block + 1]
            pivot, count, total = 0.0, 0.0, 0.0
            for k in range(start, stop):
                if n[k] and not count:
                    pivot = mean[k]
                count += n[k]
                total += n[k] * (mean[k] - pivot) if n[k] else 0.0
            middle = pivot + total / count if count else 0.0
            quietest = np.inf
            for k in range(start, stop):
                distance = mean[k] - middle
                square = m2[k] + n[k] * distance * distance
                if square > 0.0:
                    quietest = min(quietest, square / n[k])
            if quietest < np.inf:
                unit = math.ldexp(1.0, math.frexp(math.sqrt(quietest))[1] - MEAN_BITS)
                middle = np.rint(middle / unit) * unit if unit else middle
            means[channel, block] = middle
            for k in range(start, stop):
                distance = mean[k] - middle
                squares[channel, k] = m2[k] + n[k] * distance * distance if n[k] else 0.0
                high, low = highs[channel, k] * factor, lows[channel, k] * factor
                peaks[channel, k] = max(high - middle, middle - low) if n[k] else 0.0


@numba.njit(nogil=True, cache=True)
def peaks_of_buckets(
    lows: Block, highs: Block, factor: float, n: Ints, means: Block, owners: Ints, peaks: Block
) -> None:
    """Largest distance of the samples of buckets from the mean of their block.

    Parameters
    ----------
    lows, highs, factor
        As of `about_blocks`.
    n : ndarray of int, shape (n_channels, n)
        Valid samples of each bucket.
    means : ndarray of float64, shape (n_channels, n_blocks)
        Of the blocks.
    owners : ndarray of int, shape (n,)
        Index of each bucket's block.
    peaks : ndarray of float64, shape (n_channels, n)
        Filled; 0 where there is no valid sample.
    """
    for channel in range(n.shape[0]):
        for k in range(n.shape[1]):
            mean = means[channel, owners[k]]
            high, low = highs[channel, k] * factor - mean, mean - lows[channel, k] * factor
            peaks[channel, k] = max(high, low) if n[channel, k] else 0.0


@numba.njit(nogil=True, cache=True)
def fold_amplitude(
    squares: Block, n: Block, peaks: Block, parents: Ints, wide: Block, wide_n: Block, top: Block
) -> None:
    """Fold amplitudes of buckets into the wider ones they lie in.

    Parameters
    ----------
    squares, n, peaks : ndarray, shape (n_channels, n)
        Of the narrow ones: sums are added, and of the peaks the largest is taken.
    parents : ndarray of int, shape (n,)
        For each the wide one it lies in.
    wide, wide_n, top : ndarray, shape (n_channels, m)
        Of the wide ones, changed in place; zeros to begin with.
    """
    for channel in range(squares.shape[0]):
        for k in range(parents.size):
            parent = parents[k]
            wide[channel, parent] += squares[channel, k]
            wide_n[channel, parent] += n[channel, k]
            top[channel, parent] = max(top[channel, parent], peaks[channel, k])


@numba.njit(nogil=True, cache=True)
def code_squares(squares: Block, n: Block, peaks: Block, codes: Block) -> None:
    """Code mean squares by the logarithm of their ratio to the square of the peak.

    The ratio, 1 / n to 1, varies little, so codes take few bytes. Its logarithm is found from the
    bits of a float (IEEE 754) and a table: the same on every machine, and quick.

    Parameters
    ----------
    squares, n, peaks : ndarray of float64, shape (n_channels, n)
        Sums of squared distances, how many each is of, and the largest distance.
    codes : ndarray of uint16, same shape
        Filled.
    """
    shift = np.uint64(52 - _MANTISSA_BITS)
    mask = np.uint64((1 << _MANTISSA_BITS) - 1)
    ratio = np.empty(1, np.float64)
    bits = ratio.view(np.uint64)
    for channel in range(squares.shape[0]):
        for k in range(squares.shape[1]):
            if not squares[channel, k] > 0.0:
                codes[channel, k] = 0
                continue
            peak = peaks[channel, k]
            ratio[0] = squares[channel, k] / (n[channel, k] * peak * peak)
            octave = np.int64(bits[0] >> np.uint64(52)) - 1023
            code = octave * CODES_PER_OCTAVE + _LOG2[(bits[0] >> shift) & mask]
            codes[channel, k] = min(max(-code, 0), 65535)


@numba.njit(nogil=True, cache=True)
def squares_of_codes(codes: Block, n: Block, peaks: Block, ratios: Block, squares: Block) -> None:
    """Undo `code_squares`.

    Parameters
    ----------
    codes, n, peaks, squares
        As of `code_squares`; `squares` is filled.
    ratios : ndarray of float64, shape (65536,)
        From `code_ratios`.
    """
    for channel in range(codes.shape[0]):
        for k in range(codes.shape[1]):
            peak = peaks[channel, k]
            squares[channel, k] = ratios[codes[channel, k]] * peak * peak * n[channel, k]


def code_ratios() -> npt.NDArray[np.float64]:
    """Return the ratio of mean square to squared peak of each code of `code_squares`."""
    ratios: npt.NDArray[np.float64] = 2.0 ** (-np.arange(65536) / CODES_PER_OCTAVE)
    return ratios


@numba.njit(nogil=True, cache=True)
def amplitude_of_samples(
    samples: Block,
    first: int,
    block: int,
    means: Block,
    step: int,
    squares: Block,
    n: Block,
    peaks: Block,
) -> None:
    """Distances of samples from the mean of their block, in columns.

    Parameters
    ----------
    samples : ndarray of float, shape (n_channels, any)
        A stretch of a segment that begins with a column; NaN is left out.
    first : int
        Where in its block the first sample is.
    block : int
        Samples of a block.
    means : ndarray of float64, shape (n_channels, n_blocks)
        From the block of the first sample on.
    step : int
        Samples of a column.
    squares, n, peaks : ndarray, shape (n_channels, n_columns)
        Filled.
    """
    for channel in range(samples.shape[0]):
        x = samples[channel]
        for column in range(squares.shape[1]):
            total, count, top = 0.0, 0, 0.0
            i, stop = column * step, min((column + 1) * step, x.size)
            while i < stop:
                k = (first + i) // block
                end = min(stop, (k + 1) * block - first)
                mean = means[channel, k]
                while i < end:
                    distance = abs(np.float64(x[i]) - mean)
                    if distance == distance:
                        total += distance * distance
                        count += 1
                        top = max(top, distance)
                    i += 1
            squares[channel, column], n[channel, column] = total, count
            peaks[channel, column] = top
