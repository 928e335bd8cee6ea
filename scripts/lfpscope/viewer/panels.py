"""Bokeh models of one probe: traces, depth axis, strip of brain areas, heading."""

import html
import math
from typing import Any

import numpy as np
from bokeh.core.property.descriptors import UnsetValueError
from bokeh.models import (
    AdaptiveTicker,
    BoxAnnotation,
    Column,
    ColumnDataSource,
    CompositeTicker,
    CustomJSTickFormatter,
    Div,
    FixedTicker,
    HoverTool,
    Label,
    LinearColorMapper,
    Range1d,
    Row,
    Tool,
    WheelZoomTool,
)
from bokeh.plotting import figure

from lfpscope.drawing import NO_AREA, area_colour, area_runs, depth_order
from lfpscope.envelope import Probe
from lfpscope.files import UserError
from lfpscope.viewer.render import BAR, Picture, palette

FONT = "13px"
INK, FAINT = "#222222", "#8a8a8a"
STRIP = 92  # pixels, with the areas' names
LEFT, RIGHT = 72, 20  # pixels beside the frame for the depth axis and the last time
HEADING = """
:host { display: block !important; }
.bk-clearfix { width: 100%; }
.heading { display: flex; justify-content: space-between; gap: 2em; white-space: nowrap; }
.badge { color: #6a6a6a; }
.wrong { color: #9c2a10; white-space: normal; }
"""
LINE = 14  # pixels of a line of text


