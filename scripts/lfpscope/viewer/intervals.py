"""Intervals on the page: which to show, and where the next one is."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from lfpscope.areas import interval_colour
from lfpscope.intervals import Interval, inside

MOST = 400  # that are shaded at once; more would hide what they are about
TRANSPARENT = "#ffffff00"
LETTER = 8  # pixels, about


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
    labels: list[str] = []
    places: list[float] = []
    free = start  # from here on there is no label yet
    for one in here:
        at = max(one.start, free)
        end = at + len(one.name) * LETTER * (stop - start) / width
        fits = end < min(one.stop, stop)
        labels.append(one.name if fits else "")
        places.append(at)
        free = end if fits else free
    return {
        "start": [one.start for one in here],
        "stop": [one.stop for one in here],
        "name": [one.name for one in here],
        "label": labels,
        "at": places,
        "colour": [interval_colour(one.name) for one in here],
    }
