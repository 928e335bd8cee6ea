"""Spectra by Welch's method, as the pass over a probe computes them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.signals.arrays import clock_of, unpack
from lfpscope.signals.spectra import find_windows, transform_windows
from lfpscope.typing import Floats, Ints

NO_LIMITS = (-np.finfo(np.float64).max, np.finfo(np.float64).max)


@dataclass(frozen=True)
class Spectrum:
    """Mean spectrum of each channel.

    Attributes
    ----------
    frequency : ndarray of float64, shape (n_frequencies,)
        Hz.
    psd : ndarray of float64, shape (n_channels, n_frequencies)
        One-sided density, in the unit of the signal squared, per Hz; NaN without any window.
    n_windows : ndarray of int64, shape (n_channels,)
        Of which it is the mean.
    """

    frequency: Floats
    psd: Floats
    n_windows: Ints


def welch(
    signal: Any, *, times: npt.ArrayLike | None = None, rate: float | None = None
) -> Spectrum:
    """Estimate spectra: Hann windows of about 3.28 s that overlap by half, mean removed from each.

    A window never crosses a gap or a NaN. On samples without either it is
    ``scipy.signal.welch(signal, rate, "hann", n, n // 2, detrend="constant")``, n being 4096 at
    1250 Hz, and less in short recordings.

    Parameters
    ----------
    signal : ndarray or DataArray, shape (n_channels, n_samples)
        Samples; any unit. A DataArray has the dimensions channel and time, in any order.
    times : array-like, shape (n_samples,), optional
        Time of each sample, seconds; they may have gaps. Of a DataArray its coordinate
        ``timestamps``, or ``time``, by default.
    rate : float, optional
        Instead of times: samples per second.

    Raises
    ------
    ValueError
        If no sample has a time, or the shapes do not fit.
    """
    values, _ = unpack(signal)
    windows = find_windows(clock_of(signal, values.shape[1], times, rate))
    if windows is None:
        raise ValueError("no sample has a time (expected times that rise)")
    frequency, none = windows.welch.frequencies, np.empty((0, 2), dtype=np.int64)
    psd = np.full((values.shape[0], frequency.size), np.nan)
    n_windows = np.zeros(values.shape[0], dtype=np.int64)
    for channel, row in enumerate(np.ascontiguousarray(values)):
        total = np.zeros(frequency.size)
        _, is_valid = transform_windows(
            row,
            windows.starts,
            windows.welch,
            factor=1.0,
            limits=NO_LIMITS,
            bounds=none,
            total=total,
        )
        n_windows[channel] = np.count_nonzero(is_valid)
        if n_windows[channel]:
            psd[channel] = total / n_windows[channel]
    return Spectrum(frequency, psd, n_windows)
