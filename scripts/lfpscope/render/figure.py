"""What stands around pixels in a PNG: axes, labels, bars, lanes, headings (matplotlib)."""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from lfpscope.clock.timeline import Timeline
from lfpscope.doubts import Doubt, describe_doubts
from lfpscope.envelope.read import OpenProbe
from lfpscope.formatting import clock_text, date_text, duration_text
from lfpscope.io.atomic import atomic
from lfpscope.nwb.electrodes import Channels
from lfpscope.render.areas import interval_colours
from lfpscope.render.palettes import HEAT_COLOURS
from lfpscope.render.rows import Rows
from lfpscope.render.ticks import (
    area_runs_of_rows,
    block_edges,
    block_runs,
    channel_ticks,
    depth_ticks,
    place_labels,
    shorten,
)
from lfpscope.render.view import View

Side = Literal["left", "center", "right"]
Tick = tuple[float, str, Side]
"""Axis time, label, and the label's alignment."""

DPI = 100
WARNING = "#b3261e"  # doubts and damage
QUIET = "#555555"
LINE = 16  # pixels of a line under the title
LANE_TOP, LANE_HEIGHT = 76, 10  # of the lane of intervals under one line of caption, in pixels
LANE_ROOM = 26  # with the names above it
LANE_PAPER = "#f1f0ee"
MAX_LINES = 2  # of a caption, and of doubts
BLOCK_NAME = 14  # pixels of height that the name of a block takes
# beside DejaVu Sans, which matplotlib brings; those that a system has
FONTS = (
    "Noto Sans",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Source Han Sans",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "IPAGothic",
    "Droid Sans Fallback",
    "Hiragino Sans",
    "PingFang SC",
    "Arial Unicode MS",
    "Unifont",
)


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels from the figure's left and top edge."""

    left: int
    top: int
    width: int
    height: int


@contextmanager
def text_settings() -> Iterator[None]:
    """Draw names from files as they are: no formulas, letters of any script, none that fails."""
    installed = {font.name for font in fontManager.ttflist}
    family = ["DejaVu Sans", *(name for name in FONTS if name in installed)]
    with (
        mpl.rc_context({"font.family": family, "text.parse_math": False}),
        warnings.catch_warnings(),
    ):
        # a letter that no font has is drawn as a box
        warnings.filterwarnings("ignore", r"(?s)Glyph .* missing from", UserWarning)
        yield


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
    with atomic(path) as part:
        # no date and no version of the library inside: equal pictures are equal bytes
        figure.savefig(part, format="png", metadata={"Software": None})


# --- texts that fit -----------------------------------------------------------------------------


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
    """Join parts with dots between them to lines that fit; words only break where they must."""
    lines: list[str] = []
    words = [word for part in parts for word in (*part.split(), "·")][:-1]
    for word in words:
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and fits(longer):
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


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
        wrap_some(describe_doubts(doubts), MAX_LINES, fits),
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


# --- time ---------------------------------------------------------------------------------------


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


def label_time(axes: Axes, timeline: Timeline, width: int) -> None:
    """Label the time axis with session time, or with the time of day; title below."""
    start, stop = axes.get_xlim()
    ticks, title = time_ticks(timeline, start, stop, width)
    axes.set_xticks([at for at, _, _ in ticks], [label for _, label, _ in ticks])
    for text, (_, _, side) in zip(axes.get_xticklabels(), ticks, strict=True):
        text.set_horizontalalignment(side)
    axes.set_xlabel(title)
    axes.set_xlim(start, stop)


