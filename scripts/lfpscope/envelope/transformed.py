"""A probe whose samples are transformed as they are read: short views of it are drawn."""

import json
import math
import os
import weakref
import zlib
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.clock.segments import Segment
from lfpscope.envelope import kernels
from lfpscope.envelope.amplitude import Amplitude, amplitude_of_values
from lfpscope.envelope.columns import Columns
from lfpscope.envelope.read import OpenProbe
from lfpscope.envelope.transform_site import (
    distances_text,
    label_tables,
    quantum_of,
    quantum_over_depth,
    site_of,
)
from lfpscope.errors import UserError
from lfpscope.formatting import count_text
from lfpscope.result_files import VIEWS
from lfpscope.signals.filter import block_length
from lfpscope.signals.transform import Transform, compare_channels, filter_samples
from lfpscope.typing import Array, Floats, Mask

MAX_VALUES = 3_000_000  # that a view may transform: 26 s of a released probe, half a second
TILE_VALUES = 1 << 17  # that are compared at a time: 1 MB
KEPT = 12  # probes with what was drawn of them last
Stamp = tuple[tuple[int, int], ...]


class TransformedProbe(OpenProbe):
    """One probe opened for drawing, with a transform between its samples and the picture.

    Samples are whole counts of the recording's quantisation step, which is the scale of its
    references: what is drawn does not depend on where a view begins. Of what is computed over
    depth they are counts of what one step at a neighbour makes, see `quantum_over_depth`.

    Parameters
    ----------
    probe : OpenProbe
        The probe as it was recorded. It stays open.
    transform : Transform
        What is done.
    marked : ndarray of bool, shape (n_channels,)
        Channels that the user marked as bad: they are no reference of others.

    Raises
    ------
    ValueError
        If an edge of a filter does not lie below half the sampling rate, or nothing can be
        computed over depth, in a line.
    """

    is_summarised = False  # there is no envelope of it

    def __init__(self, probe: OpenProbe, transform: Transform, marked: Mask) -> None:
        raw = probe.references
        self.transform, self._probe = transform, probe
        self._rate = 1 / raw.clock.dt
        self.quantity, self.uncertain = transform.quantity, transform.margin(self._rate)  # refuses
        self._site = site_of(probe, marked)
        quantum = quantum_of(probe)
        if transform.is_over_depth:
            quantum = quantum_over_depth(probe, transform, self._site, quantum)
        layout = replace(raw.layout, dtype=np.dtype(np.float32))  # counts are exact in it
        table = replace(raw.lfp, layout=layout)
        self._has_values = quantum > 0
        quantum = np.where(self._has_values, quantum, 1.0)
        self.references = replace(raw, lfp=table, scale=quantum, add=0.0)
        self._quantum = quantum[:, np.newaxis]
        self.sizes, self.limits, self.damaged = probe.sizes, None, probe.damaged
        self.doubts, self.dead, self.saturated = probe.doubts, probe.dead, probe.saturated
        self.mean = self.median = np.zeros(raw.n_channels)
        self.std = probe.std
        self.most_samples = max(1, MAX_VALUES // raw.n_channels)
        self.live_seconds = self.most_seconds = self.most_samples * raw.clock.dt

    @property
    def made_of(self) -> dict[str, Any]:
        """What its samples depend on beside those of the file, as JSON has it."""
        bad = np.flatnonzero(self._left_out).tolist()
        quantum = zlib.crc32(np.ascontiguousarray(self.references.scale).tobytes())
        return {"transform": self.transform.text, "bad": bad, "quantum": quantum}

    @property
    def _left_out(self) -> Mask:
        """Channels that do not enter what is subtracted or computed over depth."""
        if self.transform.is_over_depth and self._site.contacts is not None:
            return ~self._site.contacts.used
        return self._site.bad & (self.transform.reference != "none")

    @property
    def description(self) -> str:
        """What is done, how it is computed, and what is left out."""
        words, n = [self.transform.text], int(self._left_out.sum())
        if self.transform.is_over_depth:
            words.append(f"{self.quantity.formula}, {distances_text(self._site)}")
        if n:
            words.append(f"{count_text(n, 'channel')} left out")
        if n_empty := int((~self._has_values & ~self._left_out).sum()):
            words.append(f"{count_text(n_empty, 'channel')} at ends of columns empty")
        return " · ".join(words)

    def why_no_number(self, channel: int) -> str:
        """Why a transform leaves no number of a channel; empty where the recording has none."""
        if not self._has_values[channel]:
            return "left out" if self._left_out[channel] else "at the end of a column of contacts"
        return "a sample is missing within half the filter's response" if self.uncertain else ""

    @property
    def asked_path(self) -> Path:
        """Where its envelope is kept if it is made on demand."""
        key = zlib.crc32(json.dumps(self.made_of).encode())
        return asked_folder(self._probe) / f"{key:08x}.zarr.zip"

    @property
    def grain(self) -> int:
        """Samples of a block of its filters: stretches of whole blocks take least time."""
        return block_length(self.transform.taps(self._rate).size)[1]

    def close(self) -> None:
        """Leave the probe open, which is not its own."""

    def column_step(self, n_samples: int, width: int) -> int:
        """Samples per column."""
        return max(1, -(-n_samples // width))

    def columns(self, segment: Segment, first: int, stop: int, step: int) -> Columns:
        """Columns that cover samples first to stop, snapped outward to the grid."""
        begin = (first - segment.first_sample) // step * step + segment.first_sample
        end = min(-(-(stop - segment.first_sample) // step) * step, segment.n_samples)
        values = self._counts(segment, begin, end + segment.first_sample)
        if step == 1:
            flags = np.where(np.isnan(values), kernels.ALL_NAN, kernels.CLEAN).astype(np.uint8)
            alike = np.broadcast_to(values, (4, *values.shape))
            return Columns(segment, begin, step, alike, flags, bucket=1)
        return Columns(segment, begin, step, *_fold(values, step), bucket=1)

    def amplitude(self, columns: Columns) -> Amplitude:
        """No amplitude: it is counted from blocks that the summary finds."""
        shape = columns.nan.shape
        return Amplitude(np.full(shape, np.nan), np.zeros(shape, np.int64), np.zeros(shape))

    def samples(self, first: int, stop: int, channels: npt.ArrayLike | None = None) -> Array:
        """Samples first to stop of some channels as counts, shape (n_channels, n).

        They may lie in several segments.
        """
        found = [
            self._counts(one, max(first, one.first_sample), min(stop, one.stop_sample))
            for one in self.references.clock.segments
            if first < one.stop_sample and stop > one.first_sample
        ]
        values = found[0] if len(found) == 1 else np.concatenate(found, axis=1)
        return values if channels is None else values[np.asarray(channels)]

    stored = samples

    def at_hand(self, first: int, stop: int) -> bool:  # noqa: ARG002
        """Tell that there is nothing else to draw from meanwhile."""
        return True

    def _counts(self, segment: Segment, first: int, stop: int) -> Floats:
        """Transformed samples of all channels of a segment, in whole quantisation steps."""
        at, n = segment.first_sample, segment.n_samples
        begin, end = self.transform.range_for(self._rate, first - at, stop - at, n)
        found = filter_samples(
            self._compared(at + begin, at + end),
            self.transform,
            self._rate,
            ends=(begin == 0, end == n),
            offset=begin,
            wanted=(first - at - begin, stop - at - begin),
        )
        found /= self._quantum
        return np.rint(found, out=found)

    def _compared(self, first: int, stop: int) -> Floats:
        """Samples less their reference or over depth, before a filter.

        A few of all channels at a time: what is computed between fits into a core's cache.
        """
        samples = self._probe.samples(first, stop)
        values = np.empty(samples.shape)
        tile = max(1, TILE_VALUES // samples.shape[0])
        for start in range(0, samples.shape[1], tile):
            here = slice(start, start + tile)
            volts = np.asarray(self._probe.volts(samples[:, here]), np.float64)
            values[:, here] = compare_channels(volts, self.transform, self._site)
        return values


class SummarisedView(TransformedProbe):
    """A transformed probe with an envelope of its own: drawn like any recording, at any zoom.

    Parameters
    ----------
    probe, transform, marked
        As of `TransformedProbe`.
    envelope : Path
        Of the transformed samples.

    Raises
    ------
    UserError
        If the envelope is damaged, or made of another file.
    LookupError
        If it was made of other channels as a reference, or in other steps.
    """

    is_summarised = True

    def __init__(
        self, probe: OpenProbe, transform: Transform, marked: Mask, envelope: Path
    ) -> None:
        super().__init__(probe, transform, marked)
        self._stored_view = OpenProbe(self.references, envelope)
        weakref.finalize(self, self._stored_view.close)
        if self._stored_view.attributes.get("view") != self.made_of:
            raise LookupError(f"{envelope}: of other samples")
        view = self._stored_view
        self.sizes, self.mean, self.median, self.std = view.sizes, view.mean, view.median, view.std
        self.most_samples, self.most_seconds = probe.references.n_samples, math.inf

    def close(self) -> None:
        """Close the envelope; the probe stays open."""
        self._stored_view.close()

    def column_step(self, n_samples: int, width: int) -> int:
        """Samples per column: as of any probe with an envelope."""
        return self._stored_view.column_step(n_samples, width)

    def columns(self, segment: Segment, first: int, stop: int, step: int) -> Columns:
        """Columns from the envelope where they hold its buckets, else from samples."""
        if step >= self.sizes[0]:
            return self._stored_view.columns(segment, first, stop, step)
        return super().columns(segment, first, stop, step)

    def amplitude(self, columns: Columns) -> Amplitude:
        """Amplitude of all channels, about the lines that the envelope has."""
        if columns.bucket > 1:
            return self._stored_view.amplitude(columns)
        end = columns.first_sample + columns.step * columns.n_columns
        values = self.samples(columns.first_sample, min(end, columns.segment.stop_sample))
        found = amplitude_of_values(self._stored_view.levels, values, columns)
        return found.in_volts(self.references.scale)


def _fold(values: Floats, step: int) -> tuple[Array, Array]:
    """First, min, max and last of the numbers in columns, and flags."""
    n_channels, n = values.shape
    n_columns = -(-n // step)
    padded = np.full((n_channels, n_columns * step), np.nan)
    padded[:, :n] = values
    cells = padded.reshape(n_channels, n_columns, step)
    known = ~np.isnan(cells)
    n_known, n_there = known.sum(axis=2), np.full(n_columns, step)
    n_there[-1] = n - (n_columns - 1) * step
    first, last = known.argmax(axis=2), step - 1 - known[..., ::-1].argmax(axis=2)
    folded = np.stack(
        [
            np.take_along_axis(cells, first[..., np.newaxis], axis=2)[..., 0],
            np.fmin.reduce(cells, axis=2),
            np.fmax.reduce(cells, axis=2),
            np.take_along_axis(cells, last[..., np.newaxis], axis=2)[..., 0],
        ]
    )
    flags = np.full(n_known.shape, kernels.CLEAN, np.uint8)
    flags[n_known < n_there] = kernels.SOME_NAN
    flags[n_known == 0] = kernels.ALL_NAN
    return folded, flags


def stamp_of_transform(probe: OpenProbe) -> Stamp:
    """Size and time of what decides how a transformed probe is drawn: labels, and stored views."""
    files = [*label_tables(probe), *_stored_views(probe)]
    return tuple(_stamp(path) for path in files)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def transformed(probe: OpenProbe, transform: Transform, marked: Mask) -> TransformedProbe:
    """Return a probe with a transform: from a stored view of the same samples, if there is one.

    The same one as long as the labels of channels and the stored views are.
    """
    return _transformed(probe, transform, marked.tobytes(), stamp_of_transform(probe))


@lru_cache(KEPT)
def _transformed(
    probe: OpenProbe, transform: Transform, marked: bytes, _stamp: Stamp
) -> TransformedProbe:
    channels = np.frombuffer(marked, np.bool_)
    live = TransformedProbe(probe, transform, channels)
    for path in _stored_views(probe):
        with suppress(UserError, LookupError):  # of other samples, or from before
            return SummarisedView(probe, transform, channels, path)
    return live


def _stored_views(probe: OpenProbe) -> list[Path]:
    """Envelopes of transformed samples of a probe: of the pipeline, and made on demand."""
    of_probe = sorted((probe.references.file.parent / VIEWS).glob("*.zarr.zip"))
    return [*of_probe, *sorted(asked_folder(probe).glob("*.zarr.zip"))]


def asked_folder(probe: OpenProbe) -> Path:
    """Where views of a probe are kept that were made on demand."""
    references = probe.references
    known = f"{references.session}\n{references.probe}\n{references.lfp.crc}\n{references.file}"
    home = os.environ.get("XDG_CACHE_HOME")
    cache = Path(home) if home else Path("~/.cache").expanduser()
    return cache / "lfpscope" / VIEWS / f"{zlib.crc32(known.encode()):08x}"
