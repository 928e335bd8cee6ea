"""Lanes below the panels: time axis, minimap of the whole recording with its health."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from bokeh.models import (
    BoxAnnotation,
    ColumnDataSource,
    CrosshairTool,
    Image,
    LinearColorMapper,
    Plot,
    Quad,
    Range1d,
    RangeTool,
    Text,
)

from lfpscope.clock.segments import Clock
from lfpscope.clock.timeline import Span, Timeline
from lfpscope.envelope.read import Probe
from lfpscope.render.heatmap import HEAT_SHARE, amplitude
from lfpscope.render.palettes import HEAT_COLOURS, HEAT_GAP, HEAT_PALETTE
from lfpscope.render.view import read_view
from lfpscope.viewer.models import Plots, hover_names
from lfpscope.viewer.picture import KEPT, axis_clock, palette
from lfpscope.viewer.style import (
    ACCENT,
    FONT,
    INK,
    STRIP,
    WRONG,
    borders,
)
from lfpscope.viewer.times import clock_axis, find_seams
from lfpscope.viewer.view_state import HEAT, State

ROW = 18  # pixels of a probe in the minimap
HEALTH = 0.28  # of a row
COLUMNS = 1000  # of the minimap's picture


def time_axis(plots: Plots, spans: ColumnDataSource, timeline: Timeline) -> Plot:
    """The one axis of all panels, with the names of intervals where there is room."""
    axis = clock_axis(timeline)
    plot = plots.plot(
        plots.time,
        Range1d(0, 1),
        plots.lane_tools,
        height=64 if axis.axis_label else 48,
        sizing_mode="stretch_width",
        **borders(STRIP + plots.left),
    )
    # no outline: it would cover what is a pixel wide
    look = {"fill_color": "colour", "fill_alpha": 0.5, "line_color": None}
    quads = plots.layer(plot, spans, Quad(left="start", right="stop", bottom=0, top=1, **look))
    font = {"text_font_size": FONT, "text_color": INK, "text_baseline": "middle"}
    plots.layer(plot, spans, Text(x="at", y=0.5, x_offset=3, text="label", **font))
    plot.add_tools(
        hover_names("@name", quads),
        CrosshairTool(overlay=plots.cursor),
    )
    plot.add_layout(axis, "below")
    plots.add_breaks(plot)
    return plot


def minimap(plots: Plots, probes: Sequence[Probe], whole: State) -> Plot:
    """The whole recording: amplitude of each probe over time, and its health in a line below.

    Parameters
    ----------
    plots : Plots
        Makes it; what their time shows is a box to be dragged.
    probes : sequence of Probe
        From the top down.
    whole : State
        Shows the whole recording.
    """
    n = len(probes)
    plot = plots.plot(
        Range1d(whole.start, whole.stop),
        Range1d(0, max(n, 1)),
        height=ROW * max(n, 1) + 10,
        sizing_mode="stretch_width",
        css_classes=["minimap"],
        **borders(STRIP + plots.left),
    )
    mapper = LinearColorMapper(palette=palette(HEAT), low=-0.5, high=len(HEAT_PALETTE) - 0.5)
    lines: dict[str, list[Any]] = {"image": [], "x": [], "dw": [], "y": []}
    troubles = []
    for row, probe in enumerate(probes):
        bottom = n - 1 - row
        pixels, t0, t1 = heat_line(probe, whole)
        for column, value in zip(
            lines.values(), (pixels, t0, t1 - t0, bottom + HEALTH), strict=True
        ):
            column.append(value)
        troubles += [(trouble, bottom) for trouble in find_troubles(probe, whole.timeline)]
    place = {"x": "x", "dw": "dw", "y": "y", "dh": 0.95 - HEALTH}
    plots.layer(plot, plots.source(lines), Image(image="image", color_mapper=mapper, **place))
    health = plots.source(
        {
            "start": [trouble.start for trouble, _ in troubles],
            "stop": [trouble.stop for trouble, _ in troubles],
            "what": [trouble.what for trouble, _ in troubles],
            "bottom": [bottom for _, bottom in troubles],
            "top": [bottom + HEALTH for _, bottom in troubles],
        },
        name="health",
    )
    edges = {"left": "start", "right": "stop", "bottom": "bottom", "top": "top"}
    look = {"fill_color": WRONG, "line_color": WRONG, "line_width": 2}
    bars = plots.layer(plot, health, Quad(**edges, **look))
    plot.add_tools(hover_names("@what", bars))
    plots.add_breaks(plot)
    box = BoxAnnotation(
        fill_color=ACCENT, fill_alpha=0.12, line_color=ACCENT, line_alpha=1, line_width=2
    )
    plot.add_tools(RangeTool(x_range=plots.time, overlay=box))
    return plot


@lru_cache(KEPT)  # the same for every page
def heat_line(probe: Probe, whole: State) -> tuple[npt.NDArray[np.uint8], float, float]:
    """Amplitude of a probe over time as one line of pixels: the mean over channels that live."""
    clock = axis_clock(probe, whole.timeline)
    view = read_view(probe, whole.start, whole.stop, COLUMNS, clock)
    volts = HEAT_SHARE * whole.microvolts * 1e-6
    # each counts for the brightest colour at most: a few wild channels do not outshine the rest
    shares = np.clip(amplitude(view, probe)[~probe.dead] / volts, 0, 1)
    known = np.isfinite(shares)
    mean = np.where(known, shares, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    colours = (mean * (len(HEAT_COLOURS) - 1)).round().astype(np.uint8)
    colours[~known.any(axis=0)] = HEAT_GAP
    return colours[np.newaxis], view.t0, view.t1


@dataclass(frozen=True)
class Trouble:
    """A stretch of a probe, in axis time, that is not as it should be."""

    start: float
    stop: float
    what: str


def find_troubles(probe: Probe, timeline: Timeline) -> list[Trouble]:
    """Gaps, clock resets, stretches without a time, and damaged chunks of a probe, in words."""
    name, clock = probe.references.probe, axis_clock(probe, timeline)
    seams = find_seams(probe.references.clock, drawn_by=clock)
    troubles = [_gap(name, *pair) for pair in seams]
    samples = sum(s.n_samples for s in clock.segments if not s.valid)
    if samples:
        text = f"{name}: {samples} samples have no usable time and are not shown"
        troubles.append(Trouble(clock.t0, clock.t0, text))
    height = probe.references.layout.chunks[0]
    rows: dict[int, list[str]] = {}
    for damage in probe.damaged:
        rows.setdefault(damage.row, []).append(damage.reason)
    for row, reasons in sorted(rows.items()):
        text = f"{name}: damaged chunks: {len(reasons)} ({reasons[0]})"
        troubles.append(Trouble(*_stretch(clock, row * height, (row + 1) * height), text))
    return troubles


def _stretch(clock: Clock, first: int, stop: int) -> tuple[float, float]:
    """Times of samples first to stop; where none of them has one, the recording's start."""
    parts = [(max(first, one.first_sample), min(stop, one.stop_sample)) for one in clock.valid]
    known = [clock.seconds(i) for begin, end in parts if begin < end for i in (begin, end - 1)]
    return min(known, default=clock.t0), max(known, default=clock.t0)


def _gap(name: str, gap: Span, drawn: Span) -> Trouble:
    """Name a gap, or a clock reset; what is drawn of it lies in axis time."""
    start, stop = gap
    if stop < start:
        text = f"{name}: clock reset: the clock is set back by {start - stop:.3f} s"
    else:
        text = f"{name}: gap of {stop - start:.3f} s in the clock"
    return Trouble(min(drawn), max(drawn), text)
