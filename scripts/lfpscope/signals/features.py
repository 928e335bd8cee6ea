"""What tells a bad channel: features of its spectrum, and its likeness to its neighbours.

All are pure functions of spectra in V²/Hz, of positions in µm, and of a few windows of samples.
"""

import numpy as np

from lfpscope.typing import Array, Floats, Ints

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


NOTHING = 1e-30  # of a power


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
