"""Spectra of a probe for a panel: of the recording from its file, of stretches of it live."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lfpscope.envelope.read import OpenProbe, time_range
from lfpscope.errors import UserError
from lfpscope.evoked.kinds import Kind
from lfpscope.nwb.electrodes import Channels
from lfpscope.render.rows import Rows, arrange_rows
from lfpscope.render.spectrum_images import (
    COLOURS,
    NO_WINDOW,
    Spectrum,
    colour_image,
    column_frequencies,
    fit_scale,
    psd_columns,
    read_spectrum,
)
from lfpscope.render.spectrum_page import LOWEST_HZ, PSD_DB
from lfpscope.result_files import SPECTRA
from lfpscope.signals.psd import welch
from lfpscope.typing import Floats

WIDTH = 500  # pixels of a picture
MAX_SECONDS = 120.0  # of samples that a live spectrum is made of
AFTER_ONSET_S = 1.0  # of intervals without a duration
N_HARMONICS = 5

Piece = tuple[float, float]
"""Start and stop in session time, seconds."""


@dataclass(frozen=True)
class SpectrumView:
    """What a panel shows of one probe.

    Attributes
    ----------
    probe : str
        Id.
    channels : Channels
        What is known of them.
    frequency : ndarray of float64, shape (n_frequencies,)
        Hz.
    psd : ndarray, shape (n_channels, n_frequencies)
        V²/Hz.
    pixels : ndarray of uint8, shape (n_rows, WIDTH, 3)
        Colours, the top row first, over a log axis from `edges[0]` to `edges[1]`.
    edges : (float, float)
        Hz.
    levels : (float, float)
        Ends of the colours, dB re 1 µV²/Hz.
    mains : tuple of float
        Mains and harmonics, Hz; none where no channel has them.
    coherence : dict of str to ndarray of uint8, shape (n_rows, n_rows, 3)
        Colours from 0 to 1, by band, of the recording.
    text : str
        Of what the spectra are, and of how many windows.
    """

    probe: str
    channels: Channels
    frequency: Floats
    psd: Floats
    pixels: npt.NDArray[np.uint8]
    edges: tuple[float, float]
    levels: tuple[float, float]
    mains: tuple[float, ...]
    coherence: dict[str, npt.NDArray[np.uint8]]
    text: str

    @property
    def rows(self) -> Rows:
        """Channels from the top of the picture down."""
        return arrange_rows(self.channels)


def view_spectrum(
    probe: OpenProbe, folder: Path, pieces: Sequence[Piece] | None, words: str
) -> SpectrumView:
    """Draw the spectra of a probe.

    Parameters
    ----------
    probe : OpenProbe
        Whose samples.
    folder : Path
        Of its results.
    pieces : sequence of (float, float) or None
        Stretches of session time; None for the recording, from its file.
    words : str
        What the stretches are.
    """
    references = probe.references
    stored = read_spectrum(folder / SPECTRA, references) if (folder / SPECTRA).is_file() else None
    if pieces is None:
        frequency, psd, text = _of_recording(stored)
    else:
        frequency, psd, text = live_spectrum(probe, pieces)
    if frequency.size < 2:
        raise UserError(f"probe {references.probe}: no spectrum of {words}: too few samples")
    edges = max(LOWEST_HZ, float(frequency[1])), float(frequency[-1])
    columns = psd_columns(frequency, psd, column_frequencies(*edges, WIDTH))
    rows = arrange_rows(references.channels)
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = fit_scale(10 * np.log10(columns) + 120, *PSD_DB)
    levels = PSD_DB[0] + moved, PSD_DB[1] + moved
    return SpectrumView(
        probe=references.probe,
        channels=references.channels,
        frequency=frequency,
        psd=psd,
        pixels=colour_image(columns[rows.channels], *levels),
        edges=edges,
        levels=levels,
        mains=_mains(stored, edges),
        coherence=_coherence(stored, rows),
        text=f"{references.probe} · {words} · {text}",
    )


def _of_recording(stored: Spectrum | None) -> tuple[Floats, Floats, str]:
    if stored is None:
        raise UserError("The pipeline has not made the spectra of this probe yet.")
    most = int(stored.n_windows.sum(axis=1, dtype=np.int64).max(initial=0))
    length = 1 / stored.frequency[1] if stored.frequency.size > 1 else 0.0
    text = f"{most} windows of {length:.3g} s"
    return stored.frequency, np.asarray(stored.psd, dtype=np.float64), text


def live_spectrum(probe: OpenProbe, pieces: Sequence[Piece]) -> tuple[Floats, Floats, str]:
    """Estimate spectra from the samples of some stretches of session time.

    Returns
    -------
    frequency : ndarray of float64, shape (n_frequencies,)
        Hz; empty where no window fits into any stretch.
    psd : ndarray of float64, shape (n_channels, n_frequencies)
        V²/Hz.
    text : str
        How many windows, and which part of the stretches where it was not all.
    """
    samples, times, left = [], [], MAX_SECONDS
    for start, stop in pieces:
        for segment, first, last in time_range(probe.references.clock, start, stop):
            end = min(last, first + int(left / segment.dt))
            if end > first:
                samples.append(probe.volts(probe.samples(first, end)))
                offset = np.arange(first, end) - segment.first_sample
                times.append(segment.t0 + offset * segment.dt)
                left -= (end - first) * segment.dt
    if not samples:
        return np.empty(0), np.empty((0, 0)), ""
    order = np.argsort([one[0] for one in times], kind="stable")
    joined = np.concatenate([samples[i] for i in order], axis=1).astype(np.float64)
    try:
        found = welch(joined, times=np.concatenate([times[i] for i in order]))
    except ValueError:
        return np.empty(0), np.empty((0, 0)), ""
    n = int(found.n_windows.max(initial=0))
    length = 1 / found.frequency[1] if found.frequency.size > 1 else 0.0
    text = f"{n} windows of {length:.3g} s"
    if left < 1e-3:
        text += f", the first {MAX_SECONDS:g} s"
    return (found.frequency if n else np.empty(0)), found.psd, text


def pieces_of(kind: Kind) -> list[Piece]:
    """Stretches of session time of a kind of intervals: from each onset, of their usual length."""
    length = kind.duration or AFTER_ONSET_S
    return [(onset, onset + length) for onset in kind.onsets]


def _mains(stored: Spectrum | None, edges: tuple[float, float]) -> tuple[float, ...]:
    if stored is None or not any("mains" in one.split() for one in stored.quality["flags"]):
        return ()
    mains = float(stored.quality["mains_hz"])
    harmonics = [mains * order for order in range(1, N_HARMONICS + 1)]
    return tuple(one for one in harmonics if edges[0] < one < edges[1])


def _coherence(stored: Spectrum | None, rows: Rows) -> dict[str, npt.NDArray[np.uint8]]:
    """Colours of the matrices; channels that were not compared are grey."""
    if stored is None or not np.isfinite(stored.coherence).any():
        return {}
    n = rows.channels.size
    found = {}
    for i, name in enumerate(stored.attributes["coherence_bands"]):
        matrix = np.full((n, n), np.nan)
        matrix[np.ix_(stored.compared, stored.compared)] = stored.coherence[i]
        matrix = matrix[np.ix_(rows.channels, rows.channels)]
        known = np.isfinite(matrix)
        colours = COLOURS[(np.clip(np.where(known, matrix, 0), 0, 1) * 255).astype(np.uint8)]
        found[name] = np.where(known[..., np.newaxis], colours, NO_WINDOW).astype(np.uint8)
    return found


def channel_spectrum(view: SpectrumView, row: int) -> tuple[Floats, Floats, str]:
    """Frequencies (Hz), levels (dB re 1 µV²/Hz) of the channel in a row, and which one it is."""
    channels, channel = view.channels, int(view.rows.channels[row])
    words = [f"channel {channels.id[channel]}"]
    depth, area = (channels.columns.get(name) for name in ("depth", "area"))
    if depth is not None and np.isfinite(depth[channel]):
        unit = channels.depth_axis.unit if channels.depth_axis else ""
        words.append(f"{depth[channel]:g} {unit}".strip())
    words += [str(area[channel])] if area is not None and str(area[channel]) else []
    here = (view.frequency >= view.edges[0]) & (view.psd[channel] > 0)
    levels = 10 * np.log10(view.psd[channel][here]) + 120
    return view.frequency[here], levels, " · ".join([*words, "dB re 1 µV²/Hz"])
