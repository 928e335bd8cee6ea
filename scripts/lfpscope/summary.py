"""One pass over a probe: statistics of each channel, and the envelope."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from lfpscope import kernels
from lfpscope.blocks import Block, Damage, Source, submit_chunks
from lfpscope.clock import Clock
from lfpscope.envelope import (
    CHUNK_BUCKETS,
    VALUES,
    Flags,
    Ints,
    bucket_edges,
    bucket_sizes,
    bucket_starts,
)
from lfpscope.files import UserError, atomic, write_table
from lfpscope.references import References, with_exact_clock
from lfpscope.store import StoreWriter

OnDamage = Literal["mask", "fail"]
SLAB_SAMPLES = 1 << 20  # of all channels: two slabs are in memory,
SLAB_ROWS = 1 << 10  # of chunks at most, as are the statistics of every chunk
# V: Allen's float32 volts are whole counts of 0.195 µV, multiplied as float32 or as float64;
# others store counts as float32
STEPS = (float(np.float32(0.195e-6)), 0.195e-6, 1.0)
DEAD_STD = 0.5e-6  # V
DEAD_FLAT = 0.5  # of the recording
SATURATED = 0.001  # of the samples
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
    """

    references: References
    statistics: npt.NDArray[Any]
    damage: list[Damage]

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
            "n_damaged": int(s["n_damaged"]),
        }
        if s["n"]:
            std = np.sqrt(s["m2"] / s["n"]) * abs(scale)
            low, high = sorted([s["min"] * scale + r.add, s["max"] * scale + r.add])
            dead = bool(s["flat"] >= DEAD_FLAT * s["length"] or std < DEAD_STD)
            at_rails = s["at_min"] + s["at_max"]
            row |= {
                "min": repr(float(low)),
                "max": repr(float(high)),
                "mean": f"{s['mean'] * scale + r.add:.9g}",
                "std": f"{std:.9g}",
                "flat": int(s["flat"]),
                "dead": int(dead),
                "saturated": int(not dead and at_rails >= SATURATED * s["length"]),
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
    "std",
    "n_samples",
    "n_nan",
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

    Memory holds the buckets of two slabs and the levels above the first: about 150 MB, and
    8 MB for each hour of 93 channels at 1250 Hz.

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
    with Source(with_exact_clock(references)) as source:
        for step in _likely_steps(source):
            try:  # whole counts take half or a quarter of the room
                return _build(source, path, bucket, threads, step, on_damage)
            except _OffGridError:
                continue
        return _build(source, path, bucket, threads, None, on_damage)


def _likely_steps(source: Source) -> list[float]:
    """Steps of which all samples of the first chunk are whole counts."""
    chunk = source.chunk(0, 0)
    if isinstance(chunk, Damage) or chunk.dtype.kind != "f":
        return [] if source.references.layout.dtype.kind != "f" else list(STEPS)
    numbers = chunk[np.isfinite(chunk)]
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
    on_damage: OnDamage,
) -> Summary:
    references = source.references
    with atomic(path) as part, StoreWriter(part) as store:
        writer = _Writer(store, references, bucket_sizes(references.clock, bucket), step)
        summary = _pass(source, writer, threads, on_damage)
        writer.close()
        _write_statistics(store, summary)
    return summary


def _pass(source: Source, writer: "_Writer", threads: int, on_damage: OnDamage) -> Summary:
    """Go once over all chunks, in slabs of rows, and hand the buckets to the writer."""
    references = source.references
    flat_samples = _flat_samples(references.clock)
    total = np.zeros(references.n_channels, kernels.STATISTICS)
    damage: list[Damage] = []
    size = references.n_samples * references.n_channels * references.layout.dtype.itemsize
    with tqdm(total=size, unit="B", unit_scale=True, mininterval=1.0, desc="summarise") as bar:
        for slab in _slabs(source, writer, threads, flat_samples):
            slab.join(writer.open_bucket)
            writer.append(slab.buckets, slab.nan)
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
    return Summary(references, total, sorted(damage, key=_place))


def _place(damage: Damage) -> tuple[int, int]:
    return damage.row, damage.column


