"""Named stretches of the session: stimuli, epochs, marks."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lfpscope.areas import area_colour
from lfpscope.files import read_table

MOST = 400  # that are shaded at once; more would hide what they are about
TRANSPARENT = "#ffffff00"
LETTER = 8  # pixels, about


@dataclass(frozen=True, order=True)
class Interval:
    """A named stretch of session time, seconds."""

    start: float
    stop: float
    name: str


def read_intervals(path: Path) -> list[Interval]:
    """Intervals of a table with the columns start, stop and name, in order; none without a file.

    Rows without a start are left out; an interval without an end is a point.
    """
    if not path.exists():
        return []
    found = []
    for row in read_table(path):
        start, stop = _number(row.get("start")), _number(row.get("stop"))
        if start is not None:
            stop = start if stop is None else max(stop, start)
            found.append(Interval(start, stop, row.get("name") or ""))
    return sorted(found)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def inside(intervals: Sequence[Interval], start: float, stop: float) -> list[Interval]:
    """Those that have a time in a range."""
    return [one for one in intervals if one.start <= stop and one.stop >= start]


def neighbour(intervals: Sequence[Interval], middle: float, step: int) -> Interval | None:
    """The next interval whose middle lies after a time (step 1), or before it (step −1)."""
    ordered = sorted(intervals, key=_middle)
    middles = [_middle(one) for one in ordered]
    if step > 0:
        at = bisect_right(middles, middle + 1e-6)
    else:
        at = sum(one < middle - 1e-6 for one in middles) - 1
    return ordered[at] if 0 <= at < len(ordered) else None


def _middle(interval: Interval) -> float:
    return (interval.start + interval.stop) / 2


def shading(
    intervals: Sequence[Interval], start: float, stop: float, width: int
) -> dict[str, list[Any]]:
    """Columns for the page: intervals in a range, and names where `width` has room for them."""
    here = inside(intervals, start, stop)
    if len(here) > MOST:
        text = f"{len(here)} intervals: zoom in to see them"
        return {
            "start": [start],
            "stop": [stop],
            "name": [text],
            "label": [text],
            "at": [start],
            "colour": [TRANSPARENT],
        }
    per_second = width / (stop - start)
    room = [(min(one.stop, stop) - max(one.start, start)) * per_second for one in here]
    return {
        "start": [one.start for one in here],
        "stop": [one.stop for one in here],
        "name": [one.name for one in here],
        "label": [
            one.name if len(one.name) * LETTER < pixels else ""
            for one, pixels in zip(here, room, strict=True)
        ],
        "at": [max(one.start, start) for one in here],
        "colour": [area_colour(one.name) for one in here],
    }
