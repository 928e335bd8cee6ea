"""Compiled loops of the one pass over a probe. They release the GIL and know no files.

Sums run in lanes of a fixed number: the compiler can use vector instructions, and the result does
not depend on which ones the machine has.
"""

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

Block = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.uint8]

CLEAN, SOME_NAN, ALL_NAN, EMPTY = 0, 1, 2, 3
LANES = 32

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

RAIL_RUN = 3  # samples at a channel's extreme in a row are not chance


# --- one chunk ----------------------------------------------------------------------------------


def channels_first(chunk: Block) -> Block:
    """Samples (time, channel) as the loops take them: a channel in one piece, none as float16."""
    wide = np.dtype(np.float32) if chunk.dtype == np.float16 else chunk.dtype
    return np.ascontiguousarray(chunk.T, wide)


def as_integers(x: Block) -> tuple[Block, Block, bool]:
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


@numba.njit(nogil=True, cache=True)
def summarise_chunk(
    chunk: Block,
    signed: Block,
    unsigned: Block,
    floats: bool,
    edges: Ints,
    at: int,
    step: float,
    buckets: Block,
    nan: Flags,
    head: Block,
    head_nan: Flags,
    statistics: Block,
    flat_samples: int,
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

    Returns
    -------
    int
        How many values of buckets are not whole counts of `step`.
    """
    skip = int(edges[0] < 0)  # the bucket that began before
    edges = np.maximum(edges, 0)
    n = edges.size - 1
    values, flags = np.empty((4, n), chunk.dtype), np.empty(n, np.uint8)
    off_grid = 0
    for channel in range(chunk.shape[0]):
        x = chunk[channel]
        s = statistics[channel]
        _moments(x, s)
        _buckets(x, signed[channel], unsigned[channel], floats, edges, s.n_nan > 0, values, flags)
        if s.n:
            _rails(x, edges, flags, values[1], values[2], s)
            _ends(x, s)
            s.flat = _flat(x[s.head : x.size - s.tail], flat_samples)
        if skip:
            head_nan[channel] = flags[0]
        nan[channel, at : at + n - skip] = flags[skip:]
        for i in range(4):
            if skip:
                off_grid += _store(values[i, :1], step, head[i, channel : channel + 1])
            off_grid += _store(values[i, skip:], step, buckets[i, channel, at : at + n - skip])
    return off_grid


@numba.njit(nogil=True, cache=True)
def _buckets(
    x: Block,
    signed: Block,
    unsigned: Block,
    floats: bool,
    edges: Ints,
    has_nan: bool,
    values: Block,
    flags: Flags,
) -> None:
    """First, min, max and last of each bucket, and its flag; zeros where it has no number."""
    if has_nan:
        for k in range(flags.size):
            numbers, flags[k] = _numbers(x[edges[k] : edges[k + 1]])
            values[:, k] = 0
            if flags[k] != ALL_NAN:
                values[0, k], values[3, k] = numbers[0], numbers[-1]
                values[1, k], values[2, k] = numbers.min(), numbers.max()
        return
    flags[:] = CLEAN
    lows, highs = values[1].view(signed.dtype), values[2].view(signed.dtype)
    _extremes(signed, unsigned, floats, edges, lows, highs)
    for k in range(flags.size):
        values[0, k], values[3, k] = x[edges[k]], x[edges[k + 1] - 1]


@numba.njit(nogil=True, cache=True)
def _extremes(
    signed: Block, unsigned: Block, floats: bool, edges: Ints, lows: Block, highs: Block
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
def _numbers(x: Block) -> tuple[Block, int]:
    """Those that are not NaN, and the flag of such a bucket; as it is if there are none."""
    if not _has_nan(x):
        return x, CLEAN
    numbers = _without_nan(x)
    return (numbers, SOME_NAN) if numbers.size else (x, ALL_NAN)


@numba.njit(nogil=True, cache=True)
def _has_nan(x: Block) -> bool:
    broken = np.uint32(0)  # as wide as a float, which is quickest
    for value in x:
        broken |= np.uint32(value != value)
    return bool(broken)


@numba.njit(nogil=True, cache=True)
def _without_nan(x: Block) -> Block:
    numbers = np.empty_like(x)
    n = 0
    for value in x:
        numbers[n] = value
        n += value == value
    return numbers[:n]


@numba.njit(nogil=True, cache=True)
def _store(values: Block, step: float, out: Block) -> int:
    """Store values as whole counts of the step; returns how many are none."""
    if step == 0:
        out[:] = values
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
def _moments(x: Block, s: Any) -> None:
    """Count, mean and variance.

    Squares are summed about one of the samples: it is part of the variance, so the sum cannot be
    much larger than what is left of it when the mean's share is taken off.
    """
    s.length = x.size
    pivot = np.float64(x[0])
    total, squares = _sums(x, pivot)
    if not np.isfinite(total):  # NaN or infinite samples
        x = _without_nan(x)
        s.n_nan = s.length - x.size
        if x.size:
            pivot = np.float64(x[0])
            total, squares = _sums(x, pivot)
    s.n = x.size
    if s.n == 0:
        return
    s.mean = pivot + total / s.n
    s.m2 = max(squares - total * total / s.n, 0.0)
    if not np.isfinite(total):  # as numpy has it
        s.mean = _sums(x, 0.0)[0] / s.n
        s.m2 = np.nan


@numba.njit(nogil=True, cache=True)
def _sums(x: Block, pivot: float) -> tuple[float, float]:
    """Sum, and sum of squares, of distances from the pivot."""
    sums = np.zeros(LANES)
    squares = np.zeros(LANES)
    rows = x.size // LANES
    for row in range(rows):
        for j in range(LANES):
            distance = x[row * LANES + j] - pivot
            sums[j] += distance
            squares[j] += distance * distance
    for i in range(rows * LANES, x.size):
        distance = x[i] - pivot
        sums[0] += distance
        squares[0] += distance * distance
    return sums.sum(), squares.sum()


@numba.njit(nogil=True, cache=True)
def _rails(x: Block, edges: Ints, flags: Flags, lows: Block, highs: Block, s: Any) -> None:
    """Extremes, and the samples that lie there in runs, the ends apart."""
    first = 0
    while flags[first] == ALL_NAN:
        first += 1
    low, high = lows[first], highs[first]
    for k in range(first + 1, lows.size):
        if flags[k] != ALL_NAN:
            low, high = min(low, lows[k]), max(high, highs[k])
    s.min = low
    s.max = high
    s.at_min = _at_rail(x, edges, lows, low)
    s.at_max = _at_rail(x, edges, highs, high)


@numba.njit(nogil=True, cache=True)
def _at_rail(x: Block, edges: Ints, extremes: Block, rail: Any) -> int:
    """Samples at a rail in runs; few buckets reach it, unless the channel is saturated."""
    total = 0
    i = 0
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
def _ends(x: Block, s: Any) -> None:
    """Runs of one value that touch the ends; a NaN is none."""
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


# --- joining buckets ----------------------------------------------------------------------------


@numba.njit(nogil=True, cache=True)
def join_heads(heads: Block, heads_nan: Flags, owners: Ints, buckets: Block, nan: Flags) -> None:
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
def fold(buckets: Block, nan: Flags, parents: Ints, wide: Block, wide_nan: Flags) -> None:
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
def _join(later: Block, flag: int, i: int, values: Block, flags: Flags, k: int) -> None:
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


@numba.njit(nogil=True, cache=True)
def bucket_chunk(
    chunk: Block,
    signed: Block,
    unsigned: Block,
    floats: bool,
    factor: float,
    edges: Ints,
    at: int,
    buckets: Block,
    nan: Flags,
    head: Block,
    head_nan: Flags,
) -> None:
    """Buckets of one chunk, without statistics.

    Parameters
    ----------
    factor : float
        By which samples are multiplied.
    chunk, signed, unsigned, floats, edges, at, buckets, nan, head, head_nan
        As of `summarise_chunk`.
    """
    skip = int(edges[0] < 0)
    edges = np.maximum(edges, 0)
    n = edges.size - 1
    values, flags = np.empty((4, n), chunk.dtype), np.empty(n, np.uint8)
    for channel in range(chunk.shape[0]):
        x = chunk[channel]
        _buckets(x, signed[channel], unsigned[channel], floats, edges, _has_nan(x), values, flags)
        if skip:
            head_nan[channel] = flags[0]
        nan[channel, at : at + n - skip] = flags[skip:]
        for i in range(4):
            if skip:
                _scale(values[i, :1], flags, factor, head[i, channel : channel + 1])
            out = buckets[i, channel, at : at + n - skip]
            _scale(values[i, skip:], flags[skip:], factor, out)


@numba.njit(nogil=True, cache=True)
def _scale(values: Block, flags: Flags, factor: float, out: Block) -> None:
    for k in range(values.size):
        if flags[k] != ALL_NAN:
            out[k] = values[k] * factor


# --- keeping samples small ----------------------------------------------------------------------


@numba.njit(nogil=True, cache=True)
def whole_counts(samples: Block, step: float, counts: Block) -> bool:
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


# --- lines --------------------------------------------------------------------------------------


@numba.njit(nogil=True, cache=True)
def line_points(y: Block, starts: Block, ends: Block, x_points: Block, y_points: Block) -> int:
    """Points of lines that set the same pixels as lines through every sample.

    A column of several samples is a stroke from min to max. Its first and last sample are points
    only where the line from one column to the next leaves both strokes: else it is under them.

    Parameters
    ----------
    y : ndarray of float64, shape (4, n_channels, n_columns)
        First, min, max and last; NaN where a column has no number. None has some.
    starts, ends : ndarray of float64, shape (n_columns,)
        Where the first and last sample of each column are.
    x_points, y_points : ndarray of float64
        Filled; five for each column of each channel are enough. NaN ends a line.

    Returns
    -------
    int
        How many.
    """
    n = 0
    n_columns = starts.size
    for channel in range(y.shape[1]):
        first, low, high, last = y[0, channel], y[1, channel], y[2, channel], y[3, channel]
        joined = False  # to the column before
        for i in range(n_columns):
            if first[i] != first[i]:
                continue
            stroke = starts[i] < ends[i]
            if joined or not stroke:
                x_points[n], y_points[n] = starts[i], first[i]
                n += 1
            if stroke:
                upward = high[i] - first[i] > first[i] - low[i]  # the far end last
                x_points[n] = x_points[n + 1] = (starts[i] + ends[i]) / 2
                y_points[n], y_points[n + 1] = low[i], high[i]
                if not upward:
                    y_points[n], y_points[n + 1] = high[i], low[i]
                n += 2
            j = i + 1
            joined = j < n_columns and first[j] == first[j]
            if joined and stroke and starts[j] < ends[j]:
                under = max(low[i], low[j]) <= min(last[i], first[j])
                joined = not (under and max(last[i], first[j]) <= min(high[i], high[j]))
            if not joined:
                x_points[n] = y_points[n] = np.nan
                n += 1
            elif stroke:
                x_points[n], y_points[n] = ends[i], last[i]
                n += 1
    return n


# --- joining statistics -------------------------------------------------------------------------


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
