"""Channel quality: features of all channels from their spectra and a few windows, and labels."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.clock.segments import Clock
from lfpscope.envelope.zarr_zip import StoreWriter
from lfpscope.nwb.areas import is_area
from lfpscope.nwb.electrodes import Channels
from lfpscope.references.model import ProbeReferences
from lfpscope.samples.chunk_cache import Cache, Samples
from lfpscope.samples.chunk_reader import Damage, Source
from lfpscope.signals.features import drift_share, find_mains, hf_power, pass_band_end
from lfpscope.signals.labels import LABELS, Features, Labels, label_channels
from lfpscope.signals.neighbours import Positions, find_neighbours
from lfpscope.signals.similarity import Likeness, compare_channels
from lfpscope.signals.surface import Surface
from lfpscope.signals.thresholds import Thresholds
from lfpscope.summary.scratch import Scratch
from lfpscope.summary.spectrum import Spectra
from lfpscope.typing import Array, Floats, Ints, Mask

COMPARED_S, SHORTEST_S = 4.0, 1.0  # of a window in which channels are compared
N_COMPARED = 24  # windows, in
N_CLUSTERS = 8  # places spread over the recording: few chunks are read again
NOT_BRAIN = {"root", "void", "out", "outside", "air", "agar"}
DISAGREEMENT_UM = 100.0  # beyond the uncertainty
KEPT_BYTES = 32 << 20  # of chunks, for the window after
MAX_COMPARED = 512  # channels of the coherence


@dataclass(frozen=True)
class Quality:
    """Channel quality of a probe.

    Attributes
    ----------
    features : Features
        Of each channel.
    labels : Labels
        What follows from them.
    thresholds : Thresholds
        From where on.
    mains_hz, pass_band_end : float
        50 or 60, or 0 where it cannot be told; Hz.
    notes : list of str
        Where the file says otherwise.
    """

    features: Features
    labels: Labels
    thresholds: Thresholds
    mains_hz: float
    pass_band_end: float
    notes: list[str]


# --- positions ----------------------------------------------------------------------------------


def find_positions(channels: Channels) -> Positions:
    """Heights of the channels in µm, where the file has them in µm, and their shanks or groups."""
    n, axis, depth = channels.id.size, channels.depth_axis, channels.columns.get("depth")
    height = np.full(n, np.nan)
    if depth is not None and axis is not None and axis.unit == "µm":
        height = -depth if axis.is_downward else np.asarray(depth, np.float64)
    named = [
        channels.columns[kind].tolist() for kind in ("group", "shank") if _parts(channels, kind)
    ]
    if not named:
        return Positions(height, np.zeros(n, np.int64))
    names = {name: i for i, name in enumerate(dict.fromkeys(zip(*named, strict=True)))}
    part = [names[one] for one in zip(*named, strict=True)]
    return Positions(height, np.array(part, np.int64))


def _parts(channels: Channels, kind: str) -> bool:
    """Whether a column splits the channels into parts of several channels."""
    column = channels.columns.get(kind)
    return column is not None and 1 < np.unique(column).size <= column.size / 2


# --- windows of all channels --------------------------------------------------------------------


def compared_windows(references: ProbeReferences) -> list[tuple[int, int]]:
    """Samples of the windows in which channels are compared, spread over the recording.

    At most 24 of 4 s, in eight places. In short recordings they are shorter, down to 1 s, so that
    there are enough of them; one at least, as long as the longest segment.
    """
    segments, dt = references.clock.valid, references.clock.dt
    if not segments or not dt > 0:
        return []
    lengths = [s.n_samples for s in segments]
    seconds = np.clip(sum(lengths) * dt / N_COMPARED, SHORTEST_S, COMPARED_S)
    n = min(round(float(seconds) / dt), max(lengths))
    found = [
        s.first_sample + i * n for s in segments for i in range(s.n_samples // n if n > 1 else 0)
    ]
    if len(found) <= N_COMPARED:
        return [(first, first + n) for first in found]
    per_place = N_COMPARED // N_CLUSTERS
    places = np.linspace(0, len(found) - per_place, N_CLUSTERS).astype(np.int64)
    chosen = np.unique(places[:, np.newaxis] + np.arange(per_place))
    return [(found[i], found[i] + n) for i in chosen.tolist()]


def read_windows(source: Source, limits: npt.NDArray[np.float64], folder: Path) -> Iterator[Array]:
    """Read the windows in which channels are compared, in volts.

    Where a row of chunks does not stay in memory, each is decoded once for all windows in it.
    """
    references, windows = source.references, compared_windows(source.references)
    layout, scale = references.layout, references.scale[:, np.newaxis]
    is_large = layout.chunk_bytes > KEPT_BYTES
    samples = Samples(
        source, limits=limits, cache=Cache(KEPT_BYTES), threads=1 if is_large else None
    )
    if layout.chunks[0] * references.n_channels * layout.dtype.itemsize <= KEPT_BYTES:
        for first, stop in windows:
            yield _multiplied(samples.read(first, stop), scale)
        return
    room = Scratch(folder)
    for window in _read_by_chunk(samples, windows, room):
        yield _multiplied(window, scale)
        room.release()


def _read_by_chunk(samples: Samples, windows: list[tuple[int, int]], room: Scratch) -> list[Array]:
    """Read windows chunk by chunk, in stored units."""
    references = samples.source.references
    (height, width), n = references.layout.chunks, references.n_channels
    found = [room.full((n, stop - first), 0, samples.dtype) for first, stop in windows]

    def fill(row: int, column: int, chunk: Array | Damage) -> None:
        channels = slice(column * width, min((column + 1) * width, n))
        for (first, stop), window in zip(windows, found, strict=True):
            start, end = max(first, row * height), min(stop, (row + 1) * height)
            if start >= end:
                continue
            here = window[channels, start - first : end - first]
            if isinstance(chunk, Damage):
                here[:] = np.nan
            else:
                here[:] = chunk[start - row * height : end - row * height, : len(here)].T
        room.release()

    rows = {row for first, stop in windows for row in range(first // height, -(-stop // height))}
    for row in sorted(rows):
        samples.for_each_chunk(range(row, row + 1), range(references.layout.grid[1]), fill)
    return found


def _multiplied(window: Array, scale: Floats) -> Array:
    """Multiply in place; the caller keeps no second window in memory."""
    return np.multiply(window, scale, out=window)


def compared_channels(n_channels: int) -> Ints:
    """Channels of the coherence: all, or as many as memory allows."""
    every = -(-n_channels // MAX_COMPARED)
    return np.arange(0, n_channels, max(1, every))


def find_likeness(
    source: Source,
    limits: npt.NDArray[np.float64],
    bands: Mapping[str, tuple[float, float]],
    radius_um: float,
    folder: Path,
) -> Likeness:
    """Compare the channels of a probe in windows spread over the recording.

    What does not fit into memory is in temporary files of a folder.
    """
    references = source.references
    neighbours = find_neighbours(find_positions(references.channels), radius_um)
    compared = compared_channels(references.n_channels)
    rate = 1 / references.clock.dt if references.clock.valid else np.nan
    windows = read_windows(source, limits, folder)
    return compare_channels(windows, rate, neighbours, list(bands.values()), compared)


def describe_saturation(clock: Clock, samples: Ints) -> list[str]:
    """When channels are at a rail, in words; empty for those that are not.

    Parameters
    ----------
    clock : Clock
        Of the recording.
    samples : ndarray of int64, shape (n_channels, 2)
        First and last sample; −1 where there is none.
    """
    return [
        f"at a rail from {clock.seconds(first):.2f} to {clock.seconds(last):.2f} s"
        if first >= 0
        else ""
        for first, last in samples.tolist()
    ]


# --- features and labels ------------------------------------------------------------------------


def assess_channels(
    references: ProbeReferences,
    statistics: npt.NDArray[Any],
    is_silent: Mask,
    saturation: list[str],
    likeness: Likeness,
    spectra: Spectra,
    thresholds: Thresholds,
) -> Quality:
    """Find features and labels of all channels.

    Parameters
    ----------
    references : ProbeReferences
        Of the probe.
    statistics : structured ndarray of kernels.STATISTICS, shape (n_channels,)
        In stored units.
    is_silent : ndarray of bool, shape (n_channels,)
        Without a signal.
    saturation : list of str
        When each channel is at a rail, in words.
    likeness : Likeness
        Of the channels.
    spectra : Spectra
        Of the channels.
    thresholds : Thresholds
        From where on a channel is bad.
    """
    n = statistics["n"]
    with np.errstate(invalid="ignore", divide="ignore"):
        std = np.sqrt(statistics["m2"] / n) * np.abs(references.scale)
        flat = statistics["flat"] / n
    f, psd, n_windows = spectra.welch.frequencies, spectra.psd, spectra.n_windows
    end = pass_band_end(f, psd)
    mains_hz, line = find_mains(f, psd, n_windows, end)
    features = Features(
        seconds=n_windows * spectra.welch.hop / spectra.welch.rate,
        std=std,
        flat_share=flat,
        bands=spectra.level_bands,
        levels=spectra.levels,
        hf=hf_power(f, psd, end),
        similarity=likeness.similarity,
        line=line,
        drift=drift_share(f, psd, std),
        is_silent=is_silent,
        saturation=saturation,
    )
    positions = find_positions(references.channels)
    labels = label_channels(features, positions, thresholds)
    notes = compare_with_areas(references.channels, positions, labels.surfaces)
    return Quality(features, labels, thresholds, mains_hz, end, notes)


def compare_with_areas(
    channels: Channels, positions: Positions, surfaces: list[Surface]
) -> list[str]:
    """Say where the surfaces found disagree with the file's own brain areas."""
    areas = channels.columns.get("area")
    if areas is None:
        return []
    named = np.array([is_area(one) and one.lower() not in NOT_BRAIN for one in areas.tolist()])
    notes = []
    for one in surfaces:
        here = (positions.part == one.part) & np.isfinite(positions.height)
        inside = positions.height[here & named]
        beyond = positions.height[here & ~named & (positions.height > inside.max(initial=-np.inf))]
        if not inside.size or not beyond.size:
            continue  # the file does not say where the brain ends
        own = (inside.max() + beyond.min()) / 2
        if abs(own - one.height) > one.uncertainty + DISAGREEMENT_UM:
            found = f"surface at {abs(one.height):.0f} µm"
            notes.append(f"{found}, but the file's areas end at {abs(own):.0f} µm")
    return notes


