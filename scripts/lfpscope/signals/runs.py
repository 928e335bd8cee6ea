"""Runs of true values."""

import numpy as np

from lfpscope.typing import Ints, Mask


def find_runs(mask: Mask, hole: int = 0) -> Ints:
    """Find runs of true values.

    Parameters
    ----------
    mask : ndarray of bool, shape (n,)
        Where to look.
    hole : int
        Runs with at most so many false values between them are one.

    Returns
    -------
    ndarray of int64, shape (n_runs, 2)
        Start of each run, and one past its end.

    >>> find_runs(np.array([True, True, False, True, False, False, True]), hole=1).tolist()
    [[0, 4], [6, 7]]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    runs = edges.reshape(-1, 2)
    if len(runs) < 2:
        return runs
    apart = runs[1:, 0] - runs[:-1, 1] > hole
    starts, stops = np.append(True, apart), np.append(apart, True)
    return np.stack([runs[starts, 0], runs[stops, 1]], axis=1)
