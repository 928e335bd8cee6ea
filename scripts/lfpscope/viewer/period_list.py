"""A sheet that lists periods of all probes and marks; a click goes there."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from bokeh.document import Document
from bokeh.models import MultiSelect, Select

from lfpscope.clock.timeline import Span, Timeline
from lfpscope.errors import UserError
from lfpscope.periods.table import read_periods
from lfpscope.result_files import PERIODS
from lfpscope.viewer.marks import marked, read_marks
from lfpscope.viewer.overlay import Overlay
from lfpscope.viewer.session_folder import SessionFolder
from lfpscope.viewer.style import CONTROL
from lfpscope.viewer.times import time_of
from lfpscope.viewer.view_state import WITHOUT_BREAKS, State
from lfpscope.viewer.worker import Worker

MAX_LINES = 2000  # that a browser lists without a wait
ALL, MARK = "all kinds", "mark"
MAX_NAMED = 3  # channels that a line names


@dataclass(frozen=True)
class Entry:
    """A line of the list: session time in seconds, its kind, and more words."""

    start: float
    stop: float
    kind: str
    words: str


def read_entries(session: SessionFolder) -> list[Entry]:
    """Read periods of all probes and marks of a session, in the order of time."""
    found = []
    for slot in session.slots:
        table = slot.folder / PERIODS
        for one in read_periods(table) if table.is_file() else ():
            strength = f"{one.strength:.3g}"
            words = " · ".join(filter(None, [slot.name, _channels(one.channels), strength]))
            found.append(Entry(one.start, one.stop, one.kind, words))
    marks = marked(read_marks(session.marks))
    found += [Entry(one.start, one.stop, MARK, one.name) for one in marks]
    return sorted(found, key=lambda one: (one.start, one.stop, one.kind, one.words))


def _channels(ids: Sequence[int]) -> str:
    """Name a few channels, or count them."""
    return f"{len(ids)} channels" if len(ids) > MAX_NAMED else " ".join(map(str, ids))


class PeriodList:
    """The sheet and the thread that reads what it lists.

    Parameters
    ----------
    document : Document
        Of the page.
    session : SessionFolder
        Whose.
    go_to : callable
        Shows a stretch of axis time.
    closed : callable
        Called when its button is pressed, and once a line is chosen.

    Attributes
    ----------
    layout : Column
        To be put on the page.
    """

    def __init__(
        self,
        document: Document,
        session: SessionFolder,
        go_to: Callable[[Span | None], None],
        closed: Callable[[], None],
    ) -> None:
        self._document, self._session = document, session
        self._go_to, self._closed = go_to, closed
        self._entries: list[Entry] = []
        self._state: State | None = None
        self._kind = Select(
            options=[ALL], value=ALL, width=280, name="period kind", stylesheets=[CONTROL], margin=0
        )
        self._kind.on_change("value", self._kind_chosen)
        self._lines = MultiSelect(size=20, sizing_mode="stretch_both", name="periods")
        self._lines.on_change("value", self._line_chosen)
        self._sheet = Overlay((self._kind,), "lists", closed)
        self._sheet.show([self._lines])
        self.layout = self._sheet.layout
        self._worker: Worker[None] = Worker(self._read)

    def want(self, state: State) -> None:
        """Read the tables, which may have changed."""
        self._state = state
        self._worker.submit(None)

    def stop(self) -> None:
        """End the thread."""
        self._worker.stop()

    def _read(self, _request: None, _stale: Callable[[], bool]) -> None:
        try:
            entries, words = read_entries(self._session), ""
        except (UserError, OSError, ValueError) as error:
            entries, words = [], str(error)
        self._document.add_next_tick_callback(partial(self._show, entries, words))

    def _show(self, entries: list[Entry], words: str) -> None:
        if entries == self._entries and not words and entries:
            return  # the list stays where it was scrolled to
        self._entries = entries
        kinds = Counter(one.kind for one in entries)
        self._kind.options = [(ALL, ALL), *((kind, f"{kind} ({n})") for kind, n in kinds.items())]
        if self._kind.value not in (ALL, *kinds):
            self._kind.value = ALL
        self._fill(words)

    def _kind_chosen(self, _name: str, _old: str, _new: str) -> None:
        self._fill("")

    def _fill(self, words: str) -> None:
        kind = self._kind.value
        chosen = [i for i, one in enumerate(self._entries) if kind in (ALL, one.kind)]
        lines = [(str(i), self._line(self._entries[i])) for i in chosen[:MAX_LINES]]
        self._lines.update(options=lines, value=[])
        if words:
            self._sheet.say(words, is_wrong=True)
        elif len(chosen) > MAX_LINES:
            self._sheet.say(f"the first {MAX_LINES} of {len(chosen)}: choose a kind")
        else:
            self._sheet.say(f"{len(chosen)} periods and marks · a click goes there")

    def _line(self, one: Entry) -> str:
        place, timeline = self._place(one), self._timeline
        at = time_of(timeline, place[0], 2) if place else f"{one.start:.2f} s"
        return f"{at} · {one.stop - one.start:.2f} s · {one.kind} · {one.words}"

    @property
    def _timeline(self) -> Timeline:
        return self._state.timeline if self._state else WITHOUT_BREAKS

    def _place(self, one: Entry) -> Span | None:
        """Axis time of an entry; None where no probe has samples."""
        return next(iter(self._timeline.place(one.start, one.stop)), None)

    def _line_chosen(self, _name: str, _old: Sequence[str], new: Sequence[str]) -> None:
        if new:
            entry = self._entries[int(new[0])]
            self._lines.value = []
            self._closed()
            self._go_to(self._place(entry))