def time_ticks(timeline: Timeline, start: float, stop: float, width: int) -> tuple[list[Tick], str]:
    """Ticks at round session times, and on both sides of each break.

    Returns
    -------
    ticks : list of Tick
        From left to right.
    title : str
        Of the axis.
    """
    step = _round_seconds((stop - start) / max(1, min(12, width // 90)))

    def label(seconds: float, digits: int = 6) -> str:
        return clock_text(round(seconds, digits))

    found: list[Tick] = []
    digits = max(0, -math.floor(math.log10(step)) + 1)
    for before, after in pairwise(timeline.stretches):
        if start < before.end < after.at < stop:
            found.append((before.end, label(before.stop, digits), "right"))
            found.append((after.at, label(after.start, digits), "left"))
    for stretch in timeline.stretches:
        one_piece = len(timeline.stretches) == 1
        left = start if one_piece else stretch.start + max(start - stretch.at, 0)
        right = stop if one_piece else stretch.stop - max(stretch.end - stop, 0)
        for i in range(math.ceil(left / step - 1e-9), math.floor(right / step + 1e-9) + 1):
            at = i * step if one_piece else stretch.at + i * step - stretch.start
            found.append((at, label(i * step), "center"))
    pixels = width / (stop - start)
    return sorted(_without_overlap(found, pixels)), _time_title(timeline)


def _without_overlap(ticks: Sequence[Tick], pixels: float) -> Iterator[Tick]:
    """Leave out labels that would touch one that comes before them in the list."""
    taken: list[tuple[float, float]] = []
    for at, label, side in ticks:
        wide = 7 * len(label) + 8  # pixels
        left = at * pixels - wide * {"left": 0.0, "center": 0.5, "right": 1.0}[side]
        if all(left >= stop or left + wide <= start for start, stop in taken):
            taken.append((left, left + wide))
            yield at, label, side


def _time_title(timeline: Timeline) -> str:
    if not timeline.is_unix:
        return "session time"
    first, last = (
        date_text(seconds).removesuffix(" UTC")
        for seconds in (timeline.stretches[0].start, timeline.stretches[-1].stop)
    )
    return f"time of day on {first}{f' to {last}' if last != first else ''} (UTC)"


def _round_seconds(least: float) -> float:
    """The smallest round number of seconds, minutes or hours that is not smaller."""
    minutes = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 14400)
    if least > 1:
        return next((s for s in (*minutes, 28800, 43200) if s >= least), 86400.0) * 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * (1 - 1e-9))


def describe_breaks(timeline: Timeline) -> list[str]:
    """What a caption says of the breaks in the time axis."""
    resets, left_out, before = [], [], 0.0
    for one, other in pairwise(timeline.stretches):
        before += one.stop - one.start
        if one.epoch != other.epoch:
            resets.append(f"clock reset after {duration_text(before)}")
        else:
            left_out.append(other.start - one.stop)
    said = resets if len(resets) < 3 else [f"{len(resets)} clock resets"]
    if left_out:
        n = len(left_out)
        said.append(f"{duration_text(sum(left_out))} left out" + (f" in {n} gaps" if n > 1 else ""))
    return said


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


# --- depth --------------------------------------------------------------------------------------


def depth_title(channels: Channels) -> str:
    """Title of the axis on which the rows stand."""
    return channels.depth_axis.label if channels.depth_axis else "channel"


def label_rows(
    figure: Figure, axes: Axes, box: Box, channels: Channels, rows: Rows, colours: dict[str, str]
) -> None:
    """Depths at the left, a strip of brain areas beside them, blocks apart with their names."""
    n = rows.channels.size
    depth = channels.columns.get("depth")
    if depth is None:
        positions, labels = channel_ticks(rows, channels.id, box.height)
    else:
        positions, labels = depth_ticks(rows, depth, box.height)
    axes.set_yticks([position * box.height / n for position in positions], labels)
    title = depth_title(channels)
    if text_width(title, 10) <= box.height + 12:
        axes.set_ylabel(title, fontsize=10)
        axes.yaxis.set_label_coords(-70 / box.width, 0.5)
    for row in block_edges(rows):
        y = row * box.height / n
        axes.axhline(y, color="white", linewidth=2.4, zorder=2.5)
        axes.axhline(y, color="black", linewidth=1, zorder=2.6)
    names = new_axes(figure, box)
    names.set(xlim=(0, box.width), ylim=(box.height, 0))
    names.axis("off")
    paper = {"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 1.5}
    for name, first, stop in block_runs(rows):
        if (stop - first) * box.height / n >= BLOCK_NAME:
            fitted = fit_text(name, 9, box.width / 4)
            y = first * box.height / n + 3
            names.text(5, y, fitted, fontsize=9, va="top", bbox=paper, parse_math=False)
    areas = channels.columns.get("area")
    if areas is not None:
        strip = Box(box.left - AREAS, box.top, 16, box.height)
        draw_areas(figure, strip, area_runs_of_rows(rows, areas), n, colours, strip.left - 12)


AREAS = 106  # pixels from the left edge of a picture to that of its strip of areas


def draw_areas(
    figure: Figure,
    box: Box,
    runs: Sequence[tuple[str, int, int]],
    n_rows: int,
    colours: dict[str, str],
    room: int = 0,
) -> None:
    """Draw a strip of areas, with their names in so many pixels to the left of it."""
    axes = new_axes(figure, box)
    axes.set(xlim=(0, 1), ylim=(n_rows, 0))
    axes.axis("off")
    for name, first, stop in runs:
        axes.axhspan(first, stop, color=colours[name], linewidth=0)
        axes.axhline(first, color="white", linewidth=0.8)
    for pixel, name in place_labels(runs, n_rows, box.height) if room else ():
        fitted, y = fit_text(name, 9.5, room), pixel / box.height * n_rows
        axes.text(-0.4, y, fitted, ha="right", va="center", fontsize=9.5)


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


# --- scales -------------------------------------------------------------------------------------


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
