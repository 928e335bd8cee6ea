"""Decoded chunks that stay in memory."""

import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.io.addresses import is_remote
from lfpscope.io.http import CONNECTIONS
from lfpscope.samples.chunk_reader import Damage, Place, Source, merge_runs
from lfpscope.samples.packing import whole_counts
from lfpscope.typing import Array

CACHE_BYTES = 256 << 20  # of what is kept decoded: a view of six probes just below the envelope
DAMAGE_BYTES = 1 << 10  # counted for a chunk that cannot be decoded, so that it is dropped too
TAKEN = 32  # chunks from the cache that a thread takes at a time


class Cache:
    """Decoded arrays used last, of all that is open, in bounded memory.

    Parameters
    ----------
    most : int
        Bytes.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.n_bytes = 0
        self._kept: OrderedDict[Any, tuple[Any, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Any) -> Any:
        """Return what is kept under a key, or None."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def keep(self, key: tuple[Any, ...], value: Any, n_bytes: int) -> None:
        """Keep a value under a key that begins with its owner; what was used longest ago goes."""
        with self._lock:
            self.n_bytes += n_bytes - self._kept.pop(key, (None, 0))[1]
            self._kept[key] = value, n_bytes
            while self.n_bytes > self.most:
                self.n_bytes -= self._kept.popitem(last=False)[1][1]

    def forget(self, owner: Any) -> None:
        """Release all that is kept for an owner."""
        with self._lock:
            for key in [key for key in self._kept if key[0] is owner]:
                self.n_bytes -= self._kept.pop(key)[1]


CACHE = Cache(CACHE_BYTES)


