"""The picture of a probe's spectra and of its channel quality, as PNG."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lfpscope.clock.timeline import Timeline, make_timeline
from lfpscope.doubts import doubts_from_json
from lfpscope.references.model import References, open_references
from lfpscope.render.areas import area_colours, is_area
from lfpscope.render.figure import (
    QUIET,
    WARNING,
    Box,
    draw_heading,
    fit_text,
    label_rows,
    label_time,
    make_heading,
    new_axes,
    new_figure,
    save,
    text_settings,
)
from lfpscope.render.rows import Rows, arrange_rows
from lfpscope.render.spectrum_images import (
    COLOURS,
    Floats,
    Image,
    Spectrum,
    area_spectra,
    band_columns,
    colour_image,
    column_frequencies,
    fit_scale,
    mean_rows,
    psd_columns,
    read_spectrum,
    time_columns,
)
from lfpscope.signals.spectra import find_windows

WIDTH, LEFT, RIGHT = 1600, 190, 24
PSD_DB = (-30.0, 40.0)  # dB re 1 µV²/Hz
BAND_DB = (0.0, 50.0)  # dB re 1 µV²: RMS of 1 to 316 µV
LOWEST_HZ = 0.5
TOP, UPPER, BANDS, LOWER, BETWEEN = 70, 430, 110, 230, 60
THUMBNAIL = (320, 180)
FEATURE, FEATURES_LEFT = 104, 876
LABEL_COLOURS = {
    "good": "#4d4d4d",
    "dead": "#1f78b4",
    "noisy": "#d7191c",
    "outside": "#e6a11c",
    "unknown": "#b0b0b0",
}


@dataclass(frozen=True)
class Page:
    """What all parts of the picture need.

    Attributes
    ----------
    figure : Figure
        On which they are drawn.
    references : References
        Of the probe.
    spectrum : Spectrum
        Its spectra.
    rows : Rows
        Channels from the top down.
    colours : dict of str to str
        Of brain areas.
    """

    figure: Figure
    references: References
    spectrum: Spectrum
    rows: Rows
    colours: dict[str, str]


def draw_spectrum(references: Path, spectrum: Path, *, picture: Path, thumbnail: Path) -> None:
    """Draw spectra by depth and time, and channel quality, of one probe.

    Parameters
    ----------
    references, spectrum : Path
        ``lfp.json`` and ``spectrum.zarr.zip`` of the probe.
    picture, thumbnail : Path
        The PNG files to write.

    Raises
    ------
    UserError
        If the spectra are damaged, or are not those of the probe.
    """
    opened = open_references(references)
    found = read_spectrum(spectrum, opened)
    with text_settings():
        save(_draw_page(opened, found), picture)
        save(_draw_thumbnail(opened, found), thumbnail)


def _draw_page(references: References, spectrum: Spectrum) -> Figure:
    moved = fit_scale(_levels(spectrum), *PSD_DB)
    heading = make_heading(
        f"session {references.session} · probe {references.probe} · spectra and channel quality",
        _caption(spectrum, moved),
        doubts_from_json(spectrum.attributes["doubts"]),
        WIDTH,
    )
    n_bands = len(spectrum.named_edges)
    top = TOP + heading.shift
    middle = top + UPPER + BETWEEN
    bottom = middle + n_bands * (BANDS + 6) + BETWEEN + 16
    figure = new_figure(WIDTH, bottom + LOWER + BETWEEN - 6 if n_bands else middle + 40)
    draw_heading(figure, heading)
    areas = spectrum.attributes["areas"]
    colours = area_colours({name for name in areas if is_area(name)})
    page = Page(figure, references, spectrum, arrange_rows(references.channels), colours)
    if not spectrum.frequency.size:
        why = spectrum.attributes["no_spectrum"]
    elif not spectrum.n_windows.any():
        why = _no_windows(spectrum)
    else:
        why = ""
    box = Box(LEFT, top, 560, UPPER)
    _draw_psd(page, box, moved, why)
    _draw_features(page, Box(FEATURES_LEFT, top, WIDTH - RIGHT - FEATURES_LEFT, UPPER))
    if n_bands and not why:
        _draw_bands(page, Box(LEFT, middle, WIDTH - LEFT - 110, BANDS), moved)
    if n_bands:
        _draw_coherence(page, Box(LEFT, bottom, LOWER - 50, LOWER - 50))
        if not why:
            _draw_mean_spectra(page, Box(1236, bottom, WIDTH - RIGHT - 1236, LOWER - 50), moved)
    return figure


def _levels(spectrum: Spectrum) -> Floats:
    """Densities in dB re 1 µV²/Hz of what the picture shows."""
    shown = spectrum.psd[:, spectrum.frequency >= LOWEST_HZ]
    shown = shown[spectrum.label != "dead"]
    with np.errstate(divide="ignore"):
        return np.asarray(10 * np.log10(shown.astype(np.float64)) + 120)


def _caption(spectrum: Spectrum, moved: float) -> list[str]:
    """What was computed and how, and what was found."""
    attributes, quality = spectrum.attributes, spectrum.quality
    parts = []
    if spectrum.frequency.size:
        rate, length = attributes["rate"], attributes["window_samples"]
        parts.append(f"Hann windows of {length} samples ({length / rate:.3g} s), 50 % overlap")
        most = spectrum.n_windows.sum(axis=1, dtype=np.int64)
        parts.append(f"{most.max(initial=0)} of {attributes['n_windows']} windows")
    found = [
        (name, int((spectrum.label == name).sum())) for name in quality["labels"]
    ]
    parts.append(", ".join(f"{n} {name}" for name, n in found if n))
    flags = " ".join(quality["flags"]).split()
    parts += [f"{flags.count(name)} {name}" for name in dict.fromkeys(sorted(flags))]
    for one in quality["surfaces"]:
        shank = f"shank {one['part']}: " if len(quality["surfaces"]) > 1 else ""
        parts.append(
            f"{shank}surface at {abs(one['height']):.0f} ± {one['uncertainty']:.0f} µm"
        )
    if quality["pass_band_end_hz"] and spectrum.frequency.size:
        if quality["pass_band_end_hz"] < 0.99 * spectrum.frequency[-1]:
            parts.append(f"stop band of a filter from {quality['pass_band_end_hz']:.0f} Hz")
    if moved:
        parts.append(f"scale moved by {moved:+.0f} dB".replace("-", "−"))
    return parts


def _no_windows(spectrum: Spectrum) -> str:
    attributes = spectrum.attributes
    if not attributes["n_windows"]:
        return f"no segment holds a window of {attributes['window_samples']} samples"
    return "each window has a sample that is missing, damaged or implausible"


# --- density by depth ---------------------------------------------------------------------------


def _draw_psd(page: Page, box: Box, moved: float, why: str) -> None:
    spectrum = page.spectrum
    if why:
        axes = _image(page.figure, box, None)
        axes.text(
            box.width / 2, box.height / 2, fit_text(why, 11, box.width - 20), ha="center", color=WARNING
        )
        axes.set_xticks([])
    else:
        edges = _frequency_edges(spectrum, box.width)
        power = psd_columns(spectrum.frequency, spectrum.psd, edges)
        low, high = (one + moved for one in PSD_DB)
        axes = _image(page.figure, box, colour_image(mean_rows(power, page.rows, box.height), low, high))
        _label_frequencies(axes, edges, box.width)
        _mark_mains(axes, spectrum, edges, box)
        _colour_bar(page.figure, box, low, high, "density (dB re 1 µV²/Hz)")
    label_rows(page.figure, axes, box, page.references.channels, page.rows, page.colours)


def _frequency_edges(spectrum: Spectrum, width: int) -> Floats:
    low = max(LOWEST_HZ, float(spectrum.frequency[1]))
    return column_frequencies(low, float(spectrum.frequency[-1]), width)


def _image(figure: Figure, box: Box, image: Image | None) -> Axes:
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


def _pixels_of(frequency: Floats | float, edges: Floats, width: int) -> Any:
    return np.log(frequency / edges[0]) / np.log(edges[-1] / edges[0]) * width


def _label_frequencies(axes: Axes, edges: Floats, width: int) -> None:
    wanted = [m * 10.0**k for k in range(-2, 5) for m in (1, 2, 5)]
    shown = [one for one in wanted if edges[0] <= one <= edges[-1]]
    kept: list[float] = []
    for one in shown:
        if not kept or _pixels_of(one, edges, width) - _pixels_of(kept[-1], edges, width) >= 30:
            kept.append(one)
    axes.set_xticks([_pixels_of(one, edges, width) for one in kept], [f"{one:g}" for one in kept])
    axes.set_xlabel("frequency (Hz)", fontsize=10)


def _mark_mains(axes: Axes, spectrum: Spectrum, edges: Floats, box: Box) -> None:
    """Mark mains and its harmonics above the image, where any channel has it."""
    mains = spectrum.quality["mains_hz"]
    if not any("mains" in flags.split() for flags in spectrum.quality["flags"]):
        return
    for order in range(1, 6):
        if edges[0] < order * mains < edges[-1]:
            x = _pixels_of(order * mains, edges, box.width)
            axes.plot([x, x], [-7, -1], color=WARNING, linewidth=1.2, clip_on=False)
            if order == 1:
                text = f"mains {mains:.0f} Hz"
                axes.text(x, -9, text, ha="center", va="bottom", fontsize=8.5, color=WARNING)


def _colour_bar(figure: Figure, box: Box, low: float, high: float, title: str) -> None:
    bar = Box(box.left + box.width + 12, box.top, 12, min(box.height, 260))
    axes = new_axes(figure, bar)
    axes.imshow(COLOURS[::-1, np.newaxis], aspect="auto", extent=(0, 1, low, high))
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    axes.set_ylabel(title, fontsize=9.5)
    axes.tick_params(labelsize=9)


# --- features by depth --------------------------------------------------------------------------


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
    """

    title: str
    values: npt.NDArray[Any]
    thresholds: tuple[float, ...]
    span: tuple[float, float]
    is_log: bool = False


