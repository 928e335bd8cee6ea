"""Slabs: samples of a stretch by channel, behind the samples before it."""

from collections.abc import Iterator, Sequence
from threading import Event, Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.references.model import ProbeReferences
from lfpscope.summary.measure import DamagedSamples, DecodedChunk, Measure, Slab, Stretch
from lfpscope.typing import Array

TASK_SAMPLES = 1 << 17  # of the channels that are handed over together: less is not worth a thread


def _stored_type(references: ProbeReferences) -> np.dtype[Any]:
    """Of samples as measures get them."""
    stored = references.layout.dtype.newbyteorder("=")
    return np.dtype(np.float32) if stored == np.float16 else stored


class Slabs:
    """Hands slabs to measures: of each channel in the order of time.

    Parameters
    ----------
    references : ProbeReferences
        Of the probe.
    measures : sequence of Measure
        Those that want slabs get them.
    limits : ndarray of float64, shape (2, n_channels)
        Smallest and largest plausible value, stored units.

    Attributes
    ----------
    overlap : int
        Samples that are kept of the stretch before.
    dtype : numpy.dtype
        Of the samples.
    """

    def __init__(
        self,
        references: ProbeReferences,
        measures: Sequence[Measure[Any]],
        limits: npt.NDArray[np.float64],
    ) -> None:
        self._measures, self._limits = measures, limits
        self.overlap = max((one.overlap for one in measures if one.wants_slabs), default=0)
        self.dtype = _stored_type(references)
        self._before = np.empty((references.n_channels, self.overlap), self.dtype)
        self._damaged: list[DamagedSamples] = []
        self._lock = Lock()

    @property
    def are_wanted(self) -> bool:
        """Whether any measure wants them."""
        return any(measure.wants_slabs for measure in self._measures)

    def note_damage(self, one: DamagedSamples) -> None:
        """Keep what is damaged."""
        with self._lock:
            self._damaged = [*self._damaged, one]

    def forget_damage(self, first: int) -> None:
        """Drop what is in no slab of a stretch from a sample on."""
        with self._lock:
            self._damaged = [one for one in self._damaged if one.stop > first - self.overlap]

    def hand_over(
        self, parts: Sequence[Any], stretch: Stretch, channels: slice, samples: Array
    ) -> None:
        """Hand over a stretch of some channels, and keep its end for the next one."""
        n = min(self.overlap, stretch.first)
        before = self._before[channels]
        joined = np.concatenate([before[:, self.overlap - n :], samples], axis=1)
        first = stretch.first - n
        damaged = [one for one in self._damaged if _overlap(one.channels, channels)]
        for measure, part in zip(self._measures, parts, strict=True):
            if measure.wants_slabs:
                start = max(first, stretch.first - measure.overlap)
                here = tuple(one for one in damaged if one.stop > start)
                cut, limits = joined[:, start - first :], self._limits[:, channels]
                measure.add_slab(part, Slab(channels, start, stretch.stop, cut, limits, here))
        kept = min(self.overlap, joined.shape[1])
        before[:, self.overlap - kept :] = joined[:, joined.shape[1] - kept :]


def _overlap(one: slice, other: slice) -> bool:
    return bool(one.start < other.stop and other.start < one.stop)


class Assembly:
    """A stretch of all channels, put together from its chunks.

    Parameters
    ----------
    stretch : Stretch
        Which one.
    buffer : ndarray, shape (n_channels, at least the samples of the stretch)
        Room for it.
    """

    def __init__(self, stretch: Stretch, buffer: Array) -> None:
        self._stretch = stretch
        self.samples = buffer[:, : stretch.stop - stretch.first]

    def add(self, chunk: DecodedChunk) -> None:
        """Copy the samples of a chunk; several threads do so at once."""
        first = self._stretch.first
        here = self.samples[chunk.channels, chunk.first - first : chunk.stop - first]
        here[:] = samples_or_fill(chunk, here.dtype)


def samples_or_fill(chunk: DecodedChunk, dtype: np.dtype[Any]) -> Array:
    """Samples of a chunk; NaN or 0 where it is damaged."""
    if chunk.damage is None:
        return chunk.samples
    fill = np.nan if dtype.kind == "f" else 0
    return np.full((chunk.samples.shape[0], chunk.stop - chunk.first), fill, dtype)


class Turns:
    """The order in time of work on the same channels, which threads do stretch by stretch."""

    def __init__(self) -> None:
        self._last: dict[int, Event] = {}

    def take(self, first: int) -> tuple[Event | None, Event]:
        """The turn before, of the channels from `first` on, and this one; set when done."""
        before, self._last[first] = self._last.get(first), Event()
        return before, self._last[first]


def channel_groups(channels: slice, n_samples: int) -> Iterator[slice]:
    """Split channels into groups of a task's samples."""
    step = max(1, TASK_SAMPLES // max(n_samples, 1))
    for first in range(channels.start, channels.stop, step):
        yield slice(first, min(first + step, channels.stop))
