"""Labels beside the rows of a picture: depths, channels, brain areas, shanks; no pixels, no axes.

Positions are in rows from the top of the picture: row i reaches from i to i + 1, its channel is at
i + 0.5.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.nwb.areas import area_runs, is_area
from lfpscope.render.rows import RowBlock, Rows
from lfpscope.typing import Array

DECADES_APART = 0.2  # between labels of a log axis
Run = tuple[str, int, int]
"""A name, its first row, and one past its last."""

LINE = 13  # pixels of a line of text
TICK = 40  # pixels between two ticks at least, where there is a choice
NO_DEPTH = "no depth"


def depth_ticks(rows: Rows, depth: Array | None, height: int) -> tuple[list[float], list[str]]:
    """Label depths beside the rows, each block with its own.

    A label stands at a channel only if that is the channel's depth: where each channel has room
    for a label it is its own depth, otherwise a round one between the rows, as far from both as
    their depths are. Channels without a depth have none.

    Parameters
    ----------
    rows : Rows
        Of the picture.
    depth : ndarray of float, or None
        Of each channel, in the file's order.
    height : int
        Of the picture, pixels.

    Returns
    -------
    positions : list of float
        From the top down; lines of text there do not overlap.
    labels : list of str
        Of the same length.
    """
    n = max(1, rows.channels.size)
    found: list[tuple[float, str]] = []
    for block in rows.blocks:
        if depth is not None and block.has_depth:
            here = depth[rows.channels[block.first : block.stop]]
            found += _block_ticks(block, here, height / n)
    return _apart(found, height / n)


def channel_ticks(rows: Rows, ids: npt.NDArray[Any], height: int) -> tuple[list[float], list[str]]:
    """Ids of some channels at their rows, from the lowest one on: for files without any depth.

    Parameters and result are those of `depth_ticks`, with the ids of all channels.
    """
    n = max(1, rows.channels.size)
    every = max(1, math.ceil(TICK * n / height))
    picked = range(n - 1, -1, -every)[::-1] if rows.channels.size else ()
    return _apart([(row + 0.5, str(ids[rows.channels[row]])) for row in picked], height / n)


def value_ticks(rows: Rows, height: int, letters: int) -> tuple[list[float], list[str]]:
    """Values of the column that the rows follow, at the rows that have them.

    Result as of `depth_ticks`; labels have at most so many letters.
    """
    n = max(1, rows.channels.size)
    every = max(1, math.ceil(TICK * n / height))
    picked = (row for row in range(every // 2, n, every) if row < len(rows.values))
    return _apart([(row + 0.5, cut(rows.values[row], letters)) for row in picked], height / n)


def cut(text: str, letters: int) -> str:
    """Text of at most so many letters: a fraction rounded, of an id the last digits."""
    if len(text) <= letters:
        return text
    try:
        looks = (".4g", ".3g", ".2g", ".1g", ".0e") if "." in text else ()
        rounded = [format(float(text), look) for look in looks]
    except ValueError:
        rounded = []
    if fitting := [one for one in rounded if len(one) <= letters]:
        return fitting[0]
    return f"…{text[1 - letters :]}" if text[-1:].isdecimal() else f"{text[: letters - 1]}…"


def _block_ticks(block: RowBlock, depths: Array, pixels: float) -> list[tuple[float, str]]:
    """Ticks of one block, whose rows are so many pixels high."""
    rows = np.flatnonzero(np.isfinite(depths))
    if not rows.size:
        return []
    order = rows[np.argsort(depths[rows], kind="stable")]
    levels, first, counts = np.unique(depths[order], return_index=True, return_counts=True)
    # channels of one depth share a tick in their middle
    middles = block.first + 0.5 + np.add.reduceat(order, first) / counts
    wanted = _own_depths(levels, middles, pixels) if pixels >= LINE else []
    most = max(1, int((block.stop - block.first) * pixels // TICK))
    wanted = wanted or _round_depths(float(levels[0]), float(levels[-1]), most)
    wanted = wanted or [float(levels[0]), float(levels[-1])]  # no round one lies between
    pitch = float(np.diff(levels).min(initial=np.inf))
    digits = max(0, 1 - math.floor(math.log10(pitch))) if 0 < pitch < np.inf else 6
    return [(float(np.interp(one, levels, middles)), _number(round(one, digits))) for one in wanted]


def _own_depths(levels: Array, middles: Array, pixels: float) -> list[float]:
    """Depths of the channels themselves, where each has room for its label."""
    between = float(np.abs(np.diff(middles)).min(initial=np.inf)) * pixels
    every = math.ceil(TICK / between) if between < TICK else 1
    return [float(one) for one in levels[::every]]


def _round_depths(low: float, high: float, most: int) -> list[float]:
    if low == high:
        return [low]
    step = round_step((high - low) / most)
    found = _multiples(step, low, high)
    # one depth alone says nothing about the rest
    return found if len(found) > 1 or most < 2 else _multiples(step / 2, low, high)


def _multiples(step: float, low: float, high: float) -> list[float]:
    return [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def round_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10, … that is not smaller."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * f for f in (1, 2, 5, 10, 20) if power * f >= least * (1 - 1e-9))


def _number(value: float) -> str:
    text = f"{value:.6g}" if abs(value) < 1e6 else f"{value:.0f}"
    return text.replace("-", "−") if float(text) else "0"


def _apart(ticks: Iterable[tuple[float, str]], pixels: float) -> tuple[list[float], list[str]]:
    """Leave out what would overlap the tick above it."""
    positions: list[float] = []
    labels: list[str] = []
    for position, label in sorted(ticks):
        if not positions or (position - positions[-1]) * pixels >= LINE:
            positions.append(position)
            labels.append(label)
    return positions, labels


def area_runs_of_rows(rows: Rows, areas: npt.NDArray[Any]) -> list[Run]:
    """Neighbouring rows of one brain area; no run crosses from one block into the next.

    Parameters
    ----------
    rows : Rows
        Of the picture.
    areas : ndarray of str
        Of each channel, in the file's order. What is not the name of an area has no run.
    """
    runs = []
    for block in rows.blocks:
        here = areas[rows.channels[block.first : block.stop]]
        runs += [
            (name, block.first + first, block.first + stop)
            for name, first, stop in area_runs(here)
            if is_area(name)
        ]
    return runs


def block_runs(rows: Rows) -> list[Run]:
    """Blocks that have a name; the one without depths below others is called so."""
    some = any(block.has_depth for block in rows.blocks)
    names = [b.name or (NO_DEPTH if some and not b.has_depth else "") for b in rows.blocks]
    pairs = zip(names, rows.blocks, strict=True)
    return [(name, block.first, block.stop) for name, block in pairs if name]


def block_edges(rows: Rows) -> list[int]:
    """Rows above which a line separates two blocks."""
    return [block.first for block in rows.blocks[1:]]


def place_labels(runs: Iterable[Run], n_rows: int, height: int) -> list[tuple[float, str]]:
    """Names of runs where they do not overlap, inside the picture; the largest runs come first.

    Returns
    -------
    list of (float, str)
        Pixels from the top to the middle of the text, and the text; from the top down.
    """
    placed: dict[float, str] = {}
    for name, first, stop in sorted(runs, key=lambda run: run[1] - run[2]):
        middle = (first + stop) / 2 / max(1, n_rows) * height
        middle = min(max(middle, LINE / 2), max(height - LINE / 2, LINE / 2))
        if all(abs(middle - other) >= LINE for other in placed):
            placed[middle] = name
    return sorted(placed.items())


def shorten(text: str, most: int) -> str:
    """Text of at most so many characters on one line, shortened in its middle."""
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    head = max(1, (most - 1) * 2 // 3)  # the beginning says most
    tail = max(0, most - 1 - head)
    return f"{text[:head]}…{text[len(text) - tail :]}"


def frequency_ticks(low: float, high: float) -> list[float]:
    """Frequencies 1, 2, 5, 10 … of a log axis that are far enough apart for their labels."""
    wanted = [m * 10.0**k for k in range(-2, 5) for m in (1, 2, 5)]
    kept: list[float] = []
    for one in wanted:
        if low <= one <= high and (not kept or math.log10(one / kept[-1]) > DECADES_APART):
            kept.append(one)
    return kept
