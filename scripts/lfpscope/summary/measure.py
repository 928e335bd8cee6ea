"""What the pass hands to a measure, and what a measure does with it."""

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from lfpscope.samples.chunk_reader import Damage
from lfpscope.summary.scratch import Scratch
from lfpscope.typing import Array

Part = TypeVar("Part")


@dataclass(frozen=True)
class Stretch:
    """Samples of all channels that are measured together.

    Attributes
    ----------
    first, stop : int
        Sample indices.
    tops : tuple of int
        Where chunks of the stretch start: the rows of them.
    scratch : Scratch
        Room for what is found in it.
    """

    first: int
    stop: int
    tops: tuple[int, ...]
    scratch: Scratch


@dataclass(frozen=True)
class DecodedChunk:
    """The samples of one chunk that lie in a stretch.

    Attributes
    ----------
    row : int
        Which of the stretch's rows, from 0.
    channels : slice
        Which channels of the recording these are; some of the chunk's where it is large.
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
    """A stretch of some channels, and the samples before it.

    Attributes
    ----------
    channels : slice
        Which channels of the recording these are.
    first, stop : int
        Sample indices. `first` lies `Measure.overlap` samples before the stretch, or at the start
        of the recording.
    samples : ndarray, shape (n_channels, stop - first)
        As stored, float16 as float32. Where a chunk is damaged floats are NaN, integers 0.
        Overwritten later.
    limits : ndarray of float64, shape (2, n_channels)
        As of `DecodedChunk`.
    damaged : tuple of DamagedSamples
        Those in the slab.
    """

    channels: slice
    first: int
    stop: int
    samples: Array
    limits: npt.NDArray[np.float64]
    damaged: tuple[DamagedSamples, ...]


class Measure(Generic[Part]):
    """Something computed in the pass.

    The pass goes once over the recording, stretch by stretch. What a measure finds in one is its
    part of this stretch, an object of the measure's own; a few are there at a time. Chunks are of
    any size and come in any order, so results that may not depend on the chunk grid are put
    together in `merge`.

    Attributes
    ----------
    wants_slabs : bool
        Whether `add_slab` shall be called.
    overlap : int
        Samples before a stretch that its slabs begin with.
    """

    wants_slabs = False
    overlap = 0

    def begin(self, stretch: Stretch) -> Part:
        """Make the part of a stretch, in the order of time, before its chunks are decoded."""
        raise NotImplementedError

    def add_chunk(self, part: Part, chunk: DecodedChunk) -> None:
        """Take one chunk. Called by several threads at once, in any order."""

    def add_slab(self, part: Part, slab: Slab) -> None:
        """Take a stretch of some channels, after `add_chunk` for all of their chunks in it.

        Called by several threads at once, of each channel in the order of time; the parts before
        may not be merged yet.
        """

    def merge(self, part: Part) -> None:
        """Add the part of a stretch to the result, in the order of time."""
        raise NotImplementedError

    def finish(self) -> None:
        """Write what is left, when all parts are merged."""
