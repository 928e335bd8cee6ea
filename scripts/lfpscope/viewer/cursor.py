"""Where the mouse is, and a thread that reads what lies there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from bokeh.document import Document

from lfpscope.errors import UserError
from lfpscope.viewer.grid import Grid
from lfpscope.viewer.probe_slot import ProbeSlot
from lfpscope.viewer.readout import read_values
from lfpscope.viewer.times import time_of
from lfpscope.viewer.view_state import State
from lfpscope.viewer.worker import Worker


@dataclass(frozen=True)
class Cursor:
    """Where the mouse is: on which probe, session time, and height of the panel from 0 to 1."""

    probe: str
    seconds: float
    height: float


class Readings:
    """Reads the values under the cursor.

    Parameters
    ----------
    document : Document
        Of the page.
    slots : sequence of ProbeSlot
        The probes.
    show : callable
        Gets the line of text.
    """

    def __init__(
        self, document: Document, slots: Sequence[ProbeSlot], show: Callable[[str], None]
    ) -> None:
        self._document, self._show = document, show
        self._slots = {slot.name: slot for slot in slots}
        self._worker = Worker(self._read)

    def submit(self, cursor: Cursor, state: State, grid: Grid | None) -> None:
        """Read what lies under the cursor, in a picture with a grid."""
        self._worker.submit((cursor, state, grid))

    def stop(self) -> None:
        """End the thread."""
        self._worker.stop()

    def _read(self, request: tuple[Cursor, State, Grid | None], _stale: Callable[[], bool]) -> None:
        cursor, state, grid = request
        try:
            with self._slots[cursor.probe].use() as probe:
                reading = read_values(probe, state, cursor.seconds, cursor.height, grid)
        except (UserError, OSError) as error:
            text = str(error)
        else:
            at = time_of(state.timeline, cursor.seconds, 4)
            nothing = f"{at} · {cursor.probe} · no sample here"
            text = nothing if reading is None else reading.text(state)
        self._document.add_next_tick_callback(partial(self._show, text))
