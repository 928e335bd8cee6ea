"""Compiled loops over one decoded chunk: its buckets, their moments and its statistics.

Sums run in a fixed number of lanes: vectorised, and the same on every machine.
"""

from typing import Any

import numpy as np

from lfpscope.compiling import numba
from lfpscope.envelope.kernels import ALL_NAN, CLEAN, M2, MEAN, SOME_NAN, N
from lfpscope.typing import Array, Flags, Ints

LANES = 32  # of fewer the compiler makes no vectors
RAIL_RUN = 3  # samples at a channel's extreme in a row are not chance


@numba.njit(nogil=True, cache=True)
def summarise_chunk(
    chunk: Array,
    signed: Array,
    unsigned: Array,
    floats: bool,
    edges: Ints,
    at: int,
    step: float,
    buckets: Array,
    nan: Flags,
    head: Array,
    head_nan: Flags,
    statistics: Array,
    flat_samples: int,
    limits: Array,
    moments: Array,
    head_moments: Array,
) -> int:
    """Buckets and statistics of one chunk.

    Parameters
    ----------
    chunk : ndarray, shape (n_channels, n)
        Decoded samples, channels first.
    signed, unsigned, floats
        From `as_integers`.
    edges : ndarray of int, shape (n_buckets + 1,)
        Where buckets start and stop, in samples of this chunk. The first is negative where a
        bucket began before; the last one may go on after it.
    at : int
        Where in `buckets` the first one that starts in this chunk is.
    step : float
        Buckets are stored as whole counts of it; as they are where it is 0.
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
    limits : ndarray of float64, shape (2, n_channels)
        Smallest and largest plausible value of each channel, in stored units and finite.
    moments, head_moments : ndarray of float64, shapes (3, n_channels, any), (3, n_channels)
        Filled with N, MEAN and M2 of the same buckets.

    Returns
    -------
    int
        How many values of buckets are not whole counts of `step`.
    """
    skip = int(edges[0] < 0)  # the bucket that began before
    edges = edges.copy()
    edges[0] = max(edges[0], 0)
    n = edges.size - 1
    values, flags = np.empty((4, n), chunk.dtype), np.empty(n, np.uint8)
    sums = np.empty((3, n))
    off_grid = 0
    for channel in range(chunk.shape[0]):
        x = chunk[channel]
        s = statistics[channel]
        low, high = limits[0, channel], limits[1, channel]
        s.length = x.size
        _clean_buckets(x, signed[channel], unsigned[channel], floats, edges, values)
        flags[:] = CLEAN
        pivot = np.float64(x[0])
        total = _bucket_sums(x, edges, pivot, sums)
        if abs(total) < np.inf and values[1].min() >= low and values[2].max() <= high:
            _summarise(sums, pivot, values[1], values[2], s)
            _rails(x, edges, flags, values[1], values[2], s)
            _ends(x, s)
            s.flat = _flat(x[s.head : x.size - s.tail], flat_samples)
        else:
            _summarise_some(x, edges, low, high, values, flags, sums, s, flat_samples)
        if skip:
            head_nan[channel] = flags[0]
        _copy(flags[skip:], nan[channel, at : at + n - skip])
        for i in range(3):
            if skip:
                head_moments[i, channel] = sums[i, 0]
            _copy(sums[i, skip:], moments[i, channel, at : at + n - skip])
        for i in range(4):
            if skip:
                off_grid += _store(values[i, :1], step, head[i, channel : channel + 1])
            off_grid += _store(values[i, skip:], step, buckets[i, channel, at : at + n - skip])
    return off_grid


@numba.njit(nogil=True, cache=True)
def _copy(values: Array, out: Array) -> None:
    """Copy values one by one: numba takes a second to compile each `out[:] = values`."""
    for k in range(values.size):
        out[k] = values[k]


@numba.njit(nogil=True, cache=True)
def _summarise_some(
    x: Array,
    edges: Ints,
    low: float,
    high: float,
    values: Array,
    flags: Flags,
    sums: Array,
    s: Any,
    flat_samples: int,
) -> None:
    """Buckets and statistics of one channel of a chunk with samples to leave out."""
    valid = np.empty(x.size)  # NaN where a sample is left out
    for i in range(x.size):
        value = x[i]
        is_valid = low <= value <= high
        valid[i] = value if is_valid else np.nan
        s.n_nan += value != value
        if not is_valid and value == value:
            s.n_implausible += 1
            if s.n_implausible == 1:
                s.first_implausible = i + 1
    _some_buckets(x, edges, low, high, values, flags)
    pivot = np.float64(values[0, np.argmax(flags != ALL_NAN)])
    for k in range(flags.size):
        numbers = _plausible(valid[edges[k] : edges[k + 1]], -np.inf, np.inf)
        ends = np.array([0, numbers.size])
        _bucket_sums(numbers, ends, pivot, sums[:, k : k + 1])
    _summarise(sums, pivot, values[1], values[2], s)
    if s.n:
        _rails(valid, edges, flags, values[1], values[2], s)
        _ends(valid, s)
        s.flat = _flat(valid[s.head : valid.size - s.tail], flat_samples)


