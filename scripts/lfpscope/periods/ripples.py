"""Ripples: a second read of a few channels."""

from collections.abc import Iterator, Sequence

import numpy as np

from lfpscope.clock.segments import Segment
from lfpscope.envelope.read import OpenProbe
from lfpscope.periods.recording import ids_of
from lfpscope.periods.table import ARTEFACT, RIPPLE, SATURATED, Period
from lfpscope.signals.ripples import find_ripples, margin, trace_ripples, trace_step
from lfpscope.signals.runs import find_runs
from lfpscope.typing import Array, Floats, Ints

BLOCK_SAMPLES = 1 << 16  # that are transformed at a time
BESIDE_S = 0.1  # what is left out beside an artefact


def find_probe_ripples(
    probe: OpenProbe, channels: Ints, known: Sequence[Period], n_sd: float
) -> Iterator[Period]:
    """Find ripples on some channels of a probe.

    Parameters
    ----------
    probe : OpenProbe
        With its envelope.
    channels : ndarray of int64
        Indices of the channels.
    known : sequence of Period
        Artefacts, and saturation of these channels, are left out.
    n_sd : float
        Standard deviations above the mean from which on it is a ripple.
    """
    clock = probe.references.clock
    step = trace_step(1 / clock.dt)
    ids = ids_of(probe.references, channels)
    left_out = [
        (one.start - BESIDE_S, one.stop + BESIDE_S)
        for one in known
        if one.kind == ARTEFACT or (one.kind == SATURATED and not set(ids).isdisjoint(one.channels))
    ]
    spans = np.reshape(left_out, (-1, 2))
    # a value between segments ends a ripple
    firsts = np.cumsum([0, *(-(-one.n_samples // step) + 1 for one in clock.valid)])
    trace = np.full(firsts[-1], np.nan, np.float32)
    for segment, first, stop in zip(clock.valid, firsts, firsts[1:] - 1, strict=False):
        _trace_segment(probe, segment, channels, step, trace[first:stop])
        steps = np.clip((spans - segment.t0) / (segment.dt * step), 0, stop - first) + first
        for low, high in steps[steps[:, 0] < steps[:, 1]].astype(np.int64).tolist():
            trace[low:high] = np.nan
    ripples, peaks = find_ripples(trace, step * clock.dt, n_sd)
    own = np.searchsorted(firsts, ripples[:, 0], side="right") - 1
    for (start, stop), peak, i in zip(ripples, peaks, own, strict=True):
        segment = clock.valid[i]
        begin, end = (
            segment.t0 + (k - firsts[i]) * step * segment.dt for k in (int(start), int(stop) - 1)
        )
        yield Period(float(begin), float(end), RIPPLE, ids, float(peak))


def _trace_segment(
    probe: OpenProbe, segment: Segment, channels: Ints, step: int, trace: Array
) -> None:
    """Write the strength of the ripple band of a segment, a value in `step` samples."""
    rate = 1 / segment.dt
    beside = margin(rate)
    block = BLOCK_SAMPLES // step * step
    for first in range(0, segment.n_samples, block):
        stop = min(first + block, segment.n_samples)
        begin, end = max(0, first - beside), min(stop + beside, segment.n_samples)
        at = segment.first_sample
        x = probe.samples(at + begin, at + end, channels.tolist()).astype(np.float64)
        x *= np.abs(probe.references.scale[channels])[:, np.newaxis]
        strength = _trace_stretches(x, rate)[first - begin : stop - begin : step]
        trace[first // step : first // step + strength.size] = strength


def _trace_stretches(x: Array, rate: float) -> Floats:
    """Trace each stretch in which all channels have numbers; NaN elsewhere."""
    trace = np.full(x.shape[1], np.nan)
    known = np.asarray(~np.isnan(x).any(axis=0))
    for start, stop in find_runs(known).tolist():
        trace[start:stop] = trace_ripples(x[:, start:stop], rate)
    return trace
