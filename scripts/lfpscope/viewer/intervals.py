"""Intervals on the page: blocks that can be seen at every zoom, and where the next one is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.clock.timeline import Timeline
from lfpscope.nwb.intervals import Interval
from lfpscope.render.areas import interval_colours
from lfpscope.typing import Floats

MAX_BLOCKS = 400  # on the page; where there are more, neighbours of a kind are joined
LETTER = 8  # pixels, about
MAX_COLOURS = 64  # no two alike; where there are more kinds, colours come again
FEW = 30  # blocks on the page, up to which each is shaded in the picture, its onset a line
SHADE = 0.05  # enough to see it, little enough to see what is in it
ONSET = 0.04  # of the picture's height: an onset where there are more
MIN_PIXELS = 1.5  # width of a block that is always seen
MARK = "#2166ac"  # of marks
MARKS, OTHERS = "marks", "others"  # lines that are no table
UNNAMED = "intervals"  # line of a table without a name
MAX_LINES = 6
LONG_PAUSE = 5  # times the usual interval from onset to onset: there a block ends


@dataclass(frozen=True, order=True)
class Kind:
    """Intervals of one table with one name."""

    table: str
    name: str


class IntervalLane:
    """Intervals and marks in axis time, as arrays: a session may have 70,000.

    Parameters
    ----------
    kinds : sequence of Kind
        In the order of their lines.
    colours : sequence of str
        Of each kind.
    times : ndarray of float64, shape (n, 3)
        Kind, start and stop of each interval.
    about : sequence of str
        Further columns of each interval.

    Attributes
    ----------
    lines : list of str
        Names of the lines, from the top down: of each table one, at most MAX_LINES.
    """

    def __init__(
        self, kinds: Sequence[Kind], colours: Sequence[str], times: Floats, about: Sequence[str]
    ) -> None:
        self.kinds, self._colours = list(kinds), list(colours)
        self._times, self._texts = times, list(about)
        # by kind, then by time: neighbours of a kind lie side by side
        order = np.lexsort((times[:, 2], times[:, 1], times[:, 0]))
        self._kind, self._start, self._stop = times[order].T
        self._about = [self._texts[i] for i in order.tolist()]
        tables = list(dict.fromkeys(kind.table for kind in kinds))
        names = [table or UNNAMED for table in tables]
        self.lines = names if len(names) <= MAX_LINES else [*names[: MAX_LINES - 1], OTHERS]
        self._line = [min(tables.index(kind.table), MAX_LINES - 1) for kind in kinds]

    def with_marks(self, marks: Sequence[Interval], timeline: Timeline) -> "IntervalLane":
        """Add marks, in session time, as a line of their own."""
        kinds = [Kind(MARKS, name) for name in sorted({one.name for one in marks})]
        tabled = [replace(one, table=MARKS) for one in marks]
        times, about = _place(tabled, kinds, timeline)
        times[:, 0] += len(self.kinds)
        return IntervalLane(
            [*self.kinds, *kinds],
            [*self._colours, *[MARK] * len(kinds)],
            np.concatenate([self._times, times]),
            [*self._texts, *about],
        )

    def leave_out(self, lines: frozenset[str]) -> "IntervalLane":
        """Empty some lines, which keep their place."""
        hidden = [i for i, line in enumerate(self._line) if self.lines[line] in lines]
        if not hidden:
            return self
        kept = np.flatnonzero(~np.isin(self._times[:, 0], hidden))
        about = [self._texts[i] for i in kept.tolist()]
        return IntervalLane(self.kinds, self._colours, self._times[kept], about)

    def neighbour(self, time: float, step: int, name: str = "") -> tuple[float, float] | None:
        """The next interval that starts after a time (step 1), or before it (step −1).

        Parameters
        ----------
        time : float
            Axis time, seconds.
        step : int
            1 or −1.
        name : str
            Of the intervals that count; all if empty.
        """
        found = self._of(name)
        found = found[np.argsort(self._start[found], kind="stable")]
        return self._nearest(found, time, step)

    def neighbour_block(self, time: float, step: int) -> tuple[float, float] | None:
        """The first interval of the next block, or of the one before.

        A block is a run of intervals of one table without a pause far above what is usual there.
        """
        lines = np.array(self._line, np.int64)[self._kind.astype(np.int64)]
        order = np.lexsort((self._start, lines))
        start, line = self._start[order], lines[order]
        # lines one after the other on one axis, so that no interval reaches into the next one
        shift = line * (1 + np.ptp(np.concatenate([self._start, self._stop, [0.0]])))
        pauses = (start + shift)[1:] - np.maximum.accumulate(self._stop[order] + shift)[:-1]
        same = line[1:] == line[:-1]
        onsets = [start[line == one] for one in range(len(self.lines))]
        usual = [np.median(np.diff(one)) if one.size > 1 else np.inf for one in onsets]
        first = np.ones(order.size, np.bool_)
        first[1:] = ~same | (pauses > LONG_PAUSE * np.array(usual)[line[1:]])
        found = order[first]
        found = found[np.argsort(self._start[found], kind="stable")]
        return self._nearest(found, time, step)

    def _of(self, name: str) -> npt.NDArray[np.int64]:
        wanted = [i for i, kind in enumerate(self.kinds) if name in ("", kind.name)]
        return np.flatnonzero(np.isin(self._kind, wanted))

    def _nearest(
        self, found: npt.NDArray[np.int64], time: float, step: int
    ) -> tuple[float, float] | None:
        onsets = self._start[found]
        if step > 0:
            at = int(np.searchsorted(onsets, time + 1e-6, "right"))
        else:
            at = int(np.searchsorted(onsets, time - 1e-6, "left")) - 1
        if not 0 <= at < found.size:
            return None
        return float(onsets[at]), float(self._stop[found[at]])

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
        index = np.flatnonzero(here)
        names, colours, lines = [one.name for one in self.kinds], self._colours, self._line
        if np.count_nonzero(kind[1:] != kind[:-1]) >= MAX_BLOCKS:  # each has a name of its own
            n = len(self.lines)
            names, colours, lines = self.lines, [MARK] * n, list(range(n))
            kind = np.array(self._line, np.float64)[kind.astype(np.int64)]
            order = np.lexsort((first, kind))
            kind, first, last, index = kind[order], first[order], last[order], index[order]
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
        rows = [lines[k] for k in kinds]
        labels, places = _place_labels(left, right, titles, rows, stop, pixel)
        is_few = len(left) <= FEW
        about = [
            self._about[i] if n == 1 else ""
            for i, n in zip(index[starts].tolist(), counts, strict=True)
        ]
        return {
            "start": left,
            "stop": right,
            "name": titles,
            "about": about,
            "label": labels,
            "at": places,
            "colour": [colours[k] for k in kinds],
            "low": [0 if is_few else 1 - ONSET] * len(left),
            "shade": [SHADE if is_few else 0] * len(left),
            "bottom": [len(self.lines) - 1 - row for row in rows],
            "top": [len(self.lines) - row for row in rows],
            "middle": [len(self.lines) - 0.5 - row for row in rows],
        }


def saved_names(lines: Sequence[str], without: frozenset[str]) -> list[str]:
    """Names of lines in a picture that nobody can click: it says which were left out."""
    return [f"hidden: {line}" if line in without else line for line in lines]


def make_lane(intervals: Sequence[Interval], timeline: Timeline) -> IntervalLane:
    """Place intervals, in session time, on the axis of a page."""
    tables = list(dict.fromkeys(one.table for one in intervals))  # in the order of time
    kinds = sorted(
        {Kind(one.table, one.name) for one in intervals},
        key=lambda kind: (tables.index(kind.table), kind.name),
    )
    names = sorted({kind.name for kind in kinds})
    colours = interval_colours(names[:MAX_COLOURS])
    different = list(colours.values())
    of_names = {name: different[i % len(different)] for i, name in enumerate(names)}
    times, about = _place(intervals, kinds, timeline)
    return IntervalLane(kinds, [of_names[kind.name] for kind in kinds], times, about)


def _place(
    some: Sequence[Interval], kinds: Sequence[Kind], timeline: Timeline
) -> tuple[Floats, list[str]]:
    """Kind, and start and stop in axis time, of each part of each interval; further columns."""
    numbers = {kind: i for i, kind in enumerate(kinds)}
    rows = [
        (numbers[Kind(one.table, one.name)], start, stop, one.about)
        for one in some
        for start, stop in timeline.place(one.start, one.stop)
    ]
    return np.array([row[:3] for row in rows], np.float64).reshape(-1, 3), [r[3] for r in rows]


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
    left: list[float],
    right: list[float],
    titles: list[str],
    rows: list[int],
    stop: float,
    pixel: float,
) -> tuple[list[str], list[float]]:
    """Names where there is room for them, and where they begin."""
    labels, places = [""] * len(left), list(left)
    free: dict[int, float] = {}  # of each line, from where on there is no label yet
    for i in sorted(range(len(left)), key=lambda i: (left[i], -right[i])):
        at = max(left[i], free.get(rows[i], -np.inf))
        end = at + len(titles[i]) * LETTER * pixel
        if end < min(right[i], stop):
            labels[i], places[i], free[rows[i]] = titles[i], at, end
    return labels, places
