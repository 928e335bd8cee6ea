"""Overviews: axes, labels and scales around a recording's pixels, as PNG (matplotlib)."""

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datashader
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from lfpscope.areas import area_colour, area_runs, interval_colour, is_area
from lfpscope.clock import Clock
from lfpscope.drawing import (
    HEAT_COLOURS,
    HEAT_PALETTE,
    TRACE_PALETTE,
    TRACE_PIXELS,
    Floats,
    Mask,
    View,
    depth_order,
    heat_picture,
    read_view,
    trace_picture,
)
from lfpscope.envelope import Probe
from lfpscope.files import UserError, atomic
from lfpscope.formatting import clock_text, duration_text
from lfpscope.intervals import Interval, inside, read_intervals
from lfpscope.references import open_references

THUMBNAIL = (320, 180)
DAMAGED = "#b3261e"
LANE_TOP, LANE_HEIGHT = 76, 10  # of the lane of intervals, in pixels
LANE_ROOM = 26  # with the names above it
LANE_PAPER = "#f1f0ee"
LEAST = 10  # pixels for a probe among others


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
    intervals: Path | None = None,
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
    intervals : Path, optional
        ``intervals.csv`` of the session, to be shown above the traces.
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
        shown = _intervals_in(intervals, clock.t0, clock.t1)
        left, top, right, bottom, between = 190, 64, 110, 54, 26
        top += LANE_ROOM if shown else 0
        room = Box(left, top, width - left - right, height - top - bottom - between)
        upper = round(room.height * 0.62)
        traces = Box(left, top, room.width, upper)
        heat = Box(left, top + upper + between, room.width, room.height - upper)
        view = read_view(probe, clock.t0, clock.t1, room.width)
        gain = TRACE_PIXELS * height / 1000 / (microvolts * 1e-6)
        figure = _figure(width, height)
        r = probe.references
        _title(figure, f"session {r.session} · probe {r.probe}", _caption(probe, view))
        if shown:
            lane = Box(left, LANE_TOP, room.width, LANE_HEIGHT)
            _interval_lane(figure, lane, shown, view.t0, view.t1)
        picture = trace_picture(
            view, probe, traces.height, pixels_per_volt=gain, lines=datashader_lines
        )
        axes = _show(figure, traces, TRACE_PALETTE[picture], view)
        axes.tick_params(labelbottom=False)
        _scale_bar(figure, traces, gain * microvolts * 1e-6, microvolts)
        _channel_axis(figure, axes, traces, probe)
        _hatch_damage(axes, traces, probe)
        picture = heat_picture(view, probe, heat.height, volts=microvolts * 1e-6)
        axes = _show(figure, heat, HEAT_PALETTE[picture], view)
        axes.set_xlabel("session time")
        _channel_axis(figure, axes, heat, probe)
        _hatch_damage(axes, heat, probe)
        _colour_bar(figure, heat, microvolts)
        _save(figure, overview)
        _save(_thumbnail(probe, microvolts), thumbnail)


def datashader_lines(
    x: Floats, y: Floats, x_range: tuple[float, float], width: int, height: int
) -> Mask:
    """Draw lines with Datashader itself: a job has the time that the viewer has not.

    Parameters and result are those of `lfpscope.lines.draw_lines`, whose pixels are the same.
    """
    # heights as floats: integers would be compiled anew
    canvas = datashader.Canvas(width, height, x_range, (0.0, float(height)))
    table = pd.DataFrame({"x": x, "y": y}, copy=False)
    return np.asarray(canvas.line(table, "x", "y", agg=datashader.any()))


