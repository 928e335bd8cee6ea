"""One scale of depth for the panels of several probes: a micrometre is as high in each."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lfpscope.nwb.depth import DepthAxis
from lfpscope.nwb.electrodes import Channels
from lfpscope.render.rows import Rows

ROUNDING = 1e-3  # of the distance of neighbours, by which they may differ


@dataclass(frozen=True)
class DepthSpan:
    """Depths that evenly spaced rows cover, from edge to edge, on which axis."""

    low: float
    high: float
    axis: DepthAxis


@dataclass(frozen=True)
class Window:
    """Heights of a panel's lower and upper edge, where its rows lie from 0 to 1; and a remark."""

    bottom: float = 0.0
    top: float = 1.0
    note: str = ""

    @property
    def length(self) -> float:
        """Of the panel, in heights of its rows."""
        return self.top - self.bottom


def depth_span(channels: Channels, rows: Rows) -> DepthSpan | str:
    """Depths that some rows cover; or why they have no scale."""
    axis = channels.depth_axis
    depth = channels.columns.get("depth")
    if axis is None or depth is None:
        return "no depths"
    here = depth[rows.channels]
    if not np.isfinite(here).all():
        return "channels without depth"
    if rows.column or len(rows.blocks) > 1:
        return "rows in groups or another order"
    levels, counts = np.unique(here, return_counts=True)
    pitches = np.diff(levels)
    if not pitches.size:
        return "a single depth"
    pitch = float(pitches.min())
    if np.ptp(pitches) > ROUNDING * pitch or np.ptp(counts):
        return "depths unevenly spaced"
    if (np.diff(here) > 0).any() != axis.is_downward:
        return "rows upside down"
    return DepthSpan(float(levels[0]) - pitch / 2, float(levels[-1]) + pitch / 2, axis)


def common_windows(
    spans: Mapping[str, DepthSpan | str], heights: Mapping[str, int]
) -> dict[str, Window]:
    """Windows in which a unit of depth is as high in each panel, and the origin side lies alike.

    Depths that grow upwards, as those from the tip, are aligned at the lower edges of the panels;
    those that grow downwards, as from the surface, at the upper edges.

    Parameters
    ----------
    spans : mapping
        Of each panel, see `depth_span`.
    heights : mapping of int
        Of each panel, pixels.
    """
    found = {name: Window(note=f"not to scale: {why}") for name, why in spans.items()}
    scaled = {name: one for name, one in spans.items() if isinstance(one, DepthSpan)}
    if not scaled:
        return found
    axis = next(iter(scaled.values())).axis
    for name in [name for name, one in scaled.items() if not _are_alike(one.axis, axis)]:
        found[name] = Window(note="not to scale: depths on another axis")
        del scaled[name]
    origin = min(one.low for one in scaled.values())
    per_pixel = max((one.high - origin) / max(1, heights[name]) for name, one in scaled.items())
    for name, one in scaled.items():
        extent, total = one.high - one.low, per_pixel * max(1, heights[name])
        if axis.is_downward:
            top = (one.high - origin) / extent
            found[name] = Window(top - total / extent, top)
        else:
            bottom = (origin - one.low) / extent
            found[name] = Window(bottom, bottom + total / extent)
    return found


def _are_alike(one: DepthAxis, other: DepthAxis) -> bool:
    """Tell whether depths mean the same on two axes."""
    return (one.label, one.unit, one.is_downward) == (other.label, other.unit, other.is_downward)
