"""Features of channel quality by depth, with labels and thresholds."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from lfpscope.render.figure import QUIET, WARNING, Box, fit_text, new_axes, text_width
from lfpscope.render.palettes import LABEL_COLOURS
from lfpscope.render.rows import Rows
from lfpscope.render.spectrum_images import Spectrum
from lfpscope.render.spectrum_page import Page
from lfpscope.typing import Floats

BESIDE = 22  # pixels between panels
DASHED: dict[str, Any] = {"color": WARNING, "linewidth": 0.9, "linestyle": (0, (4, 3))}


@dataclass(frozen=True)
class Feature:
    """One panel of channel quality.

    Attributes
    ----------
    title : str
        With the unit.
    values : ndarray, shape (n_channels,) or (n_bands, n_channels)
        Of the panel's axis; a line from the lowest to the highest band.
    thresholds : tuple of float
        Dashed lines.
    span : (float, float)
        Of the axis; values beyond it stand at its edge.
    ticks : tuple of float
        On the axis.
    is_log : bool
        Whether the values are powers of ten.
    limits : ndarray of float64, shape (n_channels,), optional
        A threshold that differs from channel to channel.
    """

    title: str
    values: npt.NDArray[Any]
    thresholds: tuple[float, ...]
    span: tuple[float, float]
    ticks: tuple[float, ...]
    is_log: bool = False
    limits: npt.NDArray[Any] | None = None


def _features(spectrum: Spectrum) -> list[Feature]:
    found, limits = spectrum.features, spectrum.quality["thresholds"]
    with np.errstate(divide="ignore", invalid="ignore"):
        std = np.log10(found["std"] * 1e6)
    known = std[np.isfinite(std)]
    low = float(np.floor(known.min(initial=1.0)))
    high = max(float(np.ceil(known.max(initial=2.0))), low + 1)
    decades = tuple(np.arange(low, high + 0.5, np.ceil((high - low) / 3)).tolist())
    quiet, loud = -limits["quiet_db"], limits["loud_db"]
    level, hf = found["level_difference"], found["hf_difference"]
    share, most = 100 * found["drift_share"], 100 * limits["drift_share"]
    similarity, usual = found["similarity"], found["similarity_limit"]
    return [
        Feature("SD (µV)", std, (), (low, high), decades, is_log=True),
        Feature("level (dB)", level, (quiet, loud), (-24.0, 24.0), (-20, 0, 20)),
        Feature("high freq. (dB)", hf, (limits["hf_db"],), (-12.0, 24.0), (-10, 0, 10, 20)),
        Feature("similarity", similarity, (), (0.0, 1.0), (0, 0.5, 1), limits=usual),
        Feature(
            "mains (dB)", found["line_level"], (limits["mains_db"],), (-5.0, 40.0), (0, 20, 40)
        ),
        Feature("below 0.5 Hz (%)", share, (most,), (0.0, 100.0), (0, 50, 100)),
    ]


def draw_features(page: Page, box: Box) -> None:
    """Draw a panel for each feature, with the channels in the picture's rows."""
    n = page.rows.channels.size
    y = (np.arange(n) + 0.5) * box.height / n
    labels = page.spectrum.label[page.rows.channels]
    colours = [LABEL_COLOURS[one] for one in labels.tolist()]
    sizes = np.where(labels == "good", 3.0, 12.0) * min(1.0, max(0.3, 200 / n))
    features = _features(page.spectrum)
    width = box.width // len(features) - BESIDE
    for i, one in enumerate(features):
        left = box.left + i * (width + BESIDE)
        axes = new_axes(page.figure, Box(left, box.top, width, box.height))
        axes.set(xlim=one.span, ylim=(box.height, 0))
        for threshold in one.thresholds:
            axes.axvline(threshold, **DASHED)
        if one.limits is not None:
            axes.plot(one.limits[page.rows.channels], y, **DASHED)
        _draw_points(axes, one, page.rows, y, colours, sizes)
        axes.set_yticks([])
        axes.set_xlabel(one.title, fontsize=9)
        axes.tick_params(labelsize=8.5, color="#888888")
        labels_of = [_power_of_ten(tick) if one.is_log else f"{tick:g}" for tick in one.ticks]
        axes.set_xticks(one.ticks, [text.replace("-", "−") for text in labels_of])
        for tick, label in zip(one.ticks, axes.get_xticklabels(), strict=True):
            # inwards at the ends: the next panel has labels too
            if tick in one.span:
                label.set_horizontalalignment("left" if tick == one.span[0] else "right")
        for spine in axes.spines.values():
            spine.set_color("#cccccc")
    _legend(page, box)


def _power_of_ten(exponent: float) -> str:
    if 0 <= exponent <= 3:
        return f"{10.0**exponent:g}"
    return "10" + f"{exponent:.0f}".translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _draw_points(
    axes: Axes, one: Feature, rows: Rows, y: Floats, colours: list[str], sizes: Floats
) -> None:
    values = np.atleast_2d(one.values)[:, rows.channels]
    if not np.isfinite(values).any():
        centred: dict[str, Any] = {"ha": "center", "va": "center", "rotation": 90}
        paper = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        text = axes.text(0.5, 0.5, "not known", fontsize=9, color=QUIET, bbox=paper, **centred)
        text.set_transform(axes.transAxes)
        return
    low, high = one.span
    shown = np.clip(values, low, high)
    if shown.shape[0] > 1:
        with np.errstate(invalid="ignore"):
            axes.hlines(y, shown.min(axis=0), shown.max(axis=0), colors=colours, linewidth=1.4)
    middle = np.median(shown, axis=0)  # a line of no length is not seen
    known = np.isfinite(middle)
    axes.scatter(
        middle[known],
        y[known],
        s=sizes[known],
        c=np.array(colours)[known].tolist(),
        linewidths=0,
        clip_on=False,
        zorder=3,
    )


def _legend(page: Page, box: Box) -> None:
    """Names of the labels that occur, above the panels."""
    axes = new_axes(page.figure, Box(box.left, box.top - 20, box.width, 14))
    axes.set(xlim=(0, box.width), ylim=(14, 0))
    axes.axis("off")
    x = 6.0
    for name, colour in LABEL_COLOURS.items():
        n = int((page.spectrum.label == name).sum())
        if n:
            axes.scatter([x], [7], s=16, color=colour, linewidths=0, clip_on=False)
            text = f"{n} {name}"
            axes.text(x + 9, 7, text, fontsize=9, va="center", color=colour)
            x += 30 + 7.2 * len(text)
    texts = (
        "differences are from the median of neighbours in µm; dashed: thresholds",
        "dB from the median of neighbours; dashed: thresholds",
        "dB from neighbours; dashed: thresholds",
    )
    room = box.width - x
    fitting = [text for text in texts if text_width(text, 8.5) <= room]
    axes.text(
        box.width,
        7,
        fitting[0] if fitting else fit_text(texts[-1], 8.5, room),
        fontsize=8.5,
        va="center",
        ha="right",
        color=QUIET,
    )
