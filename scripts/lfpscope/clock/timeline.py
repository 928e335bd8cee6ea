"""The time axis of pictures: session time, with breaks where it is set back or stands empty.

All that draws uses axis time: session time where there is no break, which is nearly always. After
a clock reset session time is ambiguous, and across a gap of hours seconds of data would lie in no
visible column; there, axis time leaves out what is empty and goes on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from lfpscope.clock.segments import Clock
from lfpscope.formatting import date_text, is_unix_time
from lfpscope.typing import Floats, Ints

Span = tuple[float, float]

MIN_RECORDED = 0.1  # of the axis is recording; larger gaps are cut out until it is
BREAK = 0.02  # of the recorded time: how wide a break is drawn
BREAKS = 0.1  # of the recorded time: how wide all of them may be together
MAX_MATCHES = 1_000_000  # pairs of epochs that are compared to find those of one time
STEPS = (  # seconds between ticks
    *(m * 10.0**k for k in range(-6, 1) for m in (1, 2, 5)),
    *(10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0),
    *(3600.0 * hours for hours in (1, 2, 3, 6, 12, 24, 48, 168)),
)


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
        return self.at + (self.stop - self.start)


@dataclass(frozen=True)
class Timeline:
    """Session time ↔ axis time, for all probes of a picture.

    Attributes
    ----------
    stretches : tuple of Stretch
        In the order of the axis; one where there is no break. None without any time.
    epochs : tuple of (float, float)
        First and last session time of each epoch, by the clock that has most of them.
    """

    stretches: tuple[Stretch, ...]
    epochs: tuple[Span, ...] = ()

    @property
    def breaks(self) -> tuple[Span, ...]:
        """Axis times between which the axis is broken."""
        return tuple((before.end, after.at) for before, after in pairwise(self.stretches))

    @property
    def is_broken(self) -> bool:
        """Whether axis time differs from session time anywhere."""
        return len(self.stretches) > 1

    @property
    def start(self) -> float:
        """Where the axis starts, in axis time; NaN without any time."""
        return self.stretches[0].at if self.stretches else float("nan")

    @property
    def stop(self) -> float:
        """Where the axis ends, in axis time; NaN without any time."""
        return self.stretches[-1].end if self.stretches else float("nan")

    @property
    def is_unix(self) -> bool:
        """Whether session time is in seconds since 1970: shown as time of day (UTC)."""
        return bool(self.stretches) and is_unix_time(self.stretches[0].start)

    @property
    def date_text(self) -> str:
        """The date at the start of an axis of seconds since 1970; else empty."""
        return date_text(self.stretches[0].start) if self.stretches else ""

    @cached_property
    def _start(self) -> Floats:
        return np.array([one.start for one in self.stretches])

    @cached_property
    def _stop(self) -> Floats:
        return np.array([one.stop for one in self.stretches])

    @cached_property
    def _at(self) -> Floats:
        return np.array([one.at for one in self.stretches])

    @cached_property
    def _end(self) -> Floats:
        return np.array([one.end for one in self.stretches])

    @cached_property
    def _epoch(self) -> Ints:
        return np.array([one.epoch for one in self.stretches], dtype=np.int64)

    def to_session(self, seconds: float) -> float:
        """Session time of an axis time; inside a break, that of its nearer edge."""
        if not self.is_broken:
            return seconds
        i = max(0, int(np.searchsorted(self._at, seconds, side="right")) - 1)
        if i + 1 < self._at.size and seconds - self._end[i] > self._at[i + 1] - seconds:
            i += 1
        inside = min(max(seconds, self._at[i]), self._end[i])
        return float(min(self._start[i] + (inside - self._at[i]), self._stop[i]))

    def to_axis(self, seconds: float, epoch: int | None = None) -> float:
        """Axis time of a session time: of the first stretch that holds it, or of the nearest."""
        if not self.is_broken:
            return seconds
        if epoch is not None:
            return float(self._all_to_axis(np.array([seconds]), np.array([epoch]))[0])
        i = int(np.argmin(np.maximum(self._start - seconds, seconds - self._stop).clip(0.0)))
        return float(
            self._at[i] + (np.clip(seconds, self._start[i], self._stop[i]) - self._start[i])
        )

    def _all_to_axis(self, seconds: Floats, epochs: Ints) -> Floats:
        """Axis times of session times of known epochs: of stretches that start before them."""
        epochs = np.clip(epochs, 0, self._epoch[-1])
        # complex numbers are in order of their real parts, then of their imaginary parts
        found = np.searchsorted(self._epoch + 1j * self._start, epochs + 1j * seconds, side="right")
        i = np.maximum(found - 1, np.searchsorted(self._epoch, epochs, side="left"))
        inside = np.clip(seconds, self._start[i], self._stop[i])
        return np.asarray(self._at[i] + (inside - self._start[i]))

    def place(self, start: float, stop: float) -> list[Span]:
        """Axis times of an interval of session time: one pair for each stretch it lies in."""
        if not self.is_broken:
            return [(start, stop)]
        here = np.flatnonzero((start < self._stop) & (stop >= self._start))
        first = self._at[here] + (np.maximum(start, self._start[here]) - self._start[here])
        last = self._at[here] + (np.minimum(stop, self._stop[here]) - self._start[here])
        return list(zip(first.tolist(), last.tolist(), strict=True))

    def clock(self, clock: Clock) -> Clock:
        """The clock of one of the probes in axis time, by which it is drawn."""
        if not self.is_broken:
            return clock
        matches = np.array(_match_epochs(_epoch_spans(clock), self.epochs))
        segments = list(clock.segments)
        valid = [i for i, one in enumerate(segments) if one.valid]
        if not valid:
            return clock
        epochs = matches[np.array(clock_epochs(clock))[valid]]
        times = self._all_to_axis(np.array([segments[i].t0 for i in valid]), epochs)
        for i, at in zip(valid, times.tolist(), strict=True):
            segments[i] = replace(segments[i], t0=at)
        return Clock(tuple(segments))

    def ticks(self, start: float, stop: float, n: int) -> list[float]:
        """Axis times of about n ticks from start to stop, at round session times.

        A stretch too short for one of them gets one at the roundest time in it; none lies in a
        break.
        """
        wanted = max(stop - start, 0.0) / max(n, 1)
        step = min(STEPS, key=lambda one: abs(np.log(one / max(wanted, STEPS[0]))))
        while step < wanted / 2:
            step *= 2
        if not self.is_broken:
            return _multiples(step, start, stop)
        found: list[float] = []
        for i in np.flatnonzero((self._at <= stop) & (self._end >= start)).tolist():
            one = self.stretches[i]
            first = one.start + max(start - one.at, 0.0)
            last = one.start + min(stop, one.end) - one.at
            finer = [size for size in reversed(STEPS) if size < step]
            times = next((t for size in (step, *finer) if (t := _multiples(size, first, last))), [])
            found += [one.at + time - one.start for time in times[: max(n, 1)]]
        return _thinned(found, wanted / 2)

    def to_json(self) -> list[list[float]]:
        """Lists ``[at, end, start]`` of the stretches, for axes in JavaScript; none if unbroken."""
        return [[one.at, one.end, one.start] for one in self.stretches] if self.is_broken else []


def _multiples(step: float, start: float, stop: float) -> list[float]:
    first, last = int(np.ceil(start / step - 1e-9)), int(np.floor(stop / step + 1e-9))
    per_second = round(1 / step) if step < 1 else 0  # exact where the step is not
    return [i / per_second if per_second else i * step for i in range(first, last + 1)]


def _thinned(ticks: Sequence[float], least: float) -> list[float]:
    """Leave out ticks whose labels would lie on each other."""
    kept: list[float] = []
    for tick in ticks:
        if not kept or tick - kept[-1] >= least:
            kept.append(tick)
    return kept


def clock_epochs(clock: Clock) -> list[int]:
    """For each segment, how many times the clock was set back before it."""
    epochs, epoch, last, dt = [], 0, -np.inf, 0.0
    for segment in clock.segments:
        if segment.valid:
            epoch += segment.t0 < last - dt / 2
            last, dt = segment.t1, segment.dt
        epochs.append(epoch)
    return epochs


def _epoch_spans(clock: Clock) -> list[Span]:
    """First and last session time of each epoch of a clock."""
    spans: list[Span] = []
    for segment, epoch in zip(clock.segments, clock_epochs(clock), strict=True):
        if segment.valid and epoch == len(spans):
            spans.append((segment.t0, segment.t1))
        elif segment.valid:
            spans[-1] = (spans[-1][0], segment.t1)
    return spans


def _match_epochs(own: Sequence[Span], reference: Sequence[Span]) -> list[int]:
    """For each epoch of a clock, the one of another clock that has more, in the same order.

    Taken so that they overlap in time as much as they can: a probe that started after the reset
    lies under what the others recorded after it.
    """
    n, m = len(own), len(reference)
    if n >= m or n * m > MAX_MATCHES:
        return [min(i, m - 1) for i in range(n)]
    starts, stops = np.array(reference).T
    best = np.zeros((n + 1, m + 1))  # of the first i epochs matched with some of the first j
    best[1:, 0] = -np.inf
    for i, (start, stop) in enumerate(own):
        overlap = (np.minimum(stop, stops) - np.maximum(start, starts)).clip(0.0)
        best[i + 1, 1:] = np.maximum.accumulate(best[i, :-1] + overlap)
    matches, j = [], m
    for i in range(n, 0, -1):
        j = int(np.argmax(best[i, : j + 1]))  # the first that is as good
        matches.append(j - 1)
        j -= 1
    return matches[::-1]


def make_timeline(clocks: Iterable[Clock]) -> Timeline:
    """Find the breaks in the time axis of some probes that are drawn together."""
    clocks = list(clocks)
    reference = max((_epoch_spans(clock) for clock in clocks), key=len, default=[])
    spans = sorted(span for clock in clocks for span in _spans(clock, reference))
    joined: list[list[Any]] = []  # epoch, start, stop
    for epoch, start, stop in spans:
        if joined and joined[-1][0] == epoch and start <= joined[-1][2]:
            joined[-1][2] = max(joined[-1][2], stop)
        else:
            joined.append([epoch, start, stop])
    return Timeline(_lay_out(joined), tuple(reference))


def _spans(clock: Clock, reference: Sequence[Span]) -> list[tuple[int, float, float]]:
    matches = _match_epochs(_epoch_spans(clock), reference)
    return [
        (matches[epoch], segment.t0, segment.t1)
        for segment, epoch in zip(clock.segments, clock_epochs(clock), strict=True)
        if segment.valid
    ]


def _lay_out(joined: Sequence[Sequence[Any]]) -> tuple[Stretch, ...]:
    """Lay epochs and stretches one after the other, and break the axis between them."""
    recorded: float = sum(stop - start for _, start, stop in joined)
    # between neighbours of one epoch; a clock that was set back breaks the axis in any case
    gaps = np.array(
        [
            after[1] - before[2] if after[0] == before[0] else np.inf
            for before, after in pairwise(joined)
        ]
    )
    order = np.argsort(gaps, kind="stable")
    kept = np.cumsum(gaps[order]) <= recorded * (1 / MIN_RECORDED - 1 - BREAKS)
    broken = np.ones(gaps.size, dtype=bool)
    broken[order[kept]] = False
    width = recorded * min(BREAK, BREAKS / max(1, int(broken.sum())))
    stretches: list[list[Any]] = []
    at = 0.0
    for (epoch, start, stop), is_broken in zip(joined, [True, *broken.tolist()], strict=False):
        if is_broken:
            at = at + (stretches[-1][2] - stretches[-1][1]) + width if stretches else start
            stretches.append([epoch, start, stop, at])
        else:
            stretches[-1][2] = stop
    return tuple(Stretch(int(epoch), start, stop, at) for epoch, start, stop, at in stretches)
