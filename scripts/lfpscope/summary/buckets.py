"""Statistics of each channel and the envelope's buckets: the first measure of the pass."""

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.clock.segments import Clock
from lfpscope.envelope import kernels, kernels_buckets, kernels_chunk, kernels_statistics
from lfpscope.envelope.grid import bucket_edges
from lfpscope.references.model import ProbeReferences
from lfpscope.summary.levels import EnvelopeWriter, Fresh
from lfpscope.summary.measure import DecodedChunk, Measure, Stretch


class OffGridError(Exception):
    """A value is not a whole count of the step that was tried."""


class StretchBuckets:
    """Buckets and statistics of a stretch.

    Attributes
    ----------
    buckets : Fresh
        The bucket that began before the stretch, and those that start in it.
    statistics : structured ndarray of kernels.STATISTICS, shape (n_rows, n_channels)
        Of every chunk.
    """

    def __init__(
        self, references: ProbeReferences, stretch: Stretch, writer: EnvelopeWriter
    ) -> None:
        n_channels, n_rows = references.n_channels, len(stretch.tops)
        self._step = writer.step or 0.0
        tops = np.array([*stretch.tops, stretch.stop])
        self._edges = [bucket_edges(writer.starts, *pair) for pair in pairwise(tops.tolist())]
        # how many buckets start before each row, and the one that is open at its start
        before = np.searchsorted(writer.starts[:-1], tops)
        self._at = before - before[0] + 1
        self._open = np.where([edges[0] < 0 for edges in self._edges], self._at[:-1] - 1, -1)
        shape = n_channels, int(self._at[-1])
        self.buckets = Fresh(
            stretch.scratch.full((4, *shape), 0, writer.dtype),
            stretch.scratch.full(shape, kernels.ALL_NAN, np.uint8),
            stretch.scratch.full((3, *shape), 0, np.float64),
        )
        self._heads = np.zeros((n_rows, 4, n_channels), writer.dtype)
        self._heads_nan = np.full((n_rows, n_channels), kernels.ALL_NAN, np.uint8)
        self._heads_moments = np.zeros((n_rows, 3, n_channels))
        self.statistics = np.zeros((n_rows, n_channels), kernels.STATISTICS)

    def add(self, chunk: DecodedChunk, flat_samples: int) -> None:
        """Take one chunk; several threads do so at once."""
        i, here = chunk.row, chunk.channels
        statistics = self.statistics[i, here]
        if chunk.damage is not None:
            statistics["length"] = statistics["n_damaged"] = chunk.stop - chunk.first
            return
        off_grid = kernels_chunk.summarise_chunk(
            chunk.samples,
            *kernels.as_integers(chunk.samples),
            self._edges[i],
            self._at[i],
            self._step,
            self.buckets.values[:, here],
            self.buckets.nan[here],
            self._heads[i, :, here],
            self._heads_nan[i, here],
            statistics,
            flat_samples,
            chunk.limits,
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


class BucketMeasure(Measure[StretchBuckets]):
    """Statistics of each channel, and the envelope with its amplitude.

    They are one measure because they share sums and extremes of the buckets, for which every
    sample is loaded once.

    Attributes
    ----------
    writer : EnvelopeWriter
        Of the envelope.
    statistics : structured ndarray of kernels.STATISTICS, shape (n_channels,)
        Of what is merged.
    """

    def __init__(self, references: ProbeReferences, writer: EnvelopeWriter) -> None:
        self.writer, self._references = writer, references
        self.statistics: npt.NDArray[Any] = np.zeros(references.n_channels, kernels.STATISTICS)
        self._flat_samples = samples_of_flat(references.clock)

    def begin(self, stretch: Stretch) -> StretchBuckets:
        """Make room for the buckets of a stretch."""
        return StretchBuckets(self._references, stretch, self.writer)

    def add_chunk(self, part: StretchBuckets, chunk: DecodedChunk) -> None:
        """Compute buckets and statistics of a chunk."""
        part.add(chunk, self._flat_samples)

    def merge(self, part: StretchBuckets) -> None:
        """Write the buckets that are finished, and add up statistics."""
        part.join(self.writer.open_bucket)
        self.writer.append(part.buckets)
        kernels_statistics.merge_statistics(part.statistics, self.statistics, self._flat_samples)

    def finish(self) -> None:
        """Write what is left, and count the runs that are open."""
        self.writer.close()
        kernels_statistics.close_statistics(self.statistics, self._flat_samples)


def samples_of_flat(clock: Clock) -> int:
    """Samples in one second; at least three, and no more than a number of theirs can be."""
    return int(np.clip(1 / clock.dt, 3, 1 << 40)) if clock.dt > 0 else 3
