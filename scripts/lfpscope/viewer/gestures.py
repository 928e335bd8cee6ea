"""What clicks, wheels and keys make of a state, with what the panels show of it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial

from bokeh.events import MouseWheel, Tap

from lfpscope.viewer.channel_selection import choosable_areas
from lfpscope.viewer.cursor import Cursor
from lfpscope.viewer.page_layout import PageLayout
from lfpscope.viewer.panel import Panel
from lfpscope.viewer.view_state import BUTTERFLY, MODES, State

MIN_CHANNELS = 4  # that zooming in depth leaves
Clicked = Callable[[State, Panel, Tap], State]
CLOSER, WIDER = 0.8, 1.25  # depths shown after a notch of the wheel


def connect_gestures(
    layout: PageLayout, state: Callable[[], State], apply: Callable[[State], None]
) -> None:
    """Connect clicks, wheels and boxes with what they make of a page's state."""
    panels = layout.panels

    def clicked(change: Clicked, panel: Panel, event: Tap) -> None:
        apply(change(state(), panel, event))

    def has_depths(panel: Panel) -> bool:
        if panel.lacks_depths:
            layout.show_message(panel.lacks_depths)
        return not panel.lacks_depths

    def wheel_turned(panel: Panel, event: MouseWheel) -> None:
        is_beside = event.model is panel.strip or event.sx < panel.figure.min_border_left
        if is_beside and has_depths(panel):
            apply(zoom_depths(state(), panel, panels.values(), event))

    def box_drawn(probe: str, low: float, high: float) -> None:
        if has_depths(panel := panels[probe]):
            edges = (panel.window.bottom + one * panel.window.length for one in (low, high))
            apply(choose_depths(state(), panel, *edges))

    def area_clicked(state: State, panel: Panel, event: Tap) -> State:
        return choose_area(state, panel, panels.values(), event)

    def line_clicked(event: Tap) -> None:
        line = layout.axis.line_at(event)
        if line is not None:
            apply(state().toggle_line(line))

    for panel in panels.values():
        panel.figure.on_event(Tap, partial(clicked, choose_channel, panel))
        panel.strip.on_event(Tap, partial(clicked, area_clicked, panel))
        for plot in (panel.strip, panel.figure):
            plot.on_event(MouseWheel, partial(wheel_turned, panel))
    layout.pointer.on_draw(box_drawn)
    layout.pointer.on_name(lambda probe: apply(state().enlarge(probe)))
    layout.axis.plot.on_event(Tap, line_clicked)


def choose_area(state: State, panel: Panel, panels: Iterable[Panel], event: Tap) -> State:
    """Show an area alone, or all again; with Shift leave it out; show, too, what was left out."""
    left_out = panel.areas.left_out_at(event.x, event.y)
    area = left_out or panel.area_at(state, event.y)
    if not area or not 0 <= event.y <= 1:
        return state
    if left_out or (event.modifiers and event.modifiers["shift"]):
        return state.toggle_area(area, frozenset(choosable_areas(one.probe for one in panels)))
    return state.choose_area(area)


def choose_depths(state: State, panel: Panel, low: float, high: float) -> State:
    """Show the depths between two heights of a panel, if some channels lie there."""
    depths = panel.depths_between(low, high)
    chosen = state if depths is None else replace(state, depths=depths)
    return chosen if panel.n_channels(chosen) >= MIN_CHANNELS else state


def choose_channel(state: State, panel: Panel, event: Tap) -> State:
    """Show the channel clicked alone, too; or no longer."""
    height = panel.row_height(event.x, event.y)
    channel = None if height is None else panel.electrode_at(state, height)
    return state.show_alone(None if channel == state.channel else channel)


def next_channel(state: State, panels: Mapping[str, Panel], step: int) -> State:
    """Show the channel alone that lies some rows below the one that is."""
    name, channel = state.channel or ("", 0)
    panel = panels.get(name)
    return state.show_alone(panel.electrode_beside(state, channel, step)) if panel else state


def next_mode(state: State, panels: Mapping[str, Panel]) -> State:
    """Draw all probes in the mode that follows that of the first one."""
    modes = [mode for mode in MODES if mode != BUTTERFLY]
    shown = [name for name in state.shown if name in panels]
    if not shown:
        return state
    now = state.mode(shown[0], panels[shown[0]].size[0])
    at = modes.index(now) if now in modes else -1
    return state.drawn_as(modes[(at + 1) % len(modes)])


def toggle_butterfly(state: State) -> State:
    """Draw all probes as butterflies, or as suits the zoom if they are."""
    are = {dict(state.modes).get(name) for name in state.probes} == {BUTTERFLY}
    return state.drawn_as(None if are else BUTTERFLY)


def enlarge(state: State, cursor: Cursor | None) -> State:
    """Make the probe under the cursor the large one, or all alike; without one, the first."""
    name = cursor.probe if cursor else state.large or next(iter(state.shown), "")
    return state.enlarge(name) if name else state


def change_gain(state: State, panels: Mapping[str, Panel], steps: int) -> State:
    """Make traces larger by steps, from the gain of the first picture where it follows the view."""
    pictures = [panels[name].shown for name in state.shown if name in panels]
    unit = state.gain_unit
    shown = [one.microvolts for one in pictures if one and one.quantity.unit == unit]
    return (state.scaled(shown[0]) if state.is_auto and shown else state).louder(steps)


def zoom_depths(state: State, panel: Panel, panels: Iterable[Panel], event: MouseWheel) -> State:
    """Zoom in depth about the channel at the mouse, as far as some channels are left."""
    at, ranges = panel.depth_at(state, event.y), [one.depth_range for one in panels]
    known = [one for one in ranges if one is not None]
    if at is None or not known:
        return state
    whole = min(low for low, _ in known), max(high for _, high in known)
    zoomed = state.zoom_depths(CLOSER if event.delta > 0 else WIDER, at, whole)
    return zoomed if panel.n_channels(zoomed) >= MIN_CHANNELS else state
