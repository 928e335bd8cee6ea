"""Channel quality: which channels are dead, and which are saturated.

A channel has a smallest and a largest value whatever is wrong with it. These are rails only where
samples pile up: at the limit of what can be stored, or far more at the extreme than just inside.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.envelope.zarr_zip import StoreWriter
from lfpscope.samples.chunk_cache import Samples
from lfpscope.samples.chunk_reader import Source
from lfpscope.typing import Array, Floats, Ints, Mask

DEAD_STD_V = 0.5e-6
DEAD_FLAT = 0.5  # of the valid samples
MIN_LIVE_S = 60.0  # so much signal is none of a dead channel, however long the rest is
MIN_DEAD_SAMPLES = 100  # fewer are no evidence
SATURATED = 0.001  # of the valid samples
MIN_AT_RAIL = 10  # samples
PILE_UP = 3  # times as many samples at a rail as just inside
INSIDE_STEPS = 2  # what is just inside, in quantisation steps,
INSIDE_RANGE = 0.01  # or as a part of the channel's range, if that is more
MIN_SHARING = 3  # channels with one extreme value
STRETCH_SAMPLES = 1 << 15  # that are read again at a time,
STRETCHES_PER_CHANNEL = 4  # those in which most buckets reach the rail,
STRETCHES_PER_CHUNK = 16  # and at most so many of channels that share chunks


def find_dead(statistics: Array, scale: npt.NDArray[np.float64], dt: float) -> Mask:
    """Find channels without a signal.

    A stretch of one value, as a file filled with zeros has, is left out of the standard deviation:
    it takes more than that to make a channel dead that has a minute of signal.

    Parameters
    ----------
    statistics : structured ndarray of kernels.STATISTICS, shape (n_channels,)
        In stored units.
    scale : ndarray of float64, shape (n_channels,)
        Volts per stored unit.
    dt : float
        Sampling interval, s.
    """
    n, live = statistics["n"], statistics["n"] - statistics["flat"]
    std = np.sqrt(statistics["m2"] / np.maximum(live, 1)) * np.abs(scale)
    mostly_flat = (statistics["flat"] >= DEAD_FLAT * n) & (live * dt < MIN_LIVE_S)
    dead: Mask = (n >= MIN_DEAD_SAMPLES) & (mostly_flat | (std < DEAD_STD_V))
    return dead


def find_saturated(
    source: Source, store: StoreWriter, level: int, starts: Ints, step: float | None, table: Array
) -> Mask:
    """Find channels that reach a rail.

    Parameters
    ----------
    source : Source
        Of the probe: a few chunks of channels that may be saturated are read again.
    store : StoreWriter
        The envelope, all buckets of which are written.
    level : int
        Bucket size of the finest level.
    starts : ndarray of int64
        Its buckets' first samples, and the end of the recording.
    step : float or None
        Stored values are counts of it.
    table : structured ndarray of kernels.STATISTICS, shape (n_channels,)
        In stored units.
    """
    saturated = np.zeros(table.size, np.bool_)
    limits = _limits(source.references.layout.dtype, step)
    for name in ("min", "max"):
        rails, n_at = table[name], table[f"at_{name}"]
        at_limit = np.isin(rails, limits) if limits else saturated & False
        maybe = (n_at >= MIN_AT_RAIL) & (n_at >= SATURATED * table["n"])
        maybe &= table["max"] > table["min"]
        maybe &= (rails != 0) | at_limit  # a stretch of zeros is a hole in the data
        saturated |= maybe & at_limit
        channels = np.flatnonzero(maybe & ~at_limit)
        inside = INSIDE_RANGE * (table["max"] - table["min"])[channels]
        inside = np.maximum(inside, INSIDE_STEPS * _quantum(source, step))
        stored = np.rint(rails[channels] / step) if step else rails[channels]
        hits = _stretches_at_rail(store, f"{level}/{name}", starts, channels, stored)
        n_rail, n_inside = _count_at_rail(source, channels, hits, rails[channels], inside)
        sharing = (rails[channels] == rails[channels, np.newaxis]).sum(axis=1)
        ratio = np.where(sharing >= MIN_SHARING, 1, PILE_UP)
        saturated[channels] |= (n_rail > 0) & (n_rail >= ratio * n_inside)
    return saturated


def find_rails(table: Array, saturated: Mask) -> Floats:
    """Find the rails of saturated channels: the extreme at which more samples stay, or both.

    Parameters
    ----------
    table : structured ndarray of kernels.STATISTICS, shape (n_channels,)
        In stored units.
    saturated : ndarray of bool, shape (n_channels,)
        Channels that have one.

    Returns
    -------
    ndarray of float64, shape (2, n_channels)
        Lower and upper rail, stored units; NaN where there is none.
    """
    low, high = table["at_min"], table["at_max"]
    is_low = saturated & (low >= MIN_AT_RAIL) & (low >= high)
    is_high = saturated & (high >= MIN_AT_RAIL) & (high >= low)
    return np.where([is_low, is_high], [table["min"], table["max"]], np.nan)


def find_rail_samples(
    store: StoreWriter, level: int, starts: Ints, step: float | None, table: Array, saturated: Mask
) -> Ints:
    """Find from when to when saturated channels reach their smallest or largest value.

    Parameters
    ----------
    store, level, starts, step, table
        As of `find_saturated`.
    saturated : ndarray of bool, shape (n_channels,)
        Channels to look at.

    Returns
    -------
    ndarray of int64, shape (n_channels, 2)
        First samples of the first and the last bucket that reach it; −1 of other channels.
    """
    found = np.full((table.size, 2), -1, np.int64)
    for name, values in zip(("min", "max"), find_rails(table, saturated), strict=True):
        here = np.flatnonzero(np.isfinite(values))
        rails = np.rint(values[here] / step) if step else values[here]
        first = 0
        for chunk in store.chunks(f"{level}/{name}") if here.size else ():
            for channel, reached in zip(here, chunk[here] == rails[:, np.newaxis], strict=True):
                hits = np.flatnonzero(reached)
                if hits.size and found[channel, 0] < 0:
                    found[channel, 0] = starts[first + hits[0]]
                if hits.size:
                    found[channel, 1] = max(found[channel, 1], starts[first + hits[-1]])
            first += chunk.shape[1]
    return found


def _limits(dtype: np.dtype[Any], step: float | None) -> list[float]:
    """Smallest and largest value that can be stored, in stored units."""
    if dtype.kind != "f":
        return [float(np.iinfo(dtype).min), float(np.iinfo(dtype).max)]
    # floats that are counts of a 16-bit converter
    counts = np.array([-32768, -32767, 32767]) * np.float64(step or np.nan)
    return [] if step is None else counts.astype(dtype).tolist()


def _quantum(source: Source, step: float | None) -> float:
    """Quantisation step in stored units; 0 if it is not known."""
    return 1.0 if source.references.layout.dtype.kind != "f" else step or 0.0


def _stretches_at_rail(
    store: StoreWriter, name: str, starts: Ints, channels: Ints, rails: Array
) -> Ints:
    """Count the buckets that reach the rail, in each stretch of the recording.

    Returns
    -------
    ndarray of int64, shape (n_channels, n_stretches)
    """
    n_stretches = int(starts[-1]) // STRETCH_SAMPLES + 1
    hits = np.zeros((channels.size, n_stretches), np.int64)
    first = 0
    for chunk in store.chunks(name) if channels.size else ():
        stretches = starts[first : first + chunk.shape[1]] // STRETCH_SAMPLES
        for i, reached in enumerate(chunk[channels] == rails[:, np.newaxis]):
            hits[i] += np.bincount(stretches[reached], minlength=n_stretches)
        first += chunk.shape[1]
    return hits


def _count_at_rail(
    source: Source, channels: Ints, hits: Ints, rails: Array, inside: Array
) -> tuple[Ints, Ints]:
    """Count samples at the rail, and at most `inside` away from it, where most reach it.

    Channels that lie in the same chunks are read together.
    """
    n_rail, n_inside = np.zeros((2, channels.size), np.int64)
    columns = channels // source.references.layout.chunks[1]
    most = np.argsort(-hits, axis=1, kind="stable")[:, :STRETCHES_PER_CHANNEL]
    for column in np.unique(columns):
        here = np.flatnonzero(columns == column)
        wanted, times = np.unique(most[here], return_counts=True)
        for stretch in wanted[np.argsort(-times, kind="stable")][:STRETCHES_PER_CHUNK].tolist():
            first = stretch * STRETCH_SAMPLES
            stop = min(first + STRETCH_SAMPLES, source.references.n_samples)
            samples = Samples(source)
            values = samples.read(first, stop, channels[here].tolist())
            samples.close()
            distance = np.abs(values - rails[here, np.newaxis])
            n_rail[here] += (distance == 0).sum(axis=1)
            # a little more: steps of floats are not exact
            near = distance <= 1.001 * inside[here, np.newaxis]
            n_inside[here] += (near & (distance > 0)).sum(axis=1)
    return n_rail, n_inside
