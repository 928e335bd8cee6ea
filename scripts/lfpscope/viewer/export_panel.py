"""One probe of a saved picture, as its panel stands on the page."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lfpscope.envelope.read import OpenProbe
from lfpscope.render.rows import Rows
from lfpscope.render.ticks import Run, shorten
from lfpscope.viewer.auto_gain import BAR
from lfpscope.viewer.channel_selection import (
    bad_channels,
    chosen_rows,
    left_out_areas,
    order_words,
)
from lfpscope.viewer.depth_scale import Window
from lfpscope.viewer.export_lane import SIZE
from lfpscope.viewer.facts import axis_label, count_channels, first_doubt
from lfpscope.viewer.gaps import HATCH, PLAIN, UNCERTAIN, find_empty
from lfpscope.viewer.labels import (
    area_labels,
    area_runs,
    block_edges,
    block_names,
    channel_marks,
    left_out_labels,
    row_colours,
    row_ticks,
    voltage_ticks,
)
from lfpscope.viewer.mode_colours import palette_array
from lfpscope.viewer.picture import NONE_CHOSEN, Picture
from lfpscope.viewer.scale_bar import colour_limits, colour_ticks, map_colours, scale_text
from lfpscope.viewer.style import ACCENT, FAINT, INK, SHADES, STRIP, WRONG
from lfpscope.viewer.view_state import BUTTERFLY, TRACES, State

WHITE: dict[str, Any] = {"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 1.5}
"""Behind words over a picture."""
FULL = Window()  # the rows fill the panel
HATCHES = {HATCH: "//", UNCERTAIN: "\\"}  # the more signs, the denser
MARKERS = {"x": "x", "triangle": "^", "circle_x": "o"}
DPI = 96
RIGHT, COLUMN = 100, 150  # pixels beside the frame: for a bar of colours, and a column of channels
LETTER = 9  # pixels, of a capital
HEAD = 44  # pixels above a picture, for two lines
LINE = 14  # points, of a line of words above a picture


@dataclass(frozen=True)
class Frame:
    """Where a panel lies in the figure, pixels from its lower left corner."""

    left: int
    bottom: int
    width: int
    height: int


@dataclass(frozen=True)
class Added:
    """What a page has on a probe's picture and beside it.

    Attributes
    ----------
    start, stop, bottom, top : list of float
        Of each box around marked channels: axis times, and heights in the panel.
    name : list of str
        What is written at it.
    measure : str
        Of the column of channels, with its unit; empty where it is closed.
    values : list of float or None
        Of each row, from the top down; None where there is none.
    labels : list of str
        Of each row.
    """

    start: list[float] = field(default_factory=list)
    stop: list[float] = field(default_factory=list)
    bottom: list[float] = field(default_factory=list)
    top: list[float] = field(default_factory=list)
    name: list[str] = field(default_factory=list)
    measure: str = ""
    values: list[float | None] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Check what may come from a file.

        Raises
        ------
        ValueError
            If lists have different lengths, or numbers are not finite.
        """
        numbers = self.start, self.stop, self.bottom, self.top
        if len({len(one) for one in (*numbers, self.name)}) != 1:
            raise ValueError("added: boxes of different length")
        if len(self.values) != len(self.labels):
            raise ValueError("added: values and labels of different length")
        known = [value for value in self.values if value is not None]
        if not all(math.isfinite(n) for one in (*numbers, known) for n in one):
            raise ValueError("added: numbers that are not finite")


def new_axes(figure: Figure, frame: Frame) -> Axes:
    """Make axes that fill a frame."""
    width, height = figure.get_size_inches() * DPI
    place = (frame.left / width, frame.bottom / height, frame.width / width, frame.height / height)
    return figure.add_axes(place)


