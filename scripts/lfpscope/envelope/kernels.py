"""What the compiled loops of the pass share: types, flags, statistics, and forms of samples.

The loops release the GIL and know no files. Functions that call each other are in one module: when
only another module has changed, numba would take what it compiled before.
"""

import numpy as np

from lfpscope.typing import Array

CLEAN, SOME_NAN, ALL_NAN, EMPTY = 0, 1, 2, 3
"""Flags of a bucket; samples that are left out count as NaN."""


N, MEAN, M2 = 0, 1, 2
"""Rows of moments: valid samples, their mean, and the sum of squared distances from it."""


STATISTICS = np.dtype(
    [
        ("n", np.int64),  # valid samples: numbers that are plausible
        ("n_nan", np.int64),
        ("n_implausible", np.int64),  # infinite or beyond the limit: left out as NaN are
        ("first_implausible", np.int64),  # 1 + its index; 0 where there is none
        ("n_damaged", np.int64),
        ("mean", np.float64),
        ("m2", np.float64),  # sum of squared distances from the mean
        ("min", np.float64),
        ("max", np.float64),
        ("flat", np.int64),  # samples in flat stretches
        ("at_min", np.int64),  # samples at the minimum in runs of three or more
        ("at_max", np.int64),
        # runs of one value that touch the ends, to be joined with those of the neighbours
        ("head_value", np.float64),
        ("head", np.int64),
        ("tail_value", np.float64),
        ("tail", np.int64),
        ("length", np.int64),
    ]
)
"""Statistics of a stretch of one channel."""


def channels_first(chunk: Array) -> Array:
    """Samples (time, channel) as the loops take them: a channel in one piece, none as float16."""
    wide = np.dtype(np.float32) if chunk.dtype == np.float16 else chunk.dtype
    return np.ascontiguousarray(chunk.T, wide)


def as_integers(x: Array) -> tuple[Array, Array, bool]:
    """Numbers as integers: of these the compiler finds extremes eight at a time.

    Returns
    -------
    signed, unsigned : ndarray of int, shape as given
        Integers themselves; the bits of floats.
    floats : bool
        Whether they are the bits of floats.
    """
    if x.dtype.kind != "f":
        return x, x, False
    return x.view(f"i{x.itemsize}"), x.view(f"u{x.itemsize}"), True
