"""Intervals, marks and bad channels of a page, and the thread that writes marks."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bokeh.document import Document

from lfpscope.clock.timeline import Span, Timeline
from lfpscope.errors import UserError
from lfpscope.viewer import marks
from lfpscope.viewer.issues import Issue
from lfpscope.viewer.session_folder import Tables
from lfpscope.viewer.view_state import State
from lfpscope.viewer.worker import Worker

ISSUES = "gaps and damage"


class Annotations:
    """What people and the pipeline have written about the time of a session.

    Parameters
    ----------
    document : Document
        Of the page.
    path : Path
        The file of marks.
    tables : Tables
        Intervals, and the marks at first.
    timeline : Timeline
        Of the page.
    issues : sequence of Issue
        Stretches of the recordings that are not as they should be.
    changed : callable
        Called once other marks are there.
    say : callable
        Shows a message.

    Attributes
    ----------
    lane : IntervalLane
        Intervals and the marks of all probes, to be drawn.
    names : list of str
        Kinds of intervals, and ISSUES, to go to.
    bad : frozenset of (str, int)
        Probe and electrode id of channels that were marked as bad.
    """

    def __init__(
        self,
        document: Document,
        path: Path,
        tables: Tables,
        timeline: Timeline,
        issues: Sequence[Issue],
        changed: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        self._document, self._path, self._changed, self._say = document, path, changed, say
        self._intervals, self._timeline, self._issues = tables.lane, timeline, issues
        self._without = frozenset[str]()
        self._at = float("-inf")  # start of what was gone to
        self._set(tables.marks)
        self._writer = Worker(self._write, every=True)

    def _set(self, found: list[marks.Mark]) -> None:
        self._marks = found
        of_all = marks.marked([mark for mark in found if not mark.probe])
        lane = self._intervals.with_marks(of_all, self._timeline)
        self.lane = lane.leave_out(self._without)
        self._stops = self._intervals.with_marks(marks.marked(found), self._timeline)
        self._shown_stops = self._stops.leave_out(self._without)
        self.names = list(dict.fromkeys(kind.name for kind in self._stops.kinds))
        self.names += [ISSUES] if self._issues else []
        self.bad = marks.bad_channels(found)

    def leave_out(self, lines: frozenset[str]) -> None:
        """Show the lane without some of its lines; only who asks for their kind gets there."""
        if lines != self._without:
            self._without = lines
            self._set(self._marks)

    def next_interval(self, state: State, whole: State, step: int, name: str) -> Span | None:
        """The next interval, mark or issue of a kind, or the one before.

        Parameters
        ----------
        state, whole : State
            What the page shows, and the complete recording.
        step : int
            1 or −1.
        name : str
            Of the kind; any interval or mark if empty.
        """
        time = self._place(state, whole, step)
        if name != ISSUES:
            stops = self._stops if name else self._shown_stops
            return self._keep(stops.neighbour(time, step, name))
        after = (one for one in self._issues if (one.start - time) * step > 1e-6)
        found = min(after, key=lambda one: one.start * step, default=None)
        return None if found is None else self._keep((found.start, found.stop))

    def next_block(self, state: State, whole: State, step: int) -> Span | None:
        """The first interval of the next block, or of the one before."""
        return self._keep(self.lane.neighbour_block(self._place(state, whole, step), step))

    def _place(self, state: State, whole: State, step: int) -> float:
        """Time from where to go on: of the complete recording its start, or its end."""
        if state.stop - state.start > 0.999 * (whole.stop - whole.start):
            return whole.start - 1 if step > 0 else whole.stop + 1
        return self._at if state.start <= self._at <= state.stop else state.onset

    def _keep(self, found: Span | None) -> Span | None:
        self._at = self._at if found is None else found[0]
        return found

    def boxes(self, probe: str) -> list[Any]:
        """Marked stretches of some of a probe's channels."""
        return marks.boxes(self._marks, probe)

    def add(
        self,
        pieces: Sequence[marks.Piece],
        note: str,
        probe: str = "",
        channels: Sequence[int] = (),
    ) -> None:
        """Mark stretches of session time, of all channels or of some of a probe."""
        self._writer.submit(partial(marks.add_mark, self._path, pieces, note, probe, channels))

    def remove(self, pieces: Sequence[marks.Piece]) -> None:
        """Take away the last mark that touches one of some stretches."""
        self._writer.submit(partial(marks.remove_mark, self._path, pieces))

    def toggle_bad(self, probe: str, channel: int) -> None:
        """Mark a channel as bad, or no longer."""
        self._writer.submit(partial(marks.toggle_bad, self._path, probe, channel))

    def stop(self) -> None:
        """End the thread once all is written."""
        self._writer.stop()

    def _write(self, change: Callable[[], list[marks.Mark]], _stale: Callable[[], bool]) -> None:
        """Change the file of marks, in a thread: it waits as long as another program has it."""
        try:
            act = partial(self._show, change())
        except UserError as error:
            act = partial(self._say, str(error))
        except OSError as error:
            text = f"The mark could not be written to {self._path}: {error.strerror}."
            act = partial(self._say, text)
        self._document.add_next_tick_callback(act)

    def _show(self, found: list[marks.Mark]) -> None:
        self._set(found)
        self._changed()