def draw_panel(
    figure: Figure,
    probe: OpenProbe,
    state: State,
    picture: Picture | None,
    frame: Frame,
    window: Window,
    colours: dict[str, str],
) -> Axes:
    """Draw a probe with all that stands on its panel; None for the picture where it has none.

    The colours are those of all areas in the figure.
    """
    width, height = frame.width, round(frame.height / window.length)
    axes = new_axes(figure, frame)
    if picture is None:
        middle: dict[str, Any] = {"ha": "center", "va": "center", "transform": axes.transAxes}
        axes.text(0.5, 0.5, NONE_CHOSEN, color=WRONG, fontsize=SIZE, **middle)
    else:
        # columns may be wider than a pixel; what lies beyond the range asked for is cut off
        extent = (picture.t0, picture.t1, 0.0, 1.0)
        pixels = palette_array(picture.mode)[picture.pixels]
        axes.imshow(pixels, extent=extent, aspect="auto", interpolation="nearest")
    axes.set(xlim=(state.start, state.stop), ylim=(window.bottom, window.top))
    axes.tick_params(bottom=False, labelbottom=False)
    uncertain_s = picture.uncertain_s if picture else 0.0
    _draw_empty(axes, find_empty(probe, state, width, uncertain_s))
    for first, last in state.timeline.breaks:
        axes.axvspan(first, last, facecolor="white", edgecolor="black", linestyle="--")
    rows = chosen_rows(probe, state)
    references = probe.references
    channels = references.channels
    is_butterfly = picture is not None and picture.mode == BUTTERFLY
    shown = Rows(rows.channels, ()) if is_butterfly else rows
    ticks, title = row_ticks(channels, rows, height), axis_label(channels, rows, height)
    if picture and is_butterfly:
        ticks, title = voltage_ticks(picture.microvolts, height), picture.quantity.unit
    axes.set_yticks(ticks.places, ticks.labels)
    axes.tick_params(labelsize=SIZE)
    for edge in block_edges(shown):
        axes.axhline(edge, color="black", linewidth=0.8)
    names = block_names(shown)
    for top, name in zip(names["y"], names["text"], strict=True):
        where: dict[str, Any] = {"xytext": (-6, -4), "textcoords": "offset points"}
        where |= {"xycoords": ("axes fraction", "data"), "ha": "right", "va": "top"}
        axes.annotate(name, (1, top), **where, fontsize=SIZE, bbox=WHITE, parse_math=False)
    _head(axes, probe, state, picture, width, window.note)
    axes.set_ylabel(title, fontsize=SIZE, parse_math=False)
    runs = area_runs(channels, rows)
    left_out = left_out_areas(probe, state)
    strip = _draw_areas(figure, runs, rows.channels.size, colours, frame, window, left_out)
    marked = (probe.dead, probe.saturated, bad_channels(probe, state))
    lines = row_colours(probe, rows, marked[2]) if is_butterfly else []
    for row, colour in enumerate(lines):
        edges = 1 - (row + 1) / len(lines), 1 - row / len(lines)
        strip.fill_between([80, 92], *edges, color=colour, linewidth=0)
    ids = channels.id[rows.channels]
    marks = channel_marks(ids, *(one[rows.channels] for one in marked))
    for y, marker in zip(marks["y"], marks["marker"], strict=True):
        look: dict[str, Any] = {"color": WRONG, "markersize": 5, "markerfacecolor": "white"}
        strip.plot(86.5, y, MARKERS[marker], **look)
    if not is_butterfly:
        _draw_alone(axes, state, ids.tolist(), references.probe)
    if picture and picture.mode == TRACES:
        _draw_bar(figure, picture, frame)
    elif picture and not is_butterfly:
        _draw_colours(figure, picture, frame)
    return axes


def _draw_empty(axes: Axes, empty: Mapping[str, Any]) -> None:
    """Hatch gaps, and name them and what lies beyond the ends."""
    for start, stop, pattern, label, middle in zip(
        *(empty[name] for name in ("start", "stop", "pattern", "label", "middle")), strict=True
    ):
        if pattern != PLAIN:
            axes.axvspan(
                start, stop, facecolor="none", edgecolor=FAINT, hatch=HATCHES[pattern], linewidth=0
            )
        if label:
            axes.text(middle, 0.5, label, ha="center", va="center", fontsize=SIZE, bbox=WHITE)


def _draw_alone(axes: Axes, state: State, ids: list[int], probe: str) -> None:
    """Draw a line at the channel that is shown alone."""
    name, channel = state.channel or ("", 0)
    if name == probe and channel in ids:
        axes.axhline(1 - (ids.index(channel) + 0.5) / len(ids), color=ACCENT, linestyle="--")


