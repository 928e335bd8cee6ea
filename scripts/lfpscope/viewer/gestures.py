"""What clicks, wheels and keys make of a state, with what the panels show of it."""

from collections.abc import Callable, Iterable, Mapping

from bokeh.events import MouseWheel, Tap

from lfpscope.viewer.panel import Panel
from lfpscope.viewer.view_state import MODES, State

MIN_CHANNELS = 4  # that zooming in depth leaves
Clicked = Callable[[State, Panel, Tap], State]
CLOSER, WIDER = 0.8, 1.25  # depths shown after a notch of the wheel


def choose_area(state: State, panel: Panel, event: Tap) -> State:
    """Show the channels of the area clicked, or of all again."""
    area = panel.area_at(state, event.y)
    return state.choose_area(area) if area else state


def choose_channel(state: State, panel: Panel, event: Tap) -> State:
    """Show the channel clicked alone, too; or no longer."""
    channel = panel.electrode_at(state, event.y)
    return state.show_alone(None if channel == state.channel else channel)


def next_channel(state: State, panels: Mapping[str, Panel], step: int) -> State:
    """Show the channel alone that lies some rows below the one that is."""
    name, channel = state.channel or ("", 0)
    panel = panels.get(name)
    return state.show_alone(panel.electrode_beside(state, channel, step)) if panel else state


def next_mode(state: State, panels: Mapping[str, Panel]) -> State:
    """Draw all probes in the mode that follows that of the first one."""
    modes, shown = list(MODES), [name for name in state.shown if name in panels]
    if not shown:
        return state
    now = state.mode(shown[0], panels[shown[0]].size[0])
    at = modes.index(now) if now in modes else -1
    return state.drawn_as(modes[(at + 1) % len(modes)])


def change_gain(state: State, panels: Mapping[str, Panel], steps: int) -> State:
    """Make traces larger by steps, from the gain of the first picture where it follows the view."""
    pictures = [panels[name].shown for name in state.shown if name in panels]
    shown = [one.microvolts for one in pictures if one is not None]
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
