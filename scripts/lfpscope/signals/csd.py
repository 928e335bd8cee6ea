"""Derivatives over depth, of which the second is the current source density.

The CSD says where current leaves (sinks) and enters the extracellular space.

The estimate is the negative second spatial derivative of the potential times the conductivity
(Nicholson & Freeman, J. Neurophysiol. 38, 356, 1975), with the real distance of each pair of
contacts.
"""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from lfpscope.signals.arrays import Signal, coordinate, unpack
from lfpscope.typing import Floats, Ints, Mask

SIGMA_S_PER_M = 0.3  # of grey matter, as in elephant; ibldsp has 1/3
UNITS = "A m-3"
FORMULA = "−σ ∂²φ/∂z²"
TOO_FEW = "fewer than three contacts in a column"
UM = 1e-6  # metres
DECIMALS = 3  # of µm: of one depth, though computed in another way
TRUNCATE = 4.0  # standard deviations of a Gaussian that are summed, as in scipy.ndimage


def csd(
    potential: Signal,
    depth_um: npt.ArrayLike | None = None,
    *,
    column: npt.ArrayLike | None = None,
    bad: npt.ArrayLike | None = None,
    sigma: float = SIGMA_S_PER_M,
    smooth_um: float = 0.0,
    smooth_ms: float = 0.0,
    step_ms: float | None = None,
) -> Signal:
    """Estimate the current source density: −σ ∂²φ/∂z² in A/m³, sinks negative.

    The second difference of three contacts at unequal distances is
    2[(φ₊−φ)/h₊ − (φ−φ₋)/h₋]/(h₊+h₋); it is exact where the potential is a parabola.

    Parameters
    ----------
    potential : ndarray or DataArray, shape (n_channels, n_times)
        Volts.
    depth_um : array-like, shape (n_channels,), optional
        Position along the probe in µm, in either direction; NaN where unknown. Of a DataArray its
        coordinate ``depth`` by default.
    column : array-like, shape (n_channels,), optional
        What tells columns of contacts apart, such as shank or x: each has a CSD of its own.
        By default all contacts are one column. Contacts of one column at one depth are averaged.
    bad : array-like of bool, shape (n_channels,), optional
        Channels to leave out; so are those without any number. Their neighbours use the next
        contact that is left.
    sigma : float
        Conductivity, S/m.
    smooth_um, smooth_ms : float
        Standard deviations of Gaussians over depth and time; 0 for none.
    step_ms : float, optional
        Time between samples, needed to smooth over time. Of a DataArray its coordinate ``time``, in
        seconds, by default.

    Returns
    -------
    ndarray or DataArray, shape (n_channels, n_times)
        A/m³ (1 µA/mm³ is 1000 A/m³). NaN at the ends of a column, at bad channels and at those
        without a depth.
    """
    values, pack = unpack(potential)
    depth = coordinate(potential, "depth", depth_um)
    if depth is None:
        raise ValueError("no depth_um (expected the position of each channel in µm)")
    n_channels = values.shape[0]
    if depth.shape != (n_channels,):
        raise ValueError(f"depth_um of shape {depth.shape} (expected ({n_channels},))")
    used = np.isfinite(depth) & np.isfinite(values).any(axis=1)
    if bad is not None:
        used &= ~np.asarray(bad, dtype=np.bool_)

    def density_at(potentials: Floats, levels: Floats) -> Floats:
        return _smooth_depth(-sigma * second_difference(potentials, levels * UM), levels, smooth_um)

    density = over_depth(values, density_at, depth, column=column, used=used)
    if smooth_ms > 0:
        density = _smooth_time(density, smooth_ms / _step_ms(potential, step_ms))
    return pack(density, units=UNITS, long_name="current source density", formula=FORMULA)


