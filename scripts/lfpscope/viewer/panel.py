"""Bokeh models of one probe: heading, strip of brain areas, depth axis, picture, overlays."""

import html
from typing import Any

from bokeh.core.property.descriptors import UnsetValueError
from bokeh.models import (
    Column,
    ColumnDataSource,
    CrosshairTool,
    FixedTicker,
    GlyphRenderer,
    HSpan,
    Image,
    LinearAxis,
    LinearColorMapper,
    Plot,
    Quad,
    RadioButtonGroup,
    Range1d,
    Row,
    Segment,
    Span,
    Text,
    WheelZoomTool,
)
from bokeh.models.dom import HTML

from lfpscope.clock.timeline import Timeline
from lfpscope.envelope.read import OpenProbe
from lfpscope.errors import UserError
from lfpscope.nwb.intervals import Interval
from lfpscope.render.rows import Rows, arrange_rows
from lfpscope.viewer.area_strip import AreaStrip
from lfpscope.viewer.channel_selection import bad_channels, chosen_rows, left_out_areas, order_words
from lfpscope.viewer.depth_scale import Window
from lfpscope.viewer.facts import axis_label, doubts_html, probe_facts, quality_facts
from lfpscope.viewer.gaps import find_empty, no_gaps
from lfpscope.viewer.labels import (
    block_edges,
    block_names,
    row_colours,
    row_ticks,
    voltage_ticks,
)
from lfpscope.viewer.mode_colours import palette
from lfpscope.viewer.models import Plots, hover_names
from lfpscope.viewer.picture import Picture
from lfpscope.viewer.pointer import depth_classes
from lfpscope.viewer.scale_bar import ScaleBar
from lfpscope.viewer.shown_rows import ShownRows
from lfpscope.viewer.style import (
    ACCENT,
    CONTROL,
    FAINT,
    FONT,
    INK,
    RIGHT,
    borders,
    quiet_axis,
    text_line,
)
from lfpscope.viewer.view_state import BUTTERFLY, MODES, TRACES, State

LETTER = 7.5  # pixels, about
LEAST, AROUND = 94, 40  # pixels: height of a panel, and what of it is not the picture
SMALL = 64  # pixels: height of a panel beside a large one


