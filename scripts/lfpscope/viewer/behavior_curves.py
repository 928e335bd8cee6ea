"""Running speed, pupil area and the like as curves of lanes."""

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from lfpscope.clock.timeline import Timeline
from lfpscope.envelope.behavior import read_behavior
from lfpscope.nwb.behavior import Series
from lfpscope.typing import Floats
from lfpscope.viewer.lane_curves import Curve

FIRST = re.compile("speed|velocity|pupil", re.IGNORECASE)  # in names of what is shown first
MAX_SERIES = 2  # that are shown
GAP_STEPS = 10  # times the usual one from sample to sample: there the line is broken
KEPT = 4  # sessions
SET_BACK = "its clock is set back where those of the probes are not"


@lru_cache(KEPT)
def read_curves(
    path: Path, timeline: Timeline, _stamp: tuple[int, int]
) -> tuple[tuple[Curve, ...], dict[str, str]]:
    """Read the curves of a session's behavior, and why others are not there.

    Raises
    ------
    UserError
        If the file is damaged.
    """
    found, missing = list[Curve](), dict[str, str]()
    for one in choose_series(read_behavior(path)):
        curve = make_curve(one, timeline)
        if curve is None:
            missing[one.name] = SET_BACK
        else:
            found.append(curve)
    if others := [one.name for one in found[MAX_SERIES:]]:
        missing[f"lane of {', '.join(others)}"] = f"{MAX_SERIES} are shown"
    return tuple(found[:MAX_SERIES]), missing


def choose_series(series: Sequence[Series]) -> list[Series]:
    """Bring series in the order in which they are shown: speed and pupil come first."""
    return sorted(series, key=lambda one: FIRST.search(one.name) is None)


def make_curve(series: Series, timeline: Timeline) -> Curve | None:
    """Place a series on the axis of a page; None where it is not known where it belongs."""
    points = _place(series, timeline)
    if points is None:
        return None
    times, values = _break_at_gaps(*points, is_envelope=series.bucket > 1)
    of = f"every {series.bucket} samples" if series.bucket > 1 else "every sample"
    return Curve(
        name=series.name,
        about=series.path.split("/")[-2],
        unit=series.unit,
        times=times,
        values=values,
        detail=f"{series.path}, {of}",
        is_envelope=series.bucket > 1,
    )


def _place(series: Series, timeline: Timeline) -> tuple[Floats, Floats] | None:
    """Axis time and value of each point; an empty stretch between those of two stretches."""
    times = np.stack([series.start, series.stop], axis=1).ravel()
    values = np.stack([series.low, series.high], axis=1).ravel()
    if series.bucket == 1:
        times, values = series.start, series.low
    steps = np.diff(times)
    backwards = steps < 0
    if backwards.any() and -steps.min() < np.median(steps) / 2:  # they tremble
        order = np.argsort(times, kind="stable")
        times, values, backwards = times[order], values[order], backwards & False
    epochs = np.append(0, np.cumsum(backwards))
    if epochs[-1] != max((one.epoch for one in timeline.stretches), default=0):
        return None
    if not timeline.is_broken:
        return times, values
    pieces = []
    for one in timeline.stretches:
        here = (epochs == one.epoch) & (times >= one.start) & (times <= one.stop)
        pieces.append((one.at + (times[here] - one.start), values[here]))
        pieces.append((np.array([one.end]), np.array([np.nan])))
    placed, numbers = zip(*pieces, strict=True)
    return np.concatenate(placed), np.concatenate(numbers)


def _break_at_gaps(times: Floats, values: Floats, *, is_envelope: bool) -> tuple[Floats, Floats]:
    """Put NaN where no sample is for long; an envelope has two points in each bucket."""
    steps = np.diff(times)
    usual = np.median(steps[::2] if is_envelope else steps) if steps.size else 0.0
    gaps = np.flatnonzero(steps > GAP_STEPS * usual) + 1
    return np.insert(times, gaps, times[gaps - 1]), np.insert(values, gaps, np.nan)
