"""The complete recording below the panels: amplitude of each probe, and its issues."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from bokeh.events import Pan, PanStart, Tap
from bokeh.models import (
    BoxAnnotation,
    CustomJS,
    FixedTicker,
    Image,
    LinearAxis,
    LinearColorMapper,
    Plot,
    Quad,
    Range1d,
)

from lfpscope.envelope.read import OpenProbe
from lfpscope.render.heatmap import HEAT_SHARE, amplitude
from lfpscope.render.palettes import HEAT_COLOURS, HEAT_GAP, HEAT_PALETTE
from lfpscope.render.ticks import shorten
from lfpscope.render.view import read_view
from lfpscope.viewer.auto_gain import suitable_gain
from lfpscope.viewer.issues import Issue, find_issues
from lfpscope.viewer.mode_colours import palette
from lfpscope.viewer.models import Plots, hover_names
from lfpscope.viewer.picture import KEPT
from lfpscope.viewer.shown_probe import axis_clock
from lfpscope.viewer.style import ACCENT, STRIP, WRONG, borders, quiet_axis
from lfpscope.viewer.view_state import HEAT, State

ROW, LOW_ROW, MANY = 18, 14, 4  # pixels of a probe, and from how many on they are lower
ISSUES = 0.28  # of a row
COLUMNS = 1000  # of the minimap's picture
MAX_LETTERS = 18  # of a row's name
FOLLOW = Path(__file__).with_name("minimap.js").read_text("utf-8")


def minimap(plots: Plots, probes: Sequence[OpenProbe], whole: State) -> Plot:
    """The whole recording: amplitude of each probe over time, and its issues in a line below.

    Parameters
    ----------
    plots : Plots
        Makes it; what their time shows is a box to be dragged.
    probes : sequence of OpenProbe
        From the top down.
    whole : State
        Shows the whole recording.
    """
    n = len(probes)
    plot = plots.plot(
        Range1d(whole.start, whole.stop),
        Range1d(0, max(n, 1)),
        height=(ROW if n < MANY else LOW_ROW) * max(n, 1) + 10,
        sizing_mode="stretch_width",
        css_classes=["minimap", "moves"],
        **borders(STRIP + plots.left),
    )
    mapper = LinearColorMapper(palette=palette(HEAT), low=-0.5, high=len(HEAT_PALETTE) - 0.5)
    lines: dict[str, list[Any]] = {"image": [], "x": [], "dw": [], "y": []}
    issues: list[tuple[Issue, int]] = []
    for row, probe in enumerate(probes):
        bottom = n - 1 - row
        pixels, t0, t1 = heat_line(probe, whole)
        for column, value in zip(
            lines.values(), (pixels, t0, t1 - t0, bottom + ISSUES), strict=True
        ):
            column.append(value)
        issues += [(issue, bottom) for issue in find_issues(probe, whole.timeline)]
    place = {"x": "x", "dw": "dw", "y": "y", "dh": 0.95 - ISSUES}
    plots.layer(plot, plots.source(lines), Image(image="image", color_mapper=mapper, **place))
    columns = plots.source(
        {
            "start": [issue.start for issue, _ in issues],
            "stop": [issue.stop for issue, _ in issues],
            "what": [issue.what for issue, _ in issues],
            "bottom": [bottom for _, bottom in issues],
            "top": [bottom + ISSUES for _, bottom in issues],
        },
        name="health",
    )
    edges = {"left": "start", "right": "stop", "bottom": "bottom", "top": "top"}
    look = {"fill_color": WRONG, "line_color": WRONG, "line_width": 2}
    bars = plots.layer(plot, columns, Quad(**edges, **look))
    plot.add_tools(hover_names("@what", bars))
    plots.add_breaks(plot)
    look = {"fill_color": ACCENT, "fill_alpha": 0.12, "line_color": ACCENT, "line_alpha": 1}
    box = BoxAnnotation(name="minimap box", line_width=2, **look)
    for edge, end in (("left", "start"), ("right", "end")):
        plots.time.js_link(end, box, edge)  # the mouse does not wait for the server
    plot.add_layout(box)
    script = CustomJS(args={"time": plots.time, "range": plot.x_range, "plot": plot}, code=FOLLOW)
    plot.js_on_event(Tap, script)
    plot.js_on_event(PanStart, script)
    plot.js_on_event(Pan, script)
    plot.add_layout(_names(probes), "left")
    return plot


def _names(probes: Sequence[OpenProbe]) -> LinearAxis:
    """Names of the rows."""
    n = len(probes)
    places = [n - 1 - row + ISSUES + (0.95 - ISSUES) / 2 for row in range(n)]
    names = (shorten(probe.references.probe, MAX_LETTERS) for probe in probes)
    axis = LinearAxis(
        ticker=FixedTicker(ticks=places),
        major_label_overrides=dict(zip(places, names, strict=True)),
        major_tick_line_color=None,
    )
    quiet_axis(axis)
    axis.axis_line_color = None
    return axis


@lru_cache(KEPT)  # the same for every page
def heat_line(probe: OpenProbe, whole: State) -> tuple[npt.NDArray[np.uint8], float, float]:
    """Amplitude of a probe over time as one line of pixels: the mean over channels that live."""
    if not probe.is_summarised:
        return np.full((1, 1), HEAT_GAP, np.uint8), whole.start, whole.stop
    clock = axis_clock(probe, whole.timeline)
    view = read_view(probe, whole.start, whole.stop, COLUMNS, clock)
    # each counts for the brightest colour at most: a few wild channels do not outshine the rest
    values = amplitude(view, probe)[~probe.dead]
    volts = HEAT_SHARE * suitable_gain(values * 1e6, HEAT, 1) * 1e-6
    shares = np.clip(values / volts, 0, 1)
    known = np.isfinite(shares)
    mean = np.where(known, shares, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    colours = (mean * (len(HEAT_COLOURS) - 1)).round().astype(np.uint8)
    colours[~known.any(axis=0)] = HEAT_GAP
    return colours[np.newaxis], view.t0, view.t1