class Panel:
    """One probe on the page.

    Parameters
    ----------
    probe : Probe
        Open.
    x_range : Range1d
        Session time; shared by all panels.
    tools : list of Tool
        Shared by all panels.

    Attributes
    ----------
    figure : figure
        Of the traces.
    layout : Column
        To be put on the page.
    """

    def __init__(self, probe: Probe, x_range: Range1d, tools: list[Tool]) -> None:
        self._name = probe.references.probe
        self._facts = probe_facts(probe)
        channels = probe.references.channels
        order = depth_order(channels)
        self._n = order.size
        depth, areas = channels.columns.get("depth"), channels.columns.get("area")
        self._depth = None if depth is None else depth[order]
        self._ids = channels.id[order]
        self._areas = None if areas is None else areas[order]
        empty: dict[str, list[Any]] = {"image": [], "x": [], "dw": []}
        self._picture = ColumnDataSource(empty, name=f"picture {self._name}")
        self._labels = ColumnDataSource({"y": [], "text": []})
        rows = Range1d(0, self._n)
        self.heading = Div(
            sizing_mode="stretch_width", height=20, margin=(2, 0, 0, 0), stylesheets=[HEADING]
        )
        self.figure = self._traces(x_range, rows, tools)
        self.layout = Column(
            self.heading,
            Row(self._strip(rows), self.figure, sizing_mode="stretch_both", margin=0),
            sizing_mode="stretch_both",
            margin=0,
            min_height=170,
        )
        self._head("")

    def _traces(self, x_range: Range1d, rows: Range1d, tools: list[Tool]) -> figure:
        plot = figure(
            x_range=x_range,
            y_range=rows,
            tools=tools,
            toolbar_location=None,
            sizing_mode="stretch_both",
            css_classes=["traces"],
            **_borders(left=LEFT),
        )
        mapper = LinearColorMapper(palette=palette(), low=-0.5, high=len(palette()) - 0.5)
        plot.image(
            "image",
            x="x",
            y=0,
            dw="dw",
            dh=self._n,
            origin="top_left",
            color_mapper=mapper,
            source=self._picture,
        )
        plot.toolbar.active_scroll = next(t for t in tools if isinstance(t, WheelZoomTool))
        plot.grid.visible = False
        plot.xaxis.visible = False
        plot.yaxis.axis_label = "channel" if self._depth is None else "µm from the tip"
        quiet_axis(plot.yaxis)
        self._bar = BoxAnnotation(
            left=8,
            right=10,
            bottom=8,
            top=8 + BAR,
            left_units="screen",
            right_units="screen",
            bottom_units="screen",
            top_units="screen",
            fill_color=INK,
            fill_alpha=1.0,
            line_color=None,
        )
        self._bar_label = Label(
            x=15,
            y=8 + BAR / 2,
            x_units="screen",
            y_units="screen",
            text_font_size=FONT,
            text_baseline="middle",
            text_color=INK,
            background_fill_color="white",
            background_fill_alpha=0.85,
        )
        plot.add_layout(self._bar)
        plot.add_layout(self._bar_label)
        return plot

    def _strip(self, rows: Range1d) -> figure:
        """Brain areas at the side: colours, names where there is room, and all on hover."""
        plot = figure(
            x_range=Range1d(0, 1),
            y_range=rows,
            tools=[],
            toolbar_location=None,
            width=STRIP,
            sizing_mode="stretch_height",
            **_borders(left=0, right=0),
        )
        plot.axis.visible = False
        plot.grid.visible = False
        runs = [run for run in self._runs() if run[0].lower() not in NO_AREA]
        areas = ColumnDataSource(
            {
                "area": [html.escape(name) for name, _, _ in runs],
                "top": [self._n - first for _, first, _ in runs],
                "bottom": [self._n - stop for _, _, stop in runs],
                "colour": [area_colour(name) for name, _, _ in runs],
            }
        )
        quads = plot.quad(
            left=0.84,
            right=1,
            top="top",
            bottom="bottom",
            fill_color="colour",
            line_color="white",
            source=areas,
        )
        plot.text(
            x=0.78,
            y="y",
            text="text",
            text_align="right",
            text_baseline="middle",
            text_font_size=FONT,
            text_color=INK,
            source=self._labels,
        )
        plot.add_tools(HoverTool(renderers=[quads], tooltips="@area{safe}", visible=False))
        return plot

    def _runs(self) -> list[tuple[str, int, int]]:
        return [] if self._areas is None else list(area_runs(self._areas))

    def fit(self) -> None:
        """Choose ticks and names that the panel's present height has room for."""
        height = max(1, self.size[1])
        rows, labels = channel_ticks(self._depth, self._ids, height)
        places = [self._n - row - 0.5 for row in rows]
        self.figure.yaxis.ticker = FixedTicker(ticks=places)
        self.figure.yaxis.major_label_overrides = dict(zip(places, labels, strict=True))
        self._labels.data = area_labels(self._runs(), self._n, height)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture, pixels; zero before the browser has laid it out."""
        try:
            return self.figure.inner_width, self.figure.inner_height
        except UnsetValueError:
            return 0, 0

    def show(self, picture: Picture | UserError, microvolts: float) -> None:
        """Put a picture on the page, or the reason why there is none."""
        if isinstance(picture, UserError):
            self._picture.data = {"image": [], "x": [], "dw": []}
            self._head(f'<span class="wrong">{html.escape(str(picture))}</span>')
            return
        self._picture.data = {
            "image": [picture.pixels],
            "x": [picture.t0],
            "dw": [picture.t1 - picture.t0],
        }
        self._bar_label.text = f" {microvolts:g} µV "
        self._head(f"{picture.drawn_from} · {picture.seconds * 1e3:.0f} ms")

    def _head(self, badge: str) -> None:
        name = html.escape(self._name)
        self.heading.text = (
            f'<div class="heading"><span><b>{name}</b> {self._facts}</span>'
            f'<span class="badge">{badge}</span></div>'
        )


def error_panel(name: str, error: UserError) -> Div:
    """In place of a probe that cannot be opened."""
    text = f'<b>{html.escape(name)}</b> <span class="wrong">{html.escape(str(error))}</span>'
    return Div(text=text, sizing_mode="stretch_width", margin=0, stylesheets=[HEADING])


CLOCK_LABEL = """
const step = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : 1
const decimals = Math.min(6, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)))
const whole = Math.round(Math.abs(tick) * 10 ** decimals)
const minutes = Math.floor(whole / (60 * 10 ** decimals))
const seconds = ((whole - minutes * 60 * 10 ** decimals) / 10 ** decimals).toFixed(decimals)
return (tick < 0 ? "−" : "") + minutes + ":" + seconds.padStart(decimals ? decimals + 3 : 2, "0")
"""


def time_axis(x_range: Range1d, tools: list[Tool]) -> figure:
    """The one axis of all panels: session time in minutes and seconds."""
    plot = figure(
        x_range=x_range,
        y_range=Range1d(0, 1),
        tools=tools,
        toolbar_location=None,
        height=34,
        sizing_mode="stretch_width",
        **_borders(left=STRIP + LEFT),
    )
    plot.grid.visible = plot.yaxis.visible = False
    seconds = AdaptiveTicker(base=10, mantissas=[1, 2, 5], min_interval=0, max_interval=5)
    minutes = AdaptiveTicker(
        base=60, mantissas=[1, 2, 5, 10, 15, 30], min_interval=10, max_interval=3600
    )
    plot.xaxis.ticker = CompositeTicker(tickers=[seconds, minutes])
    plot.xaxis.formatter = CustomJSTickFormatter(code=CLOCK_LABEL)
    quiet_axis(plot.xaxis)
    return plot


def probe_facts(probe: Probe) -> str:
    """Channels, rate, and what is not as it should be."""
    references = probe.references
    facts = [f"{references.n_channels} channels", f"{1 / references.clock.dt:.6g} Hz"]
    counts = {
        "dead": int(probe.dead.sum()),
        "saturated": int(probe.saturated.sum()),
        "gaps in the clock": len(references.clock.gaps()),
    }
    facts += [f"{count} {what}" for what, count in counts.items() if count]
    return " · ".join(facts)


def quiet_axis(axis: Any) -> None:
    """Make an axis legible and calm."""
    axis.major_label_text_font_size = FONT
    axis.major_label_text_color = INK
    axis.axis_label_text_font_size = FONT
    axis.axis_label_text_font_style = "normal"
    axis.axis_label_text_color = FAINT
    axis.axis_line_color = axis.major_tick_line_color = "#cccccc"
    axis.minor_tick_line_color = None


def _borders(left: int, right: int = RIGHT) -> dict[str, Any]:
    """Fixed, so that all frames lie below one another, and the strip beside its traces."""
    return {
        "min_border_left": left,
        "min_border_right": right,
        "min_border_top": 2,
        "min_border_bottom": 6,
        "outline_line_color": "#cccccc",
    }


def channel_ticks(depth: Any, ids: Any, height: int) -> tuple[list[int], list[str]]:
    """Rows from the top to be labelled with depth, or with ids where depths are not known.

    Parameters
    ----------
    depth : ndarray or None
        Of each row, µm.
    ids : ndarray
        Of each row.
    height : int
        Pixels.
    """
    most = max(2, height // 45)
    if depth is None or not np.isfinite(depth).any():
        every = math.ceil(ids.size / most)
        return list(range(0, ids.size, every)), [str(i) for i in ids[::every]]
    low, high = float(np.nanmin(depth)), float(np.nanmax(depth))
    step = _round_step((high - low) / most)
    wanted = np.arange(math.ceil(low / step), math.floor(high / step) + 1) * step
    rows = [int(np.nanargmin(np.abs(depth - one))) for one in wanted]
    return rows, [f"{one:g}" for one in wanted]


def _round_step(least: float) -> float:
    if least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least)


def area_labels(runs: list[tuple[str, int, int]], n: int, height: int) -> dict[str, list[Any]]:
    """Names of areas, from the top down, where they do not run into one another."""
    places, names = [], []
    last = -math.inf
    for name, first, stop in runs:
        middle = (first + stop) / 2
        pixel = middle / n * height
        if name.lower() not in NO_AREA and pixel - last >= LINE:
            places.append(n - middle)
            names.append(name)
            last = pixel
    return {"y": places, "text": names}
