"""A probe whose samples are transformed as they are read: short views of it are drawn."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lfpscope.clock.segments import Segment
from lfpscope.envelope import kernels
from lfpscope.envelope.amplitude import Amplitude
from lfpscope.envelope.columns import Columns
from lfpscope.envelope.read import OpenProbe
from lfpscope.result_files import BAD_CHANNELS, CHANNELS
from lfpscope.samples.channel_labels import read_labels, read_labels_by_hand
from lfpscope.signals.transform import Site, Transform, apply_transform
from lfpscope.typing import Array, Floats, Mask

MAX_VALUES = 3_000_000  # that a view may transform: 26 s of a released probe, half a second
FLOAT_STEPS = 256.0  # quantisation steps of a float in the standard deviation of its channel
KEPT = 12  # probes with what was drawn of them last
Stamp = tuple[tuple[int, int], ...]
BAD_LABELS = ("dead", "noisy", "outside")


class TransformedProbe(OpenProbe):
    """One probe opened for drawing, with a transform between its samples and the picture.

    Samples are volts here, so its references have a scale of one. They are rounded to the
    quantisation step of the recording: what is drawn does not depend on where a view begins.

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
        If an edge of a filter does not lie below half the sampling rate.
    """

    is_summarised = False  # there is no envelope of it

    def __init__(self, probe: OpenProbe, transform: Transform, marked: Mask) -> None:
        raw = probe.references
        self.transform, self._probe = transform, probe
        self._rate = 1 / raw.clock.dt
        self._margin = transform.margin(self._rate)
        self.references = replace(raw, scale=np.ones(raw.n_channels), add=0.0)
        self.sizes, self.limits, self.damaged = probe.sizes, probe.limits, probe.damaged
        self.doubts, self.dead, self.saturated = probe.doubts, probe.dead, probe.saturated
        self.mean = self.median = np.zeros(raw.n_channels)
        self.std = probe.std
        self._site = _site_of(probe, marked)
        self._quantum = _quantum_of(probe)[:, np.newaxis]
        self.most_samples = max(1, MAX_VALUES // raw.n_channels)
        self.most_seconds = self.most_samples * raw.clock.dt

    def close(self) -> None:
        """Leave the probe open, which is not its own."""

    def column_step(self, n_samples: int, width: int) -> int:
        """Samples per column."""
        return max(1, -(-n_samples // width))

    def columns(self, segment: Segment, first: int, stop: int, step: int) -> Columns:
        """Columns that cover samples first to stop, snapped outward to the grid."""
        begin = (first - segment.first_sample) // step * step + segment.first_sample
        end = min(-(-(stop - segment.first_sample) // step) * step, segment.n_samples)
        values = self._volts(segment, begin, end + segment.first_sample)
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
        """Samples first to stop of some channels in volts, shape (n_channels, n)."""
        (segment,) = (
            one
            for one in self.references.clock.segments
            if one.first_sample <= first < one.stop_sample
        )
        values = self._volts(segment, first, min(stop, segment.stop_sample))
        return values if channels is None else values[np.asarray(channels)]

    stored = samples

    def at_hand(self, first: int, stop: int) -> bool:  # noqa: ARG002
        """Tell that there is nothing else to draw from meanwhile."""
        return True

    def _volts(self, segment: Segment, first: int, stop: int) -> Floats:
        """Transformed samples of all channels of a segment, volts."""
        begin = max(first - self._margin, segment.first_sample)
        end = min(stop + self._margin, segment.stop_sample)
        values = self._probe.volts(self._probe.samples(begin, end)).astype(np.float64)
        ends = begin == segment.first_sample, end == segment.stop_sample
        found = apply_transform(values, self.transform, self._rate, self._site, ends=ends)
        found = found[:, first - begin : found.shape[1] - (end - stop)]
        return np.asarray(np.rint(found / self._quantum) * self._quantum)


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


def _site_of(probe: OpenProbe, marked: Mask) -> Site:
    references = probe.references
    columns, ids = references.channels.columns, references.channels.id.tolist()
    found, by_hand = _label_tables(probe)
    labels = read_labels(found, by_hand, references.probe, ids).get("label")
    if labels is None:  # the pass has not been made yet
        given = read_labels_by_hand(by_hand, references.probe)
        labels = [given.get(one, "") for one in ids]
    bad = probe.dead | marked | np.isin(labels, BAD_LABELS)
    depth = columns.get("depth", np.arange(len(ids), dtype=np.float64))
    group = {str(name): columns[name] for name in ("shank", "area") if name in columns}
    return Site(np.asarray(bad, np.bool_), np.asarray(depth, np.float64), group)


def _label_tables(probe: OpenProbe) -> tuple[Path, Path]:
    """Where the labels that were found stand, and those by hand."""
    folder = probe.references.file.parent
    return folder / CHANNELS, folder.parents[1] / BAD_CHANNELS


def _quantum_of(probe: OpenProbe) -> Floats:
    """Quantisation step of each channel, volts; of floats a small part of their deviation."""
    scale = np.abs(probe.references.scale)
    if probe.references.layout.dtype.kind != "f":
        return np.asarray(scale, np.float64)
    step = probe.step
    found = scale * step if step else probe.std / FLOAT_STEPS
    return np.where(np.isfinite(found) & (found > 0), found, 1e-9)


def stamp_of_labels(probe: OpenProbe) -> Stamp:
    """Size and time of the tables that say which channels are bad; a user edits one of them."""
    return tuple(_stamp(table) for table in _label_tables(probe))


def _stamp(table: Path) -> tuple[int, int]:
    try:
        status = table.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def transformed(probe: OpenProbe, transform: Transform, marked: Mask) -> TransformedProbe:
    """Return a probe with a transform: the same one as long as the labels of channels are."""
    return _transformed(probe, transform, marked.tobytes(), stamp_of_labels(probe))


@lru_cache(KEPT)
def _transformed(
    probe: OpenProbe, transform: Transform, marked: bytes, _labels: Stamp
) -> TransformedProbe:
    return TransformedProbe(probe, transform, np.frombuffer(marked, np.bool_))
