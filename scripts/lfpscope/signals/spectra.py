"""Spectra by Welch's method.

Windows are Hann tapers with 50 % overlap, counted from the start of a segment, with their mean
removed; the density is one-sided. It equals ``scipy.signal.welch(x, rate, "hann", length,
length // 2, detrend="constant")`` on stretches without a sample to leave out.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.clock.segments import Clock
from lfpscope.compiling import numba
from lfpscope.typing import Array, Floats, Ints, Mask

WINDOW_S = 3.28  # 4096 samples at 1250 Hz
MIN_LENGTH = 64  # samples of a window


FLOAT32_WINDOWS = 256  # so many average out what float32 rounds; fewer are transformed in float64


MAX_RATE_CHANGE = 0.01  # of a segment against the longest one
WINDOWS_AT_ONCE = 16  # what stays in a core's cache
MICRO = 1e6  # spectra are computed in µV, where float32 has room on both sides


@dataclass(frozen=True)
class Welch:
    """How spectra are estimated.

    Attributes
    ----------
    rate : float
        Samples per second.
    length : int
        Samples of a window, a power of two.
    """

    rate: float
    length: int

    @property
    def hop(self) -> int:
        """Samples from one window to the next."""
        return self.length // 2

    @property
    def resolution(self) -> float:
        """Hz from one frequency to the next."""
        return self.rate / self.length

    @cached_property
    def frequencies(self) -> Floats:
        """Hz, from 0 to half the sampling rate."""
        return np.asarray(np.arange(self.length // 2 + 1) * self.resolution, np.float64)

    @cached_property
    def taper(self) -> Floats:
        """Weights of the samples of a window (Hann, periodic)."""
        turns: Floats = np.arange(self.length) / self.length
        return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * turns))

    @cached_property
    def density(self) -> Floats:
        """Factors that make squared transforms a one-sided density, per frequency, 1/Hz."""
        factors = np.full(self.length // 2 + 1, 2.0 / (self.rate * (self.taper**2).sum()))
        factors[[0, -1]] /= 2
        return factors

    def starts(self, n_samples: int) -> Ints:
        """First samples of the windows that a segment of so many samples holds."""
        return np.arange(0, max(n_samples - self.length + 1, 0), self.hop)


def window_length(rate: float, longest: int) -> int:
    """Samples of a window: about 3.28 s, less where the longest segment is shorter.

    >>> window_length(1250.0, 10_700_000), window_length(1250.0, 1000)
    (4096, 512)
    """
    wanted = 2 ** int(np.rint(np.log2(max(WINDOW_S * rate, 1.0))))
    fitting = 1 << max(int(longest).bit_length() - 1, 0)
    return int(max(min(wanted, fitting), MIN_LENGTH))


@dataclass(frozen=True)
class Windows:
    """All windows of a recording, and the time bins that they are averaged in.

    Attributes
    ----------
    welch : Welch
        How spectra are estimated.
    starts : ndarray of int64, shape (n_windows,)
        First sample of each window, in the recording.
    bins : ndarray of int64, shape (n_windows,)
        Time bin of each window: windows 2j and 2j + 1 of a segment share one.
    edges : ndarray of float64, shape (n_bins, 2)
        Session time of the first and behind the last sample of each time bin, s.
    """

    welch: Welch
    starts: Ints
    bins: Ints
    edges: Floats

    @property
    def n_bins(self) -> int:
        """Time bins."""
        return int(self.edges.shape[0])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the transforms: a mean of few windows can be small where float32 is coarse."""
        return np.dtype(np.float32 if self.starts.size >= FLOAT32_WINDOWS else np.float64)


