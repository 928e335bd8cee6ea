"""A view → pixels (Datashader) → axes and labels around them (matplotlib)."""

import math
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datashader
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from lfpscope.clock import Segment
from lfpscope.envelope import Columns, Probe, time_range
from lfpscope.files import UserError, atomic
from lfpscope.recording import Channels
from lfpscope.references import open_references

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[Any]
Pixels = npt.NDArray[np.uint8]
"""Indices into a palette, shape (height, width), the top row first."""

PAPER, GAP, GREY = (255, 255, 255), (236, 232, 224), (185, 185, 185)
# from one trace to where all overlap
SHADES = np.linspace((112, 132, 172), (13, 20, 38), 16).round().astype(np.uint8)
TRACE_PALETTE = np.array([PAPER, GAP, GREY, *SHADES], np.uint8)
# perceptually even; its darkest and lightest ends are left to paper and gaps
HEAT_COLOURS = mpl.colormaps["magma"](np.linspace(0, 0.98, 254), bytes=True)[:, :3]
HEAT_PALETTE = np.array([*HEAT_COLOURS, GREY, GAP], np.uint8)
HEAT_GREY, HEAT_GAP = 254, 255
# Paul Tol's muted scheme: distinct for colour-blind readers too (personal.sron.nl/~pault)
AREA_COLOURS = (
    "#88CCEE",
    "#44AA99",
    "#117733",
    "#999933",
    "#DDCC77",
    "#CC6677",
    "#882255",
    "#AA4499",
    "#6699CC",
    "#AA8866",
)
NO_AREA = {"", "unknown", "none", "nan", "null"}
TRACE_PIXELS = 12  # that the configured µV take in a picture 1000 pixels high
OVERLAP_PIXELS = 24  # channels that lie nearer than this are told apart by shade where they overlap
THUMBNAIL = (320, 180)


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
        Width of the picture.
    parts : list of Part
        One for each segment in the range; none where no sample lies in it.
    """

    t0: float
    t1: float
    n_columns: int
    parts: list[Part]

    @property
    def drawn_from(self) -> str:
        """Words for the reader of the picture."""
        return self.parts[0].columns.drawn_from if self.parts else "no samples here"


def read_view(probe: Probe, start: float, stop: float, width: int) -> View:
    """Read what is needed to draw a range of seconds of all channels.

    Parameters
    ----------
    probe : Probe
        The recording.
    start, stop : float
        Session time, seconds.
    width : int
        The picture is at most so many columns wide.
    """
    pieces = list(time_range(probe.references.clock, start, stop))
    if not pieces:
        return View(start, stop, width, [])
    dt = probe.references.clock.dt
    # snapping both ends outward may add two columns
    step = probe.column_step(max(1, math.ceil((stop - start) / dt)), max(1, width - 2))
    seconds = step * dt
    segment, first, _ = pieces[0]
    left = _time(segment, _snapped(segment, first, step))
    t0 = left - max(0, math.ceil((left - start) / seconds)) * seconds
    parts = [_read_part(probe, t0, step, *piece) for piece in pieces]
    n_columns = max(math.ceil((stop - t0) / seconds - 1e-6), *(part.here.stop for part in parts), 1)
    return View(t0, t0 + n_columns * seconds, n_columns, parts)


def _read_part(probe: Probe, t0: float, step: int, segment: Segment, first: int, stop: int) -> Part:
    begin = _snapped(segment, first, step)
    n_columns = -(-(stop - begin) // step)
    before = max(begin - step, segment.first_sample)
    after = min(begin + (n_columns + 1) * step, segment.stop_sample)
    columns = probe.columns(segment, before, after, step)
    at = round((_time(segment, begin) - t0) / (step * segment.dt))
    return Part(at, n_columns, columns, (begin - before) // step)


def _snapped(segment: Segment, sample: int, step: int) -> int:
    return segment.first_sample + (sample - segment.first_sample) // step * step


def _time(segment: Segment, sample: int) -> float:
    return segment.t0 + (sample - segment.first_sample) * segment.dt


# --- pixels -------------------------------------------------------------------------------------


def depth_order(channels: Channels) -> npt.NDArray[np.int64]:
    """Channels from the top of the picture down: far from the tip first, or as in the file."""
    depth = channels.columns.get("depth")
    if depth is None:
        return np.arange(channels.id.size)
    return np.argsort(np.where(np.isnan(depth), np.inf, -depth), kind="stable")


def trace_pixels(
    view: View,
    probe: Probe,
    channels: npt.NDArray[np.int64],
    baselines: Floats,
    *,
    height: int,
    pixels_per_volt: float,
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

    Returns
    -------
    ndarray of bool, shape (height, view.n_columns)
        The top row first.
    """
    picture = np.zeros((height, view.n_columns), np.bool_)
    for part in view.parts if channels.size else ():
        columns = part.columns
        y = probe.volts(columns.values)[:, channels] - probe.mean[channels, np.newaxis]
        left = columns.first_sample + part.skip * columns.step - 0.5
        canvas = datashader.Canvas(
            plot_width=part.n_columns,
            plot_height=height,
            x_range=(left, left + part.n_columns * columns.step),
            y_range=(0, height),
        )
        points = trace_points(columns, y * pixels_per_volt + baselines[:, np.newaxis])
        drawn = canvas.line(points, "x", "y", agg=datashader.any()).to_numpy()
        picture[:, part.here] |= drawn[::-1]
    return picture


