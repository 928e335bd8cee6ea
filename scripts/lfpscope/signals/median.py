"""Median over channels, sample by sample, by a network of comparisons.

A network compares the same pairs whatever the values, so that many samples are compared at once;
of Batcher's network only what the middle depends on is kept. Six times as fast as to select.
"""

from functools import lru_cache

import numpy as np

from lfpscope.compiling import numba
from lfpscope.typing import Array, Floats, Ints, Mask

TILE = 256  # samples at a time: of some hundred channels they fit into a core's cache


def channel_median(values: Floats, channels: Ints) -> tuple[Floats, Mask]:
    """Median over some channels, and where one is NaN and the median is not valid.

    Parameters
    ----------
    values : ndarray of float64, shape (n_channels, n)
        Of all channels.
    channels : ndarray of int64
        Which; at least one.

    Returns
    -------
    median : ndarray of float64, shape (n,)
        As `numpy.median` over the first axis.
    incomplete : ndarray of bool, shape (n,)
        Samples of which a value is NaN.
    """
    n = values.shape[1]
    median, incomplete = np.empty(n), np.zeros(n, np.bool_)
    pairs = median_network(channels.size)
    _medians(np.ascontiguousarray(values), channels, pairs, median, incomplete)
    return median, incomplete


@lru_cache(64)
def median_network(n: int) -> Ints:
    """Pairs to compare, in order, until the middle of n values is where it is when sorted.

    Returns
    -------
    ndarray of int64, shape (n_pairs, 2)
        The smaller value goes to the first of a pair.
    """
    pairs: list[tuple[int, int]] = []
    needed = {(n - 1) // 2, n // 2}
    for pair in reversed(_sorting_network(n)):
        if needed & set(pair):
            pairs.append(pair)
            needed |= set(pair)
    return np.array(pairs[::-1], np.int64).reshape(-1, 2)


def _sorting_network(n: int) -> list[tuple[int, int]]:
    """Batcher's odd-even mergesort of n values (Knuth, TAOCP 3, 5.2.2, algorithm M)."""
    pairs = []
    size = 1
    while size < n:
        apart = size
        while apart:
            for start in range(apart % size, n - apart, 2 * apart):
                for i in range(start, min(start + apart, n - apart)):
                    if i // (2 * size) == (i + apart) // (2 * size):
                        pairs.append((i, i + apart))
            apart //= 2
        size *= 2
    return pairs


@numba.njit(nogil=True, cache=True)
def _medians(values: Array, channels: Ints, pairs: Ints, median: Floats, incomplete: Mask) -> None:
    n_channels, n = channels.size, values.shape[1]
    tile = np.empty((n_channels, TILE))
    for first in range(0, n, TILE):
        count = min(TILE, n - first)
        for channel in range(n_channels):
            row, x = tile[channel], values[channels[channel]]
            row[count:] = 0.0
            for i in range(count):
                row[i] = x[first + i]
                incomplete[first + i] |= row[i] != row[i]
        for k in range(pairs.shape[0]):
            low, high = tile[pairs[k, 0]], tile[pairs[k, 1]]
            for i in range(TILE):
                a, b = low[i], high[i]
                low[i] = a if a < b else b
                high[i] = b if a < b else a
        one, other = tile[(n_channels - 1) // 2], tile[n_channels // 2]
        for i in range(count):
            median[first + i] = (one[i] + other[i]) / 2
