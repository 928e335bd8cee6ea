"""Lanes of theta, ripples and behavior, below the intervals, and the thread that reads them."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from bokeh.document import Document
from bokeh.events import MouseMove
from bokeh.models import FixedTicker, LinearAxis, MultiLine, Quad

from lfpscope.viewer.lane_curves import LaneRow, Strip, draw_row, place_row, value_text
from lfpscope.viewer.lane_data import Lanes, read_lanes
from lfpscope.viewer.page_layout import PageLayout
from lfpscope.viewer.session_folder import SessionFolder
from lfpscope.viewer.style import FAINT, INK, quiet_axis
from lfpscope.viewer.times import time_of
from lfpscope.viewer.view_state import State
from lfpscope.viewer.worker import Worker

SIZE = "10px"  # of the numbers at the edges
INSIDE = 0.25  # lines from the ends of a curve to the middle of their numbers
BOX = ("left", "right", "bottom", "top", "colour", "alpha")


class PageLanes:
    """The lanes of a page; their models are made once there is something to show.

    Parameters
    ----------
    document : Document
        Of the page.
    session : SessionFolder
        Whose.
    layout : PageLayout
        Of the page.

    Attributes
    ----------
    strips : list of Strip
        What is shown, for a saved picture.
    """

    def __init__(self, document: Document, session: SessionFolder, layout: PageLayout) -> None:
        self._document, self._session, self._layout = document, session, layout
        self._lanes, self.strips = Lanes(), list[Strip]()
        self._state: State | None = None
        self._worker: Worker[tuple[State, int]] = Worker(self._read)
        self._models: _Models | None = None
        layout.axis.plot.on_event(MouseMove, self._hover)

    def want(self, state: State) -> None:
        """Show the lanes of a state."""
        self._state = state
        self._worker.submit((state, self._width))

    def stop(self) -> None:
        """End the thread."""
        self._worker.stop()

    def words(self, state: State, seconds: float) -> list[str]:
        """What each lane that is shown says at an axis time."""
        of_page = seconds, state.start, state.stop, self._width
        shown = [one for one in self._lanes.curves if one.name not in state.without]
        return [text for one in shown if (text := value_text(one, *of_page))]

    @property
    def _width(self) -> int:
        """Of the pictures, pixels."""
        return max((panel.size[0] for panel in self._layout.panels.values()), default=0) or 1

    def _read(self, request: tuple[State, int], stale: Callable[[], bool]) -> None:
        state, width = request
        lanes = read_lanes(self._session, state)
        rows = [
            draw_row(one, state.start, state.stop, width, is_hidden=one.name in state.without)
            for one in lanes.curves
        ]
        if not stale():
            self._document.add_next_tick_callback(partial(self._show, lanes, rows))

    def _show(self, lanes: Lanes, rows: list[LaneRow]) -> None:
        self._lanes = lanes
        if rows and self._models is None:
            self._models = _Models(self._layout)
        if self._models is not None:
            self.strips = self._models.show(rows)

    def _hover(self, event: MouseMove) -> None:
        """Say what the lane under the mouse is; above all lanes, why others are not there."""
        state = self._state
        if state is None or event.x is None or event.y is None:
            return
        curves = {one.name: one for one in self._lanes.curves}
        name = self._layout.axis.row_at(event.y)
        parts = [time_of(state.timeline, event.x, 2)]
        if name in curves and name not in state.without:
            of_page = event.x, state.start, state.stop, self._width
            parts += [value_text(curves[name], *of_page) or f"{name}: none", curves[name].detail]
        else:
            parts += self.words(state, event.x)
            parts += [f"no {name}: {why}" for name, why in self._lanes.missing.items()]
        self._layout.show_reading(" · ".join(parts))


class _Models:
    """Two layers in the plot of the time axis, and what stands right of it."""

    def __init__(self, layout: PageLayout) -> None:
        plots, self._axis = layout.plots, layout.axis
        plot = self._axis.plot
        self._lines = plots.source({"xs": [], "ys": []}, name="lane lines")
        self._boxes = plots.source({name: [] for name in BOX}, name="lane boxes")
        edges = {"left": "left", "right": "right", "bottom": "bottom", "top": "top"}
        look = {"fill_color": "colour", "fill_alpha": "alpha", "line_color": None}
        plots.layer(plot, self._boxes, Quad(**edges, **look))
        plots.layer(plot, self._lines, MultiLine(xs="xs", ys="ys", line_color=INK))
        self._edges = LinearAxis(ticker=FixedTicker(ticks=[]), major_tick_line_color=None)
        quiet_axis(self._edges)
        self._edges.update(
            axis_line_color=None, major_label_text_font_size=SIZE, major_label_text_color=FAINT
        )
        plot.add_layout(self._edges, "right")

    def show(self, rows: Sequence[LaneRow]) -> list[Strip]:
        """Show some rows."""
        self._axis.show_rows(rows)
        strips = [
            place_row(row, *place) for row, place in zip(rows, self._axis.row_places(), strict=True)
        ]
        lines = [piece for strip in strips for piece in zip(strip.x, strip.y, strict=True)]
        self._lines.data = {
            "xs": [np.array(x) for x, _ in lines],
            "ys": [np.array(y) for _, y in lines],
        }
        boxes = [
            (start, stop, strip.bottom, strip.top, colour, alpha)
            for strip in strips
            for start, stop, colour, alpha in strip.boxes
        ]
        self._boxes.data = {name: [box[i] for box in boxes] for i, name in enumerate(BOX)}
        texts: dict[float, str] = {}
        for strip in strips:
            ends = strip.bottom + INSIDE, strip.top - INSIDE
            texts |= {at: text for at, text in zip(ends, strip.edges, strict=True) if text}
        self._edges.major_label_overrides = texts
        self._edges.ticker.ticks = list(texts)
        return strips
