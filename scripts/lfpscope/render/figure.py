"""What stands around pixels in a PNG: axes, labels, bars, lanes, headings (matplotlib)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D

from lfpscope.clock.timeline import Timeline
from lfpscope.doubts import Doubt, describe_doubts
from lfpscope.envelope.read import OpenProbe
from lfpscope.io.atomic import atomic
from lfpscope.render.fonts import describe_boxes
from lfpscope.render.palettes import HEAT_COLOURS
from lfpscope.render.rows import Rows
from lfpscope.render.ticks import (
    shorten,
)
from lfpscope.render.view import View

DPI = 100
WARNING = "#b3261e"  # doubts and damage
QUIET = "#555555"
LINE = 16  # pixels of a line under the title
MAX_LINES, MAX_DOUBT_LINES = 8, 2  # of a caption, and of doubts


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels from the figure's left and top edge."""

    left: int
    top: int
    width: int
    height: int


def new_figure(width: int, height: int) -> Figure:
    """Make a white figure of so many pixels."""
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def new_axes(figure: Figure, box: Box) -> Axes:
    """Make axes that fill a box."""
    width, height = figure.get_size_inches() * DPI
    bottom = height - box.top - box.height
    return figure.add_axes(
        (box.left / width, bottom / height, box.width / width, box.height / height)
    )


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG."""
    note_boxes(figure)
    with atomic(path) as part:
        # no date and no version of the library inside: equal pictures are equal bytes
        figure.savefig(part, format="png", metadata={"Software": None})


def note_boxes(figure: Figure) -> None:
    """Say in the upper right corner, and in the log, which letters are drawn as boxes."""
    if words := describe_boxes(figure):
        print(words)
        height = figure.get_size_inches()[1] * DPI
        place = figure.text(0.995, 1 - 3 / height, words, ha="right", va="top", fontsize=8)
        place.set(color=WARNING, backgroundcolor="white")


def text_width(text: str, size: float) -> float:
    """Width of a text in pixels."""
    width, _, _ = _renderer().get_text_width_height_descent(text, FontProperties(size=size), False)
    return float(width)


@cache
def _renderer() -> Any:
    renderer: Any = RendererAgg  # its parameters have no types
    return renderer(1, 1, DPI)


def fit_text(text: str, size: float, room: float) -> str:
    """Shorten a text in its middle until it fits into so many pixels."""
    text = shorten(text, max(1, len(text)))
    for most in range(len(text), 3, -1):
        shortened = shorten(text, most)
        if text_width(shortened, size) <= room:
            return shortened
    return shorten(text, 3)


def wrap(parts: Sequence[str], fits: Callable[[str], bool]) -> list[str]:
    """Join parts with dots between them to lines that fit; only longer ones break, at a word."""
    lines: list[str] = []
    for part in parts:
        if lines and fits(f"{lines[-1]} · {part}"):
            lines[-1] = f"{lines[-1]} · {part}"
            continue
        lines.append("")
        for word in part.split():
            longer = f"{lines[-1]} {word}".lstrip()
            if not lines[-1] or fits(longer):
                lines[-1] = longer
            else:
                lines.append(word)
    return [line for line in lines if line]


def wrap_some(parts: Sequence[str], most: int, fits: Callable[[str], bool]) -> list[str]:
    """Wrap as many of some parts as fit into so many lines, and say how many more there are."""
    for kept in range(len(parts), 0, -1):
        more = [f"and {len(parts) - kept} more"] if kept < len(parts) else []
        lines = wrap([*parts[:kept], *more], fits)
        if len(lines) <= most and all(fits(line) for line in lines):
            return lines
    for length in range(max(map(len, parts), default=0), 0, -1):
        more = [f"and {len(parts) - 1} more"] if len(parts) > 1 else []
        lines = wrap([shorten(parts[0], length), *more], fits)
        if len(lines) <= most and all(fits(line) for line in lines):
            return lines
    return []


@dataclass(frozen=True)
class Heading:
    """What stands above a picture: a title, captions, doubts.

    Attributes
    ----------
    title : str
        In bold.
    caption, doubts : list of str
        Lines.
    """

    title: str
    caption: list[str]
    doubts: list[str]

    @property
    def shift(self) -> int:
        """Pixels by which the picture is lower than under one line of caption."""
        return LINE * (len(self.caption) + len(self.doubts) - 1)


def make_heading(
    title: str, caption: Sequence[str], doubts: Sequence[Doubt], width: int
) -> Heading:
    """Lay out what stands above a picture so many pixels wide."""
    room = width * 0.976

    def fits(text: str) -> bool:
        return text_width(text, 10.5) <= room

    return Heading(
        fit_text(title, 15, room * 0.95),
        wrap_some(caption, MAX_LINES, fits),
        wrap_some(describe_doubts(doubts), MAX_DOUBT_LINES, fits),
    )


def draw_heading(figure: Figure, heading: Heading) -> None:
    """Draw it at the figure's top."""
    height = figure.get_figheight() * DPI
    figure.text(0.012, 1 - 14 / height, heading.title, fontsize=15, fontweight="bold", va="top")
    lines = [(line, QUIET) for line in heading.caption]
    lines += [(line, WARNING) for line in heading.doubts]
    for i, (line, colour) in enumerate(lines):
        y = 1 - (38 + i * LINE) / height
        figure.text(0.012, y, line, fontsize=10.5, color=colour, va="top")


