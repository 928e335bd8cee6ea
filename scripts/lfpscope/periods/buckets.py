"""Periods that the envelope's finest buckets show: saturation and artefacts."""

from collections.abc import Iterator

import numpy as np

from lfpscope.clock.segments import Segment
from lfpscope.envelope.read import OpenProbe
from lfpscope.periods.recording import ids_of, times_of
from lfpscope.periods.table import ARTEFACT, SATURATED, Period
from lfpscope.signals.runs import find_runs
from lfpscope.typing import Array, Floats, Ints, Mask

PIECE_VALUES = 1 << 20  # buckets of all channels that are looked at at a time
SAMPLED_BUCKETS = 4096  # from which the usual range of a channel is found
NORMAL_MAD = 1.4826  # of the median absolute deviation: the standard deviation of normal noise
JOINED_S = 1.0  # within it saturation is one period: a channel comes and goes at its rail


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
        An artefact is beyond the usual range on more than this share of them.
    n_sd : float
        The usual range ends so many robust standard deviations (1.4826 times the median absolute
        deviation) above the median of a channel's peaks in the buckets.
    """
    usual = _usual_peaks(probe, n_sd)
    railed = np.flatnonzero(np.isfinite(probe.rails).any(axis=0))
    for segment in probe.references.clock.valid:
        rails: list[Mask] = [np.zeros((railed.size, 0), np.bool_)]
        n_beyond, beyond = [np.zeros(0, np.int64)], [np.zeros((0, alive.size), np.bool_)]
        for extremes, peaks in _pieces(probe, segment):
            at_rail = (extremes == probe.rails[:, :, np.newaxis]).any(axis=0)
            rails.append(at_rail[railed])
            loud = (peaks > usual[:, np.newaxis]) & alive[:, np.newaxis]
            n = loud.sum(axis=0)
            n_beyond.append(n)
            beyond.append(loud[:, n > share * alive.sum()].T)
        counts = np.concatenate(n_beyond)
        yield from _artefacts(probe, segment, counts, np.concatenate(beyond), alive, share)
        yield from _saturation(probe, segment, railed, np.concatenate(rails, axis=1))


def _pieces(probe: OpenProbe, segment: Segment, every: int = 1) -> Iterator[tuple[Array, Floats]]:
    """Smallest and largest samples, stored units, and peaks, V, of a segment's finest buckets.

    Of pieces of some buckets each only every so many-th is taken.
    """
    size = probe.sizes[0]
    n = max(1, PIECE_VALUES // probe.references.n_channels) * size
    for first in range(segment.first_sample, segment.stop_sample, n * every):
        stop = min(first + n, segment.stop_sample)
        columns = probe.columns(segment, first, stop, size)
        yield columns.values[1:3], probe.amplitude(columns).peak


def _usual_peaks(probe: OpenProbe, n_sd: float) -> Floats:
    """Where the usual range of each channel ends, V; infinite for one without peaks."""
    clock, size = probe.references.clock, probe.sizes[0]
    n_pieces = max(1, PIECE_VALUES // probe.references.n_channels)
    n_buckets = clock.n_samples // size
    every = max(1, n_buckets // max(n_pieces, SAMPLED_BUCKETS))
    thin = max(1, n_buckets // every // SAMPLED_BUCKETS)
    sampled = [
        peaks[:, ::thin].astype(np.float32)
        for segment in clock.valid
        for _, peaks in _pieces(probe, segment, every)
    ]
    peaks = np.concatenate(sampled, axis=1)
    middle = np.median(peaks, axis=1, keepdims=True)
    deviation = NORMAL_MAD * np.median(np.abs(peaks - middle), axis=1)
    return np.where(deviation > 0, middle[:, 0] + n_sd * deviation, np.inf)


def _artefacts(
    probe: OpenProbe, segment: Segment, counts: Ints, beyond: Mask, alive: Mask, share: float
) -> Iterator[Period]:
    """Artefacts of a segment; those with one bucket between them are one."""
    flagged = counts > share * alive.sum()
    at = np.cumsum(flagged) - flagged  # where in `beyond` a flagged bucket is
    for start, stop in find_runs(flagged, hole=1).tolist():
        inside = slice(start, stop)
        rows = at[inside][flagged[inside]]
        channels = np.flatnonzero(beyond[rows].any(axis=0))
        strength = float(counts[inside].max() / alive.sum())
        yield from _period(probe, segment, (start, stop), ARTEFACT, channels, strength)


def _saturation(
    probe: OpenProbe, segment: Segment, railed: Ints, at_rail: Mask
) -> Iterator[Period]:
    """Saturation of a segment, of all channels together."""
    counts = at_rail.sum(axis=0)
    hole = int(JOINED_S / (segment.dt * probe.sizes[0]))
    for start, stop in find_runs(counts > 0, hole=hole).tolist():
        channels = railed[at_rail[:, start:stop].any(axis=1)]
        strength = float(counts[start:stop].max() / probe.references.n_channels)
        yield from _period(probe, segment, (start, stop), SATURATED, channels, strength)


def _period(
    probe: OpenProbe,
    segment: Segment,
    buckets: tuple[int, int],
    kind: str,
    channels: Ints,
    strength: float,
) -> Iterator[Period]:
    """A period of some buckets of a segment."""
    first, stop = (segment.first_sample + i * probe.sizes[0] for i in buckets)
    ids = ids_of(probe.references, channels)
    for start, end in times_of(probe.references.clock, first, min(stop, segment.stop_sample)):
        yield Period(start, end, kind, ids, strength)