# --- writing ------------------------------------------------------------------------------------


def write_quality(store: StoreWriter, quality: Quality, likeness: Likeness, bands: Floats) -> None:
    """Write features, labels and coherence into a ``spectrum.zarr.zip``.

    Parameters
    ----------
    bands : ndarray of float64, shape (n_bands, 2)
        Of the coherence, Hz.
    """
    features, labels = quality.features, quality.labels
    attributes = {
        "labels": list(LABELS),
        "bands": features.bands,
        "thresholds": asdict(quality.thresholds),
        "mains_hz": quality.mains_hz,
        "pass_band_end_hz": quality.pass_band_end,
        "surfaces": [asdict(one) for one in labels.surfaces],
        "notes": quality.notes,
        "flags": labels.flags,
        "reasons": labels.reason,
        "n_compared_windows": likeness.n_windows,
    }
    store.group("quality", attributes)
    codes = np.array([LABELS.index(one) for one in labels.label.tolist()], np.uint8)
    columns: dict[str, Array] = {
        "label": codes,
        "seconds": features.seconds,
        "std": features.std,
        "similarity": features.similarity,
        "line_level": features.line,
        "hf_power": features.hf,
        "drift_share": features.drift,
        "hf_difference": labels.hf_difference,
        "drift_difference": labels.drift_difference,
        "similarity_limit": labels.similarity_limit,
    }
    for name, values in columns.items():
        store.whole(f"quality/{name}", _narrow(values), dimensions=("channel",))
    for name, values in (("level", features.levels), ("level_difference", labels.level_difference)):
        store.whole(f"quality/{name}", _narrow(values), dimensions=("quality_band", "channel"))
    compared = compared_channels(features.std.size)
    store.whole("quality/compared", compared, dimensions=("compared",))
    names = "coherence_band", "compared", "other"
    store.whole("coherence", likeness.coherence.astype(np.float16), dimensions=names)
    for i, name in enumerate(("coherence_low", "coherence_high")):
        store.whole(name, bands[:, i].copy(), dimensions=("coherence_band",))


def _narrow(values: Array) -> Array:
    return values.astype(np.float32) if values.dtype == np.float64 else values
