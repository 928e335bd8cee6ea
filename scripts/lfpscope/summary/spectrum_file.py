"""``spectrum.zarr.zip`` of a probe: spectra from the pass, and channel quality."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.doubts import Doubt, doubts_to_json
from lfpscope.envelope.zarr_zip import StoreWriter
from lfpscope.io.atomic import atomic
from lfpscope.references.model import ProbeReferences
from lfpscope.signals.bands import band_power
from lfpscope.signals.similarity import Likeness
from lfpscope.signals.spectra import find_windows
from lfpscope.signals.thresholds import Thresholds
from lfpscope.summary.channel_quality import (
    Quality,
    assess_channels,
    describe_saturation,
    write_quality,
)
from lfpscope.summary.spectrum import NAMED_BANDS, Spectra, SpectrumMeasure
from lfpscope.typing import Ints, Mask

NO_RATE = "no sample has a usable time, so no frequency is known"


@dataclass(frozen=True)
class SpectrumSettings:
    """What is asked for.

    Attributes
    ----------
    path : Path
        The ``spectrum.zarr.zip`` to write.
    bands : mapping of str to (float, float)
        Named bands, Hz.
    thresholds : Thresholds
        From where on a channel is bad.
    """

    path: Path
    bands: Mapping[str, tuple[float, float]] = field(default_factory=lambda: NAMED_BANDS)
    thresholds: Thresholds = field(default_factory=Thresholds)


def read_spectrum_settings(
    path: Path, bands: str | None = None, quality: str | None = None
) -> SpectrumSettings:
    """Read settings from JSON; what it does not name has its default.

    Parameters
    ----------
    path : Path
        The ``spectrum.zarr.zip`` to write.
    bands : str, optional
        Names with two edges in Hz.
    quality : str, optional
        Names of `Thresholds` with numbers.
    """
    edges = {name: (low, high) for name, (low, high) in json.loads(bands or "{}").items()}
    thresholds = Thresholds(**json.loads(quality or "{}"))
    return SpectrumSettings(path, edges or NAMED_BANDS, thresholds)


class SpectrumFile:
    """The file while it is written.

    Parameters
    ----------
    stack : ExitStack
        On which it is opened; it is in place when that is closed.
    references : ProbeReferences
        Of the probe, with its exact clock.
    settings : SpectrumSettings
        What is asked for.
    likeness : Likeness
        Of the channels.

    Attributes
    ----------
    measures : list of SpectrumMeasure
        For the pass: one, or none where no rate is known.
    """

    def __init__(
        self,
        stack: ExitStack,
        references: ProbeReferences,
        settings: SpectrumSettings,
        likeness: Likeness,
    ) -> None:
        self._references, self._settings, self._likeness = references, settings, likeness
        self._store = stack.enter_context(StoreWriter(stack.enter_context(atomic(settings.path))))
        windows = find_windows(references.clock)
        self.measures = (
            [SpectrumMeasure(self._store, references, windows, settings.bands, likeness.level)]
            if windows
            else []
        )

    def close(
        self,
        statistics: npt.NDArray[Any],
        is_silent: Mask,
        rails: Ints,
        doubts: tuple[Doubt, ...],
    ) -> tuple[Quality, dict[str, npt.NDArray[np.float64]]]:
        """Write what is left after the pass.

        Parameters
        ----------
        statistics : structured ndarray of kernels.STATISTICS, shape (n_channels,)
            In stored units.
        is_silent : ndarray of bool, shape (n_channels,)
            Channels without a signal.
        rails : ndarray of int64, shape (n_channels, 2)
            First and last sample at a rail; −1 of channels that reach none.
        doubts : tuple of Doubt
            What is uncertain about the recording.

        Returns
        -------
        quality : Quality
            Of the channels.
        rms : dict of str to ndarray of float64, shape (n_channels,)
            Of each named band, V.
        """
        measure = self.measures[0] if self.measures else None
        spectra = measure.spectra if measure else Spectra.unknown(self._references.n_channels)
        quality = assess_channels(
            self._references,
            statistics,
            is_silent,
            describe_saturation(self._references.clock, rails),
            self._likeness,
            spectra,
            self._settings.thresholds,
        )
        bands = np.array(list(self._settings.bands.values()), np.float64).reshape(-1, 2)
        write_quality(self._store, quality, self._likeness, bands)
        self._write_channels()
        described = measure.describe() if measure else {"no_spectrum": NO_RATE}
        self._store.group(
            "",
            {
                "session": self._references.session,
                "probe": self._references.probe,
                "places": self._references.lfp.crc,
                "clock": self._references.clock.to_json(),
                "doubts": doubts_to_json(doubts),
                "coherence_bands": list(self._settings.bands),
                "areas": list(map(str, self._references.channels.columns.get("area", ()))),
                **described,
            },
        )
        if measure is None:
            return quality, {}
        powers = band_power(spectra.psd, measure.named, measure.windows.welch)
        return quality, dict(zip(measure.named.names, np.sqrt(powers).T, strict=True))

    def _write_channels(self) -> None:
        """Ids, and depths where the file has them; areas are attributes of the file."""
        channels = self._references.channels
        self._store.whole("channel", channels.id, ("channel",), {"long_name": "electrode id"})
        axis, depth = channels.depth_axis, channels.columns.get("depth")
        if axis is not None and depth is not None:
            attributes = {"units": axis.unit, "long_name": axis.label}
            self._store.whole("depth", np.asarray(depth, np.float64), ("channel",), attributes)
