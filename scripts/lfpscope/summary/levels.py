"""Levels of the envelope as the pass makes them: buckets are folded, coded and stored."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from lfpscope.envelope import kernels, kernels_amplitude, kernels_buckets, kernels_lines
from lfpscope.envelope.grid import (
    CHUNK_BUCKETS,
    LINES,
    VALUES,
    block_size,
    bucket_sizes,
    bucket_starts,
    chunk_width,
)
from lfpscope.envelope.zarr_zip import Shuffle, StoreWriter
from lfpscope.references.model import ProbeReferences
from lfpscope.typing import Array, Flags, Ints

PIECE_VALUES = 1 << 17  # buckets of all channels that are folded at a time: few fit into a cache


class Fresh(NamedTuple):
    """Buckets of the finest level as the pass makes them.

    Attributes
    ----------
    values, nan : ndarray, shapes (4, n_channels, n), (n_channels, n)
        First, min, max and last as they are stored, and flags.
    moments : ndarray of float64, shape (3, n_channels, n)
        kernels.N, MEAN and M2, in stored units.
    """

    values: Array
    nan: Flags
    moments: Array


class Buckets(NamedTuple):
    """Finished buckets of a level.

    Attributes
    ----------
    values, nan : ndarray, shapes (4, n_channels, n), (n_channels, n)
        First, min, max and last as they are stored, and flags.
    squares, n, peaks : ndarray of float64, shape (n_channels, n)
        Sum of squared distances of the valid samples from the line of their block, how many they
        are, and the largest distance.
    """

    values: Array
    nan: Flags
    squares: Array
    n: Array
    peaks: Array


def _cut(arrays: Sequence[Array], first: int, stop: int | None = None) -> list[Array]:
    """Cut a stretch out of the last axis of arrays."""
    return [array[..., first:stop] for array in arrays]


def _joined(arrays: Sequence[Array], later: Sequence[Array]) -> list[Array]:
    """Join arrays along their last axes."""
    return [np.concatenate(pair, axis=-1) for pair in zip(arrays, later, strict=True)]


class Level:
    """One level of the envelope: stores its buckets, and folds them for the next wider level.

    Only buckets that share a wide one which is not finished wait, so that memory does not grow
    with the recording.

    Parameters
    ----------
    store : StoreWriter
        Where to.
    size : int
        Samples of a bucket.
    starts : ndarray of int64
        First sample of each bucket, and the end of the recording.
    n_channels, dtype
        How many, and in which type first, min, max and last are stored.
    wider : Level, optional
        The next one.
    is_finest : bool
        Whether it is the first one.
    """

    def __init__(
        self,
        store: StoreWriter,
        size: int,
        starts: Ints,
        n_channels: int,
        dtype: np.dtype[Any],
        wider: "Level | None",
        *,
        is_finest: bool,
    ) -> None:
        self.starts, self._store, self._size, self._wider = starts, store, size, wider
        self._arrays: dict[str, np.dtype[Any]] = dict.fromkeys(VALUES, dtype)
        self._arrays |= {"nan": np.dtype(np.uint8), "rms": np.dtype(np.uint16)}
        self._arrays["left_out"] = np.min_scalar_type(size)
        if not is_finest:  # there it follows from min, max and the block's line
            self._arrays["peak"] = np.dtype(np.float64 if dtype.itemsize > 4 else np.float32)
        shape, width = (n_channels, starts.size - 1), chunk_width(n_channels)
        store.group(str(size), {})
        for name, values in (("start_sample", starts[:-1]), ("n_samples", np.diff(starts))):
            store.array(f"{size}/{name}", values.shape, np.int64, width=CHUNK_BUCKETS)
            store.append(f"{size}/{name}", values)
        for name, kind in self._arrays.items():
            names = ("channel", "bucket")
            # smaller by 11 % than with bits shuffled; the others are larger by up to 1 %
            shuffle: Shuffle = "shuffle" if name == "rms" else "bitshuffle"
            store.array(
                f"{size}/{name}", shape, kind, width=width, dimensions=names, shuffle=shuffle
            )
        self._narrow: list[Array] = []  # buckets of the narrower level that wait,
        self._n_folded = 0  # and how many came before
        self._n_stored = 0

    def append(self, buckets: Buckets) -> None:
        """Store finished buckets of this level, and hand them on."""
        at, (values, nan, squares, n, peaks) = self._n_stored, buckets
        if "peak" in self._arrays:
            peaks = np.empty(peaks.shape, self._arrays["peak"])
            kernels_amplitude.round_peaks(buckets.peaks, peaks)
        codes = np.empty(nan.shape, np.uint16)
        kernels_amplitude.code_squares(squares, n, peaks, codes)
        sizes = np.diff(self.starts[at : at + nan.shape[1] + 1])
        columns = dict(zip(VALUES, values, strict=True))
        columns |= {"nan": nan, "rms": codes, "left_out": sizes - n, "peak": peaks}
        for name in self._arrays:
            self._store.append(f"{self._size}/{name}", columns[name])
        self._n_stored += nan.shape[1]
        if self._wider:
            self._wider.fold(buckets, self.starts)

    def fold(self, narrow: Buckets, starts: Ints) -> None:
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
            self.append(_folded(Buckets(*waiting), parents[:stop] - parents[0]))


def _folded(narrow: Buckets, parents: Ints) -> Buckets:
    """Fold as many buckets as have a parent; those that share one become one."""
    shape = narrow.nan.shape[0], int(parents[-1]) + 1
    wide = Buckets(
        np.zeros((4, *shape), narrow.values.dtype),
        np.full(shape, kernels.EMPTY, np.uint8),
        *np.zeros((3, *shape)),
    )
    kernels_buckets.fold(narrow.values, narrow.nan, parents, wide.values, wide.nan)
    kernels_amplitude.fold_amplitude(*narrow[2:], parents, *wide[2:])
    return wide


class EnvelopeWriter:
    """Writes buckets of the finest level as their blocks are finished; levels fold the others.

    Attributes
    ----------
    starts : ndarray of int64
        First sample of every bucket of the finest level, and the end of the recording.
    dtype : numpy.dtype
        In which values are stored.
    step : float or None
        Values are stored as whole counts of it.
    """

    def __init__(
        self,
        store: StoreWriter,
        references: ProbeReferences,
        bucket: int,
        step: float | None,
    ) -> None:
        n_channels, clock = references.n_channels, references.clock
        self.step = step
        stored = references.layout.dtype.newbyteorder("=")
        wide = np.dtype(np.float32) if stored == np.float16 else stored  # as the kernels have it
        self.dtype = wide if step is None else np.dtype(np.int16)
        self._store = store
        self.block = block_size(clock, bucket)
        self.sizes = bucket_sizes(clock, bucket)
        levels: list[Level] = []
        for size in reversed(self.sizes):
            starts, wider = bucket_starts(clock, size), levels[-1] if levels else None
            is_finest = size == bucket
            levels.append(
                Level(store, size, starts, n_channels, self.dtype, wider, is_finest=is_finest)
            )
        self._finest = levels[-1]
        self.starts = self._finest.starts
        self._block_starts = bucket_starts(clock, self.block)
        shape = n_channels, self._block_starts.size - 1
        store.group("blocks", {"samples": self.block})
        for name in LINES:
            store.array(
                f"blocks/{name}",
                shape,
                np.float64,
                width=chunk_width(n_channels),
                dimensions=("channel", "block"),
                shuffle="shuffle",
            )
        # buckets of the block that is not finished; the last bucket may go on
        self._fresh = Fresh(
            np.zeros((4, n_channels, 1), self.dtype),
            np.full((n_channels, 1), kernels.EMPTY, np.uint8),
            np.zeros((3, n_channels, 1)),
        )
        self._first = 0  # of them, as an index into `starts`

    @property
    def open_bucket(self) -> Fresh:
        """The bucket that has begun last."""
        return Fresh(*_cut(self._fresh, -1))

    def append(self, slab: Fresh) -> None:
        """Take a slab's buckets, the open one in front; keep those of the block that is open."""
        start = int(slab.nan[0, 0] == kernels.EMPTY)  # at the start of the recording
        self._fresh = Fresh(*_cut(self._fresh, 0, -1))
        n_channels, n = slab.nan.shape
        count = max(1, PIECE_VALUES // n_channels)
        for at in range(start, n, count):
            piece = _cut(slab, at, at + count)
            self._fresh = Fresh(*_joined(self._fresh, piece))
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
        self._fresh = Fresh(*(array.copy() for array in _cut(self._fresh, count)))
        starts = self.starts[self._first : self._first + count]
        first, stop = np.searchsorted(self._block_starts, [starts[0], starts[-1] + 1])
        blocks = np.append(np.searchsorted(starts, self._block_starts[first:stop]), count)
        self._first += count
        n_channels = fresh.nan.shape[0]
        lines = np.empty((2, n_channels, blocks.size - 1))
        squares, peaks = np.empty((2, n_channels, count))
        factor = self.step or 1.0
        extremes = fresh.values[1], fresh.values[2]
        per_block = self.block // self.sizes[0]
        kernels_lines.about_lines(
            fresh.moments, *extremes, factor, blocks, per_block, lines, squares, peaks
        )
        for name, values in zip(LINES, lines, strict=True):
            self._store.append(f"blocks/{name}", values)
        n = np.ascontiguousarray(fresh.moments[kernels.N, :, :count])
        firsts, nan = _cut(fresh[:2], 0, count)
        self._finest.append(Buckets(firsts, nan, squares, n, peaks))
