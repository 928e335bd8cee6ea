"""What the panels of a probe's spectra share: the page, axes in pixels, a colour bar."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lfpscope.references.model import ProbeReferences
from lfpscope.render.figure import Box, new_axes
from lfpscope.render.rows import Rows
from lfpscope.render.spectrum_images import COLOURS, Image, Spectrum

WIDTH = 1600  # pixels of the page
PSD_DB = (-30.0, 40.0)  # dB re 1 µV²/Hz
BAND_DB = (0.0, 50.0)  # dB re 1 µV²: RMS of 1 to 316 µV
LOWEST_HZ = 0.5


@dataclass(frozen=True)
class Page:
    """What all parts of the picture need.

    Attributes
    ----------
    figure : Figure
        On which they are drawn.
    references : ProbeReferences
        Of the probe.
    spectrum : Spectrum
        Its spectra.
    rows : Rows
        Channels from the top down.
    colours : dict of str to str
        Of brain areas.
    """

    figure: Figure
    references: ProbeReferences
    spectrum: Spectrum
    rows: Rows
    colours: dict[str, str]


def image_axes(figure: Figure, box: Box, image: Image | None) -> Axes:
    """Axes in pixels from the top left of a box, with an image that fills it."""
    axes = new_axes(figure, box)
    if image is not None:
        extent = (0, box.width, box.height, 0)
        axes.imshow(image, extent=extent, aspect="auto", interpolation="nearest")
    axes.set(xlim=(0, box.width), ylim=(box.height, 0))
    axes.tick_params(labelsize=9.5, color="#888888")
    for spine in axes.spines.values():
        spine.set_color("#888888")
        spine.set_linewidth(0.8)
    return axes


def draw_colours(figure: Figure, box: Box, low: float, high: float, title: str) -> None:
    """Draw the colours from low to high to the right of a box."""
    bar = Box(box.left + box.width + 12, box.top, 12, min(box.height, 260))
    axes = new_axes(figure, bar)
    axes.imshow(COLOURS[::-1, np.newaxis], aspect="auto", extent=(0, 1, low, high))
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    axes.set_ylabel(title, fontsize=9.5)
    axes.tick_params(labelsize=9)
