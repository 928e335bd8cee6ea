"""Intervals on the page: blocks that can be seen at every zoom, and where the next one is."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.clock.timeline import Timeline
from lfpscope.nwb.intervals import Interval
from lfpscope.render.areas import interval_colours

MAX_BLOCKS = 400  # on the page; where there are more, neighbours of a kind are joined
LETTER = 8  # pixels, about
MAX_COLOURS = 64  # no two alike; where there are more kinds, colours come again
FEW = 30  # blocks on the page, up to which each is shaded in the picture, its onset a line
SHADE = 0.05  # enough to see it, little enough to see what is in it
ONSET = 0.04  # of the picture's height: an onset where there are more
MIN_PIXELS = 1.5  # width of a block that is always seen
Floats = npt.NDArray[np.float64]
MARK = "#2166ac"  # of marks


class IntervalLane:
    """Intervals and marks in axis time, as arrays: a session may have 70,000.

    Parameters
    ----------
    names, colours : sequence of str
        Of each kind.
    table : ndarray of float64, shape (n, 3)
        Kind, start and stop of each interval.
    """

    def __init__(self, names: Sequence[str], colours: Sequence[str], table: Floats) -> None:
        self._names, self._colours, self._table = list(names), list(colours), table
        # by kind, then by time: neighbours of a kind lie side by side
        ordered = table[np.lexsort((table[:, 2], table[:, 1], table[:, 0]))]
        self._kind, self._start, self._stop = ordered.T
        self._order = np.argsort(self._start, kind="stable")
        self._onsets = self._start[self._order]

    def with_marks(self, marks: Sequence[Interval], timeline: Timeline) -> "IntervalLane":
        """Add marks, in session time."""
        names = sorted({one.name for one in marks})
        table = _place(marks, names, timeline)
        table[:, 0] += len(self._names)
        return IntervalLane(
            [*self._names, *names],
            [*self._colours, *[MARK] * len(names)],
            np.concatenate([self._table, table]),
        )

    def neighbour(self, time: float, step: int) -> tuple[float, float] | None:
        """The next interval that starts after a time (step 1), or before it (step −1)."""
        if step > 0:
            at = int(np.searchsorted(self._onsets, time + 1e-6, "right"))
        else:
            at = int(np.searchsorted(self._onsets, time - 1e-6, "left")) - 1
        if not 0 <= at < self._order.size:
            return None
        found = self._order[at]
        return float(self._start[found]), float(self._stop[found])

    def blocks(self, start: float, stop: float, width: int) -> dict[str, list[Any]]:
        """Columns for the page: what lies in a range, joined where it cannot be told apart.

        Parameters
        ----------
        start, stop : float
            Axis time, seconds.
        width : int
            Of the picture, pixels.
        """
        pixel = (stop - start) / width
        here = (self._start <= stop) & (self._stop >= start)
        kind, first, last = self._kind[here], self._start[here], self._stop[here]
        names, colours = self._names, self._colours
        if np.count_nonzero(kind[1:] != kind[:-1]) >= MAX_BLOCKS:  # each has a name of its own
            order = np.argsort(first, kind="stable")
            kind, first, last = np.zeros(order.size), first[order], last[order]
            names, colours = ["interval"], [MARK]
        near = pixel
        while True:
            starts, ends = _join(kind, first, last, near)
            if starts.size <= MAX_BLOCKS or near > stop - start:
                break
            near *= 2
        reach = np.maximum.reduceat(last, starts) if starts.size else last
        counts = (ends - starts).tolist()
        left, kinds = first[starts].tolist(), [int(k) for k in kind[starts]]
        right = np.maximum(reach, first[starts] + MIN_PIXELS * pixel).tolist()
        titles = [
            names[k] if n == 1 else f"{n} × {names[k]}" for k, n in zip(kinds, counts, strict=True)
        ]
        labels, places = _place_labels(left, right, titles, stop, pixel)
        is_few = len(left) <= FEW
        return {
            "start": left,
            "stop": right,
            "name": titles,
            "label": labels,
            "at": places,
            "colour": [colours[k] for k in kinds],
            "low": [0 if is_few else 1 - ONSET] * len(left),
            "shade": [SHADE if is_few else 0] * len(left),
        }


def make_lane(intervals: Sequence[Interval], timeline: Timeline) -> IntervalLane:
    """Place intervals, in session time, on the axis of a page."""
    names = sorted({one.name for one in intervals})
    different = list(interval_colours(names[:MAX_COLOURS]).values())
    colours = [different[i % len(different)] for i in range(len(names))]
    return IntervalLane(names, colours, _place(intervals, names, timeline))


def _place(some: Sequence[Interval], names: Sequence[str], timeline: Timeline) -> Floats:
    """Kind, and start and stop in axis time, of each part of each interval."""
    kinds = {name: i for i, name in enumerate(names)}
    rows = [
        (kinds[one.name], start, stop)
        for one in some
        for start, stop in timeline.place(one.start, one.stop)
    ]
    return np.array(rows, np.float64).reshape(-1, 3)


def _join(kind: Floats, first: Floats, last: Floats, near: float) -> tuple[Any, Any]:
    """Where groups of intervals start and end: of one kind, none farther apart than `near`."""
    if not kind.size:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    # kinds one after the other on one axis, so that no interval reaches into the next kind
    shift = kind * (last.max() - first.min() + 2 * near)
    reach = np.maximum.accumulate(last - first.min() + shift)
    apart = first[1:] - first.min() + shift[1:] > reach[:-1] + near
    starts = np.flatnonzero(np.concatenate([[True], apart | (kind[1:] != kind[:-1])]))
    return starts, np.append(starts[1:], kind.size)


def _place_labels(
    left: list[float], right: list[float], titles: list[str], stop: float, pixel: float
) -> tuple[list[str], list[float]]:
    """Names where there is room for them, and where they begin."""
    labels, places = [""] * len(left), list(left)
    free = -np.inf  # from here on there is no label yet
    for i in sorted(range(len(left)), key=lambda i: (left[i], -right[i])):
        at = max(left[i], free)
        end = at + len(titles[i]) * LETTER * pixel
        if end < min(right[i], stop):
            labels[i], places[i], free = titles[i], at, end
    return labels, places
