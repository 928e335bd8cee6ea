"""A view → pixels, those that Datashader would set for every sample. It knows no files, no axes."""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt

from lfpscope.clock import Clock, Segment
from lfpscope.envelope import Columns, Probe, time_range
from lfpscope.kernels import SOME_NAN, line_points
from lfpscope.lines import draw_lines
from lfpscope.recording import Channels
from lfpscope.rows import arrange_rows

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[Any]
Pixels = npt.NDArray[np.uint8]
"""Indices into a palette, shape (height, width), the top row first."""
Points = tuple[Floats, Floats]
"""x and y of the points of lines; NaN ends one."""
Lines = Callable[[Floats, Floats, tuple[float, float], int, int], Mask]
"""What draws them, as `lfpscope.lines.draw_lines` does."""

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
OVERLAP_PIXELS = 24  # channels that lie nearer than this are told apart by shade where they overlap
FAR = 1e9  # pixels: farther away than any picture is high
MANY_POINTS = 1 << 20  # of lines drawn in one go
THREADS = ThreadPoolExecutor(thread_name_prefix="draw")


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


@dataclass(frozen=True)
class View:
    """A time range of one probe on a grid of columns.

    Attributes
    ----------
    t0, t1 : float
        Session time of the left and right edge, seconds: the range asked for, snapped outward.
    n_columns : int
        Columns of the grid.
    parts : list of Part
        One for each segment in the range; none where no sample lies in it.
    width : int
        Of the picture, in pixels: as many as columns, except where each column is one sample.
    """

    t0: float
    t1: float
    n_columns: int
    parts: list[Part]
    width: int

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
        Session time, seconds.
    width : int
        The picture is at most so many columns wide.
    clock : Clock, optional
        In axis time; the recording's own if not given.
    """
    clock = probe.references.clock if clock is None else clock
    pieces = list(time_range(clock, start, stop))
    if not pieces:
        return View(start, stop, width, [], width)
    dt = clock.dt
    n_samples = max(1, math.ceil((stop - start) / dt))
    # snapping both ends outward may add two columns
    step = probe.column_step(n_samples, max(1, width - 2))
    if step <= SAMPLES_PER_PIXEL:
        step = 1  # lines between samples then run as smoothly as the pixels allow
    seconds = step * dt
    # not always the first one's: a clock may step back
    left = min(_time(segment, _snapped(segment, first, step)) for segment, first, _ in pieces)
    t0 = left - max(0, math.ceil((left - start) / seconds)) * seconds
    parts = [_read_part(probe, t0, seconds, step, *piece) for piece in pieces]
    n_columns = max(math.ceil((stop - t0) / seconds - 1e-6), *(part.here.stop for part in parts), 1)
    return View(t0, t0 + n_columns * seconds, n_columns, parts, width if step == 1 else n_columns)


def _read_part(
    probe: Probe, t0: float, seconds: float, step: int, segment: Segment, first: int, stop: int
) -> Part:
    begin = _snapped(segment, first, step)
    n_columns = -(-(stop - begin) // step)
    before = max(begin - step, segment.first_sample)
    after = min(begin + (n_columns + 1) * step, segment.stop_sample)
    columns = probe.columns(segment, before, after, step)
    at = round((_time(segment, begin) - t0) / seconds)  # of the picture's columns, for all alike
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
        Where each one's mean lies, in pixels from the bottom.
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
    picture = np.zeros((height, view.width), np.bool_)
    scale, add = probe.references.scale[channels], probe.references.add
    mean = probe.mean[channels]

    def heights(values: Floats, i: slice) -> Floats:
        """Stored units of channels i → pixels from the bottom; infinity is far away."""
        volts = values * scale[i, np.newaxis] + add - mean[i, np.newaxis]
        return np.clip(volts * pixels_per_volt + baselines[i, np.newaxis], -FAR, FAR)

    for part in view.parts if channels.size else ():
        columns = part.columns
        here, step = view.pixels(part), columns.step * view.n_columns / view.width  # of a pixel
        origin = columns.first_sample + (part.skip - part.at) * columns.step - 0.5
        x_range = origin + here.start * step, origin + here.stop * step
        for x, y in _points(columns, probe, channels, heights):
            picture[:, here] |= lines(x, y, x_range, here.stop - here.start, height)[::-1]
    return picture


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


def amplitude(view: View, probe: Probe) -> Floats:
    """Amplitude of each channel in each pixel column: the largest distance from its mean.

    Returns
    -------
    ndarray of float, shape (n_channels, view.width)
        Volts; NaN in gaps and where there is no number.
    """
    low, high = np.full((2, probe.references.n_channels, view.n_columns), np.nan)
    for part in view.parts:
        here = slice(part.skip, part.skip + part.n_columns)
        volts = probe.volts(part.columns.values[1:3, :, here]) - probe.mean[:, np.newaxis]
        low[:, part.here], high[:, part.here] = volts.min(axis=0), volts.max(axis=0)
    low, high = _to_pixels(low, view, np.fmin), _to_pixels(high, view, np.fmax)
    return np.asarray(np.maximum(np.abs(low), np.abs(high)))


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


def trace_picture(
    view: View,
    probe: Probe,
    height: int,
    *,
    pixels_per_volt: float,
    channels: npt.NDArray[np.int64] | None = None,
    grey: Mask | None = None,
    lines: Lines = draw_lines,
) -> Pixels:
    """All channels as traces, from the top by depth, each about its mean; dead ones grey.

    Where traces overlap the picture is the darker, the more they are: at whole-recording zoom,
    where every pixel is crossed by some trace, this is what shows theta, bursts and artefacts.

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

    Returns
    -------
    ndarray of uint8, shape (height, view.width)
        Indices into TRACE_PALETTE.
    """
    order = depth_order(probe.references.channels) if channels is None else channels
    spacing = height / order.size
    baselines = height - (np.arange(order.size) + 0.5) * spacing
    # every k-th channel is drawn together: these hardly overlap one another
    groups = int(np.clip(round(OVERLAP_PIXELS / spacing), 1, 16))

    def drawn(channels: Mask) -> Mask:
        return trace_pixels(
            view,
            probe,
            order[channels],
            baselines[channels],
            height=height,
            pixels_per_volt=pixels_per_volt,
            lines=lines,
        )

    dead, rank = (probe.dead if grey is None else grey)[order], np.arange(order.size)
    overlap = np.zeros((height, view.width), np.uint8)
    # the loop lets go of the interpreter
    for pixels in THREADS.map(drawn, [~dead & (rank % groups == i) for i in range(groups)]):
        overlap += pixels
    first, steps = len(TRACE_PALETTE) - len(SHADES), len(SHADES) - 1
    shades = [0, *(first + n * steps // max(1, groups - 1) for n in range(groups))]
    picture = np.array(shades, np.uint8)[overlap]
    gap = _to_pixels(gap_columns(view), view, np.logical_and)
    picture[:, gap] = np.where(overlap[:, gap], picture[:, gap], 1)
    if dead.any():
        picture[drawn(dead) & (overlap == 0)] = 2
    return picture


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
    spread = amplitude(view, probe)[order] / volts
    with np.errstate(invalid="ignore"):
        colours = (np.clip(spread, 0, 1) * (len(HEAT_COLOURS) - 1)).round()
    colours[(probe.dead if grey is None else grey)[order]] = HEAT_GREY
    colours[np.isnan(spread)] = HEAT_GAP
    bands = np.arange(height) * order.size // height
    return colours[bands].astype(np.uint8)
