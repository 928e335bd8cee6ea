"""The picture of a probe's spectra and of its channel quality, as PNG."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lfpscope.doubts import doubts_from_json
from lfpscope.nwb.areas import is_area
from lfpscope.references.model import ProbeReferences
from lfpscope.references.open import open_references
from lfpscope.render.areas import area_colours
from lfpscope.render.channel_features import draw_features
from lfpscope.render.depth_labels import label_rows
from lfpscope.render.figure import (
    WARNING,
    Box,
    draw_heading,
    fit_text,
    make_heading,
    new_figure,
    save,
)
from lfpscope.render.fonts import text_settings
from lfpscope.render.rows import arrange_rows
from lfpscope.render.spectrum_bands import (
    BETWEEN,
    draw_bands,
    draw_coherence,
    draw_mean_spectra,
)
from lfpscope.render.spectrum_images import (
    Spectrum,
    colour_image,
    column_frequencies,
    fit_scale,
    mean_rows,
    psd_columns,
    read_spectrum,
)
from lfpscope.render.spectrum_page import (
    LOWEST_HZ,
    PSD_DB,
    WIDTH,
    Page,
    draw_colours,
    image_axes,
)
from lfpscope.samples.channel_labels import read_labels_by_hand
from lfpscope.typing import Floats

LEFT, RIGHT = 190, 24
TOP, UPPER, BANDS, LOWER, SPACE = 86, 430, 110, 230, 60
THUMBNAIL = (320, 180)
FEATURES_LEFT = 876


def draw_spectrum(
    references: Path,
    spectrum: Path,
    *,
    picture: Path,
    thumbnail: Path,
    by_hand: Path | None = None,
) -> None:
    """Draw spectra by depth and time, and channel quality, of one probe.

    Parameters
    ----------
    references, spectrum : Path
        ``lfp.json`` and ``spectrum.zarr.zip`` of the probe.
    picture, thumbnail : Path
        The PNG files to write.
    by_hand : Path, optional
        ``bad_channels.tsv`` of the session, whose labels count before those that were found.

    Raises
    ------
    UserError
        If the spectra are damaged, or are not those of the probe.
    """
    opened = open_references(references)
    found = read_spectrum(spectrum, opened)
    if by_hand:
        found = _relabel(found, opened, read_labels_by_hand(by_hand, opened.probe))
    with text_settings():
        save(_draw_page(opened, found), picture)
        save(_draw_thumbnail(opened, found), thumbnail)


def _relabel(spectrum: Spectrum, references: ProbeReferences, by_hand: dict[int, str]) -> Spectrum:
    """Labels that a user wrote instead of those that were found."""
    ids = references.channels.id.tolist()
    pairs = zip(ids, spectrum.label.tolist(), strict=True)
    label = np.array([by_hand.get(one, label) for one, label in pairs])
    n = sum(one in by_hand for one in ids)
    notes = [*spectrum.quality["notes"], *([f"{n} labelled by hand"] if n else [])]
    return replace(spectrum, label=label, quality={**spectrum.quality, "notes": notes})


def _draw_page(references: ProbeReferences, spectrum: Spectrum) -> Figure:
    moved = fit_scale(_levels(spectrum), *PSD_DB)
    heading = make_heading(
        f"session {references.session} · probe {references.probe} · spectra and channel quality",
        _caption(spectrum, moved),
        doubts_from_json(spectrum.attributes["doubts"]),
        WIDTH,
    )
    why = _why_empty(spectrum)
    n_bands = 0 if why else len(spectrum.named_edges)
    top = TOP + heading.shift
    middle = top + UPPER + SPACE
    bottom = middle + n_bands * (BANDS + BETWEEN) + (SPACE + 16) * (n_bands > 0)
    figure = new_figure(WIDTH, middle if why else bottom + LOWER + SPACE - 50)
    draw_heading(figure, heading)
    areas = spectrum.attributes["areas"]
    colours = area_colours({name for name in areas if is_area(name)})
    page = Page(figure, references, spectrum, arrange_rows(references.channels), colours)
    _draw_psd(page, Box(LEFT, top, 560, UPPER), moved, why)
    draw_features(page, Box(FEATURES_LEFT, top, WIDTH - RIGHT - FEATURES_LEFT, UPPER))
    if not why:
        if n_bands:
            draw_bands(page, Box(LEFT, middle, WIDTH - LEFT - 110, BANDS), moved)
        draw_coherence(page, Box(LEFT, bottom, LOWER - 50, LOWER - 50))
        draw_mean_spectra(page, Box(1236, bottom, WIDTH - RIGHT - 1236, LOWER - 50), moved)
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
        parts.append(f"{most.max(initial=0)} of {attributes['n_windows']} windows valid")
        parts.append("grey: no window")  # the end of a recording seldom fills one
    found = [(name, int((spectrum.label == name).sum())) for name in quality["labels"]]
    parts.append(", ".join(f"{n} {name}" for name, n in found if n))
    flags = " ".join(quality["flags"]).split()
    parts += [f"{flags.count(name)} {name}" for name in dict.fromkeys(sorted(flags))]
    for one in quality["surfaces"]:
        shank = f"shank {one['part']}: " if len(quality["surfaces"]) > 1 else ""
        parts.append(f"{shank}surface at {abs(one['height']):.0f} ± {one['uncertainty']:.0f} µm")
    parts += quality["notes"]
    if spectrum.frequency.size and quality["pass_band_end_hz"] < 0.99 * spectrum.frequency[-1]:
        parts.append(f"stop band of a filter from {quality['pass_band_end_hz']:.0f} Hz")
    if moved:
        parts.append(f"scale moved by {moved:+.0f} dB".replace("-", "−"))
    return parts


def _why_empty(spectrum: Spectrum) -> str:
    """Why there is no spectrum to show; empty where there is one."""
    attributes = spectrum.attributes
    if not spectrum.frequency.size:
        return str(attributes["no_spectrum"])
    if not attributes["n_windows"]:
        return f"no segment holds a window of {attributes['window_samples']} samples"
    if not spectrum.n_windows.any():
        return "each window has a sample that is missing, damaged or implausible"
    return ""


# --- density by depth ---------------------------------------------------------------------------


def _draw_psd(page: Page, box: Box, moved: float, why: str) -> None:
    spectrum = page.spectrum
    if why:
        axes = image_axes(page.figure, box, None)
        axes.text(
            box.width / 2,
            box.height / 2,
            fit_text(why, 11, box.width - 20),
            ha="center",
            color=WARNING,
        )
        axes.set_xticks([])
    else:
        edges = _frequency_edges(spectrum, box.width)
        power = psd_columns(spectrum.frequency, spectrum.psd, edges)
        low, high = (one + moved for one in PSD_DB)
        axes = image_axes(
            page.figure, box, colour_image(mean_rows(power, page.rows, box.height), low, high)
        )
        _label_frequencies(axes, edges, box.width)
        _mark_mains(axes, spectrum, edges, box)
        draw_colours(page.figure, box, low, high, "density (dB re 1 µV²/Hz)")
    label_rows(page.figure, axes, box, page.references.channels, page.rows, page.colours)


def _frequency_edges(spectrum: Spectrum, width: int) -> Floats:
    low = max(LOWEST_HZ, float(spectrum.frequency[1]))
    return column_frequencies(low, float(spectrum.frequency[-1]), width)


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


# --- for the gallery ----------------------------------------------------------------------------


def _draw_thumbnail(references: ProbeReferences, spectrum: Spectrum) -> Figure:
    width, height = THUMBNAIL
    figure = new_figure(width, height)
    box = Box(0, 0, width, height - 18)
    moved = fit_scale(_levels(spectrum), *PSD_DB)
    if spectrum.frequency.size and spectrum.n_windows.any():
        edges = _frequency_edges(spectrum, box.width)
        power = psd_columns(spectrum.frequency, spectrum.psd, edges)
        rows = arrange_rows(references.channels)
        image = colour_image(
            mean_rows(power, rows, box.height), PSD_DB[0] + moved, PSD_DB[1] + moved
        )
        image_axes(figure, box, image).axis("off")
        text = f"spectrum {edges[0]:.2g}–{edges[-1]:.4g} Hz by depth"
    else:
        text = "no spectrum"
    figure.text(0.01, 3 / height, text, fontsize=8, va="bottom")
    return figure