@numba.njit(nogil=True, cache=True)
def _bucket_sums(x: Array, edges: Ints, pivot: float, sums: Array) -> float:
    """Number, sum and sum of squares of distances from the pivot, of each bucket; their sum.

    The pivot is one of the samples, so that the sum of squares cannot be much larger than what is
    left of it when the mean's share is subtracted.
    """
    lanes, squares = np.zeros(LANES), np.zeros(LANES)
    everything = 0.0
    for k in range(edges.size - 1):
        y = x[edges[k] : edges[k + 1]]
        lanes[:], squares[:] = 0.0, 0.0
        rows = y.size // LANES
        for row in range(rows):
            for j in range(LANES):
                distance = y[row * LANES + j] - pivot
                lanes[j] += distance
                squares[j] += distance * distance
        for i in range(rows * LANES, y.size):
            distance = y[i] - pivot
            lanes[0] += distance
            squares[0] += distance * distance
        total = square = 0.0
        for j in range(LANES):
            total += lanes[j]
            square += squares[j]
        sums[N, k], sums[MEAN, k], sums[M2, k] = y.size, total, square
        everything += total
    return everything


@numba.njit(nogil=True, cache=True)
def _summarise(sums: Array, pivot: float, lows: Array, highs: Array, s: Any) -> None:
    """Sums about the pivot → moments of each bucket, in place, and of all of them."""
    n = total = squares = 0.0
    for k in range(sums.shape[1]):
        count, sum_, square = sums[N, k], sums[MEAN, k], sums[M2, k]
        n += count
        total += sum_
        squares += square
        if count:
            is_flat = lows[k] == highs[k]  # exactly, whatever sums are rounded to
            sums[MEAN, k] = np.float64(lows[k]) if is_flat else pivot + sum_ / count
            sums[M2, k] = 0.0 if is_flat else max(square - sum_ * sum_ / count, 0.0)
    s.n = np.int64(n)
    if n:
        s.mean = pivot + total / n
        s.m2 = max(squares - total * total / n, 0.0)


@numba.njit(nogil=True, cache=True)
def _clean_buckets(
    x: Array, signed: Array, unsigned: Array, floats: bool, edges: Ints, values: Array
) -> None:
    """First, min, max and last of each bucket, all samples of which are numbers."""
    lows, highs = values[1].view(signed.dtype), values[2].view(signed.dtype)
    _extremes(signed, unsigned, floats, edges, lows, highs)
    for k in range(edges.size - 1):
        values[0, k], values[3, k] = x[edges[k]], x[edges[k + 1] - 1]


@numba.njit(nogil=True, cache=True)
def _some_buckets(
    x: Array, edges: Ints, low: float, high: float, values: Array, flags: Flags
) -> None:
    """First, min, max and last of the valid samples of each bucket; zeros where it has none."""
    for k in range(flags.size):
        samples = x[edges[k] : edges[k + 1]]
        numbers = _plausible(samples, low, high)
        flags[k] = CLEAN if numbers.size == samples.size else SOME_NAN
        if numbers.size == 0:
            flags[k] = ALL_NAN
            for i in range(4):
                values[i, k] = 0
            continue
        values[0, k], values[3, k] = numbers[0], numbers[-1]
        values[1, k], values[2, k] = numbers.min(), numbers.max()


@numba.njit(nogil=True, cache=True)
def _extremes(
    signed: Array, unsigned: Array, floats: bool, edges: Ints, lows: Array, highs: Array
) -> None:
    """Smallest and largest number of each bucket, of integers or of the bits of floats.

    A float (IEEE 754) is a sign and a size: negative ones are in the reversed order of their bits,
    and the smallest is the one whose bits are the largest as an unsigned integer.
    """
    for k in range(lows.size):
        # unsigned, or each access would look for negative ones
        start, stop = np.uint64(edges[k]), np.uint64(edges[k + 1])
        low = high = signed[start]
        largest = unsigned[start]
        for i in range(start, stop):
            low = min(signed[i], low)
            high = max(signed[i], high)
            largest = max(unsigned[i], largest)
        if floats and high < 0:  # all are negative
            high = low
        if floats and low < 0:
            low = signed.dtype.type(largest)
        lows[k], highs[k] = low, high


