"""Slabs of a recording: rows of chunks, decoded and summarised in threads."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from lfpscope.envelope import kernels, kernels_buckets, kernels_chunk
from lfpscope.envelope.read import bucket_edges
from lfpscope.references.model import References
from lfpscope.samples.chunk_reader import Block, Damage, Source, submit_chunks
from lfpscope.summary.envelope import EnvelopeWriter, Fresh

SLAB_SAMPLES = 1 << 20  # of up to SLAB_CHANNELS, fewer of more: two slabs are in memory,
SLAB_ROWS = 1 << 10  # of chunks at most, as are the statistics of every chunk
SLAB_CHANNELS = 128


class OffGridError(Exception):
    """A value is not a whole count of the step that was tried."""


class Slab:
    """Some rows of chunks: their buckets and statistics.

    Attributes
    ----------
    rows : range
        Of the chunk grid.
    buckets : Fresh
        The bucket that began before the slab, and those that start in it.
    statistics : structured ndarray of kernels.STATISTICS, shape (n_rows, n_channels)
        Of every chunk.
    damage : list of Damage
        In any order.
    """

    def __init__(
        self, references: References, rows: range, writer: EnvelopeWriter, flat_samples: int
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
        self.buckets = Fresh(
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
        off_grid = kernels_chunk.summarise_chunk(
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
            raise OffGridError

    def join(self, open_bucket: Fresh) -> None:
        """Put in the bucket that was open before, and join what lies in several rows."""
        fresh = self.buckets
        fresh.values[..., :1] = open_bucket.values
        fresh.nan[:, :1] = open_bucket.nan
        fresh.moments[..., :1] = open_bucket.moments
        kernels_buckets.join_heads(
            self._heads, self._heads_nan, self._open, fresh.values, fresh.nan
        )
        kernels_buckets.join_moments(self._heads_moments, self._open, fresh.moments)


def read_slabs(
    source: Source, writer: EnvelopeWriter, threads: int, flat_samples: int
) -> Iterator[Slab]:
    """Yield slabs in the order of time; the next one is decoded while this one is used."""
    n_rows, height = source.references.layout.grid[0], source.references.layout.chunks[0]
    share = max(1, -(-source.references.n_channels // SLAB_CHANNELS))
    per_slab = max(1, min(SLAB_SAMPLES // height, SLAB_ROWS) // share)
    pool = ThreadPoolExecutor(threads)
    started: list[tuple[Slab, list[Future[list[None]]]]] = []
    try:
        for row in range(0, n_rows, per_slab):
            rows = range(row, min(row + per_slab, n_rows))
            slab = Slab(source.references, rows, writer, flat_samples)
            started.append((slab, submit_chunks(pool, source, rows, slab.summarise)))
            if len(started) == 2:
                yield _finished(*started.pop(0))
        yield _finished(*started.pop())
    finally:
        pool.shutdown(cancel_futures=True)


def _finished(slab: Slab, futures: list[Future[list[None]]]) -> Slab:
    for future in futures:
        future.result()
    return slab
