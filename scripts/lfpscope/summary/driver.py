"""The pass: every chunk is read and decoded once, and handed to all measures."""

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lfpscope.envelope import kernels
from lfpscope.errors import UserError
from lfpscope.io.progress import Progress
from lfpscope.references.model import ProbeReferences
from lfpscope.samples.chunk_reader import Damage, Source, submit_chunks
from lfpscope.summary.measure import DecodedChunk, Measure, Stretch
from lfpscope.summary.slabs import SlabBuffers
from lfpscope.typing import Array

OnDamage = Literal["mask", "fail"]
# of decoded samples with those of the stretch before that are kept; a row of chunks if that is more
STRETCH_BYTES = 64 << 20
STRETCH_ROWS = 1 << 10  # at most
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
    on_damage : {"mask", "fail"}
        Whether measures are told of damaged chunks, or the first one ends the pass.

    Raises
    ------
    UserError
        If a chunk is damaged and shall not be.
    """
    references = source.references
    n_bytes = references.n_channels * references.layout.dtype.itemsize
    size = references.n_samples * n_bytes
    damage: list[Damage] = []
    bar = Progress("summarised", size)
    with bar, closing(_walk(source, measures, limits, threads)) as works:
        for work in works:
            damage += work.damage
            if damage and on_damage == "fail":
                raise _damaged(references, min(damage, key=_in_grid))
            for measure, part in zip(measures, work.parts, strict=True):
                measure.merge(part)
            bar.update(n_bytes * (work.stretch.stop - work.stretch.first))
    for measure in measures:
        measure.finish()
    return sorted(damage, key=_in_grid)


def _in_grid(damage: Damage) -> tuple[int, int]:
    return damage.row, damage.column


def _damaged(references: ProbeReferences, one: Damage) -> UserError:
    return UserError(
        f"{references.describe_chunk(one.row, one.column)}: damaged: {one.reason}. "
        f"{REMEDY}, or set `on_damage: mask` to go on without such chunks."
    )


def stretches(references: ProbeReferences, overlap: int = 0) -> Iterator[Stretch]:
    """Cut a recording into stretches of whole rows of chunks that fit into memory.

    With very many channels what is kept for the next stretch fills memory; then a stretch is a
    quarter of that.
    """
    layout = references.layout
    n_rows, height = layout.grid[0], layout.chunks[0]
    n_bytes = references.n_channels * layout.dtype.itemsize
    samples = max(STRETCH_BYTES // n_bytes - overlap, overlap // 4)
    step = int(np.clip(samples // height, 1, STRETCH_ROWS))
    for row in range(0, n_rows, step):
        rows = range(row, min(row + step, n_rows))
        yield Stretch(rows, row * height, min(rows.stop * height, references.n_samples))


# --- a stretch on its way through the threads -----------------------------------------------------


class _Work:
    """A stretch that is decoded and measured.

    Attributes
    ----------
    stretch : Stretch
        Which one.
    parts : list
        Of each measure.
    damage : list of Damage
        Of its chunks, in any order.
    slab : OpenSlab or None
        All its samples, if a measure wants them.
    futures : list of Future
        What is under way.
    """

    def __init__(
        self,
        references: ProbeReferences,
        stretch: Stretch,
        measures: Sequence[Measure[Any]],
        limits: npt.NDArray[np.float64],
        slabs: SlabBuffers,
    ) -> None:
        self.stretch, self._measures = stretch, measures
        self.parts = [measure.begin(stretch) for measure in measures]
        self.damage: list[Damage] = []
        self._wanting = [measure.wants_slab(stretch) for measure in measures]
        self.slab = slabs.open(stretch) if any(self._wanting) else None
        self.futures: list[Future[Any]] = []
        self._layout, self._limits = references.layout, limits

    def take_chunk(self, row: int, column: int, decoded: Array | Damage) -> None:
        """Hand a chunk to the measures; several threads do so at once."""
        height, width = self._layout.chunks
        first = row * height
        n = min(height, self._layout.shape[0] - first)
        channels = slice(column * width, min((column + 1) * width, self._layout.shape[1]))
        limits = self._limits[:, channels]
        if isinstance(decoded, Damage):
            self.damage.append(decoded)
            samples = np.empty((limits.shape[1], 0), self._layout.dtype.newbyteorder("="))
            chunk = DecodedChunk(row, channels, first, first + n, samples, limits, decoded)
        else:
            samples = kernels.channels_first(decoded[:n, : limits.shape[1]])
            chunk = DecodedChunk(row, channels, first, first + n, samples, limits, None)
        if self.slab:
            self.slab.add(chunk)
        for measure, part in zip(self._measures, self.parts, strict=True):
            measure.add_chunk(part, chunk)

    def split_slab(self, pool: ThreadPoolExecutor, before: "_Work | None") -> None:
        """Complete the slab, if there is one, and begin the work on it."""
        if self.slab is None or self.slab.is_complete:
            return
        self.wait()
        self.slab.complete(before.slab if before else None)
        for measure, part, wants in zip(self._measures, self.parts, self._wanting, strict=True):
            if wants:
                tasks = measure.split_slab(part, self.slab.cut(measure.overlap, self._limits))
                self.futures += [pool.submit(task) for task in tasks]

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
) -> Generator[_Work, None, None]:
    """Yield stretches in the order of time; the next one is decoded while one is merged."""
    references = source.references
    overlap = max(measure.overlap for measure in measures)
    slabs = SlabBuffers(references, overlap)
    pool = ThreadPoolExecutor(threads)
    ahead: deque[_Work] = deque()
    try:
        for stretch in stretches(references, overlap):
            work = _Work(references, stretch, measures, limits, slabs)
            work.futures += submit_chunks(pool, source, stretch.rows, work.take_chunk)
            ahead.append(work)
            if len(ahead) == 2:
                yield _next(ahead, pool)
        while ahead:
            yield _next(ahead, pool)
    finally:
        pool.shutdown(cancel_futures=True)


def _next(ahead: deque[_Work], pool: ThreadPoolExecutor) -> _Work:
    """Take the first stretch when it is measured.

    Work on the slab of the second one is begun before, so that the threads have some while the
    first one is merged.
    """
    for before, work in zip([None, *ahead], ahead, strict=False):
        work.split_slab(pool, before)
    first = ahead.popleft()
    first.wait()
    return first
