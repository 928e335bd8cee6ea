"""Where a page shows no samples, and why: gaps, and what lies beyond a recording's ends."""

from typing import Any

from lfpscope.envelope.read import OpenProbe
from lfpscope.formatting import duration_text
from lfpscope.viewer.picture import axis_clock
from lfpscope.viewer.times import find_seams
from lfpscope.viewer.view_state import State

LEAST = 3  # pixels, from which on a gap is hatched
LETTER = 7.5  # pixels, about
HATCH, PLAIN = "/", " "


def no_gaps() -> dict[str, list[Any]]:
    """Columns of what is hatched: axis times, pattern, what it is, its label, and its middle."""
    return {"start": [], "stop": [], "pattern": [], "what": [], "label": [], "middle": []}


def find_empty(probe: OpenProbe, state: State, width: int) -> dict[str, list[Any]]:
    """Find what a page of some pixels' width shows without samples, as columns.

    Gaps that are breaks of the time axis are not among them: those are drawn as breaks.
    """
    columns, clock = no_gaps(), axis_clock(probe, state.timeline)
    if not clock.valid or not width:
        return columns
    seams = find_seams(probe.references.clock, clock)
    gaps = [(at, f"gap of {duration_text(t1 - t0)}", HATCH) for (t0, t1), at in seams if t1 > t0]
    ends = [
        ((state.start, clock.t0), "before the recording", PLAIN),
        ((clock.t1, state.stop), "after the recording", PLAIN),
    ]
    pixel = (state.stop - state.start) / width
    for (start, stop), what, pattern in [*gaps, *ends]:
        first, last = max(start, state.start), min(stop, state.stop)
        is_break = any(start < high and stop > low for low, high in state.timeline.breaks)
        if last - first < LEAST * pixel or is_break:
            continue
        label = what if (len(what) + 2) * LETTER * pixel < last - first else ""
        row = first, last, pattern, what, label, (first + last) / 2
        for column, value in zip(columns.values(), row, strict=True):
            column.append(value)
    return columns
