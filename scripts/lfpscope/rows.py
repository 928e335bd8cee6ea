"""Which channel is drawn in which row: blocks of shanks or groups, each ordered by depth."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lfpscope.electrodes import Channels

Ints = npt.NDArray[np.int64]


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
    """

    channels: Ints
    blocks: tuple[RowBlock, ...]

    def only(self, keep: npt.NDArray[np.bool_]) -> "Rows":
        """Take the rows for which `keep` (one flag per row, from the top) is true."""
        before = np.concatenate([[0], np.cumsum(keep)]).tolist()
        blocks = tuple(
            RowBlock(b.name, before[b.first], before[b.stop], b.has_depth)
            for b in self.blocks
            if before[b.stop] > before[b.first]
        )
        return Rows(self.channels[keep], blocks)


def arrange_rows(channels: Channels) -> Rows:
    """Arrange the channels of a probe from the top of a picture down."""
    n, depth = channels.id.size, channels.columns.get("depth")
    if depth is None:
        return Rows(np.arange(n)[::-1].copy(), (RowBlock("", 0, n, has_depth=False),))
    downward = channels.depth_axis is not None and channels.depth_axis.is_downward
    height = -depth if downward else depth
    order = np.argsort(np.where(np.isnan(depth), np.inf, -height), kind="stable")
    known = int(np.isfinite(depth).sum())
    blocks = [RowBlock("", 0, known, has_depth=True), RowBlock("", known, n, has_depth=False)]
    return Rows(order, tuple(b for b in blocks if b.stop > b.first))
