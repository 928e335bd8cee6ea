"""Compiled loops that join the statistics of stretches of a channel."""

from typing import Any

from lfpscope.compiling import numba
from lfpscope.typing import Array


@numba.njit(nogil=True, cache=True)
def merge_statistics(parts: Array, total: Array, flat_samples: int) -> None:
    """Add the statistics of rows of chunks, in the order of time, to a channel's total.

    Mean and variance are joined by Chan, Golub and LeVeque's rule (Am. Stat. 37, 242, 1983). The
    run that is open at the end of the total is kept in `tail_value` and `tail`.

    Parameters
    ----------
    parts : structured array of STATISTICS, shape (n_rows, n_channels)
        In the order of time.
    total : structured array of STATISTICS, shape (n_channels,)
        Changed in place; zeros to begin with.
    flat_samples : int
        Length from which a stretch of one value counts as flat.
    """
    for channel in range(total.size):
        t = total[channel]
        for row in range(parts.shape[0]):
            p = parts[row, channel]
            if p.n_implausible and not t.n_implausible:
                t.first_implausible = t.length + p.first_implausible
            t.length += p.length
            t.n_nan += p.n_nan
            t.n_implausible += p.n_implausible
            t.n_damaged += p.n_damaged
            if p.n:
                _merge_moments(p, t)
            _merge_runs(p, t, flat_samples)


@numba.njit(nogil=True, cache=True)
def _merge_moments(p: Any, t: Any) -> None:
    n = t.n + p.n
    if t.n == 0 or p.min < t.min:
        t.min = p.min
        t.at_min = 0
    if t.n == 0 or p.max > t.max:
        t.max = p.max
        t.at_max = 0
    if t.n == 0:
        t.mean = p.mean
        t.m2 = p.m2
    else:
        distance = p.mean - t.mean
        t.m2 += p.m2 + distance * distance * (t.n * (p.n / n))
        t.mean += distance * (p.n / n)
    t.at_min += p.at_min if p.min == t.min else 0
    t.at_max += p.at_max if p.max == t.max else 0
    t.flat += p.flat
    t.n = n


@numba.njit(nogil=True, cache=True)
def _merge_runs(p: Any, t: Any, flat_samples: int) -> None:
    if t.tail and p.head and t.tail_value == p.head_value:
        t.tail += p.head
    else:
        _close_run(t, flat_samples)
        t.tail_value = p.head_value
        t.tail = p.head
    if p.head < p.length:  # else the whole part is one run, which stays open
        _close_run(t, flat_samples)
        t.tail_value = p.tail_value
        t.tail = p.tail


@numba.njit(nogil=True, cache=True)
def _close_run(t: Any, flat_samples: int) -> None:
    if t.tail >= 3 and t.tail_value == t.min:
        t.at_min += t.tail
    if t.tail >= 3 and t.tail_value == t.max:
        t.at_max += t.tail
    if t.tail >= flat_samples:
        t.flat += t.tail
    t.tail = 0


@numba.njit(nogil=True, cache=True)
def close_statistics(total: Array, flat_samples: int) -> None:
    """Count the runs that are open at the end of the recording."""
    for channel in range(total.size):
        _close_run(total[channel], flat_samples)