def find_windows(clock: Clock) -> Windows | None:
    """Find the windows of a recording, segment by segment.

    Segments without a time have none, nor have those whose rate differs by more than 1 % from that
    of the longest one.

    Returns
    -------
    Windows or None
        None where no sample has a time, so that no rate is known.
    """
    if not clock.valid or not clock.dt > 0:
        return None
    usable = [s for s in clock.valid if abs(s.dt / clock.dt - 1) <= MAX_RATE_CHANGE]
    rate = 1.0 / clock.dt
    welch = Welch(rate, window_length(rate, max(s.n_samples for s in usable)))
    starts, bins, edges = [], [], []
    n_bins = 0
    for segment in usable:
        own = welch.starts(segment.n_samples)
        pairs = np.arange(own.size) // 2
        n_own = -(-own.size // 2)
        first = own[::2]
        stop = own[np.minimum(np.arange(n_own) * 2 + 1, own.size - 1)] + welch.length
        starts.append(segment.first_sample + own)
        bins.append(n_bins + pairs)
        edges.append(segment.t0 + np.stack([first, stop], axis=1) * segment.dt)
        n_bins += n_own
    return Windows(welch, np.concatenate(starts), np.concatenate(bins), np.concatenate(edges))


def transform_windows(
    x: Array,
    starts: Ints,
    welch: Welch,
    *,
    factor: float,
    limits: tuple[float, float],
    bounds: Ints,
    total: Floats,
    dtype: npt.DTypeLike = np.float64,
) -> tuple[Floats, Mask]:
    """Transform windows of one channel: add up their spectra, and integrate each over bands.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Samples in stored units.
    starts : ndarray of int64, shape (n_windows,)
        Where in `x` windows start.
    welch : Welch
        How spectra are estimated.
    factor : float
        Volts of a stored unit.
    limits : (float, float)
        Smallest and largest plausible value, in stored units: a window with a sample beyond them,
        or with a NaN, is dropped.
    bounds : ndarray of int64, shape (n_bands, 2)
        First frequency of each band, and one past its last.
    total : ndarray of float64, shape (n_frequencies,)
        The densities of the windows that are not dropped are added to it, V²/Hz.
    dtype : float32 or float64
        Of the transforms.

    Returns
    -------
    powers : ndarray of float64, shape (n_windows, n_bands)
        V²; NaN where a window is dropped.
    is_valid : ndarray of bool, shape (n_windows,)
        Whether it is not.
    """
    from scipy.fft import rfft  # 0.3 s to import, and a viewer opens without it

    powers = np.full((starts.size, bounds.shape[0]), np.nan)
    is_valid = np.zeros(starts.size, np.bool_)
    density = welch.density / MICRO**2
    for first in range(0, starts.size, WINDOWS_AT_ONCE):
        here = slice(first, first + WINDOWS_AT_ONCE)
        tapered = np.empty((starts[here].size, welch.length), dtype)
        _taper(x, starts[here], welch.taper, factor * MICRO, *limits, tapered, is_valid[here])
        spectra = rfft(tapered, axis=1, overwrite_x=True)
        _add(spectra, is_valid[here], density, bounds, welch.resolution, total, powers[here])
    return powers, is_valid


@numba.njit(nogil=True, cache=True)
def _taper(
    x: Array,
    starts: Ints,
    taper: Floats,
    factor: float,
    low: float,
    high: float,
    out: Array,
    is_valid: Mask,
) -> None:
    """Remove the mean of each window and taper it; the sums run in lanes of a fixed number."""
    lanes = np.empty(32)
    for k in range(starts.size):
        y = x[starts[k] : starts[k] + taper.size]
        lanes[:] = 0.0
        n_beyond = 0
        for row in range(y.size // 32):
            for j in range(32):
                value = np.float64(y[row * 32 + j])
                lanes[j] += value
                n_beyond += not (low <= value <= high)
        is_valid[k] = n_beyond == 0
        if n_beyond:
            out[k] = 0.0
        else:
            mean = lanes.sum() / y.size
            for i in range(y.size):
                out[k, i] = (y[i] - mean) * (taper[i] * factor)


@numba.njit(nogil=True, cache=True)
def _add(
    spectra: Array,
    is_valid: Mask,
    density: Floats,
    bounds: Ints,
    resolution: float,
    total: Floats,
    powers: Floats,
) -> None:
    """Square transforms, add them up in the order of time, and integrate each over bands."""
    power = np.empty(density.size)
    for k in range(spectra.shape[0]):
        if not is_valid[k]:
            continue
        for i in range(density.size):
            x = spectra[k, i]
            power[i] = np.float64(x.real * x.real + x.imag * x.imag) * density[i]
        for i in range(density.size):
            total[i] += power[i]
        for band in range(bounds.shape[0]):
            powers[k, band] = _sum(power[bounds[band, 0] : bounds[band, 1]]) * resolution


@numba.njit(nogil=True, cache=True)
def _sum(x: Floats) -> float:
    """Sum in four lanes: one would wait for each addition."""
    a = b = c = d = 0.0
    n = x.size // 4 * 4
    for i in range(0, n, 4):
        a += x[i]
        b += x[i + 1]
        c += x[i + 2]
        d += x[i + 3]
    for i in range(n, x.size):
        a += x[i]
    return (a + b) + (c + d)


def mean_spectrum(
    x: Array,
    welch: Welch,
    *,
    factor: float = 1.0,
    limits: tuple[float, float] = (-1e300, 1e300),
    dtype: npt.DTypeLike = np.float64,
) -> tuple[Floats, int]:
    """Mean spectrum of one channel of one segment, and of how many windows it is.

    Returns
    -------
    psd : ndarray of float64, shape (n_frequencies,)
        V²/Hz; NaN where no window is valid.
    n_windows : int
        How many are.
    """
    total = np.zeros(welch.frequencies.size)
    none = np.empty((0, 2), np.int64)
    starts = welch.starts(x.size)
    _, is_valid = transform_windows(
        x, starts, welch, factor=factor, limits=limits, bounds=none, total=total, dtype=dtype
    )
    n = int(is_valid.sum())
    return total / n if n else np.full(total.size, np.nan), n
