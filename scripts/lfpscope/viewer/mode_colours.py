"""Colours of the modes in which a probe is drawn."""

import numpy as np
import numpy.typing as npt

from lfpscope.render.palettes import (
    BUTTERFLY_PALETTE,
    HEAT_PALETTE,
    SIGNED_PALETTE,
    SMOOTH_PALETTE,
)
from lfpscope.viewer.view_state import BUTTERFLY, HEAT, SIGNED, TRACES, band_of

PALETTES = {
    TRACES: SMOOTH_PALETTE,
    SIGNED: SIGNED_PALETTE,
    HEAT: HEAT_PALETTE,
    BUTTERFLY: BUTTERFLY_PALETTE,
}


def palette(mode: str) -> list[str]:
    """Colours of a picture's indices."""
    return hex_colours(palette_array(mode))


def palette_array(mode: str) -> npt.NDArray[np.uint8]:
    """The same as numbers, shape (n_colours, 3)."""
    return PALETTES[HEAT if band_of(mode) else mode]


def hex_colours(colours: npt.NDArray[np.uint8]) -> list[str]:
    """Colours as the browser writes them."""
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in colours.tolist()]
