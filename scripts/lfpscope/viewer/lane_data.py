"""What the lanes below the panels show: theta, ripples, behavior; read once for all pages."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from lfpscope.clock.segments import Clock
from lfpscope.clock.timeline import Span, Timeline
from lfpscope.envelope.read import OpenProbe
from lfpscope.errors import UserError
from lfpscope.periods.channels import find_good, find_hippocampal
from lfpscope.periods.table import RIPPLE, THETA, Period, read_periods
from lfpscope.periods.theta import choose_theta_channels, read_powers, theta_course, why_no_theta
from lfpscope.result_files import BAD_CHANNELS, BEHAVIOR, CHANNELS, PERIODS, SPECTRA
from lfpscope.signals.spectra import find_windows
from lfpscope.typing import Ints
from lfpscope.viewer.behavior_curves import read_curves
from lfpscope.viewer.lane_curves import Curve, step_points
from lfpscope.viewer.session_folder import SessionFolder
from lfpscope.viewer.shown_probe import axis_clock
from lfpscope.viewer.view_state import State

THETA_LANE, RIPPLE_LANE = "theta/delta", "ripples"
BIN_S = 10.0  # in which ripples are counted
LEAST_RECORDED = 0.1  # of a bin: with less there is no rate
KEPT = 12  # probes
DAMAGED = "its file is damaged"
BROKEN = UserError, OSError, LookupError, TypeError, ValueError
Stamp = tuple[tuple[int, int], ...]
"""Size and time of each file; zeros where there is none."""


@dataclass(frozen=True)
class Lanes:
    """Curves, and why others are not there.

    Attributes
    ----------
    curves : tuple of Curve
        From the top down.
    missing : dict of str to str
        Name of a lane, and the reason in a few words.
    """

    curves: tuple[Curve, ...] = ()
    missing: dict[str, str] = field(default_factory=dict)


def read_lanes(session: SessionFolder, state: State) -> Lanes:
    """Read what the lanes of a page show; what is missing or damaged costs its own lane alone."""
    found, missing = [], {}
    name = choose_probe(session, state)
    slot = next((one for one in session.slots if one.name == name), None)
    if slot is not None:
        for lane, read in READERS.items():
            try:
                with slot.use() as probe:
                    found += [read(probe, state.timeline, _stamp(probe))]
            except Absent as error:
                missing[lane] = str(error)
            except BROKEN:
                missing[lane] = DAMAGED
    path = session.folder / BEHAVIOR
    if path.is_file():
        try:
            curves, others = read_curves(path, state.timeline, _file_stamp(path))
            found, missing = [*found, *curves], missing | others
        except BROKEN:
            missing["behavior"] = DAMAGED
    return Lanes(tuple(found), missing)


def choose_probe(session: SessionFolder, state: State) -> str:
    """Choose the probe that lanes are of.

    The large one, else that of the channel shown alone, else the first that passes through the
    hippocampus, else the first.
    """
    chosen = [state.large, state.channel[0] if state.channel else ""]
    found = next((name for name in chosen if name in state.shown), "")
    if found:
        return found
    known = {slot.name: slot.known for slot in session.slots}
    shown = [name for name in state.shown if not isinstance(known.get(name), UserError | None)]
    inside = (name for name in shown if find_hippocampal(known[name]).any())  # type: ignore[arg-type]
    return next(inside, next(iter(shown), ""))


class Absent(Exception):  # noqa: N818 - nothing has gone wrong
    """Why a lane is not there, in a few words."""


def _stamp(probe: OpenProbe) -> Stamp:
    folder = probe.references.file.parent
    paths = [*(folder / name for name in (SPECTRA, PERIODS, CHANNELS)), _by_hand(probe)]
    return tuple(_file_stamp(path) for path in paths)


def _file_stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def _by_hand(probe: OpenProbe) -> Path:
    return probe.references.file.parents[2] / BAD_CHANNELS


@lru_cache(KEPT)
def _theta(probe: OpenProbe, timeline: Timeline, _stamp: Stamp) -> Curve:
    """Theta over delta, of the channels and by the rule of ``periods.csv``."""
    folder = probe.references.file.parent
    if not (folder / SPECTRA).is_file():
        raise Absent("no spectrum")
    powers = read_powers(folder / SPECTRA)
    windows = find_windows(axis_clock(probe, timeline))
    if powers is None or windows is None:
        raise Absent("the sampling rate is not known")
    good = find_good(folder / CHANNELS, _by_hand(probe), probe)
    if why := why_no_theta(powers, good):
        raise Absent(why)
    channels = choose_theta_channels(powers, good)
    if not channels.size:
        raise Absent("no good channel")
    times, values = step_points(windows.edges, theta_course(powers, channels))
    detail = f"4–10 Hz / 0.5–4 Hz power, median of {_channels_text(probe, channels)}"
    table = folder / PERIODS
    shaded = _place(read_periods(table), THETA, timeline) if table.is_file() else []
    spans = tuple(span for span, _ in shaded)
    return Curve(THETA_LANE, probe.references.probe, "", times, values, detail, spans)


@lru_cache(KEPT)
def _ripples(probe: OpenProbe, timeline: Timeline, _stamp: Stamp) -> Curve:
    """Ripples in each BIN_S of recording."""
    table = probe.references.file.parent / PERIODS
    if not table.is_file():
        raise Absent("no periods")
    periods = [one for one in read_periods(table) if one.kind == RIPPLE]
    if not periods:
        raise Absent("none was found")
    placed = _place(periods, RIPPLE, timeline)
    times, values = ripple_rate([span for span, _ in placed], axis_clock(probe, timeline))
    ids = np.array(periods[0].channels, np.int64)
    channels = np.flatnonzero(np.isin(probe.references.channels.id, ids))
    detail = f"in {BIN_S:g} s, on {_channels_text(probe, channels)}"
    return Curve(
        name=RIPPLE_LANE,
        about=probe.references.probe,
        unit="/min",
        times=times,
        values=values,
        detail=detail,
        events=tuple(span for span, _ in placed),
        strengths=tuple(one.strength for _, one in placed),
    )


READERS: dict[str, Callable[[OpenProbe, Timeline, Stamp], Curve]] = {
    THETA_LANE: _theta,
    RIPPLE_LANE: _ripples,
}


def _place(periods: list[Period], kind: str, timeline: Timeline) -> list[tuple[Span, Period]]:
    """Axis times of periods; not of those whose session time occurs twice, and which is unknown."""
    placed = [(timeline.place(one.start, one.stop), one) for one in periods if one.kind == kind]
    return sorted(((spans[0], one) for spans, one in placed if len(spans) == 1), key=lambda p: p[0])


def ripple_rate(spans: list[Span], clock: Clock) -> tuple[np.ndarray, np.ndarray]:
    """Ripples that start in each bin, a minute of recording.

    Parameters
    ----------
    spans : list of (float, float)
        Axis times of ripples.
    clock : Clock
        Of the probe, in axis time.

    Returns
    -------
    times, values : ndarray of float64
        Points of a curve, see `step_points`; NaN in bins with little recording.
    """
    edges = np.arange(clock.t0, clock.t1 + BIN_S, BIN_S)
    ends = np.array([(one.t0, one.t1) for one in clock.valid])
    recorded = np.cumsum(np.ptp(ends, axis=1))
    so_far = np.stack([np.append(0, recorded[:-1]), recorded], axis=1)
    seconds = np.diff(np.interp(edges, ends.ravel(), so_far.ravel()))
    n = np.histogram([start for start, _ in spans], edges)[0]
    rate = np.full(n.size, np.nan)
    enough = seconds > LEAST_RECORDED * BIN_S
    rate[enough] = n[enough] * 60 / seconds[enough]
    bins = np.stack([edges[:-1], np.minimum(edges[1:], clock.t1)], axis=1)
    return step_points(bins, rate)


def _channels_text(probe: OpenProbe, channels: Ints) -> str:
    """How many channels, and from which depth to which."""
    about = probe.references.channels
    depth = about.columns.get("depth")
    words = f"{channels.size} channel{'s' * (channels.size != 1)}"
    if depth is None or about.depth_axis is None or not np.isfinite(depth[channels]).any():
        return f"{words} of {probe.references.probe}"
    low, high = np.nanmin(depth[channels]), np.nanmax(depth[channels])
    at = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    return f"{words} at {at} {about.depth_axis.unit} of {probe.references.probe}".replace("  ", " ")
