"""Controls of a page: header, and the address bar."""

from collections.abc import Sequence
from typing import Any

from bokeh.models import (
    BoxSelectTool,
    BoxZoomTool,
    Button,
    CheckboxButtonGroup,
    ColumnDataSource,
    CustomAction,
    CustomJS,
    GridPlot,
    PanTool,
    Range1d,
    Row,
    Select,
    TextInput,
    Toolbar,
    WheelZoomTool,
)

from lfpscope.envelope.read import Probe
from lfpscope.formatting import voltage_text
from lfpscope.nwb.areas import is_area
from lfpscope.viewer.style import CONTROL, HEADER, TOOLBAR
from lfpscope.viewer.view_state import SPACINGS, STEPS, State, depths_text

EVERY = {1: "", 2: "2nd ", 3: "3rd ", 4: "4th ", 8: "8th ", 16: "16th "}


def navigation(x_range: Range1d) -> list[Any]:
    """Pan, zoom and reset in time."""
    whole = CustomJS(
        args={"range": x_range},
        code="range.setv({start: range.reset_start, end: range.reset_end})",
    )
    return [
        PanTool(dimensions="width"),
        BoxZoomTool(dimensions="width"),
        BoxSelectTool(description="Mark a box", renderers=[]),
        WheelZoomTool(dimensions="width"),
        # Bokeh's own reset works only in the toolbar of a single plot
        CustomAction(icon="reset", description="Whole recording", callback=whole),
    ]


class Controls:
    """The header.

    Parameters
    ----------
    tools : list of Tool
        For the toolbar.
    state : State
        At first.
    areas : sequence of str
        Brain areas of all probes; without any there is no menu of them.
    has_depth : bool
        Whether any probe knows depths; without any there is no box for them.

    Attributes
    ----------
    layout : tuple of Row
        Two lines, to be put on top of the page.
    """

    def __init__(
        self, tools: list[Any], state: State, areas: Sequence[str], *, has_depth: bool
    ) -> None:
        style = {"stylesheets": [CONTROL], "margin": (2, 2)}
        self.back = Button(label="◀", width=34, **style)
        self.time = TextInput(placeholder="go to 1:02.5", width=100, **style)
        self.on = Button(label="▶", width=34, **style)
        self.previous = Button(label="◀ interval", width=90, **style)
        self.next = Button(label="interval ▶", width=90, **style)
        self.note = TextInput(placeholder="note", width=140, **style)
        self.mark = Button(label="mark this range", width=124, **style)
        self.save = Button(label="save picture", width=104, **style)
        self.help = Button(label="?", width=34, **style)
        self.probes = CheckboxButtonGroup(labels=list(state.probes), **style)
        gains = [(f"{step!r}", f"bar {voltage_text(step)}") for step in STEPS]
        self.gain = Select(options=gains, width=112, **style)
        self.heat = Button(label="all as heat map", width=124, **style)
        named = [(area, area) for area in areas]
        options = [("", "all areas"), *named]
        self.areas = Select(options=options, width=112, visible=bool(areas), **style)
        counts = [(f"{n}", f"every {nth}channel") for n, nth in EVERY.items()]
        self.every = Select(options=counts, width=140, **style)
        spacings = [(f"{n}", f"{n} px apart" if n else "fit spacing") for n in SPACINGS]
        self.spacing = Select(options=spacings, width=124, **style)
        self.depths = TextInput(
            placeholder="depths 500-1500", width=128, visible=has_depth, **style
        )
        toolbar = Toolbar(tools=tools, logo=None, stylesheets=[TOOLBAR])
        bar = GridPlot(toolbar=toolbar, toolbar_location="above", width=174)
        move = bar, self.back, self.time, self.on, self.previous, self.next
        keep = self.note, self.mark, self.save, self.help
        look = self.probes, self.gain, self.spacing, self.heat, self.areas, self.depths, self.every
        line = {"sizing_mode": "stretch_width", "margin": 0, "stylesheets": [HEADER]}
        self.layout = Row(*move, *keep, **line), Row(*look, **line)
        self.show(state)

    def show(self, state: State) -> None:
        """Let the controls say what the page shows."""
        self.gain.value = f"{state.microvolts!r}"
        shown = [i for i, name in enumerate(state.probes) if name not in state.hidden]
        self.probes.active = shown
        # several at once can only come from the address
        self.areas.value = next(iter(state.areas)) if len(state.areas) == 1 else ""
        self.depths.value = depths_text(state.depths)
        self.spacing.value = f"{state.spacing}" if state.spacing in SPACINGS else ""
        self.every.value = f"{state.every}" if state.every in EVERY else ""


def area_names(probes: list[Probe]) -> list[str]:
    """Brain areas that the probes pass through, in alphabetical order."""
    found: set[str] = set()
    for probe in probes:
        areas = probe.references.channels.columns.get("area")
        found |= set() if areas is None else set(map(str, areas.tolist()))
    return sorted(filter(is_area, found))


def address_bar() -> ColumnDataSource:
    """A source whose one query the browser's address bar follows."""
    source = ColumnDataSource({"query": [""]}, name="address")
    code = 'window.history.replaceState(null, "", "?" + source.data.query[0])'
    source.js_on_change("data", CustomJS(args={"source": source}, code=code))
    return source