def draw_session(
    references: Sequence[Path],
    envelopes: Sequence[Path],
    *,
    session: str,
    overview: Path,
    intervals: Path | None = None,
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
    intervals : Path, optional
        ``intervals.csv`` of the session, to be shown above the probes.
    width, height : int
        In pixels; the picture is higher where a session has more probes than fit.
    microvolts : float
        The upper end of the colours.

    Raises
    ------
    UserError
        If references or envelope do not fit each other, or no recording has a usable clock.
    """
    with ExitStack() as stack:
        opened = [
            stack.enter_context(Probe(open_references(one), envelope))
            for one, envelope in zip(references, envelopes, strict=True)
        ]
        # one that cannot be drawn does not take the others along
        probes = [probe for probe in opened if probe.references.clock.valid] or opened
        timeless = [probe.references.probe for probe in opened if probe not in probes]
        clocks = [_clock_of(probe) for probe in probes]
        start, stop = min(c.t0 for c in clocks), max(c.t1 for c in clocks)
        shown = _intervals_in(intervals, start, stop)
        left, top, right, bottom, between = 190, 84, 110, 54, 34
        top += LANE_ROOM if shown else 0
        height = max(height, top + len(probes) * (LEAST + between) - between + bottom)
        room = Box(left, top, width - left - right, height - top - bottom)
        each = (room.height + between) // len(probes) - between
        figure = _figure(width, height)
        noun = "probe" if len(probes) == 1 else "probes"
        caption = f"{len(probes)} {noun} on one clock · {duration_text(stop - start)}"
        caption += " · amplitude over depth"
        caption += f" · not drawn, without a time: {', '.join(timeless)}" if timeless else ""
        _title(figure, f"session {session}", caption)
        if shown:
            lane = Box(left, LANE_TOP, room.width, LANE_HEIGHT)
            _interval_lane(figure, lane, shown, start, stop)
        for i, probe in enumerate(probes):
            box = Box(left, top + i * (each + between), room.width, each)
            view = read_view(probe, start, stop, box.width)
            picture = heat_picture(view, probe, box.height, volts=microvolts * 1e-6)
            axes = _show(figure, box, HEAT_PALETTE[picture], view)
            axes.set_xlim(start, stop)
            axes.set_title(_probe_line(probe), loc="left", fontsize=10, pad=5)
            axes.tick_params(labelbottom=i == len(probes) - 1)
            _channel_axis(figure, axes, box, probe)
            _hatch_damage(axes, box, probe)
            if i == 0:
                _colour_bar(figure, box, microvolts)
        axes.set_xlabel("session time")
        _save(figure, overview)


def _clock_of(probe: Probe) -> Clock:
    clock = probe.references.clock
    if not clock.valid:
        raise UserError(
            f"{probe.references.address}: no sample has a usable time; nothing can be drawn. "
            "Ask who wrote the file."
        )
    return clock


def _intervals_in(table: Path | None, start: float, stop: float) -> list[Interval]:
    return inside(read_intervals(table), start, stop) if table else []


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
    damaged = len(probe.damaged)
    if damaged:
        parts.append(f"{damaged} damaged chunk{'s' * (damaged > 1)} hatched")
    return " · ".join(parts)


def _probe_line(probe: Probe) -> str:
    return f"probe {probe.references.probe} · {_facts(probe)}"


def _facts(probe: Probe) -> str:
    clock = probe.references.clock
    duration, rate = duration_text(clock.t1 - clock.t0), 1 / clock.dt
    return f"{duration} · {rate:.6g} Hz · {probe.references.n_channels} channels"


def _show(figure: Figure, box: Box, picture: npt.NDArray[np.uint8], view: View) -> Axes:
    """Put a picture on axes in session time, of just so many pixels as the box has."""
    axes = _axes(figure, box)
    height = picture.shape[0]
    columns = np.arange(box.width) * view.width // box.width  # a column is whole pixels wide
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


def _interval_lane(
    figure: Figure, box: Box, intervals: Sequence[Interval], start: float, stop: float
) -> None:
    """Show when which intervals are; above, the names of their kinds, as far as there is room."""
    axes = _axes(figure, box)
    kinds = list(dict.fromkeys(one.name for one in intervals))
    picture = _interval_picture(intervals, kinds, start, stop, box)
    extent = (0, box.width, box.height, 0)
    axes.imshow(picture, extent=extent, aspect="auto", interpolation="nearest")
    axes.axis("off")
    small: dict[str, Any] = {"fontsize": 8.5, "va": "center", "color": "#444444"}
    axes.text(-8, box.height / 2, "intervals", ha="right", **small)
    middle, swatch, x = -9.0, 8, 0.0
    for kind in kinds:
        label = axes.text(x + swatch + 4, middle, kind, parse_math=False, **small)
        stops = label.get_window_extent().x1 - box.left
        if stops > box.width:
            label.set_text("…")
            return
        axes.add_patch(
            Rectangle(
                (x, middle - swatch / 2),
                swatch,
                swatch,
                color=interval_colour(kind),
                linewidth=0,
                clip_on=False,
            )
        )
        x = stops + 14


def _interval_picture(
    intervals: Sequence[Interval], kinds: Sequence[str], start: float, stop: float, box: Box
) -> Floats:
    """Colours of a lane: each column of pixels is shared by the kinds that lie in it."""
    number = {kind: i for i, kind in enumerate(kinds)}
    here = np.zeros((box.width, len(kinds)), np.bool_)
    per_second = box.width / (stop - start)
    for one in intervals:  # tens of thousands, so no patch for each
        first = min(max(0, math.floor((one.start - start) * per_second)), box.width - 1)
        last = max(first + 1, math.ceil((one.stop - start) * per_second))
        here[first:last, number[one.name]] = True
    colours = np.array([to_rgb(interval_colour(kind)) for kind in kinds])
    picture = np.full((box.height, box.width, 3), to_rgb(LANE_PAPER))
    rows = np.arange(box.height)
    for column in np.flatnonzero(here.any(axis=1)):
        found = np.flatnonzero(here[column])
        picture[:, column] = colours[found[rows * found.size // box.height]]
    return picture


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


def _hatch_damage(axes: Axes, box: Box, probe: Probe) -> None:
    """Hatch the chunks that could not be decoded, over the channels and the time they hold."""
    references = probe.references
    clock, (height, width) = references.clock, references.layout.chunks
    row_of = np.argsort(depth_order(references.channels))  # of each channel, from the top
    band = box.height / row_of.size
    patches = []
    for damage in probe.damaged:
        rows = row_of[damage.column * width : (damage.column + 1) * width].tolist()
        for segment in clock.valid:
            first = max(damage.row * height, segment.first_sample)
            last = min((damage.row + 1) * height, segment.stop_sample) - 1
            if first > last:
                continue
            start, stop = clock.seconds(first), clock.seconds(last)
            for row in rows:
                top, bottom = row * band, (row + 1) * band
                patches.append([(start, top), (stop, top), (stop, bottom), (start, bottom)])
    if patches:
        axes.add_collection(
            PolyCollection(
                patches, facecolor="white", edgecolor=DAMAGED, hatch="//////", linewidth=0.5
            ),
            autolim=False,
        )


def _depth_ticks(depths: Floats, height: int) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Rows nearest to round depths, from the top down, and their labels."""
    known = depths[np.isfinite(depths)]
    wanted = MaxNLocator(nbins=max(2, height // 45), steps=[1, 2, 4, 5, 10]).tick_values(
        known.min(), known.max()
    )
    wanted = wanted[(wanted >= known.min()) & (wanted <= known.max())]
    rows: list[int] = []
    labels: list[str] = []
    for depth in wanted[::-1]:
        row = int(np.nanargmin(np.abs(depths - depth)))
        if not rows or (row - rows[-1]) * height / depths.size >= 16:  # room for a line of text
            rows.append(row)
            labels.append(f"{depth:g}")
    return np.array(rows, dtype=np.int64), labels


def _area_strip(figure: Figure, box: Box, areas: npt.NDArray[Any], *, labels: bool) -> None:
    axes = _axes(figure, box)
    axes.set(xlim=(0, 1), ylim=(areas.size, 0))
    axes.axis("off")
    lowest = -math.inf  # of the labels so far, in pixels
    for area, first, stop in area_runs(areas):
        if not is_area(area):
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
    axes.set_ylabel("amplitude (µV from the mean)", fontsize=10)
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
    duration = duration_text(clock.t1 - clock.t0)
    text = f"{probe.references.probe} · {duration} · {order.size} ch"
    figure.text(0.01, 3 / height, text, fontsize=8, va="bottom")
    return figure


def _save(figure: Figure, path: Path) -> None:
    with atomic(path) as part:
        # no date and no version of the library inside: equal pictures are equal bytes
        figure.savefig(part, format="png", metadata={"Software": None})
