"""What is done to samples before they are shown: a reference, a band, no mains.

A transform has a text, as in the address bar: ``median:shank 4-10Hz notch:50``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from lfpscope.signals.filter import continued, design, low_pass, response_length
from lfpscope.signals.reference import rereference
from lfpscope.signals.runs import find_runs
from lfpscope.typing import Array, Floats, Mask

Reference = Literal["none", "median", "bipolar"]
Within = Literal["probe", "shank", "area"]
LOWEST_HZ = 0.5  # of an edge: lower ones need more than a few seconds beside a view
NOTCH_HZ = 1.0  # removed on both sides of mains and its harmonics; the transition is as wide
EXAMPLES = "median, median:shank, median:area, bipolar, 4-10Hz, >0.5Hz, <300Hz, notch:50"
NUMBER = r"(\d+(?:\.\d+)?)"
BAND = re.compile(rf"{NUMBER}-{NUMBER}Hz|>{NUMBER}Hz|<{NUMBER}Hz", re.IGNORECASE)


@dataclass(frozen=True)
class Transform:
    """What is done to samples, in this order.

    Attributes
    ----------
    reference : {"none", "median", "bipolar"}
        What is subtracted from each channel, see `rereference`.
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

    def taps(self, rate: float) -> list[Floats]:
        """Impulse responses of its filters, one after the other.

        Raises
        ------
        ValueError
            If an edge does not lie below half the sampling rate.
        """
        found = []
        if self.low is not None or self.high is not None:
            found.append(design(rate, self.low, self.high))
        if self.mains is not None:
            found.append(_without(rate, self.mains))
        return found

    def margin(self, rate: float) -> int:
        """Samples beside a view on which it depends."""
        return sum(taps.size // 2 for taps in self.taps(rate))


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
    for word in text.replace(",", " ").split():
        name, _, value = word.lower().partition(":")
        band = BAND.fullmatch(word)
        if band and not {"low", "high"} & fields.keys():
            low, high, above, below = (float(one) if one else None for one in band.groups())
            fields |= {"low": above if low is None else low}
            fields |= {"high": below if high is None else high}
        elif name == "median" and value in ("", *get_args(Within)) and "reference" not in fields:
            fields |= {"reference": "median", "within": value or "probe"}
        elif name == "bipolar" and not value and "reference" not in fields:
            fields["reference"] = "bipolar"
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
    """

    bad: Mask
    depth: Floats
    group: dict[str, Array]


def apply_transform(
    values: Floats,
    transform: Transform,
    rate: float,
    site: Site,
    *,
    ends: tuple[bool, bool] = (True, True),
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
    ends : (bool, bool)
        Whether the samples begin and end with a segment: there they are continued by their
        reflection. Elsewhere `Transform.margin` samples at an end are not valid.

    Returns
    -------
    ndarray of float64, shape (n_channels, n)
        Volts; NaN where there is no reference, and half a response beside a missing sample.
    """
    if transform.reference != "none":
        group = site.group.get(transform.within)
        values = rereference(
            values, transform.reference, group=group, depth_um=site.depth, bad=site.bad
        )
    for taps in transform.taps(rate):
        values = _filter(values, taps, ends)
    return values


def _filter(values: Floats, taps: Floats, ends: tuple[bool, bool]) -> Floats:
    """Convolve each stretch of numbers with a symmetric response."""
    result = np.full(values.shape, np.nan)
    n, half = values.shape[1], taps.size // 2
    for channels, start, stop in _stretches(values):
        known = _convolve(values[channels, start:stop], taps)
        first = start if start == 0 or not half else start + half
        last = stop if stop == n or not half else stop - half
        if first < last:
            result[channels, first:last] = known[:, first - start : last - start]
    if not ends[0]:
        result[:, : min(half, n)] = np.nan
    if not ends[1]:
        result[:, max(n - half, 0) :] = np.nan
    return result


def _stretches(values: Floats) -> Iterator[tuple[Array, int, int]]:
    """Channels that have numbers from a start to a stop; those that are complete together."""
    known = np.isfinite(values)
    complete = known.all(axis=1)
    if complete.any():
        yield np.flatnonzero(complete), 0, values.shape[1]
    for channel in np.flatnonzero(~complete & known.any(axis=1)).tolist():
        for start, stop in find_runs(known[channel]).tolist():
            yield np.array([channel]), start, stop


def _convolve(x: Floats, taps: Floats) -> Floats:
    """Convolve channels with a symmetric response, sample by sample in place."""
    import scipy.fft  # 0.1 s, for those who filter

    half = taps.size // 2
    padded = np.stack([continued(row, half) for row in x])
    n = scipy.fft.next_fast_len(padded.shape[1], real=True)
    spectra = scipy.fft.rfft(padded, n, axis=1)
    spectra *= scipy.fft.rfft(taps, n)
    filtered: Floats = scipy.fft.irfft(spectra, n, axis=1, overwrite_x=True)
    return filtered[:, 2 * half : 2 * half + x.shape[1]]
