"""The time axis of a page: one for all panels, with the names of intervals."""

from bokeh.models import ColumnDataSource, CrosshairTool, Plot, Quad, Range1d, Text

from lfpscope.clock.timeline import Timeline
from lfpscope.viewer.models import Plots, hover_names
from lfpscope.viewer.style import FONT, INK, STRIP, borders
from lfpscope.viewer.times import clock_axis


def time_axis(plots: Plots, spans: ColumnDataSource, timeline: Timeline) -> Plot:
    """The one axis of all panels, with the names of intervals where there is room."""
    axis = clock_axis(timeline)
    plot = plots.plot(
        plots.time,
        Range1d(0, 1),
        plots.lane_tools,
        height=64 if axis.axis_label else 48,
        sizing_mode="stretch_width",
        css_classes=["moves"],
        **borders(STRIP + plots.left),
    )
    # no outline: it would cover what is a pixel wide
    look = {"fill_color": "colour", "fill_alpha": 0.5, "line_color": None}
    quads = plots.layer(plot, spans, Quad(left="start", right="stop", bottom=0, top=1, **look))
    font = {"text_font_size": FONT, "text_color": INK, "text_baseline": "middle"}
    plots.layer(plot, spans, Text(x="at", y=0.5, x_offset=3, text="label", **font))
    plot.add_tools(
        hover_names("@name", quads),
        CrosshairTool(overlay=plots.cursor),
    )
    plot.add_layout(axis, "below")
    plots.add_breaks(plot)
    return plot