def _flat_samples(clock: Clock) -> int:
    """Samples in one second; at least three, and no more than a number of theirs can be."""
    return int(np.clip(1 / clock.dt, 3, 1 << 40)) if clock.dt > 0 else 3


def _slabs(source: Source, writer: "_Writer", threads: int, flat_samples: int) -> Iterator["_Slab"]:
    """Slabs in the order of time, each whole; the next one is decoded while this one is used."""
    n_rows, height = source.references.layout.grid[0], source.references.layout.chunks[0]
    per_slab = min(max(1, SLAB_SAMPLES // height), SLAB_ROWS)
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
    buckets, nan : ndarray, shapes (4, n_channels, 1 + n), (n_channels, 1 + n)
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
        self.buckets = np.zeros((4, n_channels, self._at[-1]), writer.dtype)
        self.nan = np.full(self.buckets.shape[1:], kernels.ALL_NAN, np.uint8)
        self._heads = np.zeros((len(rows), 4, n_channels), writer.dtype)
        self._heads_nan = np.full((len(rows), n_channels), kernels.ALL_NAN, np.uint8)
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
            self.buckets[:, here],
            self.nan[here],
            self._heads[i, :, here],
            self._heads_nan[i, here],
            statistics,
            self._flat_samples,
        )
        if off_grid:
            raise _OffGridError

    def join(self, open_bucket: tuple[Block, Flags]) -> None:
        """Put in the bucket that was open before, and join what lies in several rows."""
        self.buckets[..., 0], self.nan[:, 0] = open_bucket
        kernels.join_heads(self._heads, self._heads_nan, self._open, self.buckets, self.nan)


# --- writing ------------------------------------------------------------------------------------


class _Writer:
    """Writes finished buckets of the finest level as they come and folds the others from them.

    Attributes
    ----------
    starts : ndarray of int64
        First sample of every bucket of the finest level, and the end of the recording.
    dtype : numpy.dtype
        In which values are stored.
    step : float or None
        Values are stored as whole counts of it.
    open_bucket : tuple of ndarray
        Values and flags of the bucket that has begun last, shapes (4, n_channels), (n_channels,).
    """

    def __init__(
        self, store: StoreWriter, references: References, sizes: list[int], step: float | None
    ) -> None:
        n_channels = references.n_channels
        self.step = step
        stored = references.layout.dtype.newbyteorder("=")
        wide = np.dtype(np.float32) if stored == np.float16 else stored  # as the kernels have it
        self.dtype = wide if step is None else np.dtype(np.int16)
        self._store, self._sizes = store, sizes
        self._starts = [bucket_starts(references.clock, size) for size in sizes]
        self.starts = self._starts[0]
        store.group("", _attributes(references, sizes, step))
        for size, starts in zip(sizes, self._starts, strict=True):
            self._describe(size, (n_channels, starts.size - 1))
        self.open_bucket = np.zeros((4, n_channels), self.dtype), _empty(n_channels)
        # what waits until a stored chunk is full
        self._values = np.zeros((4, n_channels, CHUNK_BUCKETS), self.dtype)
        self._nan = _empty(n_channels, CHUNK_BUCKETS)
        self._n_waiting = self._n_written = 0
        # the second level grows with the first; those above it are folded at the end
        n_wide = self._starts[1].size - 1 if sizes[1:] else 0
        self._wide = np.zeros((4, n_channels, n_wide), self.dtype), _empty(n_channels, n_wide)

    def append(self, buckets: Block, nan: Flags) -> None:
        """Take a slab's buckets, the open one in front; keep the last open."""
        start = int(self.open_bucket[1][0] == kernels.EMPTY)  # at the start of the recording
        self.open_bucket = buckets[..., -1].copy(), nan[:, -1].copy()
        self._take(buckets[..., start:-1], nan[:, start:-1])

    def close(self) -> None:
        """Write what is left, and the levels above the first."""
        values, nan = self.open_bucket
        self._take(values[..., np.newaxis], nan[:, np.newaxis])
        self._flush()
        below = self._wide
        for i in range(1, len(self._sizes)):
            if i > 1:
                below = _folded(*below, *self._starts[i - 1 : i + 1])
            for k, at in enumerate(range(0, below[1].shape[1], CHUNK_BUCKETS)):
                here = slice(at, at + CHUNK_BUCKETS)
                self._put(self._sizes[i], k, below[0][..., here], below[1][:, here])

    def _take(self, buckets: Block, nan: Flags) -> None:
        """Take finished buckets."""
        if len(self._sizes) > 1:
            at = self._n_written + self._n_waiting
            starts = self.starts[at : at + nan.shape[1]]
            kernels.fold(buckets, nan, _parents(starts, self._starts[1]), *self._wide)
        at = 0
        while at < nan.shape[1]:
            count = min(nan.shape[1] - at, CHUNK_BUCKETS - self._n_waiting)
            there = slice(self._n_waiting, self._n_waiting + count)
            self._values[..., there] = buckets[..., at : at + count]
            self._nan[:, there] = nan[:, at : at + count]
            self._n_waiting += count
            at += count
            if self._n_waiting == CHUNK_BUCKETS:
                self._flush()

    def _flush(self) -> None:
        if self._n_waiting:
            here, i = slice(self._n_waiting), self._n_written // CHUNK_BUCKETS
            self._put(self._sizes[0], i, self._values[..., here], self._nan[:, here])
        self._n_written += self._n_waiting
        self._n_waiting = 0

    def _describe(self, size: int, shape: tuple[int, int]) -> None:
        """Make the arrays of a level."""
        self._store.group(str(size), {})
        starts = self._starts[self._sizes.index(size)]
        for name, values in (("start_sample", starts[:-1]), ("n_samples", np.diff(starts))):
            self._store.array(f"{size}/{name}", values.shape, np.int64, width=CHUNK_BUCKETS)
            for i, at in enumerate(range(0, values.size, CHUNK_BUCKETS)):
                self._store.chunk(f"{size}/{name}", i, values[at : at + CHUNK_BUCKETS])
        for name in (*VALUES, "nan"):
            dtype = np.uint8 if name == "nan" else self.dtype
            names = ("channel", "bucket")
            self._store.array(f"{size}/{name}", shape, dtype, width=CHUNK_BUCKETS, dimensions=names)

    def _put(self, size: int, i: int, values: Block, nan: Flags) -> None:
        """Write chunk i of a level."""
        for name, block in zip((*VALUES, "nan"), (*values, nan), strict=True):
            self._store.chunk(f"{size}/{name}", i, block)


def _empty(*shape: int) -> Flags:
    return np.full(shape, kernels.EMPTY, np.uint8)


def _folded(values: Block, nan: Flags, starts: Ints, wider: Ints) -> tuple[Block, Flags]:
    """Fold a level into the next wider one."""
    shape = nan.shape[0], wider.size - 1
    folded = np.zeros((4, *shape), values.dtype), _empty(*shape)
    kernels.fold(values, nan, _parents(starts[:-1], wider), *folded)
    return folded


def _parents(starts: Ints, wider: Ints) -> Ints:
    """For each bucket the wider one it lies in."""
    return np.searchsorted(wider, starts, side="right") - 1


def _attributes(references: References, sizes: list[int], step: float | None) -> dict[str, Any]:
    return {
        "session": references.session,
        "probe": references.probe,
        "places": references.places,
        "clock": references.clock.to_json(),
        "buckets": sizes,
        "step": step,  # stored values are counts of it
        "dtype": references.layout.dtype.newbyteorder("=").str,
    }


def _write_statistics(store: StoreWriter, summary: Summary) -> None:
    damaged = [[d.row, d.column, d.offset, d.reason] for d in summary.damage]
    store.group("statistics", {"damaged": damaged})
    for name in ("n", "n_nan", "n_damaged", "mean", "m2", "min", "max", "flat"):
        store.whole(f"statistics/{name}", summary.statistics[name])
    for name in ("dead", "saturated"):
        flags = [row.get(name, 0) for row in summary.table()]
        store.whole(f"statistics/{name}", np.array(flags, dtype=np.bool_))
