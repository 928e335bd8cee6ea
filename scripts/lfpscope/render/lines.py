"""Lines of pixels: those that Datashader's ``Canvas.line(…, agg=any())`` sets.

Datashader compiles its loop again in every process, which takes seconds, and each call of it some
milliseconds around the loop. The viewer has no time for either; this kernel is compiled once and
kept. Its rules are written from their definitions: a point lies in the pixel whose half-open square
holds it; a segment is clipped where it enters and leaves the picture (Liang and Barsky: a new
concept and method for line clipping, ACM Trans. Graph. 3, 1984); it sets one pixel for each step
along its longer axis, the nearest to the straight line between its end pixels (Bresenham:
algorithm for computer control of a digital plotter, IBM Syst. J. 4, 1965). That the pixels are
Datashader's is what the tests prove.
"""

import numpy as np

from lfpscope.compiling import numba
from lfpscope.typing import Array, Mask


def draw_lines(x: Array, y: Array, x_range: tuple[float, float], width: int, height: int) -> Mask:
    """Draw lines.

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
        Points; NaN ends a line.
    x_range : (float, float)
        What the picture's left and right edge stand for; its height is in pixels.
    width, height : int
        Of the picture.

    Returns
    -------
    ndarray of bool, shape (height, width)
        The bottom row first.
    """
    pixels = np.zeros((width, height), np.bool_)
    band, low = draw_band(x, y, x_range, width, height)
    pixels[:, low : low + band.shape[1]] = band
    return pixels.T


def draw_band(
    x: Array, y: Array, x_range: tuple[float, float], width: int, height: int
) -> tuple[Mask, int]:
    """Draw lines as `draw_lines` does; return only the rows of pixels that they may touch.

    Returns
    -------
    ndarray of bool, shape (width, n)
        The bottom row first, as the second axis.
    int
        Which row of the picture that is.
    """
    lowest, highest = np.fmin.reduce(y, initial=np.inf), np.fmax.reduce(y, initial=-np.inf)
    # a row more at each end, for what rounding may do
    low = int(np.clip(np.floor(lowest) - 1, 0, height))
    high = int(np.clip(np.floor(highest) + 2, low, height))
    start, stop = x_range
    scale = width / (stop - start)
    columns = np.zeros((width, high - low), np.bool_)  # strokes are upright: one after the other
    if high > low:
        _draw(x, y, scale, -start * scale, start, stop, height, low, columns)
    return columns, low


@numba.njit(nogil=True, cache=True)
def _draw(
    x: Array,
    y: Array,
    scale: float,
    shift: float,
    left: float,
    right: float,
    height: int,
    low: int,
    columns: Mask,
) -> None:
    """Set pixels of the rows of a picture from `low` on."""
    top = float(height)
    begins = True  # a line; the first pixel of a segment that goes on is the last of the one before
    for i in range(x.size - 1):
        x0, y0, x1, y1 = x[i], y[i], x[i + 1], y[i + 1]
        if np.isnan(x0) or np.isnan(y0) or np.isnan(x1) or np.isnan(y1):
            begins = np.isnan(x0) or np.isnan(y0)
            continue
        x0, y0, x1, y1, inside, cut_0, cut_1 = _clip(x0, y0, x1, y1, left, right, top)
        if inside:
            x_end = right * scale + shift
            column_0, row_0 = _pixel(x0 * scale + shift, x_end), _pixel(y0, top) - low
            column_1, row_1 = _pixel(x1 * scale + shift, x_end), _pixel(y1, top) - low
            is_point = column_0 == column_1 and row_0 == row_1
            if begins or cut_0 or (is_point and not cut_1):
                columns[column_0, row_0] = True
            _set_steps(column_0, row_0, column_1, row_1, columns)
        begins = False


@numba.njit(nogil=True, cache=True)
def _pixel(place: float, end: float) -> int:
    """Pixel of a place; the end of the picture is in its last one."""
    pixel = int(place)
    return pixel - 1 if pixel == round(end) else pixel


