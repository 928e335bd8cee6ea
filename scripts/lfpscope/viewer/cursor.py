"""Where the mouse is, and a thread that reads what lies there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bokeh.document import Document
from bokeh.events import MouseLeave, MouseMove
from bokeh.models import Span

from lfpscope.errors import UserError
from lfpscope.viewer.grid import Grid
from lfpscope.viewer.panel import Panel
from lfpscope.viewer.probe_slot import ProbeSlot
from lfpscope.viewer.readout import read_values
from lfpscope.viewer.times import time_of
from lfpscope.viewer.view_state import State
from lfpscope.viewer.worker import Worker


@dataclass(frozen=True)
class Cursor:
    """Where the mouse is: on which probe, and shares of its panel's width and height."""

    probe: str
    across: float
    height: float

    def seconds(self, state: State) -> float:
        """Axis time under the mouse on a page that shows a state."""
        return state.start + self.across * (state.stop - state.start)


class Readings:
    """Reads the values under the cursor, which stays where it is while the page moves.

    Parameters
    ----------
    document : Document
        Of the page.
    slots : sequence of ProbeSlot
        The probes.
    show : callable
        Gets the line of text.
    line : Span
        The crosshair's upright line.
    panels : mapping of str to Panel
        Of the page.

    Attributes
    ----------
    cursor : Cursor or None
        Where the mouse is; None where it is on no probe.
    beside : callable
        Gets a state and an axis time; what else is to be said of that time.
    """

    def __init__(
        self,
        document: Document,
        slots: Sequence[ProbeSlot],
        show: Callable[[str], None],
        line: Span,
        panels: Mapping[str, Panel],
    ) -> None:
        self._document, self._show = document, show
        self._line, self._panels = line, panels
        self.cursor: Cursor | None = None
        self.beside: Callable[[State, float], list[str]] = lambda _state, _seconds: []
        self._slots = {slot.name: slot for slot in slots}
        self._worker = Worker(self._read)

    def move(self, probe: str, event: MouseMove, state: State) -> None:
        """Read what lies where the mouse has come to."""
        if event.x is not None and event.y is not None:
            across = (event.x - state.start) / (state.stop - state.start)
            self.cursor = Cursor(probe, across, event.y)
            self.read(state)

    def leave(self, _event: MouseLeave) -> None:
        """Know that the mouse is on no probe."""
        self.cursor = None

    def read(self, state: State) -> None:
        """Read what lies under the mouse in the picture on the page."""
        if self.cursor is not None:
            shown, cursor = self._panels[self.cursor.probe].shown, self.at_row(state)
            if cursor is None:
                self._show("")
            else:
                self._worker.submit((cursor, state, shown.grid if shown else None))

    def at_row(self, state: State) -> Cursor | None:
        """Where the mouse is, at the height of the row that is drawn there; None at no row."""
        cursor = self.cursor
        if cursor is None:
            return None
        height = self._panels[cursor.probe].row_height(cursor.seconds(state), cursor.height)
        return None if height is None else replace(cursor, height=height)

    def follow(self, state: State) -> None:
        """Keep the crosshair at the mouse on a page that has moved; without it read nothing."""
        if self.cursor is None:
            self._show("")
        else:
            self._line.location = self.cursor.seconds(state)

    def stop(self) -> None:
        """End the thread."""
        self._worker.stop()

    def _read(self, request: tuple[Cursor, State, Grid | None], _stale: Callable[[], bool]) -> None:
        cursor, state, grid = request
        seconds = cursor.seconds(state)
        try:
            with self._slots[cursor.probe].use() as probe:
                reading = read_values(probe, state, seconds, cursor.height, grid)
        except (UserError, OSError) as error:
            text = str(error)
        else:
            at = time_of(state.timeline, seconds, 4)
            nothing = f"{at} · {cursor.probe} · no channel or sample here"
            text = nothing if reading is None else reading.text(state)
            text = " · ".join([text, *self.beside(state, seconds)])
        self._document.add_next_tick_callback(partial(self._show, text))
