"""Periods that the clock and damaged chunks make."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import groupby, islice

import numpy as np

from lfpscope.clock.segments import Clock, Segment
from lfpscope.periods.table import DAMAGED, GAP, RESET, Period
from lfpscope.references.model import ProbeReferences
from lfpscope.samples.chunk_reader import Damage
from lfpscope.typing import Ints


def find_seams(clock: Clock) -> Iterator[Period]:
    """Find gaps and resets of a clock; a reset lasts as long as times occur twice."""
    for start, stop in clock.gaps():
        yield Period(start, stop, GAP, (), stop - start)
    for before, after in clock.resets():
        yield Period(after, before, RESET, (), before - after)


def find_damage(references: ProbeReferences, damaged: Iterable[Damage]) -> Iterator[Period]:
    """Find when chunks are damaged; one period for each row of the chunk grid."""
    height, width = references.layout.chunks
    in_rows = sorted(damaged, key=lambda one: (one.row, one.column))
    for row, chunks in groupby(in_rows, key=lambda one: one.row):
        columns = [one.column for one in chunks]
        indices = np.concatenate([np.arange(i * width, (i + 1) * width) for i in columns])
        indices = indices[indices < references.n_channels]
        channels = ids_of(references, indices)
        share = indices.size / references.n_channels
        first, stop = row * height, min((row + 1) * height, references.n_samples)
        for start, end in times_of(references.clock, first, stop):
            yield Period(start, end, DAMAGED, channels, share)


def times_of(clock: Clock, first: int, stop: int) -> Iterator[tuple[float, float]]:
    """Session times of samples first to stop, for each segment with a time that they lie in."""
    stops = [segment.stop_sample for segment in clock.segments]  # of which there may be thousands
    for segment in islice(clock.segments, bisect_right(stops, first), None):
        if segment.first_sample >= stop:
            return
        if segment.valid:
            yield span_of(segment, first, stop)


def span_of(segment: Segment, first: int, stop: int) -> tuple[float, float]:
    """Session times of the samples first to stop of the recording that lie in a segment."""
    begin = max(first, segment.first_sample) - segment.first_sample
    end = min(stop, segment.stop_sample) - segment.first_sample
    return segment.t0 + begin * segment.dt, segment.t0 + end * segment.dt


def ids_of(references: ProbeReferences, indices: Ints) -> tuple[int, ...]:
    """Ids of channels by their indices."""
    return tuple(references.channels.id[indices].tolist())
