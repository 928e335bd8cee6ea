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
from lfpscope.viewer.models import Plots, hover_names
from lfpscope.viewer.style import FONT, INK, STRIP, borders, quiet_axis
from lfpscope.viewer.times import clock_axis

LINE, AXIS, TITLE = 17, 32, 16  # pixels: of a line of the lane, of times below it, of their title
MAX_LETTERS = 18  # of a line's name


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
        """Line of the lane whose name was clicked."""
        row = len(self._lines) - 1 - math.floor(event.y)
        is_name = event.sx < self.plot.min_border_left and 0 <= row < len(self._lines)
        return self._lines[row] if is_name else None

    def show_lines(self, lines: Sequence[str], without: frozenset[str] = frozenset()) -> None:
        """Make room for the lines of a lane, from the top down, with a box to tick at each."""
        self._lines = list(lines)
        n = max(1, len(lines))
        places = [n - 0.5 - i for i in range(len(lines))]
        if places != self._names.ticker.ticks:
            self._heights.end = n
            self.plot.height = self._below + n * LINE
        signs = ["☐" if line in without else "☑" for line in lines]
        names = [
            f"{sign} {shorten(line, MAX_LETTERS)}" for sign, line in zip(signs, lines, strict=True)
        ]
        self._names.major_label_overrides = dict(zip(places, names, strict=True))
        self._names.ticker.ticks = places