def _features(spectrum: Spectrum) -> list[Feature]:
    found, limits = spectrum.features, spectrum.quality["thresholds"]
    with np.errstate(divide="ignore", invalid="ignore"):
        std = np.log10(found["std"] * 1e6)
    known = std[np.isfinite(std)]
    low, high = (float(np.floor(known.min())), float(np.ceil(known.max()))) if known.size else (0, 3)
    quiet, loud = -limits["quiet_db"], limits["loud_db"]
    return [
        Feature("SD (µV)", std, (), (low, max(high, low + 1)), is_log=True),
        Feature("level (dB)", found["level_difference"], (quiet, loud), (-24.0, 24.0)),
        Feature("high freq. (dB)", found["hf_difference"], (limits["hf_db"],), (-12.0, 24.0)),
        Feature("similarity", found["similarity"], (), (0.0, 1.0)),
        Feature("mains (dB)", found["line_level"], (limits["mains_db"],), (-5.0, 40.0)),
        Feature(
            "< 0.5 Hz (%)", 100 * found["drift_share"], (100 * limits["drift_share"],), (0.0, 100.0)
        ),
    ]


def _draw_features(page: Page, box: Box) -> None:
    n = page.rows.channels.size
    y = (np.arange(n) + 0.5) * box.height / n
    labels = page.spectrum.label[page.rows.channels]
    colours = [LABEL_COLOURS[one] for one in labels.tolist()]
    sizes = np.where(labels == "good", 3.0, 12.0) * min(1.0, max(0.3, 200 / n))
    features = _features(page.spectrum)
    width = box.width // len(features) - 14
    for i, one in enumerate(features):
        axes = new_axes(page.figure, Box(box.left + i * (width + 14), box.top, width, box.height))
        axes.set(xlim=one.span, ylim=(box.height, 0))
        for threshold in one.thresholds:
            axes.axvline(threshold, color=WARNING, linewidth=0.9, linestyle=(0, (4, 3)))
        _draw_points(axes, one, page.rows, y, colours, sizes)
        axes.set_yticks([])
        axes.set_xlabel(one.title, fontsize=9)
        axes.tick_params(labelsize=8.5, color="#888888")
        axes.locator_params(axis="x", nbins=3)
        if one.is_log:
            ticks = np.arange(one.span[0], one.span[1] + 0.5)
            axes.set_xticks(ticks, [f"{10**tick:g}" for tick in ticks])
        for spine in axes.spines.values():
            spine.set_color("#cccccc")
    _legend(page, box)


