"""The strip beside a panel: brain areas with their names, and channels that are marked."""

from typing import Any

import numpy as np
import numpy.typing as npt
from bokeh.models import Plot, Quad, Range1d, Scatter, Text

from lfpscope.envelope.read import OpenProbe
from lfpscope.render.rows import Rows
from lfpscope.viewer.labels import area_bands, area_labels, area_runs, channel_marks
from lfpscope.viewer.models import Plots, hover_names
from lfpscope.viewer.pointer import depth_classes
from lfpscope.viewer.style import FONT, INK, STRIP, WRONG, borders


class AreaStrip:
    """Brain areas, named where there is room and on hover; beside them, marks of channels.

    Parameters
    ----------
    plots : Plots
        Makes it.
    heights : Range1d
        Of the panel.
    colours : dict of str to str
        Of all brain areas on the page.
    name : str
        The probe's id.

    Attributes
    ----------
    plot : Plot
        To be put beside the panel.
    """

    def __init__(self, plots: Plots, heights: Range1d, colours: dict[str, str], name: str) -> None:
        self._colours = colours
        self._labels = plots.source({"y": [], "text": []})
        self._areas = plots.source({"area": [], "top": [], "bottom": [], "colour": []})
        empty: dict[str, list[Any]] = {"y": [], "marker": [], "what": []}
        self._marks = plots.source(empty, name=f"channel marks {name}")
        self.plot = self._build(plots, heights, name)

    def _build(self, plots: Plots, heights: Range1d, name: str) -> Plot:
        plot = plots.plot(
            Range1d(0, 1),
            heights,
            width=STRIP,
            sizing_mode="stretch_height",
            css_classes=depth_classes(name),
            **borders(left=0, right=0) | {"outline_line_color": None},
        )
        band = {"left": 0.74, "right": 0.87, "top": "top", "bottom": "bottom"}
        quads = plots.layer(
            plot, self._areas, Quad(fill_color="colour", line_color="white", **band)
        )
        align = {"text_align": "right", "text_baseline": "middle"}
        font = {"text_font_size": FONT, "text_color": INK}
        plots.layer(plot, self._labels, Text(x=0.7, y="y", text="text", **align, **font))
        look = {"line_color": WRONG, "line_width": 2, "fill_color": "white"}
        marks = plots.layer(
            plot, self._marks, Scatter(x=0.94, y="y", marker="marker", size=8, **look)
        )
        plot.add_tools(hover_names("@area", quads), hover_names("@what", marks))
        return plot

    def show(self, probe: OpenProbe, rows: Rows, bad: npt.NDArray[np.bool_], height: int) -> None:
        """Show the areas and the marks of some rows, in a panel of some pixels' height."""
        channels = probe.references.channels
        runs, n = area_runs(channels, rows), rows.channels.size
        marked = (one[rows.channels] for one in (probe.dead, probe.saturated, bad))
        self._marks.data = channel_marks(channels.id[rows.channels], *marked)
        self._areas.data = area_bands(runs, n, self._colours)
        self._labels.data = area_labels(runs, n, height)