@numba.njit(nogil=True, cache=True)
def _plausible(x: Array, low: float, high: float) -> Array:
    """Those within the limits; NaN is not."""
    numbers = np.empty_like(x)
    n = 0
    for value in x:
        numbers[n] = value
        n += low <= value <= high
    return numbers[:n]


@numba.njit(nogil=True, cache=True)
def _store(values: Array, step: float, out: Array) -> int:
    """Store values as whole counts of the step; returns how many are none."""
    if step == 0:
        _copy(values, out)
        return 0
    inverse = 1.0 / step
    off_grid = 0
    for i in range(values.size):
        count = np.rint(values[i] * inverse)
        fits = abs(count) <= 32767.0
        off_grid += not (fits and values.dtype.type(count * step) == values[i])
        out[i] = np.int16(count) if fits else 0
    return off_grid


@numba.njit(nogil=True, cache=True)
def _rails(x: Array, edges: Ints, flags: Flags, lows: Array, highs: Array, s: Any) -> None:
    """Extremes, and the samples that lie there in runs, the ends apart."""
    there = flags != ALL_NAN
    low, high = lows[there].min(), highs[there].max()
    s.min, s.max = low, high
    s.at_min = _at_rail(x, edges, lows, low)
    s.at_max = _at_rail(x, edges, highs, high)


@numba.njit(nogil=True, cache=True)
def _at_rail(x: Array, edges: Ints, extremes: Array, rail: Any) -> int:
    """Samples at a rail in runs; few buckets reach it, unless the channel is saturated."""
    total = i = 0
    for k in range(extremes.size):
        if extremes[k] != rail:
            continue
        i = max(i, edges[k])
        while i < edges[k + 1]:
            start = i
            while i < x.size and x[i] == rail:
                i += 1
            if i - start >= RAIL_RUN and start > 0 and i < x.size:
                total += i - start
            i += 1
    return total


@numba.njit(nogil=True, cache=True)
def _ends(x: Array, s: Any) -> None:
    """Runs of one value that touch the ends; a NaN is none."""
    head = tail = 1
    while head < x.size and x[head] == x[0]:
        head += 1
    while tail < x.size and x[-1 - tail] == x[-1]:
        tail += 1
    s.head_value, s.tail_value = x[0], x[-1]
    s.head = head if x[0] == x[0] else 0
    s.tail = tail if x[-1] == x[-1] else 0


@numba.njit(nogil=True, cache=True)
def _flat(x: Array, shortest: int) -> int:
    """Samples in runs of any one value of at least `shortest`.

    A run of that length holds every multiple of it at which it could be met, so it is enough to
    look there and to walk both ways.
    """
    total = stop = 0  # where the run counted last stops
    i = shortest - 1
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
def bucket_chunk(
    chunk: Array,
    signed: Array,
    unsigned: Array,
    floats: bool,
    factor: float,
    edges: Ints,
    at: int,
    buckets: Array,
    nan: Flags,
    head: Array,
    head_nan: Flags,
) -> None:
    """Buckets of one chunk, without statistics.

    Samples are multiplied by `factor`; the other parameters are those of `summarise_chunk`.
    """
    skip = int(edges[0] < 0)
    edges = edges.copy()
    edges[0] = max(edges[0], 0)
    n = edges.size - 1
    values, flags = np.empty((4, n), chunk.dtype), np.empty(n, np.uint8)
    for channel in range(chunk.shape[0]):
        x = chunk[channel]
        if _has_nan(x):
            _some_buckets(x, edges, -np.inf, np.inf, values, flags)
        else:
            _clean_buckets(x, signed[channel], unsigned[channel], floats, edges, values)
            flags[:] = CLEAN
        if skip:
            head_nan[channel] = flags[0]
        _copy(flags[skip:], nan[channel, at : at + n - skip])
        for i in range(4):
            if skip:
                _scale(values[i, :1], flags, factor, head[i, channel : channel + 1])
            out = buckets[i, channel, at : at + n - skip]
            _scale(values[i, skip:], flags[skip:], factor, out)


@numba.njit(nogil=True, cache=True)
def _has_nan(x: Array) -> bool:
    broken = np.uint32(0)  # as wide as a float, which is quickest
    for value in x:
        broken |= np.uint32(value != value)
    return bool(broken)


@numba.njit(nogil=True, cache=True)
def _scale(values: Array, flags: Flags, factor: float, out: Array) -> None:
    for k in range(values.size):
        if flags[k] != ALL_NAN:
            out[k] = values[k] * factor
