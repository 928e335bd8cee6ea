"""The envelope: per bucket first, min, max and last (M4), at several bucket sizes, and statistics.

First, min, max and last of a bucket draw the same pixels as all its samples would, as long as a
pixel column holds whole buckets (Jugel et al., M4: a visualization-oriented time series data
aggregation, VLDB 2014).
"""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import zarr
from tqdm import tqdm
from zarr.codecs import BloscCodec
from zarr.storage import ZipStore

from lfpscope import kernels
from lfpscope.blocks import Block, Damage, Samples, Source, map_chunks
from lfpscope.clock import Clock, Segment
from lfpscope.files import UserError, atomic, write_table
from lfpscope.references import References

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.uint8]

VALUES = ("first", "min", "max", "last")
FACTOR = 4  # from one level to the next
COARSEST = 1024  # buckets: a level with no more needs no wider one
CHUNK_BUCKETS = 4096  # of one stored chunk, all channels
SLAB_SAMPLES = 1 << 20  # of all channels that one step of the pass takes
# V: Allen's float32 volts are whole counts of 0.195 µV, multiplied as float32 or as float64
STEPS = (float(np.float32(0.195e-6)), 0.195e-6)
DEAD_STD = 0.5e-6  # V
DEAD_FLAT = 0.5  # of the recording
SATURATED = 0.001  # of the samples
CODEC = BloscCodec(cname="zstd", clevel=5, shuffle="bitshuffle")


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


# --- buckets ------------------------------------------------------------------------------------


def bucket_starts(clock: Clock, bucket: int) -> Ints:
    """First sample of every bucket, and the end of the recording.

    Buckets are counted from each segment's start, so that none straddles it.

    Returns
    -------
    ndarray of int64, shape (n_buckets + 1,)
    """
    starts = [np.arange(s.first_sample, s.stop_sample, bucket) for s in clock.segments]
    return np.concatenate([*starts, [clock.n_samples]]).astype(np.int64)


def bucket_sizes(clock: Clock, bucket: int) -> list[int]:
    """Bucket sizes of all levels, from `bucket` on by factors of four."""
    sizes = [bucket]
    while bucket_starts(clock, sizes[-1]).size - 1 > COARSEST:
        if sizes[-1] >= max(s.n_samples for s in clock.segments):
            break  # a bucket per segment: wider ones would be the same
        sizes.append(sizes[-1] * FACTOR)
    return sizes


# --- the pass -----------------------------------------------------------------------------------


class _OffGridError(Exception):
    """A value is not a whole count of the step that was tried."""


def build_envelope(
    references: References, path: Path, *, bucket: int = 128, threads: int = 2
) -> Summary:
    """Summarise a probe in one pass over its chunks and write its envelope.

    Memory holds one slab of chunks' buckets and the levels above the first: about 150 MB, and
    10 MB for each hour of 93 channels at 1250 Hz.

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

    Returns
    -------
    Summary
        Statistics and damage.

    Raises
    ------
    UserError
        If the source has changed since it was indexed.
    """
    stored = references.layout.dtype.newbyteorder("=")
    for step in STEPS if stored.kind == "f" else ():
        try:  # float volts that are whole counts take a quarter of the room as int16
            return _build(references, path, bucket, threads, np.dtype(np.int16), step)
        except _OffGridError:
            continue  # seen in the first slab, as a rule
    return _build(references, path, bucket, threads, stored, None)


def _build(
    references: References,
    path: Path,
    bucket: int,
    threads: int,
    dtype: np.dtype[Any],
    step: float | None,
) -> Summary:
    sizes = bucket_sizes(references.clock, bucket)
    with atomic(path) as part:
        loose = part.with_suffix(".loose")
        try:
            with ZipStore(loose, mode="w") as store:
                root = zarr.create_group(store, attributes=_attributes(references, sizes, step))
                writer = _Writer(root, references, sizes, dtype, step)
                with Source(references) as source:
                    summary = _pass(source, writer, threads)
                writer.close()
                _write_statistics(root, summary)
            _repack(loose, part)
        finally:
            loose.unlink(missing_ok=True)
    return summary


