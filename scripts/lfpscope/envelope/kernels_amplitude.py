"""Compiled loops that fold and code amplitudes, which are distances from the lines of blocks."""

import math

import numpy as np
import numpy.typing as npt

from lfpscope.compiling import numba
from lfpscope.typing import Array, Ints

CODES_PER_OCTAVE = 64  # of a mean square, so 128 of an RMS: steps of 0.54 %
_MANTISSA_BITS = 11  # enough: an error of 0.05 of a step
_LOG2 = np.rint(
    CODES_PER_OCTAVE * np.log2(1 + (np.arange(1 << _MANTISSA_BITS) + 0.5) / (1 << _MANTISSA_BITS))
).astype(np.int64)
PEAK_BITS = 9  # of a peak: within 0.2 %


@numba.njit(nogil=True, cache=True)
def round_peaks(peaks: Array, rounded: Array) -> None:
    """Round peaks to few digits, so that they take few bytes.

    Parameters
    ----------
    peaks : ndarray of float64, shape (n_channels, n)
        Largest distances.
    rounded : ndarray of float, same shape
        Filled.
    """
    for channel in range(peaks.shape[0]):
        for k in range(peaks.shape[1]):
            fraction, exponent = math.frexp(peaks[channel, k])
            rounded[channel, k] = math.ldexp(
                np.rint(math.ldexp(fraction, PEAK_BITS)), exponent - PEAK_BITS
            )


@numba.njit(nogil=True, cache=True)
def fold_amplitude(
    squares: Array, n: Array, peaks: Array, parents: Ints, wide: Array, wide_n: Array, top: Array
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
def code_squares(squares: Array, n: Array, peaks: Array, codes: Array) -> None:
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
def squares_of_codes(codes: Array, n: Array, peaks: Array, ratios: Array, squares: Array) -> None:
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
