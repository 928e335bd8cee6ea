"""RMS by depth, beside the map of the amplitude."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lfpscope.envelope.read import OpenProbe
from lfpscope.render.figure import QUIET, Box, new_axes
from lfpscope.render.palettes import LABEL_COLOURS
from lfpscope.render.rows import Rows
from lfpscope.render.view import View
from lfpscope.typing import Floats

PROFILE = 126  # pixels that the curve takes beside the map, with what is between
MARKS = {"dead": ("o", "○"), "noisy": ("^", "△"), "outside": ("s", "□"), "unknown": ("x", "×")}


@dataclass(frozen=True)
class Profile:
    """RMS by channel.

    Attributes
    ----------
    rms : ndarray of float64, shape (n_channels,)
        V; NaN where a channel has no number.
    label : list of str
        Of each channel; empty where labels are not known.
    """

    rms: Floats
    label: list[str]

    def describe(self) -> str:
        """Say what the marks of the curve are; nothing without marks."""
        counts = {name: self.label.count(name) for name in MARKS}
        found = [f"{MARKS[name][1]} {n} {name}" for name, n in counts.items() if n]
        return f"RMS at the right: {', '.join(found)}" if found else ""


def total_rms(view: View, probe: OpenProbe) -> Floats:
    """RMS of all samples of a view about the lines of their blocks, V; NaN of no samples."""
    squares, n = np.zeros((2, probe.references.n_channels))
    for part in view.parts:
        found = probe.amplitude(part.columns)
        squares += found.squares[:, part.there].sum(axis=1)
        n += found.n[:, part.there].sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.sqrt(squares / n))


def draw_profile(figure: Figure, box: Box, profile: Profile, rows: Rows, microvolts: float) -> Axes:
    """Draw RMS over depth as a curve, and the channels that are not good as marks.

    Parameters
    ----------
    box : Box
        In which it is drawn, of the height of the map.
    microvolts : float
        Right end of the axis; what is beyond stands there.
    """
    n = rows.channels.size
    axes = new_axes(figure, box)
    axes.set(xlim=(0, microvolts), ylim=(n, 0))
    shown = np.minimum(profile.rms[rows.channels] * 1e6, microvolts)
    y = np.arange(n) + 0.5
    label = np.array(profile.label or ["good"] * profile.rms.size)[rows.channels]
    curve = np.where(np.isin(label, ("dead", "noisy"), invert=True), shown, np.nan)
    for block in rows.blocks:
        here = slice(block.first, block.stop)
        known = np.isfinite(curve[here])  # the curve goes on past a bad channel
        style = "-" if block.has_depth and np.count_nonzero(known) > 1 else "."
        axes.plot(curve[here][known], y[here][known], style, color="black", linewidth=1, ms=3)
    for name, (marker, _) in MARKS.items():
        here = (label == name) & np.isfinite(shown)
        edge: dict[str, Any] = {"color": LABEL_COLOURS[name], "linewidths": 1.2}
        if marker != "x":
            edge["facecolors"] = "white"
        size = 26 if box.height >= 3 * n else 14
        axes.scatter(shown[here], y[here], s=size, marker=marker, clip_on=False, zorder=3, **edge)
    axes.set_yticks([])
    # above: beside the last label of the time axis there is no room
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
    axes.tick_params(labelsize=9, color="#888888")
    axes.set_xlabel("RMS (µV)", fontsize=9, color=QUIET)
    axes.grid(axis="x", color="#e5e5e5", linewidth=0.8)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_color("#888888")
        spine.set_linewidth(0.8)
    return axes
