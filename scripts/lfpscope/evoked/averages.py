"""References → averages of all kinds of intervals of a probe, each chunk read at most once."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.errors import UserError
from lfpscope.evoked.kinds import Kind
from lfpscope.evoked.response import N_PARTS, Response, bin_edges, find_response
from lfpscope.references.model import ProbeReferences
from lfpscope.samples.chunk_reader import Damage, Source, submit_chunks
from lfpscope.signals.epochs import (
    DAMAGED,
    NAN,
    WINDOW_S,
    Average,
    Sums,
    Window,
    baseline_of,
    locate_events,
    make_window,
)
from lfpscope.typing import Array, Ints

SLAB_VALUES = 1 << 22  # decoded at a time; two slabs are in memory
MAX_SUMS_BYTES = 1 << 30
STORED_BYTES = 4 + 2  # of a mean and its error
CHANNELS_AT_ONCE = 8  # that a thread adds up: enough to be worth handing over


@dataclass(frozen=True)
class Evoked:
    """What one kind of intervals evokes, volts.

    Attributes
    ----------
    kind : Kind
        The intervals.
    average : Average
        Mean, error, n and dropped trials of each channel.
    response : Response
        Peak, latency and test of each channel.
    """

    kind: Kind
    average: Average
    response: Response


@dataclass(frozen=True)
class _Trials:
    """All trials of all kinds, in the order of their first samples.

    Attributes
    ----------
    starts : ndarray of int64, shape (n_trials,)
        First sample of each trial's window.
    kinds, parts : ndarray of int64, shape (n_trials,)
        Kind of each trial, and the part of the kind's trials that it belongs to.
    dropped : list of dict of str to int
        Trials of each kind that are dropped on all channels, by reason.
    """

    starts: Ints
    kinds: Ints
    parts: Ints
    dropped: list[dict[str, int]]


def average_intervals(
    references: ProbeReferences,
    kinds: Sequence[Kind],
    *,
    seconds: tuple[float, float] = WINDOW_S,
    excluded: Sequence[tuple[float, float]] = (),
    artefacts: Sequence[tuple[float, float]] = (),
    limits: npt.NDArray[np.float64] | None = None,
    threads: int = 2,
) -> list[Evoked]:
    """Average the LFP of a probe around the onsets of intervals.

    Parameters
    ----------
    references : ProbeReferences
        Of the probe, with its exact clock.
    kinds : sequence of Kind
        What to average.
    seconds : tuple of float
        The window of a trial about the onset.
    excluded, artefacts : sequence of (float, float)
        Session times that no trial may touch; their trials are counted apart.
    limits : ndarray of float64, shape (2, n_channels), optional
        Smallest and largest plausible stored value; what is beyond them counts as NaN. None where
        all values are finite and plausible.
    threads : int
        How many decode and add up at once.

    Raises
    ------
    UserError
        If no sample has a time, the window holds no sample, or the sums would not fit in memory.
    """
    if not references.clock.valid:
        raise UserError(f"{references.address}: no sample has a usable time. Ask who wrote it.")
    try:
        window = make_window(references.clock.dt, seconds)
    except ValueError as error:
        raise UserError(f"{references.address}: {error}. Widen `evoked: window`.") from None
    edges = bin_edges(window)
    _check_memory(references, len(kinds), window)
    trials = _locate(references, kinds, window, excluded, artefacts)
    sums = Sums(references.n_channels, len(kinds), window, edges, N_PARTS)
    with Source(references) as source, ThreadPoolExecutor(threads) as pool:
        for stretch in _read_stretches(source, trials, window, limits, pool):
            stretch.add_to(sums, trials, pool)
    return [_evoked(references, kind, i, sums, trials.dropped[i]) for i, kind in enumerate(kinds)]


def size_of(references: ProbeReferences, n_kinds: int, seconds: float) -> float:
    """Bytes that averages take in ``evoked.zarr.zip``, before compression: mean and error."""
    rate = 1 / references.clock.dt if references.clock.valid else 0.0
    return n_kinds * references.n_channels * (seconds * rate + 1) * STORED_BYTES


def _check_memory(references: ProbeReferences, n_kinds: int, window: Window) -> None:
    n_bytes = references.n_channels * n_kinds * window.width * 16
    if n_bytes > MAX_SUMS_BYTES:
        raise UserError(
            f"{references.file}: {n_kinds} averages of {references.n_channels} channels and "
            f"{window.width} samples take {n_bytes / 1e9:.1f} GB of memory (expected at most "
            f"{MAX_SUMS_BYTES / 1e9:.1f}). Ask for fewer conditions or a shorter window."
        )


def _locate(
    references: ProbeReferences,
    kinds: Sequence[Kind],
    window: Window,
    excluded: Sequence[tuple[float, float]],
    artefacts: Sequence[tuple[float, float]],
) -> _Trials:
    """Place all trials on samples."""
    starts, kind_of, parts, dropped = [], [], [], []
    for i, kind in enumerate(kinds):
        located = locate_events(kind.onsets, references.clock, window, excluded, artefacts)
        kept = np.sort(located.samples[located.samples >= 0])
        n_parts = min(N_PARTS, max(1, kept.size))
        starts.append(kept + window.first)
        kind_of.append(np.full(kept.size, i))
        parts.append(np.arange(kept.size) * n_parts // max(1, kept.size))
        reasons, counts = np.unique(located.reasons, return_counts=True)
        found = dict(zip(reasons.tolist(), counts.tolist(), strict=True))
        dropped.append({reason: n for reason, n in found.items() if reason})
    empty: Ints = np.empty(0, dtype=np.int64)
    all_starts = np.concatenate([empty, *starts])
    order = np.argsort(all_starts, kind="stable")
    return _Trials(
        all_starts[order],
        np.concatenate([empty, *kind_of])[order],
        np.concatenate([empty, *parts])[order],
        dropped,
    )


# --- stretches of samples -------------------------------------------------------------------------


@dataclass(frozen=True)
class _Stretch:
    """Samples of all channels that follow each other, and the trials that end in them.

    Attributes
    ----------
    first : int
        Sample of the recording at which the values begin.
    values : ndarray of float, shape (n_channels, n_samples)
        Stored units; infinite where a chunk is damaged, NaN where there is no number.
    trials : slice
        Of all trials.
    """

    first: int
    values: Array
    trials: slice

    def add_to(self, sums: Sums, trials: _Trials, pool: ThreadPoolExecutor) -> None:
        """Add the trials to their sums, some channels at a time."""
        starts = trials.starts[self.trials] - self.first
        kinds, parts = trials.kinds[self.trials], trials.parts[self.trials]

        def add(channels: range) -> None:
            for channel in channels:
                sums.add(channel, self.values[channel], starts, kinds, parts)

        n = self.values.shape[0]
        groups = (range(i, min(i + CHANNELS_AT_ONCE, n)) for i in range(0, n, CHANNELS_AT_ONCE))
        list(pool.map(add, groups))


def _read_stretches(
    source: Source,
    trials: _Trials,
    window: Window,
    limits: npt.NDArray[np.float64] | None,
    pool: ThreadPoolExecutor,
) -> Iterator[_Stretch]:
    """Decode the rows of chunks that trials touch; the next ones while these are added up.

    A stretch begins with the end of the one before it, as a trial may begin there.
    """
    waiting: tuple[range, Array, list[Future[list[None]]]] | None = None
    for rows in [*_slabs(source.references, trials.starts, window.width), None]:
        started = None if rows is None else (rows, *_decode(source, rows, window, limits, pool))
        if waiting is not None:
            slab, values, futures = waiting
            for future in futures:
                future.result()
            if started is not None and started[0].start == slab.stop:
                started[1][:, : window.width] = values[:, -window.width :]
            yield _stretch(source.references, slab, values, trials, window)
        waiting = started


def _slabs(references: ProbeReferences, starts: Ints, width: int) -> list[range]:
    """Rows of chunks that trials touch, as many at a time as memory holds."""
    height, n_rows = references.layout.chunks[0], references.layout.grid[0]
    touched = np.zeros(n_rows + 1, dtype=np.int64)
    np.add.at(touched, starts // height, 1)
    np.add.at(touched, (starts + width - 1) // height + 1, -1)
    rows = np.flatnonzero(np.cumsum(touched[:-1]) > 0).tolist()
    n = max(1, SLAB_VALUES // (height * references.n_channels))
    slabs = []
    for _, members in groupby(enumerate(rows), key=lambda pair: pair[1] - pair[0]):
        found = [row for _, row in members]
        slabs += [
            range(found[i], found[min(i + n, len(found)) - 1] + 1) for i in range(0, len(found), n)
        ]
    return slabs


def _decode(
    source: Source,
    rows: range,
    window: Window,
    limits: npt.NDArray[np.float64] | None,
    pool: ThreadPoolExecutor,
) -> tuple[Array, list[Future[list[None]]]]:
    """Begin to decode rows of chunks, behind room for the end of the stretch before."""
    layout = source.references.layout
    height, chunk_width = layout.chunks
    first, stop = rows.start * height, min(rows.stop * height, layout.shape[0])
    values = np.empty((layout.shape[1], window.width + stop - first), _dtype(layout.dtype))
    values[:, : window.width] = 0

    def fill(row: int, column: int, chunk: Array | Damage) -> None:
        top = row * height
        n = min(height, layout.shape[0] - top)
        here = slice(column * chunk_width, min((column + 1) * chunk_width, layout.shape[1]))
        at = window.width + top - first
        there = values[here, at : at + n]
        if isinstance(chunk, Damage):
            there[:] = np.inf
            return
        there[:] = chunk[:n, : here.stop - here.start].T
        if limits is not None:
            low, high = limits[:, here, np.newaxis]
            there[(there < low) | (there > high)] = np.nan

    return values, submit_chunks(pool, source, rows, fill)


def _dtype(stored: np.dtype[Any]) -> np.dtype[Any]:
    """The float that holds all stored values."""
    narrow = stored.itemsize <= 2 or stored.newbyteorder("=") == np.float32
    return np.dtype(np.float32 if narrow else np.float64)


def _stretch(
    references: ProbeReferences, rows: range, values: Array, trials: _Trials, window: Window
) -> _Stretch:
    """Take the trials that end in rows of chunks."""
    height = references.layout.chunks[0]
    first, stop = rows.start * height, rows.stop * height
    ends = trials.starts + window.width
    begin, end = np.searchsorted(ends, [first, stop], side="right").tolist()
    return _Stretch(first - window.width, values, slice(begin, end))


# --- volts ----------------------------------------------------------------------------------------


def _evoked(
    references: ProbeReferences, kind: Kind, i: int, sums: Sums, dropped: dict[str, int]
) -> Evoked:
    """Turn the sums of a kind into volts."""
    scale = references.scale[:, np.newaxis]
    mean, sem = sums.mean_and_sem(i)
    mean, sem = mean * scale + references.add, sem * np.abs(scale)
    lost = dict(zip((NAN, DAMAGED), sums.lost[:, i].T, strict=True))
    everywhere = {reason: np.full(mean.shape[0], n) for reason, n in dropped.items()}
    average = Average(
        sums.window.times,
        mean,
        sem,
        sums.n[:, i],
        baseline_of(mean, sums.window),
        everywhere | {reason: n for reason, n in lost.items() if n.any()},
    )
    binned = sums.binned[:, i] * scale[:, :, np.newaxis]  # the offset is in the baseline too
    return Evoked(kind, average, find_response(mean, binned, sums.window))
