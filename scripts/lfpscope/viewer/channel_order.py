"""Rows sorted and grouped by columns of the electrodes: ``area,-rms_theta``."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lfpscope.nwb.electrodes import Channels
from lfpscope.render.rows import RowBlock, Rows, natural_key
from lfpscope.typing import Array, Ints

DEPTH = "depth"
SINGLE = (DEPTH, "depth_um", "channel")  # columns that make no groups: each value is one place
MAX_GROUPS = 32
MAX_KEYS = 6
KEY = re.compile(r"-?[^\W\d]\w*")


@dataclass(frozen=True)
class SortKey:
    """A column that rows follow, and whether the other way round."""

    column: str
    is_reversed: bool = False


def parse_order(text: str) -> tuple[SortKey, ...]:
    """Read names of columns with commas between them; a minus turns one round.

    Raises
    ------
    ValueError
        If it is something else, in a line.
    """
    names = [one.strip() for one in text.split(",")] if text.strip() else []
    if len(names) > MAX_KEYS or not all(KEY.fullmatch(name) for name in names):
        raise ValueError(f"{text!r} (expected names of columns, as area,-depth)")
    return tuple(SortKey(name.removeprefix("-"), name.startswith("-")) for name in names)


def order_text(order: Sequence[SortKey]) -> str:
    """The order as `parse_order` reads it."""
    return ",".join(f"{'-' if key.is_reversed else ''}{key.column}" for key in order)


def sort_rows(
    rows: Rows,
    order: Sequence[SortKey],
    columns: Mapping[str, Array],
    channels: Channels,
    titles: Mapping[str, str],
) -> Rows:
    """Sort rows by columns: numbers from the largest down, texts in alphabetical order.

    Columns in front whose values repeat make groups, which are blocks with the value as their
    name; the first other column is what the rows of each block follow. Without one that is the
    depth, or the order that they have. What has no value stands last.

    Parameters
    ----------
    rows : Rows
        Those shown.
    order : sequence of SortKey
        Columns; those that are not in `columns` are left out.
    columns : mapping of ndarray, shape (n_channels,)
        By name: numbers or texts.
    channels : Channels
        Of the probe.
    titles : mapping of str
        Of columns that have a unit.
    """
    known = [key for key in order if key.column in columns]
    if not known or not rows.channels.size:
        return rows
    n_groups = _count_groups(known, columns, rows.channels)
    groups, rest = known[:n_groups], known[n_groups:]
    if not rest and _has_depth(channels):
        rest = [SortKey(DEPTH)]
    downward = channels.depth_axis is not None and channels.depth_axis.is_downward
    ranks = [
        _ranks(columns[key.column][rows.channels], _is_turned(key, downward))
        for key in (*groups, *rest)
    ]
    from_top = np.lexsort(ranks[::-1])
    chosen = rows.channels[from_top]
    edges = _edges([one[from_top] for one in ranks[:n_groups]], chosen.size)
    follows = rest[0].column if rest else "channel"
    known_depth = np.isfinite(columns[DEPTH][chosen]) if follows == DEPTH else np.zeros(chosen.size)
    blocks = tuple(
        RowBlock(
            " ".join(_name(key.column, columns[key.column][chosen[first]]) for key in groups),
            first,
            stop,
            bool(known_depth[first:stop].any()),
        )
        for first, stop in pairwise(edges)
    )
    if follows == DEPTH:
        return Rows(chosen, blocks)
    values = tuple(_text(one) for one in columns[follows][chosen].tolist())
    return Rows(chosen, blocks, titles.get(follows, follows), values)


def _edges(groups: Sequence[Ints], n: int) -> list[int]:
    """First row of each group, and one past the last."""
    changes = np.zeros(n - 1, np.bool_)
    for ranks in groups:
        changes |= np.diff(ranks) != 0
    return [0, *(np.flatnonzero(changes) + 1).tolist(), n]


def _has_depth(channels: Channels) -> bool:
    depth = channels.columns.get(DEPTH)
    return depth is not None and bool(np.isfinite(depth).any())


def _is_turned(key: SortKey, downward: bool) -> bool:
    """Tell whether the smallest number is on top; of depths that are measured downwards it is."""
    return key.is_reversed ^ (key.column == DEPTH and downward)


def _count_groups(order: Sequence[SortKey], columns: Mapping[str, Array], shown: Ints) -> int:
    """How many columns in front have values that repeat."""
    n = 0
    for key in order:
        values = columns[key.column][shown]
        different = len(set(map(_text, values.tolist())))
        if key.column in SINGLE or different > min(MAX_GROUPS, max(1, values.size // 2)):
            break
        n += 1
    return n


def _ranks(values: Array, is_reversed: bool) -> Ints:
    """Place of each value from the top down; those that are missing come last."""
    if values.dtype.kind in "OSU":
        texts = [str(one) for one in values.tolist()]
        names = sorted(set(texts) - {""}, key=natural_key)
        place = {name: i for i, name in enumerate(names)}
        found = np.array([place.get(one, len(names)) for one in texts], np.int64)
        last = len(names)
    else:
        numbers = values.astype(np.float64)
        levels, found = np.unique(-numbers, return_inverse=True)  # NaN last
        last = int(np.isfinite(levels).sum() + np.isinf(levels).sum())
        found = np.minimum(found, last)
    return np.where(found < last, last - 1 - found, last) if is_reversed else found


def _name(column: str, value: object) -> str:
    """What stands at a group."""
    text = _text(value)
    if not text:
        return f"no {column}"
    return text if isinstance(value, str) and not text.isdecimal() else f"{column} {text}"


def _text(value: object) -> str:
    """A value, for a label; empty where there is none."""
    if isinstance(value, float):
        return "" if value != value else f"{value:.6g}"
    return str(value)
