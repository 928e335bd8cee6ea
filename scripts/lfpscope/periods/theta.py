"""Theta, and the channels for ripples, from stored spectra."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from lfpscope.envelope.zarr_zip import Store
from lfpscope.periods.channels import find_largest
from lfpscope.periods.table import THETA, Period
from lfpscope.signals.bands import decode_power
from lfpscope.signals.ripples import BAND_HZ
from lfpscope.signals.runs import find_runs
from lfpscope.typing import Floats, Ints, Mask

THETA_HZ = (4.0, 10.1)  # the stored bands end at 10.08 Hz
DELTA_HZ = (0.5, 4.0)
SHORTEST_BINS = 2  # of 3.3 s at 1250 Hz
SLOW_HZ = (0.6, 1.2), (2.0, 3.0)
LEAST_SLOW = 0.5  # with less of the slower ones, they are filtered out: delta is not known
STRONG = 0.9  # of the bins are below the ratio by which channels are chosen
COARSEST_HZ = 0.6  # from one frequency to the next, to tell theta from delta
STEP_ERROR = 0.01  # of the bins of a segment, whose clock runs evenly
MAINS_HZ = 50.0, 60.0
BESIDE_MAINS_HZ = 2.0
PIECE_VALUES = 1 << 22  # stored powers that are decoded at a time


@dataclass(frozen=True)
class Powers:
    """What is needed of ``spectrum.zarr.zip``.

    Attributes
    ----------
    ratio : ndarray of float64, shape (n_channels, n_bins)
        Power of 4–10 Hz divided by that of 0.5–4 Hz; NaN without a window.
    starts, stops : ndarray of float64, shape (n_bins,)
        Session time of the bins, s.
    ripple : ndarray of float64, shape (n_channels,)
        Power in the band of ripples, without that near mains, V²; NaN where it is not known.
    slow : ndarray of float64, shape (n_channels,)
        Density of 0.6–1.2 Hz divided by that of 2–3 Hz: a natural signal has more of the former.
    resolution : float
        Hz from one frequency to the next.
    """

    ratio: Floats
    starts: Floats
    stops: Floats
    ripple: Floats
    slow: Floats
    resolution: float


def read_powers(path: Path) -> Powers | None:
    """Read them; None of a recording without a rate.

    Raises
    ------
    UserError
        If the file is missing or damaged.
    """
    store = Store(path)
    try:
        if "window_samples" not in store.attributes():
            return None
        low, high = store.read("band_low"), store.read("band_high")
        starts, stops = store.read("time_start"), store.read("time_stop")
        floor = float(store.attributes()["floor_db"])
        theta, delta = (
            (low >= edges[0] - 1e-6) & (high <= edges[1]) for edges in (THETA_HZ, DELTA_HZ)
        )
        psd, frequency = store.read("psd"), store.read("frequency")
        ratio = np.full((psd.shape[0], starts.size), np.nan)
        step = max(1, PIECE_VALUES // (psd.shape[0] * low.size))
        for first in range(0, starts.size, step):
            codes = store.read("power", first, first + step)
            power = 10.0 ** (decode_power(codes, floor) / 10)
            here = slice(first, first + codes.shape[2])
            with np.errstate(invalid="ignore", divide="ignore"):
                ratio[:, here] = power[:, theta].sum(axis=1) / power[:, delta].sum(axis=1)
        inside = (frequency >= BAND_HZ[0]) & (frequency < BAND_HZ[1]) & ~_near_mains(frequency)
        ripple = psd[:, inside].sum(axis=1, dtype=np.float64) * (frequency[1] - frequency[0])
        low_density, high_density = (
            psd[:, (frequency >= edges[0]) & (frequency <= edges[1])].sum(axis=1) / np.ptp(edges)
            for edges in SLOW_HZ
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            slow = low_density / high_density
    except (LookupError, TypeError, ValueError) as error:
        raise store.damaged(error) from None
    finally:
        store.close()
    ripple = np.where(np.isfinite(ripple), ripple, np.nan)
    return Powers(ratio, starts, stops, ripple, slow, float(frequency[1] - frequency[0]))


def why_no_theta(powers: Powers, good: Mask) -> str:
    """Why theta cannot be told from what is slower; empty where it can."""
    if powers.resolution > COARSEST_HZ:
        return "the recording is too short to tell it from delta"
    if _quantile(powers.slow[good], 0.5) < LEAST_SLOW:
        return "frequencies below 2 Hz are filtered out, so there is no delta to compare with"
    return ""


def choose_theta_channels(powers: Powers, good: Mask) -> Ints:
    """Choose the channels that theta is taken of: the good ones with most of it, at most eight."""
    # the median would be that of the time without theta
    strongest = np.array([_quantile(row, STRONG) for row in powers.ratio])
    return find_largest(strongest, good)


def theta_course(powers: Powers, channels: Ints) -> Floats:
    """Median ratio of 4–10 to 0.5–4 Hz power of some channels in each bin; NaN without a window."""
    return np.array([_quantile(column, 0.5) for column in powers.ratio[channels].T])


def find_theta(powers: Powers, ids: Ints, good: Mask, least: float) -> Iterator[Period]:
    """Find when theta is strong: the median ratio of the channels that have most of it.

    Parameters
    ----------
    powers : Powers
        Of the probe.
    ids : ndarray of int64, shape (n_channels,)
        Of the channels.
    good : ndarray of bool, shape (n_channels,)
        Which may be taken.
    least : float
        Ratio of 4–10 to 0.5–4 Hz power from which on it is theta.
    """
    channels = choose_theta_channels(powers, good)
    if not channels.size or powers.starts.size < SHORTEST_BINS:
        return
    ratio = theta_course(powers, channels)
    # bins of different segments do not follow each other
    steps = np.diff(powers.starts)
    apart = np.append(False, np.abs(steps - np.median(steps)) > STEP_ERROR * np.median(steps))
    strong = np.nan_to_num(ratio) >= least
    for start, stop in _split(find_runs(strong), apart):
        if stop - start >= SHORTEST_BINS:
            strength = float(ratio[start:stop].mean())
            chosen = tuple(ids[channels].tolist())
            yield Period(
                float(powers.starts[start]), float(powers.stops[stop - 1]), THETA, chosen, strength
            )


def _near_mains(frequency: Floats) -> Mask:
    """Which frequencies are those of mains: its power makes no channel one of ripples."""
    from_line = [np.abs(frequency - np.rint(frequency / one) * one) for one in MAINS_HZ]
    return np.asarray(np.min(from_line, axis=0) <= BESIDE_MAINS_HZ)


def _quantile(values: Floats, share: float) -> float:
    known = values[np.isfinite(values)]
    return float(np.quantile(known, share)) if known.size else float("nan")


def _split(runs: Ints, apart: Mask) -> Iterator[tuple[int, int]]:
    """Divide runs before each bin that does not follow the one before it."""
    for start, stop in runs.tolist():
        cuts = [start, *(start + 1 + np.flatnonzero(apart[start + 1 : stop])).tolist(), stop]
        yield from pairwise(cuts)