def show_pixels(
    figure: Figure, box: Box, picture: npt.NDArray[np.uint8], view: View, timeline: Timeline
) -> Axes:
    """Put a picture on axes in axis time, of just so many pixels as the box has."""
    axes = new_axes(figure, box)
    height = picture.shape[0]
    columns = np.arange(box.width) * view.width // box.width  # a column is whole pixels wide
    extent = (view.t0, view.t1, height, 0)
    axes.imshow(picture[:, columns], extent=extent, aspect="auto", interpolation="nearest")
    axes.tick_params(labelsize=10, color="#888888")
    for spine in axes.spines.values():
        spine.set_color("#888888")
        spine.set_linewidth(0.8)
    _draw_breaks(axes, timeline, (view.t1 - view.t0) / view.n_columns, box)
    return axes


def _draw_breaks(axes: Axes, timeline: Timeline, column: float, box: Box) -> None:
    """Where the axis is broken: paper, and two slanted strokes above and below."""
    start, stop = axes.get_xlim()
    for before, after in timeline.breaks:
        left, right = before + column, after - column  # a column of data may reach into it
        if not (start < left < right < stop):
            continue
        axes.axvspan(left, right, color="white", linewidth=0, zorder=2.8)
        x = (np.array([left, right]) - start) / (stop - start)
        dx, dy = 3 / box.width, 5 / box.height
        for y in (0.0, 1.0):
            line: dict[str, Any] = {"transform": axes.transAxes, "clip_on": False}
            axes.add_line(Line2D(x, [y, y], color="white", linewidth=2.5, zorder=10, **line))
            for one in x.tolist():
                stroke = [one - dx, one + dx], [y - dy, y + dy]
                axes.add_line(Line2D(*stroke, color=QUIET, linewidth=1, zorder=11, **line))


def hatch_damage(axes: Axes, box: Box, probe: OpenProbe, rows: Rows, timeline: Timeline) -> None:
    """Hatch the chunks that could not be decoded, over the channels and the time they hold."""
    references = probe.references
    clock, (height, width) = timeline.clock(references.clock), references.layout.chunks
    row_of = np.argsort(rows.channels)  # of each channel, from the top
    band = box.height / row_of.size
    patches = []
    for damage in probe.damaged:
        here = row_of[damage.column * width : (damage.column + 1) * width].tolist()
        for segment in clock.valid:
            first = max(damage.row * height, segment.first_sample)
            last = min((damage.row + 1) * height, segment.stop_sample) - 1
            if first > last:
                continue
            start, stop = clock.seconds(first), clock.seconds(last)
            for row in here:
                top, bottom = row * band, (row + 1) * band
                patches.append([(start, top), (stop, top), (stop, bottom), (start, bottom)])
    if patches:
        axes.add_collection(
            PolyCollection(
                patches, facecolor="white", edgecolor=WARNING, hatch="//////", linewidth=0.5
            ),
            autolim=False,
        )


def draw_scale_bar(figure: Figure, box: Box, pixels: float, microvolts: float) -> None:
    """Draw how high so many µV are, to the right of the traces in a box."""
    axes = new_axes(figure, Box(box.left + box.width + 12, box.top, 78, box.height))
    axes.set(xlim=(0, 78), ylim=(box.height, 0))
    axes.axis("off")
    middle = box.height / 2
    axes.plot([4, 4], [middle - pixels / 2, middle + pixels / 2], color="black", linewidth=2)
    axes.text(12, middle, f"{microvolts:g} µV", va="center", fontsize=10.5)


def draw_colour_bar(figure: Figure, box: Box, microvolts: float) -> None:
    """Draw the colours of amplitudes from 0 to so many µV, to the right of a box."""
    bar = Box(box.left + box.width + 14, box.top, 14, min(box.height, 300))
    axes = new_axes(figure, bar)
    colours = HEAT_COLOURS[::-1, np.newaxis]
    axes.imshow(colours, aspect="auto", extent=(0, 1, 0, microvolts))
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    title = "amplitude (RMS, µV)"
    axes.set_ylabel(title if text_width(title, 10) <= bar.height else "µV", fontsize=10)
    axes.tick_params(labelsize=10)