def _pass(source: Source, writer: "_Writer", threads: int) -> Summary:
    """Go once over all chunks, in slabs of rows, and hand the buckets to the writer."""
    references = source.references
    height = references.layout.chunks[0]
    n_rows, n_channels = references.layout.grid[0], references.n_channels
    flat_samples = _flat_samples(references.clock)
    total = np.zeros(n_channels, kernels.STATISTICS)
    damage: list[Damage] = []
    slab = max(1, SLAB_SAMPLES // height)
    size = references.n_samples * n_channels * references.layout.dtype.itemsize
    bar = tqdm(total=size, unit="B", unit_scale=True, mininterval=1.0, desc="summarise")
    with bar:
        for row in range(0, n_rows, slab):
            rows = range(row, min(row + slab, n_rows))
            parts, found = _slab(source, writer, rows, flat_samples, threads)
            damage += found
            kernels.merge_statistics(parts, total, flat_samples)
            bar.update(size * rows.stop // n_rows - bar.n)
    kernels.close_statistics(total, flat_samples)
    return Summary(references, total, sorted(damage, key=lambda d: (d.row, d.column)))


def _flat_samples(clock: Clock) -> int:
    """Samples in one second; at least three."""
    return max(3, round(1 / clock.dt)) if clock.dt > 0 else 3


def _slab(
    source: Source, writer: "_Writer", rows: range, flat_samples: int, threads: int
) -> tuple[npt.NDArray[Any], list[Damage]]:
    references, starts = source.references, writer.starts
    height, width = references.layout.chunks
    n_samples, n_channels = references.layout.shape
    row_starts = np.array([row * height for row in rows])
    first = int(np.searchsorted(starts, row_starts[0]))
    stop = int(np.searchsorted(starts[:-1], min(rows.stop * height, n_samples)))
    stored = references.layout.dtype.newbyteorder("=")
    # column 0 is the bucket that began before this slab
    buckets = np.zeros((4, n_channels, 1 + stop - first), stored)
    nan = np.full(buckets.shape[1:], kernels.ALL_NAN, np.uint8)
    buckets[..., 0], nan[:, 0] = writer.open_bucket
    heads = np.zeros((len(rows), 4, n_channels), stored)
    heads_nan = np.full((len(rows), n_channels), kernels.ALL_NAN, np.uint8)
    parts = np.zeros((len(rows), n_channels), kernels.STATISTICS)

    def summarise(row: int, column: int, chunk: Block | Damage) -> Damage | None:
        here = slice(column * width, min((column + 1) * width, n_channels))
        count = min(height, n_samples - row * height)
        part = parts[row - rows.start, here]
        if isinstance(chunk, Damage):
            part["length"] = part["n_damaged"] = count
            return chunk
        kernels.summarise_chunk(
            np.ascontiguousarray(chunk[:count, : part.size].T),
            row * height,
            starts,
            first - 1,
            buckets[:, here],
            nan[here],
            heads[row - rows.start, :, here],
            heads_nan[row - rows.start, here],
            part,
            flat_samples,
        )
        return None

    found = map_chunks(source, rows, summarise, threads=threads)
    owners = np.searchsorted(starts, row_starts, side="right") - 1
    owners = np.where(starts[owners] == row_starts, -1, owners - (first - 1))
    kernels.join_heads(heads, heads_nan, owners.astype(np.int64), buckets, nan)
    writer.append(buckets, nan, first)
    return parts, [damage for damage in found if damage is not None]


class _Writer:
    """Writes finished buckets of the finest level as they come and folds the others from them."""

    def __init__(
        self,
        root: zarr.Group,
        references: References,
        sizes: list[int],
        dtype: np.dtype[Any],
        step: float | None,
    ) -> None:
        n_channels = references.n_channels
        stored = references.layout.dtype.newbyteorder("=")
        self.starts = bucket_starts(references.clock, sizes[0])
        self.open_bucket = (
            np.zeros((4, n_channels), stored),
            np.full(n_channels, kernels.ALL_NAN, np.uint8),
        )
        self._dtype, self._step = dtype, step
        self._written = 0
        self._pending: list[tuple[Block, Flags]] = []
        self._levels = []
        for size in sizes:
            starts = bucket_starts(references.clock, size)
            group = root.create_group(str(size))
            _write(group, "start_sample", starts[:-1], chunks=(CHUNK_BUCKETS,))
            _write(group, "n_samples", np.diff(starts), chunks=(CHUNK_BUCKETS,))
            shape = (n_channels, starts.size - 1)
            for name in (*VALUES, "nan"):
                group.create_array(
                    name,
                    shape=shape,
                    dtype=np.uint8 if name == "nan" else dtype,
                    chunks=(n_channels, CHUNK_BUCKETS),
                    compressors=[CODEC],
                    dimension_names=("channel", "bucket"),
                )
            self._levels.append((group, starts))
        # the second level grows with the first; those above it are folded at the end
        self._wide = _EmptyBuckets(n_channels, self._levels[1][1].size - 1 if sizes[1:] else 0)
        self._wide_values = np.zeros((4, *self._wide.nan.shape), dtype)

    def append(self, buckets: Block, nan: Flags, first: int) -> None:
        """Take a slab's buckets, the open one in front; keep the last open."""
        self.open_bucket = buckets[..., -1].copy(), nan[:, -1].copy()
        start = 0 if first > 0 else 1  # nothing is open before the recording begins
        self._finish(buckets[..., start:-1], nan[:, start:-1])

    def close(self) -> None:
        """Write what is left, and the levels above the first."""
        values, nan = self.open_bucket
        self._finish(values[..., np.newaxis], nan[:, np.newaxis])
        self._flush(whole=False)
        below: tuple[Block, Flags] = self._wide_values, self._wide.nan
        for i, (group, starts) in enumerate(self._levels[1:], start=1):
            if i > 1:
                below = _folded(*below, self._levels[i - 1][1], starts)
            _put(group, 0, *below)

    def _finish(self, buckets: Block, nan: Flags) -> None:
        if not nan.shape[1]:
            return
        encoded = _encode(buckets, self._dtype, self._step)
        if len(self._levels) > 1:
            at = self._written + sum(block[1].shape[1] for block in self._pending)
            starts, wider = self._levels[0][1], self._levels[1][1]
            parents = np.searchsorted(wider, starts[at : at + nan.shape[1]], side="right") - 1
            kernels.fold(encoded, nan, parents, self._wide_values, self._wide.nan, self._wide.fresh)
        self._pending.append((encoded, np.ascontiguousarray(nan)))
        self._flush(whole=True)

    def _flush(self, *, whole: bool) -> None:
        """Write pending buckets: only whole stored chunks, or all."""
        count = sum(block[1].shape[1] for block in self._pending)
        count -= count % CHUNK_BUCKETS if whole else 0
        if not count:
            return
        values = np.concatenate([block[0] for block in self._pending], axis=2)
        nan = np.concatenate([block[1] for block in self._pending], axis=1)
        _put(self._levels[0][0], self._written, values[..., :count], nan[:, :count])
        self._written += count
        self._pending = [(values[..., count:].copy(), nan[:, count:].copy())]


class _EmptyBuckets:
    """Flags of buckets that hold nothing yet."""

    def __init__(self, n_channels: int, n: int) -> None:
        self.nan = np.full((n_channels, n), kernels.ALL_NAN, np.uint8)
        self.fresh = np.ones(n, np.bool_)


def _folded(values: Block, nan: Flags, starts: Ints, wider: Ints) -> tuple[Block, Flags]:
    """Fold a level into the next wider one."""
    empty = _EmptyBuckets(nan.shape[0], wider.size - 1)
    folded = np.zeros((4, *empty.nan.shape), values.dtype)
    parents = np.searchsorted(wider, starts[:-1], side="right") - 1
    kernels.fold(values, nan, parents, folded, empty.nan, empty.fresh)
    return folded, empty.nan


def _encode(buckets: Block, dtype: np.dtype[Any], step: float | None) -> Block:
    """Bring values into the type they are stored in, exactly.

    Raises
    ------
    _OffGridError
        If a value is not the stored type's nearest to a whole count of `step`.
    """
    if step is None:
        return buckets.astype(dtype)
    with np.errstate(invalid="ignore"):  # infinity is caught below
        counts = np.rint(buckets / np.float64(step))
        whole = counts.astype(dtype)
    if not np.array_equal(_decode(whole, buckets.dtype, step), buckets):
        raise _OffGridError
    return whole


def _decode(stored: Block, dtype: np.dtype[Any], step: float | None) -> Block:
    return stored if step is None else (stored * np.float64(step)).astype(dtype)


def _write(group: zarr.Group, name: str, values: npt.NDArray[Any], **options: Any) -> None:
    array = group.create_array(
        name, shape=values.shape, dtype=values.dtype, compressors=[CODEC], **options
    )
    array[...] = values


def _put(group: zarr.Group, at: int, values: Block, nan: Flags) -> None:
    for name, block in zip((*VALUES, "nan"), (*values, nan), strict=True):
        array = group[name]
        assert isinstance(array, zarr.Array)  # noqa: S101 - tells mypy; create_array made it
        array[:, at : at + nan.shape[1]] = block


def _attributes(references: References, sizes: list[int], step: float | None) -> dict[str, Any]:
    return {
        "session": references.session,
        "probe": references.probe,
        "clock": references.clock.to_json(),
        "buckets": sizes,
        "step": step,  # stored values are counts of it
        "dtype": references.layout.dtype.newbyteorder("=").str,
    }


def _write_statistics(root: zarr.Group, summary: Summary) -> None:
    damaged = [[d.row, d.column, d.offset, d.reason] for d in summary.damage]
    group = root.create_group("statistics", attributes={"damaged": damaged})
    for name in ("n", "n_nan", "n_damaged", "mean", "m2", "min", "max", "flat"):
        _write(group, name, np.ascontiguousarray(summary.statistics[name]))
    for name in ("dead", "saturated"):
        flags = [row.get(name, 0) for row in summary.table()]
        _write(group, name, np.array(flags, dtype=np.bool_))


def _repack(loose: Path, path: Path) -> None:
    """Copy a zip with its entries sorted and dated alike: equal content gives equal bytes."""
    with zipfile.ZipFile(loose) as source, zipfile.ZipFile(path, "w") as target:
        for name in sorted(source.namelist()):
            target.writestr(zipfile.ZipInfo(name), source.read(name))


# --- opening ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Columns:
    """What a stretch of one segment looks like, in columns of whole samples.

    Attributes
    ----------
    segment : Segment
        The stretch lies in it.
    first_sample, step, n_columns : int
        The grid: column i holds samples from ``first_sample + i * step`` on.
    values : ndarray of float, shape (4, n_channels, n_columns)
        First, min, max and last in stored units; NaN where there is no number.
    nan : ndarray of uint8, shape (n_channels, n_columns)
        kernels.CLEAN, SOME_NAN or ALL_NAN.
    bucket : int
        What it was made from: buckets of so many samples; 1 is every sample.
    """

    segment: Segment
    first_sample: int
    step: int
    values: Block
    nan: Flags
    bucket: int

    @property
    def n_columns(self) -> int:
        """Columns."""
        return int(self.nan.shape[1])

    @property
    def drawn_from(self) -> str:
        """Words for the reader of the picture."""
        return "every sample" if self.bucket == 1 else f"envelope of {self.bucket} samples"


class Probe:
    """One probe opened for drawing: its references, its envelope and its samples.

    Parameters
    ----------
    references : References
        Of the probe.
    envelope : Path
        Its ``envelope.zarr.zip``.

    Attributes
    ----------
    sizes : list of int
        Bucket sizes of the levels.
    dead, saturated : ndarray of bool, shape (n_channels,)
        Channels that are.
    mean, std : ndarray of float64, shape (n_channels,)
        In volts; std is NaN where a channel has no numbers.

    Raises
    ------
    UserError
        If the envelope is missing, damaged, or of another probe or clock.
    """

    def __init__(self, references: References, envelope: Path) -> None:
        self.references = references
        again = "Delete it and run the pipeline again."
        try:
            self._store = ZipStore(envelope, mode="r")
            root = zarr.open_group(self._store, mode="r")
            attributes = root.attrs.asdict()
            self.sizes: list[int] = list(attributes["buckets"])  # type: ignore[arg-type]
            self._step: float | None = attributes["step"]  # type: ignore[assignment]
            statistics = {name: _all(root, f"statistics/{name}") for name in ("dead", "saturated")}
            n, m2 = _all(root, "statistics/n"), _all(root, "statistics/m2")
            mean = _all(root, "statistics/mean")
        except FileNotFoundError:
            raise UserError(f"{envelope}: no such file. Run the pipeline to make it.") from None
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise UserError(f"{envelope}: not an envelope ({error}). {again}") from None
        if attributes["clock"] != references.clock.to_json():
            raise UserError(f"{envelope}: made for another clock than {references.file}. {again}")
        self._root = root
        self.dead, self.saturated = statistics["dead"], statistics["saturated"]
        with np.errstate(invalid="ignore"):
            self.std = np.sqrt(m2 / np.where(n > 0, n, np.nan)) * np.abs(references.scale)
        self.mean = mean * references.scale + references.add
        self._source = Source(references)
        self._samples = Samples(self._source)
        self._chunk = lru_cache(maxsize=64)(self._read_chunk)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        self._store.close()
        self._source.close()

    def column_step(self, n_samples: int, width: int) -> int:
        """Samples per column, so that `n_samples` take at most `width` columns.

        Above the finest bucket a column is a few whole buckets of one level.
        """
        step = max(1, -(-n_samples // width))
        level = self._level(step)
        return step if level == 1 else -(-step // level) * level

    def _level(self, step: int) -> int:
        """Bucket size to draw columns of `step` samples from; 1 for every sample.

        One level finer than the widest that fits, where there is one: with 4 to 16 buckets to a
        column, rounding up to whole buckets costs little of the width.
        """
        fitting = [size for size in self.sizes if size <= step]
        return fitting[-2] if len(fitting) > 1 else fitting[-1] if fitting else 1

    def columns(self, segment: Segment, first: int, stop: int, step: int) -> Columns:
        """Columns that cover samples first to stop, snapped outward to the grid.

        Parameters
        ----------
        segment : Segment
            The stretch lies in it; its start is the grid's.
        first, stop : int
            Samples of the recording.
        step : int
            From `column_step`.
        """
        begin = (first - segment.first_sample) // step * step + segment.first_sample
        end = min(-(-(stop - segment.first_sample) // step) * step, segment.n_samples)
        end += segment.first_sample
        level = self._level(step)
        if level == 1 or step % level:
            return self._from_samples(segment, begin, end, step)
        return self._from_envelope(segment, begin, end, step, level)

    def _from_samples(self, segment: Segment, begin: int, end: int, step: int) -> Columns:
        samples = self._samples.read(begin, end)
        values, nan = _empty_columns(samples, -(-(end - begin) // step))
        kernels.bucket_samples(samples, step, values, nan)
        return Columns(segment, begin, step, values, nan, bucket=1)

    def _from_envelope(
        self, segment: Segment, begin: int, end: int, step: int, level: int
    ) -> Columns:
        # buckets are counted from the segment's start, as columns are
        offset = sum(
            -(-s.n_samples // level)
            for s in self.references.clock.segments
            if s.first_sample < segment.first_sample
        )
        first = offset + (begin - segment.first_sample) // level
        stop = offset + -(-(end - segment.first_sample) // level)
        stored, flags = self._buckets(level, first, stop)
        values, nan = _empty_columns(stored, -(-(end - begin) // step))
        kernels.reduce_columns(stored, flags, step // level, values, nan)
        values[:, nan == kernels.ALL_NAN] = np.nan
        return Columns(segment, begin, step, values, nan, bucket=level)

    def _buckets(self, level: int, first: int, stop: int) -> tuple[Block, Flags]:
        """Buckets first to stop of a level, decoded to stored units."""
        width = CHUNK_BUCKETS
        chunks = [self._chunk(level, i) for i in range(first // width, -(-stop // width))]
        here = slice(first % width, first % width + stop - first)
        values = np.concatenate([chunk[0] for chunk in chunks], axis=2)[..., here]
        flags = np.concatenate([chunk[1] for chunk in chunks], axis=1)[:, here]
        return values, flags

    def _read_chunk(self, level: int, i: int) -> tuple[Block, Flags]:
        here = slice(i * CHUNK_BUCKETS, (i + 1) * CHUNK_BUCKETS)
        stored = [_all(self._root, f"{level}/{name}", here) for name in VALUES]
        # float32 holds what it is made from exactly, except for wide integers
        narrow = self.references.layout.dtype.itemsize <= 4 and stored[0].dtype.itemsize <= 2
        exact = np.dtype(np.float32 if narrow or stored[0].dtype == np.float32 else np.float64)
        values = _decode(np.stack(stored), exact, self._step).astype(exact, copy=False)
        return values, _all(self._root, f"{level}/nan", here).astype(np.uint8)

    def volts(self, values: Block) -> Block:
        """Stored units → volts, for arrays whose last axis but one is the channel."""
        scale = self.references.scale[:, np.newaxis]
        return values * scale + self.references.add


def _all(root: zarr.Group, name: str, columns: slice = slice(None)) -> npt.NDArray[Any]:
    array = root[name]
    assert isinstance(array, zarr.Array)  # noqa: S101 - tells mypy; the writer made it
    return np.asarray(array[..., columns])


def _empty_columns(like: Block, n_columns: int) -> tuple[Block, Flags]:
    shape = (like.shape[-2], n_columns)
    return np.full((4, *shape), np.nan, like.dtype), np.full(shape, kernels.ALL_NAN, np.uint8)


def time_range(clock: Clock, first: float, stop: float) -> Iterator[tuple[Segment, int, int]]:
    """Segments that have a time inside a range of seconds, with the samples inside it.

    Yields
    ------
    segment : Segment
        One that has a time.
    first, stop : int
        Samples of the recording; at least one.
    """
    for segment in clock.valid:
        if segment.t1 <= first or segment.t0 >= stop:
            continue
        begin = max(0, int(np.floor((first - segment.t0) / segment.dt)))
        end = min(segment.n_samples, int(np.ceil((stop - segment.t0) / segment.dt)))
        if begin < end:
            yield segment, segment.first_sample + begin, segment.first_sample + end
