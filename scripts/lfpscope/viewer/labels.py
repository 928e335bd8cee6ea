"""Where depths, ids and names of areas stand beside a panel."""

import math
from typing import Any

import numpy as np

from lfpscope.areas import area_colour, is_area

LINE = 12  # pixels of a line of text
DEAD = "dead: flat for half the recording, or hardly any signal"
SATURATED = "saturated: it often stays at its highest or lowest value"


def channel_ticks(depth: Any, ids: Any, height: int) -> tuple[list[int], list[str]]:
    """Rows from the top to be labelled with depth, or with ids where depths are not known.

    Parameters
    ----------
    depth : ndarray or None
        Of each row, µm.
    ids : ndarray
        Of each row.
    height : int
        Pixels.
    """
    known = ids.size if depth is None else np.isfinite(depth).sum()
    most = max(4, int(height * (known or ids.size) / ids.size) // 32)
    if depth is None or not known:
        every = math.ceil(ids.size / most)
        return list(range(0, ids.size, every)), [str(i) for i in ids[::every]]
    low, high = float(np.nanmin(depth)), float(np.nanmax(depth))
    step = next((step for step in ROUND if step * most >= high - low), ROUND[-1])
    rows: list[int] = []
    labels: list[str] = []
    for one in np.arange(math.ceil(low / step), math.floor(high / step) + 1) * step:
        row = int(np.nanargmin(np.abs(depth - one)))
        near = abs(depth[row] - one) <= step / 2
        if near and (not rows or abs(rows[-1] - row) * height >= LINE * depth.size):
            rows.append(row)
            labels.append(f"{one:g}")
    return rows, labels


ROUND = [10 ** (power) * factor for power in range(5) for factor in (1, 2, 5)]  # µm


def area_bands(runs: list[tuple[str, int, int]], n: int) -> dict[str, list[Any]]:
    """Coloured bands of the strip, for those channels whose area is known."""
    known = [run for run in runs if is_area(run[0])]
    return {
        "area": [name for name, _, _ in known],
        "top": [1 - first / n for _, first, _ in known],
        "bottom": [1 - stop / n for _, _, stop in known],
        "colour": [area_colour(name) for name, _, _ in known],
    }


def area_labels(runs: list[tuple[str, int, int]], n: int, height: int) -> dict[str, list[Any]]:
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


def channel_marks(ids: Any, dead: Any, saturated: Any) -> dict[str, list[Any]]:
    """Marks of the strip: a cross where a channel is dead, a triangle where it is saturated.

    Parameters
    ----------
    ids : ndarray
        Of each row.
    dead, saturated : ndarray of bool
        Of each row. What is dead is not called saturated too.
    """
    rows = np.flatnonzero(dead | saturated).tolist()
    return {
        "y": [1 - (row + 0.5) / ids.size for row in rows],
        "marker": ["x" if dead[row] else "triangle" for row in rows],
        "what": [f"channel {ids[row]}: {DEAD if dead[row] else SATURATED}" for row in rows],
    }
