"""Periods that the envelope's finest buckets show: saturation and artefacts."""

from collections.abc import Iterator

import numpy as np

from lfpscope.clock.segments import Clock, Segment
from lfpscope.envelope.columns import Columns
from lfpscope.envelope.read import OpenProbe
from lfpscope.periods.bucket_runs import Runs
from lfpscope.periods.recording import ids_of, span_of
from lfpscope.periods.table import ARTEFACT, SATURATED, Period
from lfpscope.typing import Floats, Mask

PIECE_VALUES = 1 << 20  # buckets of all channels that are looked at at a time
N_PLACES, PLACE_BUCKETS = 64, 64  # spread over the recording, that show a channel's usual range
NORMAL_MAD = 1.4826  # of the median absolute deviation: the standard deviation of normal noise


def find_in_buckets(
    probe: OpenProbe, alive: Mask, *, share: float, n_sd: float
) -> Iterator[Period]:
    """Find when channels are saturated, and when many are beyond their usual range at once.

    Times are those of the finest buckets, about 0.1 s.

    Parameters
    ----------
    probe : OpenProbe
        With its envelope.
    alive : ndarray of bool, shape (n_channels,)
        Channels in which artefacts are looked for.
    share : float
        An artefact is beyond the usual range on more than this share of them, and on two at least.
    n_sd : float
        The usual range ends so many robust standard deviations (1.4826 times the median absolute
        deviation) above the median of a channel's peaks in the buckets.
    """
    n_alive, size = int(alive.sum()), probe.sizes[0]
    usual = np.where(alive, _usual_peaks(probe, n_sd), np.inf)[:, np.newaxis]
    railed = np.isfinite(probe.rails).any(axis=0)
    artefacts, saturation = Runs(), Runs()
    for columns in _pieces(probe):
        where = columns.segment, columns.first_sample, size
        artefacts.add(*where, _peaks(probe, columns) > usual, max(1.0, share * n_alive))
        if railed.any():
            at_rail = columns.values[1:3] == probe.rails[:, :, np.newaxis]
            saturation.add(*where, at_rail.any(axis=0), 0.0)
    yield from _periods(probe, artefacts, ARTEFACT, n_alive)
    yield from _periods(probe, saturation, SATURATED, probe.references.n_channels)


def _pieces(probe: OpenProbe) -> Iterator[Columns]:
    """Finest buckets of all segments that have a time."""
    size = probe.sizes[0]
    n = max(1, PIECE_VALUES // probe.references.n_channels) * size
    for segment in probe.references.clock.valid:
        for first in range(segment.first_sample, segment.stop_sample, n):
            yield probe.columns(segment, first, min(first + n, segment.stop_sample), size)


def _peaks(probe: OpenProbe, columns: Columns) -> Floats:
    """Peaks of buckets, V; NaN without a number."""
    found = probe.amplitude(columns)
    return np.where(found.n > 0, found.peak, np.nan)


def _usual_peaks(probe: OpenProbe, n_sd: float) -> Floats:
    """Where the usual range of each channel ends, V; infinite for one without peaks."""
    sampled = [
        _peaks(probe, probe.columns(segment, first, stop, probe.sizes[0])).astype(np.float32)
        for segment, first, stop in _places(probe.references.clock, probe.sizes[0])
    ]
    peaks = np.concatenate(sampled, axis=1)
    has_peaks = np.isfinite(peaks).any(axis=1)
    known = peaks[has_peaks]
    middle = np.nanmedian(known, axis=1, keepdims=True)
    deviation = NORMAL_MAD * np.nanmedian(np.abs(known - middle), axis=1)
    usual = np.full(has_peaks.size, np.inf)
    usual[has_peaks] = np.where(deviation > 0, middle[:, 0] + n_sd * deviation, np.inf)
    return usual


def _places(clock: Clock, size: int) -> Iterator[tuple[Segment, int, int]]:
    """Samples of stretches at equal distances."""
    n = PLACE_BUCKETS * size
    every = max(n, sum(segment.n_samples for segment in clock.valid) // N_PLACES)
    ahead = 0  # samples to the next stretch
    for segment in clock.valid:
        for offset in range(ahead, segment.n_samples, every):
            first = segment.first_sample + offset
            yield segment, first, min(first + n, segment.stop_sample)
        ahead = (ahead - segment.n_samples) % every


def _periods(probe: OpenProbe, runs: Runs, kind: str, n_channels: int) -> Iterator[Period]:
    """Periods of runs; their strength is a share of so many channels."""
    for run in runs.joined:
        ids = ids_of(probe.references, np.flatnonzero(run.channels))
        yield Period(*span_of(run.segment, run.first, run.stop), kind, ids, run.most / n_channels)
