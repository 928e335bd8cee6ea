"""What clicks and wheels beside a picture make of a state."""

from collections.abc import Iterable

from bokeh.events import MouseWheel, Tap

from lfpscope.viewer.panel import Panel
from lfpscope.viewer.view_state import State

MIN_CHANNELS = 4  # that zooming in depth leaves
CLOSER, WIDER = 0.8, 1.25  # depths shown after a notch of the wheel


def choose_area(state: State, panel: Panel, event: Tap) -> State:
    """Show the channels of the area clicked, or of all again."""
    area = panel.area_at(state, event.y)
    return state.choose_area(area) if area else state


def zoom_depths(state: State, panel: Panel, panels: Iterable[Panel], event: MouseWheel) -> State:
    """Zoom in depth about the channel at the mouse, as far as some channels are left."""
    at, ranges = panel.depth_at(state, event.y), [one.depth_range for one in panels]
    known = [one for one in ranges if one is not None]
    if at is None or not known:
        return state
    whole = min(low for low, _ in known), max(high for _, high in known)
    zoomed = state.zoom_depths(CLOSER if event.delta > 0 else WIDER, at, whole)
    return zoomed if panel.n_channels(zoomed) >= MIN_CHANNELS else state
