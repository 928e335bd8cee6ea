"""One page: panels on one clock, redrawn when the range, the window or a control changes."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from bokeh.document import Document
from bokeh.events import MouseLeave, MouseMove, SelectionGeometry

from lfpscope.clock.timeline import Timeline
from lfpscope.errors import UserError
from lfpscope.viewer.annotations import Annotations
from lfpscope.viewer.channel_column import ByHand, LeftOut
from lfpscope.viewer.channel_drawer import TraceReader
from lfpscope.viewer.channel_selection import drop_unknown_areas
from lfpscope.viewer.commands import bind_keys
from lfpscope.viewer.cursor import Readings
from lfpscope.viewer.gestures import (
    change_gain,
    connect_gestures,
    enlarge,
    next_channel,
    next_mode,
    toggle_butterfly,
)
from lfpscope.viewer.intervals import saved_names
from lfpscope.viewer.issues import list_issues
from lfpscope.viewer.keyboard import Key
from lfpscope.viewer.page_layout import PageLayout
from lfpscope.viewer.page_sheets import PageExtras, toggles
from lfpscope.viewer.panel import send
from lfpscope.viewer.picture import Picture
from lfpscope.viewer.redraw import Pictures
from lfpscope.viewer.saving import Savings
from lfpscope.viewer.session_folder import Opened, SessionFolder, Tables, first_states, only_open
from lfpscope.viewer.state_query import from_query
from lfpscope.viewer.times import read_axis_time, time_of
from lfpscope.viewer.typed import TypedReader, type_channels, type_order, type_transform
from lfpscope.viewer.view_state import MODES, State

WATCH_MS = 1000  # milliseconds between looks at what has become of the probes


class Page:
    """The models, the state and the workers of one browser tab.

    Its models are made first, which takes a quarter of a second and may be done ahead; then it is
    put into a tab's document.

    Parameters
    ----------
    session : SessionFolder
        Whose.
    opened : dict of Probe or UserError
        Its probes, open or with the reason why not.
    on_complete : callable
        Called in a thread once the browser shows all pictures.

    Attributes
    ----------
    tables : Tables
        Intervals and marks; to be read, in a thread, before the page is opened.
    state : State
        What the page shows.
    """

    def __init__(
        self, session: SessionFolder, opened: Opened, on_complete: Callable[[], None]
    ) -> None:
        self.opened, self.tables = opened, Tables()
        self._session, self._on_complete = session, on_complete
        self._whole, self._opening = first_states(opened)
        self.state = self._opening
        self._is_showing = self._settling = self._ready = self._outdated = False
        self._issues = list_issues(only_open(opened), self._whole.timeline)
        self._layout = PageLayout(
            session.name, opened, session.sizes, session.ratio, self._whole, self._keys()
        )
        self.panels = self._layout.panels
        self._connect()

    def open(
        self, document: Document, query: dict[str, str], renew: Callable[["Page"], None]
    ) -> None:
        """Fill the document of a tab, as its address asks.

        Parameters
        ----------
        document : Document
            Empty.
        query : dict of str
            Fields of the address.
        renew : callable
            Puts a new page in the place of the one it gets.
        """
        self._document, self._renew = document, renew
        say, slots = self._layout.show_message, self._session.slots
        self._pictures = Pictures(document, slots, self._show)
        mouse = self._layout.show_reading, self._layout.plots.cursor, self.panels
        self._readings = Readings(document, slots, *mouse)
        drawer = self._layout.drawer
        self._traces = TraceReader(document, slots, drawer.show, drawer.spectra.show)
        self._savings = Savings(document, self._session, self._layout.download, say)
        of_page = document, self._session, self._layout
        go_to = partial(self._go_to, what="period", step=1)
        self._extras = PageExtras(*of_page, self._leave_out, go_to, self._pictures.draw_again)
        self._readings.beside = self._extras.lanes.words
        self._annotations = Annotations(
            document,
            self._session.marks,
            self.tables,
            self.timeline,
            self._issues,
            changed=self._annotations_changed,
            say=say,
        )
        self._watch = document.add_periodic_callback(self._look_at_probes, WATCH_MS)
        document.on_session_destroyed(lambda _context: self._end())
        try:
            self._fill(query)
        except BaseException:
            self._end()
            raise

    def _fill(self, query: dict[str, str]) -> None:
        self._show_annotations()
        # only now: a model that is on a page already would not send its mouse events
        with self._document.models.freeze():  # counts the models once
            for root in self._layout.roots:
                self._document.add_root(root)
        state, doubts = from_query(query, self.state)
        if not self._layout.errors:  # a probe that is not open may have other areas
            state, unknown = drop_unknown_areas(state, self._layout.controls.area_names)
            doubts += unknown
        self.apply(state)
        problems = [f"Not understood in the address: {', '.join(doubts)}"] if doubts else []
        if problems or self.tables.problems:
            self._layout.show_message(" ".join([*problems, *self.tables.problems]))

    def _show_annotations(self) -> None:
        self._layout.controls.offer_kinds(self._annotations.names)
        bad = self._annotations.bad
        self._whole, self.state = (replace(s, bad=bad) for s in (self._whole, self.state))

    def _annotations_changed(self) -> None:
        self._show_annotations()
        self._changed("", None, None)

    def _look_at_probes(self) -> None:
        """Have failed probes tried again; where one was opened, have a new page made."""
        self._session.try_again()
        known = self._session.known_probes()
        self._layout.show_errors(known, self._session.describe_progress())
        fresh = [not isinstance(p, UserError) and p is not self.opened[n] for n, p in known.items()]
        if any(fresh) and not self._outdated:
            self._outdated = True
            self._renew(self)

    def own_query(self) -> dict[str, str]:
        """Fields of the address in which the page differs from how it was opened."""
        own, first = (dict(parse_qsl(s.to_query())) for s in (self.state, self._opening))
        return {name: value for name, value in own.items() if first.get(name) != value}

    @property
    def timeline(self) -> Timeline:
        """Of its time axis."""
        return self._whole.timeline

    def _connect(self) -> None:
        """Connect models with what they do."""
        for prop in ("start", "end"):
            self._layout.time.on_change(prop, self._changed)
        for name, panel in self.panels.items():
            panel.figure.on_change("inner_width", self._changed)
            panel.figure.on_change("inner_height", self._changed)
            panel.figure.on_event(MouseMove, partial(self._hover, name))
            panel.figure.on_event(MouseLeave, lambda event: self._readings.leave(event))
            panel.figure.on_event(SelectionGeometry, partial(self._box_drawn, name))
            panel.mode.on_change("active", partial(self._mode_chosen, name))
        connect_gestures(self._layout, lambda: self.state, self.apply)
        self._layout.screen.on_change("data", self._changed)
        self._layout.address.on_visit(lambda query: self.apply(from_query(query, self._whole)[0]))
        controls = self._layout.controls
        controls.back.on_click(lambda: self.apply(self.state.page(-1)))
        controls.on.on_click(lambda: self.apply(self.state.page(1)))
        controls.previous.on_click(lambda: self.go_to_interval(-1))
        controls.next.on_click(lambda: self.go_to_interval(1))
        controls.length.on_change("active", self._length_chosen)
        controls.mark.on_click(self.mark_range)
        controls.help.on_click(self._layout.toggle_help)
        controls.save.on_event("menu_item_click", lambda event: self.save_picture(event.item))
        controls.time.on_change("value", self._time_typed)
        controls.on_choice(self._controls_changed)
        controls.depths.on_change("value", partial(self._typed, type_channels))
        controls.transform.on_change("value", partial(self._typed, type_transform))
        controls.sort.on_change("value", partial(self._typed, type_order))

    def apply(self, state: State) -> None:
        """Show another state, as far as the recording goes."""
        self.state = state.inside(self._whole.start, self._whole.stop)
        with self._showing():
            self._layout.show(self.state)
        self._readings.follow(self.state)
        self._changed("", None, None)

    @contextmanager
    def _showing(self) -> Iterator[None]:
        """What controls change meanwhile is not the user's choice."""
        self._is_showing = True
        try:
            yield
        finally:
            self._is_showing = False

    def close_extras(self) -> None:
        """Close help, message and the channel shown alone."""
        self._layout.keyboard.help.visible = False
        self._extras.close()
        self.apply(self.state.show_alone(None))

    def go_to_interval(self, step: int) -> None:
        """Show the next interval of the kind chosen, or the one before."""
        kind = self._layout.controls.kind.value
        found = self._annotations.next_interval(self.state, self._whole, step, kind)
        self._go_to(found, kind or "interval", step)

    def go_to_block(self, step: int) -> None:
        """Show the first interval of the next block, or of the one before."""
        found = self._annotations.next_block(self.state, self._whole, step)
        self._go_to(found, "block", step)

    def _go_to(self, found: tuple[float, float] | None, what: str, step: int) -> None:
        if found is None:
            where = "after" if step > 0 else "before"
            self._layout.show_message(f"There is no {what} {where} this one.")
        else:
            self.apply(self.state.from_onset(*found))

    def _leave_out(self, channels: LeftOut, by_hand: ByHand) -> None:
        known: Any = {"left_out": channels, "by_hand": by_hand}
        self._whole = replace(self._whole, **known)
        self.apply(replace(self.state, **known))

    def mark_range(self) -> None:
        """Write a mark for what the page shows."""
        self._annotations.add(self.state.pieces, self._layout.controls.note.value_input)

    def _box_drawn(self, probe: str, event: SelectionGeometry) -> None:
        """Write a mark for some time of some channels."""
        box = event.geometry
        if event.final and box["type"] == "rect":
            channels = self.panels[probe].channels_between(*sorted((box["y0"], box["y1"])))
            pieces = self.state.at(box["x0"], box["x1"]).pieces
            self._annotations.add(pieces, self._layout.controls.note.value_input, probe, channels)

    def toggle_bad(self) -> None:
        """Mark the channel under the cursor as bad, or no longer."""
        at = self._readings.at_row(self.state)
        channel = at and self.panels[at.probe].electrode_at(self.state, at.height)
        if channel:
            self._annotations.toggle_bad(*channel)

    def save_picture(self, suffix: str = ".png") -> None:
        """Write the view as a picture, with what it takes to render it again."""
        size = max((panel.frame for panel in self.panels.values()), default=(0, 0))
        # what cannot be shown cannot be saved either
        state = replace(self.state, hidden=self.state.hidden | self._layout.errors.keys())
        lines = saved_names(self._annotations.lane.lines, self.state.without)
        blocks = self._layout.spans.data
        self._savings.submit(state, size, (lines, blocks, self._extras.lanes.strips), suffix)

    def _time_typed(self, _name: str, _old: str, text: str) -> None:
        if not text:
            return
        self._layout.controls.time.value = ""  # the same time again is another change
        try:
            seconds = read_axis_time(self.state.timeline, text)
        except ValueError:
            self._layout.show_message(f"{text}: not a time. Write 1:02.5 or 62.5.")
            return
        self._show_time(seconds)

    def _show_time(self, seconds: float) -> None:
        both = self._whole.start, self._whole.stop
        self.apply(self.state.around(seconds))
        if not both[0] <= seconds <= both[1]:
            ends = " to ".join(time_of(self.timeline, end, 1) for end in both)
            self._layout.show_message(f"The recording lasts from {ends}.")

    def _typed(self, read: TypedReader, _name: str, _old: str, text: str) -> None:
        try:
            self.apply(read(only_open(self.opened), self.state, text))
        except ValueError as error:
            self._layout.show_message(str(error))

    def _mode_chosen(self, probe: str, _name: str, _old: int, active: int | None) -> None:
        mode = None if active is None else list(MODES)[active]  # None: power of a band
        if mode and mode != self.state.mode(probe, self.panels[probe].size[0]):
            self.apply(self.state.drawn_as(mode, probe))

    def _length_chosen(self, _name: str, _old: int | None, active: int | None) -> None:
        if not self._is_showing and active is not None:
            self.apply(self.state.long(self._layout.controls.length_of(active)))

    def _controls_changed(self, _name: str, _old: Any, _new: Any) -> None:
        changed = self.state if self._is_showing else self._layout.controls.read(self.state)
        if changed != self.state:
            self.apply(changed)

    def _hover(self, probe: str, event: MouseMove) -> None:
        time = self._layout.time  # has moved already where the page has not settled yet
        self._readings.move(probe, event, self.state.at(time.start, time.end))

    def _changed(self, _name: str, _old: Any, _new: Any) -> None:
        # start and end change one after the other: wait until both have
        if not self._settling:
            self._settling = True
            self._document.add_next_tick_callback(self._settled)

    def _settled(self) -> None:
        self._settling = False
        self.state = self.state.at(self._layout.time.start, self._layout.time.end)
        sizes = self._layout.scale_depths(self.state)
        self._session.sizes |= sizes
        with self._showing():
            self._layout.controls.show_length(self.state)
        self._session.ratio = self._layout.screen.data["ratio"][0]
        width = max((size[0] for size in sizes.values()), default=1)
        self._annotations.leave_out(self.state.without)
        self._layout.axis.show_lines(self._annotations.lane.lines, self.state.without)
        blocks = self._annotations.lane.blocks(self.state.start, self.state.stop, max(1, width))
        send(self._layout.spans, blocks)
        for name, panel in self.panels.items():
            panel.fit(self.state)
            panel.outline(self._annotations.boxes(name), self.state.timeline)
        self._layout.address.show(self.state.to_query())
        self._layout.show_title(self.state, width)
        self._layout.point_out(self.state)
        self._traces.want(self.state, width)
        self._extras.want(self.state)
        self._pictures.want(self.state, sizes, self._session.ratio)
        self._get_ready()

    def _show(self, name: str, picture: Picture | UserError, state: State) -> None:
        self.panels[name].show(picture, state)
        self._extras.views.show(name, picture, state)
        if self._readings.cursor and self._readings.cursor.probe == name:
            self._readings.read(self.state)
        self._get_ready()

    def _get_ready(self) -> None:
        """Once the page is there, have it got ready what follows."""
        if not self._ready and all(
            panel.complete for name, panel in self.panels.items() if name in self.state.shown
        ):
            self._ready = True
            threading.Thread(target=self._on_complete, daemon=True).start()

    def close(self) -> None:
        """End the threads: another page has taken this one's place."""
        with suppress(ValueError):  # if it has ended before
            self._document.remove_periodic_callback(self._watch)
        self._extras.views.unwatch()
        self._end()

    def _end(self) -> None:
        readers = self._pictures, self._readings, self._traces
        for worker in (*readers, self._savings, self._annotations, self._extras):
            worker.stop()

    def _keys(self) -> list[Key]:
        acts = {
            "0": lambda: self.apply(self.state.at(self._whole.start, self._whole.stop)),
            "h": lambda: self.apply(next_mode(self.state, self.panels)),
            "a": lambda: self.apply(self.state.drawn_as(None)),
            "y": lambda: self.apply(toggle_butterfly(self.state)),
            "ArrowUp": lambda: self.apply(change_gain(self.state, self.panels, 1)),
            "ArrowDown": lambda: self.apply(change_gain(self.state, self.panels, -1)),
            "g": lambda: self.apply(replace(self.state, is_auto=True)),
            "n": lambda: self.go_to_interval(1),
            "p": lambda: self.go_to_interval(-1),
            "N": lambda: self.go_to_block(1),
            "P": lambda: self.go_to_block(-1),
            "m": self.mark_range,
            "u": lambda: self._annotations.remove(self.state.pieces),
            "b": self.toggle_bad,
            **toggles(lambda: self._extras, lambda: self.state),
            "o": lambda: self.apply(enlarge(self.state, self._readings.cursor)),
            "s": self.save_picture,
            "?": lambda: self._layout.toggle_help(),
            "Escape": self.close_extras,
            "Shift+ArrowDown": lambda: self.apply(next_channel(self.state, self.panels, 1)),
            "Shift+ArrowUp": lambda: self.apply(next_channel(self.state, self.panels, -1)),
            "Backspace": lambda: None,  # the browser's history does it
        }
        return bind_keys(lambda change: self.apply(change(self.state)), acts)
