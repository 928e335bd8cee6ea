"""Compiled loops of the one pass over a probe. They release the GIL and know no files.

Sums run in lanes of a fixed number: the compiler can use vector instructions, and the result does
not depend on which ones the machine has.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.compiling import numba

Block = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.uint8]

CLEAN, SOME_NAN, ALL_NAN, EMPTY = 0, 1, 2, 3
"""Flags of a bucket; samples that are left out count as NaN."""
LANES = 32  # of fewer the compiler makes no vectors
N, MEAN, M2 = 0, 1, 2
"""Rows of moments: valid samples, their mean, and the sum of squared distances from it."""
CODES_PER_OCTAVE = 64  # of a mean square, so 128 of an RMS: steps of 0.54 %
_MANTISSA_BITS = 11  # enough: an error of 0.05 of a step
_LOG2 = np.rint(
    CODES_PER_OCTAVE * np.log2(1 + (np.arange(1 << _MANTISSA_BITS) + 0.5) / (1 << _MANTISSA_BITS))
).astype(np.int64)
MEAN_BITS = 14  # of a block's mean, below the RMS of its quietest bucket

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
    limits: Block,
    moments: Block,
    head_moments: Block,
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
    moments : ndarray of float64, shape (3, n_channels, any)
        Filled with N, MEAN and M2 of the buckets that start in this chunk.
    head_moments : ndarray of float64, shape (3, n_channels)
        The same for the bucket that began before this chunk.

    Returns
    -------
    int
        How many values of buckets are not whole counts of `step`.
    """
    skip = int(edges[0] < 0)  # the bucket that began before
    edges = np.maximum(edges, 0)
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
        if np.isfinite(total) and values[1].min() >= low and values[2].max() <= high:
            _summarise(sums, pivot, values[1], values[2], s)
            _rails(x, edges, flags, values[1], values[2], s)
            _ends(x, s)
            s.flat = _flat(x[s.head : x.size - s.tail], flat_samples)
        else:
            _summarise_some(x, edges, low, high, values, flags, sums, s, flat_samples)
        if skip:
            head_nan[channel] = flags[0]
            head_moments[:, channel] = sums[:, 0]
        nan[channel, at : at + n - skip] = flags[skip:]
        moments[:, channel, at : at + n - skip] = sums[:, skip:]
        for i in range(4):
            if skip:
                off_grid += _store(values[i, :1], step, head[i, channel : channel + 1])
            off_grid += _store(values[i, skip:], step, buckets[i, channel, at : at + n - skip])
    return off_grid


@numba.njit(nogil=True, cache=True)
def _summarise_some(
    x: Block,
    edges: Ints,
    low: float,
    high: float,
    values: Block,
    flags: Flags,
    sums: Block,
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
    pivot = 0.0
    for k in range(flags.size):
        if flags[k] != ALL_NAN:
            pivot = np.float64(values[0, k])
            break
    for k in range(flags.size):
        numbers = _plausible(valid[edges[k] : edges[k + 1]], -np.inf, np.inf)
        ends = np.array([0, numbers.size])
        sums[:, k] = 0.0
        _bucket_sums(numbers, ends, pivot, sums[:, k : k + 1])
    _summarise(sums, pivot, values[1], values[2], s)
    if s.n:
        _rails(valid, edges, flags, values[1], values[2], s)
        _ends(valid, s)
        s.flat = _flat(valid[s.head : valid.size - s.tail], flat_samples)


@numba.njit(nogil=True, cache=True)
def _bucket_sums(x: Block, edges: Ints, pivot: float, sums: Block) -> float:
    """Number, sum and sum of squares of distances from the pivot, of each bucket; their sum.

    The pivot is one of the samples, so that the sum of squares cannot be much larger than what is
    left of it when the mean's share is subtracted.
    """
    lanes, squares = np.zeros(LANES), np.zeros(LANES)
    everything = 0.0
    for k in range(edges.size - 1):
        y = x[edges[k] : edges[k + 1]]
        lanes[:] = 0.0
        squares[:] = 0.0
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
def _summarise(sums: Block, pivot: float, lows: Block, highs: Block, s: Any) -> None:
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
    x: Block, signed: Block, unsigned: Block, floats: bool, edges: Ints, values: Block
) -> None:
    """First, min, max and last of each bucket, all samples of which are numbers."""
    lows, highs = values[1].view(signed.dtype), values[2].view(signed.dtype)
    _extremes(signed, unsigned, floats, edges, lows, highs)
    for k in range(edges.size - 1):
        values[0, k], values[3, k] = x[edges[k]], x[edges[k + 1] - 1]


