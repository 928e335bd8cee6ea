"""The models of a page: header, panels, time axis, minimap, lines of text."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

from bokeh.models import Column, ColumnDataSource, Div, GlobalInlineStyleSheet, Range1d
from bokeh.models.dom import HTML

from lfpscope.errors import UserError
from lfpscope.render.areas import area_colours, area_names
from lfpscope.viewer.address_bar import AddressBar
from lfpscope.viewer.channel_drawer import ChannelDrawer
from lfpscope.viewer.channel_selection import choosable_areas, shown_span
from lfpscope.viewer.completion import completion
from lfpscope.viewer.controls import Controls, common_bands, navigation
from lfpscope.viewer.depth_scale import Window, common_windows
from lfpscope.viewer.error_panel import error_panel, show_error
from lfpscope.viewer.facts import range_text, session_facts
from lfpscope.viewer.keyboard import Key, Keyboard
from lfpscope.viewer.labels import axis_width
from lfpscope.viewer.minimap import minimap
from lfpscope.viewer.models import Plots
from lfpscope.viewer.panel import Panel
from lfpscope.viewer.pointer import Pointer
from lfpscope.viewer.saving import download_source
from lfpscope.viewer.session_folder import Opened, Tables, only_open
from lfpscope.viewer.sheets import sheet_place
from lfpscope.viewer.style import LEFT, MESSAGE, PAGE, RIGHT, SCROLL, text_line
from lfpscope.viewer.time_axis import TimeAxis
from lfpscope.viewer.view_state import BUTTERFLY, State


class PageLayout:
    """All models of a page; what they do is connected by the page.

    Parameters
    ----------
    name : str
        Of the session.
    opened : dict of Probe or UserError
        The probes, open or with the reason why not.
    sizes : mapping of (int, int)
        Width and height that the picture of each probe will probably have, pixels.
    ratio : float
        Pixels of the screen in each of these, probably.
    whole : State
        Shows the complete recording.
    keys : sequence of Key
        Of the page.

    Attributes
    ----------
    time : Range1d
        Axis time that the page shows.
    panels, errors : dict of Panel, dict of Div
        Of the probes that are open, and of the others.
    spans : ColumnDataSource
        Intervals and marks, as they are drawn.
    address : AddressBar
        Of the browser.
    axis, controls, drawer, keyboard, plots, pointer, sheet
        Of the page.
    screen : ColumnDataSource
        Its ratio, as the browser says it.
    download : ColumnDataSource
        What the browser saves as a file.
    below : tuple of Plot
        Whose frames end where those of the panels do.
    roots : tuple
        To be added to the document.
    """

    def __init__(
        self,
        name: str,
        opened: Opened,
        sizes: Mapping[str, tuple[int, int]],
        ratio: float,
        whole: State,
        keys: Sequence[Key],
    ) -> None:
        probes = only_open(opened)
        self.time = Range1d(whole.start, whole.stop, name="time", min_interval=1e-3)
        ends = whole.start, whole.stop
        self.time.update(reset_start=ends[0], reset_end=ends[1], bounds=ends)
        tools = navigation(self.time)
        left = max((axis_width(probe.references.channels) for probe in probes), default=LEFT)
        self.plots = plots = Plots(self.time, tools, whole.timeline, left)
        self.spans = plots.source(Tables().lane.blocks(0, 1, 1), name="spans")
        self.address = AddressBar()
        self.keyboard = Keyboard(keys)
        areas = area_names(probes)
        bands = common_bands(probes)
        self.controls = Controls(tools, whole, choosable_areas(probes), bands=bands)
        self._title, self._reading = HTML(""), HTML("")
        self._facts = session_facts(name, len(opened), len(probes), whole)
        self._message = Div(visible=False, css_classes=["message"], stylesheets=[MESSAGE])
        self.panels: dict[str, Panel] = {}
        self.errors: dict[str, Div] = {}
        rows = self._make_rows(opened, sizes, plots, area_colours(areas))
        self.axis = TimeAxis(plots, self.spans, whole.timeline)
        self.screen = ColumnDataSource({"ratio": [ratio]}, name="screen")
        self.axis.plot.js_on_change("inner_width", self.keyboard.listen(self.time, self.screen))
        self.pointer = Pointer(plots.left)
        self.axis.plot.js_on_change("inner_width", self.pointer.listen())
        self.axis.plot.js_on_change("inner_width", completion(probes))
        self.drawer = ChannelDrawer(plots)
        overview = minimap(plots, probes, whole)
        self.sheet = sheet_place()
        self.below = self.drawer.plot, self.drawer.spectra.plot, self.axis.plot, overview
        self._box = overview.select_one({"name": "minimap box"})
        page = Column(
            text_line(self._title, margin=(0, RIGHT, 4, 0)),
            *self.controls.layout,
            self.keyboard.help,
            self._message,
            Column(*rows, sizing_mode="stretch_both", margin=0, stylesheets=[SCROLL]),
            self.drawer.layout,
            self.sheet,
            self.axis.plot,
            overview,
            text_line(self._reading, margin=5, css_classes=["reading"]),
            sizing_mode="stretch_both",
            margin=(4, 8, 4, 8),
            stylesheets=[GlobalInlineStyleSheet(css=PAGE)],
        )
        self.download = download_source()
        self.roots = self.download, page, *self.address.roots, self.keyboard.pressed, self.screen

    def _make_rows(
        self,
        opened: Opened,
        sizes: Mapping[str, tuple[int, int]],
        plots: Plots,
        colours: dict[str, str],
    ) -> list[Any]:
        """Make a row for each probe, from the top down."""
        rows: list[Any] = []
        for name, probe in opened.items():
            if isinstance(probe, UserError):
                self.errors[name] = error_panel(name, probe)
                rows.append(self.errors[name])
            else:
                likely = sizes.get(name, (0, 0))
                self.panels[name] = Panel(probe, plots, self.spans, colours, likely)
                rows.append(self.panels[name].layout)
        return rows or [Div(text="No probe has been indexed in this folder yet.")]

    def show(self, state: State) -> None:
        """Let time, controls and panels say what the page shows."""
        self.hide_message()
        self.time.update(start=state.start, end=state.stop)
        self._box.update(left=state.start, right=state.stop)
        self.controls.show(state)
        for name, panel in self.panels.items():
            panel.layout.visible = name not in state.hidden
        for name, error in self.errors.items():
            error.visible = name not in state.hidden

    def scale_depths(self, state: State) -> dict[str, tuple[int, int]]:
        """Scale the depths of all panels as a state says; return widths and heights of their rows.

        A butterfly has no depths, and a panel that is not to scale says why.
        """
        windows: dict[str, Window] = {}
        if state.shares_depths:
            panels = {name: self.panels[name] for name in state.shown if name in self.panels}
            modes = {name: state.mode(name, one.frame[0]) for name, one in panels.items()}
            panels = {name: one for name, one in panels.items() if modes[name] != BUTTERFLY}
            spans = {name: shown_span(one.probe, state) for name, one in panels.items()}
            windows = common_windows(spans, {name: one.frame[1] for name, one in panels.items()})
        for name, panel in self.panels.items():
            panel.look_through(windows.get(name, Window()))
        return {name: panel.size for name, panel in self.panels.items()}

    def show_title(self, state: State, width: int) -> None:
        """Say whose recording is shown, and which part of it in how many pixels."""
        text = f'{self._facts}<span class="shown">{html.escape(range_text(state, width))}</span>'
        if text not in self._title.html:
            self._title.html = f'<div class="heading">{text}</div>'

    def point_out(self, state: State) -> None:
        """Draw a line at the channel that is shown alone; without one close the drawer."""
        for panel in self.panels.values():
            panel.point_out(state)
        if state.channel is None:
            self.drawer.hide()

    def show_reading(self, text: str) -> None:
        """Show what lies under the cursor."""
        self._reading.update(html=f"<span>{html.escape(text)}</span>")

    def show_message(self, text: str) -> None:
        """Show a message until something else is done."""
        self._message.update(text=html.escape(text), visible=True)

    def hide_message(self) -> None:
        """Hide the message."""
        self._message.visible = False

    def toggle_help(self) -> None:
        """Show the keys, or hide them."""
        self.keyboard.help.visible = not self.keyboard.help.visible

    def show_errors(self, known: Opened, progress: str = "") -> None:
        """Say why probes are not open, and how far what goes on has come."""
        if progress:
            self.show_message(progress)
        for name, probe in known.items():
            if isinstance(probe, UserError) and name in self.errors:
                show_error(self.errors[name], name, probe)
