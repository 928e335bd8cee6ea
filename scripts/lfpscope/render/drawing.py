"""A view → pixels, those that Datashader would set for every sample. It knows no files, no axes."""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, TypeVar

import matplotlib as mpl
import numpy as np
import numpy.typing as npt

from lfpscope.clock.segments import Clock, Segment
from lfpscope.envelope.kernels import SOME_NAN
from lfpscope.envelope.read import Columns, Probe, time_range
from lfpscope.nwb.recording import Channels
from lfpscope.render.lines import draw_band, draw_lines, line_points
from lfpscope.render.rows import arrange_rows

T = TypeVar("T")
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[Any]
Pixels = npt.NDArray[np.uint8]
"""Indices into a palette, shape (height, width), the top row first."""
Points = tuple[Floats, Floats]
"""x and y of the points of lines; NaN ends one."""
Lines = Callable[[Floats, Floats, tuple[float, float], int, int], Mask]
"""What draws them, as `lfpscope.render.lines.draw_lines` does."""

PAPER, GAP, GREY = (255, 255, 255), (236, 232, 224), (185, 185, 185)
# from one trace to where all overlap
SHADES = np.linspace((112, 132, 172), (13, 20, 38), 16).round().astype(np.uint8)
TRACE_PALETTE = np.array([PAPER, GAP, GREY, *SHADES], np.uint8)
# perceptually even; its darkest and lightest ends are left to paper and gaps
HEAT_COLOURS = mpl.colormaps["magma"](np.linspace(0, 0.98, 254), bytes=True)[:, :3]
HEAT_PALETTE = np.array([*HEAT_COLOURS, GREY, GAP], np.uint8)
HEAT_GREY, HEAT_GAP = 254, 255
SAMPLES_PER_PIXEL = 4  # up to which samples are drawn themselves, not first, min, max and last
TRACE_PIXELS = 12  # that the configured µV take in a picture 1000 pixels high
NEAR = 12  # pixels: a trace makes the picture darker only so near to its own row
MIN_SPACING = 2  # pixels between traces; of channels that lie closer only every n-th is drawn
FAR = 1e9  # pixels: farther away than any picture is high
MANY_POINTS = 1 << 20  # of lines drawn in one go
PEAK_MULTIPLE = 10  # times the RMS: a larger peak is drawn instead, so that none can vanish
HEAT_SHARE = 0.5  # of the volts that the scale bar stands for is the upper end of the colours


