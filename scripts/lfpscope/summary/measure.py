"""What the pass hands to a measure, and what a measure does with it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from lfpscope.samples.chunk_reader import Damage
from lfpscope.typing import Array

Part = TypeVar("Part")
Task = Callable[[], None]


@dataclass(frozen=True)
class Stretch:
    """Rows of the chunk grid that follow each other, and the samples in them.

    Attributes
    ----------
    rows : range
        Of the chunk grid.
    first, stop : int
        Sample indices.
    """

    rows: range
    first: int
    stop: int


@dataclass(frozen=True)
class DecodedChunk:
    """The samples of one chunk.

    Attributes
    ----------
    row : int
        Of the chunk grid.
    channels : slice
        Which channels of the recording these are; one where a chunk holds one.
    first, stop : int
        Sample indices.
    samples : ndarray, shape (n_channels, stop - first)
        As stored, each channel contiguous, float16 as float32; (n_channels, 0) if damaged.
    limits : ndarray of float64, shape (2, n_channels)
        Smallest and largest plausible value in stored units, finite: what is not between them is
        NaN, infinite or implausible, and takes part in nothing.
    damage : Damage or None
        Why there are no samples.
    """

    row: int
    channels: slice
    first: int
    stop: int
    samples: Array
    limits: npt.NDArray[np.float64]
    damage: Damage | None


@dataclass(frozen=True)
class DamagedSamples:
    """Samples that a damaged chunk does not give: channels, and sample indices."""

    channels: slice
    first: int
    stop: int


@dataclass(frozen=True)
class Slab:
    """A stretch of all channels, and the end of the one before it.

    Attributes
    ----------
    first, stop : int
        Sample indices. `first` lies up to `Measure.overlap` samples before the stretch; it is the
        stretch's own first sample where the one before it was not assembled.
    samples : ndarray, shape (n_channels, stop - first)
        As stored, float16 as float32. Where a chunk is damaged floats are NaN, integers 0. Valid
        until the stretch is merged, then overwritten.
    limits : ndarray of float64, shape (2, n_channels)
        As of `DecodedChunk`.
    damaged : tuple of DamagedSamples
        Those in the slab.
    """

    first: int
    stop: int
    samples: Array
    limits: npt.NDArray[np.float64]
    damaged: tuple[DamagedSamples, ...]


class Measure(Generic[Part]):
    """Something computed in the pass.

    The pass goes once over the recording, stretch by stretch. What a measure finds in one is its
    part of this stretch, an object of the measure's own; two are in memory at a time. Chunks are
    of any size and come in any order, so results that may not depend on the chunk grid are put
    together in `merge`.

    Attributes
    ----------
    overlap : int
        Samples before a stretch that its slab begins with.
    """

    overlap = 0

    def begin(self, stretch: Stretch) -> Part:
        """Make the part of a stretch, in the order of time, before its chunks are decoded."""
        raise NotImplementedError

    def add_chunk(self, part: Part, chunk: DecodedChunk) -> None:
        """Take one chunk. Called by several threads at once, in any order."""

    def wants_slab(self, stretch: Stretch) -> bool:  # noqa: ARG002 - for those that override it
        """Whether `split_slab` shall be called for a stretch."""
        return False

    def split_slab(self, part: Part, slab: Slab) -> Sequence[Task]:  # noqa: ARG002 - as above
        """Split the work on a slab into tasks, which run in several threads at once.

        Called in the order of time, after `add_chunk` for all chunks of the stretch; the parts
        before may not be merged yet.
        """
        return ()

    def merge(self, part: Part) -> None:
        """Add the part of a stretch to the result, in the order of time."""
        raise NotImplementedError

    def finish(self) -> None:
        """Write what is left, when all parts are merged."""