def trace_points(columns: Columns, y: Floats) -> pd.DataFrame:
    """Points of the lines: first, min, max and last of each column, channel after channel.

    Min and max stand in the middle of their column: where in it they lie changes no pixel.

    Parameters
    ----------
    columns : Columns
        The grid.
    y : ndarray of float, shape (4, n_channels, n_columns)
        First, min, max and last.

    Returns
    -------
    DataFrame
        ``x`` in sample index, ``y`` as given; NaN between channels.
    """
    starts = columns.first_sample + np.arange(columns.n_columns) * columns.step
    ends = np.minimum(starts + columns.step, columns.segment.stop_sample) - 1
    middle = (starts + ends) / 2
    x = np.append(np.stack([starts, middle, middle, ends], axis=1), np.nan)
    n_channels = y.shape[1]
    lines = np.full((n_channels, x.size), np.nan)
    lines[:, :-1] = y.transpose(1, 2, 0).reshape(n_channels, -1)
    return pd.DataFrame({"x": np.tile(x, n_channels), "y": lines.ravel()})


def amplitude(view: View, probe: Probe) -> Floats:
    """Amplitude of each channel in each column: half its peak-to-peak range.

    Returns
    -------
    ndarray of float, shape (n_channels, view.n_columns)
        Volts; NaN in gaps and where there is no number.
    """
    picture = np.full((probe.references.n_channels, view.n_columns), np.nan)
    for part in view.parts:
        volts = probe.volts(part.columns.values[1:3])
        spread = np.abs(volts[1] - volts[0]) / 2
        picture[:, part.here] = spread[:, part.skip : part.skip + part.n_columns]
    return picture


def gap_columns(view: View) -> Mask:
    """Columns in which the clock has no samples, shape (view.n_columns,)."""
    gap = np.ones(view.n_columns, np.bool_)
    for part in view.parts:
        gap[part.here] = False
    return gap


def trace_picture(view: View, probe: Probe, height: int, *, pixels_per_volt: float) -> Pixels:
    """All channels as traces, from the top by depth, each about its mean; dead ones grey.

    Where traces overlap the picture is the darker, the more they are: at whole-recording zoom,
    where every pixel is crossed by some trace, this is what shows theta, bursts and artefacts.

    Returns
    -------
    ndarray of uint8, shape (height, view.n_columns)
        Indices into TRACE_PALETTE.
    """
    order = depth_order(probe.references.channels)
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
        )

    dead, rank = probe.dead[order], np.arange(order.size)
    overlap = np.zeros((height, view.n_columns), np.int64)
    for group in range(groups):
        overlap += drawn(~dead & (rank % groups == group))
    shades = np.where(overlap, len(TRACE_PALETTE) - len(SHADES), 0)
    shades += (overlap - 1).clip(0) * (len(SHADES) - 1) // max(1, groups - 1)
    shades[(overlap == 0) & gap_columns(view)] = 1
    shades[drawn(dead) & (overlap == 0)] = 2
    return shades.astype(np.uint8)


def heat_picture(view: View, probe: Probe, height: int, *, volts: float) -> Pixels:
    """Amplitude as colour, a band for each channel, from the top by depth.

    Parameters
    ----------
    view, probe
        What to draw.
    height : int
        Of the picture.
    volts : float
        The amplitude at the upper end of the colours.

    Returns
    -------
    ndarray of uint8, shape (height, view.n_columns)
        Indices into HEAT_PALETTE.
    """
    order = depth_order(probe.references.channels)
    spread = amplitude(view, probe)[order] / volts
    with np.errstate(invalid="ignore"):
        colours = (np.clip(spread, 0, 1) * (len(HEAT_COLOURS) - 1)).round()
    colours[probe.dead[order]] = HEAT_GREY
    colours[np.isnan(spread)] = HEAT_GAP
    bands = np.arange(height) * order.size // height
    return colours[bands].astype(np.uint8)