@numba.njit(nogil=True, cache=True)
def _some_buckets(
    x: Block, edges: Ints, low: float, high: float, values: Block, flags: Flags
) -> None:
    """First, min, max and last of the valid samples of each bucket; zeros where it has none."""
    for k in range(flags.size):
        samples = x[edges[k] : edges[k + 1]]
        numbers = _plausible(samples, low, high)
        flags[k] = CLEAN if numbers.size == samples.size else SOME_NAN
        values[:, k] = 0
        if numbers.size:
            values[0, k], values[3, k] = numbers[0], numbers[-1]
            values[1, k], values[2, k] = numbers.min(), numbers.max()
        else:
            flags[k] = ALL_NAN


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
def _has_nan(x: Block) -> bool:
    broken = np.uint32(0)  # as wide as a float, which is quickest
    for value in x:
        broken |= np.uint32(value != value)
    return bool(broken)


@numba.njit(nogil=True, cache=True)
def _plausible(x: Block, low: float, high: float) -> Block:
    """Those within the limits; NaN is not."""
    numbers = np.empty_like(x)
    n = 0
    for value in x:
        numbers[n] = value
        n += low <= value <= high
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
def join_moments(heads: Block, owners: Ints, moments: Block) -> None:
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
def about_blocks(
    moments: Block,
    lows: Block,
    highs: Block,
    factor: float,
    blocks: Ints,
    means: Block,
    squares: Block,
    peaks: Block,
) -> None:
    """Distances of the samples of buckets from the mean of their block.

    The mean is rounded to a small fraction of the RMS of the quietest bucket, so that it takes few
    bytes; everything is about the rounded mean.

    Parameters
    ----------
    moments : ndarray of float64, shape (3, n_channels, n)
        N, MEAN and M2 of buckets that make up whole blocks.
    lows, highs : ndarray, shape (n_channels, n)
        Their smallest and largest samples, as stored.
    factor : float
        By which these are multiplied.
    blocks : ndarray of int, shape (n_blocks + 1,)
        Where blocks start and stop, in buckets.
    means : ndarray of float64, shape (n_channels, n_blocks)
        Filled with the means of blocks; 0 where a block has no valid sample.
    squares, peaks : ndarray of float64, shape (n_channels, n)
        Filled with the sum of squared distances, and the largest distance; 0 where there is none.
    """
    for channel in range(means.shape[0]):
        n, mean, m2 = moments[N, channel], moments[MEAN, channel], moments[M2, channel]
        for block in range(means.shape[1]):
            start, stop = blocks[block], blocks[block + 1]
            pivot, count, total = 0.0, 0.0, 0.0
            for k in range(start, stop):
                if n[k] and not count:
                    pivot = mean[k]
                count += n[k]
                total += n[k] * (mean[k] - pivot) if n[k] else 0.0
            middle = pivot + total / count if count else 0.0
            quietest = np.inf
            for k in range(start, stop):
                distance = mean[k] - middle
                square = m2[k] + n[k] * distance * distance
                if square > 0.0:
                    quietest = min(quietest, square / n[k])
            if quietest < np.inf:
                unit = math.ldexp(1.0, math.frexp(math.sqrt(quietest))[1] - MEAN_BITS)
                middle = np.rint(middle / unit) * unit if unit else middle
            means[channel, block] = middle
            for k in range(start, stop):
                distance = mean[k] - middle
                squares[channel, k] = m2[k] + n[k] * distance * distance if n[k] else 0.0
                high, low = highs[channel, k] * factor, lows[channel, k] * factor
                peaks[channel, k] = max(high - middle, middle - low) if n[k] else 0.0


@numba.njit(nogil=True, cache=True)
def peaks_of_buckets(
    lows: Block, highs: Block, factor: float, n: Ints, means: Block, owners: Ints, peaks: Block
) -> None:
    """Largest distance of the samples of buckets from the mean of their block.

    Parameters
    ----------
    lows, highs, factor
        As of `about_blocks`.
    n : ndarray of int, shape (n_channels, n)
        Valid samples of each bucket.
    means : ndarray of float64, shape (n_channels, n_blocks)
        Of the blocks.
    owners : ndarray of int, shape (n,)
        Index of each bucket's block.
    peaks : ndarray of float64, shape (n_channels, n)
        Filled; 0 where there is no valid sample.
    """
    for channel in range(n.shape[0]):
        for k in range(n.shape[1]):
            mean = means[channel, owners[k]]
            high, low = highs[channel, k] * factor - mean, mean - lows[channel, k] * factor
            peaks[channel, k] = max(high, low) if n[channel, k] else 0.0


