"""One pass over a probe: statistics of each channel, and the envelope."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from lfpscope import kernels
from lfpscope.blocks import Block, Damage, Source, submit_chunks
from lfpscope.clock import Clock, clock_doubts
from lfpscope.doubts import Doubt, doubts_to_json, sort_doubts
from lfpscope.envelope import (
    CHUNK_BUCKETS,
    VALUES,
    Flags,
    Ints,
    block_size,
    bucket_edges,
    bucket_sizes,
    bucket_starts,
    chunk_width,
    plausible_values,
)
from lfpscope.files import UserError, atomic, write_table
from lfpscope.quality import find_dead, find_saturated
from lfpscope.references import References, with_exact_clock
from lfpscope.store import Shuffle, StoreWriter

OnDamage = Literal["mask", "fail"]
SLAB_SAMPLES = 1 << 20  # of up to SLAB_CHANNELS, fewer of more: two slabs are in memory,
SLAB_ROWS = 1 << 10  # of chunks at most, as are the statistics of every chunk
SLAB_CHANNELS = 128
PIECE_VALUES = 1 << 17  # buckets of all channels that are folded at a time: few fit into a cache
MEDIAN_BYTES = 64 << 20  # of the values that are sorted at a time
# V: Allen's float32 volts are whole counts of 0.195 µV, multiplied as float32 or as float64;
# others store counts as float32
STEPS = (float(np.float32(0.195e-6)), 0.195e-6, 1.0)
MIN_LIMIT_V = 10.0  # what is beyond it is not a potential,
MAX_OVER_TYPICAL = 1e4  # unless it is no more than so many times what is typical of the file
N_TYPICAL = 16  # chunks that tell what is
MOST_NAMED = 20  # of the damaged chunks
ANEW = (
    "Put a whole copy in its place, or delete it if it was fetched, and run with "
    "--forcerun fetch_probe"
)


@dataclass(frozen=True)
class Summary:
    """What one pass over a probe found.

    Attributes
    ----------
    references : References
        Of the probe.
    statistics : structured ndarray of kernels.STATISTICS, shape (n_channels,)
        In stored units.
    damage : list of Damage
        Chunks that could not be decoded or are missing.
    median : ndarray of float64, shape (n_channels,)
        Of the first valid samples of all buckets, in stored units; NaN where there is none.
    dead, saturated : ndarray of bool, shape (n_channels,)
        Channels that are.
    limit : float
        Samples beyond it are left out as NaN is, V.
    doubts : tuple of Doubt
        What is uncertain about the recording, complete.
    """

    references: References
    statistics: npt.NDArray[Any]
    damage: list[Damage]
    median: npt.NDArray[np.float64]
    dead: npt.NDArray[np.bool_]
    saturated: npt.NDArray[np.bool_]
    limit: float
    doubts: tuple[Doubt, ...]

    def table(self) -> list[dict[str, Any]]:
        """Rows of channels.csv, in volts."""
        return [self._row(index) for index in range(self.references.n_channels)]

    def describe_damage(self) -> str:
        """Name each damaged chunk, for a person to read; nothing where all are whole."""
        if not self.damage:
            return ""
        r, most = self.references, self.damage[:MOST_NAMED]
        lines = [f"{r.describe_chunk(one.row, one.column)}: damaged: {one.reason}" for one in most]
        if len(self.damage) > len(most):
            lines.append(f"and {len(self.damage) - len(most)} more")
        return "\n".join([*lines, f"{ANEW}."])

    def _row(self, index: int) -> dict[str, Any]:
        r, s = self.references, self.statistics[index]
        scale, columns = r.scale[index], r.channels.columns
        row = {
            "channel": int(r.channels.id[index]),
            "index": index,
            "depth_um": _cell(columns["depth"][index]) if "depth" in columns else "",
            "area": columns["area"][index] if "area" in columns else "",
            "n_samples": int(s["length"]),
            "n_nan": int(s["n_nan"]),
            "n_implausible": int(s["n_implausible"]),
            "n_damaged": int(s["n_damaged"]),
        }
        if s["n"]:
            std = np.sqrt(s["m2"] / s["n"]) * abs(scale)
            low, high = sorted([s["min"] * scale + r.add, s["max"] * scale + r.add])
            row |= {
                "min": repr(float(low)),
                "max": repr(float(high)),
                "mean": f"{s['mean'] * scale + r.add:.9g}",
                "median": f"{self.median[index] * scale + r.add:.9g}",
                "std": f"{std:.9g}",
                "flat": int(s["flat"]),
                "dead": int(self.dead[index]),
                "saturated": int(self.saturated[index]),
            }
        return row


def _cell(number: float) -> str:
    return "" if np.isnan(number) else f"{number:g}"


CHANNEL_COLUMNS = (
    "channel",
    "index",
    "depth_um",
    "area",
    "min",
    "max",
    "mean",
    "median",
    "std",
    "n_samples",
    "n_nan",
    "n_implausible",
    "n_damaged",
    "flat",
    "dead",
    "saturated",
)


def write_channels(summary: Summary, path: Path) -> None:
    """Write channels.csv: a row per channel, in volts; `flat` counts samples."""
    write_table(path, CHANNEL_COLUMNS, summary.table())


# --- the pass -----------------------------------------------------------------------------------


class _OffGridError(Exception):
    """A value is not a whole count of the step that was tried."""


def build_envelope(
    references: References,
    path: Path,
    *,
    bucket: int = 128,
    threads: int = 2,
    on_damage: OnDamage = "mask",
) -> Summary:
    """Summarise a probe in one pass over its chunks and write its envelope.

    Memory holds the buckets of two slabs and a stored chunk of each level, whatever the length of
    the recording: about 200 MB.

    Parameters
    ----------
    references : References
        Of the probe.
    path : Path
        The ``.zarr.zip`` to write.
    bucket : int
        Samples per bucket of the finest level.
    threads : int
        How many decode at once.
    on_damage : {"mask", "fail"}
        Whether damaged chunks are left out and counted, or end the pass.

    Returns
    -------
    Summary
        Statistics and damage.

    Raises
    ------
    UserError
        If the source has changed since it was indexed, or a chunk is damaged and shall not be.
    """
    exact = with_exact_clock(references)
    # where the clock is read only now, indexing could not say what is uncertain about it
    about_clock = () if references.clock_is_exact else tuple(clock_doubts(exact.clock))
    with Source(exact) as source:
        limit = _limit(source)
        for step in [*_likely_steps(source, limit), None]:
            try:  # whole counts take half or a quarter of the room
                return _build(source, path, bucket, threads, step, limit, on_damage, about_clock)
            except _OffGridError:
                continue
    raise AssertionError("values without a step are never off its grid")


def _limit(source: Source) -> float:
    """Volts beyond which a sample is not a potential, but a mark for a missing one.

    A file whose unit is wrong by a power of ten keeps its samples: the limit is far above what is
    typical of chunks spread over the recording. A quarter of them may hold little but marks or
    zeros on either side.
    """
    r = source.references
    if r.layout.dtype.kind in "iu" and r.layout.dtype.itemsize <= 2:
        ends = np.array([np.iinfo(r.layout.dtype).min, np.iinfo(r.layout.dtype).max])
        if np.abs(ends[:, np.newaxis] * r.scale + r.add).max() <= MIN_LIMIT_V:
            return MIN_LIMIT_V
    n_rows, n_columns = r.layout.grid
    n = min(N_TYPICAL, n_rows * n_columns)
    typical = []
    for place in np.unique(np.linspace(0, n_rows * n_columns - 1, n).astype(np.int64)).tolist():
        # along the recording, and across the channels
        row, column = place // n_columns, place % n_columns
        chunk = source.chunk(row, column)
        if isinstance(chunk, Damage):
            continue
        first = column * r.layout.chunks[1]
        channels = slice(first, min(first + r.layout.chunks[1], r.n_channels))
        values = chunk[: r.n_samples - row * r.layout.chunks[0], : channels.stop - first]
        with np.errstate(over="ignore", invalid="ignore"):
            volts = np.abs(values.astype(np.float64) * r.scale[channels] + r.add)
        volts = volts[np.isfinite(volts) & (volts > 0)]
        if volts.size:
            typical.append(float(np.median(volts)))
    quarter = float(np.quantile(typical, 0.25, method="lower")) if typical else 0.0
    return max(MIN_LIMIT_V, MAX_OVER_TYPICAL * quarter)


def _likely_steps(source: Source, limit: float) -> list[float]:
    """Steps of which all valid samples of the first chunk are whole counts."""
    chunk, layout = source.chunk(0, 0), source.references.layout
    if isinstance(chunk, Damage) or chunk.dtype.kind != "f":
        return [] if layout.dtype.kind != "f" else list(STEPS)
    low, high = plausible_values(source.references, limit)[
        :, : min(chunk.shape[1], layout.shape[1])
    ]
    chunk = chunk[: layout.shape[0], : low.size]
    numbers = chunk[(chunk >= low) & (chunk <= high)]
    wide = numbers.astype(np.float64)
    return [
        step
        for step in STEPS
        if np.array_equal((np.rint(wide / step) * step).astype(chunk.dtype), numbers)
    ]


def _build(
    source: Source,
    path: Path,
    bucket: int,
    threads: int,
    step: float | None,
    limit: float,
    on_damage: OnDamage,
    about_clock: tuple[Doubt, ...],
) -> Summary:
    references = source.references
    with atomic(path) as part, StoreWriter(part) as store:
        writer = _Writer(store, references, bucket, step, plausible_values(references, limit))
        statistics, damage = _pass(source, writer, threads, on_damage)
        writer.close()
        finest = writer.sizes[0]
        dead = find_dead(statistics, references.scale, references.clock.dt)
        rails = find_saturated(source, store, finest, writer.starts, step, statistics)
        summary = Summary(
            references,
            statistics,
            damage,
            _medians(store, finest, references.n_channels) * (step or 1.0),
            dead,
            rails & ~dead,
            limit,
            sort_doubts(
                [*references.doubts, *about_clock, *_left_out(references, statistics, limit)]
            ),
        )
        store.group("", _attributes(references, writer, summary))
        _write_statistics(store, summary)
    return summary


def _pass(
    source: Source, writer: "_Writer", threads: int, on_damage: OnDamage
) -> tuple[npt.NDArray[Any], list[Damage]]:
    """Go once over all chunks, in slabs of rows, and hand the buckets to the writer."""
    references = source.references
    flat_samples = _flat_samples(references.clock)
    total = np.zeros(references.n_channels, kernels.STATISTICS)
    damage: list[Damage] = []
    size = references.n_samples * references.n_channels * references.layout.dtype.itemsize
    with tqdm(total=size, unit="B", unit_scale=True, mininterval=1.0, desc="summarise") as bar:
        for slab in _slabs(source, writer, threads, flat_samples):
            slab.join(writer.open_bucket)
            writer.append(slab.buckets)
            kernels.merge_statistics(slab.statistics, total, flat_samples)
            damage += slab.damage
            if damage and on_damage == "fail":
                one = min(damage, key=_place)
                raise UserError(
                    f"{references.describe_chunk(one.row, one.column)}: damaged: {one.reason}. "
                    f"{ANEW}, or set `on_damage: mask` to go on without such chunks."
                )
            bar.update(size * slab.rows.stop // references.layout.grid[0] - bar.n)
    kernels.close_statistics(total, flat_samples)
    return total, sorted(damage, key=_place)


def _left_out(references: References, statistics: Block, limit: float) -> list[Doubt]:
    """Doubts about samples that are not finite or not plausible."""
    found = statistics["n_implausible"]
    n, channels = int(found.sum()), np.flatnonzero(found)
    if not n:
        return []
    earliest = channels[np.argmin(statistics["first_implausible"][channels])]
    seconds = references.clock.seconds(int(statistics["first_implausible"][earliest]) - 1)
    samples = f"{n} sample{'s' * (n > 1)} of {channels.size} channel{'s' * (channels.size > 1)}"
    text = (
        f"{samples} {'are' if n > 1 else 'is'} not finite or beyond {limit:.3g} V: left out "
        f"(first: channel {references.channels.id[earliest]} at {seconds:.3f} s)"
    )
    return [Doubt("values", text)]


def _medians(store: StoreWriter, level: int, n_channels: int) -> npt.NDArray[np.float64]:
    """Median of the first samples of all buckets, as they are stored; NaN where there is none.

    They are read back from what has been written, as many channels at a time as memory allows.
    """
    medians = np.full(n_channels, np.nan)
    width = max(1, MEDIAN_BYTES // store.row_bytes(f"{level}/first"))  # channels
    for first in range(0, n_channels, width):
        here = slice(first, first + width)
        values = np.concatenate([chunk[here] for chunk in store.chunks(f"{level}/first")], axis=1)
        nan = np.concatenate([chunk[here] for chunk in store.chunks(f"{level}/nan")], axis=1)
        for i, flags in enumerate(nan == kernels.ALL_NAN):
            numbers = values[i][~flags] if flags.any() else values[i]
            if numbers.size:
                medians[first + i] = _median(numbers)
    return medians


def _median(x: Block) -> float:
    """Median, of integers without overflow."""
    half = x.size // 2
    parts = np.partition(x, half)
    high = float(parts[half])
    return high if x.size % 2 else (float(parts[:half].max()) + high) / 2


def _place(damage: Damage) -> tuple[int, int]:
    return damage.row, damage.column


def _flat_samples(clock: Clock) -> int:
    """Samples in one second; at least three, and no more than a number of theirs can be."""
    return int(np.clip(1 / clock.dt, 3, 1 << 40)) if clock.dt > 0 else 3


def _slabs(source: Source, writer: "_Writer", threads: int, flat_samples: int) -> Iterator["_Slab"]:
    """Slabs in the order of time, each whole; the next one is decoded while this one is used."""
    n_rows, height = source.references.layout.grid[0], source.references.layout.chunks[0]
    share = max(1, -(-source.references.n_channels // SLAB_CHANNELS))
    per_slab = max(1, min(SLAB_SAMPLES // height, SLAB_ROWS) // share)
    pool = ThreadPoolExecutor(threads)
    started: list[tuple[_Slab, list[Future[list[None]]]]] = []
    try:
        for row in range(0, n_rows, per_slab):
            rows = range(row, min(row + per_slab, n_rows))
            slab = _Slab(source.references, rows, writer, flat_samples)
            started.append((slab, submit_chunks(pool, source, rows, slab.summarise)))
            if len(started) == 2:
                yield _whole(*started.pop(0))
        yield _whole(*started.pop())
    finally:
        pool.shutdown(cancel_futures=True)


def _whole(slab: "_Slab", futures: list[Future[list[None]]]) -> "_Slab":
    for future in futures:
        future.result()
    return slab


class _Slab:
    """Some rows of chunks: their buckets and statistics.

    Attributes
    ----------
    rows : range
        Of the chunk grid.
    buckets : _Fresh
        The bucket that began before the slab, and those that start in it.
    statistics : structured ndarray of kernels.STATISTICS, shape (n_rows, n_channels)
        Of every chunk.
    damage : list of Damage
        In any order.
    """

    def __init__(
        self, references: References, rows: range, writer: "_Writer", flat_samples: int
    ) -> None:
        height, n_channels = references.layout.chunks[0], references.n_channels
        self.rows = rows
        self.damage: list[Damage] = []
        self._layout, self._flat_samples = references.layout, flat_samples
        self._step = writer.step or 0.0
        tops = np.array([*rows, rows.stop]) * height
        tops[-1] = min(tops[-1], references.n_samples)
        self._edges = [bucket_edges(writer.starts, *pair) for pair in pairwise(tops.tolist())]
        # how many buckets start before each row, and the one that is open at its start
        before = np.searchsorted(writer.starts[:-1], tops)
        self._at = before - before[0] + 1
        self._open = np.where([edges[0] < 0 for edges in self._edges], self._at[:-1] - 1, -1)
        self._limits = writer.limits
        self.buckets = _Fresh(
            np.zeros((4, n_channels, self._at[-1]), writer.dtype),
            np.full((n_channels, self._at[-1]), kernels.ALL_NAN, np.uint8),
            np.zeros((3, n_channels, self._at[-1])),
        )
        self._heads = np.zeros((len(rows), 4, n_channels), writer.dtype)
        self._heads_nan = np.full((len(rows), n_channels), kernels.ALL_NAN, np.uint8)
        self._heads_moments = np.zeros((len(rows), 3, n_channels))
        self.statistics = np.zeros((len(rows), n_channels), kernels.STATISTICS)

    def summarise(self, row: int, column: int, chunk: Block | Damage) -> None:
        """Take one chunk; several threads do so at once."""
        height, width = self._layout.chunks
        here = slice(column * width, min((column + 1) * width, self._layout.shape[1]))
        count = min(height, self._layout.shape[0] - row * height)
        i = row - self.rows.start
        statistics = self.statistics[i, here]
        if isinstance(chunk, Damage):
            statistics["length"] = statistics["n_damaged"] = count
            self.damage.append(chunk)
            return
        samples = kernels.channels_first(chunk[:count, : statistics.size])
        off_grid = kernels.summarise_chunk(
            samples,
            *kernels.as_integers(samples),
            self._edges[i],
            self._at[i],
            self._step,
            self.buckets.values[:, here],
            self.buckets.nan[here],
            self._heads[i, :, here],
            self._heads_nan[i, here],
            statistics,
            self._flat_samples,
            self._limits[:, here],
            self.buckets.moments[:, here],
            self._heads_moments[i, :, here],
        )
        if off_grid:
            raise _OffGridError

    def join(self, open_bucket: "_Fresh") -> None:
        """Put in the bucket that was open before, and join what lies in several rows."""
        fresh = self.buckets
        fresh.values[..., :1] = open_bucket.values
        fresh.nan[:, :1] = open_bucket.nan
        fresh.moments[..., :1] = open_bucket.moments
        kernels.join_heads(self._heads, self._heads_nan, self._open, fresh.values, fresh.nan)
        kernels.join_moments(self._heads_moments, self._open, fresh.moments)


# --- writing ------------------------------------------------------------------------------------


class _Fresh(NamedTuple):
    """Buckets of the finest level as the pass makes them.

    Attributes
    ----------
    values, nan : ndarray, shapes (4, n_channels, n), (n_channels, n)
        First, min, max and last as they are stored, and flags.
    moments : ndarray of float64, shape (3, n_channels, n)
        kernels.N, MEAN and M2, in stored units.
    """

    values: Block
    nan: Flags
    moments: Block


class _Buckets(NamedTuple):
    """Finished buckets of a level.

    Attributes
    ----------
    values, nan : ndarray, shapes (4, n_channels, n), (n_channels, n)
        First, min, max and last as they are stored, and flags.
    squares, n, peaks : ndarray of float64, shape (n_channels, n)
        Sum of squared distances of the valid samples from the mean of their block, how many they
        are, and the largest distance.
    """

    values: Block
    nan: Flags
    squares: Block
    n: Block
    peaks: Block


def _cut(arrays: Sequence[Block], first: int, stop: int | None = None) -> list[Block]:
    """Cut a stretch out of the last axis of arrays."""
    return [array[..., first:stop] for array in arrays]


def _joined(arrays: Sequence[Block], later: Sequence[Block]) -> list[Block]:
    """Join arrays along their last axes."""
    return [np.concatenate(pair, axis=-1) for pair in zip(arrays, later, strict=True)]


class _Level:
    """One level of the envelope: stores its buckets, and folds them for the next wider level.

    Only buckets that share a wide one which is not finished wait, so that memory does not grow
    with the recording.

    Parameters
    ----------
    store : StoreWriter
        Where to.
    size, block : int
        Samples of a bucket, and of a block of the amplitude.
    starts : ndarray of int64
        First sample of each bucket, and the end of the recording.
    n_channels, dtype
        How many, and in which type first, min, max and last are stored.
    wider : _Level, optional
        The next one.
    """

    def __init__(
        self,
        store: StoreWriter,
        size: int,
        block: int,
        starts: Ints,
        n_channels: int,
        dtype: np.dtype[Any],
        wider: "_Level | None",
    ) -> None:
        self.starts, self._store, self._size, self._wider = starts, store, size, wider
        self._arrays: dict[str, np.dtype[Any]] = dict.fromkeys(VALUES, dtype)
        self._arrays |= {"nan": np.dtype(np.uint8), "rms": np.dtype(np.uint16)}
        self._arrays["left_out"] = np.min_scalar_type(size)
        if size > block:  # in narrower ones it follows from min, max and the block's mean
            self._arrays["peak"] = np.dtype(np.float64 if dtype.itemsize > 4 else np.float32)
        shape, width = (n_channels, starts.size - 1), chunk_width(n_channels)
        store.group(str(size), {})
        for name, values in (("start_sample", starts[:-1]), ("n_samples", np.diff(starts))):
            store.array(f"{size}/{name}", values.shape, np.int64, width=CHUNK_BUCKETS)
            store.append(f"{size}/{name}", values)
        for name, kind in self._arrays.items():
            names = ("channel", "bucket")
            # smaller by 8 to 11 % than with bits shuffled; min and max are larger by 5 %
            shuffle: Shuffle = "shuffle" if name in ("first", "last", "rms") else "bitshuffle"
            store.array(
                f"{size}/{name}", shape, kind, width=width, dimensions=names, shuffle=shuffle
            )
        self._narrow: list[Block] = []  # buckets of the narrower level that wait,
        self._n_folded = 0  # and how many came before
        self._n_stored = 0

    def append(self, buckets: _Buckets) -> None:
        """Store finished buckets of this level, and hand them on."""
        at, (values, nan, squares, n, peaks) = self._n_stored, buckets
        codes = np.empty(nan.shape, np.uint16)
        kernels.code_squares(squares, n, peaks, codes)
        sizes = np.diff(self.starts[at : at + nan.shape[1] + 1])
        columns = dict(zip(VALUES, values, strict=True))
        columns |= {"nan": nan, "rms": codes, "left_out": sizes - n, "peak": peaks}
        for name in self._arrays:
            self._store.append(f"{self._size}/{name}", columns[name])
        self._n_stored += nan.shape[1]
        if self._wider:
            self._wider.fold(buckets, self.starts)

    def fold(self, narrow: _Buckets, starts: Ints) -> None:
        """Fold buckets of the narrower level, which start at `starts` from the first one on."""
        waiting = (
            _joined(self._narrow, narrow)
            if self._narrow
            else [np.ascontiguousarray(array) for array in narrow]
        )
        n = waiting[1].shape[1]
        first = self._n_folded
        parents = np.searchsorted(self.starts, starts[first : first + n + 1], side="right") - 1
        stop = int(np.searchsorted(parents[:n], parents[n]))  # those before share finished ones
        self._narrow = [array.copy() for array in _cut(waiting, stop)]
        self._n_folded += stop
        if stop:
            self.append(_folded(_Buckets(*waiting), parents[:stop] - parents[0]))


def _folded(narrow: _Buckets, parents: Ints) -> _Buckets:
    """Fold as many buckets as have a parent; those that share one become one."""
    shape = narrow.nan.shape[0], int(parents[-1]) + 1
    wide = _Buckets(
        np.zeros((4, *shape), narrow.values.dtype),
        np.full(shape, kernels.EMPTY, np.uint8),
        *np.zeros((3, *shape)),
    )
    kernels.fold(narrow.values, narrow.nan, parents, wide.values, wide.nan)
    kernels.fold_amplitude(*narrow[2:], parents, *wide[2:])
    return wide


class _Writer:
    """Writes buckets of the finest level as their blocks are finished; levels fold the others.

    Attributes
    ----------
    starts : ndarray of int64
        First sample of every bucket of the finest level, and the end of the recording.
    dtype : numpy.dtype
        In which values are stored.
    step : float or None
        Values are stored as whole counts of it.
    limits : ndarray of float64, shape (2, n_channels)
        Smallest and largest plausible value, stored units.
    """

    def __init__(
        self,
        store: StoreWriter,
        references: References,
        bucket: int,
        step: float | None,
        limits: Block,
    ) -> None:
        n_channels, clock = references.n_channels, references.clock
        self.step, self.limits = step, limits
        stored = references.layout.dtype.newbyteorder("=")
        wide = np.dtype(np.float32) if stored == np.float16 else stored  # as the kernels have it
        self.dtype = wide if step is None else np.dtype(np.int16)
        self._store = store
        self.block = block_size(clock, bucket)
        self.sizes = bucket_sizes(clock, bucket)
        levels: list[_Level] = []
        for size in reversed(self.sizes):
            starts, wider = bucket_starts(clock, size), levels[-1] if levels else None
            levels.append(_Level(store, size, self.block, starts, n_channels, self.dtype, wider))
        self._finest = levels[-1]
        self.starts = self._finest.starts
        self._block_starts = bucket_starts(clock, self.block)
        shape = n_channels, self._block_starts.size - 1
        store.group("blocks", {"samples": self.block})
        store.array(
            "blocks/mean",
            shape,
            np.float64,
            width=chunk_width(n_channels),
            dimensions=("channel", "block"),
        )
        # buckets of the block that is not finished; the last bucket may go on
        self._fresh = _Fresh(
            np.zeros((4, n_channels, 1), self.dtype),
            np.full((n_channels, 1), kernels.EMPTY, np.uint8),
            np.zeros((3, n_channels, 1)),
        )
        self._first = 0  # of them, as an index into `starts`

    @property
    def open_bucket(self) -> _Fresh:
        """The bucket that has begun last."""
        return _Fresh(*_cut(self._fresh, -1))

    def append(self, slab: _Fresh) -> None:
        """Take a slab's buckets, the open one in front; keep those of the block that is open."""
        start = int(slab.nan[0, 0] == kernels.EMPTY)  # at the start of the recording
        self._fresh = _Fresh(*_cut(self._fresh, 0, -1))
        n_channels, n = slab.nan.shape
        count = max(1, PIECE_VALUES // n_channels)
        for at in range(start, n, count):
            piece = _cut(slab, at, at + count)
            self._fresh = _Fresh(*_joined(self._fresh, piece))
            last = self.starts[self._first + self._fresh.nan.shape[1] - 1]
            block = np.searchsorted(self._block_starts, last, side="right") - 1
            first = int(np.searchsorted(self.starts, self._block_starts[block]))
            self._take(first - self._first)

    def close(self) -> None:
        """Write what is left."""
        self._take(self._fresh.nan.shape[1])

    def _take(self, count: int) -> None:
        """Take the buckets of finished blocks."""
        if count == 0:
            return
        fresh = self._fresh
        self._fresh = _Fresh(*(array.copy() for array in _cut(self._fresh, count)))
        starts = self.starts[self._first : self._first + count]
        first, stop = np.searchsorted(self._block_starts, [starts[0], starts[-1] + 1])
        blocks = np.append(np.searchsorted(starts, self._block_starts[first:stop]), count)
        self._first += count
        means = np.empty((fresh.nan.shape[0], blocks.size - 1))
        squares, peaks = np.empty((2, means.shape[0], count))
        factor = self.step or 1.0
        extremes = fresh.values[1], fresh.values[2]
        kernels.about_blocks(fresh.moments, *extremes, factor, blocks, means, squares, peaks)
        self._store.append("blocks/mean", means)
        n = np.ascontiguousarray(fresh.moments[kernels.N, :, :count])
        values, nan = _cut(fresh[:2], 0, count)
        self._finest.append(_Buckets(values, nan, squares, n, peaks))


def _attributes(references: References, writer: _Writer, summary: Summary) -> dict[str, Any]:
    return {
        "session": references.session,
        "probe": references.probe,
        "places": references.places,
        "clock": references.clock.to_json(),
        "buckets": writer.sizes,
        "block": writer.block,
        "step": writer.step,  # stored values are counts of it
        "dtype": references.layout.dtype.newbyteorder("=").str,
        "limit_volts": summary.limit,
        # of a bucket: rms / peak = 2 ** (-code / this)
        "rms_codes_per_octave": 2 * kernels.CODES_PER_OCTAVE,
        "doubts": doubts_to_json(summary.doubts),
    }


def _write_statistics(store: StoreWriter, summary: Summary) -> None:
    damaged = [[d.row, d.column, d.offset, d.reason] for d in summary.damage]
    store.group("statistics", {"damaged": damaged})
    names = ("n", "n_nan", "n_implausible", "n_damaged", "mean", "m2", "min", "max", "flat")
    for name in names:
        store.whole(f"statistics/{name}", summary.statistics[name])
    store.whole("statistics/median", summary.median)
    for name in ("dead", "saturated"):
        store.whole(f"statistics/{name}", getattr(summary, name))
