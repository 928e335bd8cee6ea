"""Amplitude of a complete recording as codes, which the gallery colours at any scale."""

from pathlib import Path

import numpy as np
from PIL import Image

from lfpscope.clock.timeline import Timeline
from lfpscope.envelope.read import OpenProbe
from lfpscope.io.atomic import atomic
from lfpscope.render.heatmap import amplitude, pixel_amplitudes
from lfpscope.render.rows import arrange_rows
from lfpscope.render.view import read_view
from lfpscope.typing import Array, Mask, Pixels

COLUMNS, ROWS = 256, 162
LEVELS = COLUMNS.bit_length()  # of 256, 128, ... 1 columns
GAP, DEAD, LEAST = 0, 1, 2  # codes; from LEAST on they are amplitudes
LOWEST = -3.0  # decades from the brightest amplitude of the configuration to the code LEAST
STEP = 0.017  # decades between two codes; the last one is 20 times that amplitude


def describe_codes() -> dict[str, float]:
    """Return what a page must know to colour the codes."""
    shape = {"rows": ROWS, "columns": COLUMNS, "levels": LEVELS}
    return {**shape, "gap": GAP, "dead": DEAD, "least": LEAST, "lowest": LOWEST, "step": STEP}


def write_levels(probe: OpenProbe, timeline: Timeline, volts: float, path: Path) -> None:
    """Write the amplitude of a recording as codes, at several numbers of columns.

    The levels lie one above the other, each ROWS pixels high and COLUMNS wide, a column of it as
    many pixels as fit: a browser that makes the picture narrower takes a level with fewer columns,
    so that none is left out.

    Parameters
    ----------
    probe : OpenProbe
        The recording.
    timeline : Timeline
        Its time axis.
    volts : float
        The amplitude at the upper end of the colours, of the configuration.
    path : Path
        The grey PNG to write, of COLUMNS by LEVELS · ROWS pixels.
    """
    clock, r = timeline.clock(probe.references.clock), probe.references
    order = arrange_rows(r.channels).channels
    levels = []
    for level in range(LEVELS):
        view = read_view(probe, clock.t0, clock.t1, COLUMNS >> level, clock)
        codes = encode(amplitude(view, probe)[order] / volts, probe.dead[order])
        levels.append(codes[:, np.arange(COLUMNS) * view.width // COLUMNS])
    with atomic(path) as part:
        Image.fromarray(np.concatenate(levels)).save(part, format="png", optimize=True)


def encode(values: Array, dead: Mask) -> Pixels:
    """Return the code of each pixel, ROWS high.

    Parameters
    ----------
    values : ndarray of float64, shape (n_channels, width)
        Amplitudes in units of the one at the upper end of the colours; NaN in gaps.
    dead : ndarray of bool, shape (n_channels,)
        Channels without a colour.

    Returns
    -------
    ndarray of uint8, shape (ROWS, width)
        GAP, DEAD, or a code from LEAST on.
    """
    live, every, bands = pixel_amplitudes(values, dead, ROWS)
    with np.errstate(invalid="ignore", divide="ignore"):
        codes = LEAST + np.rint((np.log10(live) - LOWEST) / STEP)
    codes = np.clip(np.nan_to_num(codes, neginf=LEAST, posinf=255), LEAST, 255)
    codes[np.isnan(live)] = DEAD
    codes[np.isnan(every)] = GAP
    pixels: Pixels = codes.astype(np.uint8)[bands]
    return pixels