def over_depth(
    values: Floats,
    compute: Callable[[Floats, Floats], Floats],
    depth_um: Floats,
    *,
    column: npt.ArrayLike | None,
    used: Mask,
) -> Floats:
    """Compute something along each column of contacts.

    Parameters
    ----------
    values : ndarray, shape (n_channels, n_times)
        Of all channels.
    compute : callable
        Gets the values and the depths, µm, of the levels of a column, shape (n_levels, n_times)
        and (n_levels,), rising; returns a value for each.
    depth_um : ndarray, shape (n_channels,)
        Of all channels.
    column : array-like, shape (n_channels,), optional
        As of `csd`.
    used : ndarray of bool, shape (n_channels,)
        Channels that are used; the others are NaN in the result.
    """
    result = np.full(values.shape, np.nan)
    for members in _columns(column, used):
        depth = depth_um[members]
        _, first, level_of = np.unique(
            depth.round(DECIMALS), return_index=True, return_inverse=True
        )
        levels = depth[first]
        found = compute(_level_means(values[members], level_of, levels.size), levels)
        result[members] = found[level_of]
    return result


def first_difference(values: Floats, z: npt.ArrayLike) -> Floats:
    """First derivative along the first axis at unequal distances; NaN at both ends.

    Of three values that of the parabola through them, as `numpy.gradient`.

    Parameters
    ----------
    values : ndarray, shape (n, ...)
        At the positions.
    z : array-like, shape (n,)
        Positions, rising.
    """
    result = np.full(values.shape, np.nan)
    if values.shape[0] < 3:
        return result
    h, slopes = _slopes(values, z)
    result[1:-1] = (slopes[:-1] * h[1:] + slopes[1:] * h[:-1]) / (h[1:] + h[:-1])
    return result


def second_difference(values: Floats, z: npt.ArrayLike) -> Floats:
    """Second derivative along the first axis at unequal distances; NaN at both ends.

    Parameters
    ----------
    values : ndarray, shape (n, ...)
        At the positions.
    z : array-like, shape (n,)
        Positions, rising.
    """
    result = np.full(values.shape, np.nan)
    if values.shape[0] < 3:
        return result
    h, slopes = _slopes(values, z)
    result[1:-1] = 2 * np.diff(slopes, axis=0) / (h[1:] + h[:-1])
    return result


def _slopes(values: Floats, z: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Distances of neighbours along the first axis, and the slopes between them."""
    h = np.diff(np.asarray(z, dtype=np.float64)).reshape(-1, *[1] * (values.ndim - 1))
    return h, np.diff(values, axis=0) / h


def _columns(column: npt.ArrayLike | None, used: Mask) -> Iterator[Ints]:
    """Channels of each column, among those that are used; one of NaN is one of an unknown x."""
    if column is None:
        yield np.flatnonzero(used)
        return
    _, labels = np.unique(np.asarray(column), return_inverse=True)
    for label in range(labels.max(initial=-1) + 1):
        yield np.flatnonzero(used & (labels == label))


def _level_means(values: Floats, level_of: Ints, n_levels: int) -> Floats:
    """Average the channels at each level."""
    if n_levels == values.shape[0]:
        return values[np.argsort(level_of)]
    sums = np.zeros((n_levels, values.shape[1]))
    np.add.at(sums, level_of, values)
    return sums / np.bincount(level_of, minlength=n_levels)[:, np.newaxis]


def _smooth_depth(values: Floats, depth_um: Floats, width_um: float) -> Floats:
    """Average over depth with Gaussian weights; where there is no number there stays none."""
    known = np.isfinite(values).any(axis=1)
    if width_um <= 0 or not known.any():
        return values
    away = (depth_um[known, np.newaxis] - depth_um[known]) / width_um
    weights = np.exp(-0.5 * away**2) * (np.abs(away) <= TRUNCATE)
    smoothed = np.full(values.shape, np.nan)
    smoothed[known] = weights / weights.sum(axis=1, keepdims=True) @ values[known]
    return smoothed


def _smooth_time(values: Floats, width: float) -> Floats:
    """Smooth over time, so many samples wide."""
    from scipy.ndimage import gaussian_filter1d  # 0.2 s, for those who smooth

    smoothed = gaussian_filter1d(values, width, axis=1, mode="nearest", truncate=TRUNCATE)
    return np.asarray(smoothed, dtype=np.float64)


def _step_ms(potential: object, given: float | None) -> float:
    if given is not None:
        return given
    times = coordinate(potential, "time", None)
    if times is None or times.size < 2:
        raise ValueError("no step_ms (expected the time between samples to smooth over time)")
    return float(times[-1] - times[0]) / (times.size - 1) * 1e3
