"""Spectrum and spectrogram of one channel of a view."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lfpscope.envelope.read import OpenProbe, time_range
from lfpscope.errors import UserError
from lfpscope.formatting import duration_text
from lfpscope.render.spectrum_images import column_frequencies, psd_columns, read_spectrum
from lfpscope.result_files import SPECTRA
from lfpscope.signals.psd import welch
from lfpscope.signals.spectra import MIN_LENGTH, Welch
from lfpscope.typing import Array, Floats
from lfpscope.viewer.shown_probe import axis_clock, transformed_for
from lfpscope.viewer.view_state import State

MAX_SECONDS = 120.0  # of samples that are read
LOWEST_HZ, HIGHEST_HZ = 1.0, 300.0
ROWS = 100  # of a spectrogram's picture
WINDOWS_S = (0.2, 1.6)  # shortest and longest window of a spectrogram, about
SHARE = 16  # of a view is a window
MAX_WINDOWS = 600  # of a view, about
NO_WINDOW = 255  # among the colours
COLOURED_DB = 40.0  # below the loudest that is usual
USUAL = 0.99  # of the values are below that


@dataclass(frozen=True)
class Line:
    """A spectrum: Hz, and dB re 1 µV²/Hz."""

    frequency: Floats
    level: Floats


@dataclass(frozen=True)
class Spectrogram:
    """A stretch of a spectrogram.

    Attributes
    ----------
    start, stop : float
        Axis time of its edges, s.
    colours : ndarray of uint8, shape (ROWS, n_windows)
        From 0 to 254, the lowest frequency first; NO_WINDOW where a sample is not a number.
    """

    start: float
    stop: float
    colours: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ChannelSpectra:
    """Spectra of the channel that a page shows alone.

    Attributes
    ----------
    view, recording : Line
        Of the samples on the page, and of the recording; empty where there is none.
    spectrogram : tuple of Spectrogram
        One for each stretch without a gap.
    edges : (float, float)
        Hz, of a log axis.
    levels : (float, float)
        Ends of the colours, dB re 1 µV²/Hz.
    text : str
        How they were made, or why they were not.
    """

    view: Line
    recording: Line
    spectrogram: tuple[Spectrogram, ...]
    edges: tuple[float, float]
    levels: tuple[float, float]
    text: str


def read_spectra(probe: OpenProbe, folder: Path, state: State, channel: int) -> ChannelSpectra:
    """Estimate the spectra of one channel of what a page shows.

    Parameters
    ----------
    probe : OpenProbe
        Whose.
    folder : Path
        Of its results.
    state : State
        What the page shows.
    channel : int
        Electrode id.
    """
    row = int(np.flatnonzero(probe.references.channels.id == channel)[0])
    file = folder / SPECTRA
    recording = _of_recording(probe, file, file.stat().st_mtime_ns) if file.is_file() else None
    of_recording = _line(*recording, row) if recording else _no_line()
    rate = 1 / probe.references.clock.dt
    edges = LOWEST_HZ, max(min(HIGHEST_HZ, rate / 2), 2 * LOWEST_HZ)
    words = "" if recording else " · of the recording there is none yet"
    seconds = state.stop - state.start
    nothing = _no_line(), of_recording, (), edges, (0.0, COLOURED_DB)
    if seconds > MAX_SECONDS:
        return ChannelSpectra(*nothing, f"of {duration_text(MAX_SECONDS)} at most: zoom in{words}")
    found, done = transformed_for(probe, state)
    if found.quantity.unit == probe.quantity.unit:
        probe = found
    else:
        done = f"of the potential as recorded, not of {state.transform}"
    stretches = _read_stretches(probe, state, row)
    longest = max((values.size for _, values in stretches), default=0)
    length = window_of(rate, seconds, longest)
    if not length:
        return ChannelSpectra(*nothing, f"too few samples for a window{words}")
    hop = max(1, length // 16, round(seconds * rate / MAX_WINDOWS))
    wider = _read_stretches(probe, state, row, length / 2 / rate)  # windows at the edges too
    parts = [(t0, *spectrogram(values, rate, length, hop)) for t0, values in wider]
    columns = column_frequencies(*edges, ROWS)
    levels = [_decibels(psd_columns(frequency, psd, columns)) for _, frequency, _, psd in parts]
    low, high = _limits(levels)
    pieces = tuple(
        Spectrogram(
            t0 + float(middles[0]) - hop / rate / 2,
            t0 + float(middles[-1]) + hop / rate / 2,
            _colours(level, low, high),
        )
        for (t0, _, middles, _), level in zip(parts, levels, strict=True)
        if middles.size
    )
    text = f"spectrogram: Hann windows of {duration_text(length / rate)}"
    text += f", one each {duration_text(hop / rate)}{f' · {done}' if done else ''}"
    return ChannelSpectra(
        _of_view(stretches, rate), of_recording, pieces, edges, (low, high), text + words
    )


def window_of(rate: float, seconds: float, n_samples: int) -> int:
    """Samples of a spectrogram's window; 0 where none fits.

    >>> window_of(1250.0, 10.0, 12500), window_of(1250.0, 0.3, 375), window_of(1250.0, 0.01, 12)
    (1024, 256, 0)
    """
    wanted = min(max(seconds / SHARE, WINDOWS_S[0]), WINDOWS_S[1])
    length = 2 ** int(np.rint(np.log2(max(wanted * rate, MIN_LENGTH))))
    fitting = 1 << max(n_samples.bit_length() - 1, 0)
    return min(length, fitting) if fitting >= MIN_LENGTH else 0


def spectrogram(values: Floats, rate: float, length: int, hop: int) -> tuple[Floats, Floats, Array]:
    """Estimate densities over time, as ``scipy.signal.spectrogram`` with a Hann window does.

    Its mean is removed from each window; densities are one-sided.

    Parameters
    ----------
    values : ndarray of float64, shape (n_samples,)
        Any unit.
    rate : float
        Hz.
    length, hop : int
        Samples of a window, and from one to the next.

    Returns
    -------
    frequency : ndarray of float64, shape (length // 2 + 1,)
        Hz.
    middle : ndarray of float64, shape (n_windows,)
        Of each window, from the first sample on, s.
    density : ndarray of float64, shape (n_windows, length // 2 + 1)
        In the unit squared per Hz; NaN where a sample of the window is.
    """
    how = Welch(rate, length)
    if values.size < length:
        return how.frequencies, np.empty(0), np.empty((0, how.frequencies.size))
    windows = np.lib.stride_tricks.sliding_window_view(values, length)[::hop]
    centred = windows - windows.mean(axis=1, keepdims=True)
    transformed = np.fft.rfft(centred * how.taper, axis=1)
    middle = np.asarray(np.arange(len(windows)) * hop + length / 2, np.float64) / rate
    return how.frequencies, np.asarray(middle, np.float64), np.abs(transformed) ** 2 * how.density


def _read_stretches(
    probe: OpenProbe, state: State, row: int, more: float = 0.0
) -> list[tuple[float, Floats]]:
    """Axis time of the first sample, and volts, of each stretch without a gap.

    They reach some seconds more to both sides than what a page shows.
    """
    references, found = probe.references, []
    clock = axis_clock(probe, state.timeline)
    for segment, first, stop in time_range(clock, state.start - more, state.stop + more):
        stored = probe.samples(first, stop, [row])[0].astype(np.float64)
        volts = stored * references.scale[row] + references.add
        found.append((segment.t0 + (first - segment.first_sample) * segment.dt, volts))
    return found


def _of_view(stretches: list[tuple[float, Floats]], rate: float) -> Line:
    times = [t0 + np.arange(values.size) / rate for t0, values in stretches]
    values = np.concatenate([values for _, values in stretches])
    found = welch(values[np.newaxis], times=np.concatenate(times))
    return _line(found.frequency, found.psd, 0) if found.n_windows[0] else _no_line()


@lru_cache(6)
def _of_recording(probe: OpenProbe, file: Path, _stamp: int) -> tuple[Floats, Array] | None:
    """Frequencies and spectra of all channels; None where the file is not of this recording."""
    try:
        found = read_spectrum(file, probe.references)
    except UserError:
        return None
    return (found.frequency, found.psd) if found.frequency.size > 1 else None


def _line(frequency: Floats, psd: Array, row: int) -> Line:
    density = np.asarray(psd[row], np.float64)
    here = (frequency >= LOWEST_HZ) & (frequency <= HIGHEST_HZ) & (density > 0)
    return Line(frequency[here], _decibels(density[here]))


def _no_line() -> Line:
    return Line(np.empty(0), np.empty(0))


def _decibels(density: Array) -> Floats:
    """V²/Hz → dB re 1 µV²/Hz."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(10 * np.log10(density) + 120)


def _limits(levels: list[Floats]) -> tuple[float, float]:
    """Ends of the colours: whole tens of dB, the upper one above nearly all values."""
    known = np.concatenate([one[np.isfinite(one)] for one in levels])
    high = 10 * float(np.ceil(np.quantile(known, USUAL) / 10)) if known.size else COLOURED_DB
    return high - COLOURED_DB, high


def _colours(level: Floats, low: float, high: float) -> npt.NDArray[np.uint8]:
    """Colours of windows over frequencies, as a picture."""
    shares = np.clip((level - low) / (high - low), 0, 1)
    colours = np.where(np.isnan(level), NO_WINDOW, np.rint(np.nan_to_num(shares) * 254))
    return np.ascontiguousarray(colours.T.astype(np.uint8))
