"""Controls of a page: header, and the address bar."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from bokeh.models import (
    AutocompleteInput,
    BoxSelectTool,
    BoxZoomTool,
    Button,
    CheckboxButtonGroup,
    CustomAction,
    CustomJS,
    Dropdown,
    GridPlot,
    PanTool,
    RadioButtonGroup,
    Range1d,
    Row,
    Select,
    TextInput,
    Toolbar,
    WheelZoomTool,
)

from lfpscope.envelope.read import OpenProbe
from lfpscope.render.band_map import band_names
from lfpscope.signals.transform import parse_transform
from lfpscope.viewer.style import CONTROL, HEADER, TOOLBAR
from lfpscope.viewer.view_state import (
    AUTO,
    COMMON,
    MODES,
    POWER,
    SPACINGS,
    STEPS,
    State,
    depths_text,
    round_scale,
)

FORMATS: list[Any] = [("PNG", ".png"), ("SVG", ".svg"), ("PDF", ".pdf")]
MORE_GAINS = 4  # offered on both sides of the one that is likely: a factor of 20
CHOSEN = "chosen areas"  # in the menu
LENGTHS = {"10 ms": 0.01, "100 ms": 0.1, "1 s": 1.0, "10 s": 10.0, "1 min": 60.0, "10 min": 600.0}
TRANSFORMS = (
    "median",
    "median:shank",
    "median:area",
    "bipolar",
    "csd",
    "derivative",
    ">0.5Hz",
    "4-10Hz",
    "30-80Hz",
    "80-200Hz",
    "150-250Hz",
    "notch:50",
    "notch:60",
    "median 150-250Hz",
)
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
        WheelZoomTool(dimensions="width", maintain_focus=False),
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
    bands : sequence of str
        Frequency bands whose power can be drawn.

    Attributes
    ----------
    layout : tuple of Row
        Two lines, to be put on top of the page.
    area_names : sequence of str
        As above.
    """

    def __init__(
        self,
        tools: list[Any],
        state: State,
        areas: Sequence[str],
        *,
        bands: Sequence[str] = (),
    ) -> None:
        self._whole = state.stop - state.start
        style = {"stylesheets": [CONTROL], "margin": (2, 2)}
        self.back = Button(label="◀", width=34, **style)
        self.time = TextInput(placeholder="go to 1:02.5", width=100, **style)
        self.on = Button(label="▶", width=34, **style)
        self.previous = Button(label="◀", width=34, **style)
        self.next = Button(label="▶", width=34, **style)
        self.lengths = _lengths(state.stop - state.start)
        labels = [*self.lengths, "all"]
        self.length = RadioButtonGroup(labels=labels, active=len(labels) - 1, **style)
        self.kind = Select(options=[("", "any interval")], width=160, **style)
        self.note = TextInput(placeholder="note", width=140, **style)
        self.mark = Button(label="mark this range", width=124, **style)
        self.save = Dropdown(label="save picture", menu=FORMATS, width=124, **style)
        self.help = Button(label="?", width=34, **style)
        self.probes = CheckboxButtonGroup(labels=list(state.probes), **style)
        self._likely_gain = state.microvolts
        self.gain = Select(options=[], width=124, **style)
        modes = [(AUTO, "mode by zoom"), *MODES.items()]
        modes += [(f"{POWER}{band}", f"{band} power") for band in bands]
        self._modes = modes
        self.mode = Select(options=modes, width=140, **style)
        self.area_names = areas
        self.areas = Select(options=[], width=124, visible=bool(areas), **style)
        counts = [(f"{n}", f"every {nth}channel") for n, nth in EVERY.items()]
        self.every = Select(options=counts, width=156, **style)
        spacings = [(f"{n}", f"{n} px apart" if n else "fit spacing") for n in SPACINGS]
        spacings += [(COMMON, "depth scale")] if len(state.probes) > 1 else []
        self.spacing = Select(options=spacings, width=124, **style)
        typed = {"css_classes": ["completes"], **style}
        self.depths = TextInput(placeholder='500-1500 or area == "CA1"', width=216, **typed)
        self.sort = TextInput(placeholder="sort by depth", width=132, **typed)
        self.transform = AutocompleteInput(
            placeholder="as recorded",
            completions=list(TRANSFORMS),
            min_characters=0,
            restrict=False,
            case_sensitive=False,
            width=150,
            **style,
        )
        toolbar = Toolbar(tools=tools, logo=None, stylesheets=[TOOLBAR])
        bar = GridPlot(toolbar=toolbar, toolbar_location="above", width=174)
        move = bar, self.back, self.time, self.on, self.length, self.previous, self.kind, self.next
        keep = self.note, self.mark, self.save, self.help
        look = (
            *(self.probes, self.gain, self.spacing, self.mode, self.transform),
            *(self.areas, self.depths, self.sort, self.every),
        )
        line = {"sizing_mode": "stretch_width", "margin": 0, "stylesheets": [HEADER]}
        self.layout = Row(*move, *keep, **line), Row(*look, **line)
        self.show(state)

    def show(self, state: State) -> None:
        """Let the controls say what the page shows."""
        self.show_length(state)
        gain = AUTO if state.is_auto else f"{state.microvolts!r}"
        self.gain.update(options=offer_gains(self._likely_gain, state), value=gain)
        mode = common_mode(state)
        several = [] if mode else [("", "several modes")]
        self.mode.update(options=[*several, *self._modes], value=mode)
        self.probes.active = [i for i, name in enumerate(state.probes) if name not in state.hidden]
        self.areas.update(options=self._area_options(state), value=CHOSEN if state.areas else "")
        self.depths.value = state.where or depths_text(state.depths)
        self.transform.value = state.transform
        self.sort.value = state.sort
        spacing = f"{state.spacing}" if state.spacing in SPACINGS else ""
        self.spacing.value = COMMON if state.shares_depths else spacing
        self.every.value = f"{state.every}" if state.every in EVERY else ""

    def on_choice(self, act: Callable[[str, Any, Any], None]) -> None:
        """Have something done when the user chooses what `read` returns."""
        self.probes.on_change("active", act)
        for menu in (self.gain, self.mode, self.areas, self.every, self.spacing):
            menu.on_change("value", act)

    def read(self, state: State) -> State:
        """Return what the controls say, in a state that they show otherwise."""
        shown = {state.probes[i] for i in self.probes.active}
        areas = {"": frozenset[str](), CHOSEN: state.areas}
        chosen, is_common = self.areas.value, self.spacing.value == COMMON
        changed = replace(
            state,
            hidden=frozenset(state.probes) - shown,
            areas=areas.get(chosen, state.areas ^ {chosen}),
            every=int(self.every.value or state.every),
            spacing=state.spacing if is_common else int(self.spacing.value or state.spacing),
            shares_depths=is_common,
        )
        if self.mode.value and self.mode.value != common_mode(state):
            changed = changed.drawn_as(None if self.mode.value == AUTO else self.mode.value)
        if self.gain.value == AUTO:
            return replace(changed, is_auto=True)
        return changed.scaled(float(self.gain.value))

    def offer_kinds(self, names: Sequence[str]) -> None:
        """Offer kinds of intervals to go to."""
        if self.kind.value not in names:
            self.kind.value = ""
        self.kind.options = [("", "any interval"), *((name, name) for name in names)]

    def length_of(self, active: int) -> float:
        """Seconds that a button of the lengths stands for."""
        return [*self.lengths.values(), self._whole][active]

    def _area_options(self, state: State) -> list[tuple[str, str]]:
        """All, those chosen, and each one to be added or left out."""
        if not state.areas:
            return [("", "all areas"), *((area, area) for area in self.area_names)]
        signs = {area: "−" if area in state.areas else "+" for area in self.area_names}
        each = [(area, f"{sign} {area}") for area, sign in signs.items()]
        return [("", "all areas"), (CHOSEN, ", ".join(sorted(state.areas))), *each]

    def show_length(self, state: State) -> None:
        """Let the lengths say how much time the page shows."""
        shown, lengths = state.stop - state.start, [*self.lengths.values(), self._whole]
        found = [i for i, one in enumerate(lengths) if abs(shown - one) < 1e-3 * one]
        self.length.active = found[0] if found else None


