"""What is subtracted from each channel: nothing, the median of others, or a neighbour."""

from collections.abc import Iterator
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from lfpscope.signals.arrays import Signal, coordinate, unpack
from lfpscope.signals.median import channel_median
from lfpscope.typing import Floats, Ints, Mask

Reference = Literal["none", "median", "bipolar"]


def rereference(
    signal: Signal,
    reference: Reference = "median",
    *,
    group: npt.ArrayLike | None = None,
    depth_um: npt.ArrayLike | None = None,
    bad: npt.ArrayLike | None = None,
) -> Signal:
    """Subtract a reference from each channel.

    Parameters
    ----------
    signal : ndarray or DataArray, shape (n_channels, n_times)
        Any unit.
    reference : {"none", "median", "bipolar"}
        "median": of all good channels of the group, sample by sample; NaN does not count.
        "bipolar": the next good channel of the group towards smaller `depth_um`.
    group : array-like, shape (n_channels,), optional
        What channels of one group have in common, as shank or column; by default all are one.
    depth_um : array-like, shape (n_channels,), optional
        Position along the probe, for "bipolar". Of a DataArray its coordinate ``depth`` by
        default; without any the order of the channels.
    bad : array-like of bool, shape (n_channels,), optional
        Channels that are no reference of others.

    Returns
    -------
    ndarray or DataArray, shape (n_channels, n_times)
        NaN where there is no reference: of "bipolar" the last channel of a group, and channels
        without a depth.
    """
    if reference not in get_args(Reference):
        raise ValueError(f"reference {reference!r} (expected one of {get_args(Reference)})")
    values, pack = unpack(signal)
    n = values.shape[0]
    good = np.ones(n, dtype=np.bool_) if bad is None else ~np.asarray(bad, dtype=np.bool_)
    if reference == "none":
        return pack(values.copy())
    result = np.empty(values.shape)
    given = coordinate(signal, "depth", depth_um)
    depth = np.arange(n, dtype=np.float64) if given is None else given
    for members in _groups(group, n):
        if reference == "median":
            median = _median(values, np.flatnonzero(members & good))
            here = slice(None) if members.all() else members
            result[here] = values[here] - median
        else:
            result[members] = np.nan
            _subtract_neighbours(values, result, depth, members, good)
    return pack(result, reference=reference)


def _groups(group: npt.ArrayLike | None, n: int) -> Iterator[Mask]:
    if group is None:
        yield np.ones(n, dtype=np.bool_)
        return
    _, labels = np.unique(np.asarray(group), return_inverse=True)
    for label in range(labels.max(initial=-1) + 1):
        yield labels == label


def _median(values: Floats, channels: Ints) -> Floats:
    """Median over some channels of the values that are numbers; NaN where none is."""
    if not channels.size:
        return np.full(values.shape[1], np.nan)
    median, incomplete = channel_median(values, channels)
    if incomplete.any():
        rest = values[np.ix_(channels, incomplete)]
        known = ~np.isnan(rest).all(axis=0)
        some = np.full(known.size, np.nan)
        some[known] = np.nanmedian(rest[:, known], axis=0)
        median[incomplete] = some
    return median


def _subtract_neighbours(
    values: Floats, result: Floats, depth: Floats, members: Mask, good: Mask
) -> None:
    """Subtract from each channel of a group the next good one below it."""
    for channel in np.flatnonzero(members & np.isfinite(depth)).tolist():
        below = np.flatnonzero(members & good & (depth < depth[channel]))
        if below.size:
            neighbour = below[depth[below].argmax()]
            result[channel] = values[channel] - values[neighbour]
