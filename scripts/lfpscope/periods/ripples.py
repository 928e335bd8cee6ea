"""Ripples: a second read of a few channels."""

from collections.abc import Iterator, Sequence

import numpy as np

from lfpscope.clock.segments import Segment
from lfpscope.envelope.read import OpenProbe
from lfpscope.periods.recording import ids_of
from lfpscope.periods.table import RIPPLE, Period
from lfpscope.signals.ripples import find_ripples, margin, trace_ripples, trace_step
from lfpscope.signals.runs import find_runs
from lfpscope.typing import Array, Floats, Ints

BLOCK_SAMPLES = 1 << 16  # that are transformed at a time
BESIDE_S = 0.1  # what is left out beside an artefact


def find_probe_ripples(
    probe: OpenProbe, channels: Ints, excluded: Sequence[tuple[float, float]], n_sd: float
) -> Iterator[Period]:
    """Find ripples on some channels of a probe.

    Parameters
    ----------
    probe : OpenProbe
        With its envelope.
    channels : ndarray of int64
        Indices of the channels.
    excluded : sequence of (float, float)
        Session times that are left out, as artefacts are.
    n_sd : float
        Standard deviations above the mean from which on it is a ripple.
    """
    clock = probe.references.clock
    step = trace_step(1 / clock.dt)
    traces = [_trace_segment(probe, segment, channels, step, excluded) for segment in clock.valid]
    ids = ids_of(probe.references, channels)
    # a value between segments ends a ripple
    joined = np.concatenate([np.append(trace, np.float32(np.nan)) for trace in traces])
    firsts = np.cumsum([0, *(trace.size + 1 for trace in traces)])
    ripples, peaks = find_ripples(joined, step * clock.dt, n_sd)
    own = np.searchsorted(firsts, ripples[:, 0], side="right") - 1
    for (start, stop), peak, i in zip(ripples, peaks, own, strict=True):
        segment = clock.valid[i]
        begin, end = (
            segment.t0 + (k - firsts[i]) * step * segment.dt for k in (int(start), int(stop) - 1)
        )
        yield Period(float(begin), float(end), RIPPLE, ids, float(peak))


def _trace_segment(
    probe: OpenProbe,
    segment: Segment,
    channels: Ints,
    step: int,
    excluded: Sequence[tuple[float, float]],
) -> Array:
    """Strength of the ripple band of a segment, a value in `step` samples, NaN if unknown."""
    rate = 1 / segment.dt
    beside = margin(rate)
    trace = np.full(-(-segment.n_samples // step), np.nan, np.float32)
    block = BLOCK_SAMPLES // step * step
    for first in range(0, segment.n_samples, block):
        stop = min(first + block, segment.n_samples)
        begin, end = max(0, first - beside), min(stop + beside, segment.n_samples)
        at = segment.first_sample
        x = probe.samples(at + begin, at + end, channels.tolist()).astype(np.float64)
        x *= np.abs(probe.references.scale[channels])[:, np.newaxis]
        strength = _trace_stretches(x, rate)[first - begin : stop - begin : step]
        trace[first // step : first // step + strength.size] = strength
    for start, end_time in excluded:
        low, high = (
            int(np.clip((t - segment.t0) / segment.dt / step, 0, trace.size))
            for t in (start - BESIDE_S, end_time + BESIDE_S)
        )
        trace[low:high] = np.nan
    return trace


def _trace_stretches(x: Array, rate: float) -> Floats:
    """Trace each stretch in which all channels have numbers."""
    trace = np.full(x.shape[1], np.nan)
    known = np.asarray(~np.isnan(x).any(axis=0))
    for start, stop in find_runs(known).tolist():
        trace[start:stop] = trace_ripples(x[:, start:stop], rate)
    return trace
