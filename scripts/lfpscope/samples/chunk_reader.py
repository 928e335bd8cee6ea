"""Chunks of a recording, read and decoded."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Self, TypeVar

import numpy as np
import numpy.typing as npt

from lfpscope.hdf5.decode import decode
from lfpscope.io.addresses import open_address
from lfpscope.references.model import ProbeReferences
from lfpscope.typing import Array

Place = tuple[int, int]
"""Row and column of a chunk in the grid."""


T = TypeVar("T")


RUN_BYTES = 4 << 20  # of one coalesced read: enough for a disk to stream, little to hold
HOLE_BYTES = 1 << 16  # that are cheaper to read along than to skip


@dataclass(frozen=True)
class Damage:
    """A chunk that cannot be decoded, or is missing where it should be."""

    row: int
    column: int
    offset: int
    reason: str


class Source:
    """The bytes that references point to, opened for reading from several threads."""

    def __init__(self, references: ProbeReferences) -> None:
        self.references = references
        self._file = open_address(references.address)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read(self, offset: int, size: int) -> bytes:
        """Read bytes; fewer come back only at the end of the file."""
        return self._file.read(offset, size)

    def chunk(self, row: int, column: int) -> Array | Damage:
        """Read and decode one chunk."""
        lfp = self.references.lfp
        offset, size = int(lfp.offsets[row, column]), int(lfp.sizes[row, column])
        inlined = lfp.inlined.get((row, column))
        raw = self.read(offset, size) if offset >= 0 else inlined
        return self.decoded(raw, row, column)

    def run(self, places: Sequence[Place]) -> Iterator[Array | Damage]:
        """Read chunks that follow each other in the file at once, and decode one after the other.

        Those that are not in the file are taken from the references.
        """
        offsets, sizes = self.references.lfp.offsets, self.references.lfp.sizes
        start = int(offsets[places[0]])
        if start < 0 or len(places) == 1:
            yield from (self.chunk(*place) for place in places)
            return
        stop = int(offsets[places[-1]] + sizes[places[-1]])
        raw = memoryview(self.read(start, stop - start))
        for place in places:
            first = int(offsets[place]) - start
            yield self.decoded(raw[first : first + int(sizes[place])], *place)

    def decoded(self, raw: bytes | memoryview | None, row: int, column: int) -> Array | Damage:
        """Decode the bytes of one chunk, or say why not."""
        offset = int(self.references.lfp.offsets[row, column])
        if raw is None:
            return Damage(row, column, offset, "missing")
        try:
            return decode(raw, self.references.layout)
        except ValueError as error:
            return Damage(row, column, offset, str(error))


def submit_chunks(
    pool: ThreadPoolExecutor,
    source: Source,
    rows: range,
    work: Callable[[int, int, Array | Damage], T],
) -> list[Future[list[T]]]:
    """Apply a function to all chunks of some rows of the grid, in the order of the file.

    Neighbouring chunks are read together. `work` runs in several threads at once.

    Parameters
    ----------
    pool : ThreadPoolExecutor
        Whose threads.
    source : Source
        Where the bytes are.
    rows : range
        Rows of the chunk grid, that is stretches of time.
    work : callable
        Gets row and column in the grid and the decoded chunk, or its damage.

    Returns
    -------
    list of Future
        What `work` returned for some of the chunks each, in the order of the file.
    """

    def run(places: list[Place]) -> list[T]:
        return [
            work(*place, chunk) for place, chunk in zip(places, source.run(places), strict=True)
        ]

    n_columns = source.references.layout.grid[1]
    grid = np.mgrid[rows.start : rows.stop, :n_columns].reshape(2, -1)
    return [pool.submit(run, places) for places in merge_runs(source.references, *grid)]


def merge_runs(
    references: ProbeReferences, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]
) -> Iterator[list[Place]]:
    """Group chunks into runs that one read brings in; chunks that are not in the file come first.

    A run ends at a hole, where chunks overlap, and where the file reaches a multiple of RUN_BYTES.
    """
    offsets = references.lfp.offsets[rows, columns]
    sizes = references.lfp.sizes[rows, columns]
    order = np.argsort(offsets, kind="stable")
    starts, stops = offsets[order], (offsets + sizes)[order]
    holes = starts[1:] - stops[:-1]
    cut = (holes < 0) | (holes > HOLE_BYTES) | (starts[1:] // RUN_BYTES > starts[:-1] // RUN_BYTES)
    cut = (cut | (starts[:-1] < 0)) & (starts[1:] >= 0)
    places = list(zip(rows[order].tolist(), columns[order].tolist(), strict=True))
    for start, stop in pairwise([0, *(np.flatnonzero(cut) + 1).tolist(), len(places)]):
        yield places[start:stop]
