"""Where a page shows no samples, or uncertain ones, and why.

Gaps, what lies beyond a recording's ends, and what depends on how a filter continues a segment.
"""

from typing import Any

from lfpscope.clock.segments import Clock
from lfpscope.envelope.read import OpenProbe
from lfpscope.formatting import duration_text
from lfpscope.viewer.shown_probe import axis_clock
from lfpscope.viewer.times import find_seams
from lfpscope.viewer.view_state import State

LEAST = 3  # pixels, from which on a gap is hatched
LETTER = 7.5  # pixels, about
HATCH, UNCERTAIN, PLAIN = "/", "\\", " "
APART = {HATCH: 10, UNCERTAIN: 30, PLAIN: 10}  # pixels between lines: values are seen below
UNCERTAIN_TEXT = "uncertain: end of a segment, filtered"


def no_gaps() -> dict[str, list[Any]]:
    """Columns of what is hatched: axis times, pattern, what, its label, middle, lines' distance."""
    names = "start", "stop", "pattern", "what", "label", "middle", "apart"
    return {name: [] for name in names}


def find_empty(
    probe: OpenProbe, state: State, width: int, uncertain_s: float = 0.0
) -> dict[str, list[Any]]:
    """Find what a page of some pixels' width shows without samples or uncertain, as columns.

    Gaps that are breaks of the time axis are not among them: those are drawn as breaks.

    Parameters
    ----------
    probe, state
        Of what.
    width : int
        Pixels.
    uncertain_s : float
        Seconds at each end of a segment that are uncertain.
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
    doubtful = [(at, UNCERTAIN_TEXT, UNCERTAIN) for at in uncertain_ends(clock, uncertain_s)]
    for (start, stop), what, pattern in [*gaps, *ends, *doubtful]:
        first, last = max(start, state.start), min(stop, state.stop)
        is_break = pattern != UNCERTAIN and any(
            start < high and stop > low for low, high in state.timeline.breaks
        )
        if last - first < LEAST * pixel or is_break:
            continue
        label = what if (len(what) + 2) * LETTER * pixel < last - first else ""
        row = first, last, pattern, what, label, (first + last) / 2, APART[pattern]
        for column, value in zip(columns.values(), row, strict=True):
            column.append(value)
    return columns


def uncertain_ends(clock: Clock, seconds: float) -> list[tuple[float, float]]:
    """So many seconds at both ends of each segment that has a time; all of a shorter one."""
    found: list[tuple[float, float]] = []
    for one in clock.valid if seconds else ():
        inner = one.t0 + seconds, one.t1 - seconds
        is_all = inner[0] >= inner[1]
        found += [(one.t0, one.t1)] if is_all else [(one.t0, inner[0]), (inner[1], one.t1)]
    return found