class Panel(ShownRows):
    """One probe on the page.

    Parameters
    ----------
    probe : OpenProbe
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
    figure, strip : Plot
        Of the picture, and of the areas beside it.
    layout : Column
        To be put on the page.
    head, body : Row
        Of it: heading and mode, strip and picture.
    areas : AreaStrip
        In the strip.
    mode : RadioButtonGroup
        Traces, signed map or amplitude.
    shown : Picture or None
        What is on the page now.
    """

    def __init__(
        self,
        probe: OpenProbe,
        plots: Plots,
        spans: ColumnDataSource,
        colours: dict[str, str],
        likely: tuple[int, int] = (0, 0),
    ) -> None:
        super().__init__(probe)
        self._likely = likely
        self._doubts, self._quality = doubts_html(probe), quality_facts(probe)
        self._facts = self._badge = self._note = ""
        self._fitted: tuple[Any, ...] = ()
        self._plots, self._has_blocks = plots, False
        self._picture = plots.source(no_picture(), name=f"picture {self._name}")
        self._empty = plots.source(no_gaps(), name=f"gaps {self._name}")
        self._edges = plots.source({"y": []}, name=f"block edges {self._name}")
        self._blocks = plots.source({"y": [], "text": []}, name=f"blocks {self._name}")
        self._boxes = plots.source(no_boxes(), name=f"boxes {self._name}")
        self._alone = plots.source({"y": []}, name=f"alone {self._name}")
        self._heading = HTML("")
        self.mode = RadioButtonGroup(
            labels=list(MODES.values()),
            name="mode",
            active=0,
            width=330,
            margin=0,
            stylesheets=[CONTROL],
        )
        self._heights = heights = Range1d(0, 1)
        self.areas = AreaStrip(plots, heights, colours, self._name)
        self.strip = self.areas.plot
        self.figure = self._traces(plots, heights, spans)
        self.head = Row(
            text_line(self._heading, margin=(3, 12, 0, 0)),
            self.mode,
            sizing_mode="stretch_width",
            margin=(4, RIGHT, 2, 0),
        )
        self.body = Row(self.strip, self.figure, sizing_mode="stretch_both", margin=0)
        self.layout = Column(
            self.head,
            self.body,
            sizing_mode="stretch_both",
            margin=0,
            min_height=LEAST,
        )
        if len(arrange_rows(probe.references.channels).blocks) > 1:
            self._add_blocks()
        self._head()

    def _traces(self, plots: Plots, heights: Range1d, spans: ColumnDataSource) -> Plot:
        plot = plots.plot(
            plots.time,
            heights,
            plots.tools,
            sizing_mode="stretch_both",
            css_classes=["traces", "moves", *depth_classes(self._name)],
            name="traces",
            **borders(plots.left),
        )
        plot.toolbar.active_scroll = next(t for t in plots.tools if isinstance(t, WheelZoomTool))
        # one for good: a page counts all its models again whenever it gets another
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
        gaps = self._add_gaps(plots, plot)
        across = Quad(
            left="start", right="stop", bottom=0, top=1, fill_color="colour", line_color=None
        )
        across.fill_alpha = "shade"
        shaded = plots.layer(plot, spans, across)
        self._shaded = shaded
        onset = Segment(x0="start", x1="start", y0="low", y1=1, line_color="colour", line_alpha=0.6)
        plots.layer(plot, spans, onset)
        plots.add_breaks(plot)
        box = {"left": "start", "right": "stop", "top": "top", "bottom": "bottom"}
        line = {"fill_alpha": 0, "line_color": ACCENT, "line_width": 2}
        outlines = plots.layer(plot, self._boxes, Quad(**box, **line))
        plots.layer(plot, self._alone, HSpan(y="y", line_color=ACCENT, line_dash="6 4"))
        self._scale = ScaleBar(plot)
        plot.add_tools(
            hover_names("@name", outlines, shaded),
            hover_names("@what", gaps),
            CrosshairTool(overlay=[plots.cursor, Span(dimension="width", line_color=ACCENT)]),
        )
        return plot

    def _add_gaps(self, plots: Plots, plot: Plot) -> "GlyphRenderer[Any]":
        """Hatch gaps, and name them and what lies beyond the ends where there is room."""
        hatch = {"hatch_pattern": "pattern", "hatch_color": FAINT, "hatch_weight": 1}
        edges = {"left": "start", "right": "stop", "bottom": 0, "top": 1}
        look = {"fill_color": None, "line_color": None, "hatch_scale": "apart"}
        gaps = plots.layer(plot, self._empty, Quad(**edges, **look, **hatch))
        font = {"text_font_size": FONT, "text_color": INK, "text_align": "center"}
        white = {"background_fill_color": "white", "background_fill_alpha": 0.85, "padding": 2}
        plots.layer(plot, self._empty, Text(x="middle", y=0.5, text="label", **font, **white))
        return gaps

    def _add_blocks(self) -> None:
        """Lines between shanks or groups, with their names at the right; once there are some."""
        self._has_blocks, plots, plot = True, self._plots, self.figure
        plots.layer(plot, self._edges, HSpan(y="y", line_color=INK))
        look = {"text_font_size": FONT, "text_color": INK, "text_baseline": "top"}
        place = {"x": 1, "y": "y", "text_align": "right", "x_offset": -6, "y_offset": 4}
        white = {"background_fill_color": "white", "background_fill_alpha": 0.85, "padding": 2}
        # with its coordinates from the start: the browser does not heed them later
        window = {"coordinates": plots.window(plot)}
        plots.layer(plot, self._blocks, Text(text="text", **look, **place, **white), **window)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the rows, pixels; the likely ones before the browser tells."""
        width, height = self.frame
        return width, round(height / self.window.length)

    @property
    def frame(self) -> tuple[int, int]:
        """Width and height of the panel inside its frame."""
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

    def look_through(self, window: Window) -> None:
        """Show the rows in a part of the panel."""
        self.window = window
        self._heights.update(start=window.bottom, end=window.top)

    def fit(self, state: State) -> None:
        """Choose ticks and names for the channels shown, as many as there is room for."""
        rows, size = chosen_rows(self.probe, state), self.size
        channels = rows.channels
        bad = bad_channels(self.probe, state)
        words = order_words(self.probe, state), self.window.note
        facts = self.probe, channels.size, int(bad.sum()), self._quality
        self._facts = html.escape(probe_facts(*facts, "; ".join(filter(None, words))))
        uncertain_s = self.shown.uncertain_s if self.shown else 0.0
        send(self._empty, find_empty(self.probe, state, size[0], uncertain_s))
        self._head()
        is_small = state.is_small(self._name)
        least = SMALL if is_small else max(LEAST, channels.size * state.spacing + AROUND)
        self.layout.update(min_height=least, max_height=SMALL if is_small else None)
        mode = state.mode(self._name, size[0])
        self.mode.active = list(MODES).index(mode) if mode in MODES else None
        left_out = left_out_areas(self.probe, state)
        self._is_butterfly = mode == BUTTERFLY
        order = channels.tolist(), rows.blocks, rows.column, rows.values, mode == BUTTERFLY
        fitted = (size, bad.tolist(), left_out, *order)
        if fitted == self._fitted:
            return
        self._fitted, self._rows = fitted, rows
        self._label_axis()
        colours = row_colours(self.probe, rows, bad) if self._is_butterfly else []
        self.areas.show(self.probe, rows, bad, size[1], left_out, colours)
        shown = Rows(rows.channels, ()) if self._is_butterfly else rows
        names, edges = block_names(shown), {"y": block_edges(shown)}
        if not self._has_blocks and (names["y"] or edges["y"]):
            self._add_blocks()
        self._edges.data, self._blocks.data = edges, names

    def _label_axis(self) -> None:
        """Label depths, or what the rows follow; of a butterfly the microvolts once it is there."""
        channels, height = self.probe.references.channels, self.size[1]
        if self._is_butterfly:
            shown = self.shown if self.shown and self.shown.mode == BUTTERFLY else None
            ticks = voltage_ticks(shown.microvolts if shown else 0.0, height)
            title = shown.quantity.unit if shown else ""
        else:
            ticks = row_ticks(channels, self._rows, height)
            title = axis_label(channels, self._rows, height)
        # labels first: places without them would be numbers
        self._axis.major_label_overrides = dict(zip(ticks.places, ticks.labels, strict=True))
        self._axis.axis_label = title
        self._ticker.ticks = ticks.places

    def show(self, picture: Picture | UserError, state: State) -> None:
        """Put a picture of a state on the page, or the reason why there is none."""
        if isinstance(picture, UserError):
            self.shown = None
            self._picture.data = no_picture()
            self._scale.hide()
            self._badge = f'<span class="wrong">{html.escape(str(picture))}</span>'
            self._head()
            return
        self.shown = picture
        if self._mapper.palette != (colours := palette(picture.mode)):
            self._mapper.update(palette=colours, high=len(colours) - 0.5)
        span = {"x": [picture.t0], "dw": [picture.t1 - picture.t0]}
        self._picture.data = {"image": [picture.pixels], **span}
        self._picture.tags = [state.to_query()] if picture.final else []
        if picture.mode == BUTTERFLY:
            self._scale.hide()
            self._label_axis()
        else:
            self._scale.show(picture, self.size[1])
        send(self._empty, find_empty(self.probe, state, self.size[0], picture.uncertain_s))
        # a shade over colours that mean something would change them: onsets are enough
        self._shaded.glyph.fill_alpha = "shade" if picture.mode == TRACES else 0
        badge = html.escape(picture.badge())
        self._badge = f'<span title="{badge} · {html.escape(picture.cost())}">{badge}</span>'
        self._head()

    def note(self, text: str) -> None:
        """Say before the badge what goes on."""
        self._note = text and f"{html.escape(text)} · "
        self._head()

    def point_out(self, state: State) -> None:
        """Draw a line at the channel that is shown alone."""
        ids = self.probe.references.channels.id[self._rows.channels].tolist()
        name, channel = state.channel or ("", 0)
        is_here = name == self._name and channel in ids and not self._is_butterfly
        places = [1 - (ids.index(channel) + 0.5) / len(ids)] if is_here else []
        send(self._alone, {"y": places})

    def outline(self, marked: list[tuple[Interval, set[int]]], timeline: Timeline) -> None:
        """Draw boxes around what was marked on some channels, as far as these are shown."""
        ids = self.probe.references.channels.id[self._rows.channels].tolist()
        columns = no_boxes()
        for one, channels in marked:
            rows = [row for row, channel in enumerate(ids) if channel in channels]
            for start, stop in timeline.place(one.start, one.stop) if rows else ():
                edges = 1 - rows[0] / len(ids), 1 - (rows[-1] + 1) / len(ids)
                edges = (1.0, 0.0) if self._is_butterfly else edges
                box = (start, stop, one.name, *edges)
                for column, value in zip(columns.values(), box, strict=True):
                    column.append(value)
        send(self._boxes, columns)

    def _head(self) -> None:
        name, references = html.escape(self._name), self.probe.references
        source = html.escape(f"{references.address} {references.series}")
        text = (
            '<div class="heading"><span class="facts">'
            f'<b class="probe-name" title="{source}">{name}</b>{self._doubts}'
            f"<span>· {self._facts}</span></span>"
            f'<span class="badge">{self._note}{self._badge}</span></div>'
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
    """Instead of a picture."""
    return {"image": [], "x": [], "dw": []}
