"""Bokeh models of one probe: heading, strip of brain areas, depth axis, picture, overlays."""

import html
from typing import Any

import numpy as np
from bokeh.core.property.descriptors import UnsetValueError
from bokeh.models import (
    BoxAnnotation,
    Column,
    ColumnDataSource,
    CrosshairTool,
    Div,
    FixedTicker,
    HSpan,
    Image,
    Label,
    LinearAxis,
    LinearColorMapper,
    Plot,
    Quad,
    RadioButtonGroup,
    Range1d,
    Row,
    Scatter,
    Segment,
    Span,
    Text,
    WheelZoomTool,
)
from bokeh.models.dom import HTML

from lfpscope.clock.timeline import Timeline
from lfpscope.doubts import sort_doubts
from lfpscope.envelope.read import Probe
from lfpscope.errors import UserError
from lfpscope.formatting import voltage_text
from lfpscope.nwb.electrodes import Channels
from lfpscope.nwb.intervals import Interval
from lfpscope.render.heatmap import HEAT_SHARE
from lfpscope.render.rows import Rows, arrange_rows
from lfpscope.render.ticks import LINE, shorten
from lfpscope.viewer.labels import (
    area_bands,
    area_labels,
    area_runs,
    block_edges,
    block_names,
    channel_marks,
    has_depth,
    row_ticks,
)
from lfpscope.viewer.models import Plots, hover_names
from lfpscope.viewer.picture import (
    BAR,
    Picture,
    bad_channels,
    chosen_rows,
    leaves_none,
    palette,
)
from lfpscope.viewer.style import (
    ACCENT,
    CONTROL,
    FONT,
    HEADING,
    INK,
    STRIP,
    WRONG,
    borders,
    quiet_axis,
    text_line,
)
from lfpscope.viewer.times import find_seams
from lfpscope.viewer.view_state import HEAT, TRACES, State

LETTER = 7.5  # pixels, about
LEAST, AROUND = 108, 40  # pixels: height of a panel, and what of it is not the picture
NONE_CHOSEN = " · none of the channels chosen: all are shown"


