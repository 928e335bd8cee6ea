"""The pass: every chunk is read and decoded once, and handed to all measures."""

from bisect import bisect_right
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lfpscope.envelope import kernels
from lfpscope.errors import UserError
from lfpscope.io.progress import Progress
from lfpscope.references.model import ProbeReferences
from lfpscope.samples.chunk_reader import Damage, Source, submit_chunks
from lfpscope.summary.measure import DamagedSamples, DecodedChunk, Measure, Stretch
from lfpscope.summary.scratch import Scratch
from lfpscope.summary.slabs import (
    Assembly,
    Slabs,
    Turns,
    channel_groups,
    samples_or_fill,
)
from lfpscope.typing import Array

OnDamage = Literal["mask", "fail"]
STRETCH_BYTES = 48 << 20  # of a stretch's samples with those of the stretch before that are kept
STRETCH_ROWS = 1 << 10  # of chunks, at most
LEAST_SAMPLES = 128  # of a stretch that is part of a row of chunks
DECODED_BYTES = 96 << 20  # of chunks that are decoded at once, or one if that is more
REMEDY = (
    "Put a complete copy in its place, or delete it if it was fetched, and run with "
    "--forcerun fetch_probe"
)


def run_pass(
    source: Source,
    measures: Sequence[Measure[Any]],
    limits: npt.NDArray[np.float64],
    *,
    threads: int,
    folder: Path,
    on_damage: OnDamage = "mask",
) -> list[Damage]:
    """Read each chunk once and hand it to all measures; returns the damage in order.

    Parameters
    ----------
    source : Source
        Of the probe.
    measures : sequence of Measure
        Each gets all chunks, and slabs where it wants them, and is finished.
    limits : ndarray of float64, shape (2, n_channels)
        Smallest and largest plausible value, stored units.
    threads : int
        How many decode and measure at once. Merging is done by the calling thread meanwhile.
    folder : Path
        Where what is found in rows of chunks that do not fit into memory is kept until it is
        merged.
    on_damage : {"mask", "fail"}
        Whether measures are told of damaged chunks, or the first one ends the pass.

    Raises
    ------
    UserError
        If a chunk is damaged and shall not be.
    """
    damage = _merge_parts(
        source, measures, _walk(source, measures, limits, threads, folder), on_damage
    )
    for measure in measures:  # when nothing of the samples is in memory any more
        measure.finish()
    return sorted(damage, key=_in_grid)


def _merge_parts(
    source: Source,
    measures: Sequence[Measure[Any]],
    walk: Generator["_Work", None, None],
    on_damage: OnDamage,
) -> list[Damage]:
    """Merge what is found in the order of time; returns the damage."""
    references = source.references
    n_bytes = references.n_channels * references.layout.dtype.itemsize
    damage: list[Damage] = []
    bar = Progress("summarised", references.n_samples * n_bytes)
    with bar, closing(walk):
        for work in walk:
            damage += work.damage
            if damage and on_damage == "fail":
                raise _damaged(references, min(damage, key=_in_grid))
            for stretch, parts in work.take_parts():
                for measure, part in zip(measures, parts, strict=True):
                    measure.merge(part)
                bar.update(n_bytes * (stretch.stop - stretch.first))
    return damage


def _in_grid(damage: Damage) -> tuple[int, int]:
    return damage.row, damage.column


def _damaged(references: ProbeReferences, one: Damage) -> UserError:
    return UserError(
        f"{references.describe_chunk(one.row, one.column)}: damaged: {one.reason}. "
        f"{REMEDY}, or set `on_damage: mask` to go on without such chunks."
    )


@dataclass(frozen=True)
class Rows:
    """Rows of chunks that are decoded together: a stretch, or several where they are large.

    Attributes
    ----------
    rows : range
        Of the chunk grid.
    stretches : tuple of Stretch
        In the order of time.
    """

    rows: range
    stretches: tuple[Stretch, ...]


