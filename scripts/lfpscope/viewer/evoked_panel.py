"""A sheet with what a kind of intervals evokes on all probes: LFP, CSD, and one channel's trace."""

import html
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from bokeh.document import Document
from bokeh.models import Column, DataRange1d, Line, LinearAxis, Plot, Range1d, Select, VArea
from bokeh.models.dom import HTML

from lfpscope.errors import UserError
from lfpscope.evoked.kinds import Kind
from lfpscope.signals.csd import FORMULA, SIGMA_S_PER_M
from lfpscope.viewer.depth_map import LEFT, RIGHT, DepthMap
from lfpscope.viewer.evoked_view import (
    WINDOWS,
    EvokedView,
    average_probe,
    channel_average,
    offer_kinds,
    view_averages,
)
from lfpscope.viewer.models import Plots
from lfpscope.viewer.overlay import Overlay
from lfpscope.viewer.session_folder import SessionFolder
from lfpscope.viewer.style import ACCENT, CONTROL, INK, borders, quiet_axis, text_line
from lfpscope.viewer.view_state import State
from lfpscope.viewer.worker import Worker

TRACE = 150  # pixels of height
Request = tuple[State, str, str]
"""What the page shows, the kind and the window."""


class EvokedPanel:
    """The sheet and the thread that reads what it shows.

    Parameters
    ----------
    document : Document
        Of the page.
    session : SessionFolder
        Whose.
    plots : Plots
        Makes its plots.
    closed : callable
        Called when its button is pressed.

    Attributes
    ----------
    layout : Column
        To be put on the page.
    """

    def __init__(
        self,
        document: Document,
        session: SessionFolder,
        plots: Plots,
        closed: Callable[[], None],
    ) -> None:
        self._document, self._session, self._plots = document, session, plots
        look: dict[str, Any] = {"stylesheets": [CONTROL], "margin": 0}
        self._kind = Select(options=[], width=280, name="evoked kind", **look)
        windows = list(WINDOWS)
        self._window = Select(options=windows, value=windows[0], width=150, name="window", **look)
        for control in (self._kind, self._window):
            control.on_change("value", self._chosen)
        self._sheet = Overlay((self._kind, self._window), "evoked", closed)
        self.layout = self._sheet.layout
        self._columns: dict[str, _ProbeColumn] = {}
        self._kinds: dict[str, Kind] = {}
        self._state: State | None = None
        self._worker: Worker[Request] = Worker(self._read)

    def want(self, state: State) -> None:
        """Show the probes of a state."""
        if self._state is None or self._state.shown != state.shown:
            self._state = state
            self._ask()

    def stop(self) -> None:
        """End the thread."""
        self._worker.stop()

    def _chosen(self, _name: str, _old: str, _new: str) -> None:
        self._ask()

    def _ask(self) -> None:
        if self._state is not None:
            self._sheet.say("averages are being read …")
            self._worker.submit((self._state, self._kind.value, self._window.value))

    def _read(self, request: Request, is_stale: Callable[[], bool]) -> None:
        state, name, window = request
        try:
            kinds = self._kinds or offer_kinds(self._session.folder)
            self._kinds = kinds
            if not kinds:
                raise UserError("This session has no kind of intervals with two trials or more.")
            name = name if name in kinds else next(iter(kinds))
            found, problems = [], []
            for slot in self._session.slots:
                if slot.name not in state.shown:
                    continue
                if is_stale():
                    return
                try:
                    with slot.use() as probe:
                        one = average_probe(probe, slot.folder, kinds[name], WINDOWS[window])
                        found.append(one)
                except (UserError, OSError) as error:  # the other probes are shown
                    problems.append(str(error))
            if problems and not found:
                raise UserError(" ".join(problems))
            views = view_averages(found)
        except (UserError, OSError) as error:
            show = partial(self._sheet.say, str(error), is_wrong=True)
            self._document.add_next_tick_callback(show)
            return
        self._document.add_next_tick_callback(
            partial(self._show, name, list(kinds), views, problems)
        )

    def _show(
        self, name: str, names: list[str], views: Sequence[EvokedView], problems: list[str]
    ) -> None:
        if self._kind.options != names:
            self._kind.update(options=names, value=name)
        scales = views[0].scales
        text = (
            f"LFP ±{scales.microvolts:g} µV about the mean before the onset · "
            f"CSD ±{scales.density:g} A/m³, {FORMULA}, σ {SIGMA_S_PER_M:g} S/m, not smoothed, "
            "sinks negative, blue · line: onset"
        )
        self._sheet.say(" ".join(problems) or text, is_wrong=bool(problems))
        for view in views:
            if view.probe.probe not in self._columns:
                self._columns[view.probe.probe] = _ProbeColumn(self._plots, view.probe.probe)
            self._columns[view.probe.probe].show(view)
        self._sheet.show([self._columns[view.probe.probe].layout for view in views])


