"""Runs of buckets in which channels are beyond a limit."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lfpscope.clock.segments import Segment
from lfpscope.signals.runs import find_runs
from lfpscope.typing import Mask

JOINED_S = 0.5  # runs with no more between them are one: a channel comes and goes at its rail
MOST_RUNS = 20_000  # where there are more, the half of them with least between them are joined


@dataclass(frozen=True)
class Run:
    """Samples of a segment in which some channels are beyond a limit.

    Attributes
    ----------
    segment : Segment
        They lie in it.
    first, stop : int
        Samples of the recording.
    channels : ndarray of bool, shape (n_channels,)
        Which are, at any time in it.
    most : int
        How many are at once.
    """

    segment: Segment
    first: int
    stop: int
    channels: Mask
    most: int


class Runs:
    """Runs in the order of the samples, joined so that they stay few.

    Attributes
    ----------
    joined : list of Run
    """

    def __init__(self) -> None:
        self.joined: list[Run] = []
        self._hole_s = JOINED_S
        self._limit = MOST_RUNS

    def add(self, segment: Segment, first: int, size: int, beyond: Mask, least: float) -> None:
        """Add buckets, of so many samples, in which more than `least` channels are beyond.

        Parameters
        ----------
        segment : Segment
            They lie in it.
        first : int
            Sample of the recording at which the first bucket starts.
        size : int
            Samples of a bucket.
        beyond : ndarray of bool, shape (n_channels, n_buckets)
            Where a channel is beyond its limit.
        least : float
            Channels.
        """
        counts = beyond.sum(axis=0)
        runs = [
            Run(
                segment,
                first + start * size,
                min(first + stop * size, segment.stop_sample),
                np.asarray(beyond[:, start:stop].any(axis=1)),
                int(counts[start:stop].max()),
            )
            for start, stop in find_runs(counts > least).tolist()
        ]
        self.joined[-1:] = join_runs([*self.joined[-1:], *runs], self._hole_s)
        if len(self.joined) > self._limit:
            self._hole_s = max(self._hole_s, _hole_that_halves(self.joined))
            self.joined = list(join_runs(self.joined, self._hole_s))
            # those of different segments stay apart
            self._limit = max(MOST_RUNS, 2 * len(self.joined))


def join_runs(runs: Iterable[Run], hole_s: float) -> Iterator[Run]:
    """Join runs of one segment with at most so many seconds between them."""
    last: Run | None = None
    for run in runs:
        if last is None:
            last = run
        elif _seconds_between(last, run) <= hole_s:
            channels, most = last.channels | run.channels, max(last.most, run.most)
            last = Run(run.segment, last.first, run.stop, channels, most)
        else:
            yield last
            last = run
    if last is not None:
        yield last


def _hole_that_halves(runs: Sequence[Run]) -> float:
    """Seconds between two runs that are not exceeded between half of them."""
    between = np.sort([_seconds_between(*pair) for pair in pairwise(runs)])[len(runs) // 2]
    return float(between) if np.isfinite(between) else 0.0


def _seconds_between(before: Run, after: Run) -> float:
    """Seconds between two runs; infinite between those of different segments."""
    if before.segment is not after.segment:
        return np.inf
    return (after.first - before.stop) * after.segment.dt
