"""A state → pictures. Slow to import (Datashader); the server loads it in a thread."""

import time
from dataclasses import dataclass

import datashader
import numpy as np
import numpy.typing as npt
import pandas as pd

from lfpscope.drawing import (
    HEAT_PALETTE,
    TRACE_PALETTE,
    depth_order,
    heat_picture,
    read_view,
    trace_picture,
)
from lfpscope.envelope import Probe
from lfpscope.files import UserError
from lfpscope.viewer.session import Slot
from lfpscope.viewer.state import HEAT, TRACES, State

BAR = 25  # pixels of the scale bar
HEAT_SHARE = 0.5  # of what the scale bar stands for is the upper end of the heat map's colours
PALETTES = {TRACES: TRACE_PALETTE, HEAT: HEAT_PALETTE}


@dataclass(frozen=True)
class Picture:
    """What a panel shows.

    Attributes
    ----------
    mode : str
        TRACES or HEAT.
    pixels : ndarray of uint8, shape (height, width)
        Indices into the mode's palette, the top row first.
    t0, t1 : float
        Session time of its left and right edge, seconds.
    drawn_from : str
        "every sample", or "envelope of so many".
    seconds : float
        That it took.
    """

    mode: str
    pixels: npt.NDArray[np.uint8]
    t0: float
    t1: float
    drawn_from: str
    seconds: float


def draw(slot: Slot, state: State, width: int, height: int) -> Picture | UserError:
    """Draw what a page shows of one probe, or say why that cannot be done."""
    begin = time.perf_counter()
    try:
        with slot.lock:
            probe = slot.open()
            picture = picture_of(probe, state, width, height)
    except UserError as error:
        return error
    except OSError as error:
        return UserError(f"probe {slot.name}: {error}")
    mode, pixels, t0, t1, drawn_from = picture
    return Picture(mode, pixels, t0, t1, drawn_from, time.perf_counter() - begin)


def picture_of(
    probe: Probe, state: State, width: int, height: int
) -> tuple[str, npt.NDArray[np.uint8], float, float, str]:
    """Draw an open probe: mode, pixels, left and right edge, and what it is drawn from."""
    view = read_view(probe, state.start, state.stop, width)
    channels = chosen_channels(probe, state)
    mode = HEAT if probe.references.probe in state.heat else TRACES
    volts = state.microvolts * 1e-6
    if mode == HEAT:
        pixels = heat_picture(view, probe, height, volts=HEAT_SHARE * volts, channels=channels)
    else:
        gain = BAR / volts
        pixels = trace_picture(view, probe, height, pixels_per_volt=gain, channels=channels)
    return mode, pixels, view.t0, view.t1, view.drawn_from


def chosen_channels(probe: Probe, state: State) -> npt.NDArray[np.int64]:
    """Channels that a page shows, from the top down; all where the choice leaves none."""
    channels = probe.references.channels
    order = depth_order(channels)
    keep = np.ones(order.size, np.bool_)
    if state.areas and "area" in channels.columns:
        keep &= np.isin(channels.columns["area"][order], sorted(state.areas))
    if state.depths and "depth" in channels.columns:
        depth = channels.columns["depth"][order]
        keep &= (state.depths[0] <= depth) & (depth <= state.depths[1])
    return order[keep][:: state.every] if keep.any() else order[:: state.every]


def compile_drawing() -> None:
    """Draw a line, so that the first picture need not wait for the compiler."""
    line = pd.DataFrame({"x": [0.0, 1.0, np.nan], "y": [0.0, 1.0, np.nan]})
    canvas = datashader.Canvas(4, 4, x_range=(0.0, 1.0), y_range=(0.0, 1.0))
    canvas.line(line, "x", "y", agg=datashader.any())


def palette(mode: str) -> list[str]:
    """Colours of a picture's indices."""
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in PALETTES[mode].tolist()]
