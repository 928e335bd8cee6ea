"""A column beside each panel: a measure of its channels as a curve, and their labels."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
from bokeh.document import Document
from bokeh.events import Tap
from bokeh.models import (
    HoverTool,
    Line,
    LinearAxis,
    Plot,
    Quad,
    Range1d,
    Scatter,
    Select,
)

from lfpscope.errors import UserError
from lfpscope.result_files import BAD_CHANNELS
from lfpscope.samples.channel_labels import read_labels_by_hand
from lfpscope.viewer.channel_selection import chosen_rows
from lfpscope.viewer.channel_table import (
    MEASURES,
    ChannelTable,
    next_label,
    read_channels,
    write_label,
)
from lfpscope.viewer.models import Plots
from lfpscope.viewer.panel import Panel
from lfpscope.viewer.session_folder import SessionFolder
from lfpscope.viewer.style import CONTROL, INK, RIGHT, SHADES, borders, quiet_axis
from lfpscope.viewer.view_state import State
from lfpscope.viewer.worker import Worker

WIDTH = 150  # pixels
MARGIN = 0.08  # of the values' range, left and right
TOOLTIP = "channel @channel · @label · @value{0.000}<br>@reason<br>click: another label"
Tables = dict[str, ChannelTable]
LeftOut = frozenset[tuple[str, int]]
ByHand = frozenset[tuple[str, int, str]]


class ChannelColumns:
    """The columns of a page, and the thread that reads and writes their tables.

    Parameters
    ----------
    document : Document
        Of the page.
    session : SessionFolder
        Whose.
    plots : Plots
        Makes the plots.
    panels : mapping of Panel
        By probe.
    below : sequence of Plot
        Whose frames end where those of the panels do.
    left_out : callable
        Gets probe and electrode id of all channels that are dead or noisy; and of those that
        have a label by hand, with it.
    say : callable
        Shows a message.
    """

    def __init__(
        self,
        document: Document,
        session: SessionFolder,
        plots: Plots,
        panels: Mapping[str, Panel],
        below: Sequence[Plot],
        left_out: Callable[[LeftOut, ByHand], None],
        say: Callable[[str], None],
    ) -> None:
        self._document, self._session, self._plots = document, session, plots
        self._panels, self._below, self._left_out, self._say = panels, below, left_out, say
        self._columns: dict[str, _Column] = {}
        self._tables: Tables = {}
        self._state: State | None = None
        self._is_open = self._is_known = False
        self._worker: Worker[tuple[str, int, str] | None] = Worker(self._work, every=True)
        names = list(MEASURES)
        self._measure = Select(
            options=names, value=names[0], width=WIDTH - 20, name="measure", stylesheets=[CONTROL]
        )
        self._measure.on_change("value", self._measure_chosen)

    def toggle(self, state: State) -> None:
        """Open or close the columns."""
        self._is_open = not self._is_open
        for name, panel in self._panels.items():
            if name not in self._columns:
                self._columns[name] = _Column(self._plots, panel, partial(self._clicked, name))
            plots = [self._columns[name].plot] if self._is_open else []
            panel.body.children = [panel.strip, panel.figure, *plots]
        first = next(iter(self._panels.values()), None)
        if first is not None:
            controls = [one for one in first.head.children if one is not self._measure]
            first.head.children = [*controls, *([self._measure] if self._is_open else [])]
        for plot in self._below:
            plot.min_border_right = RIGHT + WIDTH * self._is_open
        self.want(state)

    def want(self, state: State) -> None:
        """Show the channels of a state; read the tables once they are needed."""
        self._state = state
        if (self._is_open or state.needs_labels) and not self._is_known:
            self._is_known = True
            self._worker.submit(None)
        self._draw()

    def stop(self) -> None:
        """End the thread once all labels are written."""
        self._worker.stop()

    def _measure_chosen(self, _name: str, _old: str, _new: str) -> None:
        self._draw()

    def _draw(self) -> None:
        if self._is_open and self._state is not None:
            for name, table in self._tables.items():
                if name in self._columns:
                    self._columns[name].show(table, self._state, self._measure.value)

    def _clicked(self, probe: str, channel: int, label: str) -> None:
        self._worker.submit((probe, channel, next_label(label)))

    def _work(self, request: tuple[str, int, str] | None, _stale: Callable[[], bool]) -> None:
        tables: Tables = {}
        bad: set[tuple[str, int]] = set()
        words = ""
        try:
            if request is not None:
                probe, channel, label = request
                write_label(self._session.folder / BAD_CHANNELS, probe, channel, label)
                words = f"Channel {channel} of {probe}: {label}, written to {BAD_CHANNELS}."
        except (UserError, OSError) as error:
            words = str(error)
        for slot in self._session.slots:
            try:
                tables[slot.name], found = read_channels(slot.folder)
                bad |= {(slot.name, channel) for channel in found}
            except (UserError, OSError) as error:  # the other probes are shown
                words = str(error)
        show = partial(self._show, tables, frozenset(bad), self._by_hand(), words)
        self._document.add_next_tick_callback(show)

    def _by_hand(self) -> ByHand:
        path, found = self._session.folder / BAD_CHANNELS, set[tuple[str, int, str]]()
        for slot in self._session.slots:
            with suppress(UserError, OSError):  # said where the tables are read
                labels = read_labels_by_hand(path, slot.name).items()
                found |= {(slot.name, channel, label) for channel, label in labels}
        return frozenset(found)

    def _show(self, tables: Tables, bad: LeftOut, by_hand: ByHand, words: str) -> None:
        if tables:
            self._tables = tables
            self._left_out(bad, by_hand)
        self._draw()
        if words:
            self._say(words)


class _Column:
    """One column."""

    def __init__(self, plots: Plots, panel: Panel, clicked: Callable[[int, str], None]) -> None:
        self._panel, self._clicked = panel, clicked
        name = panel.probe.references.probe
        self._values = Range1d(0, 1)
        self._rows = plots.source(_no_rows(), name=f"column {name}")
        self._curve = plots.source({"x": [], "y": []})
        self.plot = plots.plot(
            self._values,
            panel.figure.y_range,
            width=WIDTH,
            sizing_mode="stretch_height",
            css_classes=["column"],
            **borders(6, 14),
        )
        axis = LinearAxis(major_label_text_font_size="11px")
        quiet_axis(axis)
        axis.ticker.desired_num_ticks = 3
        # above: below it the picture's frame would no longer line up
        axis.update(major_tick_out=0, major_tick_in=4, major_label_standoff=-18)
        self.plot.add_layout(axis, "below")
        edges = {"left": "left", "right": "right", "top": "top", "bottom": "bottom"}
        look = {"fill_color": "shade", "fill_alpha": 0.55, "line_color": None}
        bars = plots.layer(self.plot, self._rows, Quad(**edges, **look))
        plots.layer(self.plot, self._curve, Line(x="x", y="y", line_color=INK))
        dots = Scatter(x="x", y="y", size=3, fill_color=INK, line_color=None)
        plots.layer(self.plot, self._curve, dots)
        hover = HoverTool(renderers=[bars], tooltips=TOOLTIP, point_policy="follow_mouse")
        hover.visible = False
        self.plot.add_tools(hover)
        self.plot.on_event(Tap, self._tapped)

    def show(self, table: ChannelTable, state: State, measure: str) -> None:
        """Show a measure of the channels that a state shows."""
        probe = self._panel.probe
        channels = chosen_rows(probe, state).channels
        values = table.values[measure][channels]
        known = values[np.isfinite(values)]
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        margin = MARGIN * (high - low) or 1.0
        low, high = low - margin, high + margin
        self._values.update(start=low, end=high)
        n = channels.size
        labels = [table.labels[one] for one in channels]
        self._rows.data = {
            "left": [low] * n,
            "right": [high] * n,
            "top": [1 - row / n for row in range(n)],
            "bottom": [1 - (row + 1) / n for row in range(n)],
            "shade": [SHADES.get(label, "white") for label in labels],
            "channel": [int(probe.references.channels.id[one]) for one in channels],
            "label": labels,
            "value": values.tolist(),
            "reason": [table.reasons[one] for one in channels],
        }
        self._curve.data = {"x": values.tolist(), "y": [1 - (i + 0.5) / n for i in range(n)]}

    def _tapped(self, event: Tap) -> None:
        rows = self._rows.data
        n = len(rows["channel"])
        if n and event.y is not None and 0 <= event.y <= 1:
            row = min(int((1 - event.y) * n), n - 1)
            self._clicked(rows["channel"][row], rows["label"][row])


def _no_rows() -> dict[str, list[Any]]:
    names = ("left", "right", "top", "bottom", "shade", "channel", "label", "value", "reason")
    return {name: [] for name in names}
