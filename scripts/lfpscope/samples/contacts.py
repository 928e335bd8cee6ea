"""How the contacts of a probe stand: shanks or groups, and columns of contacts."""

from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.nwb.electrodes import Channels
from lfpscope.typing import Ints

Names = npt.NDArray[Any]
DECIMALS = 3  # of µm: of one depth or x, though computed in another way
FAR_STEPS = 4.0  # usual distances of contacts: across a larger one nothing is compared


def block_names(channels: Channels) -> Names:
    """Name of the shank or group of each channel; empty where there is only one."""
    n = channels.id.size
    named = {kind: channels.columns[kind] for kind in ("group", "shank") if _splits(channels, kind)}
    if not named:
        return np.full(n, "")
    if "shank" in named:
        named["shank"] = np.array([_shank_name(one) for one in named["shank"].tolist()])
    both = list(zip(*(column.tolist() for column in named.values()), strict=True))
    for column in named.values():  # shanks that are groups, or parts of one
        if np.unique(column).size == len(set(both)):
            return column
    return np.array([" ".join(filter(None, names)) for names in both])


def _splits(channels: Channels, kind: str) -> bool:
    """Tell whether a column splits the channels into several parts of several channels."""
    column = channels.columns.get(kind)
    if column is None:
        return False
    n_parts = np.unique(column[column != ""]).size
    return bool(n_parts > 1 and 2 * n_parts <= np.count_nonzero(column != ""))


def _shank_name(label: str) -> str:
    return f"shank {label}" if label.isdecimal() else label


def why_no_distances(channels: Channels) -> str:
    """Why distances of contacts are not known; empty where they are."""
    if "depth" not in channels.columns or channels.depth_axis is None:
        return "the file has no depth"
    return "" if channels.depth_axis.unit == "µm" else "the unit of the depth is not known"


def contact_columns(channels: Channels) -> Ints:
    """Number of the column of contacts of each channel: of one block, x, and stretch of depth.

    −1 for channels without a depth.
    """
    depth, names = channels.columns["depth"].round(DECIMALS), block_names(channels)
    across = channels.columns.get("across", np.full(depth.size, np.nan)).round(DECIMALS)
    known = np.isfinite(depth)
    column = np.full(depth.size, -1, dtype=np.int64)
    n = 0
    for name in dict.fromkeys(names[known].tolist()):
        members = known & (names == name)
        for x in np.unique(across[members]):
            same = members & ((across == x) | (np.isnan(across) & np.isnan(x)))
            levels = np.unique(depth[same])
            steps = np.diff(levels)
            far = steps > FAR_STEPS * np.median(steps) if steps.size else steps
            for part in np.split(levels, np.flatnonzero(far) + 1):
                column[same & np.isin(depth, part)] = n
                n += 1
    return column
