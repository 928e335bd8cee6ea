"""A state → pictures. Slow to import (Datashader); the server loads it in a thread."""

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lfpscope.drawing import (
    TRACE_PALETTE,
    read_view,
    trace_picture,
)
from lfpscope.files import UserError
from lfpscope.viewer.session import Slot
from lfpscope.viewer.state import State

BAR = 25  # pixels of the scale bar


@dataclass(frozen=True)
class Picture:
    """What a panel shows.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (height, width)
        Indices into the palette, the top row first.
    t0, t1 : float
        Session time of its left and right edge, seconds.
    drawn_from : str
        "every sample", or "envelope of so many".
    seconds : float
        That it took.
    """

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
            view = read_view(probe, state.start, state.stop, width)
            gain = BAR / (state.microvolts * 1e-6)
            pixels = trace_picture(view, probe, height, pixels_per_volt=gain)
    except UserError as error:
        return error
    except OSError as error:
        return UserError(f"probe {slot.name}: {error}")
    return Picture(pixels, view.t0, view.t1, view.drawn_from, time.perf_counter() - begin)


def compile_drawing() -> None:
    """Draw a line, so that the first picture need not wait for the compiler."""
    import datashader
    import pandas as pd

    line = pd.DataFrame({"x": [0.0, 1.0, np.nan], "y": [0.0, 1.0, np.nan]})
    canvas = datashader.Canvas(4, 4, x_range=(0.0, 1.0), y_range=(0.0, 1.0))
    canvas.line(line, "x", "y", agg=datashader.any())


def palette() -> list[str]:
    """Colours of a picture's indices."""
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in TRACE_PALETTE.tolist()]