class Panel:
    """One probe on the page.

    Parameters
    ----------
    probe : Probe
        Open.
    plots : Plots
        Makes its plots.
    spans : ColumnDataSource
        Intervals to be shaded: start, stop, name, colour, low, shade.
    colours : dict of str to str
        Of all brain areas on the page.
    likely : (int, int)
        Width and height that its picture will probably have; zero if that is not known.

    Attributes
    ----------
    figure : Plot
        Of the picture.
    layout : Column
        To be put on the page.
    mode : RadioButtonGroup
        Traces or heat map.
    shown : Picture or None
        What is on the page now.
    """

    def __init__(
        self,
        probe: Probe,
        plots: Plots,
        spans: ColumnDataSource,
        colours: dict[str, str],
        likely: tuple[int, int] = (0, 0),
    ) -> None:
        self.probe = probe
        self.shown: Picture | None = None
        self._likely, self._colours = likely, colours
        self._name = probe.references.probe
        self._doubts = doubts_html(probe)
        self._facts = self._badge = ""
        self._rows = Rows(np.empty(0, np.int64), ())
        self._fitted: tuple[Any, ...] = ()
        self._picture = plots.source(no_picture(), name=f"picture {self._name}")
        self._labels = plots.source({"y": [], "text": []})
        self._areas = plots.source({"area": [], "top": [], "bottom": [], "colour": []})
        self._marks = plots.source(
            {"y": [], "marker": [], "what": []}, name=f"channel marks {self._name}"
        )
        self._edges = plots.source({"y": []}, name=f"block edges {self._name}")
        self._blocks = plots.source({"y": [], "text": []}, name=f"blocks {self._name}")
        self._boxes = plots.source(no_boxes(), name=f"boxes {self._name}")
        self._heading = HTML("")
        self.mode = RadioButtonGroup(
            labels=["traces", "heat map"], active=0, width=150, margin=0, stylesheets=[CONTROL]
        )
        heights = Range1d(0, 1)
        self.figure = self._traces(plots, heights, spans)
        self.layout = Column(
            Row(
                text_line(self._heading, margin=(3, 12, 0, 0)),
                self.mode,
                sizing_mode="stretch_width",
                margin=(4, 20, 2, 0),
            ),
            Row(self._strip(plots, heights), self.figure, sizing_mode="stretch_both", margin=0),
            sizing_mode="stretch_both",
            margin=0,
            min_height=LEAST,
        )
        self._head()

    def _traces(self, plots: Plots, heights: Range1d, spans: ColumnDataSource) -> Plot:
        plot = plots.plot(
            plots.time,
            heights,
            plots.tools,
            sizing_mode="stretch_both",
            css_classes=["traces"],
            name="traces",
            **borders(plots.left),
        )
        plot.toolbar.active_scroll = next(t for t in plots.tools if isinstance(t, WheelZoomTool))
        # one for good: a page counts all its models anew whenever it gets another
        self._ticker = FixedTicker()
        self._axis = LinearAxis(ticker=self._ticker)
        quiet_axis(self._axis)
        plot.add_layout(self._axis, "left")
        # the indices are whole numbers; bounds between them leave no doubt about rounding
        mapper = LinearColorMapper(palette=palette(TRACES), low=-0.5)
        mapper.high = len(mapper.palette) - 0.5
        self._mapper = mapper
        place = {"x": "x", "y": 0, "dw": "dw", "dh": 1, "origin": "top_left"}
        plots.layer(plot, self._picture, Image(image="image", color_mapper=mapper, **place))
        across = Quad(
            left="start", right="stop", bottom=0, top=1, fill_color="colour", line_color=None
        )
        across.fill_alpha = "shade"
        shaded = plots.layer(plot, spans, across)
        self._shaded = shaded
        onset = Segment(x0="start", x1="start", y0="low", y1=1, line_color="colour", line_alpha=0.6)
        plots.layer(plot, spans, onset)
        if len(arrange_rows(self.probe.references.channels).blocks) > 1:
            self._add_blocks(plots, plot)
        plots.add_breaks(plot)
        box = {"left": "start", "right": "stop", "top": "top", "bottom": "bottom"}
        line = {"fill_alpha": 0, "line_color": ACCENT, "line_width": 2}
        outlines = plots.layer(plot, self._boxes, Quad(**box, **line))
        self._scale = ScaleBar(plot)
        plot.add_tools(
            hover_names("@name", outlines, shaded),
            CrosshairTool(overlay=[plots.cursor, Span(dimension="width", line_color=ACCENT)]),
        )
        return plot

    def _add_blocks(self, plots: Plots, plot: Plot) -> None:
        """Lines between shanks or groups, with their names at the right."""
        plots.layer(plot, self._edges, HSpan(y="y", line_color=INK))
        look = {"text_font_size": FONT, "text_color": INK, "text_baseline": "top"}
        place = {"x": 1, "y": "y", "text_align": "right", "x_offset": -6, "y_offset": 4}
        white = {"background_fill_color": "white", "background_fill_alpha": 0.85, "padding": 2}
        names = plots.layer(plot, self._blocks, Text(text="text", **look, **place, **white))
        names.coordinates = plots.window(plot)

    def _strip(self, plots: Plots, heights: Range1d) -> Plot:
        """Brain areas at the side, named where there is room and on hover; beside them, marks."""
        plot = plots.plot(
            Range1d(0, 1),
            heights,
            width=STRIP,
            sizing_mode="stretch_height",
            **borders(left=0, right=0) | {"outline_line_color": None},
        )
        band = {"left": 0.74, "right": 0.87, "top": "top", "bottom": "bottom"}
        quads = plots.layer(
            plot, self._areas, Quad(fill_color="colour", line_color="white", **band)
        )
        align = {"text_align": "right", "text_baseline": "middle"}
        font = {"text_font_size": FONT, "text_color": INK}
        plots.layer(plot, self._labels, Text(x=0.7, y="y", text="text", **align, **font))
        look = {"line_color": WRONG, "line_width": 2, "fill_color": "white"}
        marks = plots.layer(
            plot, self._marks, Scatter(x=0.94, y="y", marker="marker", size=8, **look)
        )
        plot.add_tools(
            hover_names("@area", quads),
            hover_names("@what", marks),
        )
        return plot

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture, pixels; the likely ones before the browser tells."""
        return self._size or self._likely

    @property
    def complete(self) -> bool:
        """Whether the browser has laid it out and its picture is there."""
        return bool(self._size and self._picture.data["image"])

    @property
    def _size(self) -> tuple[int, int] | None:
        try:
            return self.figure.inner_width, self.figure.inner_height
        except UnsetValueError:
            return None

    def fit(self, state: State) -> None:
        """Choose ticks and names for the channels shown, as many as there is room for."""
        rows, size = chosen_rows(self.probe, state), self.size
        channels, references = rows.channels, self.probe.references
        bad = bad_channels(self.probe, state)
        self._facts = probe_facts(self.probe, channels.size, int(bad.sum()))
        self._facts += NONE_CHOSEN if leaves_none(self.probe, state) else ""
        self._head()
        self.layout.min_height = max(LEAST, channels.size * state.spacing + AROUND)
        fitted = (size, channels.tolist(), bad.tolist())
        if fitted == self._fitted:
            return
        self._fitted, self._rows = fitted, rows
        ticks = row_ticks(references.channels, rows, size[1])
        axis = self._axis
        self._ticker.ticks = ticks.places
        axis.major_label_overrides = dict(zip(ticks.places, ticks.labels, strict=True))
        axis.axis_label = axis_label(references.channels, size[1])
        runs = area_runs(references.channels, rows)
        marked = (self.probe.dead, self.probe.saturated, bad)
        ids = references.channels.id[channels]
        self._marks.data = channel_marks(ids, *(one[channels] for one in marked))
        self._areas.data = area_bands(runs, channels.size, self._colours)
        self._labels.data = area_labels(runs, channels.size, size[1])
        self._edges.data = {"y": block_edges(rows)}
        self._blocks.data = block_names(rows)

    def show(self, picture: Picture | UserError, state: State) -> None:
        """Put a picture of a state on the page, or the reason why there is none."""
        if isinstance(picture, UserError):
            self.shown = None
            self._picture.data = no_picture()
            self._badge = f'<span class="wrong">{html.escape(str(picture))}</span>'
            self._head()
            return
        self.shown = picture
        if self._mapper.palette != palette(picture.mode):
            self._mapper.update(
                palette=palette(picture.mode), high=len(palette(picture.mode)) - 0.5
            )
        self._picture.data = {
            "image": [picture.pixels],
            "x": [picture.t0],
            "dw": [picture.t1 - picture.t0],
        }
        self._picture.tags = [state.to_query()] if picture.final else []
        self._scale.show(picture.mode, state.microvolts)
        # a shade over colours that mean something would change them: onsets are enough
        self._shaded.glyph.fill_alpha = "shade" if picture.mode == TRACES else 0
        self._badge = picture.badge()
        self._head()

    def channels_between(self, low: float, high: float) -> list[int]:
        """Electrode ids between two heights of the panel, 0 at the bottom and 1 at the top."""
        channels = self._rows.channels
        n = channels.size
        first, last = (min(max(int((1 - height) * n), 0), n - 1) for height in (high, low))
        ids = self.probe.references.channels.id[channels[first : last + 1]]
        return [int(one) for one in ids]

    def outline(self, marked: list[tuple[Interval, set[int]]], timeline: Timeline) -> None:
        """Draw boxes around what was marked on some channels, as far as these are shown."""
        ids = self.probe.references.channels.id[self._rows.channels].tolist()
        columns = no_boxes()
        for one, channels in marked:
            rows = [row for row, channel in enumerate(ids) if channel in channels]
            for start, stop in timeline.place(one.start, one.stop) if rows else ():
                edges = 1 - rows[0] / len(ids), 1 - (rows[-1] + 1) / len(ids)
                box = (start, stop, one.name, *edges)
                for column, value in zip(columns.values(), box, strict=True):
                    column.append(value)
        send(self._boxes, columns)

    def _head(self) -> None:
        name = html.escape(self._name)
        text = (
            f'<div class="heading"><span class="facts"><b>{name}</b>{self._doubts}'
            f'<span>· {self._facts}</span></span><span class="badge">{self._badge}</span></div>'
        )
        if self._heading.html != text:
            self._heading.html = text


def send(source: ColumnDataSource, columns: dict[str, list[Any]]) -> None:
    """Give a source its columns, unless the page has them already."""
    if source.data != columns:
        source.data = columns


def no_boxes() -> dict[str, list[Any]]:
    """Columns of the boxes around marked channels."""
    return {"start": [], "stop": [], "name": [], "top": [], "bottom": []}


def no_picture() -> dict[str, list[Any]]:
    """In place of a picture."""
    return {"image": [], "x": [], "dw": []}


class ScaleBar:
    """The bar in the lower left corner and its label; for heat maps the label alone."""

    def __init__(self, plot: Plot) -> None:
        edges = {"left": 8, "right": 10, "bottom": 8, "top": 8 + BAR}
        units = {f"{edge}_units": "screen" for edge in edges}
        self._bar = BoxAnnotation(**edges, **units, fill_color=INK, fill_alpha=1, line_color=None)
        self._label = Label(
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
        plot.add_layout(self._label)

    def show(self, mode: str, microvolts: float) -> None:
        """Say what the bar stands for, or what the brightest colour does."""
        self._bar.visible = mode == TRACES
        text = voltage_text(microvolts)
        if mode == HEAT:
            text = heat_scale(microvolts)
        self._label.update(text=f" {text} ", y=8 + (BAR / 2 if mode == TRACES else LINE / 2))


def heat_scale(microvolts: float) -> str:
    """What the colours of a heat map mean, in words."""
    return f"amplitude (RMS), brightest at {voltage_text(HEAT_SHARE * microvolts)}"


def error_panel(name: str, error: UserError) -> Div:
    """In place of a probe that is not open."""
    panel = Div(sizing_mode="stretch_width", margin=(4, 0), stylesheets=[HEADING])
    show_error(panel, name, error)
    return panel


def show_error(panel: Div, name: str, error: UserError) -> None:
    """Say why a probe is not open."""
    text = f'<b>{html.escape(name)}</b> · <span class="wrong">{html.escape(str(error))}</span>'
    if panel.text != text:
        panel.text = text


def first_doubt(probe: Probe) -> str:
    """The most important doubt about a recording, and how many more there are; empty if none."""
    doubts = sort_doubts(probe.doubts)
    more = f" (+ {len(doubts) - 1} more)" if len(doubts) > 1 else ""
    return f"! {doubts[0].text}{more}" if doubts else ""


def doubts_html(probe: Probe) -> str:
    """The most important doubt about a recording, and all of them on hover."""
    first = html.escape(first_doubt(probe))
    if not first:
        return ""
    everything = html.escape("\n".join(one.text for one in sort_doubts(probe.doubts)))
    everything = everything.replace("\n", "&#10;")
    return f'<span class="wrong doubt" title="{everything}">{first}</span>'


def count_channels(n: int, n_shown: int) -> str:
    """How many channels there are, and are shown."""
    return f"{n} channels" if n_shown == n else f"{n_shown} of {n} channels"


def probe_facts(probe: Probe, n_shown: int, n_bad: int) -> str:
    """Channels, rate, and what is not as it should be."""
    references = probe.references
    facts = [count_channels(references.n_channels, n_shown), f"{1 / references.clock.dt:.6g} Hz"]
    clock = references.clock
    found = [stop - start for (start, stop), _ in find_seams(clock, drawn_by=clock)]
    resets = sum(seconds < 0 for seconds in found)
    troubles = [
        (int(probe.dead.sum()), "dead (×)", "dead (×)"),
        (int(probe.saturated.sum()), "saturated (△)", "saturated (△)"),
        (n_bad, "marked bad (⊗)", "marked bad (⊗)"),
        (resets, "clock reset", "clock resets"),
        (len(found) - resets, "gap in the clock", "gaps in the clock"),
        (len(probe.damaged), "damaged chunk", "damaged chunks"),
    ]
    facts += [f"{n} {one if n == 1 else many}" for n, one, many in troubles if n]
    return " · ".join(facts)


def axis_label(channels: Channels, height: int) -> str:
    """What depths are, as far as the panel is high enough for it."""
    axis = channels.depth_axis
    label = axis.label if axis and has_depth(channels) else "channel"
    most = int(height / LETTER)
    return shorten(label, most) if most >= len("channel") else ""