class _ProbeColumn:
    """Maps of one probe, and the average of the channel under the cursor."""

    def __init__(self, plots: Plots, probe: str) -> None:
        self._view: EvokedView | None = None
        self._heading, self._channel, self._why = HTML(""), HTML(""), HTML("")
        self._time = Range1d(0, 1)
        self._maps = [
            DepthMap(plots, self._time, title, f"evoked {what} {probe}", self._hovered)
            for what, title in (("lfp", "LFP · time from onset (ms)"), ("csd", "CSD · time (ms)"))
        ]
        self._average = plots.source({"x": [], "y": [], "low": [], "high": []}, name=f"sem {probe}")
        self._plot = self._trace(plots)
        self.layout = Column(
            text_line(self._heading, margin=(4, 0, 0, 0)),
            *[one.plot for one in self._maps],
            text_line(self._channel, margin=(2, 0, 0, 0), css_classes=["average"]),
            self._plot,
            sizing_mode="stretch_both",
            margin=0,
        )

    def _trace(self, plots: Plots) -> Plot:
        values = DataRange1d(range_padding=0.05)
        look = {"height": TRACE, "sizing_mode": "stretch_width", **borders(LEFT, RIGHT)}
        plot = plots.plot(self._time, values, **look)
        area = VArea(x="x", y1="low", y2="high", fill_color=ACCENT, fill_alpha=0.25)
        layers = [plots.layer(plot, self._average, area)]
        layers.append(plots.layer(plot, self._average, Line(x="x", y="y", line_color=INK)))
        values.renderers = layers
        axis = LinearAxis(axis_label="µV")
        quiet_axis(axis)
        plot.add_layout(axis, "left")
        return plot

    def show(self, view: EvokedView) -> None:
        """Show averages; the trace is that of the channel with the largest one."""
        self._view = view
        self._heading.html = _line(view.text)
        one = view.average
        start, stop = float(one.time[0]) * 1e3, float(one.time[-1]) * 1e3
        self._time.update(start=start, end=stop)
        for depth_map, colours in zip(self._maps, (view.lfp, view.csd), strict=True):
            depth_map.label(view.probe.channels, view.probe.rows)
            depth_map.show(colours, start, stop, (0.0,))
        self._maps[1].below.axis_label = view.why or "CSD · time from onset (ms)"
        self._hovered(_largest(view))

    def _hovered(self, row: int) -> None:
        if self._view is None:
            return
        found = channel_average(self._view, row)
        self._channel.html = _line(found.text)
        sem = np.nan_to_num(found.sem)
        columns = (found.milliseconds, found.mean, found.mean - sem, found.mean + sem)
        names = tuple(self._average.data)
        self._average.data = dict(zip(names, columns, strict=True))
        for depth_map in self._maps:
            depth_map.point_out(row)


def _line(text: str) -> str:
    return (
        f'<div class="heading"><span title="{html.escape(text)}">{html.escape(text)}</span></div>'
    )


def _largest(view: EvokedView) -> int:
    """Row of the good channel whose average goes farthest from its baseline."""
    one = view.average
    reach = np.abs(one.mean - one.baseline[:, np.newaxis]).max(axis=1)
    reach[view.probe.bad | ~np.isfinite(reach)] = -1
    return int(np.argmax(reach[view.probe.rows.channels]))
