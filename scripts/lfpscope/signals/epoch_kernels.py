"""The compiled loop that adds trials to their sums."""

import numpy as np

from lfpscope.compiling import numba
from lfpscope.typing import Array

HAS_NAN, IS_DAMAGED = 0, 1
"""Why a trial of a channel is not taken."""


@numba.njit(nogil=True, cache=True)
def add_trials(
    x: Array,
    starts: Array,
    kinds: Array,
    parts: Array,
    edges: Array,
    sums: Array,
    squares: Array,
    n: Array,
    lost: Array,
    binned: Array,
) -> None:
    """Add the trials of a stretch of one channel to their sums.

    A trial with a value that is not finite is counted in `lost` instead.

    Parameters
    ----------
    x : ndarray of float, shape (n_samples,)
        Infinite where a chunk is damaged.
    starts : ndarray of int64, shape (n_trials,)
        First sample of each trial, counted from the start of the stretch.
    kinds, parts : ndarray of int64, shape (n_trials,)
        Kind of each trial, and the part of the recording's trials of that kind it belongs to.
    edges : ndarray of int64, shape (n_bins + 1,)
        Samples of a trial at which its bins begin and end.
    sums, squares : ndarray of float64, shape (n_kinds, width)
        Added to, as all that follow.
    n : ndarray of int64, shape (n_kinds,)
        Trials.
    lost : ndarray of int64, shape (n_kinds, 2)
        Trials with NaN, and trials that touch damage.
    binned : ndarray of float64, shape (n_kinds, n_parts, n_bins)
        Sums over the samples of each bin.
    """
    width = sums.shape[1]
    n_odd = 0
    for i in range(x.size):
        n_odd += not np.isfinite(x[i])
    total = np.empty(x.size + 1)  # cumulated, so that a bin is one difference
    total[0] = 0.0
    n_nan = np.zeros(x.size + 1 if n_odd else 0, np.int64)
    n_damaged = n_nan.copy()
    if n_odd:
        for i in range(x.size):
            finite = np.isfinite(x[i])
            total[i + 1] = total[i] + (np.float64(x[i]) if finite else 0.0)
            n_nan[i + 1] = n_nan[i] + np.isnan(x[i])
            n_damaged[i + 1] = n_damaged[i] + np.isinf(x[i])
    else:
        for i in range(x.size):
            total[i + 1] = total[i] + np.float64(x[i])
    for trial in range(starts.size):
        start, kind = starts[trial], kinds[trial]
        if n_odd:
            if n_damaged[start + width] > n_damaged[start]:
                lost[kind, IS_DAMAGED] += 1
                continue
            if n_nan[start + width] > n_nan[start]:
                lost[kind, HAS_NAN] += 1
                continue
        n[kind] += 1
        # slices: of these the compiler adds several values at a time
        own, own_squares, window = sums[kind], squares[kind], x[start : start + width]
        for k in range(width):
            value = np.float64(window[k])
            own[k] += value
            own_squares[k] += value * value
        own_bins = binned[kind, parts[trial]]
        for k in range(edges.size - 1):
            own_bins[k] += total[start + edges[k + 1]] - total[start + edges[k]]
