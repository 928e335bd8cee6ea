"""Averages around events: trials, their mean and its error.

A trial is a window of samples around the sample that is nearest to an event; of two that are
equally near, the earlier one. A trial whose window is not complete in one regular stretch of
samples, or holds a value that is not a number, is dropped and counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.clock.segments import Clock, Segment
from lfpscope.signals.arrays import clock_of, unpack
from lfpscope.signals.epoch_kernels import HAS_NAN, IS_DAMAGED, add_trials
from lfpscope.typing import Floats, Ints

WINDOW_S = (-0.25, 0.75)
"""Of a trial, seconds about the event."""

OUTSIDE, GAP, TWICE, OTHER_RATE, EXCLUDED, ARTEFACT, NAN, DAMAGED = REASONS = (
    "outside",  # the window reaches beyond the recording
    "gap",  # the window reaches into a gap or across a clock reset
    "twice",  # the clock was set back, so the event's time is there twice
    "rate",  # the stretch has another sampling rate than most of the recording
    "excluded",  # the window touches a time that is marked as invalid
    "artefact",  # or one of an artefact, or of saturation
    "nan",
    "damaged",
)
"""Why a trial is dropped; the last two for each channel on its own."""
RATE_SAMPLES = 0.5  # by which a window may be longer or shorter where the rate differs


@dataclass(frozen=True)
class Window:
    """The samples of a trial, counted from the one at its event.

    Attributes
    ----------
    first, stop : int
        ``first`` is negative where the window starts before the event.
    dt : float
        Seconds per sample.
    """

    first: int
    stop: int
    dt: float

    @property
    def width(self) -> int:
        """Samples."""
        return self.stop - self.first

    @property
    def times(self) -> Floats:
        """Seconds from the event, shape (width,)."""
        return np.arange(self.first, self.stop, dtype=np.float64) * self.dt


@dataclass(frozen=True)
class Located:
    """Events placed on samples.

    Attributes
    ----------
    samples : ndarray of int64, shape (n_events,)
        The sample at each event; −1 where its trial is dropped.
    reasons : ndarray of str, shape (n_events,)
        Why it is dropped, one of `REASONS`; empty where it is not.
    """

    samples: Ints
    reasons: npt.NDArray[np.str_]


@dataclass(frozen=True)
class Average:
    """Mean over trials.

    Attributes
    ----------
    time : ndarray of float64, shape (n_times,)
        Seconds from the event.
    mean, sem : ndarray of float64, shape (n_channels, n_times)
        In the unit of the signal; the standard error is NaN for fewer than two trials.
    n : ndarray of int64, shape (n_channels,)
        Trials.
    baseline : ndarray of float64, shape (n_channels,)
        Mean before the event. It is not subtracted from `mean`.
    dropped : dict of str to ndarray of int64, shape (n_channels,)
        Trials that were dropped, by reason.
    """

    time: Floats
    mean: Floats
    sem: Floats
    n: Ints
    baseline: Floats
    dropped: dict[str, Ints]


def make_window(dt: float, seconds: tuple[float, float] = WINDOW_S) -> Window:
    """Return the samples whose time lies in a window of seconds about an event.

    Raises
    ------
    ValueError
        If there is none.
    """
    small = 1e-6  # of a sample: 0.75 s of 1250 Hz shall end at a sample
    first = int(np.ceil(seconds[0] / dt - small))
    stop = int(np.floor(seconds[1] / dt + small)) + 1
    if stop <= first:
        raise ValueError(f"window of {seconds} s holds no sample (a step is {dt:g} s)")
    return Window(first, stop, dt)


# --- events on samples ----------------------------------------------------------------------------


def locate_events(
    events: npt.ArrayLike,
    clock: Clock,
    window: Window,
    excluded: Sequence[tuple[float, float]] = (),
    artefacts: Sequence[tuple[float, float]] = (),
) -> Located:
    """Find the sample at each event, and the trials that are not complete.

    Parameters
    ----------
    events : array-like, shape (n_events,)
        Session time, seconds.
    clock : Clock
        Of the recording.
    window : Window
        Of a trial.
    excluded, artefacts : sequence of (float, float)
        Session times, start and stop, that no trial may touch.
    """
    times = np.asarray(events, dtype=np.float64)
    samples = np.full(times.size, -1, dtype=np.int64)
    reasons = np.where((times < clock.t0) | (times >= clock.t1), OUTSIDE, GAP).astype("U8")
    found = np.zeros(times.size, dtype=np.bool_)
    order = np.argsort(times, kind="stable")
    rising = times[order]
    for segment in clock.valid:
        # half a sample more: an event just before the first sample is nearest to it
        span = [segment.t0 - 0.5 * segment.dt, segment.t1 - 0.5 * segment.dt]
        here = order[slice(*np.searchsorted(rising, span).tolist())]
        if not here.size:
            continue
        twice = here[found[here]]
        samples[here], reasons[here] = _locate(times[here], segment, clock, window)
        samples[twice], reasons[twice] = -1, TWICE
        found[here] = True
    for reason, spans in ((EXCLUDED, excluded), (ARTEFACT, artefacts)):
        for start, stop in spans:
            first, last = start - window.times[-1], stop - window.times[0]
            begin, end = np.searchsorted(rising, first), np.searchsorted(rising, last, side="right")
            here = order[begin:end]
            here = here[samples[here] >= 0]
            samples[here], reasons[here] = -1, reason
    return Located(samples, reasons)


def _locate(
    times: Floats, segment: Segment, clock: Clock, window: Window
) -> tuple[Ints, npt.NDArray[np.str_]]:
    """Samples nearest to times in one segment, and why their trials are dropped."""
    if abs(segment.dt - window.dt) * window.width > RATE_SAMPLES * window.dt:
        return np.full(times.size, -1), np.full(times.size, OTHER_RATE)
    lower = np.floor((times - segment.t0) / segment.dt)
    distances = [np.abs(segment.t0 + (lower + i) * segment.dt - times) for i in (0, 1)]
    nearest = segment.first_sample + lower.astype(np.int64) + (distances[1] < distances[0])
    nearest = np.clip(nearest, segment.first_sample, segment.stop_sample - 1)
    before = nearest + window.first < segment.first_sample
    after = nearest + window.stop > segment.stop_sample
    at_start, at_end = segment == clock.valid[0], segment == clock.valid[-1]
    reasons = np.select(
        [before, after],
        [OUTSIDE if at_start else GAP, OUTSIDE if at_end else GAP],
        default="",
    )
    return np.where(before | after, -1, nearest), reasons


# --- sums -----------------------------------------------------------------------------------------


class Sums:
    """Sums over trials of several kinds, on some channels; added to stretch by stretch.

    Parameters
    ----------
    n_channels, n_kinds : int
        How many.
    window : Window
        Of a trial.
    edges : sequence of int
        Samples of a trial at which bins begin and end: their sums are kept for each part of the
        trials.
    n_parts : int
        Parts into which the trials of a kind are divided.

    Attributes
    ----------
    n : ndarray of int64, shape (n_channels, n_kinds)
        Trials.
    lost : ndarray of int64, shape (n_channels, n_kinds, 2)
        Trials that were dropped, because of NaN and because of damage.
    binned : ndarray of float64, shape (n_channels, n_kinds, n_parts, n_bins)
        Sums over the samples of each bin and the trials of each part.
    """

    def __init__(
        self,
        n_channels: int,
        n_kinds: int,
        window: Window,
        edges: Sequence[int] = (0,),
        n_parts: int = 1,
    ) -> None:
        shape = (n_channels, n_kinds, window.width)
        self.window = window
        self.edges = np.asarray(edges, dtype=np.int64)
        self.n = np.zeros(shape[:2], dtype=np.int64)
        self.lost = np.zeros((*shape[:2], 2), dtype=np.int64)
        self.binned = np.zeros((*shape[:2], n_parts, self.edges.size - 1))
        self._sums, self._squares = np.zeros(shape), np.zeros(shape)

    def add(
        self, channel: int, x: npt.NDArray[Any], starts: Ints, kinds: Ints, parts: Ints
    ) -> None:
        """Add the trials that lie in a stretch of one channel; see `epoch_kernels.add_trials`."""
        add_trials(
            x,
            starts,
            kinds,
            parts,
            self.edges,
            self._sums[channel],
            self._squares[channel],
            self.n[channel],
            self.lost[channel],
            self.binned[channel],
        )

    def mean_and_sem(self, kind: int) -> tuple[Floats, Floats]:
        """Mean over the trials of a kind and its standard error, shape (n_channels, width)."""
        n = self.n[:, kind, np.newaxis].astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = self._sums[:, kind] / n
            variance = (self._squares[:, kind] - mean * self._sums[:, kind]) / (n - 1)
            sem = np.sqrt(np.maximum(variance, 0) / n)
        return mean, np.where(n > 1, sem, np.nan)


def baseline_of(mean: Floats, window: Window) -> Floats:
    """Mean before the event, of each channel; NaN where the window starts at it or later."""
    if window.first >= 0:
        return np.full(mean.shape[0], np.nan)
    return np.asarray(mean[:, : min(-window.first, window.width)].mean(axis=1))


def average(
    signal: Any,
    events: npt.ArrayLike,
    *,
    times: npt.ArrayLike | None = None,
    rate: float | None = None,
    window: tuple[float, float] = WINDOW_S,
) -> Average:
    """Average a signal around events.

    Parameters
    ----------
    signal : ndarray or DataArray, shape (n_channels, n_samples)
        Samples; any unit. A DataArray has the dimensions channel and time, in any order.
    events : array-like, shape (n_events,)
        Times of the events, seconds.
    times : array-like, shape (n_samples,), optional
        Time of each sample, seconds; they may have gaps. Of a DataArray its coordinate
        ``timestamps``, or ``time``, by default.
    rate : float, optional
        Instead of times: samples per second, the first at 0 s.
    window : tuple of float
        Seconds before (negative) and after an event, both ends included.

    Returns
    -------
    Average
        Sums are of double precision. Trials that are not complete, or have a value that is not
        finite, are dropped and counted.

    Raises
    ------
    ValueError
        If no sample has a time, or the shapes do not fit.
    """
    values, _ = unpack(signal)
    clock = clock_of(signal, values.shape[1], times, rate)
    if not clock.valid:
        raise ValueError("no sample has a time (expected times that rise)")
    cut = make_window(clock.dt, window)
    located = locate_events(events, clock, cut)
    kept = located.samples[located.samples >= 0]
    zeros = np.zeros(kept.size, dtype=np.int64)
    sums = Sums(values.shape[0], 1, cut)
    values = np.where(np.isinf(values), np.nan, values)
    for channel, row in enumerate(np.ascontiguousarray(values)):
        sums.add(channel, row, kept + cut.first, zeros, zeros)
    mean, sem = sums.mean_and_sem(0)
    dropped = {NAN: sums.lost[:, 0, HAS_NAN], DAMAGED: sums.lost[:, 0, IS_DAMAGED]}
    for reason in sorted(set(located.reasons.tolist()) - {""}):
        dropped[reason] = np.full(values.shape[0], np.count_nonzero(located.reasons == reason))
    dropped = {reason: count for reason, count in dropped.items() if count.any()}
    return Average(cut.times, mean, sem, sums.n[:, 0], baseline_of(mean, cut), dropped)
