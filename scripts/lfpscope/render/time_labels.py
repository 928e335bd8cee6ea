"""Labels of the time axis of a picture."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal

from matplotlib.axes import Axes

from lfpscope.clock.timeline import Timeline
from lfpscope.formatting import clock_text, date_text, duration_text

Side = Literal["left", "center", "right"]


Tick = tuple[float, str, Side]
"""Axis time, label, and the label's alignment."""


def label_time(axes: Axes, timeline: Timeline, width: int) -> None:
    """Label the time axis with session time, or with the time of day; title below."""
    start, stop = axes.get_xlim()
    ticks, title = time_ticks(timeline, start, stop, width)
    axes.set_xticks([at for at, _, _ in ticks], [label for _, label, _ in ticks])
    for text, (_, _, side) in zip(axes.get_xticklabels(), ticks, strict=True):
        text.set_horizontalalignment(side)
    axes.set_xlabel(title)
    axes.set_xlim(start, stop)


def time_ticks(timeline: Timeline, start: float, stop: float, width: int) -> tuple[list[Tick], str]:
    """Ticks at round session times, and on both sides of each break.

    Returns
    -------
    ticks : list of Tick
        From left to right.
    title : str
        Of the axis.
    """
    step = _round_seconds((stop - start) / max(1, min(12, width // 90)))

    def label(seconds: float, digits: int = 6) -> str:
        return clock_text(round(seconds, digits))

    found: list[Tick] = []
    digits = max(0, -math.floor(math.log10(step)) + 1)
    for before, after in pairwise(timeline.stretches):
        if start < before.end < after.at < stop:
            found.append((before.end, label(before.stop, digits), "right"))
            found.append((after.at, label(after.start, digits), "left"))
    for stretch in timeline.stretches:
        one_piece = len(timeline.stretches) == 1
        left = start if one_piece else stretch.start + max(start - stretch.at, 0)
        right = stop if one_piece else stretch.stop - max(stretch.end - stop, 0)
        for i in range(math.ceil(left / step - 1e-9), math.floor(right / step + 1e-9) + 1):
            at = i * step if one_piece else stretch.at + i * step - stretch.start
            found.append((at, label(i * step), "center"))
    pixels = width / (stop - start)
    return sorted(_without_overlap(found, pixels)), _time_title(timeline)


def _without_overlap(ticks: Sequence[Tick], pixels: float) -> Iterator[Tick]:
    """Leave out labels that would touch one that comes before them in the list."""
    taken: list[tuple[float, float]] = []
    for at, label, side in ticks:
        wide = 7 * len(label) + 8  # pixels
        left = at * pixels - wide * {"left": 0.0, "center": 0.5, "right": 1.0}[side]
        if all(left >= stop or left + wide <= start for start, stop in taken):
            taken.append((left, left + wide))
            yield at, label, side


def _time_title(timeline: Timeline) -> str:
    if not timeline.is_unix:
        return "session time"
    first, last = (
        date_text(seconds).removesuffix(" UTC")
        for seconds in (timeline.stretches[0].start, timeline.stretches[-1].stop)
    )
    return f"time of day on {first}{f' to {last}' if last != first else ''} (UTC)"


def _round_seconds(least: float) -> float:
    """The smallest round number of seconds, minutes or hours that is not smaller."""
    minutes = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 14400)
    if least > 1:
        return next((s for s in (*minutes, 28800, 43200) if s >= least), 86400.0) * 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * (1 - 1e-9))


def describe_breaks(timeline: Timeline) -> list[str]:
    """What a caption says of the breaks in the time axis."""
    resets, left_out, before = [], [], 0.0
    for one, other in pairwise(timeline.stretches):
        before += one.stop - one.start
        if one.epoch != other.epoch:
            resets.append(f"clock reset after {duration_text(before)}")
        else:
            left_out.append(other.start - one.stop)
    said = resets if len(resets) < 3 else [f"{len(resets)} clock resets"]
    if left_out:
        n = len(left_out)
        said.append(f"{duration_text(sum(left_out))} left out" + (f" in {n} gaps" if n > 1 else ""))
    return said
