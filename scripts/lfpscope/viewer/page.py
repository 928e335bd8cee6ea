"""One page: panels on one clock, redrawn when the range, the window or a control changes."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from typing import Any
from urllib.parse import parse_qsl

from bokeh.document import Document
from bokeh.events import MouseLeave, MouseMove, SelectionGeometry
from bokeh.models import (
    Column,
    Div,
    GlobalInlineStyleSheet,
    Range1d,
)
from bokeh.models.dom import HTML

from lfpscope.clock.timeline import Timeline
from lfpscope.envelope.read import Probe
from lfpscope.errors import UserError
from lfpscope.render.areas import area_colours
from lfpscope.viewer import marks
from lfpscope.viewer.controls import Controls, address_bar, area_names, navigation
from lfpscope.viewer.keyboard import Key, Keyboard
from lfpscope.viewer.labels import axis_width, has_depth
from lfpscope.viewer.lanes import minimap, time_axis
from lfpscope.viewer.models import Plots
from lfpscope.viewer.panel import Panel, error_panel, send, show_error
from lfpscope.viewer.picture import Picture
from lfpscope.viewer.readout import channel_at, read_values
from lfpscope.viewer.redraw import Pictures
from lfpscope.viewer.session_folder import Opened, SessionFolder, Tables, first_state, only_open
from lfpscope.viewer.style import LEFT, MESSAGE, PAGE, SCROLL, text_line
from lfpscope.viewer.times import read_axis_time, time_of
from lfpscope.viewer.view_state import State, from_query, read_depths
from lfpscope.viewer.worker import Worker

WATCH_MS = 1000  # milliseconds between looks at what has become of the probes


@dataclass(frozen=True)
class Cursor:
    """Where the mouse is: on which probe, session time, and height of the panel from 0 to 1."""

    probe: str
    seconds: float
    height: float


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
        probes = only_open(opened)
        self.state = self._whole = replace(first_state(probes), probes=tuple(opened))
        self._cursor: Cursor | None = None
        self._settling = self._ready = self._outdated = False
        self._layout = self._build(probes)
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
        self._pictures = Pictures(document, self._session.slots, self._show)
        self._readings = Worker(self._read)
        self._savings = Worker(self._save)
        self._changes = Worker(self._write_marks, every=True)
        self._watch = document.add_periodic_callback(self._look_at_probes, WATCH_MS)
        document.on_session_destroyed(lambda _context: self._end())
        try:
            self._fill(query)
        except BaseException:
            self._end()
            raise

    def _fill(self, query: dict[str, str]) -> None:
        self._marks = self.tables.marks
        self._make_lane()
        # only now: a model that is on a page already would not send its mouse events
        with self._document.models.freeze():  # counts the models once
            for root in (self._layout, self._address, self._keyboard.pressed):
                self._document.add_root(root)
        state, doubts = from_query(query, self.state)
        self.apply(state)
        problems = [f"Not understood in the address: {', '.join(doubts)}"] if doubts else []
        if problems or self.tables.problems:
            self._say(" ".join([*problems, *self.tables.problems]))

    def _make_lane(self) -> None:
        """Place intervals and marks on the axis of the page."""
        of_all = [mark for mark in self._marks if not mark.probe]
        timeline = self._whole.timeline
        self._lane = self.tables.lane.with_marks(marks.marked(of_all), timeline)
        self._stops = self.tables.lane.with_marks(marks.marked(self._marks), timeline)
        bad = marks.bad_channels(self._marks)
        self._whole, self.state = (replace(s, bad=bad) for s in (self._whole, self.state))

    def _look_at_probes(self) -> None:
        """Have failed probes tried again; where one was opened, have a new page made."""
        self._session.try_again()
        known = self._session.known_probes()
        for name, probe in known.items():
            if isinstance(probe, UserError) and name in self._errors:
                show_error(self._errors[name], name, probe)
        fresh = [not isinstance(p, UserError) and p is not self.opened[n] for n, p in known.items()]
        if any(fresh) and not self._outdated:
            self._outdated = True
            self._renew(self)

    def own_query(self) -> dict[str, str]:
        """Fields of the address in which the page differs from a new one."""
        own, first = (dict(parse_qsl(s.to_query())) for s in (self.state, self._whole))
        return {name: value for name, value in own.items() if first.get(name) != value}

    @property
    def timeline(self) -> Timeline:
        """Of its time axis."""
        return self._whole.timeline

    # --- building -------------------------------------------------------------------------------

    def _build(self, probes: list[Probe]) -> Column:
        whole = self._whole
        self._range = Range1d(whole.start, whole.stop, name="time", min_interval=1e-3)
        self._range.update(reset_start=whole.start, reset_end=whole.stop)
        tools = navigation(self._range)
        left = max((axis_width(probe.references.channels) for probe in probes), default=LEFT)
        plots = Plots(self._range, tools, whole.timeline, left)
        self._spans = plots.source(Tables().lane.blocks(0, 1, 1), name="spans")
        self._address = address_bar()
        self._keyboard = Keyboard(self._keys())
        areas = area_names(probes)
        any_depth = any(has_depth(probe.references.channels) for probe in probes)
        self._controls = Controls(tools, whole, areas, has_depth=any_depth)
        colours = area_colours(areas)
        self._reading = HTML("")
        self._message = Div(visible=False, css_classes=["message"], stylesheets=[MESSAGE])
        self.panels: dict[str, Panel] = {}
        self._errors: dict[str, Div] = {}
        rows: list[Any] = []
        for name, probe in self.opened.items():
            if isinstance(probe, UserError):
                self._errors[name] = error_panel(name, probe)
                rows.append(self._errors[name])
            else:
                likely = self._session.sizes.get(name, (0, 0))
                self.panels[name] = Panel(probe, plots, self._spans, colours, likely)
                rows.append(self.panels[name].layout)
        rows += [] if self.opened else [Div(text="No probe has been indexed in this folder yet.")]
        axis = time_axis(plots, self._spans, whole.timeline)
        axis.js_on_change("inner_width", self._keyboard.listen())
        overview = minimap(plots, probes, whole)
        return Column(
            *self._controls.layout,
            self._keyboard.help,
            self._message,
            Column(*rows, sizing_mode="stretch_both", margin=0, stylesheets=[SCROLL]),
            axis,
            overview,
            text_line(self._reading, margin=5, css_classes=["reading"]),
            sizing_mode="stretch_both",
            margin=(4, 8, 4, 8),
            stylesheets=[GlobalInlineStyleSheet(css=PAGE)],
        )

    def _connect(self) -> None:
        """Connect models with what they do."""
        for prop in ("start", "end"):
            self._range.on_change(prop, self._changed)
        for name, panel in self.panels.items():
            panel.figure.on_change("inner_width", self._changed)
            panel.figure.on_change("inner_height", self._changed)
            panel.figure.on_event(MouseMove, partial(self._hover, name))
            panel.figure.on_event(MouseLeave, self._leave)
            panel.figure.on_event(SelectionGeometry, partial(self._box_drawn, name))
            panel.mode.on_change("active", partial(self._mode_chosen, name))
        controls = self._controls
        controls.back.on_click(lambda: self.apply(self.state.page(-1)))
        controls.on.on_click(lambda: self.apply(self.state.page(1)))
        controls.previous.on_click(lambda: self.go_to_interval(-1))
        controls.next.on_click(lambda: self.go_to_interval(1))
        controls.heat.on_click(self.toggle_heat)
        controls.mark.on_click(self.mark_range)
        controls.help.on_click(self.toggle_help)
        controls.save.on_click(self.save_picture)
        controls.time.on_change("value", self._time_typed)
        controls.gain.on_change("value", self._controls_changed)
        controls.probes.on_change("active", self._controls_changed)
        controls.areas.on_change("value", self._controls_changed)
        controls.every.on_change("value", self._controls_changed)
        controls.spacing.on_change("value", self._controls_changed)
        controls.depths.on_change("value", self._depths_typed)

    # --- what the user does ---------------------------------------------------------------------

    def apply(self, state: State) -> None:
        """Show another state."""
        self._message.visible = False
        self.state = state
        self._range.update(start=state.start, end=state.stop)
        self._controls.show(state)
        for name, panel in self.panels.items():
            panel.mode.active = int(name in state.heat)
            panel.layout.visible = name not in state.hidden
        for name, error in self._errors.items():
            error.visible = name not in state.hidden
        self._changed("", None, None)

    def show_whole(self) -> None:
        """Show the whole recording."""
        self.apply(self.state.at(self._whole.start, self._whole.stop))

    def toggle_heat(self) -> None:
        """All as heat map, or all as traces if they are."""
        everything = frozenset(self.panels)
        self.apply(replace(self.state, heat=frozenset() if self.state.heat else everything))

    def go_to_interval(self, step: int) -> None:
        """Show the next interval or mark, or the one before."""
        found = self._stops.neighbour((self.state.start + self.state.stop) / 2, step)
        if found is None:
            self._say("There is no interval " + ("after" if step > 0 else "before") + " this one.")
        else:
            self.apply(self.state.around(*found))

    def mark_range(self) -> None:
        """Write a mark for what the page shows."""
        self._change_marks(marks.add_mark, self.state.pieces, self._controls.note.value_input)

    def _box_drawn(self, probe: str, event: SelectionGeometry) -> None:
        """Write a mark for some time of some channels."""
        box = event.geometry
        if event.final and box["type"] == "rect":
            channels = self.panels[probe].channels_between(*sorted((box["y0"], box["y1"])))
            pieces = self.state.at(box["x0"], box["x1"]).pieces
            note = self._controls.note.value_input
            self._change_marks(marks.add_mark, pieces, note, probe, channels)

    def unmark_range(self) -> None:
        """Take away the last mark on the page."""
        self._change_marks(marks.remove_mark, self.state.pieces)

    def toggle_bad(self) -> None:
        """Mark the channel under the cursor as bad, or no longer."""
        if self._cursor is not None:
            probe = self.panels[self._cursor.probe].probe
            row = channel_at(probe, self.state, self._cursor.height)
            channel = int(probe.references.channels.id[row])
            self._change_marks(marks.toggle_bad, self._cursor.probe, channel)

    def _change_marks(self, change: Callable[..., list[marks.Mark]], *arguments: Any) -> None:
        self._changes.submit(partial(change, self._session.marks, *arguments))

    def _write_marks(
        self, change: Callable[[], list[marks.Mark]], _stale: Callable[[], bool]
    ) -> None:
        """Change the file of marks, in a thread: it waits as long as another program has it."""
        try:
            act = partial(self._show_marks, change())
        except UserError as error:
            act = partial(self._say, str(error))
        except OSError as error:
            text = f"The mark could not be written to {self._session.marks}: {error.strerror}."
            act = partial(self._say, text)
        self._document.add_next_tick_callback(act)

    def _show_marks(self, found: list[marks.Mark]) -> None:
        self._marks = found
        self._make_lane()
        self._changed("", None, None)

    def save_picture(self) -> None:
        """Write the view as PNG, with what it takes to render it again."""
        width, height = max((panel.size for panel in self.panels.values()), default=(0, 0))
        # what cannot be shown cannot be saved either
        state = replace(self.state, hidden=self.state.hidden | self._errors.keys())
        if state.shown and width:
            self._savings.submit((state, width, height))

    def _save(self, view: tuple[State, int, int], _stale: Callable[[], bool]) -> None:
        """Write a picture, in a thread of its own."""
        from lfpscope.viewer.export import save_view  # matplotlib: not before the first picture

        try:
            png = save_view(self._session, *view, self._session.views)
        except (UserError, OSError) as error:
            text = f"The picture could not be saved: {error}"
        else:
            text = f"Saved as {png}, with {png.with_suffix('.json').name} beside it."
        self._document.add_next_tick_callback(partial(self._say, text))

    def toggle_help(self) -> None:
        """Show the keys, or hide them."""
        self._keyboard.help.visible = not self._keyboard.help.visible

    def _time_typed(self, _name: str, _old: str, text: str) -> None:
        if not text:
            return
        self._controls.time.value = ""  # the same time again is another change
        try:
            seconds = read_axis_time(self.state.timeline, text)
        except ValueError:
            self._say(f"{text}: not a time. Write 1:02.5 or 62.5.")
            return
        self.apply(self.state.around(seconds, seconds))

    def _depths_typed(self, _name: str, _old: str, text: str) -> None:
        try:
            depths = read_depths(text)
        except ValueError:
            self._say(f"{text}: no range of depths. Write 500-1500.")
            return
        if depths != self.state.depths:
            self.apply(replace(self.state, depths=depths))

    def _mode_chosen(self, probe: str, _name: str, _old: int, active: int) -> None:
        heat = self.state.heat | {probe} if active else self.state.heat - {probe}
        self.apply(replace(self.state, heat=heat))

    def _controls_changed(self, _name: str, _old: Any, _new: Any) -> None:
        controls = self._controls
        shown = {self.state.probes[i] for i in controls.probes.active}
        changed = replace(
            self.state,
            microvolts=float(controls.gain.value),
            hidden=frozenset(self.state.probes) - shown,
            areas=self._chosen_areas(),
            every=int(controls.every.value or self.state.every),
            spacing=int(controls.spacing.value or self.state.spacing),
        )
        if changed != self.state:
            self.apply(changed)

    def _chosen_areas(self) -> frozenset[str]:
        chosen = self._controls.areas.value
        several = len(self.state.areas) > 1 and not chosen
        return self.state.areas if several else frozenset({chosen} - {""})

    def _hover(self, probe: str, event: MouseMove) -> None:
        if event.x is not None and event.y is not None:
            self._cursor = Cursor(probe, event.x, event.y)
            self._readings.submit((self._cursor, self.state))

    def _leave(self, _event: MouseLeave) -> None:
        self._cursor = None

    def _say(self, text: str) -> None:
        self._message.update(text=escape(text), visible=True)

    # --- drawing --------------------------------------------------------------------------------

    def _changed(self, _name: str, _old: Any, _new: Any) -> None:
        # start and end change one after the other: wait until both have
        if not self._settling:
            self._settling = True
            self._document.add_next_tick_callback(self._settled)

    def _settled(self) -> None:
        self._settling = False
        self.state = self.state.at(self._range.start, self._range.end)
        sizes = {name: panel.size for name, panel in self.panels.items()}
        self._session.sizes |= sizes
        width = max((size[0] for size in sizes.values()), default=1)
        send(self._spans, self._lane.blocks(self.state.start, self.state.stop, max(1, width)))
        for name, panel in self.panels.items():
            panel.fit(self.state)
            panel.outline(marks.boxes(self._marks, name), self.state.timeline)
        self._address.data = {"query": [self.state.to_query()]}
        self._pictures.want(self.state, sizes)
        self._get_ready()

    def _show(self, name: str, picture: Picture | UserError, state: State) -> None:
        self.panels[name].show(picture, state)
        self._get_ready()

    def _get_ready(self) -> None:
        """Once the page is there, have it got ready what follows."""
        if not self._ready and all(
            panel.complete for name, panel in self.panels.items() if name in self.state.shown
        ):
            self._ready = True
            threading.Thread(target=self._on_complete, daemon=True).start()

    def _read(self, request: tuple[Cursor, State], _stale: Callable[[], bool]) -> None:
        """Read the values under the cursor, in the worker's thread."""
        cursor, state = request
        panel = self.panels[cursor.probe]
        slot = next(slot for slot in self._session.slots if slot.name == cursor.probe)
        grid = panel.shown.grid if panel.shown else None
        try:
            with slot.use() as probe:
                reading = read_values(probe, state, cursor.seconds, cursor.height, grid)
        except (UserError, OSError) as error:
            text = str(error)
        else:
            at = time_of(state.timeline, cursor.seconds, 4)
            nothing = f"{at} · {cursor.probe} · no sample here"
            text = nothing if reading is None else reading.text(state)
        html = f"<span>{escape(text)}</span>"
        self._document.add_next_tick_callback(lambda: self._reading.update(html=html))

    def close(self) -> None:
        """End the threads: another page has taken this one's place."""
        with suppress(ValueError):  # if it has ended before
            self._document.remove_periodic_callback(self._watch)
        self._end()

    def _end(self) -> None:
        for worker in (self._pictures, self._readings, self._savings, self._changes):
            worker.stop()

    def _keys(self) -> list[Key]:
        """All keys, in the order in which the help lists them."""

        def move(change: Callable[[State], State]) -> Callable[[], None]:
            return lambda: self.apply(change(self.state))

        return [
            Key("ArrowRight", "→", "a page on", move(lambda s: s.page(1))),
            Key("ArrowLeft", "←", "a page back", move(lambda s: s.page(-1))),
            Key("Shift+ArrowRight", "Shift →", "a tenth of a page on", move(lambda s: s.page(0.1))),
            Key(
                "Shift+ArrowLeft", "Shift ←", "a tenth of a page back", move(lambda s: s.page(-0.1))
            ),
            Key("+", "+", "zoom in", move(lambda s: s.zoom(0.5))),
            Key("-", "−", "zoom out", move(lambda s: s.zoom(2))),
            Key("0", "0", "whole recording", self.show_whole),
            Key("ArrowUp", "↑", "larger traces", move(lambda s: s.louder(1))),
            Key("ArrowDown", "↓", "smaller traces", move(lambda s: s.louder(-1))),
            Key("w", "w", "channels wider apart", move(lambda s: s.wider(1))),
            Key("c", "c", "channels closer", move(lambda s: s.wider(-1))),
            Key("h", "h", "heat maps or traces", self.toggle_heat),
            Key("n", "n", "next interval", lambda: self.go_to_interval(1)),
            Key("p", "p", "previous interval", lambda: self.go_to_interval(-1)),
            Key("m", "m", "mark this range", self.mark_range),
            Key("u", "u", "take the last mark in this range away", self.unmark_range),
            Key("b", "b", "channel under the cursor is bad, or not", self.toggle_bad),
            Key("s", "s", "save picture", self.save_picture),
            Key("?", "?", "this help", self.toggle_help),
        ]
