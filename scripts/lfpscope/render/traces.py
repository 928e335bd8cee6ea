"""Traces of channels, as pixels."""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt

from lfpscope.envelope.columns import Columns
from lfpscope.envelope.kernels import SOME_NAN
from lfpscope.envelope.read import OpenProbe
from lfpscope.render.lines import draw_band, draw_lines, line_points
from lfpscope.render.palettes import SHADES, TRACE_PALETTE
from lfpscope.render.view import T, View, depth_order, gap_columns, to_pixels
from lfpscope.typing import Array, Mask, Pixels

Points = tuple[Array, Array]
"""x and y of the points of lines; NaN ends one."""


Lines = Callable[[Array, Array, tuple[float, float], int, int], Mask]
"""What draws them, as `lfpscope.render.lines.draw_lines` does."""


TRACE_PIXELS = 12  # that the configured µV take in a picture 1000 pixels high
NEAR = 12  # pixels: a trace makes the picture darker only so near to its own row
MIN_SPACING = 2  # pixels between traces; of channels that lie closer only every n-th is drawn
FAR = 1e9  # pixels: farther away than any picture is high
MANY_POINTS = 1 << 20  # of lines drawn in one go


def trace_pixels(
    view: View,
    probe: OpenProbe,
    channels: npt.NDArray[np.int64],
    baselines: Array,
    levels: Array,
    *,
    height: int,
    pixels_per_volt: float,
    lines: Lines = draw_lines,
) -> Mask:
    """Draw traces: the pixels that Datashader would set for every sample.

    Parameters
    ----------
    view : View
        What to draw.
    probe : OpenProbe
        Whose.
    channels : ndarray of int
        Which.
    baselines : ndarray of float, shape of `channels`
        Where each one's level lies, in pixels from the bottom.
    levels : ndarray of float, shape of `channels`
        What is drawn there, volts: see `trace_levels`.
    height : int
        Of the picture.
    pixels_per_volt : float
        The gain.
    lines : callable
        What draws them.

    Returns
    -------
    ndarray of bool, shape (height, view.width)
        The top row first.
    """
    band, low = trace_band(
        view,
        probe,
        channels,
        baselines,
        levels,
        height=height,
        pixels_per_volt=pixels_per_volt,
        lines=lines,
    )
    picture = np.zeros((height, view.width), np.bool_)
    picture[low : low + band.shape[1]] = band.T
    return picture[::-1]


def trace_band(
    view: View,
    probe: OpenProbe,
    channels: npt.NDArray[np.int64],
    baselines: Array,
    levels: Array,
    *,
    height: int,
    pixels_per_volt: float,
    lines: Lines,
) -> tuple[Mask, int]:
    """Rows of the picture of `trace_pixels` that traces may touch.

    Returns
    -------
    ndarray of bool, shape (view.width, n)
        The bottom row first, as the second axis.
    int
        Which row of the picture that is, from the bottom.
    """
    drawn: list[tuple[slice, Mask, int]] = []
    placed = trace_lines(view, probe, channels, baselines, levels, pixels_per_volt)
    for here, x_range, (x, y) in placed:
        size = here.stop - here.start, height
        if lines is draw_lines:
            drawn.append((here, *draw_band(x, y, x_range, *size)))
        else:
            drawn.append((here, lines(x, y, x_range, *size).T, 0))
    drawn = [one for one in drawn if one[1].size]
    low = min((low for _, _, low in drawn), default=0)
    high = max((low + pixels.shape[1] for _, pixels, low in drawn), default=0)
    joined = np.zeros((view.width, high - low), np.bool_)
    for here, pixels, bottom in drawn:
        joined[here, bottom - low : bottom - low + pixels.shape[1]] |= pixels
    return joined, low


def trace_lines(
    view: View,
    probe: OpenProbe,
    channels: npt.NDArray[np.int64],
    baselines: Array,
    levels: Array,
    pixels_per_volt: float,
) -> Iterator[tuple[slice, tuple[float, float], Points]]:
    """Lines of traces, see `trace_pixels`, of some channels at a time.

    Yields
    ------
    slice
        Pixel columns of the picture.
    (float, float)
        Sample indices at their left and right edge.
    Points
        In sample index, and in pixels from the bottom.
    """
    scale, add = probe.references.scale[channels], probe.references.add

    def heights(values: Array, i: slice) -> Array:
        """Stored units of channels i → pixels from the bottom; infinity is far away."""
        volts = values * scale[i, np.newaxis] + add - levels[i, np.newaxis]
        return np.clip(volts * pixels_per_volt + baselines[i, np.newaxis], -FAR, FAR)

    for part in view.parts if channels.size else ():
        columns = part.columns
        here, step = view.pixels(part), columns.step * view.n_columns / view.width  # of a pixel
        origin = columns.first_sample + (part.skip - part.at) * columns.step - 0.5
        x_range = origin + here.start * step, origin + here.stop * step
        for points in _points(columns, probe, channels, heights):
            yield here, x_range, points


