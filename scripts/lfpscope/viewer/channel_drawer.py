"""A drawer below the panels that shows one channel alone, with an axis in its unit."""

import html
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from bokeh.document import Document
from bokeh.models import Column, CrosshairTool, Line, LinearAxis, Quad, Range1d, Scatter
from bokeh.models.dom import HTML

from lfpscope.errors import UserError
from lfpscope.signals.quantity import POTENTIAL
from lfpscope.viewer.channel_spectra import ChannelSpectra, read_spectra
from lfpscope.viewer.channel_trace import ChannelTrace, read_trace
from lfpscope.viewer.models import Plots
from lfpscope.viewer.probe_slot import ProbeSlot
from lfpscope.viewer.spectra_row import SpectraRow
from lfpscope.viewer.style import INK, RIGHT, STRIP, borders, quiet_axis, text_line
from lfpscope.viewer.view_state import State
from lfpscope.viewer.worker import Worker

HEIGHT = 150  # pixels
MARGIN = 0.05  # of the values' range, above and below
APART = 2  # pixels between samples, from which on each is a dot


class ChannelDrawer:
    """The models of the drawer.

    Parameters
    ----------
    plots : Plots
        Makes its plot.

    Attributes
    ----------
    layout : Column
        To be put below the panels.
    plot : Plot
        Of it.
    spectra : SpectraRow
        Below the plot.
    """

    def __init__(self, plots: Plots) -> None:
        self._text = HTML("")
        self._range = Range1d(-1, 1)
        self._band = plots.source({"left": [], "right": [], "low": [], "high": []})
        self._line = plots.source({"x": [], "y": []}, name="channel")
        self.plot = plot = plots.plot(
            plots.time,
            self._range,
            plots.lane_tools,
            height=HEIGHT,
            sizing_mode="stretch_width",
            css_classes=["moves"],
            **borders(STRIP + plots.left),
        )
        edges = {"left": "left", "right": "right", "bottom": "low", "top": "high"}
        plots.layer(plot, self._band, Quad(**edges, fill_color=INK, line_color=INK))
        plots.layer(plot, self._line, Line(x="x", y="y", line_color=INK))
        dots = Scatter(x="x", y="y", size=4, fill_color=INK, line_color=None)
        self._dots = plots.layer(plot, self._line, dots)
        axis = self._axis = LinearAxis(axis_label=POTENTIAL.unit)
        quiet_axis(axis)
        plot.add_layout(axis, "left")
        plot.add_tools(CrosshairTool(overlay=plots.cursor))
        plots.add_breaks(plot)
        line = text_line(self._text, margin=(2, RIGHT, 0, 0), css_classes=["channel"])
        look = {"sizing_mode": "stretch_width", "margin": 0, "visible": False}
        self.spectra = SpectraRow(plots)
        self._content = [line, plot, self.spectra.layout]
        # a page opens sooner without plots that it does not show yet
        self.layout = Column(children=[], **look)

    def hide(self) -> None:
        """Close it."""
        self.layout.visible = False

    def show(self, trace: ChannelTrace | UserError, width: int) -> None:
        """Show a channel, or the reason why it cannot be read."""
        if not self.layout.children:
            self.layout.children = self._content
        self.layout.visible = True
        if isinstance(trace, UserError):
            self._text.html = f'<span class="wrong">{html.escape(str(trace))}</span>'
            return
        self._text.html = f"<span>{html.escape(trace.text)}</span>"
        if self._axis.axis_label != trace.unit:
            self._axis.axis_label = trace.unit
        known = np.isfinite(trace.low)
        if known.any():
            low, high = trace.low[known].min(), trace.high[known].max()
            margin = MARGIN * (high - low) or 1.0
            self._range.update(start=float(low - margin), end=float(high + margin))
        here = known & (not trace.is_samples)
        names = ("left", "right", "low", "high")
        self._band.data = {name: getattr(trace, name)[here] for name in names}
        samples: dict[str, Any] = {"x": [], "y": []}
        if trace.is_samples:
            samples = {"x": trace.left, "y": trace.low}
        self._line.data = samples
        self._dots.visible = trace.left.size * APART < width


class TraceReader:
    """Reads the channel of the drawer, in a thread of its own.

    Parameters
    ----------
    document : Document
        Of the page.
    slots : sequence of ProbeSlot
        The probes.
    show : callable
        Gets the trace, or why there is none, and the width.
    show_spectra : callable
        Gets the spectra, which come later.
    """

    def __init__(
        self,
        document: Document,
        slots: Sequence[ProbeSlot],
        show: Callable[[ChannelTrace | UserError, int], None],
        show_spectra: Callable[[ChannelSpectra], None],
    ) -> None:
        self._document, self._show, self._show_spectra = document, show, show_spectra
        self._slots = {slot.name: slot for slot in slots}
        self._worker = Worker(self._read)

    def want(self, state: State, width: int) -> None:
        """Read the channel that a state shows alone."""
        if state.channel is not None and width:
            self._worker.submit((state, width, *state.channel))

    def stop(self) -> None:
        """End the thread."""
        self._worker.stop()

    def _read(self, request: tuple[State, int, str, int], is_stale: Callable[[], bool]) -> None:
        state, width, name, channel = request
        tell, slot = self._document.add_next_tick_callback, self._slots[name]
        try:
            with slot.use() as probe:
                if channel not in probe.references.channels.id:
                    raise UserError(f"probe {name} has no channel {channel}.")
                tell(partial(self._show, read_trace(probe, state, width, channel), width))
                if not is_stale():
                    spectra = read_spectra(probe, slot.folder, state, channel)
                    tell(partial(self._show_spectra, spectra))
        except (UserError, OSError) as error:
            tell(partial(self._show, UserError(str(error)), width))
