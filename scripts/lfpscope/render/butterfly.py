"""All channels over one zero line, coloured by depth."""

import numpy as np
import numpy.typing as npt

from lfpscope.envelope.read import OpenProbe
from lfpscope.nwb.electrodes import Channels
from lfpscope.render.lines import draw_lines
from lfpscope.render.palettes import BUTTERFLY_PALETTE, DEPTH_COLOURS
from lfpscope.render.traces import trace_band, trace_levels
from lfpscope.render.view import View, gap_columns, to_pixels
from lfpscope.typing import Array, Floats, Mask, Pixels

FIRST = len(BUTTERFLY_PALETTE) - len(DEPTH_COLOURS) - 1  # colour of a depth
FRONT = len(BUTTERFLY_PALETTE) - 1  # of the channel in front
NOBODY = -1


def depth_shares(channels: Channels) -> Floats:
    """Where each channel lies between the lowest and the highest depth number, 0 to 1.

    Channels without a depth count as the lowest; where none has one, the order of the file counts.
    """
    depth = channels.columns.get("depth")
    if depth is None or not np.isfinite(depth).any():
        depth = np.arange(channels.id.size, dtype=np.float64)
    low, high = float(np.nanmin(depth)), float(np.nanmax(depth))
    shares = (depth - low) / (high - low) if high > low else np.zeros(depth.size)
    return np.asarray(np.nan_to_num(shares, nan=0.0))


def depth_colours(channels: Channels) -> npt.NDArray[np.uint8]:
    """Index into BUTTERFLY_PALETTE of each channel."""
    return (FIRST + depth_shares(channels) * (len(DEPTH_COLOURS) - 1)).round().astype(np.uint8)


def butterfly_picture(
    view: View,
    probe: OpenProbe,
    height: int,
    *,
    pixels_per_volt: float,
    channels: npt.NDArray[np.int64],
    grey: Mask,
    front: int = NOBODY,
) -> tuple[Pixels, npt.NDArray[np.int16]]:
    """Draw channels about their medians over one line, the pixels of each as Datashader sets them.

    Parameters
    ----------
    view, probe
        What to draw.
    height : int
        Of the picture.
    pixels_per_volt : float
        The gain.
    channels : ndarray of int
        Which; the first ones lie above the others.
    grey : ndarray of bool, shape (n_channels,)
        Channels drawn in grey, below all others.
    front : int
        Channel drawn in black above all; none if it is not among them.

    Returns
    -------
    ndarray of uint8, shape (height, view.width)
        Indices into BUTTERFLY_PALETTE, the top row first.
    ndarray of int16, shape (height, view.width)
        Which of `channels` each pixel shows; NOBODY where it shows none.
    """
    levels, middle = trace_levels(view, probe), np.array([height / 2])
    owners = np.full((view.width, height), NOBODY, np.int16)
    for i in _from_below(channels, grey, front).tolist():
        one: Array = channels[i : i + 1]
        band, low = trace_band(
            view,
            probe,
            one,
            middle,
            levels[one],
            height=height,
            pixels_per_volt=pixels_per_volt,
            lines=draw_lines,
        )
        owners[:, low : low + band.shape[1]][band] = i
    colours = np.where(grey, 2, depth_colours(probe.references.channels))[channels]
    colours[channels == front] = FRONT
    picture = np.append(colours, 0).astype(np.uint8)[owners]
    gap = to_pixels(gap_columns(view), view, np.logical_and)
    picture[gap] = np.where(picture[gap] == 0, 1, picture[gap])
    zero = picture[:, height // 2]
    zero[zero == 0] = 1
    return np.ascontiguousarray(picture.T[::-1]), np.ascontiguousarray(owners.T[::-1])


def _from_below(channels: npt.NDArray[np.int64], grey: Mask, front: int) -> npt.NDArray[np.intp]:
    """Places of the channels in the order in which they are drawn."""
    above = np.where(grey[channels], 0, np.where(channels == front, 2, 1))
    return np.lexsort([-np.arange(channels.size), above])
