"""The brain's surface, from the level by depth."""

from dataclasses import dataclass

import numpy as np

from lfpscope.signals.neighbours import Positions
from lfpscope.signals.thresholds import Thresholds
from lfpscope.typing import Floats, Mask

SMOOTH_UM = 60.0  # to either side, in the profile of the surface
BELOW_UM = 300.0  # of the brain that is compared with what lies above the surface
MIN_BRAIN_UM, MIN_CHANNELS = 200.0, 3  # on either side
QUIET_SHARE = 0.1  # of the channels below it may be as quiet as what is above
MAX_STEP_UM = 250.0  # a fall over more than that is no surface


@dataclass(frozen=True)
class Surface:
    """Where the brain ends.

    Attributes
    ----------
    part : int
        Number of the shank or group.
    height, uncertainty : float
        µm along the probe.
    step_db : float
        Fall of the level from 1 to 45 Hz.
    """

    part: int
    height: float
    uncertainty: float
    step_db: float


def find_surfaces(
    levels: Floats, positions: Positions, use: Mask, limits: Thresholds
) -> list[Surface]:
    """Find the surface of the brain on each shank, from a fall of the level from 1 to 45 Hz.

    What lies above it is quieter than the brain all the way up to the last channel, and the fall is
    no wider than 250 µm. The level is the mean of the bands in dB, so that each counts alike.

    Parameters
    ----------
    levels : ndarray of float64, shape (n_bands, n_channels)
        dB.
    """
    found: list[Surface] = []
    if not levels.shape[0]:
        return found
    slow = levels.mean(axis=0)
    for part in np.unique(positions.part).tolist():
        here = use & (positions.part == part) & np.isfinite(positions.height) & np.isfinite(slow)
        surface = _surface(part, positions.height[here], slow[here], limits)
        if surface is not None:
            found.append(surface)
    return found


def _surface(part: int, height: Floats, slow: Floats, limits: Thresholds) -> Surface | None:
    levels = np.unique(height)
    falls = [_fall(height, slow, edge, levels, limits) for edge in levels]
    if levels.size < 4 or np.isnan(falls).all():
        return None
    near = levels[np.nanargmax(falls)] - BELOW_UM
    edge = _best_edge(height[height >= near], slow[height >= near])
    is_above = height >= edge
    if np.count_nonzero(is_above) < MIN_CHANNELS:
        return None
    below = np.median(slow[~is_above & (height >= edge - BELOW_UM)])
    above = np.median(slow[is_above])
    step, quarter = float(below - above), (below - above) / 4
    # a loud layer has quiet ones below it too
    if not step >= limits.surface_db or np.quantile(slow[~is_above], QUIET_SHARE) < above + quarter:
        return None
    profile = np.array([np.median(slow[np.abs(height - one) <= SMOOTH_UM]) for one in levels])
    # the highest point that is clearly brain, and the lowest above it that is clearly not
    inside = levels[(profile >= below - quarter) & (levels < edge + SMOOTH_UM)]
    low = inside.max(initial=-np.inf)
    high = levels[(profile <= above + quarter) & (levels > low)].min(initial=np.inf)
    stays_low = (profile[levels >= high] < below - quarter).all()
    if high - low > MAX_STEP_UM or not stays_low:
        return None
    at = (edge + levels[levels < edge].max()) / 2
    pitch = float(np.median(np.diff(levels)))
    return Surface(part, float(at), max(float(high - low) / 2, pitch / 2), step)


def _fall(height: Floats, slow: Floats, edge: float, levels: Floats, limits: Thresholds) -> float:
    """Fall of the median level from below an edge to above it; NaN where none can be a surface."""
    is_above = height >= edge
    is_below = ~is_above & (height >= edge - BELOW_UM)
    n = min(np.count_nonzero(is_above), np.count_nonzero(is_below))
    if edge - levels[0] < MIN_BRAIN_UM or n < MIN_CHANNELS:
        return np.nan
    below = np.median(slow[is_below])
    if below - np.median(slow[is_above]) < limits.surface_db:
        return np.nan
    return float(below - np.median(slow[is_above & (height < edge + BELOW_UM)]))


def _best_edge(height: Floats, slow: Floats) -> float:
    """Height that splits levels into two parts, each as near its median as can be."""
    edges = np.unique(height)[1:]
    sides = [(slow[height < edge], slow[height >= edge]) for edge in edges]
    costs = [sum(np.abs(side - np.median(side)).sum() for side in pair) for pair in sides]
    return float(edges[np.argmin(costs)])
