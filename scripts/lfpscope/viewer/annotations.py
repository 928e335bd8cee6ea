"""Intervals, marks and bad channels of a page, and the thread that writes marks."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bokeh.document import Document

from lfpscope.clock.timeline import Timeline
from lfpscope.errors import UserError
from lfpscope.viewer import marks
from lfpscope.viewer.session_folder import Tables
from lfpscope.viewer.worker import Worker


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
    changed : callable
        Called once other marks are there.
    say : callable
        Shows a message.

    Attributes
    ----------
    lane : IntervalLane
        Intervals and the marks of all probes, to be drawn.
    stops : IntervalLane
        The same and the marks of single probes, to go to.
    bad : frozenset of (str, int)
        Probe and electrode id of channels that were marked as bad.
    """

    def __init__(
        self,
        document: Document,
        path: Path,
        tables: Tables,
        timeline: Timeline,
        changed: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        self._document, self._path, self._changed, self._say = document, path, changed, say
        self._intervals, self._timeline = tables.lane, timeline
        self._set(tables.marks)
        self._writer = Worker(self._write, every=True)

    def _set(self, found: list[marks.Mark]) -> None:
        self._marks = found
        of_all = marks.marked([mark for mark in found if not mark.probe])
        self.lane = self._intervals.with_marks(of_all, self._timeline)
        self.stops = self._intervals.with_marks(marks.marked(found), self._timeline)
        self.bad = marks.bad_channels(found)

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
