"""Compiled loops of the one pass over a probe. They release the GIL and know no files.

Sums run in four fixed lanes: the compiler can use vector instructions, and the result does not
depend on which ones the machine has.
"""

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

Block = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]

CLEAN, SOME_NAN, ALL_NAN = 0, 1, 2

STATISTICS = np.dtype(
    [
        ("n", np.int64),  # samples that are numbers
        ("n_nan", np.int64),
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


@numba.njit(nogil=True, cache=True, fastmath={"nnan", "nsz"})
def _extremes(x: Block) -> tuple[Any, Any]:
    """Smallest and largest of numbers, none of them NaN."""
    low = x[0]
    high = x[0]
    for value in x:
        low = min(low, value)
        high = max(high, value)
    return low, high


@numba.njit(nogil=True, cache=True)
def _count_nan(x: Block) -> int:
    count = 0
    for value in x:
        count += value != value
    return count


@numba.njit(nogil=True, cache=True)
def _sum(x: Block) -> float:
    a = b = c = d = 0.0
    whole = x.size - x.size % 4
    for i in range(0, whole, 4):
        a += x[i]
        b += x[i + 1]
        c += x[i + 2]
        d += x[i + 3]
    for i in range(whole, x.size):
        a += x[i]
    return (a + b) + (c + d)


@numba.njit(nogil=True, cache=True)
def _squares(x: Block, mean: float) -> float:
    """Sum of squared distances from the mean."""
    a = b = c = d = 0.0
    whole = x.size - x.size % 4
    for i in range(0, whole, 4):
        a += (x[i] - mean) ** 2
        b += (x[i + 1] - mean) ** 2
        c += (x[i + 2] - mean) ** 2
        d += (x[i + 3] - mean) ** 2
    for i in range(whole, x.size):
        a += (x[i] - mean) ** 2
    return (a + b) + (c + d)


@numba.njit(nogil=True, cache=True)
def _count(x: Block, value: Any) -> int:
    count = 0
    for one in x:
        count += one == value
    return count


@numba.njit(nogil=True, cache=True)
def summarise_chunk(
    chunk: Block,
    first_sample: int,
    starts: Ints,
    first_bucket: int,
    buckets: Block,
    nan: npt.NDArray[np.uint8],
    head: Block,
    head_nan: npt.NDArray[np.uint8],
    statistics: Block,
    flat_samples: int,
) -> None:
    """Buckets and statistics of one chunk.

    Parameters
    ----------
    chunk : ndarray, shape (n_channels, n)
        Decoded samples, channels first.
    first_sample : int
        Index of the first one in the recording.
    starts : ndarray of int, shape (n_buckets + 1,)
        First sample of every bucket; the last entry is the end of the recording.
    first_bucket : int
        The bucket that `buckets` starts with.
    buckets : ndarray, shape (4, n_channels, any)
        Filled with first, min, max, last of the buckets that start in this chunk.
    nan : ndarray of uint8, shape (n_channels, any)
        Filled with CLEAN, SOME_NAN or ALL_NAN for the same buckets.
    head, head_nan : ndarray, shapes (4, n_channels), (n_channels,)
        The same for the bucket that began before this chunk, if there is one.
    statistics : structured array of STATISTICS, shape (n_channels,)
        Filled.
    flat_samples : int
        Length from which a stretch of one value counts as flat.
    """
    stop_sample = first_sample + chunk.shape[1]
    first_here = np.searchsorted(starts, first_sample)  # the first bucket that starts here
    stop_here = np.searchsorted(starts[:-1], stop_sample)
    for channel in range(chunk.shape[0]):
        x = chunk[channel]
        n_nan = 0
        if starts[first_here] > first_sample:
            part = x[: min(starts[first_here], stop_sample) - first_sample]
            n_nan += _bucket(part, head[:, channel], head_nan[channel : channel + 1])
        for k in range(first_here, stop_here):
            part = x[starts[k] - first_sample : min(starts[k + 1], stop_sample) - first_sample]
            j = k - first_bucket
            n_nan += _bucket(part, buckets[:, channel, j], nan[channel, j : j + 1])
        _statistics(x, n_nan, flat_samples, statistics[channel : channel + 1])


@numba.njit(nogil=True, cache=True)
def _bucket(x: Block, values: Block, nan: npt.NDArray[np.uint8]) -> int:
    """First, min, max, last of the numbers of a bucket; returns how many are NaN."""
    n_nan = _count_nan(x)
    if n_nan == x.size:
        nan[0] = ALL_NAN
        return n_nan
    if n_nan:
        nan[0] = SOME_NAN
        x = x[~np.isnan(x)]
    else:
        nan[0] = CLEAN
    low, high = _extremes(x)
    values[0] = x[0]
    values[1] = low
    values[2] = high
    values[3] = x[-1]
    return n_nan


@numba.njit(nogil=True, cache=True)
def _statistics(x: Block, n_nan: int, flat_samples: int, out: Block) -> None:
    s = out[0]
    s.length = x.size
    s.n = x.size - n_nan
    s.n_nan = n_nan
    if s.n == 0:
        return
    numbers = x[~np.isnan(x)] if n_nan else x
    low, high = _extremes(numbers)
    s.min = low
    s.max = high
    s.mean = _sum(numbers) / s.n
    s.m2 = _squares(numbers, s.mean)
    # runs that touch the ends
    head = 1
    while head < x.size and x[head] == x[0]:
        head += 1
    tail = 1
    while tail < x.size and x[-1 - tail] == x[-1]:
        tail += 1
    s.head_value = x[0]
    s.tail_value = x[-1]
    s.head = head if x[0] == x[0] else 0
    s.tail = tail if x[-1] == x[-1] else 0
    inner = x[s.head : x.size - s.tail]
    # samples at the rails are few, unless it is saturated
    if _count(inner, low) >= 3:
        s.at_min = _in_runs(inner, low, 3)
    if _count(inner, high) >= 3:
        s.at_max = _in_runs(inner, high, 3)
    s.flat = _flat(inner, flat_samples)


@numba.njit(nogil=True, cache=True)
def _in_runs(x: Block, value: Any, shortest: int) -> int:
    """Samples of one value that come in runs of at least `shortest`."""
    total = 0
    run = 0
    for one in x:
        if one == value:
            run += 1
        else:
            total += run if run >= shortest else 0
            run = 0
    return total + (run if run >= shortest else 0)


@numba.njit(nogil=True, cache=True)
def _flat(x: Block, shortest: int) -> int:
    """Samples in runs of any one value of at least `shortest`.

    A run of that length holds every multiple of it at which it could be met, so it is enough to
    look there and to walk both ways.
    """
    total = 0
    i = shortest - 1
    stop = 0  # of the run counted last
    while i < x.size:
        if i >= stop:
            start = i
            while start > 0 and x[start - 1] == x[i]:
                start -= 1
            end = i + 1
            while end < x.size and x[end] == x[i]:
                end += 1
            if end - start >= shortest:
                total += end - start
                stop = end
        i += shortest
    return total


@numba.njit(nogil=True, cache=True)
def reduce_columns(
    buckets: Block,
    nan: npt.NDArray[np.uint8],
    per_column: int,
    columns: Block,
    columns_nan: npt.NDArray[np.uint8],
) -> None:
    """Join every `per_column` buckets to one.

    Parameters
    ----------
    buckets, nan : ndarray, shapes (4, n_channels, n), (n_channels, n)
        In the order of time.
    per_column : int
        How many.
    columns, columns_nan : ndarray, shapes (4, n_channels, m), (n_channels, m)
        Filled.
    """
    for channel in range(nan.shape[0]):
        for i in range(nan.shape[1]):
            column = i // per_column
            if i % per_column == 0:
                columns[:, channel, column] = buckets[:, channel, i]
                columns_nan[channel, column] = nan[channel, i]
            else:
                _join(
                    buckets[:, channel, i],
                    nan[channel, i],
                    columns[:, channel, column],
                    columns_nan[channel, column : column + 1],
                )


@numba.njit(nogil=True, cache=True)
def bucket_samples(samples: Block, step: int, buckets: Block, nan: npt.NDArray[np.uint8]) -> None:
    """Buckets of `step` samples; the last may be shorter.

    Parameters
    ----------
    samples : ndarray, shape (n_channels, n)
        Decoded samples.
    step : int
        Samples per bucket.
    buckets, nan : ndarray, shapes (4, n_channels, m), (n_channels, m)
        Filled.
    """
    for channel in range(samples.shape[0]):
        for k in range(nan.shape[1]):
            part = samples[channel, k * step : min((k + 1) * step, samples.shape[1])]
            _bucket(part, buckets[:, channel, k], nan[channel, k : k + 1])


@numba.njit(nogil=True, cache=True)
def join_heads(
    heads: Block,
    heads_nan: npt.NDArray[np.uint8],
    owners: Ints,
    buckets: Block,
    nan: npt.NDArray[np.uint8],
) -> None:
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
        k = owners[row]
        if k >= 0:
            for channel in range(nan.shape[0]):
                _join(
                    heads[row, :, channel],
                    heads_nan[row, channel],
                    buckets[:, channel, k],
                    nan[channel, k : k + 1],
                )


@numba.njit(nogil=True, cache=True)
def fold(
    buckets: Block,
    nan: npt.NDArray[np.uint8],
    parents: Ints,
    parent_buckets: Block,
    parent_nan: npt.NDArray[np.uint8],
    fresh: npt.NDArray[np.bool_],
) -> None:
    """Fold buckets into the wider ones they lie in.

    Parameters
    ----------
    buckets, nan : ndarray, shapes (4, n_channels, n), (n_channels, n)
        The narrow ones, in the order of time.
    parents : ndarray of int, shape (n,)
        For each the wide one it lies in.
    parent_buckets, parent_nan : ndarray
        The wide ones, changed in place.
    fresh : ndarray of bool, shape (n_wide,)
        True for wide ones that hold nothing yet; changed in place.
    """
    for i in range(parents.size):
        p = parents[i]
        if fresh[p]:
            parent_buckets[:, :, p] = buckets[:, :, i]
            parent_nan[:, p] = nan[:, i]
            fresh[p] = False
            continue
        for channel in range(nan.shape[0]):
            _join(
                buckets[:, channel, i],
                nan[channel, i],
                parent_buckets[:, channel, p],
                parent_nan[channel, p : p + 1],
            )


@numba.njit(nogil=True, cache=True)
def _join(later: Block, later_nan: int, values: Block, nan: npt.NDArray[np.uint8]) -> None:
    """Join a later stretch to an earlier one, in place."""
    if later_nan == ALL_NAN:
        nan[0] = ALL_NAN if nan[0] == ALL_NAN else SOME_NAN
        return
    if nan[0] == ALL_NAN:
        values[:] = later
        nan[0] = SOME_NAN
        return
    values[1] = min(values[1], later[1])
    values[2] = max(values[2], later[2])
    values[3] = later[3]
    nan[0] = max(nan[0], later_nan)


@numba.njit(nogil=True, cache=True)
def merge_statistics(parts: Block, total: Block, flat_samples: int) -> None:
    """Add the statistics of rows of chunks, in the order of time, to a channel's total.

    Mean and variance are joined by Chan, Golub and LeVeque's rule (Am. Stat. 37, 242, 1983). The
    run that is open at the end of the total is kept in `tail_value` and `tail`.

    Parameters
    ----------
    parts : structured array of STATISTICS, shape (n_rows, n_channels)
        In the order of time.
    total : structured array of STATISTICS, shape (n_channels,)
        Changed in place; zeros to begin with.
    flat_samples : int
        Length from which a stretch of one value counts as flat.
    """
    for channel in range(total.size):
        t = total[channel]
        for row in range(parts.shape[0]):
            p = parts[row, channel]
            t.length += p.length
            t.n_nan += p.n_nan
            t.n_damaged += p.n_damaged
            if p.n:
                _merge_moments(p, t)
            _merge_runs(p, t, flat_samples)


@numba.njit(nogil=True, cache=True)
def _merge_moments(p: Any, t: Any) -> None:
    n = t.n + p.n
    if t.n == 0 or p.min < t.min:
        t.min = p.min
        t.at_min = 0
    if t.n == 0 or p.max > t.max:
        t.max = p.max
        t.at_max = 0
    if t.n == 0:
        t.mean = p.mean
        t.m2 = p.m2
    elif not np.isfinite(p.mean - t.mean):  # infinite samples: as numpy would have it
        t.mean += p.mean
        t.m2 = np.nan
    else:
        distance = p.mean - t.mean
        t.m2 += p.m2 + distance * distance * (t.n * (p.n / n))
        t.mean += distance * (p.n / n)
    t.at_min += p.at_min if p.min == t.min else 0
    t.at_max += p.at_max if p.max == t.max else 0
    t.flat += p.flat
    t.n = n


@numba.njit(nogil=True, cache=True)
def _merge_runs(p: Any, t: Any, flat_samples: int) -> None:
    if t.tail and p.head and t.tail_value == p.head_value:
        t.tail += p.head
    else:
        _close_run(t, flat_samples)
        t.tail_value = p.head_value
        t.tail = p.head
    if p.head < p.length:  # else the whole part is one run, which stays open
        _close_run(t, flat_samples)
        t.tail_value = p.tail_value
        t.tail = p.tail


@numba.njit(nogil=True, cache=True)
def _close_run(t: Any, flat_samples: int) -> None:
    if t.tail >= 3 and t.tail_value == t.min:
        t.at_min += t.tail
    if t.tail >= 3 and t.tail_value == t.max:
        t.at_max += t.tail
    if t.tail >= flat_samples:
        t.flat += t.tail
    t.tail = 0


@numba.njit(nogil=True, cache=True)
def close_statistics(total: Block, flat_samples: int) -> None:
    """Count the runs that are open at the end of the recording."""
    for channel in range(total.size):
        _close_run(total[channel], flat_samples)