def draw_added(
    figure: Figure, axes: Axes, added: Added, frame: Frame, window: Window = FULL
) -> None:
    """Draw boxes around what is marked, and the column of channels."""
    for start, stop, bottom, top, name in zip(
        added.start, added.stop, added.bottom, added.top, added.name, strict=True
    ):
        look: dict[str, Any] = {"fill": False, "edgecolor": ACCENT, "linewidth": 1.5}
        axes.add_patch(Rectangle((start, bottom), stop - start, top - bottom, **look))
        where: dict[str, Any] = {"va": "bottom", "clip_on": True, "parse_math": False}
        axes.text(start, top, f" {name}", color=ACCENT, fontsize=SIZE, bbox=WHITE, **where)
    n = len(added.values)
    if not n:
        return
    left = frame.left + frame.width + RIGHT
    column = new_axes(figure, Frame(left, frame.bottom, COLUMN - 20, frame.height))
    values = np.array(added.values, float)  # None is NaN
    for row, label in enumerate(added.labels):
        if colour := SHADES.get(label):
            column.axhspan(1 - (row + 1) / n, 1 - row / n, color=colour, alpha=0.55, linewidth=0)
    column.plot(values, 1 - (np.arange(n) + 0.5) / n, ".-", color=INK, linewidth=1, markersize=3)
    column.set(ylim=(window.bottom, window.top), yticks=[])
    column.tick_params(labelsize=SIZE)
    column.set_title(added.measure, fontsize=SIZE, parse_math=False)


def _draw_bar(figure: Figure, picture: Picture, frame: Frame) -> None:
    """Draw the height that a voltage has, and say how much it is."""
    bar = new_axes(figure, Frame(frame.left + 8, frame.bottom + 8, 2, BAR))
    bar.set_facecolor("black")
    bar.set(xticks=[], yticks=[])
    text = picture.quantity.text(picture.microvolts)
    bar.text(4, 0.5, text, va="center", fontsize=SIZE, bbox=WHITE, transform=bar.transAxes)


def _draw_colours(figure: Figure, picture: Picture, frame: Frame) -> None:
    """Draw what the colours stand for, as a bar."""
    left = frame.left + frame.width + 8
    axes = new_axes(figure, Frame(left, frame.bottom, 12, frame.height))
    colours = map_colours(picture.mode)[:, np.newaxis]
    low, high = colour_limits(picture)
    axes.imshow(colours, extent=(0, 1, low, high), aspect="auto", origin="lower")
    ticks = colour_ticks(picture)
    axes.set(xticks=[], ylim=(low, high))
    axes.set_yticks(list(ticks), list(ticks.values()))
    axes.yaxis.tick_right()
    axes.tick_params(labelsize=SIZE)


def head_height(state: State) -> int:
    """Pixels that words above a picture take: of transformed samples there is more to say."""
    return HEAD + (2 * LINE * DPI // 72 if state.transform else 0)


def _head(
    axes: Axes, probe: OpenProbe, state: State, picture: Picture | None, width: int, note: str
) -> None:
    """Say above the picture what it shows, and what is uncertain."""
    references = probe.references
    n_shown, n_bad = chosen_rows(probe, state).channels.size, int(bad_channels(probe, state).sum())
    facts = [references.session, references.probe]
    facts.append(count_channels(references.n_channels, n_shown))
    facts += [note] if note else []
    facts += [words] if (words := order_words(probe, state)) else []
    marked = [f"{n_bad} marked bad (grey)"] if n_bad else []
    drawn = [*picture.source(), scale_text(picture)] if picture else []
    lines = [[*facts, *drawn, *marked]]
    if picture and picture.transform:
        lines = [drawn, [picture.transform], [*facts, *marked]]
    # names and doubts may hold a $, which would begin a formula
    above: dict[str, Any] = {"fontsize": SIZE, "parse_math": False, "va": "bottom"}
    above |= {"xycoords": "axes fraction", "textcoords": "offset points"}
    for i, line in enumerate(lines):
        axes.annotate(" · ".join(line), (0, 1), (0, 6 + i * LINE), **above)
    doubt = shorten(first_doubt(probe), width // LETTER)
    axes.annotate(doubt, (0, 1), (0, 6 + len(lines) * LINE), color=WRONG, **above)


def _draw_areas(
    figure: Figure,
    runs: list[Run],
    n: int,
    colours: dict[str, str],
    frame: Frame,
    window: Window,
    left_out: list[tuple[str, int, int]],
) -> Axes:
    strip = new_axes(figure, Frame(0, frame.bottom, STRIP, frame.height))
    strip.axis("off")
    strip.set(xlim=(0, STRIP), ylim=(window.bottom, window.top))
    height = round(frame.height / window.length)
    for name, first, stop in runs:
        strip.fill_between([68, 80], 1 - stop / n, 1 - first / n, color=colours[name], linewidth=0)
    named = area_labels(runs, n, height)
    grey = left_out_labels(left_out, n, height, named["y"])
    for labels, colour in ((named, INK), (grey, FAINT)):
        look: dict[str, Any] = {"ha": "right", "va": "center", "fontsize": SIZE, "color": colour}
        for y, text in zip(labels["y"], labels["text"], strict=True):
            strip.text(64, y, text, **look, parse_math=False)
    return strip
