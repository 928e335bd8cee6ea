"""Overviews: pictures of complete recordings, and of all probes of a session, as PNG."""

import re
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lfpscope.clock.segments import Clock
from lfpscope.clock.timeline import Timeline, make_timeline
from lfpscope.envelope.read import OpenProbe
from lfpscope.errors import UserError
from lfpscope.formatting import duration_text
from lfpscope.nwb.intervals import read_intervals
from lfpscope.references.open import open_references
from lfpscope.render.areas import area_colours, area_names
from lfpscope.render.datashader_lines import datashader_lines
from lfpscope.render.depth_labels import AREAS, depth_title, draw_areas, label_rows
from lfpscope.render.figure import (
    WARNING,
    Box,
    draw_colour_bar,
    draw_heading,
    draw_scale_bar,
    fit_text,
    hatch_damage,
    make_heading,
    new_figure,
    save,
    show_pixels,
    text_width,
)
from lfpscope.render.fonts import text_settings
from lfpscope.render.heatmap import HEAT_SHARE, PEAK_MULTIPLE, amplitude, heat_picture
from lfpscope.render.lane import LANE_HEIGHT, LANE_ROOM, LANE_TOP, Span, draw_lane
from lfpscope.render.palettes import HEAT_PALETTE, TRACE_PALETTE
from lfpscope.render.profile import PROFILE, Profile, draw_profile, total_rms
from lfpscope.render.rows import arrange_rows
from lfpscope.render.thumbnail import write_levels
from lfpscope.render.ticks import area_runs_of_rows
from lfpscope.render.time_labels import describe_breaks, label_time
from lfpscope.render.traces import TRACE_PIXELS, trace_picture, traces_every
from lfpscope.render.view import View, read_view
from lfpscope.samples.channel_labels import read_labels
from lfpscope.typing import Array

THUMBNAIL = (320, 180)
LEFT, RIGHT, BOTTOM = 190, 120, 54  # pixels around the pictures
NAMES = 84  # pixels for names of areas; longer ones are given more, up to twice as much
LEAST_MAP = 500  # pixels of a map that has a curve beside it
LEAST = 16  # pixels for a probe among others
MAP_CAPTION = (
    "colours: RMS about a line through each 1.6\N{NO-BREAK SPACE}s (a step fills up to "
    f"0.8\N{NO-BREAK SPACE}s), peaks beyond {PEAK_MULTIPLE} × RMS"
)


