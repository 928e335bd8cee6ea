"""Traces for eyes where samples lie apart: smooth lines, and a dot on each sample.

`traces` sets pixels or not, at rounded places: right where a pixel holds many samples, a staircase
where a sample takes many pixels. Here a pixel is covered the more, the nearer its middle lies to a
line or dot, whose places are not rounded.
"""

import numpy as np
import numpy.typing as npt

from lfpscope.compiling import numba
from lfpscope.envelope.read import OpenProbe
from lfpscope.render.palettes import TINTS, TRACE_PALETTE
from lfpscope.render.traces import place_traces, trace_lines
from lfpscope.render.view import View, gap_columns, to_pixels
from lfpscope.typing import Array, Mask, Pixels

APART = 2.0  # pixels from sample to sample, beyond which lines are smooth
WIDTH = 1.25  # pixels of a line
DOTS = 0.9, 2.2  # pixels: least and largest radius of a dot
DOT_SHARE = 0.2  # radius of a dot, of the pixels from sample to sample
# of tints, those of dead channels after the others, in SMOOTH_PALETTE
INDICES = np.arange(2 * TINTS + 1, dtype=np.uint8) + np.uint8(len(TRACE_PALETTE) - 1)
INDICES[0] = 0


def is_smooth(view: View, ratio: float = 1.0) -> bool:
    """Tell whether the samples of a view lie so far apart that lines between them are smooth.

    Parameters
    ----------
    view : View
        What is drawn.
    ratio : float
        Pixels of the screen in one of the page.
    """
    are_samples = all(part.columns.step == 1 for part in view.parts)
    return are_samples and view.width > APART * ratio * view.n_columns


def smooth_picture(
    view: View,
    probe: OpenProbe,
    height: int,
    *,
    pixels_per_volt: float,
    channels: npt.NDArray[np.int64],
    grey: Mask,
    ratio: float = 1.0,
) -> Pixels:
    """Draw traces as smooth lines with dots, in the rows of `trace_picture`.

    Parameters
    ----------
    view, probe
        What to draw: single samples.
    height : int
        Of the picture.
    pixels_per_volt : float
        The gain.
    channels : ndarray of int
        Which, from the top down.
    grey : ndarray of bool, shape (n_channels,)
        Channels drawn in grey, below the others.
    ratio : float
        Pixels of the screen in one of the page.

    Returns
    -------
    ndarray of uint8, shape (height, view.width)
        Indices into SMOOTH_PALETTE.
    """
    drawn, baselines, levels = place_traces(view, probe, channels, height)
    dot = float(np.clip(DOT_SHARE * view.width / view.n_columns / ratio, *DOTS)) * ratio

    def covered(some: Mask) -> Pixels:
        """How far some of the traces cover each pixel."""
        coverage = np.zeros((height, view.width), np.uint8)
        place = drawn[some], baselines[some], levels[some], pixels_per_volt
        for here, (left, right), (x, y) in trace_lines(view, probe, *place):
            columns = (x - left) * ((here.stop - here.start) / (right - left))
            cover_lines(columns, y, WIDTH / 2 * ratio, dot, coverage[:, here])
        return coverage

    dead = grey[drawn]
    tints = covered(~dead)
    if dead.any():
        dead_tints = covered(dead)
        tints = np.where(tints >= dead_tints, tints, dead_tints + TINTS)
    picture = INDICES[tints[::-1]]
    gap = to_pixels(gap_columns(view), view, np.logical_and)
    picture[:, gap] = np.where(picture[:, gap] == 0, 1, picture[:, gap])
    return picture


@numba.njit(nogil=True, cache=True)
def cover_lines(x: Array, y: Array, half: float, dot: float, coverage: Pixels) -> None:
    """Cover pixels by lines with dots on their points.

    A pixel is covered completely where its middle lies half a pixel inside an edge, not at all half
    a pixel outside, and in between in proportion; where several reach it, by the one nearest.

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
        Points, in pixels; NaN ends a line.
    half : float
        Of the width of a line, pixels.
    dot : float
        Radius, pixels.
    coverage : ndarray of uint8, shape (height, width)
        Raised to what is covered, 0 to TINTS; the bottom row first.
    """
    for i in range(x.size):
        if np.isnan(x[i]) or np.isnan(y[i]):
            continue
        _cover(x[i], y[i], x[i], y[i], dot + 0.5, coverage)
        if i + 1 < x.size and not (np.isnan(x[i + 1]) or np.isnan(y[i + 1])):
            _cover(x[i], y[i], x[i + 1], y[i + 1], half + 0.5, coverage)


@numba.njit(nogil=True, cache=True)
def _cover(x0: float, y0: float, x1: float, y1: float, reach: float, coverage: Pixels) -> None:
    """Cover the pixels whose middle lies within reach of a segment."""
    height, width = coverage.shape
    dx, dy = x1 - x0, y1 - y0
    squared = dx * dx + dy * dy
    first = max(0, int(np.floor(min(x0, x1) - reach - 0.5)))
    for column in range(first, min(width, int(np.ceil(max(x0, x1) + reach + 0.5)))):
        x = column + 0.5
        from_y, to_y = y0, y1
        if dx != 0:  # what of the segment this column may be near to
            from_y = y0 + min(max((x - reach - x0) / dx, 0.0), 1.0) * dy
            to_y = y0 + min(max((x + reach - x0) / dx, 0.0), 1.0) * dy
        low = max(0, int(np.floor(min(from_y, to_y) - reach - 0.5)))
        for row in range(low, min(height, int(np.ceil(max(from_y, to_y) + reach + 0.5)))):
            y = row + 0.5
            along = ((x - x0) * dx + (y - y0) * dy) / squared if squared > 0 else 0.0
            along = min(max(along, 0.0), 1.0)
            away = (x - x0 - along * dx) ** 2 + (y - y0 - along * dy) ** 2
            if away < reach * reach:
                tint = np.uint8(round(min(reach - np.sqrt(away), 1.0) * TINTS))
                coverage[row, column] = max(coverage[row, column], tint)