def _draw_points(
    axes: Axes, one: Feature, rows: Rows, y: Floats, colours: list[str], sizes: Floats
) -> None:
    values = np.atleast_2d(one.values)[:, rows.channels]
    if not values.shape[0]:
        return
    low, high = one.span
    shown = np.clip(values, low, high)
    if shown.shape[0] > 1:
        with np.errstate(invalid="ignore"):
            axes.hlines(y, shown.min(axis=0), shown.max(axis=0), colors=colours, linewidth=0.8)
    else:
        known = np.isfinite(shown[0])
        axes.scatter(
            shown[0, known],
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
    text = "differences are from the median of neighbours in µm; dashed: thresholds"
    axes.text(box.width, 7, fit_text(text, 8.5, box.width - x), fontsize=8.5, va="center", ha="right", color=QUIET)


# --- bands by depth and time --------------------------------------------------------------------


def _draw_bands(page: Page, box: Box, moved: float) -> None:
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
        here = Box(box.left, box.top + i * (box.height + 6), box.width, box.height)
        power = band_columns(spectrum.named[:, i], floor, step, first, stop)
        image = colour_image(mean_rows(power, page.rows, here.height), low, high)
        axes = _image(page.figure, here, image)
        axes.set_xlim(0, box.width)
        _label_band(page, axes, here, name, spectrum.named_edges[i])
        _time_axis(page.figure, here, timeline, is_last=i == len(names) - 1)
        if i == 0:
            _colour_bar(page.figure, Box(here.left, here.top, here.width, 3 * BANDS), low, high, "power in band (dB re 1 µV²)")


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


def _draw_coherence(page: Page, box: Box) -> None:
    """Matrices of the bands, channels as in the picture's rows."""
    spectrum = page.spectrum
    place = {channel: i for i, channel in enumerate(spectrum.compared.tolist())}
    order = [place[one] for one in page.rows.channels.tolist() if one in place]
    n = spectrum.quality["n_compared_windows"]
    for i, name in enumerate(spectrum.attributes["coherence_bands"]):
        here = Box(box.left + i * (box.width + 14), box.top, box.width, box.height)
        matrix = spectrum.coherence[i][np.ix_(order, order)].astype(np.float64)
        known = ~np.isnan(matrix)
        colours = COLOURS[(np.where(known, matrix, 0) * 255).astype(np.uint8)]
        image = np.where(known[..., np.newaxis], colours, np.uint8(236))
        axes = _image(page.figure, here, image)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_title(name, fontsize=9.5, pad=4)
        if i == 0:
            axes.set_ylabel("coherence of channels", fontsize=10)
            axes.set_xlabel(f"rows as above · 0 dark, 1 bright · {n} windows", fontsize=9, loc="left")


def _draw_mean_spectra(page: Page, box: Box, moved: float) -> None:
    """Mean density of the good channels, of each area where the file has areas."""
    spectrum = page.spectrum
    areas = [name if is_area(name) else "" for name in spectrum.attributes["areas"]]
    found = area_spectra(spectrum, areas or [""] * spectrum.psd.shape[0])
    axes = new_axes(page.figure, box)
    keep = spectrum.frequency >= LOWEST_HZ
    for name, (psd, n) in found.items():
        with np.errstate(divide="ignore"):
            level = 10 * np.log10(psd[keep]) + 120
        colour = page.colours.get(name, "#333333")
        text = f"{name or 'no area' if areas else 'good channels'} ({n})"
        axes.semilogx(spectrum.frequency[keep], level, color=colour, linewidth=1.1, label=text)
    low, high = (one + moved for one in PSD_DB)
    axes.set_ylim(low - 10, high)
    if spectrum.frequency[-1] > LOWEST_HZ:
        axes.set_xlim(max(LOWEST_HZ, spectrum.frequency[1]), spectrum.frequency[-1])
    axes.set_xlabel("frequency (Hz)", fontsize=9.5)
    axes.set_ylabel("dB re 1 µV²/Hz", fontsize=9.5)
    axes.set_title("mean of good channels", fontsize=9.5, pad=4)
    axes.tick_params(labelsize=8.5)
    axes.grid(color="#e4e4e4", linewidth=0.6)
    if found:
        axes.legend(fontsize=7.5, ncols=1 + len(found) // 9, frameon=False, loc="lower left")


# --- for the gallery ----------------------------------------------------------------------------


def _draw_thumbnail(references: References, spectrum: Spectrum) -> Figure:
    width, height = THUMBNAIL
    figure = new_figure(width, height)
    box = Box(0, 0, width, height - 18)
    moved = fit_scale(_levels(spectrum), *PSD_DB)
    if spectrum.frequency.size and spectrum.n_windows.any():
        edges = _frequency_edges(spectrum, box.width)
        power = psd_columns(spectrum.frequency, spectrum.psd, edges)
        rows = arrange_rows(references.channels)
        image = colour_image(mean_rows(power, rows, box.height), PSD_DB[0] + moved, PSD_DB[1] + moved)
        _image(figure, box, image).axis("off")
        text = f"spectrum {edges[0]:.2g}–{edges[-1]:.4g} Hz by depth"
    else:
        text = "no spectrum"
    figure.text(0.01, 3 / height, text, fontsize=8, va="bottom")
    return figure
