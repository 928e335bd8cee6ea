"""Lines of pixels: those that Datashader's ``Canvas.line(…, agg=any())`` sets.

Datashader compiles its loop anew in every process, which takes seconds, and each call of it some
milliseconds around the loop. The viewer has no time for either; this kernel is compiled once and
kept. Clipping and rounding are Datashader's to the letter (datashader/glyphs/line.py, BSD-3), and
the tests compare the two.
"""

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[Any]


def draw_lines(x: Floats, y: Floats, x_range: tuple[float, float], width: int, height: int) -> Mask:
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
    start, stop = x_range
    scale = width / (stop - start)
    columns = np.zeros((width, height), np.bool_)  # strokes are upright: one after the other
    _draw(x, y, scale, -start * scale, start, stop, columns)
    return columns.T


@numba.njit(nogil=True, cache=True)
def _draw(
    x: Floats, y: Floats, scale: float, shift: float, left: float, right: float, columns: Mask
) -> None:
    top = float(columns.shape[1])
    begins = True  # a line; the first pixel of a segment that goes on is the last of the one before
    for i in range(x.size - 1):
        x0, y0, x1, y1 = x[i], y[i], x[i + 1], y[i + 1]
        if np.isnan(x0) or np.isnan(y0) or np.isnan(x1) or np.isnan(y1):
            begins = np.isnan(x0) or np.isnan(y0)
            continue
        x0, y0, x1, y1, inside, cut_0, cut_1 = _clip(x0, y0, x1, y1, left, right, top)
        if inside:
            _bresenham(
                _pixel(x0 * scale + shift, right * scale + shift),
                _pixel(y0, top),
                _pixel(x1 * scale + shift, right * scale + shift),
                _pixel(y1, top),
                begins or cut_0,
                cut_0 or cut_1,
                columns,
            )
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
    """Clip a segment to the picture, by Liang and Barsky's method.

    Returns
    -------
    x0, y0, x1, y1 : float
        What is left of it.
    inside, cut_0, cut_1 : bool
        Whether anything is left; whether its start and its end were cut.
    """
    outside = (x0 < left and x1 < left) or (x0 > right and x1 > right)
    outside = outside or (y0 < 0 and y1 < 0) or (y0 > top and y1 > top)
    dx, dy = x1 - x0, y1 - y0
    t0, t1, accept_0 = _cut(-dx, x0 - left, 0.0, 1.0)
    t0, t1, accept_1 = _cut(dx, right - x0, t0, t1)
    t0, t1, accept_2 = _cut(-dy, y0, t0, t1)
    t0, t1, accept_3 = _cut(dy, top - y0, t0, t1)
    inside = not outside and accept_0 and accept_1 and accept_2 and accept_3
    if t1 < 1:
        x1, y1 = x0 + t1 * dx, y0 + t1 * dy
    if t0 > 0:
        x0, y0 = x0 + t0 * dx, y0 + t0 * dy
    return x0, y0, x1, y1, inside, t0 > 0, t1 < 1


@numba.njit(nogil=True, cache=True)
def _cut(p: float, q: float, t0: float, t1: float) -> tuple[float, float, bool]:
    """Cut a segment's stretch t0 to t1 at one edge."""
    if p < 0 and q < 0:
        r = q / p
        if r > t1:
            return t0, t1, False
        return max(t0, r), t1, True
    if p > 0 and q < p:
        r = q / p
        if r < t0:
            return t0, t1, False
        return t0, min(t1, r), True
    return t0, t1, q >= 0


@numba.njit(nogil=True, cache=True)
def _bresenham(
    x0: int, y0: int, x1: int, y1: int, first: bool, clipped: bool, columns: Mask
) -> None:
    """Set the pixels of a segment, the first one only where that is asked for."""
    if first or (not clipped and x0 == x1 and y0 == y1):
        columns[x0, y0] = True
    if x0 == x1:  # a stroke
        low, high = (y0 + 1, y1 + 1) if y1 > y0 else (y1, y0)
        columns[x0, low:high] = True
        return
    x_step, y_step = (1 if x1 > x0 else -1), (1 if y1 > y0 else -1)
    dx, dy = 2 * abs(x1 - x0), 2 * abs(y1 - y0)
    if dx >= dy:
        error = 2 * dy - dx
        while x0 != x1:
            if error >= 0 and (error != 0 or x_step > 0):
                error -= 2 * dx
                y0 += y_step
            error += 2 * dy
            x0 += x_step
            columns[x0, y0] = True
    else:
        error = 2 * dx - dy
        while y0 != y1:
            if error >= 0 and (error != 0 or y_step > 0):
                error -= 2 * dy
                x0 += x_step
            error += 2 * dx
            y0 += y_step
            columns[x0, y0] = True
