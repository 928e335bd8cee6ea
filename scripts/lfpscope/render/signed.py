"""Potential by channel and time, with its sign, as pixels."""

import numpy as np
import numpy.typing as npt

from lfpscope.envelope.read import OpenProbe
from lfpscope.render.heatmap import pixel_rows
from lfpscope.render.palettes import SIGNED_COLOURS, SIGNED_GAP, SIGNED_GREY
from lfpscope.render.traces import trace_levels
from lfpscope.render.view import View, depth_order, to_pixels
from lfpscope.typing import Array, Mask, Pixels

SIGNED_SHARE = 0.3  # of the volts that the scale bar stands for is the upper end of the colours


def signed_values(view: View, probe: OpenProbe, channels: npt.NDArray[np.int64]) -> Array:
    """Potential of channels in each pixel column about their medians, see `trace_levels`.

    Of the samples of a column the one that lies farthest from the median, so that no peak can
    vanish; of two equally far ones the positive one.

    Returns
    -------
    ndarray of float64, shape (n_channels, view.width)
        Volts; NaN in gaps and where there is no number.
    """
    low = np.full((channels.size, view.n_columns), np.nan)
    high = low.copy()
    for part in view.parts:  # several may share a column
        lowest, highest = part.columns.values[1:3, channels, part.there]
        low[:, part.here] = np.fmin(low[:, part.here], lowest)
        high[:, part.here] = np.fmax(high[:, part.here], highest)
    low, high = to_pixels(low, view, np.fmin), to_pixels(high, view, np.fmax)
    scale, add = probe.references.scale[channels, np.newaxis], probe.references.add
    level = trace_levels(view, probe)[channels, np.newaxis]
    one, other = low * scale + add - level, high * scale + add - level
    return farthest(np.fmin(one, other), np.fmax(one, other))  # a scale may be negative


def farthest(low: Array, high: Array) -> Array:
    """Of two values the one farther from zero; the second one where they are equally far."""
    return np.where(-low > high, low, high)


def signed_picture(
    view: View,
    probe: OpenProbe,
    height: int,
    *,
    volts: float,
    channels: npt.NDArray[np.int64] | None = None,
    grey: Mask | None = None,
    values: Array | None = None,
) -> Pixels:
    """Signed potential as colour, a band for each channel, from the top by depth.

    Where channels share a row of pixels, the value farthest from zero of those that are not dead.

    Parameters
    ----------
    view, probe
        What to draw.
    height : int
        Of the picture.
    volts : float
        The potential at the upper end of the colours; at the lower end it is its negative.
    channels : ndarray of int, optional
        Which, from the top down; all by depth if not given.
    grey : ndarray of bool, shape (n_channels,), optional
        Channels drawn in grey; the dead ones if not given.
    values : ndarray of float, optional
        What `signed_values` returns for the channels, if that is known.

    Returns
    -------
    ndarray of uint8, shape (height, view.width)
        Indices into SIGNED_PALETTE.
    """
    order = depth_order(probe.references.channels) if channels is None else channels
    values = (signed_values(view, probe, order) if values is None else values) / volts
    dead = (probe.dead if grey is None else grey)[order]
    live = np.where(dead[:, np.newaxis], np.nan, values)
    bands, starts = pixel_rows(order.size, height)
    if starts is not None:
        live, values = (
            farthest(np.fmin.reduceat(one, starts), np.fmax.reduceat(one, starts))
            for one in (live, values)
        )
    middle = len(SIGNED_COLOURS) // 2
    with np.errstate(invalid="ignore"):
        colours = middle + (np.clip(live, -1, 1) * middle).round()
    colours[np.isnan(live)] = SIGNED_GREY
    colours[np.isnan(values)] = SIGNED_GAP
    return colours.astype(np.uint8)[bands]
