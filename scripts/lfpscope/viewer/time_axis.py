"""The time axis of a page: one for all panels, with a lane of intervals."""

import math
from collections.abc import Sequence

from bokeh.events import Tap
from bokeh.models import (
    ColumnDataSource,
    CrosshairTool,
    FixedTicker,
    LinearAxis,
    Quad,
    Range1d,
    Text,
)

from lfpscope.clock.timeline import Timeline
from lfpscope.render.ticks import shorten
from lfpscope.viewer.lane_curves import LaneRow
from lfpscope.viewer.models import Plots, hover_names
from lfpscope.viewer.style import FONT, INK, STRIP, borders, quiet_axis
from lfpscope.viewer.times import clock_axis

LINE, AXIS, TITLE = 17, 32, 16  # pixels: of a line of the lane, of times below it, of their title
MAX_LETTERS = 18  # of a line's name
CURVE = 2  # lines that a curve takes


class TimeAxis:
    """The one axis of all panels, and intervals: a line for each table, named where there is room.

    Parameters
    ----------
    plots : Plots
        Makes it.
    spans : ColumnDataSource
        Intervals, as `IntervalLane.blocks` gives them.
    timeline : Timeline
        Of the page.

    Attributes
    ----------
    plot : Plot
        To be put below the panels.
    """

    def __init__(self, plots: Plots, spans: ColumnDataSource, timeline: Timeline) -> None:
        axis = clock_axis(timeline)
        self._below = AXIS + (TITLE if axis.axis_label else 0)
        self._heights = Range1d(0, 1)
        self._lines: list[str] = []
        self._without = frozenset[str]()
        self._rows: list[LaneRow] = []
        self._names = LinearAxis(ticker=FixedTicker(ticks=[]), major_tick_line_color=None)
        quiet_axis(self._names)
        self._names.axis_line_color = None
        self.plot = plots.plot(
            plots.time,
            self._heights,
            plots.lane_tools,
            height=self._below + LINE,
            sizing_mode="stretch_width",
            css_classes=["moves"],
            **borders(STRIP + plots.left),
        )
        # no outline: it would cover what is a pixel wide
        look = {"fill_color": "colour", "fill_alpha": 0.5, "line_color": None}
        edges = {"left": "start", "right": "stop", "bottom": "bottom", "top": "top"}
        quads = plots.layer(self.plot, spans, Quad(**edges, **look))
        font = {"text_font_size": FONT, "text_color": INK, "text_baseline": "middle"}
        plots.layer(self.plot, spans, Text(x="at", y="middle", x_offset=3, text="label", **font))
        self.plot.add_tools(
            hover_names("@name @about", quads),
            CrosshairTool(overlay=plots.cursor),
        )
        self.plot.add_layout(axis, "below")
        self.plot.add_layout(self._names, "left")
        plots.add_breaks(self.plot)

    def line_at(self, event: Tap) -> str | None:
        """Line of intervals or curve whose name was clicked."""
        if event.sx >= self.plot.min_border_left:
            return None
        height = float(event.y)
        row = len(self._lines) - 1 - math.floor(height)
        if 0 <= row < len(self._lines):
            return self._lines[row]
        return self.row_at(height)

    def row_at(self, height: float) -> str | None:
        """Name of the curve at a height."""
        places = zip(self._rows, self.row_places(), strict=True)
        return next((one.name for one, (low, high) in places if low <= height < high), None)

    def show_lines(self, lines: Sequence[str], without: frozenset[str] = frozenset()) -> None:
        """Make room for the lines of a lane, from the top down, with a box to tick at each."""
        self._lines, self._without = list(lines), without
        self._lay_out()

    def show_rows(self, rows: Sequence[LaneRow]) -> None:
        """Make room for curves below the lines."""
        self._rows = list(rows)
        self._lay_out()

    def row_places(self) -> list[tuple[float, float]]:
        """Lower and upper edge of each curve, in lines above the lowest line of intervals."""
        places, high = [], 0.0
        for row in self._rows:
            low = high - (1 if row.is_hidden else CURVE)
            places.append((low, high))
            high = low
        return places

    def _lay_out(self) -> None:
        n = max(1, len(self._lines))
        texts = {
            n - 0.5 - i: f"{_sign(line in self._without)} {shorten(line, MAX_LETTERS)}"
            for i, line in enumerate(self._lines)
        }
        places = self.row_places()
        for row, (low, high) in zip(self._rows, places, strict=True):
            name = f"{_sign(row.is_hidden)} {shorten(row.name, MAX_LETTERS)}"
            more = "" if row.is_hidden else f"\n{shorten(row.about, MAX_LETTERS)}"
            texts[(low + high) / 2] = name + more
        bottom = places[-1][0] if places else 0.0
        if (bottom, n) != (self._heights.start, self._heights.end) or not self._names.ticker.ticks:
            self._heights.update(start=bottom, end=n)
            self.plot.height = self._below + round((n - bottom) * LINE)
        self._names.major_label_overrides = texts
        self._names.ticker.ticks = list(texts)


def _sign(is_hidden: bool) -> str:
    """A box that is ticked where a line is shown."""
    return "☐" if is_hidden else "☑"