def _points(
    columns: Columns,
    probe: OpenProbe,
    channels: npt.NDArray[np.int64],
    heights: Callable[[Array, slice], Array],
) -> Iterator[Points]:
    """Points of the lines of some channels, not too many at a time."""
    starts = columns.first_sample + np.arange(columns.n_columns) * columns.step
    ends = np.minimum(starts + columns.step, columns.segment.stop_sample) - 1
    y = heights(columns.values[:, channels], slice(None))
    flagged = columns.nan[channels] == SOME_NAN
    broken = flagged.any(axis=1)
    yield trace_points(y[:, ~broken], starts, ends)
    parts: list[Points] = []
    for i in np.flatnonzero(broken).tolist():
        # a column with NaN inside becomes columns of one sample each
        x = np.concatenate(
            [np.arange(starts[j], ends[j] + 1) for j in np.flatnonzero(flagged[i]).tolist()]
        )
        stretch = probe.samples(x[0], x[-1] + 1, [int(channels[i])])[:, x - x[0]]
        samples = np.broadcast_to(heights(stretch, slice(i, i + 1)), (4, 1, x.size))
        kept = ~flagged[i]
        order = np.argsort(np.concatenate([starts[kept], x]))
        parts.append(
            trace_points(
                np.concatenate([y[:, i : i + 1, kept], samples], axis=2)[..., order],
                np.concatenate([starts[kept], x])[order],
                np.concatenate([ends[kept], x])[order],
            )
        )
        if sum(x.size for x, _ in parts) > MANY_POINTS:
            yield _together(parts)
            parts = []
    if parts:
        yield _together(parts)


def _together(parts: list[Points]) -> Points:
    xs, ys = zip(*parts, strict=True)
    return np.concatenate(xs), np.concatenate(ys)


def trace_points(y: Array, starts: Array, ends: Array) -> Points:
    """Points of the lines, channel after channel, with NaN where one ends.

    Parameters
    ----------
    y : ndarray of float, shape (4, n_channels, n_columns)
        First, min, max and last of each column; no column has NaN inside.
    starts, ends : ndarray, shape (n_columns,)
        First and last sample of each column.

    Returns
    -------
    x, y : ndarray of float64, shape (n,)
        In sample index, and as given.
    """
    x_points, y_points = np.empty((2, 5 * y.shape[1] * y.shape[2]))
    n = line_points(y, starts.astype(float), ends.astype(float), x_points, y_points)
    return x_points[:n], y_points[:n]


