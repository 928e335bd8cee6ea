"""Lanes of theta, ripples and behavior, below the intervals, and the thread that reads them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from bokeh.document import Document
from bokeh.events import MouseMove
from bokeh.models import FixedTicker, LinearAxis, MultiLine, Quad

from lfpscope.viewer.lane_curves import Curve, LaneRow, draw_row, value_text
from lfpscope.viewer.lane_data import Lanes, read_lanes
from lfpscope.viewer.page_layout import PageLayout
from lfpscope.viewer.session_folder import SessionFolder
from lfpscope.viewer.style import ACCENT, FAINT, INK, quiet_axis
from lfpscope.viewer.times import time_of
from lfpscope.viewer.view_state import State
from lfpscope.viewer.worker import Worker

SIZE = "10px"  # of the numbers at the edges
MARGINS = 0.15, 0.1  # lines below and above a curve
ROWS, BLOCKS = "lane rows", "lane blocks"  # sources of what a saved picture shows, too


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
    """

    def __init__(self, document: Document, session: SessionFolder, layout: PageLayout) -> None:
        self._document, self._session, self._layout = document, session, layout
        self._lanes = Lanes()
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
            self._models.show(rows)

    def _hover(self, event: MouseMove) -> None:
        """Say what the lanes are where the mouse is on them, and why others are not there."""
        if self._state is None or event.x is None:
            return
        parts = [time_of(self._state.timeline, event.x, 2)]
        for one in self._lanes.curves:
            parts += [
                f"{text} ({one.detail})" for text in self._words_of(one, self._state, event.x)
            ]
        parts += [f"no lane {name}: {why}" for name, why in self._lanes.missing.items()]
        self._layout.show_reading(" · ".join(parts))

    def _words_of(self, curve: Curve, state: State, seconds: float) -> list[str]:
        if curve.name in state.without:
            return []
        text = value_text(curve, seconds, state.start, state.stop, self._width)
        return [text or f"{curve.name}: none"]


class _Models:
    """Two layers in the plot of the time axis, and what stands right of it."""

    def __init__(self, layout: PageLayout) -> None:
        plots, self._axis = layout.plots, layout.axis
        plot = self._axis.plot
        self._rows = plots.source(_columns([], []), name=ROWS)
        self._blocks = plots.source(_block_columns([], []), name=BLOCKS)
        edges = {"left": "left", "right": "right", "bottom": "bottom", "top": "top"}
        look = {"fill_color": "colour", "fill_alpha": "alpha", "line_color": None}
        plots.layer(plot, self._blocks, Quad(**edges, **look))
        plots.layer(plot, self._rows, MultiLine(xs="xs", ys="ys", line_color=INK))
        self._edges = LinearAxis(ticker=FixedTicker(ticks=[]), major_tick_line_color=None)
        quiet_axis(self._edges)
        self._edges.update(
            axis_line_color=None, major_label_text_font_size=SIZE, major_label_text_color=FAINT
        )
        plot.add_layout(self._edges, "right")

    def show(self, rows: Sequence[LaneRow]) -> None:
        """Show some rows."""
        self._axis.show_rows(rows)
        places = [(low + MARGINS[0], high - MARGINS[1]) for low, high in self._axis.row_places()]
        self._rows.data = _columns(rows, places)
        self._blocks.data = _block_columns(rows, places)
        texts: dict[float, str] = {}
        for row, (low, high) in zip(rows, places, strict=True):
            if row.high:
                texts |= {low + 0.25: row.low, high - 0.25: row.high}
        self._edges.major_label_overrides = texts
        self._edges.ticker.ticks = list(texts)


Places = Sequence[tuple[float, float]]
Columns = dict[str, list[Any]]


def _columns(rows: Sequence[LaneRow], places: Places) -> Columns:
    """Lines in the coordinates of the plot, and what stands beside them."""
    beside = ("name", "about", "high", "low", "is_hidden")
    return {
        "xs": [np.array(row.x) for row in rows],
        "ys": [
            low + np.array(row.y) * (high - low)
            for row, (low, high) in zip(rows, places, strict=True)
        ],
        **{name: [getattr(row, name) for row in rows] for name in beside},
        "bottom": [low for low, _ in places],
        "top": [high for _, high in places],
    }


def _block_columns(rows: Sequence[LaneRow], places: Places) -> Columns:
    """Shaded stretches and events."""
    blocks = [
        (*span, low, high, colour, alpha)
        for row, (low, high) in zip(rows, places, strict=True)
        for spans, colour, alpha in ((row.shaded, ACCENT, 0.15), (row.events, INK, 0.8))
        for span in spans
    ]
    names = ("left", "right", "bottom", "top", "colour", "alpha")
    return {name: [block[i] for block in blocks] for i, name in enumerate(names)}
