"""How alike channels are in windows spread over the recording."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lfpscope.compiling import numba
from lfpscope.signals.features import LINE_HZ, MAINS_HZ
from lfpscope.signals.neighbours import padded
from lfpscope.typing import Array, Floats, Ints, Mask

MIN_COHERENCE_WINDOWS = 20
MIN_AVERAGES = 40  # windows × frequencies of a correlation: of fewer it is high by chance
SIMILAR_HZ = (2.0, 100.0)
FEW_NEIGHBOURS = 3  # of which one that is good has to do


LANES = 32
PIECE_VALUES = 1 << 20  # samples that are transformed at a time: steps between need several copies
ROWS = 16  # a multiple of what scipy transforms at once


def near_lines(frequencies: Floats, mains_hz: float) -> Mask:
    """Frequencies that belong to the mains or its harmonics."""
    order = np.rint(frequencies / mains_hz)
    return (order >= 1) & (np.abs(frequencies - order * mains_hz) <= LINE_HZ)


@dataclass(frozen=True)
class Likeness:
    """How alike channels are.

    Attributes
    ----------
    similarity : ndarray of float64, shape (n_channels,)
        The second largest absolute correlation with a neighbour, 2–100 Hz without mains: a
        neighbour that is bad, or lies beyond a reversal, does not lower it, and two channels that
        are connected do not raise it. The largest of up to three, as in a tetrode; NaN of none.
    coherence : ndarray of float32, shape (n_bands, n_compared, n_compared)
        Magnitude of the cross spectrum summed over a band and all windows, divided by the root of
        the product of the powers; NaN of fewer than 20 windows.
    n_windows : int
        Windows that were compared.
    level : float
        Median over channels and windows of the standard deviation, V; 0 where there is none.
    """

    similarity: Floats
    coherence: npt.NDArray[np.float32]
    n_windows: int
    level: float


def compare_channels(
    windows: Iterable[Array],
    rate: float,
    neighbours: list[Ints],
    bands: list[tuple[float, float]],
    compared: Ints,
) -> Likeness:
    """Compare channels in some windows; pairs in those that both channels have.

    Parameters
    ----------
    windows : iterable of ndarray, shape (n_channels, n_samples)
        Volts; a channel with a NaN is left out of that window.
    rate : float
        Samples per second.
    neighbours : list of ndarray of int64
        Of each channel.
    bands : list of (float, float)
        Of the coherence, Hz.
    compared : ndarray of int64
        Channels of the coherence.
    """
    near, is_near = padded(neighbours)
    n_averages = 0
    cross, own, other = np.zeros((3, *near.shape))
    spectra = np.zeros((len(bands), compared.size, compared.size), np.complex128)
    powers = np.zeros(spectra.shape)
    stds = []
    highest = max([SIMILAR_HZ[1], *(high for _, high in bands)])
    for window in windows:
        is_valid = np.concatenate([np.isfinite(window[r]).all(axis=1) for r in _pieces(window)])
        frequencies, x = _transform_pieces(window, is_valid, rate, highest)
        stds.append(_std_without_nan(window))
        y = x[:, _is_similar(frequencies)]
        n_averages += y.shape[1]
        power = _squared(y)
        for k in range(near.shape[1]):
            both = is_valid & is_valid[near[:, k]]
            cross[:, k] += both * (y * y[near[:, k]].conj()).real.sum(axis=1)
            own[:, k] += both * power
            other[:, k] += both * power[near[:, k]]
        for i, (low, high) in enumerate(bands):
            z = x[compared][:, (frequencies >= low) & (frequencies < high)]
            _add_cross_spectra(
                np.ascontiguousarray(z.real), np.ascontiguousarray(z.imag), spectra[i]
            )
            powers[i] += _squared(z)[:, np.newaxis] * is_valid[compared]
        del window, x, y  # before memory is needed for the next one
    with np.errstate(invalid="ignore", divide="ignore"):
        is_known = is_near & (n_averages >= MIN_AVERAGES)
        r = np.where(is_known, np.abs(cross) / np.sqrt(own * other), np.nan)
        magnitude = np.abs(spectra) / np.sqrt(powers * powers.transpose(0, 2, 1))
    known = np.concatenate([np.empty(0), *(one[one > 0] for one in stds)])
    level = float(np.median(known)) if known.size else 0.0
    if len(stds) < MIN_COHERENCE_WINDOWS:
        magnitude[:] = np.nan
    coherence = np.minimum(magnitude, 1.0).astype(np.float32)
    return Likeness(_second_largest(r), coherence, len(stds), level)


@numba.njit(nogil=True, cache=True)
def _add_cross_spectra(real: Array, imaginary: Array, out: Array) -> None:
    """Add the product of each row with the conjugate of each, summed over frequencies.

    Matrices so small are not worth the threads of a BLAS. Sums run in lanes of a fixed number.
    """
    n, lanes = real.shape[1], np.zeros((2, LANES), np.float32)
    for i in range(real.shape[0]):
        for j in range(i + 1):
            a, b, c, d = real[i], imaginary[i], real[j], imaginary[j]
            lanes[:] = 0.0
            for row in range(n // LANES):
                for k in range(LANES):
                    at = row * LANES + k
                    lanes[0, k] += a[at] * c[at] + b[at] * d[at]
                    lanes[1, k] += b[at] * c[at] - a[at] * d[at]
            for at in range(n // LANES * LANES, n):
                lanes[0, 0] += a[at] * c[at] + b[at] * d[at]
                lanes[1, 0] += b[at] * c[at] - a[at] * d[at]
            product = complex(lanes[0].sum(), lanes[1].sum())
            out[i, j] += product
            if i != j:
                out[j, i] += product.conjugate()


def _pieces(window: Array) -> list[slice]:
    """Rows that are computed with at a time."""
    step = max(1, PIECE_VALUES // (ROWS * max(1, window.shape[1]))) * ROWS
    return [slice(i, i + step) for i in range(0, window.shape[0], step)]


def _std_without_nan(window: Array) -> Floats:
    """Standard deviation of the finite samples of each row; 0 where there is none."""
    stds = [_std_of_rows(window[rows]) for rows in _pieces(window)]
    return np.concatenate([np.empty(0), *stds])


def _std_of_rows(window: Array) -> Floats:
    is_finite = np.isfinite(window)
    n = np.maximum(is_finite.sum(axis=1, keepdims=True), 1)
    x = np.where(is_finite, window, 0.0).astype(np.float64)
    distance = np.where(is_finite, x - x.sum(axis=1, keepdims=True) / n, 0.0)
    return np.asarray(np.sqrt((distance**2).sum(axis=1) / n[:, 0]))


def _is_similar(frequencies: Floats) -> Mask:
    """Frequencies that channels are compared in."""
    here = (frequencies >= SIMILAR_HZ[0]) & (frequencies < SIMILAR_HZ[1])
    for mains_hz in MAINS_HZ:
        here &= ~near_lines(frequencies, mains_hz)
    return here


def _squared(x: Array) -> Floats:
    """Sum of squared magnitudes of each row."""
    return np.asarray((x.real**2 + x.imag**2).sum(axis=1, dtype=np.float64))


def _transform(window: Array) -> Array:
    """Spectra of a Hann window, in µV: float32 has room for them."""
    import scipy.fft  # 0.1 s, also for those who compute no spectra

    n = window.shape[1]
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    centred = (window - window.mean(axis=1, keepdims=True, dtype=np.float64)) * (taper * 1e6)
    return np.asarray(scipy.fft.rfft(centred.astype(np.float32), axis=1))


def _transform_pieces(
    window: Array, is_valid: Mask, rate: float, highest: float
) -> tuple[Floats, Array]:
    """Spectra of rows up to a frequency; those that are not valid as if they were zeros."""
    n = window.shape[1]
    frequencies = np.arange(n // 2 + 1) * rate / n
    frequencies = frequencies[: np.searchsorted(frequencies, highest)]
    found = np.empty((window.shape[0], frequencies.size), np.complex64)
    for rows in _pieces(window):
        known = np.where(is_valid[rows, np.newaxis], window[rows], 0.0)
        found[rows] = _transform(known)[:, : frequencies.size]
    return frequencies, found


def _second_largest(r: Floats) -> Floats:
    """Of each row; the largest where it has few numbers, NaN where it has none."""
    n = np.count_nonzero(~np.isnan(r), axis=1)
    largest = np.concatenate([-np.sort(-r, axis=1), np.full((r.shape[0], 2), np.nan)], axis=1)
    return np.where(n > FEW_NEIGHBOURS, largest[:, 1], largest[:, 0])  # NaN last
