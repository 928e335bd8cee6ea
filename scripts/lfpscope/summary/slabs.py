"""Slabs: the chunks of a stretch side by side, and the end of the stretch before it."""

import numpy as np
import numpy.typing as npt

from lfpscope.references.model import ProbeReferences
from lfpscope.summary.measure import DamagedSamples, DecodedChunk, Slab, Stretch
from lfpscope.typing import Array


class OpenSlab:
    """A slab while its chunks are decoded.

    Parameters
    ----------
    stretch : Stretch
        Which one.
    buffer : ndarray, shape (n_channels, overlap + at least the samples of the stretch)
        Room for it.
    overlap : int
        Samples before the stretch that are kept.
    """

    def __init__(self, stretch: Stretch, buffer: Array, overlap: int) -> None:
        self.stretch, self.is_complete = stretch, False
        self._buffer, self._begin = buffer, stretch.first - overlap
        self._first = stretch.first  # of the samples that are there
        self._damaged: list[DamagedSamples] = []

    def add(self, chunk: DecodedChunk) -> None:
        """Copy the samples of a chunk; several threads do so at once."""
        here = self._samples(chunk.first, chunk.stop)[chunk.channels]
        if chunk.damage is None:
            here[:] = chunk.samples
        else:
            here[:] = np.nan if here.dtype.kind == "f" else 0
            self._damaged.append(DamagedSamples(chunk.channels, chunk.first, chunk.stop))

    def complete(self, before: "OpenSlab | None") -> None:
        """Copy the end of the stretch before, when all chunks of both are decoded."""
        self.is_complete = True
        if before is None:
            return
        stop = self.stretch.first
        self._first = max(before._first, self._begin)
        self._samples(self._first, stop)[:] = before._samples(self._first, stop)
        self._damaged += [one for one in before._damaged if one.stop > self._first]

    def cut(self, overlap: int, limits: npt.NDArray[np.float64]) -> Slab:
        """The slab as a measure wants it."""
        first, stop = max(self._first, self.stretch.first - overlap), self.stretch.stop
        damaged = tuple(one for one in self._damaged if one.stop > first)
        return Slab(first, stop, self._samples(first, stop), limits, damaged)

    def _samples(self, first: int, stop: int) -> Array:
        return self._buffer[:, first - self._begin : stop - self._begin]


class SlabBuffers:
    """Memory for the two slabs that are there at a time."""

    def __init__(self, references: ProbeReferences, overlap: int) -> None:
        stored = references.layout.dtype.newbyteorder("=")
        self._dtype = np.dtype(np.float32) if stored == np.float16 else stored
        self._n_channels, self._overlap = references.n_channels, overlap
        self._buffers: list[Array] = []
        self._n_opened = 0

    def open(self, stretch: Stretch) -> OpenSlab:
        """Make a slab in the memory of the one before the last one."""
        if len(self._buffers) < 2:  # the first stretches are the longest
            n = self._overlap + stretch.stop - stretch.first
            self._buffers.append(np.empty((self._n_channels, n), self._dtype))
        self._n_opened += 1
        return OpenSlab(stretch, self._buffers[self._n_opened % 2 - 1], self._overlap)