def draw_probe(
    references: Path,
    envelope: Path,
    *,
    overview: Path,
    thumbnail: Path,
    levels: Path | None = None,
    channels: Path | None = None,
    by_hand: Path | None = None,
    intervals: Path | None = None,
    width: int = 1600,
    height: int = 1000,
    microvolts: float = 250.0,
    threads: int = 1,
) -> None:
    """Draw a complete recording: traces and amplitude of all channels, and a thumbnail.

    Parameters
    ----------
    references, envelope : Path
        ``lfp.json`` and ``envelope.zarr.zip`` of the probe.
    overview, thumbnail : Path
        The PNG files to write.
    levels : Path, optional
        The PNG to write with the codes of the thumbnail's map, for the gallery.
    channels, by_hand : Path, optional
        ``channels.csv`` of the probe and ``bad_channels.tsv`` of the session, for the labels.
    intervals : Path, optional
        ``intervals.csv`` of the session, to be shown above the traces.
    width, height : int
        Of the overview, in pixels.
    microvolts : float
        The scale: the height of the bar beside the traces; half of it is the upper end of the
        colours.
    threads : int
        How many draw at once.

    Raises
    ------
    UserError
        If references or envelope do not fit each other, or the recording has no usable clock.
    """
    with text_settings(), OpenProbe(open_references(references), envelope) as probe:
        timeline = make_timeline([_clock_of(probe)])
        clock = timeline.clock(probe.references.clock)
        shown = _spans(intervals, timeline)
        left = LEFT + _room_for_names([probe])
        between, beside = 26, PROFILE if width - left - RIGHT - PROFILE >= LEAST_MAP else 0
        room_width = width - left - RIGHT - beside
        view = read_view(probe, clock.t0, clock.t1, room_width, clock)
        r = probe.references
        rows, values = arrange_rows(r.channels), amplitude(view, probe)
        profile = Profile(total_rms(view, probe), _read_labels(channels, by_hand, probe))
        upper_share = 0.62
        every = traces_every(rows.channels.size, round((height - 144) * upper_share))
        heading = make_heading(
            f"session {r.session} · probe {r.probe}",
            [
                *probe_caption(probe, view, timeline, every),
                *([profile.describe()] if beside and profile.describe() else []),
            ],
            probe.doubts,
            width,
        )
        top = 64 + heading.shift + (LANE_ROOM if shown else 0)
        room = Box(left, top, room_width, height - top - BOTTOM - between)
        upper = round(room.height * upper_share)
        traces = Box(left, top, room.width, upper)
        heat = Box(left, top + upper + between, room.width, room.height - upper)
        gain = TRACE_PIXELS * height / 1000 / (microvolts * 1e-6)
        figure = new_figure(width, height)
        draw_heading(figure, heading)
        if shown:
            lane = Box(left, LANE_TOP + heading.shift, room.width, LANE_HEIGHT)
            draw_lane(figure, lane, shown, view.t0, view.t1)
        colours = area_colours(area_names([probe]))
        pixels = trace_picture(
            view,
            probe,
            traces.height,
            pixels_per_volt=gain,
            lines=datashader_lines,
            threads=threads,
        )
        axes = show_pixels(figure, traces, TRACE_PALETTE[pixels], view, timeline)
        _label(figure, axes, traces, probe, timeline, colours)
        axes.tick_params(labelbottom=False)
        axes.set_xlabel("")
        draw_scale_bar(figure, traces, gain * microvolts * 1e-6, microvolts)
        axes = _draw_map(figure, heat, probe, view, timeline, microvolts, values[rows.channels])
        _label(figure, axes, heat, probe, timeline, colours)
        if beside:
            box = Box(heat.left + heat.width + 24, heat.top, beside - 34, heat.height)
            draw_profile(figure, box, profile, rows, HEAT_SHARE * microvolts)
        right = Box(heat.left, heat.top, heat.width + beside, heat.height)
        draw_colour_bar(figure, right, HEAT_SHARE * microvolts)
        save(figure, overview)
        save(_thumbnail(probe, timeline, microvolts), thumbnail)
        if levels:
            write_levels(probe, timeline, HEAT_SHARE * microvolts * 1e-6, levels)