# --- axes and labels ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels from the figure's left and top edge."""

    left: int
    top: int
    width: int
    height: int


def draw_probe(
    references: Path,
    envelope: Path,
    *,
    overview: Path,
    thumbnail: Path,
    width: int = 1600,
    height: int = 1000,
    microvolts: float = 250.0,
) -> None:
    """Draw a whole recording: traces and amplitude of all channels, and a thumbnail.

    Parameters
    ----------
    references, envelope : Path
        ``lfp.json`` and ``envelope.zarr.zip`` of the probe.
    overview, thumbnail : Path
        The PNG files to write.
    width, height : int
        Of the overview, in pixels.
    microvolts : float
        The scale: the height of the bar beside the traces, and the upper end of the colours.

    Raises
    ------
    UserError
        If references or envelope do not fit each other, or the recording has no usable clock.
    """
    with Probe(open_references(references), envelope) as probe:
        clock = _clock_of(probe)
        left, top, right, bottom, between = 190, 64, 110, 54, 26
        room = Box(left, top, width - left - right, height - top - bottom - between)
        upper = round(room.height * 0.62)
        traces = Box(left, top, room.width, upper)
        heat = Box(left, top + upper + between, room.width, room.height - upper)
        view = read_view(probe, clock.t0, clock.t1, room.width)
        gain = TRACE_PIXELS * height / 1000 / (microvolts * 1e-6)
        figure = _figure(width, height)
        r = probe.references
        _title(figure, f"session {r.session} · probe {r.probe}", _caption(probe, view))
        picture = trace_picture(view, probe, traces.height, pixels_per_volt=gain)
        axes = _show(figure, traces, TRACE_PALETTE[picture], view)
        axes.tick_params(labelbottom=False)
        _scale_bar(figure, traces, gain * microvolts * 1e-6, microvolts)
        _channel_axis(figure, axes, traces, probe)
        picture = heat_picture(view, probe, heat.height, volts=microvolts * 1e-6)
        axes = _show(figure, heat, HEAT_PALETTE[picture], view)
        axes.set_xlabel("session time")
        _channel_axis(figure, axes, heat, probe)
        _colour_bar(figure, heat, microvolts)
        _save(figure, overview)
        _save(_thumbnail(probe, microvolts), thumbnail)


def draw_session(
    references: Sequence[Path],
    envelopes: Sequence[Path],
    *,
    session: str,
    overview: Path,
    width: int = 1600,
    height: int = 1000,
    microvolts: float = 250.0,
) -> None:
    """Draw all probes of a session on one clock: amplitude over depth and time.

    Parameters
    ----------
    references, envelopes : sequence of Path
        Of each probe, in the order of the picture.
    session : str
        Its id.
    overview : Path
        The PNG file to write.
    width, height : int
        In pixels.
    microvolts : float
        The upper end of the colours.
    """
    with ExitStack() as stack:
        probes = [
            stack.enter_context(Probe(open_references(one), envelope))
            for one, envelope in zip(references, envelopes, strict=True)
        ]
        clocks = [_clock_of(probe) for probe in probes]
        start, stop = min(c.t0 for c in clocks), max(c.t1 for c in clocks)
        left, top, right, bottom, between = 190, 84, 110, 54, 34
        room = Box(left, top, width - left - right, height - top - bottom)
        each = (room.height + between) // len(probes) - between
        figure = _figure(width, height)
        noun = "probe" if len(probes) == 1 else "probes"
        duration = clock_text(round(stop - start, 1))
        caption = f"{len(probes)} {noun} on one clock · {duration} (min:s)"
        _title(figure, f"session {session}", f"{caption} · amplitude over depth")
        for i, probe in enumerate(probes):
            box = Box(left, top + i * (each + between), room.width, each)
            view = read_view(probe, start, stop, box.width)
            picture = heat_picture(view, probe, box.height, volts=microvolts * 1e-6)
            axes = _show(figure, box, HEAT_PALETTE[picture], view)
            axes.set_xlim(start, stop)
            axes.set_title(_probe_line(probe), loc="left", fontsize=10, pad=5)
            axes.tick_params(labelbottom=i == len(probes) - 1)
            _channel_axis(figure, axes, box, probe)
            if i == 0:
                _colour_bar(figure, box, microvolts)
        axes.set_xlabel("session time")
        _save(figure, overview)


