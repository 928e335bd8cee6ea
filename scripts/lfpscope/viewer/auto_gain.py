"""The gain that suits what is shown."""

import numpy as np
import numpy.typing as npt

from lfpscope.envelope.read import OpenProbe
from lfpscope.render.heatmap import HEAT_SHARE
from lfpscope.render.signed import SIGNED_SHARE
from lfpscope.render.view import View
from lfpscope.typing import Array
from lfpscope.viewer.view_state import HEAT, SIGNED, round_scale

BAR = 25  # pixels of the scale bar
HIGH, UPPER = 90, 75  # percentiles: of a channel's columns, and of the channels
ABOVE = 1.5  # times that is the upper end of the colours
MAX_COLUMNS = 400  # are looked at, evenly spaced
NARROWEST, WIDEST, PER_SPACING = 4, 60, 0.8  # pixels of what is large in a trace


def suitable_gain(sizes: Array, mode: str, spacing: float) -> float:
    """Gain at which a typical channel is seen well.

    Parameters
    ----------
    sizes : ndarray of float, shape (n_channels, n_columns)
        In the unit of gains, without sign; NaN where there is no number.
    mode : str
        How they are drawn.
    spacing : float
        Pixels from channel to channel.

    Returns
    -------
    float
        What the scale bar stands for: 1, 2, 5, 10 …
    """
    large = _typical(sizes)
    if mode == HEAT:
        return round_scale(ABOVE * large / HEAT_SHARE)
    if mode == SIGNED:
        return round_scale(ABOVE * large / SIGNED_SHARE)
    return round_scale(large * BAR / np.clip(PER_SPACING * spacing, NARROWEST, WIDEST))


def traces_sizes(view: View, probe: OpenProbe, channels: npt.NDArray[np.int64]) -> Array:
    """How far traces lie from their medians in some columns of a view, volts."""
    every = -(-view.n_columns // MAX_COLUMNS)
    parts = [
        part.columns.values[1:3, channels, part.skip : part.there.stop : every]
        for part in view.parts
    ]
    if not parts:
        return np.empty((channels.size, 0))
    scale = probe.references.scale[channels, np.newaxis]
    low, high = np.concatenate(parts, axis=2) * scale
    middle = _percentile(high, 50)[:, np.newaxis]
    with np.errstate(invalid="ignore", over="ignore"):
        sizes: Array = np.fmax(np.abs(low - middle), np.abs(high - middle))
    return sizes


def _typical(values: Array) -> float:
    """What is large in the upper quarter of the channels; 0 where there is no number."""
    some = values[:, :: max(1, -(-values.shape[1] // MAX_COLUMNS))]
    large = _percentile(some, HIGH)
    large = large[np.isfinite(large)]
    return float(np.percentile(large, UPPER, method="lower")) if large.size else 0.0


def _percentile(values: Array, percent: int) -> Array:
    """Percentile of each channel, of what is finite; NaN where nothing is."""
    if not values.shape[1]:
        return np.full(values.shape[0], np.nan)
    ordered = np.sort(np.where(np.isfinite(values), values, np.nan), axis=1)  # NaN last
    n = np.isfinite(ordered).sum(axis=1)
    found: Array = ordered[np.arange(n.size), np.maximum(n - 1, 0) * percent // 100]
    return found
