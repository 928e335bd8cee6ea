"""Where depths, ids, blocks and names of areas stand beside a panel."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lfpscope.areas import area_runs, is_area
from lfpscope.electrodes import Channels
from lfpscope.rows import RowBlock, Rows

LINE = 12  # pixels of a line of text
ROOM, LEAST_ROOM = 32, 20  # pixels from one depth to the next, and where there is little
NO_DEPTH = "no depth"
DEAD = "dead: flat for half the recording, or hardly any signal"
SATURATED = "saturated: it often stays at its highest or lowest value"
BAD = "marked bad"
ROUND = [10.0**power * factor for power in range(-3, 7) for factor in (1, 2, 5)]
Run = tuple[str, int, int]
"""Name of an area, its first row, and one past its last."""


@dataclass(frozen=True)
class Ticks:
    """Labels of the axis.

    Attributes
    ----------
    places : list of float
        Heights in the panel, 0 at the bottom and 1 at the top.
    labels : list of str
        Depths, or ids of electrodes where no depth is known.
    """

    places: list[float]
    labels: list[str]


def row_ticks(channels: Channels, rows: Rows, height: int) -> Ticks:
    """Labels of some rows: round depths where they lie, or ids of electrodes.

    Parameters
    ----------
    channels : Channels
        Of the probe.
    rows : Rows
        Those shown.
    height : int
        Pixels.
    """
    n = max(1, rows.channels.size)
    depth, found = channels.columns.get("depth"), list[tuple[float, str]]()
    for block in rows.blocks:
        here = rows.channels[block.first : block.stop]
        high = height * here.size // n
        most = max(1, high // ROOM, min(4, high // LEAST_ROOM))
        if depth is not None and block.has_depth:
            ticks = _depth_ticks(depth[here], most)
        elif depth is None:
            every = math.ceil(here.size / most)
            ticks = [(float(i), f"{channels.id[here[i]]}") for i in range(0, here.size, every)]
        else:
            ticks = []
        found += sorted((block.first + row, label) for row, label in ticks)
    kept: list[tuple[float, str]] = []
    for row, label in found:
        if not kept or (row - kept[-1][0]) * height >= LINE * n:
            kept.append((row, label))
    return Ticks([1 - (row + 0.5) / n for row, _ in kept], [label for _, label in kept])


def _depth_ticks(depth: Any, most: int) -> list[tuple[float, str]]:
    """Round depths of a block, each at its row or where it lies between two rows."""
    known, back = np.unique(depth, return_inverse=True)
    row = np.bincount(back, np.arange(depth.size)) / np.bincount(back)  # contacts side by side
    span = float(known[-1] - known[0])
    step = next((step for step in ROUND if step * most >= span), ROUND[-1])
    first, last = math.ceil(known[0] / step - 1e-9), math.floor(known[-1] / step + 1e-9)
    ticks = [i * step for i in range(first, last + 1)]
    if not ticks:  # a single depth, or a few between two round ones
        ticks = [float(known[0])]
    return [(float(np.interp(one, known, row)), f"{one:.10g}") for one in ticks]


def block_names(rows: Rows) -> list[tuple[RowBlock, str]]:
    """Blocks with their names; none where one block without a name is all."""
    named = [(b, b.name if b.has_depth else f"{b.name} {NO_DEPTH}".strip()) for b in rows.blocks]
    if len(named) == 1 and not named[0][0].has_depth:  # no depth at all
        return [(block, block.name) for block, _ in named if block.name]
    return [(block, name) for block, name in named if name]


def block_edges(rows: Rows) -> list[float]:
    """Heights in the panel between blocks."""
    return [1 - block.first / rows.channels.size for block in rows.blocks[1:]]


def block_runs(channels: Channels, rows: Rows) -> list[Run]:
    """Runs of rows in one area, none over the edge of a block."""
    areas = channels.columns.get("area")
    if areas is None:
        return []
    return [
        (name, block.first + first, block.first + stop)
        for block in rows.blocks
        for name, first, stop in area_runs(areas[rows.channels[block.first : block.stop]])
    ]


def area_bands(runs: list[Run], n: int, colours: dict[str, str]) -> dict[str, list[Any]]:
    """Coloured bands of the strip, for those channels whose area is known."""
    known = [run for run in runs if is_area(run[0])]
    return {
        "area": [name for name, _, _ in known],
        "top": [1 - first / n for _, first, _ in known],
        "bottom": [1 - stop / n for _, _, stop in known],
        "colour": [colours[name] for name, _, _ in known],
    }


def area_labels(runs: list[Run], n: int, height: int) -> dict[str, list[Any]]:
    """Names of areas where they do not run into one another; the largest areas come first."""
    named: dict[float, str] = {}  # by pixels from the top
    for name, first, stop in sorted(runs, key=lambda run: run[1] - run[2]):
        place = min(max((first + stop) / 2 / n * height, LINE / 2), height - LINE / 2)
        if is_area(name) and all(abs(place - other) >= LINE for other in named):
            named[place] = name
    places = sorted(named)
    return {
        "y": [1 - place / max(1, height) for place in places],
        "text": [named[place] for place in places],
    }


def channel_marks(ids: Any, dead: Any, saturated: Any, bad: Any) -> dict[str, list[Any]]:
    """Marks of the strip: a cross at a dead channel, a triangle at a saturated one, a circle.

    Parameters
    ----------
    ids : ndarray
        Of each row.
    dead, saturated, bad : ndarray of bool
        Of each row. What is dead is not called saturated too; the circle with a cross is at those
        that somebody marked as bad.
    """
    rows = np.flatnonzero(dead | saturated | bad).tolist()
    found = []
    for row in rows:
        marker = "circle_x" if bad[row] else "x" if dead[row] else "triangle"
        words = [BAD] if bad[row] else []
        words += [DEAD] if dead[row] else [SATURATED] if saturated[row] else []
        found.append((1 - (row + 0.5) / ids.size, marker, "; ".join(words), ids[row]))
    return {
        "y": [y for y, _, _, _ in found],
        "marker": [marker for _, marker, _, _ in found],
        "what": [f"channel {channel}: {words}" for _, _, words, channel in found],
    }
