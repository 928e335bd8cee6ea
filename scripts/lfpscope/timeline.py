"""The time axis of pictures: session time, with breaks where it is set back or stands empty.

All that draws uses axis time: session time where there is no break, which is nearly always. After
a clock reset session time is ambiguous, and across a gap of hours seconds of data would lie in no
visible column; there, axis time leaves out what is empty and goes on.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from lfpscope.clock import Clock

LEAST_RECORDED = 0.1  # of the axis is recording; larger gaps are cut out until it is
BREAK = 0.02  # of the recorded time: how wide a break is drawn


@dataclass(frozen=True)
class Stretch:
    """A stretch of session time that is drawn in one piece.

    Attributes
    ----------
    epoch : int
        How many times the clock was set back before it.
    start, stop : float
        Session time, seconds.
    at : float
        Axis time of its start, seconds.
    """

    epoch: int
    start: float
    stop: float
    at: float

    @property
    def end(self) -> float:
        """Axis time of its stop, seconds."""
        return self.at + self.stop - self.start


@dataclass(frozen=True)
class Timeline:
    """Session time ↔ axis time, for all probes of a picture.

    Attributes
    ----------
    stretches : tuple of Stretch
        In the order of the axis; one where there is no break. None without any time.
    """

    stretches: tuple[Stretch, ...]

    @property
    def breaks(self) -> tuple[tuple[float, float], ...]:
        """Axis times between which the axis is broken."""
        return tuple((before.end, after.at) for before, after in pairwise(self.stretches))

    def to_session(self, seconds: float) -> float:
        """Session time of an axis time; inside a break, that of its nearer edge."""
        if not self.breaks:
            return seconds
        nearest = min(self.stretches, key=lambda s: max(s.at - seconds, seconds - s.end))
        inside = min(max(seconds, nearest.at), nearest.end)
        return nearest.start + inside - nearest.at

    def to_axis(self, seconds: float, epoch: int | None = None) -> float:
        """Axis time of a session time: of the first stretch that holds it, or of the nearest."""
        if not self.breaks:
            return seconds
        fitting = [s for s in self.stretches if epoch in (None, s.epoch)] or self.stretches
        nearest = min(fitting, key=lambda s: max(s.start - seconds, seconds - s.stop, 0.0))
        return nearest.at + min(max(seconds, nearest.start), nearest.stop) - nearest.start

    def place(self, start: float, stop: float) -> list[tuple[float, float]]:
        """Axis times of an interval of session time: one pair for each stretch it lies in."""
        if not self.breaks:
            return [(start, stop)]
        return [
            (s.at + max(start, s.start) - s.start, s.at + min(stop, s.stop) - s.start)
            for s in self.stretches
            if start < s.stop and stop >= s.start
        ]

    def clock(self, clock: Clock) -> Clock:
        """The clock of one of the probes in axis time, by which it is drawn."""
        if not self.breaks:
            return clock
        epochs = clock_epochs(clock)
        return Clock(
            tuple(
                replace(one, t0=self.to_axis(one.t0, epoch)) if one.valid else one
                for one, epoch in zip(clock.segments, epochs, strict=True)
            )
        )


def clock_epochs(clock: Clock) -> list[int]:
    """For each segment, how many times the clock was set back before it."""
    epochs, epoch, last = [], 0, -np.inf
    for segment in clock.segments:
        if segment.valid:
            epoch += segment.t0 < last - segment.dt / 2
            last = segment.t1
        epochs.append(epoch)
    return epochs


def make_timeline(clocks: Iterable[Clock]) -> Timeline:
    """Find the breaks in the time axis of some probes that are drawn together."""
    spans = sorted(
        (epoch, segment.t0, segment.t1)
        for clock in clocks
        for segment, epoch in zip(clock.segments, clock_epochs(clock), strict=True)
        if segment.valid
    )
    joined: list[list[Any]] = []  # epoch, start, stop
    for epoch, start, stop in spans:
        if joined and joined[-1][0] == epoch and start <= joined[-1][2]:
            joined[-1][2] = max(joined[-1][2], stop)
        else:
            joined.append([epoch, start, stop])
    recorded = sum(stop - start for _, start, stop in joined)
    # between neighbours of one epoch; a clock that was set back breaks the axis in any case
    gaps = [
        after[1] - before[2] if after[0] == before[0] else np.inf
        for before, after in pairwise(joined)
    ]
    broken = [gap == np.inf for gap in gaps]
    for i in np.argsort(gaps)[::-1].tolist():
        kept = sum(gap for gap, is_broken in zip(gaps, broken, strict=True) if not is_broken)
        if LEAST_RECORDED * (recorded + kept) <= recorded:
            break
        broken[i] = True
    stretches: list[Stretch] = []
    for (epoch, start, stop), is_broken in zip(joined, [True, *broken], strict=True):
        if not is_broken:
            stretches[-1] = replace(stretches[-1], stop=stop)
        else:
            at = stretches[-1].end + BREAK * recorded if stretches else start
            stretches.append(Stretch(int(epoch), start, stop, at))
    return Timeline(tuple(stretches))
