"""Channel quality: which channels are dead, and which are saturated.

A channel has a smallest and a largest value whatever is wrong with it. These are rails only where
samples pile up: at the limit of what can be stored, or far more at the extreme than just inside.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.blocks import Block, Damage, Source
from lfpscope.envelope import Ints
from lfpscope.store import StoreWriter

Mask = npt.NDArray[np.bool_]

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
MAX_ROWS = 4  # of chunks that are looked at, per rail


def find_dead(statistics: Block, scale: npt.NDArray[np.float64], dt: float) -> Mask:
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
    source: Source, store: StoreWriter, level: int, starts: Ints, step: float | None, table: Block
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
    spans = table["max"] - table["min"]
    for name in ("min", "max"):
        rails, n_at = table[name], table[f"at_{name}"]
        limits = _limits(source.references.layout.dtype, step)
        at_limit = np.isin(rails, limits) if limits else np.zeros(table.size, np.bool_)
        maybe = (n_at >= MIN_AT_RAIL) & (n_at >= SATURATED * table["n"]) & (spans > 0)
        maybe &= (rails != 0) | at_limit  # a stretch of zeros is a hole in the data
        channels = np.flatnonzero(maybe & ~at_limit)
        saturated |= maybe & at_limit
        rows = _rows_at_rail(source, store, f"{level}/{name}", starts, step, channels, rails)
        for channel in channels.tolist():
            inside = max(INSIDE_STEPS * _quantum(source, step), INSIDE_RANGE * spans[channel])
            n_rail, n_inside = _count(source, channel, rows[channel], rails[channel], inside)
            sharing = int((rails[maybe] == rails[channel]).sum())
            ratio = 1 if sharing >= MIN_SHARING else PILE_UP
            saturated[channel] |= n_rail > 0 and n_rail >= ratio * n_inside
    return saturated


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


def _rows_at_rail(
    source: Source,
    store: StoreWriter,
    name: str,
    starts: Ints,
    step: float | None,
    channels: Ints,
    rails: Block,
) -> dict[int, list[int]]:
    """Rows of chunks in which most buckets reach the rail, of each channel."""
    height, n_rows = source.references.layout.chunks[0], source.references.layout.grid[0]
    hits = np.zeros((channels.size, n_rows), np.int64)
    if channels.size:
        first = 0
        stored = np.rint(rails[channels] / step) if step else rails[channels]
        for chunk in store.chunks(name):
            rows = starts[first : first + chunk.shape[-1]] // height
            there = chunk[channels, : rows.size] == stored[:, np.newaxis]
            for i, reached in enumerate(there):
                hits[i] += np.bincount(rows[reached], minlength=n_rows)[:n_rows]
            first += chunk.shape[-1]
    most = np.argsort(-hits, axis=1, kind="stable")[:, :MAX_ROWS]
    return {
        int(channel): [int(row) for row in order if hits[i, row]]
        for i, (channel, order) in enumerate(zip(channels, most, strict=True))
    }


def _count(
    source: Source, channel: int, rows: list[int], rail: float, inside: float
) -> tuple[int, int]:
    """Samples at a rail, and at most `inside` away from it, in some rows of chunks."""
    layout = source.references.layout
    height, width = layout.chunks
    n_rail = n_inside = 0
    for row in rows:
        chunk = source.chunk(row, channel // width)
        if isinstance(chunk, Damage):
            continue
        count = min(height, layout.shape[0] - row * height)
        distance = np.abs(chunk[:count, channel % width].astype(np.float64) - rail)
        n_rail += int((distance == 0).sum())
        n_inside += int(((distance > 0) & (distance <= inside * 1.001)).sum())
    return n_rail, n_inside
