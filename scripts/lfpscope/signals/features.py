"""What tells a bad channel: features of its spectrum, and its likeness to its neighbours.

All are pure functions of spectra in V²/Hz, of positions in µm, and of a few windows of samples.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.fft

from lfpscope.compiling import numba
from lfpscope.typing import Array, Floats, Ints, Mask

MAINS_HZ = (50.0, 60.0)
N_HARMONICS = 5
LINE_HZ = 0.75  # on either side of a harmonic belong to the line
BESIDE_HZ = 6.0  # on either side of it are compared with
MIN_LINE_WINDOWS = 8  # of fewer, the highest of several bins is high by chance
SHARED = 0.5  # of all channels with a line make it the one of the room
DRIFT_HZ = 0.5
STOP_BAND_DB, STOP_BAND_RATIO = 10.0, 0.8  # a fall that no signal has, over a third of an octave
HF_SHARE = (0.6, 0.9)  # of the pass band's end
QUALITY_BANDS = {  # in which channels are compared; none holds mains
    "1–4 Hz": (1.0, 4.0),
    "4–10 Hz": (4.0, 10.0),
    "10–30 Hz": (10.0, 30.0),
    "30–45 Hz": (30.0, 45.0),
}
MIN_COHERENCE_WINDOWS = 20
MIN_AVERAGES = 40  # windows × frequencies of a correlation: of fewer it is high by chance
NOTHING = 1e-30  # of a power
SIMILAR_HZ = (2.0, 100.0)
FARTHEST_UM = 500.0  # of a neighbour
LANES = 32
MIN_NEIGHBOURS, MAX_NEIGHBOURS = 4, 16


# --- positions ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Positions:
    """Where the channels of a probe are.

    Attributes
    ----------
    height : ndarray of float64, shape (n_channels,)
        µm along the probe, larger towards the surface; NaN where unknown.
    part : ndarray of int64, shape (n_channels,)
        Number of the shank or group.
    """

    height: Floats
    part: Ints


def find_neighbours(positions: Positions, radius: float) -> list[Ints]:
    """Neighbours of each channel: those of its shank within a radius, the nearest first.

    At least the four nearest, if they are within 500 µm; at most 16. Of channels without a height,
    the others of the same shank or group without one.
    """
    found = []
    for i in range(positions.part.size):
        others = np.flatnonzero(positions.part == positions.part[i])
        others = others[others != i]
        if np.isnan(positions.height[i]):
            others = others[np.isnan(positions.height[others])]
            found.append(others[np.argsort(np.abs(others - i), kind="stable")][:MAX_NEIGHBOURS])
            continue
        away = np.abs(positions.height[others] - positions.height[i])
        order = np.argsort(away, kind="stable")  # unknown heights last
        others, away = others[order], away[order]
        least = np.count_nonzero(away[:MIN_NEIGHBOURS] <= FARTHEST_UM)
        n = max(int(np.count_nonzero(away <= radius)), least)
        found.append(others[: min(n, MAX_NEIGHBOURS)])
    return found


def relative_to_neighbours(values: Floats, neighbours: list[Ints], use: Mask) -> Floats:
    """Difference of each channel from the median of its neighbours that are to be used.

    Parameters
    ----------
    values : ndarray of float64, shape (..., n_channels)
        Levels, in dB.
    neighbours : list of ndarray of int64
        Of each channel.
    use : ndarray of bool, shape (n_channels,)
        Channels that may be compared with.

    Returns
    -------
    ndarray of float64, shape (..., n_channels)
        NaN where no neighbour is known.
    """
    near, is_near = _padded(neighbours)
    known = np.where(is_near & use[near], values[..., near], np.nan)
    return np.asarray(values - _medians(known))


def _medians(values: Floats) -> Floats:
    """Medians of the last axis without NaN; NaN where there is no number."""
    if not values.shape[-1]:
        return np.full(values.shape[:-1], np.nan)
    ordered = np.sort(values, axis=-1)  # NaN last
    n = (~np.isnan(values)).sum(axis=-1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum((n - 1) // 2, 0), axis=-1)
    high = np.take_along_axis(ordered, np.minimum(n // 2, values.shape[-1] - 1), axis=-1)
    return np.asarray(np.where(n > 0, (low + high) / 2, np.nan)[..., 0])


# --- of the spectrum ----------------------------------------------------------------------------


def near_lines(frequencies: Floats, mains_hz: float) -> Mask:
    """Frequencies that belong to the mains or its harmonics."""
    order = np.rint(frequencies / mains_hz)
    return (order >= 1) & (np.abs(frequencies - order * mains_hz) <= LINE_HZ)


def line_levels(
    frequencies: Floats, psd: Array, n_windows: Ints, mains_hz: float, end: float
) -> Floats:
    """How far the mains or its strongest harmonic stands out of the frequencies beside it.

    Parameters
    ----------
    frequencies : ndarray of float64, shape (n_frequencies,)
        Hz.
    psd : ndarray, shape (n_channels, n_frequencies)
        V²/Hz.
    n_windows : ndarray of int64, shape (n_channels,)
        Windows of which each is a mean.
    mains_hz : float
        50 or 60.
    end : float
        Hz; no harmonic above it is looked at.

    Returns
    -------
    ndarray of float64, shape (n_channels,)
        dB of the highest of the line's frequencies over the median beside it; NaN where the
        frequencies are too coarse, or the windows too few.
    """
    levels = np.full(psd.shape[0], np.nan)
    if frequencies.size < 2 or frequencies[1] > LINE_HZ:
        return levels
    found = []
    for order in range(1, N_HARMONICS + 1):
        away = np.abs(frequencies - order * mains_hz)
        line, beside = away <= LINE_HZ, (away > 2 * LINE_HZ) & (away <= BESIDE_HZ)
        if order * mains_hz + BESIDE_HZ <= end:
            found.append(decibels(psd[:, line].max(axis=1)) - decibels_of_median(psd[:, beside]))
    enough = n_windows >= MIN_LINE_WINDOWS
    if found:
        levels[enough] = np.max(found, axis=0)[enough]
    return levels


def find_mains(
    frequencies: Floats, psd: Array, n_windows: Ints, end: float
) -> tuple[float, Floats]:
    """Which mains frequency stands out more, and how far in each channel.

    Returns
    -------
    mains_hz : float
        50 or 60; 0 where neither can be told.
    levels : ndarray of float64, shape (n_channels,)
        dB, see `line_levels`.
    """
    both = [line_levels(frequencies, psd, n_windows, one, end) for one in MAINS_HZ]
    if np.isnan(both).all():
        return 0.0, both[0]
    # the median says which is everywhere; the maximum, which some channel has
    best = int(np.argmax([np.nanmedian(one) + np.nanmax(one) for one in both]))
    return MAINS_HZ[best], both[best]


def pass_band_end(frequencies: Floats, psd: Array) -> float:
    """Hz at which the stop band of a decimation filter begins; half the rate where none does.

    Parameters
    ----------
    psd : ndarray, shape (n_channels, n_frequencies)
        V²/Hz.
    """
    nyquist = float(frequencies[-1])
    known = psd[~np.isnan(psd).any(axis=1)]
    if not known.shape[0] or frequencies.size < 32:
        return nyquist
    level = decibels(np.median(known, axis=0))
    # medians of a 64th of the axis: lines and chance are no slope
    width = max(1, frequencies.size // 64)
    n = frequencies.size // width
    level = np.median(level[: n * width].reshape(n, width), axis=1)
    centre = frequencies[: n * width].reshape(n, width).mean(axis=1)
    before = np.interp(centre * STOP_BAND_RATIO, centre, level)
    falls = (before - level >= STOP_BAND_DB) & (centre >= nyquist / 4)
    if not falls.any():
        return nyquist
    first = int(np.argmax(falls))
    top = np.interp(centre[first] * STOP_BAND_RATIO, centre, level)
    if (level[first:] > top - STOP_BAND_DB / 2).any():  # it rises again: no filter
        return nyquist
    return float(centre[first] * STOP_BAND_RATIO)


def hf_power(frequencies: Floats, psd: Array, end: float) -> Floats:
    """Density near the upper end of the pass band, where noise is most of a signal.

    The median over frequencies, which lines do not change.

    Returns
    -------
    ndarray of float64, shape (n_channels,)
        V²/Hz.
    """
    low, high = (share * end for share in HF_SHARE)
    here = (frequencies >= low) & (frequencies < high)
    if not here.any():
        return np.full(psd.shape[0], np.nan)
    return np.asarray(np.median(psd[:, here], axis=1), np.float64)


def drift_share(frequencies: Floats, psd: Array, std: Floats) -> Floats:
    """Share of a channel's variance that is slower than 0.5 Hz, or than a window.

    Parameters
    ----------
    psd : ndarray, shape (n_channels, n_frequencies)
        V²/Hz.
    std : ndarray of float64, shape (n_channels,)
        Of all samples, V.
    """
    if frequencies.size < 2 or frequencies[1] > DRIFT_HZ:
        return np.full(psd.shape[0], np.nan)
    quick = psd[:, frequencies >= DRIFT_HZ].sum(axis=1, dtype=np.float64) * frequencies[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.clip(1 - quick / std**2, 0.0, 1.0))


def decibels(power: Array) -> Floats:
    """10 · log10, and −300 for nothing: differences of levels stay numbers."""
    return np.asarray(10 * np.log10(np.maximum(power.astype(np.float64), NOTHING)))


def decibels_of_median(psd: Array) -> Floats:
    """Decibels of the median over frequencies."""
    return decibels(np.median(psd, axis=-1))


# --- of windows of all channels -----------------------------------------------------------------


@dataclass(frozen=True)
class Likeness:
    """How alike channels are.

    Attributes
    ----------
    similarity : ndarray of float64, shape (n_channels,)
        The second largest absolute correlation with a neighbour, 2–100 Hz without mains: a
        neighbour that is bad, or lies beyond a reversal, does not lower it. NaN where there is no
        neighbour.
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
    near, is_near = _padded(neighbours)
    n_averages = 0
    cross, own, other = np.zeros((3, *near.shape))
    spectra = np.zeros((len(bands), compared.size, compared.size), np.complex128)
    powers = np.zeros(spectra.shape)
    stds = []
    for window in windows:
        is_valid = np.asarray(np.isfinite(window).all(axis=1))
        frequencies, x = _transform(np.where(is_valid[:, np.newaxis], window, 0.0), rate)
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


