"""Spectra → images: mean powers in pixels of log frequency, time and depth; no drawing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.envelope.zarr_zip import Store
from lfpscope.references.model import ProbeReferences
from lfpscope.render.colour_maps import VIRIDIS
from lfpscope.render.rows import Rows
from lfpscope.typing import Array, Floats, Ints

Image = npt.NDArray[np.uint8]

NO_WINDOW = np.array([236, 234, 230], np.uint8)  # where there is no window
COLOURS = VIRIDIS
MICROVOLTS_DB = 120.0  # dB re 1 µV² of 1 V²


@dataclass(frozen=True)
class Spectrum:
    """What a picture shows of a ``spectrum.zarr.zip``.

    Attributes
    ----------
    attributes, quality : dict
        Of the file, and of its group of channel quality.
    frequency : ndarray of float64
        Hz; empty where no rate is known.
    psd : ndarray of float32, shape (n_channels, n_frequencies)
        V²/Hz.
    start : ndarray of float64, shape (n_bins,)
        Session time of the time bins, s.
    named : ndarray of uint8, shape (n_channels, n_named, n_bins)
        Coded powers of the named bands.
    named_edges : ndarray of float64, shape (n_named, 2)
        Hz.
    coherence : ndarray of float16, shape (n_bands, n_compared, n_compared)
        Of the channels `compared`.
    compared : ndarray of int64
        Their indices.
    label : ndarray of str, shape (n_channels,)
        Of each channel.
    features : dict of str to ndarray
        Of channel quality.
    n_windows : ndarray of uint8, shape (n_channels, n_bins)
        Valid windows.
    """

    attributes: dict[str, Any]
    quality: dict[str, Any]
    frequency: Floats
    psd: Array
    start: Floats
    named: npt.NDArray[np.uint8]
    named_edges: Floats
    coherence: Array
    compared: Ints
    label: npt.NDArray[np.str_]
    features: dict[str, Array]
    n_windows: npt.NDArray[np.uint8]


FEATURES = (
    *("std", "similarity", "similarity_limit", "line_level", "drift_share"),
    *("hf_difference", "level_difference"),
)


def read_spectrum(path: Path, references: ProbeReferences) -> Spectrum:
    """Read a ``spectrum.zarr.zip``.

    Raises
    ------
    UserError
        If it is missing, damaged, or made of another file or probe.
    """
    store = Store(path)
    try:
        attributes, quality = store.attributes(), store.attributes("quality")
        made_of = attributes["session"], attributes["probe"], attributes["places"]
        if made_of != (references.session, references.probe, references.lfp.crc):
            raise ValueError(f"made of another file or probe than {references.file} describes")
        has_rate = "no_spectrum" not in attributes
        n = references.n_channels

        def read(name: str, *shape: int, dtype: Any = np.float64) -> Array:
            return store.read(name) if has_rate else np.empty(shape, dtype)

        edges = [read(f"named_band_{side}", 0) for side in ("low", "high")]
        return Spectrum(
            attributes=attributes,
            quality=quality,
            frequency=read("frequency", 0),
            psd=read("psd", n, 0),
            start=read("time_start", 0),
            named=read("named_power", n, 0, 0, dtype=np.uint8),
            named_edges=np.stack(edges, axis=1),
            coherence=store.read("coherence"),
            compared=store.read("quality/compared"),
            label=np.array(quality["labels"])[store.read("quality/label")],
            features={name: store.read(f"quality/{name}") for name in FEATURES},
            n_windows=read("n_windows", n, 0, dtype=np.uint8),
        )
    except (LookupError, TypeError, ValueError) as error:
        raise store.damaged(error) from None
    finally:
        store.close()


# --- means of pixels ----------------------------------------------------------------------------


def mean_rows(values: Array, rows: Rows, height: int) -> Array:
    """Values of the channels in the rows of a picture so many pixels high.

    Where a pixel holds several rows, their mean without NaN.

    Parameters
    ----------
    values : ndarray, shape (n_channels, n)
        Powers.
    rows : Rows
        Of the picture.
    height : int
        Pixels.
    """
    ordered, n = values[rows.channels], rows.channels.size
    if n <= height:
        return np.asarray(ordered[np.arange(height) * n // height])
    return _means(ordered.T, np.arange(height) * n // height).T


def _means(values: Array, firsts: Ints) -> Array:
    """Means without NaN of stretches of the last axis, each up to the next one."""
    known = ~np.isnan(values)
    sums = np.add.reduceat(np.where(known, values, 0.0), firsts, axis=-1)
    counts = np.add.reduceat(known.astype(np.int64), firsts, axis=-1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def column_frequencies(low: float, high: float, width: int) -> Floats:
    """Frequencies of the edges of pixels from low to high, on a log axis."""
    return np.geomspace(low, high, width + 1)


def psd_columns(frequency: Floats, psd: Array, edges: Floats) -> Array:
    """Mean density in pixels of a log axis: of their frequencies, or of the nearest one.

    Returns
    -------
    ndarray, shape (n_channels, n_pixels)
        V²/Hz.
    """
    step = frequency[1]
    centres = np.sqrt(edges[1:] * edges[:-1])
    nearest = np.clip(np.rint(centres / step), 1, frequency.size - 1).astype(np.int64)
    first = np.clip(np.searchsorted(frequency, edges[:-1]), 1, frequency.size - 1)
    stop = np.clip(np.searchsorted(frequency, edges[1:]), 1, frequency.size)
    sums = np.concatenate([np.zeros((psd.shape[0], 1)), np.cumsum(psd, axis=1, dtype=float)], 1)
    n = np.maximum(stop - first, 1)
    means = (sums[:, stop] - sums[:, first]) / n
    return np.asarray(np.where(stop > first, means, psd[:, nearest]))


def time_columns(edges: Floats, start: float, stop: float, width: int) -> tuple[Ints, Ints]:
    """Which time bins lie in each of so many pixels.

    Parameters
    ----------
    edges : ndarray of float64, shape (n_bins, 2)
        Axis time from where a bin is shown to where it ends, in order, s.
    start, stop : float
        Of the picture, s.

    Returns
    -------
    first, stop : ndarray of int64, shape (width,)
        Bins; as many as none where both are equal.
    """
    pixels = np.linspace(start, stop, width + 1)
    first = np.searchsorted(edges[:, 1], pixels[:-1], side="right")
    last = np.searchsorted(edges[:, 0], pixels[1:], side="left")
    return first, np.maximum(last, first)


def band_columns(codes: Array, floor_db: float, step_db: float, first: Ints, stop: Ints) -> Array:
    """Mean power of one band in pixels of time.

    Parameters
    ----------
    codes : ndarray of uint8, shape (n_channels, n_bins)
        Coded powers; 0 is no window.

    Returns
    -------
    ndarray of float64, shape (n_channels, n_pixels)
        V²; NaN without a window.
    """
    powers = 10 ** ((floor_db + step_db * (np.arange(256) - 1.0)) / 10)
    powers[0] = 0.0
    zero = np.zeros((codes.shape[0], 1))
    sums = np.concatenate([zero, np.cumsum(powers[codes], axis=1)], axis=1)
    counts = np.concatenate([zero, np.cumsum(codes > 0, axis=1)], axis=1)
    n = counts[:, stop] - counts[:, first]
    # differences of sums are not exact: nothing is below the floor
    means = np.maximum(sums[:, stop] - sums[:, first], 0.0) / np.maximum(n, 1)
    return np.where(n > 0, np.maximum(means, powers[1]), np.nan)


def colour_image(power: Array, low_db: float, high_db: float) -> Image:
    """Colours of powers between two levels in dB re 1 µV² (or µV²/Hz).

    Parameters
    ----------
    power : ndarray
        V² or V²/Hz.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        level = 10 * np.log10(power) + MICROVOLTS_DB
    share = np.clip((level - low_db) / (high_db - low_db), 0.0, 1.0)
    known = ~np.isnan(level)
    colours = COLOURS[(np.where(known, share, 0.0) * 255).astype(np.uint8)]
    return np.where(known[..., np.newaxis], colours, NO_WINDOW)


def fit_scale(levels: Array, low_db: float, high_db: float) -> float:
    """By how many dB a scale is to be moved so that what is usual lies in it, in steps of 10."""
    known = levels[np.isfinite(levels)]
    if not known.size:
        return 0.0
    usual = float(np.median(known))
    if low_db <= usual <= high_db:
        return 0.0
    return 10.0 * round((usual - (low_db + high_db) / 2) / 10)


def area_spectra(
    spectrum: Spectrum, areas: Sequence[str], label: str
) -> dict[str, tuple[Floats, int]]:
    """Mean density over the channels of each area with a label, and how many they are."""
    names = np.array(areas)
    found = {}
    for name in dict.fromkeys(areas):
        here = (names == name) & (spectrum.label == label) & ~np.isnan(spectrum.psd[:, 0])
        if here.any():
            mean = spectrum.psd[here].mean(axis=0, dtype=np.float64)
            found[name] = mean, int(here.sum())
    return found
