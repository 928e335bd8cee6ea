"""Neighbours of channels, in µm."""

from dataclasses import dataclass

import numpy as np

from lfpscope.typing import Floats, Ints, Mask

FARTHEST_UM = 500.0  # of a neighbour
MIN_NEIGHBOURS, MAX_NEIGHBOURS = 8, 16


@dataclass(frozen=True)
class Positions:
    """Where the channels of a probe are.

    Attributes
    ----------
    height : ndarray of float64, shape (n_channels,)
        µm along the probe, larger towards the surface; NaN where unknown.
    part : ndarray of int64, shape (n_channels,)
        Number of the shank or group.
    """

    height: Floats
    part: Ints


def find_neighbours(positions: Positions, radius: float) -> list[Ints]:
    """Neighbours of each channel: those of its shank within a radius, the nearest first.

    At least the eight nearest, if they are within 500 µm; at most 16. Of channels without a height,
    the others of the same shank or group without one.
    """
    found = []
    for i in range(positions.part.size):
        others = np.flatnonzero(positions.part == positions.part[i])
        others = others[others != i]
        if np.isnan(positions.height[i]):
            others = others[np.isnan(positions.height[others])]
            order = np.argsort(np.abs(others - i), kind="stable")[:MAX_NEIGHBOURS]
            found.append(others[order])
            continue
        away = np.abs(positions.height[others] - positions.height[i])
        order = np.argsort(away, kind="stable")  # unknown heights last
        others, away = others[order], away[order]
        least = np.count_nonzero(away[:MIN_NEIGHBOURS] <= FARTHEST_UM)
        n = max(int(np.count_nonzero(away <= radius)), least)
        found.append(others[: min(n, MAX_NEIGHBOURS)].copy())  # not a view of all of them
    return found


def relative_to_neighbours(values: Floats, neighbours: list[Ints], use: Mask) -> Floats:
    """Difference of each channel from the median of its neighbours that are to be used.

    Parameters
    ----------
    values : ndarray of float64, shape (..., n_channels)
        Levels, in dB.
    neighbours : list of ndarray of int64
        Of each channel.
    use : ndarray of bool, shape (n_channels,)
        Channels that may be compared with.

    Returns
    -------
    ndarray of float64, shape (..., n_channels)
        NaN where no neighbour is known.
    """
    near, is_near = padded(neighbours)
    known = np.where(is_near & use[near], values[..., near], np.nan)
    return np.asarray(values - _medians(known))


def _medians(values: Floats) -> Floats:
    """Medians of the last axis without NaN; NaN where there is no number."""
    if not values.shape[-1]:
        return np.full(values.shape[:-1], np.nan)
    ordered = np.sort(values, axis=-1)  # NaN last
    n = (~np.isnan(values)).sum(axis=-1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum((n - 1) // 2, 0), axis=-1)
    high = np.take_along_axis(ordered, np.minimum(n // 2, values.shape[-1] - 1), axis=-1)
    return np.asarray(np.where(n > 0, (low + high) / 2, np.nan)[..., 0])


def padded(neighbours: list[Ints]) -> tuple[Ints, Mask]:
    """Neighbours as a matrix, and which of its entries are some."""
    sizes = np.array([near.size for near in neighbours], np.int64)
    padded = np.zeros((sizes.size, sizes.max(initial=0)), np.int64)
    for i, near in enumerate(neighbours):
        padded[i, : near.size] = near
    return padded, np.arange(padded.shape[1]) < sizes[:, np.newaxis]
