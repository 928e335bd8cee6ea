"""What an average shows: when it is farthest from its baseline, and whether that is chance."""

from dataclasses import dataclass

import numpy as np

from lfpscope.compiling import numba
from lfpscope.signals.epochs import Window, baseline_of
from lfpscope.typing import Floats, Mask

RESPONSE_S = 0.25  # after the event: where the peak is looked for
BIN_S = 0.005  # of which the test takes means
N_PARTS = 32  # of the trials, in the order of time: neighbouring trials may overlap
N_FLIPS = 999
SEED = 0
TEST = (
    f"sign-flip test of the largest distance from the baseline within {RESPONSE_S:g} s after the "
    f"event, in means of {BIN_S * 1e3:g} ms, over at most {N_PARTS} parts of consecutive trials, "
    f"{N_FLIPS} flips, seed {SEED}; corrected over time, not over channels"
)


@dataclass(frozen=True)
class Response:
    """What an average shows on each channel; NaN where there is no baseline or no response time.

    Attributes
    ----------
    latency : ndarray of float64, shape (n_channels,)
        Time of the peak after the event, seconds.
    peak : ndarray of float64, shape (n_channels,)
        Largest distance from the baseline, with its sign, in the unit of the mean.
    p : ndarray of float64, shape (n_channels,)
        Of `TEST`.
    """

    latency: Floats
    peak: Floats
    p: Floats


def bin_edges(window: Window) -> list[int]:
    """Samples at which the bins of the test begin and end: one before the event, more after it.

    Empty where the window has no sample before the event, or none after it.
    """
    stop = min(window.stop, int(np.floor(RESPONSE_S / window.dt + 1e-6)) + 1)
    if window.first >= 0 or stop <= 0:
        return [0]
    step = max(1, round(BIN_S / window.dt))
    return [0, *range(-window.first, stop - window.first, step), stop - window.first]


def find_response(mean: Floats, binned: Floats, window: Window) -> Response:
    """Find the peak of an average, and test it.

    Parameters
    ----------
    mean : ndarray, shape (n_channels, width)
        The average.
    binned : ndarray, shape (n_channels, n_parts, n_bins)
        Sums over the samples of the bins of `bin_edges` and the trials of each part.
    window : Window
        Of the trials.
    """
    none = np.full(mean.shape[0], np.nan)
    edges = bin_edges(window)
    if len(edges) < 3:
        return Response(none, none, none)
    at_event, stop = -window.first, edges[-1]
    away = mean[:, at_event:stop] - baseline_of(mean, window)[:, np.newaxis]
    # a channel of one value has no peak
    known: Mask = np.asarray(np.isfinite(away).all(axis=1) & away.any(axis=1))
    where = np.abs(np.where(known[:, np.newaxis], away, 0)).argmax(axis=1)
    peak = np.where(known, away[np.arange(where.size), where], np.nan)
    latency = np.where(known, where * window.dt, np.nan)
    widths = np.diff(edges)
    distances = binned[:, :, 1:] / widths[1:] - binned[:, :, :1] / widths[0]
    return Response(latency, peak, np.where(known, flip_test(distances), np.nan))


def flip_test(distances: Floats) -> Floats:
    """Test whether sums over parts are farther from 0 than with the parts' signs drawn by lot.

    The largest sum over the bins is compared, so that many bins do not make a response of chance.

    Parameters
    ----------
    distances : ndarray, shape (n_channels, n_parts, n_bins)
        Of each part's sum from its baseline.

    Returns
    -------
    ndarray of float64, shape (n_channels,)
        (1 + flips that reach what was found) / (1 + flips).
    """
    n_channels, n_parts, _ = distances.shape
    signs = np.random.default_rng(SEED).choice([-1.0, 1.0], size=(n_parts, N_FLIPS))
    p = np.empty(n_channels)
    for channel, found in enumerate(distances):
        largest = np.abs(found.sum(axis=0)).max()
        farthest = _farthest_sums(np.ascontiguousarray(found.T), signs)
        reached = np.count_nonzero(farthest >= largest * (1 - 1e-9))  # all signs alike: a tie
        p[channel] = (1 + reached) / (1 + N_FLIPS)
    return p


@numba.njit(nogil=True, cache=True)
def _farthest_sums(distances: Floats, signs: Floats) -> Floats:
    """Largest sum over bins of each flip; in a loop, as threads of a BLAS would change its bits.

    Parameters
    ----------
    distances : ndarray, shape (n_bins, n_parts)
        Of each part's sum from its baseline.
    signs : ndarray, shape (n_parts, n_flips)
        −1 or 1.
    """
    farthest = np.zeros(signs.shape[1])
    sums = np.empty(signs.shape[1])
    for k in range(distances.shape[0]):
        sums[:] = 0.0
        for part in range(signs.shape[0]):
            value, row = distances[k, part], signs[part]
            for i in range(row.size):
                sums[i] += value * row[i]
        for i in range(sums.size):
            farthest[i] = max(farthest[i], abs(sums[i]))
    return farthest
