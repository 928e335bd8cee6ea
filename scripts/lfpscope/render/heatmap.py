"""Amplitude by channel and time, as pixels."""

import numpy as np
import numpy.typing as npt

from lfpscope.envelope.read import OpenProbe
from lfpscope.render.palettes import HEAT_COLOURS, HEAT_GAP, HEAT_GREY
from lfpscope.render.view import View, depth_order, to_pixels
from lfpscope.typing import Array, Mask, Pixels

PEAK_MULTIPLE = 10  # times the RMS: a larger peak is drawn instead, so that none can vanish
HEAT_SHARE = 0.5  # of the volts that the scale bar stands for is the upper end of the colours


def amplitude(view: View, probe: OpenProbe) -> Array:
    """Amplitude of each channel in each pixel column, which all pictures show as colour.

    The RMS of the samples about the line of their block; where their peak exceeds it by
    PEAK_MULTIPLE, the peak, so that none can vanish however many samples share a pixel.

    Returns
    -------
    ndarray of float64, shape (n_channels, view.width)
        Volts; NaN in gaps and where there is no number.
    """
    shape = probe.references.n_channels, view.n_columns
    squares, peak, n = np.zeros(shape), np.zeros(shape), np.zeros(shape, np.int64)
    for part in view.parts:  # several may share a column
        here, found = part.here, probe.amplitude(part.columns)
        squares[:, here] += found.squares[:, part.there]
        n[:, here] += found.n[:, part.there]
        peak[:, here] = np.maximum(peak[:, here], found.peak[:, part.there])
    squares, n = to_pixels(squares, view, np.add), to_pixels(n, view, np.add)
    peak = to_pixels(peak, view, np.maximum)
    with np.errstate(invalid="ignore", divide="ignore"):
        rms = np.sqrt(squares / n)  # NaN where n is 0
        return np.where(peak > PEAK_MULTIPLE * rms, peak, rms)


def heat_picture(
    view: View,
    probe: OpenProbe,
    height: int,
    *,
    volts: float,
    channels: npt.NDArray[np.int64] | None = None,
    grey: Mask | None = None,
    values: Array | None = None,
) -> Pixels:
    """Amplitude as colour, a band for each channel, from the top by depth.

    Where channels share a row of pixels, the largest amplitude of those that are not dead.

    Parameters
    ----------
    view, probe
        What to draw.
    height : int
        Of the picture.
    volts : float
        The amplitude at the upper end of the colours.
    channels : ndarray of int, optional
        Which, from the top down; all by depth if not given.
    grey : ndarray of bool, shape (n_channels,), optional
        Channels drawn in grey; the dead ones if not given.
    values : ndarray of float, optional
        What `amplitude` returns for the channels, if that is known.

    Returns
    -------
    ndarray of uint8, shape (height, view.width)
        Indices into HEAT_PALETTE.
    """
    order = depth_order(probe.references.channels) if channels is None else channels
    values = (amplitude(view, probe)[order] if values is None else values) / volts
    dead = (probe.dead if grey is None else grey)[order]
    live, values, bands = pixel_amplitudes(values, dead, height)
    with np.errstate(invalid="ignore"):
        colours = (np.clip(live, 0, 1) * (len(HEAT_COLOURS) - 1)).round()
    colours[np.isnan(live)] = HEAT_GREY
    colours[np.isnan(values)] = HEAT_GAP
    return colours.astype(np.uint8)[bands]


def pixel_amplitudes(
    values: Array, dead: Mask, height: int
) -> tuple[Array, Array, npt.NDArray[np.int64]]:
    """Bring amplitudes of channels to rows of pixels: where several share one, the largest.

    Parameters
    ----------
    values : ndarray of float64, shape (n_channels, width)
        From the top down; NaN in gaps.
    dead : ndarray of bool, shape (n_channels,)
        Channels that do not count.
    height : int
        Of the picture.

    Returns
    -------
    ndarray of float64, shape (n_bands, width)
        Of the channels that count; NaN where there is none.
    ndarray of float64, shape (n_bands, width)
        Of all channels.
    ndarray of int, shape (height,)
        The band of each row of pixels.
    """
    live = np.where(dead[:, np.newaxis], np.nan, values)
    bands, starts = pixel_rows(len(values), height)
    if starts is not None:
        live, values = (np.fmax.reduceat(one, starts) for one in (live, values))
    return live, values, bands


def pixel_rows(
    n_channels: int, height: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64] | None]:
    """Which channel lies in each row of pixels of a map.

    Returns
    -------
    ndarray of int, shape (height,)
        Index of the channel, or of the group of channels that share the row.
    ndarray of int or None
        First channel of each group; None where no row holds several.
    """
    bands = np.arange(height) * n_channels // height
    return (np.arange(height), bands) if n_channels > height else (bands, None)
