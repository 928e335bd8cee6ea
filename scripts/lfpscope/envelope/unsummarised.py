"""A probe that is indexed and not summarised yet: short views of it are drawn from samples."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lfpscope.doubts import Doubt
from lfpscope.envelope.amplitude import Amplitude
from lfpscope.envelope.columns import Columns
from lfpscope.envelope.read import OpenProbe
from lfpscope.errors import UserError
from lfpscope.formatting import duration_text
from lfpscope.references.model import ProbeReferences
from lfpscope.samples.chunk_cache import Samples
from lfpscope.samples.chunk_reader import Source

MAX_VALUES = 24_000_000  # that a view may read: four minutes of a released probe
BUCKET = 128  # samples; as the envelope has by default


class UnsummarisedProbe(OpenProbe):
    """One probe opened for drawing before it has an envelope: its references and its samples.

    Nothing is known of its channels yet: none is dead or saturated, and its statistics are NaN.

    Parameters
    ----------
    references : ProbeReferences
        Of the probe.

    Attributes
    ----------
    most_samples, most_seconds : int, float
        That a view may show.
    """

    is_summarised = False

    def __init__(self, references: ProbeReferences) -> None:
        self.references, n = references, references.n_channels
        self.sizes = [BUCKET]
        self._step, self.limits = None, None
        self.dead, self.saturated = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
        self.mean, self.std = np.full(n, np.nan), np.full(n, np.nan)
        self.damaged = []
        self._source = Source(references)
        self._samples = self._stored = Samples(self._source)
        self.most_samples = max(1, MAX_VALUES // n)
        self.most_seconds = self.most_samples * references.clock.dt
        what = f"not summarised yet: what is longer than {self._longest()} cannot be shown"
        self.doubts = (Doubt("missing", what), *references.doubts)

    def _longest(self) -> str:
        return duration_text(self.most_seconds)

    @cached_property
    def median(self) -> Any:  # type: ignore[override]
        """Of every 128th sample, volts; asked for where the complete recording is shown."""
        with np.errstate(all="ignore"):
            first = self._samples.read(0, self.references.n_samples)[:, ::BUCKET]
            ordered = np.sort(first.astype(np.float64), axis=1)
            n = np.maximum(np.isfinite(ordered).sum(axis=1), 1)
            rows = np.arange(n.size)
            middle = (ordered[rows, (n - 1) // 2] + ordered[rows, n // 2]) / 2
        volts = middle * self.references.scale + self.references.add
        return np.where(np.isfinite(volts), volts, 0.0)

    def close(self) -> None:
        """Close the file and release what is cached."""
        self._samples.close()
        self._source.close()

    def column_step(self, n_samples: int, width: int) -> int:
        """Samples per column.

        Raises
        ------
        UserError
            If it would take too long to read them.
        """
        if n_samples > self.most_samples:
            # the panel has the probe's name already, and room for few words
            raise UserError(f"not summarised yet: zoom in to {self._longest()} or less, or wait")
        return max(1, -(-n_samples // width))

    def _level(self, step: int) -> int:  # noqa: ARG002
        return 1

    def amplitude(self, columns: Columns) -> Amplitude:
        """No amplitude: it is counted from blocks that the summary finds."""
        shape = columns.nan.shape
        return Amplitude(np.full(shape, np.nan), np.zeros(shape, np.int64), np.zeros(shape))

    def at_hand(self, first: int, stop: int) -> bool:  # noqa: ARG002
        """Tell that there is nothing else to draw from meanwhile."""
        return True


def open_probe(references: ProbeReferences, envelope: Path) -> OpenProbe:
    """Open a probe for drawing, from its envelope if there is one.

    Raises
    ------
    UserError
        If its envelope or its source do not belong together.
    """
    if envelope.exists():
        return OpenProbe(references, envelope)
    return UnsummarisedProbe(references)
