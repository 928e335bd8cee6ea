"""Chunk references of an array: where each chunk of its grid lies."""

import zlib
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lfpscope.hdf5.layout import Layout


@dataclass(frozen=True)
class ChunkTable:
    """Chunk references of an array.

    Attributes
    ----------
    layout : Layout
        Of the array, time first.
    offsets, sizes : ndarray of int64, shape of the chunk grid
        Bytes of the source that hold each chunk. An offset of −1 where a chunk is missing or
        inlined; a size of 0 where it is missing.
    inlined : dict
        Bytes of the chunks that are not in the source, by grid position.
    """

    layout: Layout
    offsets: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    inlined: dict[tuple[int, ...], bytes] = field(default_factory=dict)

    @classmethod
    def empty(cls, layout: Layout) -> "ChunkTable":
        """Return the table of an array without chunks, to be filled."""
        return cls(layout, np.full(layout.grid, -1, np.int64), np.zeros(layout.grid, np.int64))

    def inline(self, position: tuple[int, ...], content: bytes) -> None:
        """Set the bytes of a chunk that is not in the source."""
        self.inlined[position] = content
        self.sizes[position] = len(content)

    @property
    def n_chunks(self) -> int:
        """Chunks that are not missing."""
        return int(np.count_nonzero(self.sizes))

    @property
    def crc(self) -> int:
        """CRC-32 of offsets and sizes: a file of other samples has other ones."""
        return zlib.crc32(self.sizes.tobytes(), zlib.crc32(self.offsets.tobytes()))

    def positions(self) -> list[list[int]]:
        """Return the grid positions of the chunks that are not missing, in the file's order."""
        there = self.sizes > 0
        is_f = self.layout.order == "F"
        found = np.argwhere(there.T)[:, ::-1] if is_f else np.argwhere(there)
        positions: list[list[int]] = found.tolist()
        return positions
