"""What is done to samples before they are shown: a reference or CSD, a band, no mains.

A transform has a text, as in the address bar: ``median:shank 4-10Hz notch:50``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, get_args

import numpy as np

from lfpscope.signals.csd import (
    SIGMA_S_PER_M,
    UM,
    first_difference,
    over_depth,
    second_difference,
)
from lfpscope.signals.filter import (
    block_range,
    design,
    filter_blocks,
    low_pass,
    response_length,
)
from lfpscope.signals.quantity import CSD, POTENTIAL, SLOPE, Quantity
from lfpscope.signals.reference import rereference
from lfpscope.typing import Array, Floats, Ints, Mask

Reference = Literal["none", "median", "bipolar", "csd", "derivative"]
Within = Literal["probe", "shank", "area"]
LOWEST_HZ = 0.5  # of an edge: lower ones need more than a few seconds beside a view
NOTCH_HZ = 1.0  # removed on both sides of mains and its harmonics; the transition is as wide
WORDS = "median, median:shank, median:area, bipolar, csd, derivative"
EXAMPLES = f"{WORDS}, 4-10Hz, >0.5Hz, <300Hz, notch:50"
ALONE = "bipolar", "csd", "derivative"
OVER_DEPTH = {"csd": second_difference, "derivative": first_difference}
FACTORS = {"csd": -SIGMA_S_PER_M, "derivative": 1.0}
NUMBER = r"(\d+(?:\.\d+)?)"
BAND = re.compile(rf"{NUMBER}-{NUMBER}Hz|>{NUMBER}Hz|<{NUMBER}Hz", re.IGNORECASE)


@dataclass(frozen=True)
class Transform:
    """What is done to samples, in this order.

    Attributes
    ----------
    reference : {"none", "median", "bipolar", "csd", "derivative"}
        What is subtracted from each channel, see `rereference`, or computed over depth instead.
    within : {"probe", "shank", "area"}
        Of which channels the median is.
    low, high : float or None
        Band that is kept, Hz.
    mains : float or None
        Frequency that is removed with its harmonics, Hz.
    """

    reference: Reference = "none"
    within: Within = "probe"
    low: float | None = None
    high: float | None = None
    mains: float | None = None

    @property
    def text(self) -> str:
        """As `parse_transform` reads it; empty where nothing is done."""
        words = []
        if self.reference != "none":
            words.append(self.reference + (f":{self.within}" if self.within != "probe" else ""))
        if self.low is not None and self.high is not None:
            words.append(f"{self.low:g}-{self.high:g}Hz")
        elif self.low is not None:
            words.append(f">{self.low:g}Hz")
        elif self.high is not None:
            words.append(f"<{self.high:g}Hz")
        if self.mains is not None:
            words.append(f"notch:{self.mains:g}")
        return " ".join(words)

    @property
    def is_over_depth(self) -> bool:
        """Whether it compares channels by their distances."""
        return self.reference in OVER_DEPTH

    @property
    def quantity(self) -> Quantity:
        """What the transformed samples are."""
        known = {"csd": CSD, "derivative": SLOPE}.get(self.reference, POTENTIAL)
        return replace(known, name=", ".join([known.name, *self._done()]))

    def _done(self) -> Iterator[str]:
        """What is done, in words, but for what the quantity says."""
        if self.reference == "median":
            yield f"minus the median of its {self.within}"
        elif self.reference == "bipolar":
            yield "minus the next channel's below"
        if self.low is not None and self.high is not None:
            yield f"{self.low:g}–{self.high:g} Hz"
        elif self.low is not None:
            yield f"above {self.low:g} Hz"
        elif self.high is not None:
            yield f"below {self.high:g} Hz"
        if self.mains is not None:
            yield f"without {self.mains:g} Hz and harmonics"

    def taps(self, rate: float) -> Floats:
        """Impulse response of its filters together, of odd length; of one sample without any.

        Raises
        ------
        ValueError
            If an edge does not lie below half the sampling rate.
        """
        return _taps(self, rate)

    def margin(self, rate: float) -> int:
        """Samples beside a view on which it depends."""
        return self.taps(rate).size // 2

    def range_for(self, rate: float, first: int, stop: int, n: int) -> tuple[int, int]:
        """Samples of a segment of n that give samples first to stop, with equal bits."""
        return block_range(self.taps(rate), first, stop, n)


@lru_cache(64)
def _taps(transform: Transform, rate: float) -> Floats:
    taps = np.ones(1)
    if transform.low is not None or transform.high is not None:
        taps = design(rate, transform.low, transform.high)
    if transform.mains is not None:
        taps = np.convolve(taps, _without(rate, transform.mains))
    taps.flags.writeable = False  # it is shared
    return taps


def _without(rate: float, mains: float) -> Floats:
    """Impulse response that removes 2 Hz about a frequency and its harmonics."""
    harmonics = np.arange(1, int((rate / 2 - 2 * NOTCH_HZ) / mains) + 1) * mains
    length = response_length(rate, NOTCH_HZ)
    kept = np.zeros(length)
    kept[length // 2] = 1.0
    for hertz in harmonics.tolist():
        kept -= low_pass(length, (hertz + NOTCH_HZ) / rate)
        kept += low_pass(length, (hertz - NOTCH_HZ) / rate)
    return kept


def parse_transform(text: str) -> Transform:
    """Read a transform.

    Raises
    ------
    ValueError
        If it cannot be understood, in a line.

    >>> parse_transform("median:shank 4-10Hz").within
    'shank'
    """
    fields: dict[str, object] = {}
    text = re.sub(r"(?i)(?<=\d)\s+(?=hz\b)", "", text)  # 4-10 Hz
    for word in text.replace(",", " ").split():
        name, _, value = word.lower().partition(":")
        band = BAND.fullmatch(word)
        if band and not {"low", "high"} & fields.keys():
            low, high, above, below = (float(one) if one else None for one in band.groups())
            fields |= {"low": above if low is None else low}
            fields |= {"high": below if high is None else high}
        elif name == "median" and value in ("", *get_args(Within)) and "reference" not in fields:
            fields |= {"reference": "median", "within": value or "probe"}
        elif name in ALONE and not value and "reference" not in fields:
            fields["reference"] = name
        elif name == "notch" and re.fullmatch(NUMBER, value) and "mains" not in fields:
            fields["mains"] = float(value)
        else:
            raise ValueError(f"{word!r} (expected some of {EXAMPLES}, each once)")
    found = Transform(**fields)  # type: ignore[arg-type] # as they were read
    if found.low is not None and found.low < LOWEST_HZ:
        raise ValueError(f"an edge of {found.low:g} Hz (expected {LOWEST_HZ:g} Hz or more)")
    if found.low is not None and found.high is not None and found.low >= found.high:
        raise ValueError(f"{found.low:g}-{found.high:g}Hz (expected the lower edge first)")
    if found.mains is not None and found.mains < 10:
        raise ValueError(f"mains of {found.mains:g} Hz (expected 10 Hz or more)")
    return found


@dataclass(frozen=True)
class Contacts:
    """Where channels stand that are compared over depth.

    Attributes
    ----------
    z : ndarray of float64, shape (n_channels,)
        Position along the probe, µm, upwards in a picture; NaN where it is not known.
    column : ndarray of int64, shape (n_channels,)
        The column of contacts of each channel.
    used : ndarray of bool, shape (n_channels,)
        Channels that are good and have a position.
    """

    z: Floats
    column: Ints
    used: Mask

    @property
    def levels(self) -> Ints:
        """How many levels of its column lie below each channel; −1 for those not used."""
        found = over_depth(
            np.zeros((self.z.size, 1)),
            lambda _, levels: np.arange(levels.size, dtype=np.float64)[:, np.newaxis],
            self.z,
            column=self.column,
            used=self.used,
        )
        return np.where(self.used, found[:, 0], -1).astype(np.int64)

    def compute(self, values: Floats, what: Reference) -> Floats:
        """CSD, A/m³, or derivative over depth, V/m, of potentials, V; NaN where there is none."""
        difference, factor = OVER_DEPTH[what], FACTORS[what]
        return over_depth(
            values,
            lambda potentials, levels: factor * difference(potentials, levels * UM),
            self.z,
            column=self.column,
            used=self.used,
        )


@dataclass(frozen=True)
class Site:
    """What a transform must know of the channels.

    Attributes
    ----------
    bad : ndarray of bool, shape (n_channels,)
        Channels that are no reference of others.
    depth : ndarray of float64, shape (n_channels,)
        Position along the probe.
    group : dict of ndarray
        Shank and area of each channel, as far as they are known.
    contacts : Contacts or None
        For what is computed over depth; None where distances are not known.
    """

    bad: Mask
    depth: Floats
    group: dict[str, Array]
    contacts: Contacts | None = None


def apply_transform(
    values: Floats,
    transform: Transform,
    rate: float,
    site: Site,
    *,
    ends: tuple[bool, bool] = (True, True),
    offset: int = 0,
    wanted: tuple[int, int] | None = None,
) -> Floats:
    """Transform samples of all channels.

    Parameters
    ----------
    values : ndarray, shape (n_channels, n)
        Volts; NaN where there is no sample.
    transform : Transform
        What to do.
    rate : float
        Samples per second.
    site : Site
        What is known of the channels.
    ends, offset, wanted
        As of `filter_samples`.

    Returns
    -------
    ndarray of float64, shape (n_channels, n wanted)
        Volts, A/m³ of a CSD, V/m of a derivative; NaN where there is no reference or no
        difference, and half a response beside a missing sample.
    """
    compared = compare_channels(values, transform, site)
    return filter_samples(compared, transform, rate, ends=ends, offset=offset, wanted=wanted)


def compare_channels(values: Floats, transform: Transform, site: Site) -> Floats:
    """Subtract a reference, or compute over depth instead: sample by sample of all channels."""
    if transform.is_over_depth:
        if site.contacts is None:
            raise ValueError(f"no contacts (expected where they stand, for {transform.text})")
        return site.contacts.compute(values, transform.reference)
    if transform.reference == "none":
        return values
    group, is_median = site.group.get(transform.within), transform.reference == "median"
    reference: Literal["median", "bipolar"] = "median" if is_median else "bipolar"
    return rereference(values, reference, group=group, depth_um=site.depth, bad=site.bad)


def filter_samples(
    values: Floats,
    transform: Transform,
    rate: float,
    *,
    ends: tuple[bool, bool] = (True, True),
    offset: int = 0,
    wanted: tuple[int, int] | None = None,
) -> Floats:
    """Filter samples as a transform says.

    Parameters
    ----------
    values : ndarray, shape (n_channels, n)
        NaN where there is no sample.
    transform : Transform
        What to do.
    rate : float
        Samples per second.
    ends : (bool, bool)
        Whether the samples begin and end with a segment: there they are continued by their
        reflection. Elsewhere `Transform.margin` samples at an end are not valid.
    offset : int
        Samples of the segment before these.
    wanted : (int, int), optional
        First and stop of those to return; all by default.

    Returns
    -------
    ndarray of float64, shape (n_channels, n wanted)
        NaN half a response beside a missing sample.
    """
    first, stop = wanted or (0, values.shape[1])
    taps = transform.taps(rate)
    if taps.size == 1:
        return np.asarray(values[:, first:stop], np.float64)
    unknown = ~np.isfinite(values)
    n, half = values.shape[1], taps.size // 2
    incomplete = np.flatnonzero(unknown.any(axis=1))
    if incomplete.size:
        values = np.where(unknown, 0.0, values)
    result = filter_blocks(values, taps, first, stop, ends=ends, offset=offset)
    for channel in incomplete.tolist():
        result[channel, _is_beside(unknown[channel], half)[first:stop]] = np.nan
    if not ends[0]:
        result[:, : max(half - first, 0)] = np.nan
    if not ends[1]:
        result[:, max(n - half - first, 0) :] = np.nan
    return result


def _is_beside(unknown: Mask, half: int) -> Mask:
    """Whether one of the samples up to half a response away is not known."""
    n = unknown.size
    counts = np.concatenate([[0], np.cumsum(unknown)])
    at = np.arange(n)
    return np.asarray(counts[np.minimum(at + half + 1, n)] > counts[np.maximum(at - half, 0)])
