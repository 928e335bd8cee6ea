"""Power of named bands by depth and time, coherence of channels, spectra of areas."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lfpscope.clock.timeline import Timeline, make_timeline
from lfpscope.formatting import count_text
from lfpscope.nwb.areas import is_area
from lfpscope.render.depth_labels import label_rows
from lfpscope.render.figure import QUIET, Box, new_axes
from lfpscope.render.spectrum_images import (
    COLOURS,
    area_spectra,
    band_columns,
    colour_image,
    mean_rows,
    time_columns,
)
from lfpscope.render.spectrum_page import (
    BAND_DB,
    LOWEST_HZ,
    PSD_DB,
    WIDTH,
    Page,
    draw_colours,
    image_axes,
)
from lfpscope.render.time_labels import label_time
from lfpscope.signals.spectra import find_windows
from lfpscope.typing import Floats

BETWEEN = 6  # pixels between bands


def draw_bands(page: Page, box: Box, moved: float) -> None:
    """Draw the named bands one below the other, the first one in a box."""
    spectrum, references = page.spectrum, page.references
    timeline = make_timeline([references.clock])
    windows = find_windows(timeline.clock(references.clock))
    if windows is None:
        return
    hop = windows.welch.length / windows.welch.rate
    # a bin is shown up to where the next one starts
    edges = np.stack([windows.edges[:, 0], windows.edges[:, 0] + hop], axis=1)
    edges[:, 1] = np.minimum(edges[:, 1], np.append(edges[1:, 0], np.inf))
    last = np.append(np.diff(windows.edges[:, 0]) > 1.5 * hop, True)
    edges[last, 1] = windows.edges[last, 1]
    first, stop = time_columns(edges, timeline.start, timeline.stop, box.width)
    low, high = (one + moved for one in BAND_DB)
    floor, step = spectrum.attributes["floor_db"], spectrum.attributes["code_step_db"]
    names = spectrum.attributes["named_bands"]
    for i, name in enumerate(names):
        here = Box(box.left, box.top + i * (box.height + BETWEEN), box.width, box.height)
        power = band_columns(spectrum.named[:, i], floor, step, first, stop)
        image = colour_image(mean_rows(power, page.rows, here.height), low, high)
        axes = image_axes(page.figure, here, image)
        axes.set_xlim(0, box.width)
        _label_band(page, axes, here, name, spectrum.named_edges[i])
        _time_axis(page.figure, here, timeline, is_last=i == len(names) - 1)
        if i == 0:
            draw_colours(
                page.figure,
                Box(here.left, here.top, here.width, 3 * box.height),
                low,
                high,
                "power in band (dB re 1 µV²)",
            )


def _label_band(page: Page, axes: Axes, box: Box, name: str, edges: Floats) -> None:
    label_rows(page.figure, axes, box, page.references.channels, page.rows, page.colours)
    paper = {"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 1.5}
    text = f"{name} {edges[0]:g}–{edges[1]:g} Hz"
    axes.text(box.width - 5, 5, text, fontsize=9.5, ha="right", va="top", bbox=paper)
    axes.set_xticks([])


def _time_axis(figure: Figure, box: Box, timeline: Timeline, *, is_last: bool) -> None:
    axes = new_axes(figure, box)
    axes.patch.set_visible(False)
    axes.set_yticks([])
    axes.set_xlim(timeline.start, timeline.stop)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(labelsize=9.5, color="#888888")
    label_time(axes, timeline, box.width)
    if not is_last:
        axes.tick_params(labelbottom=False)
        axes.set_xlabel("")


# --- coherence, spectra of areas ----------------------------------------------------------------


def draw_coherence(page: Page, box: Box) -> None:
    """Matrices of the bands, channels as in the picture's rows."""
    spectrum = page.spectrum
    place = {channel: i for i, channel in enumerate(spectrum.compared.tolist())}
    order = [place[one] for one in page.rows.channels.tolist() if one in place]
    n = spectrum.quality["n_compared_windows"]
    if len(order) < 2 or not np.isfinite(spectrum.coherence).any():
        why = (
            f"{count_text(n, 'window')}, expected at least 20" if len(order) > 1 else "one channel"
        )
        text = f"no coherence: {why}"
        page.figure.text(box.left / WIDTH, 1 - (box.top + 20) / _height(page), text, color=QUIET)
        return
    n_all = page.rows.channels.size
    rows = "rows" if len(order) == n_all else f"{len(order)} of {n_all} rows"
    for i, name in enumerate(spectrum.attributes["coherence_bands"]):
        here = Box(box.left + i * (box.width + 14), box.top, box.width, box.height)
        matrix = spectrum.coherence[i][np.ix_(order, order)].astype(np.float64)
        known = ~np.isnan(matrix)
        colours = COLOURS[(np.where(known, matrix, 0) * 255).astype(np.uint8)]
        image = np.where(known[..., np.newaxis], colours, np.uint8(236))
        axes = image_axes(page.figure, here, image)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_title(name, fontsize=9.5, pad=4)
        if i == 0:
            axes.set_ylabel("coherence of channels", fontsize=10)
            axes.set_xlabel(
                f"{rows} as above · 0 dark, 1 bright · {n} windows", fontsize=9, loc="left"
            )


def _height(page: Page) -> float:
    return float(page.figure.get_figheight() * page.figure.dpi)


def draw_mean_spectra(page: Page, box: Box, moved: float) -> None:
    """Mean density of the good channels, of each area where the file has areas."""
    spectrum = page.spectrum
    areas = [name if is_area(name) else "" for name in spectrum.attributes["areas"]]
    label = "good" if (spectrum.label == "good").any() else "unknown"
    found = area_spectra(spectrum, areas or [""] * spectrum.psd.shape[0], label)
    axes = new_axes(page.figure, box)
    keep = spectrum.frequency >= LOWEST_HZ
    for name, (psd, n) in found.items():
        with np.errstate(divide="ignore"):
            level = 10 * np.log10(psd[keep]) + 120
        colour = page.colours.get(name, "#333333")
        text = f"{name or 'no area' if areas else 'channels'} ({n})"
        axes.semilogx(spectrum.frequency[keep], level, color=colour, linewidth=1.1, label=text)
    low, high = (one + moved for one in PSD_DB)
    axes.set_ylim(low - 10, high)
    first, last = max(LOWEST_HZ, float(spectrum.frequency[1])), float(spectrum.frequency[-1])
    axes.set_xlim(first, last)
    ticks = [tick for tick in (1, 10, 100, 1000, 10_000) if first <= tick <= last]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("frequency (Hz)", fontsize=9.5)
    axes.set_ylabel("dB re 1 µV²/Hz", fontsize=9.5)
    axes.set_title(f"mean of channels that are {label}", fontsize=9.5, pad=4)
    axes.tick_params(labelsize=8.5)
    axes.grid(color="#e4e4e4", linewidth=0.6)
    if found:
        axes.legend(fontsize=7.5, ncols=1 + len(found) // 9, frameon=False, loc="lower left")