@numba.njit(nogil=True, cache=True)
def fold_amplitude(
    squares: Block, n: Block, peaks: Block, parents: Ints, wide: Block, wide_n: Block, top: Block
) -> None:
    """Fold amplitudes of buckets into the wider ones they lie in.

    Parameters
    ----------
    squares, n, peaks : ndarray, shape (n_channels, n)
        Of the narrow ones: sums are added, and of the peaks the largest is taken.
    parents : ndarray of int, shape (n,)
        For each the wide one it lies in.
    wide, wide_n, top : ndarray, shape (n_channels, m)
        Of the wide ones, changed in place; zeros to begin with.
    """
    for channel in range(squares.shape[0]):
        for k in range(parents.size):
            parent = parents[k]
            wide[channel, parent] += squares[channel, k]
            wide_n[channel, parent] += n[channel, k]
            top[channel, parent] = max(top[channel, parent], peaks[channel, k])


@numba.njit(nogil=True, cache=True)
def code_squares(squares: Block, n: Block, peaks: Block, codes: Block) -> None:
    """Code mean squares by the logarithm of their ratio to the square of the peak.

    The ratio, 1 / n to 1, varies little, so codes take few bytes. Its logarithm is found from the
    bits of a float (IEEE 754) and a table: the same on every machine, and quick.

    Parameters
    ----------
    squares, n, peaks : ndarray of float64, shape (n_channels, n)
        Sums of squared distances, how many each is of, and the largest distance.
    codes : ndarray of uint16, same shape
        Filled.
    """
    shift = np.uint64(52 - _MANTISSA_BITS)
    mask = np.uint64((1 << _MANTISSA_BITS) - 1)
    ratio = np.empty(1, np.float64)
    bits = ratio.view(np.uint64)
    for channel in range(squares.shape[0]):
        for k in range(squares.shape[1]):
            if not squares[channel, k] > 0.0:
                codes[channel, k] = 0
                continue
            peak = peaks[channel, k]
            ratio[0] = squares[channel, k] / (n[channel, k] * peak * peak)
            octave = np.int64(bits[0] >> np.uint64(52)) - 1023
            code = octave * CODES_PER_OCTAVE + _LOG2[(bits[0] >> shift) & mask]
            codes[channel, k] = min(max(-code, 0), 65535)


@numba.njit(nogil=True, cache=True)
def squares_of_codes(codes: Block, n: Block, peaks: Block, ratios: Block, squares: Block) -> None:
    """Undo `code_squares`.

    Parameters
    ----------
    codes, n, peaks, squares
        As of `code_squares`; `squares` is filled.
    ratios : ndarray of float64, shape (65536,)
        From `code_ratios`.
    """
    for channel in range(codes.shape[0]):
        for k in range(codes.shape[1]):
            peak = peaks[channel, k]
            squares[channel, k] = ratios[codes[channel, k]] * peak * peak * n[channel, k]


def code_ratios() -> npt.NDArray[np.float64]:
    """Return the ratio of mean square to squared peak of each code of `code_squares`."""
    ratios: npt.NDArray[np.float64] = 2.0 ** (-np.arange(65536) / CODES_PER_OCTAVE)
    return ratios


@numba.njit(nogil=True, cache=True)
def amplitude_of_samples(
    samples: Block,
    first: int,
    block: int,
    means: Block,
    step: int,
    squares: Block,
    n: Block,
    peaks: Block,
) -> None:
    """Distances of samples from the mean of their block, in columns.

    Parameters
    ----------
    samples : ndarray of float, shape (n_channels, any)
        A stretch of a segment that begins with a column; NaN is left out.
    first : int
        Where in its block the first sample is.
    block : int
        Samples of a block.
    means : ndarray of float64, shape (n_channels, n_blocks)
        From the block of the first sample on.
    step : int
        Samples of a column.
    squares, n, peaks : ndarray, shape (n_channels, n_columns)
        Filled.
    """
    for channel in range(samples.shape[0]):
        x = samples[channel]
        for column in range(squares.shape[1]):
            total, count, top = 0.0, 0, 0.0
            i, stop = column * step, min((column + 1) * step, x.size)
            while i < stop:
                k = (first + i) // block
                end = min(stop, (k + 1) * block - first)
                mean = means[channel, k]
                while i < end:
                    distance = abs(np.float64(x[i]) - mean)
                    if distance == distance:
                        total += distance * distance
                        count += 1
                        top = max(top, distance)
                    i += 1
            squares[channel, column], n[channel, column] = total, count
            peaks[channel, column] = top


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
        if _has_nan(x):
            _some_buckets(x, edges, -np.inf, np.inf, values, flags)
        else:
            _clean_buckets(x, signed[channel], unsigned[channel], floats, edges, values)
            flags[:] = CLEAN
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
            if p.n_implausible and not t.n_implausible:
                t.first_implausible = t.length + p.first_implausible
            t.length += p.length
            t.n_nan += p.n_nan
            t.n_implausible += p.n_implausible
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
