"""A sheet with spectra by depth of all probes, of one channel, and the coherence of channels."""

import html
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from bokeh.document import Document
from bokeh.models import Column, DataRange1d, FixedTicker, Line, LinearAxis, Plot, Range1d, Select
from bokeh.models.dom import HTML

from lfpscope.errors import UserError
from lfpscope.evoked.kinds import Kind
from lfpscope.render.ticks import frequency_ticks
from lfpscope.viewer.depth_map import LEFT, RIGHT, DepthMap
from lfpscope.viewer.evoked_view import offer_kinds
from lfpscope.viewer.models import Plots
from lfpscope.viewer.overlay import Overlay
from lfpscope.viewer.session_folder import SessionFolder
from lfpscope.viewer.spectrum_view import (
    SpectrumView,
    channel_spectrum,
    pieces_of,
    view_spectrum,
)
from lfpscope.viewer.style import CONTROL, INK, borders, quiet_axis, text_line
from lfpscope.viewer.view_state import State
from lfpscope.viewer.worker import Worker

TRACE = 150  # pixels of height
RECORDING, VIEW, NO_COHERENCE = "the recording", "what the page shows", "no coherence"
Request = tuple[State, str]
"""What the page shows, and of what the spectra are."""


class SpectrumPanel:
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
        names = [RECORDING, VIEW]
        self._of = Select(options=names, value=RECORDING, width=280, name="spectra of", **look)
        self._of.on_change("value", self._chosen)
        self._band = Select(
            options=[NO_COHERENCE], value=NO_COHERENCE, width=150, name="coherence", **look
        )
        self._band.on_change("value", self._band_chosen)
        self._sheet = Overlay((self._of, self._band), "spectra", closed)
        self.layout = self._sheet.layout
        self._columns: dict[str, _ProbeColumn] = {}
        self._kinds: dict[str, Kind] | None = None
        self._views: Sequence[SpectrumView] = ()
        self._state: State | None = None
        self._worker: Worker[Request] = Worker(self._read)

    def want(self, state: State) -> None:
        """Show the probes of a state, and what it shows of them."""
        before, self._state = self._state, state
        moved = before is None or (before.start, before.stop) != (state.start, state.stop)
        if before is None or before.shown != state.shown or (moved and self._of.value == VIEW):
            self._ask()

    def stop(self) -> None:
        """End the thread."""
        self._worker.stop()

    def _chosen(self, _name: str, _old: str, _new: str) -> None:
        self._ask()

    def _band_chosen(self, _name: str, _old: str, _new: str) -> None:
        for view in self._views:
            self._columns[view.probe].show_coherence(view, self._band.value)

    def _ask(self) -> None:
        if self._state is not None:
            self._sheet.say("spectra are being read …")
            self._worker.submit((self._state, self._of.value))

    def _read(self, request: Request, is_stale: Callable[[], bool]) -> None:
        state, name = request
        try:
            if self._kinds is None:
                self._kinds = offer_kinds(self._session.folder)
            pieces = None if name == RECORDING else state.pieces
            if name in self._kinds:
                pieces = pieces_of(self._kinds[name])
            views, problems = [], []
            for slot in self._session.slots:
                if slot.name not in state.shown:
                    continue
                if is_stale():
                    return
                try:
                    with slot.use() as probe:
                        views.append(view_spectrum(probe, slot.folder, pieces, name))
                except (UserError, OSError) as error:  # the other probes are shown
                    problems.append(str(error))
            if problems and not views:
                raise UserError(" ".join(problems))
        except (UserError, OSError) as error:
            show = partial(self._sheet.say, str(error), is_wrong=True)
            self._document.add_next_tick_callback(show)
            return
        self._document.add_next_tick_callback(
            partial(self._show, list(self._kinds), views, problems)
        )

    def _show(self, kinds: list[str], views: Sequence[SpectrumView], problems: list[str]) -> None:
        self._views = views
        options = [RECORDING, VIEW, *kinds]
        if self._of.options != options:
            self._of.options = options
        bands = [NO_COHERENCE, *dict.fromkeys(name for view in views for name in view.coherence)]
        if self._band.options != bands:
            self._band.options = bands
        ends = " · ".join(
            f"{low:g} … {high:g}".replace("-", "−") for low, high in dict.fromkeys(_levels(views))
        )
        text = (
            f"density, dark to bright {ends} dB re 1 µV²/Hz · Hann windows, 50 % overlap · lines: "
            "mains and harmonics, where a channel has them · coherence of the recording: 0 dark, "
            "1 bright"
        )
        self._sheet.say(" ".join(problems) or text, is_wrong=bool(problems))
        for view in views:
            if view.probe not in self._columns:
                self._columns[view.probe] = _ProbeColumn(self._plots, view.probe)
            self._columns[view.probe].show(view)
            self._columns[view.probe].show_coherence(view, self._band.value)
        self._sheet.show([self._columns[view.probe].layout for view in views])


