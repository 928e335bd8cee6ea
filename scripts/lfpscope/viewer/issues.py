"""Stretches of a recording that are not as they should be."""

from collections.abc import Iterable
from dataclasses import dataclass

from lfpscope.clock.segments import Clock
from lfpscope.clock.timeline import Span, Timeline
from lfpscope.envelope.read import OpenProbe
from lfpscope.viewer.shown_probe import axis_clock
from lfpscope.viewer.times import find_seams


@dataclass(frozen=True)
class Issue:
    """A stretch of a probe, in axis time, that is not as it should be."""

    start: float
    stop: float
    what: str


def list_issues(probes: Iterable[OpenProbe], timeline: Timeline) -> list[Issue]:
    """All issues of some probes."""
    return [issue for probe in probes for issue in find_issues(probe, timeline)]


def find_issues(probe: OpenProbe, timeline: Timeline) -> list[Issue]:
    """Gaps, clock resets, stretches without a time, and damaged chunks of a probe, in words."""
    name, clock = probe.references.probe, axis_clock(probe, timeline)
    seams = find_seams(probe.references.clock, drawn_by=clock)
    issues = [_gap(name, *pair) for pair in seams]
    samples = sum(s.n_samples for s in clock.segments if not s.valid)
    if samples:
        text = f"{name}: {samples} samples have no usable time and are not shown"
        issues.append(Issue(clock.t0, clock.t0, text))
    height = probe.references.layout.chunks[0]
    rows: dict[int, list[str]] = {}
    for damage in probe.damaged:
        rows.setdefault(damage.row, []).append(damage.reason)
    for row, reasons in sorted(rows.items()):
        text = f"{name}: damaged chunks: {len(reasons)} ({reasons[0]})"
        issues.append(Issue(*_stretch(clock, row * height, (row + 1) * height), text))
    return issues


def _stretch(clock: Clock, first: int, stop: int) -> tuple[float, float]:
    """Times of samples first to stop; where none of them has one, the recording's start."""
    parts = [(max(first, one.first_sample), min(stop, one.stop_sample)) for one in clock.valid]
    known = [clock.seconds(i) for begin, end in parts if begin < end for i in (begin, end - 1)]
    return min(known, default=clock.t0), max(known, default=clock.t0)


def _gap(name: str, gap: Span, drawn: Span) -> Issue:
    """Name a gap, or a clock reset; what is drawn of it lies in axis time."""
    start, stop = gap
    if stop < start:
        text = f"{name}: clock reset: the clock is set back by {start - stop:.3f} s"
    else:
        text = f"{name}: gap of {stop - start:.3f} s in the clock"
    return Issue(min(drawn), max(drawn), text)