class Samples:
    """Reads stretches of samples and keeps the chunks decoded last.

    Parameters
    ----------
    source : Source
        Where the bytes are.
    step : float, optional
        Of which the stored floats may be whole counts: such chunks are kept in half the memory.
    threads : int, optional
        How many read and decode at once; without it two, or more where they wait for a server.
    limits : ndarray of float64, shape (2, n_channels), optional
        Smallest and largest plausible value of each channel, in stored units: samples beyond them
        are read as NaN.
    cache : Cache, optional
        Where decoded chunks stay; without it one for all that is open.

    Attributes
    ----------
    dtype : numpy.dtype
        float32, or float64 where that is too narrow for the stored values.
    """

    def __init__(
        self,
        source: Source,
        *,
        step: float | None = None,
        threads: int | None = None,
        limits: npt.NDArray[np.float64] | None = None,
        cache: Cache | None = None,
    ) -> None:
        self.source, self._cache = source, cache or CACHE
        self._owner = object()  # of what is cached: that shall not keep the source open
        self._step, self._limits = step, limits
        layout = source.references.layout
        narrow = layout.dtype.itemsize <= 2 or layout.dtype.newbyteorder("=") == np.float32
        self.dtype = np.dtype(np.float32 if narrow else np.float64)
        self._remote = is_remote(source.references.address)
        self._n_threads = threads or (CONNECTIONS if self._remote else 2)

    def read(self, first: int, stop: int, channels: Sequence[int] | None = None) -> Array:
        """Read samples first to stop of some channels, in stored units.

        Returns
        -------
        ndarray of `dtype`, shape (n_channels, stop - first)
            NaN where a chunk is damaged.
        """
        layout = self.source.references.layout
        wanted = np.arange(layout.shape[1]) if channels is None else np.asarray(channels)
        block = np.empty((wanted.size, stop - first), self.dtype)
        height, width = layout.chunks
        columns = np.unique(wanted // width).tolist()
        where = {column: np.flatnonzero(wanted // width == column) for column in columns}

        def fill(row: int, column: int, chunk: Array | Damage) -> None:
            top, here = row * height, where[column]
            start, end = max(first, top), min(stop, top + height)
            there = _sliced(here), slice(start - first, end - first)
            if isinstance(chunk, Damage):
                block[there] = np.nan
            else:
                part = chunk[start - top : end - top, _sliced(wanted[here] % width)].T
                block[there] = part * self.factor(chunk)

        self.for_each_chunk(range(first // height, -(-stop // height)), columns, fill)
        return block

    def for_each_chunk(
        self, rows: range, columns: Iterable[int], work: Callable[[int, int, Array | Damage], None]
    ) -> None:
        """Call a function for every chunk of some rows and columns of the grid, in any order.

        `work` runs in several threads at once; it gets row, column and the decoded chunk, whose
        samples are to be multiplied by its `factor`, or its damage.
        """
        known, missing = self._known([(row, column) for row in rows for column in columns])

        def take(places: list[Place]) -> None:
            for place in places:
                work(*place, known[place])

        def read(places: list[Place]) -> None:
            for place, chunk in zip(places, self.source.run(places), strict=True):
                if isinstance(chunk, Damage):
                    self._cache.keep((self._owner, place), chunk, DAMAGE_BYTES)
                    work(*place, chunk)
                else:
                    packed = self._packed(self._masked(chunk, place[1]))
                    self._cache.keep((self._owner, place), packed, packed.nbytes)
                    work(*place, packed)

        pool = _threads(self._n_threads)
        futures = [pool.submit(read, run) for run in self._grouped(missing)]
        there = list(known)
        futures += [pool.submit(take, there[i : i + TAKEN]) for i in range(0, len(there), TAKEN)]
        for future in futures:
            future.result()

    def holds(self, first: int, stop: int) -> bool:
        """Tell whether samples first to stop of all channels are decoded already."""
        layout = self.source.references.layout
        rows = range(first // layout.chunks[0], -(-stop // layout.chunks[0]))
        places = [(row, column) for row in rows for column in range(layout.grid[1])]
        return all(self._cache.get((self._owner, place)) is not None for place in places)

    def _masked(self, chunk: Array, column: int) -> Array:
        """Return a chunk with NaN where a value is not plausible."""
        if self._limits is None:
            return chunk
        width = chunk.shape[1]
        low, high = self._limits[:, column * width : (column + 1) * width]
        inside = chunk[:, : low.size]  # the last column of the grid may go on behind the channels
        beyond = (inside < low) | (inside > high)
        if not beyond.any():
            return chunk
        masked = chunk.astype(self.dtype)
        masked[:, : low.size][beyond] = np.nan
        return masked

    def _packed(self, chunk: Array) -> Array:
        """Return a chunk of floats as whole counts, where they come back exactly."""
        if self._step is None or chunk.dtype != np.float32:
            return chunk
        counts = np.empty(chunk.shape, np.int16)
        exact = whole_counts(chunk.reshape(-1), self._step, counts.reshape(-1))
        return counts if exact else chunk

    def factor(self, chunk: Array) -> float:
        """What the samples of a chunk that `each` gave are to be multiplied by."""
        stored = self.source.references.layout.dtype
        packed = stored.kind == "f" and chunk.dtype == np.int16
        return self._step if packed and self._step is not None else 1.0

    def _grouped(self, places: list[Place]) -> Iterable[list[Place]]:
        """Group chunks to read: one by one from a disk, neighbours together from a server."""
        if self._remote and places:
            return merge_runs(self.source.references, *np.array(places).T)
        return ([place] for place in places)

    def _known(self, places: list[Place]) -> tuple[dict[Place, Array | Damage], list[Place]]:
        """Return the chunks that are in the cache, and the places of those that are not."""
        found = {place: self._cache.get((self._owner, place)) for place in places}
        known = {place: chunk for place, chunk in found.items() if chunk is not None}
        return known, [place for place in places if place not in known]

    def close(self) -> None:
        """Release the chunks."""
        self._cache.forget(self._owner)


@cache
def _threads(n: int) -> ThreadPoolExecutor:
    """Threads for all readers: each one of its own would cost memory that malloc keeps for it."""
    return ThreadPoolExecutor(n, thread_name_prefix="read")


# a process that is forked has none of them, and would wait without end
os.register_at_fork(after_in_child=_threads.cache_clear)


def _sliced(indices: npt.NDArray[np.int64]) -> npt.NDArray[np.int64] | slice:
    """Indices that follow each other as a slice, which numpy copies without a detour."""
    first, n = int(indices[0]), indices.size
    return slice(first, first + n) if (np.diff(indices) == 1).all() else indices