def _levels(views: Sequence[SpectrumView]) -> list[tuple[float, float]]:
    return [view.levels for view in views]


class _ProbeColumn:
    """Spectra of one probe by depth, of the channel under the cursor, and coherence."""

    def __init__(self, plots: Plots, probe: str) -> None:
        self._view: SpectrumView | None = None
        self._heading, self._channel = HTML(""), HTML("")
        self._decades = Range1d(0, 1)
        name = f"spectra {probe}"
        self._map = DepthMap(plots, self._decades, "frequency (Hz)", name, self._hovered)
        name = f"coherence {probe}"
        self._rows = Range1d(0, 1)
        self._coherence = DepthMap(plots, self._rows, "the same channels", name, self._hovered)
        self._coherence.below.update(ticker=FixedTicker(ticks=[]))
        self._coherence.plot.visible = False
        self._line = plots.source({"x": [], "y": []}, name=f"spectrum {probe}")
        self._ticker = FixedTicker()
        self._map.below.ticker = self._ticker
        self.layout = Column(
            text_line(self._heading, margin=(4, 0, 0, 0)),
            self._map.plot,
            text_line(self._channel, margin=(2, 0, 0, 0), css_classes=["spectrum"]),
            self._trace(plots),
            self._coherence.plot,
            sizing_mode="stretch_both",
            margin=0,
        )

    def _trace(self, plots: Plots) -> Plot:
        values = DataRange1d(range_padding=0.05)
        look = {"height": TRACE, "sizing_mode": "stretch_width", **borders(LEFT, RIGHT)}
        plot = plots.plot(self._decades, values, **look)
        values.renderers = [plots.layer(plot, self._line, Line(x="x", y="y", line_color=INK))]
        axis = LinearAxis(axis_label="dB")
        quiet_axis(axis)
        plot.add_layout(axis, "left")
        return plot

    def show(self, view: SpectrumView) -> None:
        """Show spectra; the line is that of the channel in the middle."""
        self._view = view
        self._heading.html = _line(view.text)
        low, high = (float(np.log10(edge)) for edge in view.edges)
        self._decades.update(start=low, end=high)
        ticks = frequency_ticks(*view.edges)
        places = [float(np.log10(tick)) for tick in ticks]
        labels = {place: f"{tick:g}" for place, tick in zip(places, ticks, strict=True)}
        self._ticker.ticks = places
        self._map.below.major_label_overrides = labels
        self._map.label(view.channels, view.rows)
        self._map.show(view.pixels, low, high, tuple(float(np.log10(hz)) for hz in view.mains))
        self._hovered(view.pixels.shape[0] // 2)

    def show_coherence(self, view: SpectrumView, band: str) -> None:
        """Show the coherence of a band, or none."""
        matrix = view.coherence.get(band)
        self._coherence.plot.visible = matrix is not None
        if matrix is not None:
            self._rows.update(start=0, end=matrix.shape[1])
            self._coherence.label(view.channels, view.rows)
            self._coherence.show(matrix, 0, matrix.shape[1], ())

    def _hovered(self, row: int) -> None:
        if self._view is None:
            return
        frequency, levels, text = channel_spectrum(self._view, row)
        self._channel.html = _line(text)
        self._line.data = {"x": np.log10(frequency), "y": levels}
        self._map.point_out(row)


def _line(text: str) -> str:
    return (
        f'<div class="heading"><span title="{html.escape(text)}">{html.escape(text)}</span></div>'
    )
