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
        "colour": [interval_colour(one.name) for one in here],
    }