def trace_levels(view: View, probe: OpenProbe) -> npt.NDArray[np.float64]:
    """Volts that traces of a view are drawn about: their medians.

    Of a view of the complete recording these are the medians of the recording, otherwise those of
    the first samples of all columns. Neither drift nor a stretch at the rails moves a trace out
    of its row elsewhere.

    Returns
    -------
    ndarray of float64, shape (n_channels,)
        0 where a channel has no number.
    """
    if view.is_complete or not view.parts:
        return np.asarray(probe.median, np.float64)
    firsts = [part.columns.values[0][:, part.there] for part in view.parts]
    # sorted whole, NaN last: several times faster than nanmedian
    ordered = np.sort(firsts[0] if len(firsts) == 1 else np.concatenate(firsts, axis=1), axis=1)
    n = ordered.shape[1] - np.isnan(ordered).sum(axis=1)
    rows, middle = np.arange(n.size), np.stack([np.maximum(n - 1, 0) // 2, n // 2 - (n == 0)])
    with np.errstate(invalid="ignore", over="ignore"):
        median = ordered[rows, middle].astype(np.float64).mean(axis=0)
    volts = median * probe.references.scale + probe.references.add
    return np.where(np.isfinite(volts), volts, 0.0)


def traces_every(n_channels: int, height: int) -> int:
    """Every how many channels one is drawn as a trace, so that traces lie some pixels apart."""
    return max(1, math.ceil(MIN_SPACING * n_channels / height))


def place_traces(
    view: View, probe: OpenProbe, channels: npt.NDArray[np.int64], height: int
) -> tuple[npt.NDArray[np.int64], Array, Array]:
    """Channels drawn of those in some rows; their baselines, pixels, and levels, volts."""
    every = traces_every(channels.size, height)
    rows = np.arange(every // 2, channels.size, every)
    drawn = channels[rows]
    baselines = height - (rows + 0.5) * (height / max(1, channels.size))
    return drawn, baselines, trace_levels(view, probe)[drawn]


def trace_picture(
    view: View,
    probe: OpenProbe,
    height: int,
    *,
    pixels_per_volt: float,
    channels: npt.NDArray[np.int64] | None = None,
    grey: Mask | None = None,
    lines: Lines = draw_lines,
    threads: int | None = None,
) -> Pixels:
    """All channels as traces, from the top by depth, each about its median; dead ones grey.

    Where traces overlap near their own rows the picture is the darker, the more they are: at
    whole-recording zoom, where every pixel is crossed by some trace, this is what shows theta,
    bursts and artefacts. Farther away from its row a trace is drawn in the lightest shade, and
    only where no other is: one noisy channel does not make its neighbours look stronger.

    Parameters
    ----------
    view, probe
        What to draw.
    height : int
        Of the picture.
    pixels_per_volt : float
        The gain.
    channels : ndarray of int, optional
        Which, from the top down; all by depth if not given.
    grey : ndarray of bool, shape (n_channels,), optional
        Channels drawn in grey; the dead ones if not given.
    lines : callable
        What draws them.
    threads : int, optional
        How many draw at once; all cores if not given.

    Returns
    -------
    ndarray of uint8, shape (height, view.width)
        Indices into TRACE_PALETTE.
    """
    all_rows = depth_order(probe.references.channels) if channels is None else channels
    order, baselines, levels = place_traces(view, probe, all_rows, height)
    spacing = height / max(1, all_rows.size) * traces_every(all_rows.size, height)

    def drawn(rows: npt.NDArray[np.int64]) -> tuple[Mask, int]:
        """Traces of some rows."""
        return trace_band(
            view,
            probe,
            order[rows],
            baselines[rows],
            levels[rows],
            height=height,
            pixels_per_volt=pixels_per_volt,
            lines=lines,
        )

    is_grey = (probe.dead if grey is None else grey)[order]
    live, dead = np.flatnonzero(~is_grey), np.flatnonzero(is_grey)
    # each trace by itself, as what it draws near its own row is counted; columns lie one after the
    # other in memory; the loop does not hold the interpreter
    shown = np.zeros((view.width, height), np.bool_)
    overlap = np.zeros(shown.shape, np.uint8)
    each = [partial(drawn, live[i : i + 1]) for i in range(live.size)]
    for row, (band, low) in zip(live.tolist(), _in_threads(each, threads), strict=True):
        shown[:, low : low + band.shape[1]] |= band
        middle = math.floor(baselines[row])
        first = max(middle - NEAR, low)
        stop = max(first, min(middle + NEAR + 1, low + band.shape[1]))
        overlap[:, first:stop] += band[:, first - low : stop - low]
    # of the channels that may be near, as many as are there
    most = int(np.clip(2 * NEAR / spacing + 1, 1, len(SHADES)))
    lightest = len(TRACE_PALETTE) - len(SHADES)
    shades = lightest + np.arange(len(SHADES)) * (len(SHADES) - 1) // max(1, most - 1)
    shades = np.minimum(shades, len(TRACE_PALETTE) - 1).astype(np.uint8)
    by_count = shades[np.clip(np.arange(256), 1, len(SHADES)) - 1]
    picture = by_count[overlap] * shown
    band, low = drawn(dead)
    grey_pixels = picture[:, low : low + band.shape[1]]
    grey_pixels[band & (grey_pixels == 0)] = 2
    gap = to_pixels(gap_columns(view), view, np.logical_and)
    picture[gap] = np.where(picture[gap] == 0, 1, picture[gap])
    return np.ascontiguousarray(picture.T[::-1])


def _in_threads(work: Sequence[Callable[[], T]], threads: int | None) -> Iterator[T]:
    if threads == 1:
        return (one() for one in work)
    return _pool(threads or os.cpu_count() or 1).map(lambda one: one(), work)


@lru_cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads shared by all pictures."""
    return ThreadPoolExecutor(threads, thread_name_prefix="draw")


os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not survive a fork