def _padded(neighbours: list[Ints]) -> tuple[Ints, Mask]:
    """Neighbours as a matrix, and which of its entries are some."""
    sizes = np.array([near.size for near in neighbours], np.int64)
    padded = np.zeros((sizes.size, sizes.max(initial=0)), np.int64)
    for i, near in enumerate(neighbours):
        padded[i, : near.size] = near
    return padded, np.arange(padded.shape[1]) < sizes[:, np.newaxis]


def _std_without_nan(window: Array) -> Floats:
    """Standard deviation of the finite samples of each row; 0 where there is none."""
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


def _transform(window: Array, rate: float) -> tuple[Floats, Array]:
    """Spectra of a Hann window, in µV: float32 has room for them."""
    n = window.shape[1]
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    centred = (window - window.mean(axis=1, keepdims=True, dtype=np.float64)) * (taper * 1e6)
    return np.arange(n // 2 + 1) * rate / n, scipy.fft.rfft(centred.astype(np.float32), axis=1)


def _second_largest(r: Floats) -> Floats:
    """Of each row; the largest where it has one number, NaN where it has none."""
    largest = -np.sort(-r, axis=1)  # NaN last
    if r.shape[1] == 0:
        return np.full(r.shape[0], np.nan)
    if r.shape[1] == 1:
        return largest[:, 0]
    return np.where(np.isnan(largest[:, 1]), largest[:, 0], largest[:, 1])
