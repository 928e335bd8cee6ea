"""Plots of a page, of as few Bokeh models as will do: server and browser take time for each."""

from collections.abc import Sequence
from typing import Any

from bokeh.models import (
    AllIndices,
    BoxSelectTool,
    BoxZoomTool,
    CDSView,
    ColumnDataSource,
    CoordinateMapping,
    Glyph,
    GlyphRenderer,
    HoverTool,
    LinearScale,
    Plot,
    Quad,
    Range1d,
    Span,
    Toolbar,
    UnionRenderers,
)

from lfpscope.clock.timeline import Timeline
from lfpscope.viewer.style import ACCENT, INK, LEFT


class Plots:
    """Makes the plots of one page, their layers and sources, with what they share.

    Bokeh would make every plot scales of its own, every layer a filter that lets all pass, and
    every source a policy how selections join: all without a state, so that one of each is enough.

    Parameters
    ----------
    time : Range1d
        Session time that the page shows.
    tools : list of Tool
        To move in time.
    timeline : Timeline
        Of the page.
    left : int
        Pixels beside all frames, for the widest depth axis: so that they line up.

    Attributes
    ----------
    cursor : Span
        The crosshair's upright line.
    """

    def __init__(
        self, time: Range1d, tools: list[Any], timeline: Timeline, left: int = LEFT
    ) -> None:
        self.time, self.tools, self.left = time, tools, left
        # the box of a tool is drawn in every plot that has it, at the same pixels: right where
        # the frames lie below one another, wrong in the lane, whose frame has no strip beside it
        self.lane_tools = [
            one for one in tools if not isinstance(one, (BoxZoomTool, BoxSelectTool))
        ]
        self.cursor = Span(dimension="height", line_color=ACCENT)
        self._scale, self._everything = LinearScale(), AllIndices()
        self._policy = UnionRenderers()
        starts, stops = zip(*timeline.breaks, strict=True) if timeline.breaks else ((), ())
        self._breaks = self.source({"start": list(starts), "stop": list(stops)}, name="breaks")

    def plot(
        self, x_range: Range1d, y_range: Range1d, tools: Sequence[Any] = (), **place: Any
    ) -> Plot:
        """Make a plot without axes, grids and title, which `figure` makes of many more models."""
        return Plot(
            x_range=x_range,
            y_range=y_range,
            x_scale=self._scale,
            y_scale=self._scale,
            toolbar=Toolbar(tools=list(tools)),
            toolbar_location=None,
            title=None,
            **place,
        )

    def source(self, columns: dict[str, list[Any]], **names: str) -> ColumnDataSource:
        """Make a source of some columns."""
        return ColumnDataSource(columns, selection_policy=self._policy, **names)

    def layer(
        self, plot: Plot, source: ColumnDataSource, glyph: Glyph, **place: Any
    ) -> "GlyphRenderer[Any]":
        """Add a layer to a plot."""
        return plot.add_glyph(source, glyph, view=CDSView(filter=self._everything), **place)

    def window(self, plot: Plot) -> CoordinateMapping:
        """Coordinates of a plot in which x is 0 at the left edge and 1 at the right one."""
        return CoordinateMapping(
            x_source=Range1d(0, 1),
            y_source=plot.y_range,
            x_target=plot.x_range,
            y_target=plot.y_range,
            x_scale=self._scale,
            y_scale=self._scale,
        )

    def add_breaks(self, plot: Plot) -> None:
        """Draw where the time axis is broken: paper between two lines."""
        if self._breaks.data["start"]:
            look = {"fill_color": "white", "line_color": INK, "line_dash": "4 3"}
            edges = {"left": "start", "right": "stop", "bottom": 0, "top": plot.y_range.end}
            self.layer(plot, self._breaks, Quad(**edges, **look))


def hover_names(names: str, *glyphs: "GlyphRenderer[Any]") -> HoverTool:
    """Names at the cursor: what is named may reach far beyond the page."""
    return HoverTool(
        renderers=list(glyphs), tooltips=names, point_policy="follow_mouse", visible=False
    )
