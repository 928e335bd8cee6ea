"""Labels beside the rows of a picture: depths, blocks, brain areas."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lfpscope.nwb.electrodes import Channels
from lfpscope.render.figure import Box, fit_text, new_axes, text_width
from lfpscope.render.rows import Rows
from lfpscope.render.ticks import (
    area_runs_of_rows,
    block_edges,
    block_runs,
    channel_ticks,
    depth_ticks,
    place_labels,
)

BLOCK_NAME = 14  # pixels of height that the name of a block takes


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
