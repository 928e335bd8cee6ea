"""Which channel is drawn in which row: blocks of shanks or groups, each ordered by depth."""

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from lfpscope.nwb.electrodes import Channels
from lfpscope.samples.contacts import Names, block_names
from lfpscope.typing import Ints


@dataclass(frozen=True)
class RowBlock:
    """Neighbouring rows that belong together.

    Attributes
    ----------
    name : str
        Of the shank or group; empty where there is only one.
    first, stop : int
        Its rows, from the top of the picture down.
    has_depth : bool
        False for the channels without a depth, which stand below all others.
    """

    name: str
    first: int
    stop: int
    has_depth: bool


@dataclass(frozen=True)
class Rows:
    """Channels in the order of a picture.

    Attributes
    ----------
    channels : ndarray of int64, shape (n_rows,)
        Channel indices from the top down.
    blocks : tuple of RowBlock
        Cover all rows, from the top down.
    column : str
        What the rows of a block follow, with its unit; empty where that is the depth or the file.
    values : tuple of str
        Of that column, for each row; none where there is no such column.
    """

    channels: Ints
    blocks: tuple[RowBlock, ...]
    column: str = ""
    values: tuple[str, ...] = ()

    def only(self, keep: npt.NDArray[np.bool_]) -> "Rows":
        """Take the rows for which `keep` (one flag per row, from the top) is true."""
        before = np.concatenate([[0], np.cumsum(keep)]).tolist()
        blocks = tuple(
            RowBlock(b.name, before[b.first], before[b.stop], b.has_depth)
            for b in self.blocks
            if before[b.stop] > before[b.first]
        )
        values = tuple(one for one, kept in zip(self.values, keep.tolist(), strict=False) if kept)
        return Rows(self.channels[keep], blocks, self.column, values)


def arrange_rows(channels: Channels) -> Rows:
    """Arrange the channels of a probe from the top of a picture down.

    Shanks or groups are blocks, each ordered by depth; the blocks by their names, or by depth where
    they do not overlap. Channels without a depth stand below all.
    Where no channel has one, channel 0 is at the bottom.
    """
    names = block_names(channels)
    depth = channels.columns.get("depth")
    if depth is None or not np.isfinite(depth).any():
        return _in_file_order(names)
    downward = channels.depth_axis is not None and channels.depth_axis.is_downward
    below = depth if downward else -depth
    known = np.isfinite(depth)
    shanks = sorted(set(names[known].tolist()), key=natural_key)
    parts = [(name, np.flatnonzero(known & (names == name))) for name in shanks]
    parts = [(name, rows[np.argsort(below[rows], kind="stable")]) for name, rows in parts]
    if _are_apart([below[rows] for _, rows in parts]):  # sections of one shank
        parts.sort(key=lambda part: below[part[1][0]])
    blocks = [(name, rows, True) for name, rows in parts]
    if not known.all():
        blocks.append(("", np.flatnonzero(~known), False))
    return _rows(blocks)


def _are_apart(depths: list[npt.NDArray[np.float64]]) -> bool:
    """Tell whether the depths of blocks, each in order, do not overlap."""
    spans = sorted((float(one[0]), float(one[-1])) for one in depths)
    return all(before[1] < after[0] for before, after in pairwise(spans))


def _in_file_order(names: Names) -> Rows:
    """Channel 0 at the bottom; blocks only where the file has each shank in one piece."""
    starts = np.flatnonzero(np.append(True, names[1:] != names[:-1]))
    if starts.size != np.unique(names).size:
        return _rows([("", np.arange(names.size)[::-1], False)])
    pieces = np.split(np.arange(names.size), starts[1:])
    return _rows([(str(names[piece[0]]), piece[::-1], False) for piece in pieces[::-1]])


def _rows(parts: list[tuple[str, Ints, bool]]) -> Rows:
    stops = np.cumsum([rows.size for _, rows, _ in parts]).tolist()
    blocks = tuple(
        RowBlock(name, stop - rows.size, stop, has_depth)
        for (name, rows, has_depth), stop in zip(parts, stops, strict=True)
    )
    return Rows(np.concatenate([rows for _, rows, _ in parts]).astype(np.int64), blocks)


def natural_key(name: str) -> tuple[bool, list[tuple[int, str]]]:
    """Return the key of the natural order: shank 2 before shank 10, and what has no name last."""
    parts = re.findall(r"\d+|\D+", name)
    return not name, [(int(one), "") if one.isdecimal() else (-1, one) for one in parts]
