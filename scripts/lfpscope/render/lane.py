"""The lane of intervals above a picture."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lfpscope.render.areas import interval_colours
from lfpscope.render.figure import Box, new_axes, text_width
from lfpscope.render.ticks import (
    shorten,
)

LANE_TOP, LANE_HEIGHT = 76, 10  # of the lane of intervals under one line of caption, in pixels
LANE_ROOM = 26  # with the names above it
LANE_PAPER = "#f1f0ee"


@dataclass(frozen=True)
class Span:
    """An interval in axis time, seconds."""

    start: float
    stop: float
    name: str


def draw_lane(figure: Figure, box: Box, spans: Sequence[Span], start: float, stop: float) -> None:
    """Show when which intervals are; above, the names of their kinds, as far as there is room."""
    axes = new_axes(figure, box)
    kinds = list(dict.fromkeys(one.name for one in spans))
    colours = interval_colours(kinds)
    picture = _lane_picture(spans, colours, start, stop, box)
    extent = (0, box.width, box.height, 0)
    axes.imshow(picture, extent=extent, aspect="auto", interpolation="nearest")
    axes.axis("off")
    small: dict[str, Any] = {"fontsize": 8.5, "va": "center", "color": "#444444"}
    axes.text(-8, box.height / 2, "intervals", ha="right", **small)
    middle, swatch, x = -9.0, 8, 0.0
    for kind in kinds:
        name = shorten(kind, 60)
        stops = x + swatch + 4 + text_width(name, 8.5)
        if stops > box.width:
            axes.text(x + swatch + 4, middle, "…", **small)
            return
        axes.text(x + swatch + 4, middle, name, **small)
        axes.add_patch(
            Rectangle(
                (x, middle - swatch / 2),
                swatch,
                swatch,
                color=colours[kind],
                linewidth=0,
                clip_on=False,
            )
        )
        x = stops + 14


def _lane_picture(
    spans: Sequence[Span], colours: dict[str, str], start: float, stop: float, box: Box
) -> npt.NDArray[np.float64]:
    """Colours of a lane: each column of pixels is shared by the kinds that lie in it."""
    number = {kind: i for i, kind in enumerate(colours)}
    here = np.zeros((box.width, len(colours)), np.bool_)
    per_second = box.width / (stop - start)
    for one in spans:  # tens of thousands, so no patch for each
        first = min(max(0, math.floor((one.start - start) * per_second)), box.width - 1)
        last = max(first + 1, math.ceil((one.stop - start) * per_second))
        here[first:last, number[one.name]] = True
    by_number = np.array([to_rgb(colour) for colour in colours.values()])
    picture = np.full((box.height, box.width, 3), to_rgb(LANE_PAPER))
    rows = np.arange(box.height)
    for column in np.flatnonzero(here.any(axis=1)):
        found = np.flatnonzero(here[column])
        picture[:, column] = by_number[found[rows * found.size // box.height]]
    return picture
