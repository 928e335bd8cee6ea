"""Power of a frequency band by channel and time: of stored time bins, or of samples close up."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lfpscope.clock.segments import Clock, Segment
from lfpscope.envelope.read import OpenProbe, time_range
from lfpscope.envelope.zarr_zip import Store
from lfpscope.errors import UserError
from lfpscope.render.heatmap import HEAT_SHARE
from lfpscope.render.spectrum_images import MICROVOLTS_DB, Spectrum, read_spectrum, time_columns
from lfpscope.result_files import SPECTRA
from lfpscope.signals.bands import decode_power, named_bands
from lfpscope.signals.spectra import (
    MAX_RATE_CHANGE,
    MIN_LENGTH,
    Welch,
    find_windows,
    transform_windows,
    window_length,
)
from lfpscope.typing import Floats, Ints

MAX_LIVE_VALUES = 8_000_000  # that a view may transform: 69 s of a released probe
CYCLES = 5  # of the slowest oscillation of a band that a window of samples holds at least
HOPS = 4  # windows of samples start so often in the length of one
RANGE_DB = 30.0  # from the lower to the upper end of the colours
KEPT = 12  # maps, for what is read under the cursor
INSET = np.array([1e-3, -1e-3])  # samples: spans that end where a column begins are not in it
MANY = 4  # probes whose spectra are kept


@dataclass(frozen=True)
class BandMap:
    """Power of one band in each pixel column.

    Attributes
    ----------
    band : str
        Name and edges, for the reader.
    power : ndarray of float64, shape (n_channels, width)
        Mean over the windows in a column, V²; NaN where there is none.
    drawn_from : str
        What windows they are.
    is_live : bool
        Whether of samples instead of stored time bins.
    """

    band: str
    power: Floats
    drawn_from: str
    is_live: bool

    @property
    def rms(self) -> Floats:
        """Root mean square of the signal in the band, V."""
        return np.asarray(np.sqrt(self.power))


@dataclass(frozen=True)
class _Band:
    """Name, edges in Hz, and place among the stored bands."""

    name: str
    low: float
    high: float
    index: int

    @property
    def text(self) -> str:
        return f"{self.name} {self.low:g}–{self.high:g} Hz"


@lru_cache(KEPT)
def read_band_map(
    probe: OpenProbe, clock: Clock, name: str, start: float, stop: float, width: int
) -> BandMap:
    """Read the power of a band in each of so many pixel columns.

    Of Hann windows on a grid that starts with each segment, as the stored spectra have it: in
    views of at most MAX_LIVE_VALUES numbers, of windows of samples that are as short as the band
    allows; in longer ones, of the stored time bins.

    Parameters
    ----------
    probe : OpenProbe
        Whose. Of a transformed probe always of its samples.
    clock : Clock
        Its clock in axis time.
    name : str
        Of the band.
    start, stop : float
        Axis time of the edges of the picture, seconds.
    width : int
        Pixel columns.

    Raises
    ------
    UserError
        If there are no spectra of this probe, or the band is none of theirs.
    """
    spectrum = _spectrum(probe)
    band = _find_band(spectrum, probe, name)
    n_samples = sum(last - first for _, first, last in time_range(clock, start, stop))
    if n_samples * probe.references.n_channels <= MAX_LIVE_VALUES:
        return _live_map(probe, clock, band, (start, stop), width)
    return _stored_map(spectrum, clock, band, (start, stop), width)


def band_names(probe: OpenProbe) -> list[str]:
    """Names of the bands whose power is stored of a probe; none where there are no spectra."""
    path = probe.references.file.parent / SPECTRA
    if not path.is_file():
        return []
    try:
        store = Store(path)
        try:
            return [str(one) for one in store.attributes().get("named_bands", [])]
        finally:
            store.close()
    except (UserError, LookupError, TypeError, ValueError):
        return []  # what draws says why


def colour_range(microvolts: float) -> tuple[float, float]:
    """Lower and upper end of the colours at a gain, dB re 1 µV²."""
    high = 20 * np.log10(HEAT_SHARE * microvolts)
    return float(high - RANGE_DB), float(high)


def colour_shares(power: Floats, microvolts: float) -> Floats:
    """Where powers (V²) lie between the ends of the colours: 0 to 1 and beyond."""
    low, high = colour_range(microvolts)
    return (decibels(power) - low) / (high - low)


def decibels(power: npt.ArrayLike) -> Floats:
    """Powers (V²) in dB re 1 µV²."""
    with np.errstate(divide="ignore"):
        return np.asarray(10 * np.log10(power) + MICROVOLTS_DB)


@lru_cache(MANY)
def _spectrum(probe: OpenProbe) -> Spectrum:
    folder = probe.references.file.parent
    if not (folder / SPECTRA).is_file():
        raise UserError(
            f"probe {probe.references.probe}: power of bands is not known before the pipeline "
            f"has made {SPECTRA}."
        )
    return read_spectrum(folder / SPECTRA, probe.references)


def _find_band(spectrum: Spectrum, probe: OpenProbe, name: str) -> _Band:
    names = list(spectrum.attributes.get("named_bands", []))
    if name not in names:
        known = ", ".join(names) or "none"
        raise UserError(
            f"probe {probe.references.probe}: its spectra have no band {name} (known: {known})."
        )
    low, high = spectrum.named_edges[names.index(name)].tolist()
    return _Band(name, low, high, names.index(name))


# --- windows → pixels --------------------------------------------------------------------------


def _stored_map(
    spectrum: Spectrum, clock: Clock, band: _Band, edges: tuple[float, float], width: int
) -> BandMap:
    """Average the stored time bins in each pixel column."""
    codes = spectrum.named[:, band.index]
    columns = _Columns(codes.shape[0], edges, width)
    windows = find_windows(clock)
    if windows is None or not windows.n_bins:
        return BandMap(band.text, columns.means(), "no stored spectra", is_live=False)
    length, first = windows.welch.length, windows.starts
    opens = first[np.searchsorted(windows.bins, np.arange(windows.n_bins))]
    power = 10 ** (decode_power(codes, float(spectrum.attributes["floor_db"])).astype(float) / 10)
    for segment in clock.valid:
        own = (opens >= segment.first_sample) & (opens < segment.stop_sample)
        if own.any():
            end = first[first < segment.stop_sample].max() + length - segment.first_sample
            # a bin is two windows that overlap by half
            spans = _spans(opens[own] - segment.first_sample, 3 * length // 2, length, int(end))
            columns.add(power[:, own], segment, spans)
    text = f"stored bins of {1.5 * length * clock.dt:.3g} s"
    return BandMap(band.text, columns.means(), text, is_live=False)


def live_welch(rate: float, longest: int, low: float, high: float) -> Welch:
    """Windows for a band: as short as its lower edge and its width allow.

    >>> live_welch(1250.0, 10_700_000, 4.0, 10.0).length
    2048
    """
    slowest = max(min(low, high - low), 1e-3)  # Hz
    wanted = 1 << int(np.ceil(np.log2(CYCLES * rate / slowest)))
    return Welch(rate, max(min(wanted, window_length(rate, longest)), MIN_LENGTH))


def _live_map(
    probe: OpenProbe, clock: Clock, band: _Band, edges: tuple[float, float], width: int
) -> BandMap:
    """Average windows of samples in each pixel column."""
    longest = max((one.n_samples for one in clock.valid), default=0)
    welch = live_welch(1 / clock.dt, longest, band.low, band.high)
    columns = _Columns(probe.references.n_channels, edges, width)
    hop = welch.length // HOPS
    for segment, first, stop in time_range(clock, *edges):
        starts = np.arange(0, max(segment.n_samples - welch.length + 1, 0), hop)
        # where the rate differs there are no stored spectra either
        if starts.size and abs(segment.dt / clock.dt - 1) <= MAX_RATE_CHANGE:
            spans = _spans(starts, welch.length, hop, int(starts[-1]) + welch.length)
            begin, end = first - segment.first_sample, stop - segment.first_sample
            here = (spans[:, 1] > begin) & (spans[:, 0] < end)
            if here.any():
                power = _window_powers(probe, segment.first_sample + starts[here], welch, band)
                columns.add(power, segment, spans[here])
    text = f"windows of {welch.length * clock.dt:.3g} s of every sample"
    return BandMap(band.text, columns.means(), text, is_live=True)


def _window_powers(probe: OpenProbe, starts: Ints, welch: Welch, band: _Band) -> Floats:
    """Power in windows of all channels, V²; NaN where one holds a sample that is no number."""
    bands = named_bands(welch, {band.name: (band.low, band.high)})
    bounds = np.stack([bands.first, bands.stop], axis=1)
    samples = probe.samples(int(starts[0]), int(starts[-1]) + welch.length)
    found = np.full((samples.shape[0], starts.size), np.nan)
    for channel, x in enumerate(samples if bounds.size else ()):
        powers, _ = transform_windows(
            np.ascontiguousarray(x),
            starts - starts[0],
            welch,
            factor=abs(float(probe.references.scale[channel])),
            limits=(-np.inf, np.inf),
            bounds=bounds,
            total=np.zeros(welch.frequencies.size),
        )
        found[channel] = powers[:, 0]
    return found


def _spans(starts: Ints, length: int, hop: int, end: int) -> Floats:
    """From where to where windows are shown: half a hop about their middles.

    The first and the last one of a segment reach to its ends, as far as they hold samples.

    Parameters
    ----------
    starts : ndarray of int64, shape (n_windows,)
        Samples from the start of the segment.
    length, hop : int
        Samples of a window, and from one to the next.
    end : int
        One past the last sample of the last window of the segment.
    """
    left = starts + (length - hop) / 2
    spans = np.stack([left, left + hop], axis=1)
    spans[starts == 0, 0] = 0
    spans[-1, 1] = end
    return spans


class _Columns:
    """Means of powers in pixel columns; several segments may share one."""

    def __init__(self, n_channels: int, edges: tuple[float, float], width: int) -> None:
        self._edges, self._width = edges, width
        self._sums = np.zeros((n_channels, width))
        self._n = np.zeros((n_channels, width), np.int64)

    def add(self, power: Floats, segment: Segment, spans: Floats) -> None:
        """Add windows of a segment that are shown in spans of its samples."""
        seconds = segment.t0 + (spans + INSET) * segment.dt
        first, stop = time_columns(seconds, *self._edges, self._width)
        known = ~np.isnan(power)
        for total, values in ((self._sums, np.where(known, power, 0.0)), (self._n, known)):
            added = np.zeros((values.shape[0], values.shape[1] + 1), total.dtype)
            np.cumsum(values, axis=1, out=added[:, 1:])
            total += added[:, stop] - added[:, first]

    def means(self) -> Floats:
        """V²; NaN where there is no window."""
        means = np.maximum(self._sums, 0.0) / np.maximum(self._n, 1)
        return np.where(self._n > 0, means, np.nan)