# --- the view -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """A segment's stretch of a view.

    Attributes
    ----------
    at, n_columns : int
        Where it lies in the picture.
    columns : Columns
        What to draw: with a column more on each side, where the segment has one, so that lines
        enter and leave the picture rightly.
    skip : int
        How many columns of these lie to the left of `at`.
    """

    at: int
    n_columns: int
    columns: Columns
    skip: int

    @property
    def here(self) -> slice:
        """Its columns in the picture."""
        return slice(self.at, self.at + self.n_columns)

    @property
    def there(self) -> slice:
        """The same among `columns`."""
        return slice(self.skip, self.skip + self.n_columns)


@dataclass(frozen=True)
class View:
    """A time range of one probe on a grid of columns.

    Attributes
    ----------
    t0, t1 : float
        Axis time of the left and right edge, seconds: the range asked for, snapped outward.
    n_columns : int
        Columns of the grid.
    parts : list of Part
        One for each segment in the range; none where no sample lies in it. Several may share a
        column.
    width : int
        Of the picture, in pixels: as many as columns, except where each column is one sample.
    is_complete : bool
        Whether the complete recording is in it.
    """

    t0: float
    t1: float
    n_columns: int
    parts: list[Part]
    width: int
    is_complete: bool = False

    def pixels(self, part: Part) -> slice:
        """Where a part lies in the picture; at its ends it may fill a pixel only partly."""
        start, stop = part.here.start * self.width, part.here.stop * self.width
        return slice(start // self.n_columns, -(-stop // self.n_columns))

    @property
    def drawn_from(self) -> str:
        """Words for the reader of the picture."""
        return self.parts[0].columns.drawn_from if self.parts else "no samples here"


def read_view(
    probe: Probe, start: float, stop: float, width: int, clock: Clock | None = None
) -> View:
    """Read what is needed to draw a range of seconds of all channels.

    Parameters
    ----------
    probe : Probe
        The recording.
    start, stop : float
        Axis time, seconds.
    width : int
        The picture is at most so many columns wide.
    clock : Clock, optional
        Its clock in axis time (`Timeline.clock`); its own, in session time, if not given.
    """
    clock = probe.references.clock if clock is None else clock
    pieces = list(time_range(clock, start, stop))
    if not pieces:
        return View(start, stop, width, [], width)
    n_samples = max(1, math.ceil((stop - start) / clock.dt))
    # snapping both ends outward may add two columns
    n_wanted = max(1, width - 2)
    while True:
        step = probe.column_step(n_samples, n_wanted)
        if step <= SAMPLES_PER_PIXEL:
            step = 1  # lines between samples then run as smoothly as the pixels allow
        grid = _grid(pieces, start, stop, step, step * clock.dt)
        if grid.n_columns <= width or step == 1 or n_wanted == 1:
            break
        # a segment that runs faster than the clock in general takes more columns
        n_wanted = max(1, min(n_wanted - 1, n_wanted * width // grid.n_columns))
    parts = [
        _read_part(probe, at, n, step, segment, first)
        for at, n, (segment, first, _) in zip(grid.at, grid.n, pieces, strict=True)
    ]
    t1 = grid.t0 + grid.n_columns * step * clock.dt
    is_complete = start <= clock.t0 and stop >= clock.t1
    pixels = width if step == 1 else grid.n_columns
    return View(grid.t0, t1, grid.n_columns, parts, pixels, is_complete)


@dataclass(frozen=True)
class _Grid:
    """Columns of a view: from when on, how many, and where each piece lies in them."""

    t0: float
    n_columns: int
    at: list[int]
    n: list[int]


def _grid(
    pieces: list[tuple[Segment, int, int]], start: float, stop: float, step: int, seconds: float
) -> _Grid:
    begins = [_snapped(segment, first, step) for segment, first, _ in pieces]
    times = [_time(piece[0], begin) for piece, begin in zip(pieces, begins, strict=True)]
    left = min(times)  # not always the first one's: a clock may step back
    t0 = left - max(0, math.ceil((left - start) / seconds)) * seconds
    at = [round((time - t0) / seconds) for time in times]  # the nearest column of the picture
    n = [-(-(end - begin) // step) for (_, _, end), begin in zip(pieces, begins, strict=True)]
    stops = [one + many for one, many in zip(at, n, strict=True)]
    return _Grid(t0, max(math.ceil((stop - t0) / seconds - 1e-6), *stops, 1), at, n)


def _read_part(
    probe: Probe, at: int, n_columns: int, step: int, segment: Segment, first: int
) -> Part:
    begin = _snapped(segment, first, step)
    before = max(begin - step, segment.first_sample)
    after = min(begin + (n_columns + 1) * step, segment.stop_sample)
    columns = probe.columns(segment, before, after, step)
    return Part(at, n_columns, columns, (begin - before) // step)


def _snapped(segment: Segment, sample: int, step: int) -> int:
    return segment.first_sample + (sample - segment.first_sample) // step * step


def _time(segment: Segment, sample: int) -> float:
    return segment.t0 + (sample - segment.first_sample) * segment.dt


# --- pixels -------------------------------------------------------------------------------------


def depth_order(channels: Channels) -> npt.NDArray[np.int64]:
    """Channels from the top of the picture down: far from the tip first, or as in the file."""
    return arrange_rows(channels).channels


def trace_pixels(
    view: View,
    probe: Probe,
    channels: npt.NDArray[np.int64],
    baselines: Floats,
    levels: Floats,
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
    probe : Probe
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
    band, low = _trace_band(
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


def _trace_band(
    view: View,
    probe: Probe,
    channels: npt.NDArray[np.int64],
    baselines: Floats,
    levels: Floats,
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
    scale, add = probe.references.scale[channels], probe.references.add

    def heights(values: Floats, i: slice) -> Floats:
        """Stored units of channels i → pixels from the bottom; infinity is far away."""
        volts = values * scale[i, np.newaxis] + add - levels[i, np.newaxis]
        return np.clip(volts * pixels_per_volt + baselines[i, np.newaxis], -FAR, FAR)

    drawn: list[tuple[slice, Mask, int]] = []
    for part in view.parts if channels.size else ():
        columns = part.columns
        here, step = view.pixels(part), columns.step * view.n_columns / view.width  # of a pixel
        origin = columns.first_sample + (part.skip - part.at) * columns.step - 0.5
        x_range = origin + here.start * step, origin + here.stop * step
        for x, y in _points(columns, probe, channels, heights):
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


def _points(
    columns: Columns,
    probe: Probe,
    channels: npt.NDArray[np.int64],
    heights: Callable[[Floats, slice], Floats],
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


def trace_points(y: Floats, starts: Floats, ends: Floats) -> Points:
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


def trace_levels(view: View, probe: Probe) -> npt.NDArray[np.float64]:
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


def amplitude(view: View, probe: Probe) -> Floats:
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
    squares, n = _to_pixels(squares, view, np.add), _to_pixels(n, view, np.add)
    peak = _to_pixels(peak, view, np.maximum)
    with np.errstate(invalid="ignore", divide="ignore"):
        rms = np.sqrt(squares / n)  # NaN where n is 0
        return np.where(peak > PEAK_MULTIPLE * rms, peak, rms)


def _to_pixels(values: Floats, view: View, join: np.ufunc) -> Floats:
    """Values of columns (the last axis) → of pixels: joined where a pixel holds several."""
    starts = np.arange(view.width) * view.n_columns // view.width
    joins = view.width < view.n_columns
    return np.asarray(join.reduceat(values, starts, axis=-1) if joins else values[..., starts])


def gap_columns(view: View) -> Mask:
    """Columns in which the clock has no samples, shape (view.n_columns,)."""
    gap = np.ones(view.n_columns, np.bool_)
    for part in view.parts:
        gap[part.here] = False
    return gap


def traces_every(n_channels: int, height: int) -> int:
    """Every how many channels one is drawn as a trace, so that traces lie some pixels apart."""
    return max(1, math.ceil(MIN_SPACING * n_channels / height))


def trace_picture(
    view: View,
    probe: Probe,
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
    order = depth_order(probe.references.channels) if channels is None else channels
    spacing = height / max(1, order.size)
    every = traces_every(order.size, height)
    rows = np.arange(every // 2, order.size, every)
    levels = trace_levels(view, probe)[order]
    baselines = height - (np.arange(order.size) + 0.5) * spacing

    def drawn(rows: npt.NDArray[np.int64]) -> tuple[Mask, int]:
        """Traces of some rows."""
        return _trace_band(
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
    live, dead = rows[~is_grey[rows]], rows[is_grey[rows]]
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
    most = int(np.clip(2 * NEAR / (spacing * every) + 1, 1, len(SHADES)))
    lightest = len(TRACE_PALETTE) - len(SHADES)
    shades = lightest + np.arange(len(SHADES)) * (len(SHADES) - 1) // max(1, most - 1)
    shades = np.minimum(shades, len(TRACE_PALETTE) - 1).astype(np.uint8)
    by_count = shades[np.clip(np.arange(256), 1, len(SHADES)) - 1]
    picture = by_count[overlap] * shown
    band, low = drawn(dead)
    grey_pixels = picture[:, low : low + band.shape[1]]
    grey_pixels[band & (grey_pixels == 0)] = 2
    gap = _to_pixels(gap_columns(view), view, np.logical_and)
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


def heat_picture(
    view: View,
    probe: Probe,
    height: int,
    *,
    volts: float,
    channels: npt.NDArray[np.int64] | None = None,
    grey: Mask | None = None,
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

    Returns
    -------
    ndarray of uint8, shape (height, view.width)
        Indices into HEAT_PALETTE.
    """
    order = depth_order(probe.references.channels) if channels is None else channels
    values = amplitude(view, probe)[order] / volts
    bands = np.arange(height) * order.size // height
    dead = (probe.dead if grey is None else grey)[order]
    live = np.where(dead[:, np.newaxis], np.nan, values)
    if order.size > height:
        live, values = (np.fmax.reduceat(one, bands) for one in (live, values))
        bands = np.arange(height)
    with np.errstate(invalid="ignore"):
        colours = (np.clip(live, 0, 1) * (len(HEAT_COLOURS) - 1)).round()
    colours[np.isnan(live)] = HEAT_GREY
    colours[np.isnan(values)] = HEAT_GAP
    return colours.astype(np.uint8)[bands]
