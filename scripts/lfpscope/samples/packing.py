"""Samples as whole counts of a step."""

import numpy as np

from lfpscope.compiling import numba
from lfpscope.typing import Array


@numba.njit(nogil=True, cache=True)
def whole_counts(samples: Array, step: float, counts: Array) -> bool:
    """Write samples as whole counts of a step; say whether all come back exactly.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
        NaN and infinity do not come back.
    step : float
        The size of a count.
    counts : ndarray of int16, shape (n,)
        Filled.
    """
    inverse = 1.0 / step
    lossy = False
    for i in range(samples.size):
        count = np.rint(samples[i] * inverse)
        lossy |= (np.float32(count * step) != samples[i]) | (abs(count) > 32767.0)
        counts[i] = np.int16(count)
    return not lossy