def _clock_of(probe: Probe) -> Any:
    clock = probe.references.clock
    if not clock.valid:
        raise UserError(
            f"{probe.references.address}: no sample has a usable time; nothing can be drawn. "
            "Ask who wrote the file."
        )
    return clock


def _figure(width: int, height: int) -> Figure:
    return Figure(figsize=(width / 100, height / 100), dpi=100, facecolor="white")


def _title(figure: Figure, title: str, caption: str) -> None:
    height = figure.get_figheight() * 100
    figure.text(0.012, 1 - 14 / height, title, fontsize=15, fontweight="bold", va="top")
    figure.text(0.012, 1 - 38 / height, caption, fontsize=10.5, color="#555555", va="top")


def _caption(probe: Probe, view: View) -> str:
    seconds = (view.t1 - view.t0) / view.n_columns
    parts = [_facts(probe), f"drawn from {view.drawn_from}, {seconds:.3g} s a column"]
    gaps = probe.references.clock.gaps()
    if gaps:
        parts.append(f"{len(gaps)} gap{'s' * (len(gaps) > 1)} in the clock")
    dead = int(probe.dead.sum())
    if dead:
        parts.append(f"{dead} dead channel{'s' * (dead > 1)} in grey")
    return " · ".join(parts)


def _probe_line(probe: Probe) -> str:
    return f"probe {probe.references.probe} · {_facts(probe)}"


def _facts(probe: Probe) -> str:
    clock = probe.references.clock
    duration, rate = clock_text(round(clock.t1 - clock.t0, 1)), 1 / clock.dt
    return f"{duration} (min:s) · {rate:.6g} Hz · {probe.references.n_channels} channels"


def clock_text(seconds: float) -> str:
    """Time as minutes and seconds: 4:05, or 0:00.25 where it needs to be finer."""
    sign, seconds = ("−", -seconds) if seconds < 0 else ("", seconds)
    minutes, rest = divmod(round(seconds, 6), 60)
    text = f"{rest:09.6f}".rstrip("0").rstrip(".")
    return f"{sign}{int(minutes)}:{text}"


def _show(figure: Figure, box: Box, picture: npt.NDArray[np.uint8], view: View) -> Axes:
    """Put a picture on axes in session time, of just so many pixels as the box has."""
    axes = _axes(figure, box)
    height = picture.shape[0]
    columns = np.arange(box.width) * view.n_columns // box.width  # a column is whole pixels wide
    extent = (view.t0, view.t1, height, 0)
    axes.imshow(picture[:, columns], extent=extent, aspect="auto", interpolation="nearest")
    axes.xaxis.set_major_locator(_TimeLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda t, _: clock_text(t)))
    axes.tick_params(labelsize=10, color="#888888")
    for spine in axes.spines.values():
        spine.set_color("#888888")
        spine.set_linewidth(0.8)
    return axes


class _TimeLocator(MaxNLocator):
    """Ticks at round minutes and seconds."""

    def __init__(self) -> None:
        super().__init__(nbins=10, steps=[1, 2, 5, 10])

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        round_seconds = [15, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200]
        for step in round_seconds:
            if 5 * step <= vmax - vmin <= 12 * step:
                ticks = range(math.floor(vmin / step), math.ceil(vmax / step) + 1)
                return [float(tick * step) for tick in ticks]
        return super().tick_values(vmin, vmax)


def _axes(figure: Figure, box: Box) -> Axes:
    width, height = figure.get_size_inches() * 100
    bottom = height - box.top - box.height
    return figure.add_axes(
        (box.left / width, bottom / height, box.width / width, box.height / height)
    )


def _channel_axis(figure: Figure, axes: Axes, box: Box, probe: Probe) -> None:
    """Depth at the side, and a strip of brain areas where the file names them."""
    channels = probe.references.channels
    order = depth_order(channels)
    band = box.height / order.size
    depth = channels.columns.get("depth")
    if depth is None:
        every = max(1, math.ceil(order.size / (box.height / 40)))
        rows = np.arange(0, order.size, every)
        labels = [str(channels.id[order[row]]) for row in rows]
        axes.set_ylabel("channel", fontsize=10)
    else:
        rows, labels = _depth_ticks(depth[order], box.height)
        axes.set_ylabel("µm from the tip", fontsize=10)
    axes.set_yticks((rows + 0.5) * band, labels)
    strip = Box(box.left - 106, box.top, 16, box.height)
    if "area" in channels.columns:
        _area_strip(figure, strip, channels.columns["area"][order], labels=True)