def offer_gains(likely: float, state: State) -> list[tuple[str, str]]:
    """Gains about the one that is likely for the recording, and the one that a state has.

    In the unit of what is shown; the likely one is in µV.
    """
    quantity = parse_transform(state.transform).quantity
    at = STEPS.index(round_scale(likely * quantity.likely))
    offered = {*STEPS[max(at - MORE_GAINS, 0) : at + MORE_GAINS + 1]}
    offered |= set() if state.is_auto else {state.microvolts}
    words = [(f"{step!r}", f"gain {quantity.text(step)}") for step in sorted(offered)]
    return [(AUTO, "auto gain"), *words]


def _lengths(seconds: float) -> dict[str, float]:
    """Lengths of a page that are offered, shorter than a recording."""
    return {text: length for text, length in LENGTHS.items() if length < seconds}


def common_mode(state: State) -> str:
    """Return the mode of all probes, AUTO where none was chosen; empty where they differ."""
    modes = {dict(state.modes).get(name, AUTO) for name in state.probes}
    return modes.pop() if len(modes) == 1 else "" if modes else AUTO


def common_bands(probes: list[OpenProbe]) -> list[str]:
    """Frequency bands whose power is stored of any probe, in the order of the first ones."""
    return list(dict.fromkeys(name for probe in probes for name in band_names(probe)))
