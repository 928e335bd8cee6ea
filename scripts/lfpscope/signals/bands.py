"""Frequency bands, and their powers coded in a byte."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.compiling import numba
from lfpscope.signals.spectra import Welch
from lfpscope.typing import Array, Floats, Ints, Mask

SINGLE_BINS_HZ = 4.0  # below it, each frequency is a band of its own
BANDS_PER_OCTAVE = 6
CODE_STEP_DB = 0.5
NO_WINDOW, AT_FLOOR, MAX_CODE = 0, 1, 255


@dataclass(frozen=True)
class Bands:
    """Frequency bands, each a range of the frequencies of a spectrum.

    Attributes
    ----------
    names : tuple of str
        Of the bands.
    low, high : ndarray of float64, shape (n_bands,)
        Hz; a frequency belongs to the band with low ≤ f < high.
    first, stop : ndarray of int64, shape (n_bands,)
        The same as indices of frequencies.
    """

    names: tuple[str, ...]
    low: Floats
    high: Floats
    first: Ints
    stop: Ints


def _bands(welch: Welch, names: tuple[str, ...], low: Floats, high: Floats) -> Bands:
    """Bands with at least one frequency."""
    # a frequency that is an edge, but for rounding, belongs above it
    frequencies = welch.frequencies * (1 + 1e-12)
    first, stop = np.searchsorted(frequencies, low), np.searchsorted(frequencies, high)
    kept = np.flatnonzero(stop > first)
    names = tuple(names[i] for i in kept)
    return Bands(names, low[kept], high[kept], first[kept], stop[kept])


def fine_bands(welch: Welch) -> Bands:
    """Bands of a spectrogram: single frequencies up to 4 Hz, then 6 bands an octave.

    They cover all frequencies, each once.
    """
    singles = welch.frequencies[welch.frequencies < SINGLE_BINS_HZ]
    n = int(np.floor(max(np.log2(welch.rate / 2 / SINGLE_BINS_HZ), 0.0) * BANDS_PER_OCTAVE)) + 2
    octaves = SINGLE_BINS_HZ * 2 ** (np.arange(n) / BANDS_PER_OCTAVE)
    edges = np.concatenate([singles, octaves])
    low, high = edges[:-1], edges[1:]
    return _bands(welch, tuple(f"{f:.4g} Hz" for f in low), low, high)


def named_bands(welch: Welch, wanted: Mapping[str, tuple[float, float]]) -> Bands:
    """Bands with a name, such as theta; those that reach beyond half the rate are left out.

    Parameters
    ----------
    welch : Welch
        Has the frequencies.
    wanted : mapping of str to (float, float)
        Low and high edge, Hz.
    """
    fitting = {name: edges for name, edges in wanted.items() if edges[1] <= welch.rate / 2}
    edges = np.array(list(fitting.values()), np.float64).reshape(-1, 2)
    return _bands(welch, tuple(fitting), edges[:, 0], edges[:, 1])


def band_power(psd: Array, bands: Bands, welch: Welch) -> Floats:
    """Integrate spectra over bands.

    Parameters
    ----------
    psd : ndarray, shape (..., n_frequencies)
        V²/Hz.

    Returns
    -------
    ndarray of float64, shape (..., n_bands)
        V².
    """
    parts = [psd[..., a:b].sum(axis=-1) for a, b in zip(bands.first, bands.stop, strict=True)]
    power = np.stack(parts, axis=-1) if parts else np.empty((*psd.shape[:-1], 0))
    return np.asarray(power, np.float64) * welch.resolution


def encode_power(power: Floats, floor_db: float) -> npt.NDArray[np.uint8]:
    """Code powers in steps of 0.5 dB above a floor; NaN as 0, for no window.

    Parameters
    ----------
    power : ndarray of float64
        V².
    floor_db : float
        dB re 1 V²; what is at or below it is coded as 1.
    """
    with np.errstate(divide="ignore"):
        steps = (10 * np.log10(power) - floor_db) / CODE_STEP_DB
    known = ~np.isnan(power)
    codes = np.clip(np.rint(np.where(known, steps, 0.0)), 0, MAX_CODE - AT_FLOOR) + AT_FLOOR
    return np.where(known, codes, NO_WINDOW).astype(np.uint8)


@numba.njit(nogil=True, cache=True)
def add_windows(powers: Floats, is_valid: Mask, bins: Ints, sums: Floats, counts: Ints) -> None:
    """Add the powers of windows to those of their time bins, in the order of time.

    Parameters
    ----------
    powers : ndarray of float64, shape (n_channels, n_windows, n_bands)
        V².
    is_valid : ndarray of bool, shape (n_channels, n_windows)
        Whether a window counts.
    bins : ndarray of int64, shape (n_windows,)
        Where in `sums` its time bin is.
    sums, counts : ndarray, shapes (n_channels, n_bins, n_bands), (n_channels, n_bins)
        Added to.
    """
    for channel in range(powers.shape[0]):
        for window in range(bins.size):
            if is_valid[channel, window]:
                counts[channel, bins[window]] += 1
                for band in range(powers.shape[2]):
                    sums[channel, bins[window], band] += powers[channel, window, band]


@numba.njit(nogil=True, cache=True)
def encode_means(sums: Floats, counts: Ints, floor_db: float, codes: Array) -> None:
    """Code mean powers as `encode_power` does.

    Parameters
    ----------
    sums, counts : ndarray, shapes (n_channels, n_bins, n_bands), (n_channels, n_bins)
        As of `add_windows`.
    floor_db : float
        dB re 1 V².
    codes : ndarray of uint8, shape (n_channels, n_bands, n_bins)
        Filled.
    """
    per_neper = 10 / np.log(10.0) / CODE_STEP_DB  # log10 takes three times as long
    floor = floor_db / CODE_STEP_DB
    for channel in range(sums.shape[0]):
        for i in range(sums.shape[1]):
            for band in range(sums.shape[2]):
                if counts[channel, i] == 0:
                    codes[channel, band, i] = NO_WINDOW
                    continue
                power = sums[channel, i, band] / counts[channel, i]
                code = AT_FLOOR
                if power > 0:
                    steps = np.log(power) * per_neper - floor
                    code = AT_FLOOR + int(min(max(np.rint(steps), 0.0), MAX_CODE - AT_FLOOR))
                codes[channel, band, i] = code


def decode_power(codes: npt.NDArray[np.integer[Any]], floor_db: float) -> npt.NDArray[np.float32]:
    """Powers in dB re 1 V² of their codes; NaN where there is no window."""
    decibels = floor_db + CODE_STEP_DB * (codes.astype(np.float32) - AT_FLOOR)
    return np.where(codes == NO_WINDOW, np.float32(np.nan), decibels.astype(np.float32))


def round_mantissa(values: npt.NDArray[np.float32], bits: int) -> npt.NDArray[np.float32]:
    """Round to so many bits behind the first one, which leaves zeros that take no room.

    The relative error is at most 2 ** −(bits + 1). NaN and infinity stay as they are.
    """
    dropped = np.uint32(23 - bits)
    half = np.uint32(1 << (22 - bits)) if bits < 23 else np.uint32(0)
    rounded = values.view(np.uint32) + half
    rounded >>= dropped
    rounded <<= dropped
    found = rounded.view(np.float32)
    np.copyto(found, values, where=~np.isfinite(values))
    return found
