"""Spectra of all channels from the pass, and ``spectrum.zarr.zip``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.envelope.zarr_zip import StoreWriter
from lfpscope.references.model import ProbeReferences
from lfpscope.signals.bands import (
    AT_FLOOR,
    CODE_STEP_DB,
    NO_WINDOW,
    Bands,
    add_windows,
    decode_power,
    encode_means,
    fine_bands,
    named_bands,
    round_mantissa,
)
from lfpscope.signals.features import QUALITY_BANDS
from lfpscope.signals.spectra import MIN_LENGTH, Welch, Windows, transform_windows
from lfpscope.summary.measure import Measure, Slab, Stretch
from lfpscope.typing import Array

NAMED_BANDS: dict[str, tuple[float, float]] = {
    "delta": (0.5, 4.0),
    "theta": (4.0, 10.0),
    "beta": (10.0, 30.0),
    "gamma": (30.0, 80.0),
    "high gamma": (80.0, 200.0),
}
FLOOR_DB = 75.0  # below the usual level: single frequencies of quantisation noise are there
USUAL_LEVEL_V = 1e-4
CHUNK_VALUES = 1 << 21  # of a stored chunk of powers
MAX_CHUNK_BINS = 512
N_CODES = 256
PSD_BITS = 14  # of the stored densities: 3e-5 of each, and a third less to store


@dataclass(frozen=True)
class Spectra:
    """What the pass found of the channels.

    Attributes
    ----------
    welch : Welch
        How spectra were estimated.
    psd : ndarray of float32, shape (n_channels, n_frequencies)
        V²/Hz.
    n_windows : ndarray of int64, shape (n_channels,)
        Of how many windows each is the mean.
    level_bands : list of str
        Bands in which channels are compared.
    levels : ndarray of float64, shape (n_level_bands, n_channels)
        Median over time of their density, dB re 1 V²/Hz.
    """

    welch: Welch
    psd: Array
    n_windows: npt.NDArray[np.int64]
    level_bands: list[str]
    levels: npt.NDArray[np.float64]

    @classmethod
    def unknown(cls, n_channels: int) -> "Spectra":
        """Of a recording without a rate."""
        welch = Welch(float("nan"), MIN_LENGTH)
        psd = np.full((n_channels, welch.frequencies.size), np.nan)
        return cls(welch, psd, np.zeros(n_channels, np.int64), [], np.empty((0, n_channels)))


@dataclass
class SpectrumPart:
    """What is found in the windows that end in a stretch.

    Attributes
    ----------
    first, stop : int
        Of the windows.
    powers : ndarray of float64, shape (n_channels, n_windows, n_bands)
        V², of the fine bands and behind them the named ones; NaN where a window is dropped.
    is_valid : ndarray of bool, shape (n_channels, n_windows)
        Whether it is not.
    """

    first: int
    stop: int
    powers: npt.NDArray[np.float64]
    is_valid: npt.NDArray[np.bool_]


class SpectrumMeasure(Measure[SpectrumPart]):
    """Mean spectrum of each channel, and powers of bands over time, written as they come.

    Windows are counted from the start of a segment and added up in the order of time, so that the
    result depends neither on the chunk grid nor on the threads.

    Parameters
    ----------
    store : StoreWriter
        Of the ``spectrum.zarr.zip``.
    references : ProbeReferences
        Of the probe.
    windows : Windows
        Of the recording.
    bands : mapping of str to (float, float)
        Named bands, Hz.
    level : float
        Usual standard deviation, V, which places the range of the coded powers.

    Attributes
    ----------
    n_windows : ndarray of int64, shape (n_channels,)
        Valid windows of what is merged.
    spectra : Spectra
        What was found, when the pass is finished.
    """

    spectra: Spectra

    def __init__(
        self,
        store: StoreWriter,
        references: ProbeReferences,
        windows: Windows,
        bands: Mapping[str, tuple[float, float]],
        level: float,
    ) -> None:
        n_channels = references.n_channels
        self.windows, self.overlap = windows, windows.welch.length
        self.wants_slabs = windows.starts.size > 0
        self.fine, self.named = fine_bands(windows.welch), named_bands(windows.welch, bands)
        self.floor_db = float(np.rint(20 * np.log10(level or USUAL_LEVEL_V) - FLOOR_DB))
        self.compared = named_bands(windows.welch, QUALITY_BANDS)
        self.n_windows = np.zeros(n_channels, np.int64)
        self._store, self._scale = store, references.scale
        self._total = np.zeros((n_channels, windows.welch.frequencies.size))
        self._ends = windows.starts + windows.welch.length
        self._bounds = np.concatenate(
            [_bounds(bands) for bands in (self.fine, self.named, self.compared)]
        )
        # how often each code occurs, for medians over time
        self._counts = np.zeros((len(self.compared.names), n_channels * N_CODES), np.int32)
        # of the time bin whose second window may be in the next stretch
        self._open = np.zeros((n_channels, 0, self._bounds.shape[0]))
        self._n_open = np.zeros((n_channels, 0), np.int64)
        self._begin_arrays(n_channels)

    def begin(self, stretch: Stretch) -> SpectrumPart:
        """Make room for the windows that end in a stretch."""
        first, stop = np.searchsorted(self._ends, [stretch.first, stretch.stop], side="right")
        shape = self.n_windows.size, int(stop - first)
        powers = stretch.scratch.full((*shape, self._bounds.shape[0]), np.nan, np.float64)
        return SpectrumPart(int(first), int(stop), powers, np.zeros(shape, np.bool_))

    def add_slab(self, part: SpectrumPart, slab: Slab) -> None:
        """Transform the windows of some channels."""
        if part.first == part.stop:
            return
        for i, channel in enumerate(range(slab.channels.start, slab.channels.stop)):
            self._transform(part, slab, i, channel)

    def _transform(self, part: SpectrumPart, slab: Slab, i: int, channel: int) -> None:
        starts = self.windows.starts[part.first : part.stop]
        usable = np.ones(starts.size, np.bool_)
        for one in slab.damaged:
            if one.channels.start <= channel < one.channels.stop:
                usable &= (starts >= one.stop) | (starts + self.windows.welch.length <= one.first)
        low, high = slab.limits[:, i].tolist()
        part.powers[channel, usable], part.is_valid[channel, usable] = transform_windows(
            slab.samples[i],
            starts[usable] - slab.first,
            self.windows.welch,
            factor=abs(float(self._scale[channel])),
            limits=(low, high),
            bounds=self._bounds,
            total=self._total[channel],
            dtype=self.windows.dtype,
        )

    def merge(self, part: SpectrumPart) -> None:
        """Store the time bins that are complete."""
        self.n_windows += part.is_valid.sum(axis=1)
        bins = self.windows.bins
        if part.first == part.stop:
            return
        own = bins[part.first : part.stop]
        n_channels, n_bins = self.n_windows.size, int(own[-1] - own[0]) + 1
        sums = np.zeros((n_channels, n_bins, self._bounds.shape[0]))
        counts = np.zeros((n_channels, n_bins), np.int64)
        n_open = int(self._n_open.shape[1])
        sums[:, :n_open], counts[:, :n_open] = self._open, self._n_open
        add_windows(part.powers, part.is_valid, own - own[0], sums, counts)
        is_open = part.stop < bins.size and bins[part.stop] == own[-1]
        n_complete = n_bins - is_open
        self._open, self._n_open = sums[:, n_complete:].copy(), counts[:, n_complete:].copy()
        self._append(sums[:, :n_complete], counts[:, :n_complete])

    def _append(self, sums: Array, counts: Array) -> None:
        codes: Array = np.empty((sums.shape[0], sums.shape[2], sums.shape[1]), np.uint8)
        encode_means(sums, counts, self.floor_db, codes)
        n_fine, n_named = len(self.fine.names), len(self.named.names)
        self._store.append("power", codes[:, :n_fine])
        self._store.append("named_power", codes[:, n_fine : n_fine + n_named])
        first = np.arange(codes.shape[0])[:, np.newaxis] * N_CODES
        for i, own in enumerate(self._counts):
            here = (first + codes[:, n_fine + n_named + i]).reshape(-1)
            own += np.bincount(here, minlength=own.size)
        self._store.append("n_windows", counts.astype(np.uint8))

    def finish(self) -> None:
        """Write the mean spectra, and give back the memory of the sums."""
        attributes = {"units": "V2 Hz-1", "long_name": "power spectral density"}
        psd, levels = self._mean(), self._levels()
        del self._total, self._counts
        rounded = round_mantissa(psd, PSD_BITS)
        self._store.whole("psd", rounded, ("channel", "frequency"), attributes)
        bands = list(self.compared.names)
        self.spectra = Spectra(self.windows.welch, psd, self.n_windows, bands, levels)

    def _mean(self) -> npt.NDArray[np.float32]:
        """Mean density of each channel, V²/Hz; NaN where no window is valid."""
        n = np.where(self.n_windows, self.n_windows, np.nan)[:, np.newaxis]
        psd = np.empty(self._total.shape, np.float32)
        return np.divide(self._total, n, out=psd, casting="same_kind")

    def _levels(self) -> npt.NDArray[np.float64]:
        """Median over time of the density in `compared`, dB re 1 V²/Hz; NaN without a window."""
        middle = np.stack([_median_codes(one.reshape(-1, N_CODES)) for one in self._counts])
        width = (self.compared.stop - self.compared.first) * self.windows.welch.resolution
        median = decode_power(middle, self.floor_db).astype(np.float64)
        return np.asarray(median - 10 * np.log10(width)[:, np.newaxis])

    def _begin_arrays(self, n_channels: int) -> None:
        store, windows, seconds = self._store, self.windows, {"units": "s"}
        # as CF has it: value = code × scale_factor + add_offset
        coded = {
            "units": "dB re 1 V2",
            "_FillValue": NO_WINDOW,
            "scale_factor": CODE_STEP_DB,
            "add_offset": self.floor_db - CODE_STEP_DB * AT_FLOOR,
        }
        hertz = {"units": "Hz"}
        for name, axis, bands in (
            ("power", "band", self.fine),
            ("named_power", "named_band", self.named),
        ):
            shape = n_channels, len(bands.names), windows.n_bins
            width = int(np.clip(CHUNK_VALUES // max(1, shape[0] * shape[1]), 1, MAX_CHUNK_BINS))
            dimensions = "channel", axis, "time"
            store.array(name, shape, np.uint8, width=width, dimensions=dimensions, attributes=coded)
            store.whole(f"{axis}_low", bands.low, (axis,), hertz)
            store.whole(f"{axis}_high", bands.high, (axis,), hertz)
        store.array(
            "n_windows",
            (n_channels, windows.n_bins),
            np.uint8,
            width=MAX_CHUNK_BINS,
            dimensions=("channel", "time"),
        )
        store.whole("frequency", windows.welch.frequencies, ("frequency",), hertz)
        for i, name in enumerate(("time_start", "time_stop")):
            store.whole(name, windows.edges[:, i].copy(), ("time",), seconds)

    def describe(self) -> dict[str, Any]:
        """Attributes of the file."""
        welch = self.windows.welch
        return {
            "rate": welch.rate,
            "window_samples": welch.length,
            "overlap": 0.5,
            "floor_db": self.floor_db,
            "code_step_db": CODE_STEP_DB,
            "named_bands": list(self.named.names),
            "n_windows": int(self.windows.starts.size),
        }


def _median_codes(counts: Array) -> Array:
    """Return the median code of each channel from how often each occurs."""
    below = counts.copy()
    below[:, NO_WINDOW] = 0
    np.cumsum(below, axis=1, out=below)
    middle: Array = (2 * below >= below[:, -1:]).argmax(axis=1)
    middle[below[:, -1] == 0] = NO_WINDOW
    return middle


def _bounds(bands: Bands) -> npt.NDArray[np.int64]:
    return np.stack([bands.first, bands.stop], axis=1)