def split_rows(references: ProbeReferences, overlap: int, folder: Path) -> Iterator[Rows]:
    """Cut a recording into stretches that fit into memory.

    With very many channels what is kept for the next stretch fills memory; then a stretch is an
    eighth of that.
    """
    layout = references.layout
    n_rows, height = layout.grid[0], layout.chunks[0]
    samples = _stretch_samples(references, overlap)
    step = int(np.clip(samples // height, 1, STRETCH_ROWS))
    for row in range(0, n_rows, step):
        rows = range(row, min(row + step, n_rows))
        first, stop = row * height, min(rows.stop * height, references.n_samples)
        if not is_tall(references, overlap):
            tops = tuple(one * height for one in rows)
            yield Rows(rows, (Stretch(first, stop, tops, Scratch()),))
            continue
        room, n = Scratch(folder), max(samples, LEAST_SAMPLES)
        starts = range(first, stop, n)
        yield Rows(rows, tuple(Stretch(at, min(at + n, stop), (at,), room) for at in starts))


def is_tall(references: ProbeReferences, overlap: int) -> bool:
    """Whether a row of chunks is too large for all its samples to be in memory."""
    return references.layout.chunks[0] > _stretch_samples(references, overlap)


def _stretch_samples(references: ProbeReferences, overlap: int) -> int:
    line = references.n_channels * references.layout.dtype.itemsize
    return max(STRETCH_BYTES // line - overlap, overlap // 8, 1)


# --- rows of chunks on their way through the threads ----------------------------------------------


class _Work:
    """Rows of chunks that are decoded and measured.

    Attributes
    ----------
    damage : list of Damage
        Of the chunks, in any order.
    futures : list of Future
        What is under way.
    """

    def __init__(
        self,
        references: ProbeReferences,
        rows: Rows,
        measures: Sequence[Measure[Any]],
        limits: npt.NDArray[np.float64],
        slabs: Slabs,
        buffer: Array | None,
    ) -> None:
        self.rows, self._measures, self._slabs = rows, measures, slabs
        self._parts = [[one.begin(stretch) for one in measures] for stretch in rows.stretches]
        self.damage: list[Damage] = []
        # without it, slabs are handed over chunk by chunk
        self._assembly = None if buffer is None else Assembly(rows.stretches[0], buffer)
        self._is_split = False
        self.futures: list[Future[Any]] = []
        self._layout, self._limits = references.layout, limits

    def take_chunk(self, row: int, column: int, decoded: Array | Damage) -> None:
        """Hand a chunk to the measures; several threads do so at once."""
        height, width = self._layout.chunks
        first, stop = row * height, min((row + 1) * height, self._layout.shape[0])
        channels = slice(column * width, min((column + 1) * width, self._layout.shape[1]))
        if isinstance(decoded, Damage):
            self.damage.append(decoded)
            self._slabs.note_damage(DamagedSamples(channels, first, stop))
        for stretch, parts in zip(self.rows.stretches, self._parts, strict=True):
            start, end = max(first, stretch.first), min(stop, stretch.stop)
            number = bisect_right(stretch.tops, start) - 1
            for few in channel_groups(channels, end - start):
                limits = self._limits[:, few]
                if isinstance(decoded, Damage):
                    none = np.empty((limits.shape[1], 0), self._layout.dtype.newbyteorder("="))
                    chunk = DecodedChunk(number, few, start, end, none, limits, decoded)
                else:
                    here = slice(few.start - channels.start, few.stop - channels.start)
                    samples = kernels.channels_first(decoded[start - first : end - first, here])
                    chunk = DecodedChunk(number, few, start, end, samples, limits, None)
                self._measure(stretch, parts, chunk)
        self.rows.stretches[0].scratch.release()

    def _measure(self, stretch: Stretch, parts: Sequence[Any], chunk: DecodedChunk) -> None:
        for measure, part in zip(self._measures, parts, strict=True):
            measure.add_chunk(part, chunk)
        if self._assembly:
            self._assembly.add(chunk)
        elif self._slabs.are_wanted:
            samples = samples_or_fill(chunk, self._slabs.dtype)
            self._slabs.hand_over(parts, stretch, chunk.channels, samples)

    def hand_over_slabs(self, pool: ThreadPoolExecutor, turns: Turns) -> None:
        """Begin the work on slabs, if all chunks are decoded for it."""
        if self._assembly is None or self._is_split:
            return
        self._is_split = True
        self.wait()
        samples = self._assembly.samples
        n_channels, n_samples = samples.shape
        for few in channel_groups(slice(0, n_channels), self._slabs.overlap + n_samples):
            turn = turns.take(few.start)
            self.futures.append(pool.submit(self._hand_over, few, samples[few], *turn))

    def _hand_over(
        self, channels: slice, samples: Array, before: Event | None, done: Event
    ) -> None:
        """Hand over some channels, after the stretch before.

        Tasks begin in the order in which they are submitted, so none waits for one that waits.
        """
        try:
            if before:
                before.wait()
            self._slabs.hand_over(self._parts[0], self.rows.stretches[0], channels, samples)
        finally:
            done.set()

    def take_parts(self) -> Iterator[tuple[Stretch, list[Any]]]:
        """Parts of the measures, stretch by stretch; none is kept."""
        for stretch in self.rows.stretches:
            yield stretch, self._parts.pop(0)
            stretch.scratch.release()

    def wait(self) -> None:
        """Wait for what is under way."""
        for future in self.futures:
            future.result()
        self.futures = []


def _walk(
    source: Source,
    measures: Sequence[Measure[Any]],
    limits: npt.NDArray[np.float64],
    threads: int,
    folder: Path,
) -> Generator[_Work, None, None]:
    """Yield rows in the order of time; the next ones are decoded while some are merged.

    Of rows that do not fit into memory one is there at a time.
    """
    references = source.references
    slabs, turns = Slabs(references, measures, limits), Turns()
    one_at_a_time = is_tall(references, slabs.overlap)
    is_assembled = slabs.are_wanted and not one_at_a_time
    buffers: list[Array] = []
    pool = ThreadPoolExecutor(_decoding_threads(references, threads))
    ahead: deque[_Work] = deque()
    try:
        for i, rows in enumerate(split_rows(references, slabs.overlap, folder)):
            if is_assembled and len(buffers) < 2:  # the first stretches are the longest
                n = rows.stretches[0].stop - rows.stretches[0].first
                buffers.append(np.empty((references.n_channels, n), slabs.dtype))
            buffer = buffers[i % 2] if is_assembled else None
            slabs.forget_damage((ahead[-1].rows if ahead else rows).stretches[0].first)
            work = _Work(references, rows, measures, limits, slabs, buffer)
            work.futures += submit_chunks(pool, source, rows.rows, work.take_chunk)
            ahead.append(work)
            if len(ahead) == 2 or one_at_a_time:
                yield _next(ahead, pool, turns)
        while ahead:
            yield _next(ahead, pool, turns)
    finally:
        pool.shutdown(cancel_futures=True)


def _decoding_threads(references: ProbeReferences, threads: int) -> int:
    """Fewer threads than there could be, where chunks are large."""
    return int(np.clip(DECODED_BYTES // references.layout.chunk_bytes, 1, threads))


def _next(ahead: deque[_Work], pool: ThreadPoolExecutor, turns: Turns) -> _Work:
    """Take the first rows when they are measured.

    Work on the slabs of the second ones is begun before, so that the threads have some while the
    first ones are merged.
    """
    for work in ahead:
        work.hand_over_slabs(pool, turns)
    first = ahead.popleft()
    first.wait()
    return first
