"""A session's folder: its probes, its intervals and marks, where pictures are saved."""

import csv
import math
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lfpscope.clock.timeline import Timeline
from lfpscope.errors import UserError
from lfpscope.io.progress import read_progress
from lfpscope.nwb.intervals import read_intervals
from lfpscope.result_files import INTERVALS, MARKS, REFERENCES, VIEWS, find_probe_folders
from lfpscope.viewer.intervals import IntervalLane, make_lane
from lfpscope.viewer.marks import Mark, read_marks
from lfpscope.viewer.probe_slot import ProbeSlot
from lfpscope.viewer.view_state import WITHOUT_BREAKS, State, round_scale

if TYPE_CHECKING:
    from lfpscope.envelope.read import OpenProbe

DEVIATIONS = 10  # standard deviations of a typical channel that the scale bar stands for at first
FIRST_SECONDS = 2.0  # of a recording that is not summarised yet
Opened = dict[str, "OpenProbe | UserError"]
"""The probes of a session by name, open or with the reason why not."""


@dataclass(frozen=True)
class Tables:
    """What people and the pipeline have written about the time of a session.

    Attributes
    ----------
    lane : IntervalLane
        Intervals.
    marks : list of Mark
        Of the file of marks.
    problems : list of str
        Why one of them could not be read.
    """

    lane: IntervalLane = field(default_factory=lambda: make_lane([], WITHOUT_BREAKS))
    marks: list[Mark] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class SessionFolder:
    """The folder of a session's results.

    Parameters
    ----------
    folder : Path
        With ``probes/<probe>/lfp.json``.
    moved : (str, str), optional
        Start of the sources' addresses, and what stands there now.
    first : Path, optional
        A folder with references of the same probes, to be opened until they are summarised.

    Attributes
    ----------
    slots : list of ProbeSlot
        Its probes.
    marks : Path
        The file of marks and bad channels.
    views : Path
        Folder of saved pictures.
    sizes : dict of (int, int)
        Of each probe's picture on the page seen last, pixels. On the next one it will have the same
        size, most likely, and can be drawn while the browser still loads the page.
    ratio : float
        Pixels of the screen in one of these, on the page seen last.
    """

    def __init__(
        self, folder: Path, moved: tuple[str, str] | None = None, first: Path | None = None
    ) -> None:
        self.folder, self.name = folder, folder.name
        self.marks, self.views = folder / MARKS, folder / VIEWS
        self.sizes: dict[str, tuple[int, int]] = {}
        self.ratio = 1.0
        self.slots = [
            ProbeSlot(folder / "probes" / one.name, moved, one / REFERENCES if first else None)
            for one in find_probe_folders(first or folder)
        ]
        self._lane: tuple[tuple[int, int, Timeline], IntervalLane] | None = None

    def known_probes(self) -> Opened:
        """All probes as they are known; nothing is opened."""
        return {slot.name: slot.known for slot in self.slots}

    def open_probes(self) -> Opened:
        """All probes; those that are not open are opened, which may take a minute."""
        return {slot.name: _open_or_why(slot) for slot in self.slots}

    def try_again(self) -> None:
        """Have what could not be opened, or only from samples, tried again, in threads."""
        for slot in self.slots:
            if isinstance(slot.known, UserError) or slot.is_outdated:
                slot.try_again()

    def describe_progress(self) -> str:
        """How far summaries that are awaited have come; empty where nothing is known."""
        waiting = [slot for slot in self.slots if slot.awaits_summary]
        stages = [(slot.name, read_progress(slot.folder)) for slot in waiting]
        return " · ".join(f"{name}: {stage.text}" for name, stage in stages if stage)

    def refresh(self, patience: float) -> None:
        """Open what has changed or can be opened again, as far as that goes in some seconds."""
        end = time.monotonic() + patience
        started = [slot for slot in self.slots if slot.refresh()]
        while time.monotonic() < end and any(slot.is_busy for slot in started):
            time.sleep(0.005)

    def read_tables(self, timeline: Timeline) -> Tables:
        """Read intervals and marks; one that cannot be read costs only itself."""
        unreadable = UserError, OSError, ValueError, csv.Error
        problems: list[str] = []
        lane = make_lane([], timeline)
        found: list[Mark] = []
        try:
            lane = self._read_intervals(timeline)
        except unreadable as error:
            problems.append(f"Intervals are not shown: {error}")
        try:
            found = read_marks(self.marks)
        except unreadable as error:
            problems.append(f"Marks are not shown: {error}")
        return Tables(lane, found, problems)

    def _read_intervals(self, timeline: Timeline) -> IntervalLane:
        """Intervals, read again only if their file has changed: there may be 70,000."""
        path = self.folder / INTERVALS
        if not path.exists():
            return make_lane([], timeline)
        status = path.stat()
        key = status.st_size, status.st_mtime_ns, timeline
        if self._lane is None or key != self._lane[0]:
            self._lane = key, make_lane(read_intervals(path), timeline)
        return self._lane[1]


def _open_or_why(slot: ProbeSlot) -> "OpenProbe | UserError":
    try:
        return slot.open()
    except UserError as error:
        return error


def first_states(opened: Opened) -> tuple[State, State]:
    """Show the whole recording, and what a new page shows: two seconds where that must wait."""
    probes = only_open(opened)
    whole = replace(first_state(probes), probes=tuple(opened))
    most = min((probe.most_seconds for probe in probes), default=math.inf)
    if whole.stop - whole.start <= most:
        return whole, whole
    middle = (whole.start + whole.stop) / 2
    return whole, whole.at(middle, middle + min(FIRST_SECONDS, most))


def only_open(opened: Opened) -> "list[OpenProbe]":
    """Those that are open."""
    return [one for one in opened.values() if not isinstance(one, UserError)]


def source_addresses(folder: Path) -> list[str]:
    """Addresses of the files that a session's probes refer to, as they were indexed."""
    from lfpscope.references.schema import read_header

    found = {read_header(one / REFERENCES).address for one in find_probe_folders(folder)}
    return sorted(found)


def first_state(probes: list["OpenProbe"]) -> State:
    """Show the whole recording, at one gain that suits a typical channel of all probes."""
    import numpy as np

    from lfpscope.clock.timeline import make_timeline

    clocks = [probe.references.clock for probe in probes if probe.references.clock.valid]
    timeline = make_timeline(clocks) if clocks else WITHOUT_BREAKS
    clocks = [timeline.clock(clock) for clock in clocks]
    start = min((clock.t0 for clock in clocks), default=0.0)
    stop = max((clock.t1 for clock in clocks), default=1.0)
    alive = [probe.std[~probe.dead & np.isfinite(probe.std)] for probe in probes]
    spread = np.concatenate(alive) if alive else np.empty(0)
    typical = float(np.median(spread)) if spread.size else 50e-6
    names = tuple(probe.references.probe for probe in probes)
    gain = round_scale(DEVIATIONS * typical * 1e6)
    return State(start, stop, gain, names, timeline=timeline, is_auto=True)
