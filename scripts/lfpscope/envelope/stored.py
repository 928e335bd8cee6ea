"""Arrays of an envelope in stretches of time, through the cache."""

import numpy as np

from lfpscope.clock.segments import Clock, Segment
from lfpscope.envelope.zarr_zip import Store
from lfpscope.samples.chunk_cache import CACHE
from lfpscope.typing import Array


class StoredLevels:
    """Arrays of the levels and of the blocks.

    Parameters
    ----------
    store : Store
        The envelope.
    clock : Clock
        Of the recording.
    finest, block : int
        Samples of the finest buckets, and of a block of the amplitude.
    """

    def __init__(self, store: Store, clock: Clock, finest: int, block: int) -> None:
        self.finest, self.block, self._store = finest, block, store
        # of segments, of which there may be thousands
        self._firsts = np.array([s.first_sample for s in clock.segments])
        self._lengths = np.array([s.n_samples for s in clock.segments])
        self._owner = object()  # of what is cached: that shall not keep the probe open
        self._widths: dict[str, int] = {}  # of stored chunks

    def close(self) -> None:
        """Drop what is cached."""
        CACHE.forget(self._owner)

    def n_before(self, segment: Segment, size: int) -> int:
        """How many buckets of a size lie in the segments before one."""
        before = self._lengths[: np.searchsorted(self._firsts, segment.first_sample)]
        return int((-(-before // size)).sum())

    def of_segment(self, name: str, segment: Segment, size: int, first: int, stop: int) -> Array:
        """Elements first to stop of an array, counted in buckets from a segment's start."""
        before = self.n_before(segment, size)
        return self.array(name, before + first, min(before + stop, self._end(segment, size)))

    def _end(self, segment: Segment, size: int) -> int:
        return self.n_before(segment, size) - (-segment.n_samples // size)

    def array(self, name: str, first: int, stop: int) -> Array:
        """All channels of a stretch of an array of the envelope, through the cache."""
        if name not in self._widths:
            self._widths[name] = self._store.width(name)
        width = self._widths[name]
        chunks = []
        for i in range(first // width, -(-stop // width)):
            key = self._owner, name, i
            chunk: Array | None = CACHE.get(key)
            if chunk is None:
                chunk = self._store.read(name, i * width, (i + 1) * width)
                CACHE.keep(key, chunk, chunk.nbytes)
            begin = max(first - i * width, 0)
            chunks.append(chunk[:, begin : stop - i * width])
        return np.concatenate(chunks, axis=1)