def _read_labels(table: Path | None, by_hand: Path | None, probe: OpenProbe) -> list[str]:
    r = probe.references
    found = read_labels(table, by_hand, r.probe, r.channels.id.tolist()) if table else {}
    return found.get("label", [])


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
        Of each probe; the picture shows them in the natural order of their ids.
    session : str
        Its id.
    overview : Path
        The PNG file to write.
    intervals : Path, optional
        ``intervals.csv`` of the session, to be shown above the probes.
    width, height : int
        In pixels; the picture is higher where a session has more probes than fit.
    microvolts : float
        Half of it is the upper end of the colours.

    Raises
    ------
    UserError
        If references or envelope do not fit each other, or no recording has a usable clock.
    """
    with text_settings(), ExitStack() as stack:
        opened = [
            stack.enter_context(OpenProbe(open_references(one), envelope))
            for one, envelope in zip(references, envelopes, strict=True)
        ]
        opened.sort(key=lambda probe: natural_order(probe.references.probe))
        # one that cannot be drawn does not take the others along
        probes = [probe for probe in opened if probe.references.clock.valid] or opened
        timeless = [probe.references.probe for probe in opened if probe not in probes]
        timeline = make_timeline([_clock_of(probe) for probe in probes])
        clocks = [timeline.clock(probe.references.clock) for probe in probes]
        start, stop = min(c.t0 for c in clocks), max(c.t1 for c in clocks)
        shown = _spans(intervals, timeline)
        caption = [
            f"{_count(len(probes), 'probe')} on one clock",
            duration_text(sum(s.stop - s.start for s in timeline.stretches)),
            *describe_breaks(timeline),
            f"amplitude over depth, {MAP_CAPTION}",
            *([f"not drawn, without a time: {', '.join(timeless)}"] if timeless else []),
        ]
        heading = make_heading(f"session {session}", caption, (), width)
        left, between = LEFT + _room_for_names(probes), 34
        top = 84 + heading.shift + (LANE_ROOM if shown else 0)
        height = max(height, top + len(probes) * (LEAST + between) - between + BOTTOM)
        room = Box(left, top, width - left - RIGHT, height - top - BOTTOM)
        each = (room.height + between) // len(probes) - between
        figure = new_figure(width, height)
        draw_heading(figure, heading)
        if shown:
            lane = Box(left, LANE_TOP + heading.shift, room.width, LANE_HEIGHT)
            draw_lane(figure, lane, shown, start, stop)
        colours = area_colours(area_names(probes))
        for i, (probe, clock) in enumerate(zip(probes, clocks, strict=True)):
            box = Box(left, top + i * (each + between), room.width, each)
            view = read_view(probe, start, stop, box.width, clock)
            axes = _draw_map(figure, box, probe, view, timeline, microvolts)
            axes.set_xlim(start, stop)
            _label(figure, axes, box, probe, timeline, colours)
            if i < len(probes) - 1:
                axes.tick_params(labelbottom=False)
                axes.set_xlabel("")
            _name_probe(axes, box, probe)
        draw_colour_bar(figure, room, HEAT_SHARE * microvolts)
        save(figure, overview)


def natural_order(name: str) -> list[tuple[int, str]]:
    """Key that sorts LFP2 before LFP10."""
    return [(int(part) if part.isdecimal() else -1, part) for part in re.split(r"([0-9]+)", name)]


def _clock_of(probe: OpenProbe) -> Clock:
    clock = probe.references.clock
    if not clock.valid:
        raise UserError(
            f"{probe.references.address}: no sample has a usable time; nothing can be drawn. "
            "Ask who wrote the file."
        )
    return clock


def _spans(table: Path | None, timeline: Timeline) -> list[Span]:
    """Intervals in axis time, as far as they lie in what is drawn."""
    start, stop = timeline.stretches[0].at, timeline.stretches[-1].end
    return [
        Span(*placed, one.name)
        for one in (read_intervals(table) if table else [])
        for placed in timeline.place(one.start, one.stop)
        if placed[0] <= stop and placed[1] >= start
    ]


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'s' * (n != 1)}"


def probe_caption(probe: OpenProbe, view: View, timeline: Timeline, every: int) -> list[str]:
    """Say in parts what a picture of one probe shows, and how it was drawn."""
    seconds = (view.t1 - view.t0) / view.n_columns
    parts = [*_facts(probe), f"drawn from {view.drawn_from}, {seconds:.3g} s a column"]
    parts += describe_breaks(timeline)
    gaps = sum(start < stop for start, stop in timeline.clock(probe.references.clock).gaps())
    gaps -= len(timeline.breaks)
    if gaps > 0:
        parts.append(f"{_count(gaps, 'gap')} in the clock")
    parts.append("traces about their medians")
    if every > 1:
        parts.append(f"a trace for every {every} channels")
    parts.append(MAP_CAPTION)
    if dead := int(probe.dead.sum()):
        parts.append(f"{_count(dead, 'dead channel')} in grey")
    if saturated := int(probe.saturated.sum()):
        parts.append(_count(saturated, "saturated channel"))
    if probe.damaged:
        parts.append(f"{_count(len(probe.damaged), 'damaged chunk')} hatched")
    return parts


def _facts(probe: OpenProbe) -> list[str]:
    clock = probe.references.clock
    duration = sum(s.stop - s.start for s in make_timeline([clock]).stretches)
    channels = _count(probe.references.n_channels, "channel")
    return [duration_text(duration), f"{1 / clock.dt:.6g} Hz", channels]


def _name_probe(axes: Axes, box: Box, probe: OpenProbe) -> None:
    """Name a probe above its map, and its most important doubt beside the name."""
    parts = [f"probe {probe.references.probe}", *_facts(probe)]
    title = depth_title(probe.references.channels)
    if text_width(title, 10) > box.height + 12:  # it does not fit beside the axis
        parts.append(title)
    n = len(probe.doubts)
    line = fit_text(" · ".join(parts), 10, box.width * (0.55 if n else 1))
    axes.set_title(line, loc="left", fontsize=10, pad=5)
    if n:
        x = text_width(line, 10) + 14
        more = f" · and {n - 1} more" if n > 1 else ""
        room = box.width - x - text_width(more, 10)
        doubt = fit_text(probe.doubts[0].text, 10, room) + more
        place = axes.transAxes
        y = 1 + 5 * 100 / 72 / box.height  # points above the map, as the title
        axes.text(x / box.width, y, doubt, fontsize=10, color=WARNING, transform=place)


def _draw_map(
    figure: Figure,
    box: Box,
    probe: OpenProbe,
    view: View,
    timeline: Timeline,
    microvolts: float,
    values: Array | None = None,
) -> Axes:
    volts = HEAT_SHARE * microvolts * 1e-6
    pixels = heat_picture(view, probe, box.height, volts=volts, values=values)
    return show_pixels(figure, box, HEAT_PALETTE[pixels], view, timeline)


def _label(
    figure: Figure,
    axes: Axes,
    box: Box,
    probe: OpenProbe,
    timeline: Timeline,
    colours: dict[str, str],
) -> None:
    channels = probe.references.channels
    rows = arrange_rows(channels)
    label_time(axes, timeline, box.width)
    label_rows(figure, axes, box, channels, rows, colours)
    hatch_damage(axes, box, probe, rows, timeline)


def _room_for_names(probes: Iterable[OpenProbe]) -> int:
    """Pixels that long names of areas take beyond those that are always there."""
    widest = max((text_width(name, 9.5) for name in area_names(probes)), default=0)
    return round(min(max(widest - (LEFT - AREAS - 12), 0), NAMES))


def _thumbnail(probe: OpenProbe, timeline: Timeline, microvolts: float) -> Figure:
    width, height = THUMBNAIL
    figure = new_figure(width, height)
    channels = probe.references.channels
    clock, rows = timeline.clock(probe.references.clock), arrange_rows(channels)
    box = Box(14, 0, width - 14, height - 18)
    view = read_view(probe, clock.t0, clock.t1, box.width, clock)
    _draw_map(figure, box, probe, view, timeline, microvolts).axis("off")
    areas = channels.columns.get("area")
    if areas is not None:
        runs, colours = area_runs_of_rows(rows, areas), area_colours(area_names([probe]))
        draw_areas(figure, Box(0, 0, 12, box.height), runs, rows.channels.size, colours)
    duration, _, _ = _facts(probe)
    text = f"{duration} · {rows.channels.size} ch"
    name = fit_text(probe.references.probe, 8, width - text_width(f" · {text}  !", 8) - 8)
    figure.text(0.01, 3 / height, f"{name} · {text}", fontsize=8, va="bottom")
    if probe.doubts:
        x, y = 1 - 5 / width, 1 / height
        figure.text(
            x, y, "!", ha="right", va="bottom", fontsize=11, fontweight="bold", color=WARNING
        )
    return figure