@numba.njit(nogil=True, cache=True)
def _clip(
    x0: float, y0: float, x1: float, y1: float, left: float, right: float, top: float
) -> tuple[float, float, float, float, bool, bool, bool]:
    """Clip a segment to the picture.

    Returns
    -------
    x0, y0, x1, y1 : float
        What is left of it.
    inside, cut_0, cut_1 : bool
        Whether anything is left; whether its start and its end were cut.
    """
    if max(x0, x1) < left or min(x0, x1) > right or max(y0, y1) < 0 or min(y0, y1) > top:
        return x0, y0, x1, y1, False, False, False
    dx, dy = x1 - x0, y1 - y0
    enters_x, leaves_x = _crossings(x0, dx, left, right)
    enters_y, leaves_y = _crossings(y0, dy, 0.0, top)
    enters, leaves = max(0.0, enters_x, enters_y), min(1.0, leaves_x, leaves_y)
    if leaves < 1:
        x1, y1 = x0 + leaves * dx, y0 + leaves * dy
    if enters > 0:
        x0, y0 = x0 + enters * dx, y0 + enters * dy
    return x0, y0, x1, y1, enters <= leaves, enters > 0, leaves < 1


@numba.njit(nogil=True, cache=True)
def _crossings(start: float, length: float, low: float, high: float) -> tuple[float, float]:
    """Shares of a segment at which it enters and leaves a range, along one axis."""
    if length > 0:
        return (low - start) / length, (high - start) / length
    if length < 0:
        return (high - start) / length, (low - start) / length
    return -np.inf, np.inf  # it lies in the range: those beside it are gone already


@numba.njit(nogil=True, cache=True)
def _set_steps(x0: int, y0: int, x1: int, y1: int, columns: Mask) -> None:
    """Set the pixels of a segment but its first: one for each step along the longer axis.

    After k steps it has moved k · short / long along the shorter axis, rounded; halves are
    rounded so that a segment and its reverse set the same pixels.
    """
    dx, dy = abs(x1 - x0), abs(y1 - y0)
    x_step, y_step = (1 if x1 > x0 else -1), (1 if y1 > y0 else -1)
    if dx >= dy:
        down = 0 if x_step > 0 else 1
        for k in range(1, dx + 1):
            moved = (2 * k * dy + dx - down) // (2 * dx)
            columns[x0 + k * x_step, y0 + moved * y_step] = True
        return
    down = 0 if y_step > 0 else 1
    first = 1
    for moved in range(dx + 1):  # the steps that lie in one column, at once
        # those with (2 k dx + dy − down) // (2 dy) = moved
        stop = dy + 1 if moved == dx else -(-((2 * moved + 1) * dy + down) // (2 * dx))
        column = columns[x0 + moved * x_step]
        if y_step > 0:
            column[y0 + first : y0 + stop] = True
        else:
            column[y0 - stop + 1 : y0 - first + 1] = True
        first = max(first, stop)


@numba.njit(nogil=True, cache=True)
def line_points(y: Array, starts: Array, ends: Array, x_points: Array, y_points: Array) -> int:
    """Points of lines that set the same pixels as lines through every sample.

    A column of several samples is a stroke from min to max. Its first and last sample are points
    only where the line from one column to the next leaves both strokes: else it is under them.

    Parameters
    ----------
    y : ndarray of float64, shape (4, n_channels, n_columns)
        First, min, max and last; NaN where a column has no number. None has some.
    starts, ends : ndarray of float64, shape (n_columns,)
        Where the first and last sample of each column are.
    x_points, y_points : ndarray of float64
        Filled; five for each column of each channel are enough. NaN ends a line.

    Returns
    -------
    int
        How many.
    """
    n = 0
    n_columns = starts.size
    for channel in range(y.shape[1]):
        first, low, high, last = y[0, channel], y[1, channel], y[2, channel], y[3, channel]
        joined = False  # to the column before
        for i in range(n_columns):
            if first[i] != first[i]:
                continue
            stroke = starts[i] < ends[i]
            if joined or not stroke:
                x_points[n], y_points[n] = starts[i], first[i]
                n += 1
            if stroke:
                upward = high[i] - first[i] > first[i] - low[i]  # the far end last
                x_points[n] = x_points[n + 1] = (starts[i] + ends[i]) / 2
                y_points[n], y_points[n + 1] = low[i], high[i]
                if not upward:
                    y_points[n], y_points[n + 1] = high[i], low[i]
                n += 2
            j = i + 1
            joined = j < n_columns and first[j] == first[j]
            if joined and stroke and starts[j] < ends[j]:
                under = max(low[i], low[j]) <= min(last[i], first[j])
                joined = not (under and max(last[i], first[j]) <= min(high[i], high[j]))
            if not joined:
                x_points[n] = y_points[n] = np.nan
                n += 1
            elif stroke:
                x_points[n], y_points[n] = ends[i], last[i]
                n += 1
    return n
