"""Where depths, ids, blocks and names of areas stand beside a panel."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lfpscope.envelope.read import OpenProbe
from lfpscope.nwb.electrodes import Channels
from lfpscope.render import ticks
from lfpscope.render.butterfly import depth_colours
from lfpscope.render.palettes import BUTTERFLY_PALETTE
from lfpscope.render.rows import Rows, arrange_rows
from lfpscope.typing import Mask
from lfpscope.viewer.auto_gain import BAR
from lfpscope.viewer.style import LEFT

DEAD = "dead: flat for half the recording, or hardly any signal"
SATURATED = "saturated: it often stays at its highest or lowest value"
BAD = "marked bad"
VALUE_LETTERS = 5  # of the narrowest axis
LETTER, AROUND = 8.3, 38  # pixels: of a digit, and beside the labels for ticks and title
SLOT = 3  # pixels between places of a name
HEIGHTS = (100, 200, 400, 800, 1600, 3200)  # pixels, of panels


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
    """Labels of some rows: depths where they lie, or ids of electrodes.

    Parameters
    ----------
    channels : Channels
        Of the probe.
    rows : Rows
        Those shown.
    height : int
        Pixels.
    """
    if rows.column:
        positions, labels = ticks.value_ticks(rows, height, VALUE_LETTERS)
    elif has_depth(channels):
        positions, labels = ticks.depth_ticks(rows, channels.columns["depth"], height)
    else:
        positions, labels = ticks.channel_ticks(rows, channels.id, height)
    return Ticks([_height(position, rows) for position in positions], labels)


def voltage_ticks(microvolts: float, height: int) -> Ticks:
    """Labels of a butterfly in the unit of its gain, zero in the middle; none without a gain."""
    if not (microvolts and height):
        return Ticks([], [])
    half = height / 2
    apart = max(min(ticks.TICK, half / 2), ticks.LINE)  # two on each side where there is room
    step = ticks.round_step(apart / BAR * microvolts)
    n = int((half - 1) / BAR * microvolts // step)
    values = [i * step for i in range(-n, n + 1)]
    places = [0.5 + value / microvolts * BAR / height for value in values]
    return Ticks(places, [f"{value:g}".replace("-", "−") for value in values])


def row_colours(probe: OpenProbe, rows: Rows, bad: Mask) -> list[str]:
    """Colour that each row has in a butterfly."""
    indices = np.where(probe.dead | bad, 2, depth_colours(probe.references.channels))
    chosen = BUTTERFLY_PALETTE[indices[rows.channels]].tolist()
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in chosen]


def axis_width(channels: Channels) -> int:
    """Pixels that the labels of the axis take, however high the panel is."""
    rows = arrange_rows(channels)
    labels = [label for height in HEIGHTS for label in row_ticks(channels, rows, height).labels]
    return max(LEFT, AROUND + round(LETTER * max(map(len, labels), default=0)))


def has_depth(channels: Channels) -> bool:
    """Tell whether the depth of any channel is known."""
    depth = channels.columns.get("depth")
    return depth is not None and bool(np.isfinite(depth).any())


def block_names(rows: Rows) -> dict[str, list[Any]]:
    """Columns for the page: names of blocks, each at its upper edge."""
    runs = ticks.block_runs(rows)
    return {"y": [_height(first, rows) for _, first, _ in runs], "text": [one[0] for one in runs]}


def block_edges(rows: Rows) -> list[float]:
    """Heights in the panel between blocks."""
    return [_height(row, rows) for row in ticks.block_edges(rows)]


def _height(position: float, rows: Rows) -> float:
    """Height in the panel of a position in rows from the top."""
    return 1 - position / max(1, rows.channels.size)


def area_runs(channels: Channels, rows: Rows) -> list[ticks.Run]:
    """Runs of rows in one area."""
    areas = channels.columns.get("area")
    return [] if areas is None else ticks.area_runs_of_rows(rows, areas)


def area_bands(runs: list[ticks.Run], n: int, colours: dict[str, str]) -> dict[str, list[Any]]:
    """Coloured bands of the strip."""
    return {
        "area": [name for name, _, _ in runs],
        "top": [1 - first / n for _, first, _ in runs],
        "bottom": [1 - stop / n for _, _, stop in runs],
        "colour": [colours[name] for name, _, _ in runs],
    }


def area_labels(runs: list[ticks.Run], n: int, height: int) -> dict[str, list[Any]]:
    """Names of areas where they do not run into one another; the largest areas come first."""
    placed = ticks.place_labels(runs, n, height)
    return {
        "y": [1 - place / max(1, height) for place, _ in placed],
        "text": [text for _, text in placed],
    }


def left_out_labels(
    left_out: list[tuple[str, int, int]], n: int, height: int, taken: list[float]
) -> dict[str, list[Any]]:
    """Names of areas that are left out, at the edges between rows where they would be.

    The largest come first; those without room are not there.

    Parameters
    ----------
    left_out : list of (str, int, int)
        See `left_out_areas`.
    n : int
        Rows that are shown.
    height : int
        Of the panel, pixels.
    taken : list of float
        Heights in the panel of other names.
    """
    lines = [height * (1 - y) for y in taken]
    slots = np.arange(ticks.LINE / 2, height - ticks.LINE / 2 + 1, SLOT)
    columns: dict[str, list[Any]] = {"y": [], "area": [], "text": [], "top": [], "bottom": []}
    for name, above, _ in sorted(left_out, key=lambda one: -one[2]):
        wanted = height * (above / n if n else 0.5)
        apart = np.abs(slots[:, np.newaxis] - lines).min(axis=1, initial=np.inf)
        free = slots[apart >= ticks.LINE]
        if not free.size:
            break
        line = float(free[np.abs(free - wanted).argmin()])
        lines.append(line)
        edges = (1 - (line + side * ticks.LINE / 2) / height for side in (-1, 1))
        for column, value in zip(
            columns.values(), (1 - line / height, name, f"+ {name}", *edges), strict=True
        ):
            column.append(value)
    return columns


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