def _depth_ticks(depths: Floats, height: int) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Rows nearest to round depths, from the top down, and their labels."""
    known = depths[np.isfinite(depths)]
    wanted = MaxNLocator(nbins=max(2, height // 45), steps=[1, 2, 4, 5, 10]).tick_values(
        known.min(), known.max()
    )
    wanted = wanted[(wanted >= known.min()) & (wanted <= known.max())]
    rows = np.array([np.nanargmin(np.abs(depths - depth)) for depth in wanted], dtype=np.int64)
    return rows, [f"{depth:g}" for depth in wanted]


def area_colour(area: str) -> str:
    """The colour of a brain area: the same in every picture."""
    return AREA_COLOURS[zlib.crc32(area.encode()) % len(AREA_COLOURS)]


def area_runs(areas: npt.NDArray[Any]) -> Iterator[tuple[str, int, int]]:
    """Neighbouring channels of one area: its name, first row, and one past the last."""
    start = 0
    for stop in range(1, areas.size + 1):
        if stop == areas.size or areas[stop] != areas[start]:
            yield str(areas[start]), start, stop
            start = stop


def _area_strip(figure: Figure, box: Box, areas: npt.NDArray[Any], *, labels: bool) -> None:
    axes = _axes(figure, box)
    axes.set(xlim=(0, 1), ylim=(areas.size, 0))
    axes.axis("off")
    lowest = -math.inf  # of the labels so far, in pixels
    for area, first, stop in area_runs(areas):
        if area.lower() in NO_AREA:
            continue
        axes.axhspan(first, stop, color=area_colour(area), linewidth=0)
        axes.axhline(first, color="white", linewidth=0.8)
        middle = (first + stop) / 2
        pixel = middle / areas.size * box.height
        if labels and pixel - lowest >= 12:  # room for a line of text
            axes.text(-0.4, middle, area, ha="right", va="center", fontsize=9.5)
            lowest = pixel


def _scale_bar(figure: Figure, box: Box, pixels: float, microvolts: float) -> None:
    axes = _axes(figure, Box(box.left + box.width + 12, box.top, 90, box.height))
    axes.set(xlim=(0, 90), ylim=(box.height, 0))
    axes.axis("off")
    middle = box.height / 2
    axes.plot([4, 4], [middle - pixels / 2, middle + pixels / 2], color="black", linewidth=2)
    axes.text(12, middle, f"{microvolts:g} µV", va="center", fontsize=10.5)


def _colour_bar(figure: Figure, box: Box, microvolts: float) -> None:
    bar = Box(box.left + box.width + 16, box.top, 14, min(box.height, 300))
    axes = _axes(figure, bar)
    colours = HEAT_COLOURS[::-1, np.newaxis]
    axes.imshow(colours, aspect="auto", extent=(0, 1, 0, microvolts))
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    axes.set_ylabel("amplitude (µV, half of peak to peak)", fontsize=10)
    axes.tick_params(labelsize=10)


def _thumbnail(probe: Probe, microvolts: float) -> Figure:
    width, height = THUMBNAIL
    figure = _figure(width, height)
    clock, order = probe.references.clock, depth_order(probe.references.channels)
    box = Box(14, 0, width - 14, height - 18)
    view = read_view(probe, clock.t0, clock.t1, box.width)
    picture = heat_picture(view, probe, box.height, volts=microvolts * 1e-6)
    axes = _show(figure, box, HEAT_PALETTE[picture], view)
    axes.axis("off")
    areas = probe.references.channels.columns.get("area")
    if areas is not None:
        _area_strip(figure, Box(0, 0, 12, box.height), areas[order], labels=False)
    duration = clock_text(round(clock.t1 - clock.t0))
    text = f"{probe.references.probe} · {duration} · {order.size} ch"
    figure.text(0.01, 3 / height, text, fontsize=8, va="bottom")
    return figure


def _save(figure: Figure, path: Path) -> None:
    with atomic(path) as part:
        # no date and no version of the library inside: equal pictures are equal bytes
        figure.savefig(part, format="png", metadata={"Software": None})
