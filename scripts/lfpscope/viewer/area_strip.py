"""The strip beside a panel: brain areas shown and left out, and channels that are marked."""

from typing import Any

import numpy as np
import numpy.typing as npt
from bokeh.models import Plot, Quad, Range1d, Scatter, Text

from lfpscope.envelope.read import OpenProbe
from lfpscope.render.rows import Rows
from lfpscope.viewer.labels import (
    area_bands,
    area_labels,
    area_runs,
    channel_marks,
    left_out_labels,
)
from lfpscope.viewer.models import Plots, hover_names
from lfpscope.viewer.pointer import depth_classes
from lfpscope.viewer.style import FAINT, FONT, INK, STRIP, WRONG, borders

LEFT_OUT = 0.72  # of the strip's width, for names


class AreaStrip:
    """Brain areas, named where there is room and on hover; beside them, marks of channels.

    Areas that are left out have grey names where their channels would be, as far as there is room.

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
        self._plots, self._colours = plots, colours
        self._has_lines = self._has_left_out = False
        self._labels = plots.source({"y": [], "text": []})
        self._areas = plots.source({"area": [], "top": [], "bottom": [], "colour": []})
        self._lines = plots.source({"colour": [], "top": [], "bottom": []}, name=f"lines {name}")
        empty: dict[str, list[Any]] = {"y": [], "marker": [], "what": []}
        self._marks = plots.source(empty, name=f"channel marks {name}")
        self._left_out = plots.source(left_out_labels([], 0, 0, []), name=f"left out {name}")
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
        plots.layer(plot, self._labels, _names(INK))
        look = {"line_color": WRONG, "line_width": 2, "fill_color": "white"}
        marks = plots.layer(
            plot, self._marks, Scatter(x=0.94, y="y", marker="marker", size=8, **look)
        )
        plot.add_tools(hover_names("@area", quads), hover_names("@what", marks))
        return plot

    # what most pages never show is added when they do: they open sooner with fewer layers

    def _add_lines(self) -> None:
        beside = {"left": 0.87, "right": 1, "top": "top", "bottom": "bottom"}
        quads = Quad(fill_color="colour", line_color=None, **beside)
        self._plots.layer(self.plot, self._lines, quads, level="underlay")  # marks are above it

    def _add_left_out(self) -> None:
        self._plots.layer(self.plot, self._left_out, _names(FAINT))
        place = {"left": 0, "right": LEFT_OUT, "top": "top", "bottom": "bottom"}
        quads = Quad(fill_alpha=0, line_color=None, **place)
        names = self._plots.layer(self.plot, self._left_out, quads)
        self.plot.add_tools(hover_names("@area: left out; click: show it, too", names))

    def show(
        self,
        probe: OpenProbe,
        rows: Rows,
        bad: npt.NDArray[np.bool_],
        height: int,
        left_out: list[tuple[str, int, int]],
        colours: list[str],
    ) -> None:
        """Show areas, marks and lines' colours of rows, and areas left out, in some pixels."""
        channels = probe.references.channels
        runs, n = area_runs(channels, rows), rows.channels.size
        marked = (one[rows.channels] for one in (probe.dead, probe.saturated, bad))
        self._marks.data = channel_marks(channels.id[rows.channels], *marked)
        self._areas.data = area_bands(runs, n, self._colours)
        edges = [1 - row / max(1, n) for row in range(len(colours) + 1)]
        self._lines.data = {"colour": colours, "top": edges[:-1], "bottom": edges[1:]}
        self._labels.data = labels = area_labels(runs, n, height)
        self._left_out.data = left_out_labels(left_out, n, height, labels["y"])
        if colours and not self._has_lines:
            self._has_lines = True
            self._add_lines()
        if left_out and not self._has_left_out:
            self._has_left_out = True
            self._add_left_out()

    def left_out_at(self, x: float, y: float) -> str:
        """Area left out whose name lies at a place of the strip; empty where none does."""
        names = self._left_out.data
        edges = zip(names["area"], names["top"], names["bottom"], strict=True)
        found = [area for area, top, bottom in edges if bottom <= y <= top]
        return found[0] if found and x <= LEFT_OUT else ""


def _names(colour: str) -> Text:
    """Names of areas, left of their bands."""
    align = {"text_align": "right", "text_baseline": "middle"}
    return Text(x=0.7, y="y", text="text", text_font_size=FONT, text_color=colour, **align)
