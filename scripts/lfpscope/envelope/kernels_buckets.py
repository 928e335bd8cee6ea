"""Compiled loops that join and fold buckets."""

import numpy as np

from lfpscope.compiling import numba
from lfpscope.envelope.kernels import ALL_NAN, CLEAN, EMPTY, M2, MEAN, SOME_NAN, N
from lfpscope.typing import Array, Flags, Ints


@numba.njit(nogil=True, cache=True)
def join_heads(heads: Array, heads_nan: Flags, owners: Ints, buckets: Array, nan: Flags) -> None:
    """Add to buckets what lies of them in later rows of chunks.

    Parameters
    ----------
    heads, heads_nan : ndarray, shapes (n_rows, 4, n_channels), (n_rows, n_channels)
        From `summarise_chunk`.
    owners : ndarray of int, shape (n_rows,)
        Index into `buckets` of the bucket each head belongs to; −1 where a row has none.
    buckets, nan : ndarray, shapes (4, n_channels, any), (n_channels, any)
        Changed in place.
    """
    for row in range(owners.size):
        if owners[row] >= 0:
            for channel in range(nan.shape[0]):
                head, flag = heads[row, :, channel : channel + 1], heads_nan[row, channel]
                _join(head, flag, 0, buckets[:, channel], nan[channel], owners[row])


@numba.njit(nogil=True, cache=True)
def join_moments(heads: Array, owners: Ints, moments: Array) -> None:
    """Add to the moments of buckets what lies of them in later rows of chunks.

    Parameters
    ----------
    heads : ndarray of float64, shape (n_rows, 3, n_channels)
        From `summarise_chunk`.
    owners : ndarray of int, shape (n_rows,)
        As of `join_heads`.
    moments : ndarray of float64, shape (3, n_channels, any)
        Changed in place.
    """
    for row in range(owners.size):
        k = owners[row]
        if k < 0:
            continue
        for channel in range(moments.shape[1]):
            later, earlier = heads[row, :, channel], moments[:, channel, k]
            n = earlier[N] + later[N]
            if later[N] == 0:
                continue
            distance = later[MEAN] - earlier[MEAN] if earlier[N] else 0.0
            earlier[M2] += later[M2] + distance * distance * (earlier[N] * (later[N] / n))
            earlier[MEAN] = earlier[MEAN] + distance * (later[N] / n) if earlier[N] else later[MEAN]
            earlier[N] = n


@numba.njit(nogil=True, cache=True)
def fold(buckets: Array, nan: Flags, parents: Ints, wide: Array, wide_nan: Flags) -> None:
    """Fold buckets into the wider ones they lie in.

    Parameters
    ----------
    buckets, nan : ndarray, shapes (4, n_channels, n), (n_channels, n)
        The narrow ones, in the order of time.
    parents : ndarray of int, shape (n,)
        For each the wide one it lies in.
    wide, wide_nan : ndarray, shapes (4, n_channels, m), (n_channels, m)
        The wide ones, changed in place; flagged EMPTY to begin with.
    """
    stops = np.empty(parents.size, np.int64)  # of the buckets that share a parent
    stop = parents.size
    for i in range(parents.size - 1, -1, -1):
        stops[i] = stop
        if i > 0 and parents[i - 1] != parents[i]:
            stop = i
    for channel in range(nan.shape[0]):
        narrow, flags = buckets[:, channel], nan[channel]
        into, into_flags = wide[:, channel], wide_nan[channel]
        i = 0
        while i < parents.size:
            parent, stop = parents[i], stops[i]
            flag = flags[i]
            low, high = narrow[1, i], narrow[2, i]
            for k in range(i + 1, stop):
                flag |= flags[k]
                low = narrow[1, k] if narrow[1, k] < low else low
                high = narrow[2, k] if narrow[2, k] > high else high
            if flag == CLEAN and into_flags[parent] == EMPTY:  # nearly always, and quick
                into[0, parent] = narrow[0, i]
                into[1, parent] = low
                into[2, parent] = high
                into[3, parent] = narrow[3, stop - 1]
                into_flags[parent] = CLEAN
            else:
                for k in range(i, stop):
                    _join(narrow, flags[k], k, into, into_flags, parent)
            i = stop


@numba.njit(nogil=True, cache=True)
def _join(later: Array, flag: int, i: int, values: Array, flags: Flags, k: int) -> None:
    """Join bucket i of `later` to the earlier bucket k of `values`, in place."""
    before = flags[k]
    if before == EMPTY:
        flags[k] = flag
    elif before != flag:
        flags[k] = SOME_NAN
    if flag == ALL_NAN:
        return
    if before in (EMPTY, ALL_NAN):
        values[0, k] = later[0, i]
        values[1, k] = later[1, i]
        values[2, k] = later[2, i]
    else:
        if later[1, i] < values[1, k]:
            values[1, k] = later[1, i]
        if later[2, i] > values[2, k]:
            values[2, k] = later[2, i]
    values[3, k] = later[3, i]
