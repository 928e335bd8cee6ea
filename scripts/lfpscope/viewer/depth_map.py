"""A picture of a probe's channels from the top down, with depths and areas beside it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from bokeh.core.property.descriptors import UnsetValueError
from bokeh.events import MouseMove
from bokeh.models import FixedTicker, HSpan, ImageRGBA, LinearAxis, Plot, Range1d, Text, VSpan

from lfpscope.nwb.electrodes import Channels
from lfpscope.render.rows import Rows
from lfpscope.viewer.labels import area_labels, area_runs, row_ticks
from lfpscope.viewer.models import Plots
from lfpscope.viewer.style import ACCENT, FONT, INK, borders, quiet_axis

LEFT, RIGHT = 66, 12  # pixels beside the frame
LIKELY = 240  # pixels of height, for the labels


class DepthMap:
    """A plot of one picture.

    Parameters
    ----------
    plots : Plots
        Makes it.
    x : Range1d
        Of the horizontal axis.
    title : str
        Of that axis.
    name : str
        Of the source of its picture.
    hovered : callable
        Gets the row under the cursor.

    Attributes
    ----------
    plot : Plot
        To be put on the page.
    """

    def __init__(
        self, plots: Plots, x: Range1d, title: str, name: str, hovered: Callable[[int], None]
    ) -> None:
        self._rows, self._hovered = 0, hovered
        self._picture = plots.source({"image": [], "x": [], "dw": []}, name=name)
        self._areas = plots.source({"x": [], "y": [], "text": []})
        self._lines = plots.source({"x": []})
        self._row = plots.source({"y": []})
        self.plot: Plot = plots.plot(
            x, Range1d(0, 1), sizing_mode="stretch_both", min_height=120, **borders(LEFT, RIGHT)
        )
        self._ticker = FixedTicker()
        self._axis = LinearAxis(ticker=self._ticker)
        self.below = LinearAxis(axis_label=title)
        for axis, side in ((self._axis, "left"), (self.below, "below")):
            quiet_axis(axis)
            self.plot.add_layout(axis, side)
        place = {"x": "x", "y": 0, "dw": "dw", "dh": 1, "origin": "top_left"}
        plots.layer(self.plot, self._picture, ImageRGBA(image="image", **place))
        plots.layer(self.plot, self._lines, VSpan(x="x", line_color=INK))
        plots.layer(self.plot, self._row, HSpan(y="y", line_color=ACCENT))
        white = {"background_fill_color": "white", "background_fill_alpha": 0.8, "padding": 1}
        look = {"text_font_size": FONT, "text_color": INK, "text_baseline": "middle"}
        names = Text(x="x", y="y", text="text", x_offset=4, **look, **white)
        plots.layer(self.plot, self._areas, names)
        self.plot.on_event(MouseMove, self._moved)

    def show(
        self, colours: npt.NDArray[np.uint8], start: float, stop: float, lines: tuple[float, ...]
    ) -> None:
        """Show colours (row, column, 3) from one edge of the axis to the other, and some lines."""
        self._rows = colours.shape[0]
        picture = {"image": [rgba(colours)], "x": [start], "dw": [stop - start]}
        empty: dict[str, list[Any]] = {"image": [], "x": [], "dw": []}
        self._picture.data = picture if self._rows else empty
        self._lines.data = {"x": list(lines)}

    def label(self, channels: Channels, rows: Rows) -> None:
        """Label depths and areas."""
        height = self._height
        ticks = row_ticks(channels, rows, height)
        self._ticker.ticks = ticks.places
        self._axis.major_label_overrides = dict(zip(ticks.places, ticks.labels, strict=True))
        if channels.depth_axis is not None:
            self._axis.axis_label = channels.depth_axis.unit
        found = area_labels(area_runs(channels, rows), rows.channels.size, height)
        self._areas.data = {**found, "x": [self.plot.x_range.start] * len(found["y"])}

    def point_out(self, row: int) -> None:
        """Draw a line at a row."""
        self._row.data = {"y": [1 - (row + 0.5) / max(1, self._rows)]}

    @property
    def _height(self) -> int:
        try:
            # one that is not shown has no height yet
            return max(LIKELY // 2, int(self.plot.inner_height))
        except UnsetValueError:
            return LIKELY

    def _moved(self, event: MouseMove) -> None:
        if event.y is not None and 0 <= event.y <= 1 and self._rows:
            self._hovered(min(int((1 - event.y) * self._rows), self._rows - 1))


def rgba(colours: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    """Pack opaque colours (row, column, 3) as Bokeh takes them."""
    full = np.full((*colours.shape[:2], 4), 255, np.uint8)
    full[..., :3] = colours
    return full.view(np.uint32)[..., 0]
