"""Ripples: short bursts of 150 to 250 Hz on several channels at once.

The definition is that of Kay et al. (A hippocampal network for spatial coding during immobility
and sleep, Nature 531, 2016), without the animal's speed: the square root of the smoothed sum of
the channels' squared envelopes stands so many standard deviations above its mean for at least
15 ms. A ripple lasts from where it leaves the mean to where it is back.
"""

import numpy as np

from lfpscope.signals.filter import design
from lfpscope.signals.runs import find_runs
from lfpscope.typing import Array, Floats, Ints

BAND_HZ = (150.0, 250.0)
SMOOTHING_S = 0.004  # standard deviation of the Gaussian
SHORTEST_S = 0.015
N_SD = 3.0  # Kay takes 2, and leaves out when the animal runs, which is not known here
TRACE_HZ = 500.0  # at least: what is smoothed so has nothing above 100 Hz
PIECE_VALUES = 1 << 20  # of a trace that are averaged at a time
TRUNCATE = 8  # standard deviations of the Gaussian that are summed


def trace_step(rate: float) -> int:
    """Samples from one value of a trace to the next."""
    return max(1, int(rate // TRACE_HZ))


def has_ripple_band(rate: float) -> bool:
    """Whether ripples can be seen at a sampling rate: the band and its edge lie below half of it.

    >>> has_ripple_band(1250.0), has_ripple_band(500.0)
    (True, False)
    """
    return rate > 2.2 * BAND_HZ[1]


def margin(rate: float) -> int:
    """Samples beside a stretch that its trace depends on, but for 1 part in 1000."""
    return int(np.ceil((SMOOTHING_S * TRUNCATE + 0.5) * rate)) + design(rate, *BAND_HZ).size // 2


def trace_ripples(x: Array, rate: float) -> Floats:
    """Strength of the ripple band over time.

    Parameters
    ----------
    x : ndarray, shape (n_channels, n)
        Samples that follow each other, without NaN.
    rate : float
        Samples per second.

    Returns
    -------
    ndarray of float64, shape (n,)
        Square root of the smoothed sum of squared envelopes, in the unit of `x`; NaN where the
        filter reaches beyond an end.
    """
    taps = design(rate, *BAND_HZ)
    half = taps.size // 2
    trace = np.full(x.shape[1], np.nan)
    if x.shape[1] <= 2 * half:
        return trace
    squares = _squared_envelopes(x, taps)
    reach = int(SMOOTHING_S * rate * TRUNCATE + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (SMOOTHING_S * rate)) ** 2)
    smooth = np.convolve(squares, weights / weights.sum())[reach : reach + squares.size]
    trace[half:-half] = np.sqrt(smooth[half:-half])
    return trace


def _squared_envelopes(x: Array, taps: Floats) -> Floats:
    """Sum over channels of the squared magnitude of the analytic signal in the band."""
    import scipy.fft  # 0.1 s, for those who look for ripples

    n_times, half = x.shape[1], taps.size // 2
    n = scipy.fft.next_fast_len(n_times + taps.size)
    response = scipy.fft.rfft(taps, n)
    response[1 : (n + 1) // 2] *= 2  # what lies above is left out
    spectrum = np.zeros(n, np.complex128)
    total = np.zeros(n_times)
    for row in x:
        spectrum[: response.size] = scipy.fft.rfft(row - np.mean(row), n) * response
        analytic = scipy.fft.ifft(spectrum)[half : half + n_times]
        total += analytic.real**2 + analytic.imag**2
    return total


def find_ripples(trace: Floats, step_s: float, n_sd: float = N_SD) -> tuple[Ints, Floats]:
    """Find ripples in a trace of their strength.

    Parameters
    ----------
    trace : ndarray, shape (n,)
        From `trace_ripples`, of a recording; NaN ends a ripple.
    step_s : float
        Seconds from one value to the next.
    n_sd : float
        Standard deviations above the mean.

    Returns
    -------
    ripples : ndarray of int64, shape (n_ripples, 2)
        First value of each, and one past its last.
    peaks : ndarray of float64, shape (n_ripples,)
        Largest value of each, in standard deviations above the mean.
    """
    mean, deviation = _moments(trace)
    if not deviation > 0:
        return np.empty((0, 2), np.int64), np.empty(0)
    # NaN is above nothing
    level = mean + n_sd * deviation
    cores = find_runs(trace >= level)
    cores = cores[_durations(trace, cores, level) * step_s >= SHORTEST_S]
    above = find_runs(trace >= mean)
    ripples = above[np.unique(np.searchsorted(above[:, 0], cores[:, 0], side="right") - 1)]
    tops = [float(trace[start:stop].max()) for start, stop in ripples.tolist()]
    return ripples, (np.array(tops) - mean) / deviation


def _durations(trace: Array, runs: Ints, level: float) -> Floats:
    """Steps for which a trace is above a level, with straight lines between its values."""
    durations = (runs[:, 1] - 1 - runs[:, 0]).astype(np.float64)
    for inner, outer in ((runs[:, 0], runs[:, 0] - 1), (runs[:, 1] - 1, runs[:, 1])):
        is_there = (outer >= 0) & (outer < trace.size)
        beside = np.where(is_there, trace[np.clip(outer, 0, trace.size - 1)], np.nan)
        durations += np.nan_to_num((trace[inner] - level) / (trace[inner] - beside))
    return durations


def _moments(trace: Array) -> tuple[float, float]:
    """Mean and standard deviation of the numbers in a long array, of which no copy is made."""
    n, mean = _average(trace)
    return mean, float(np.sqrt(_average(trace, mean)[1])) if n else 0.0


def _average(trace: Array, centre: float | None = None) -> tuple[int, float]:
    """Count the numbers, and average them or their squared distances from a centre."""
    n, total = 0, 0.0
    for first in range(0, trace.size, PIECE_VALUES):
        piece = trace[first : first + PIECE_VALUES].astype(np.float64)
        piece = piece[np.isfinite(piece)]
        n += piece.size
        total += float(piece.sum() if centre is None else np.sum((piece - centre) ** 2))
    return n, total / max(n, 1)
