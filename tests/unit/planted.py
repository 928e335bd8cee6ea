"""Simulated probes for the labels of channels: LFP, and their features."""

from dataclasses import dataclass, field

import numpy as np

from lfpscope.signals.bands import named_bands
from lfpscope.signals.features import (
    QUALITY_BANDS,
    decibels,
    drift_share,
    find_mains,
    hf_power,
    pass_band_end,
)
from lfpscope.signals.labels import Features
from lfpscope.signals.neighbours import find_neighbours
from lfpscope.signals.similarity import compare_channels
from lfpscope.signals.spectra import Welch, transform_windows, window_length
from lfpscope.signals.thresholds import Thresholds


@dataclass
class Planted:
    """A simulated probe, and what is wrong with it."""

    x: np.ndarray  # V, (channel, time)
    rate: float
    height: np.ndarray
    labels: np.ndarray
    flags: dict[str, set[int]] = field(default_factory=dict)
    surface: float | None = None


def pink(rng, n_sources, n, rate, exponent):
    """Noise whose density falls as 1 / f ** exponent above 1 Hz, of unit variance."""
    f = np.fft.rfftfreq(n, 1 / rate)
    shape = np.maximum(f, 1.0) ** (-exponent / 2) * (f > 0.1)
    spectrum = (rng.standard_normal((n_sources, f.size)) + 1j * rng.standard_normal(f.size)) * shape
    x = np.fft.irfft(spectrum, n, axis=1)
    return x / x.std(axis=1, keepdims=True)


def brain(rng, height, rate, seconds):
    """LFP of sources along a probe, theta that reverses somewhere, and amplifier noise, V."""
    n = round(rate * seconds)
    top, bottom = height.max(), height.min()
    places = np.arange(bottom - 300, top + 301, 150.0)
    spread = rng.uniform(150, 300)
    kernel = np.exp(-0.5 * ((height[:, None] - places) / spread) ** 2)
    gain = np.exp(np.interp(height, places, rng.normal(0, 0.25, places.size)))
    x = kernel @ pink(rng, places.size, n, rate, rng.uniform(1.3, 2.0))
    x += 0.5 * pink(rng, 1, n, rate, 1.5)  # what all share
    x *= (gain / x.std(axis=1))[:, None] * rng.uniform(60e-6, 200e-6)
    reversal = rng.uniform(bottom, top)
    theta = np.sin(
        2 * np.pi * (7 * np.arange(n) / rate + 0.3 * np.cumsum(rng.standard_normal(n)) / n)
    )
    x += 80e-6 * np.tanh((height[:, None] - reversal) / 150) * theta
    return x


def features_of(one, positions, limits=None):
    limits = limits or Thresholds()
    welch = Welch(one.rate, window_length(one.rate, one.x.shape[1]))
    bands = named_bands(welch, QUALITY_BANDS)
    bounds = np.stack([bands.first, bands.stop], axis=1)
    psd, levels = [], []
    for x in one.x:
        total = np.zeros(welch.frequencies.size)
        starts = welch.starts(x.size)
        powers, _ = transform_windows(
            x, starts, welch, factor=1.0, limits=(-1.0, 1.0), bounds=bounds, total=total
        )
        psd.append(total / starts.size)
        levels.append(np.median(powers, axis=0) / (bands.high - bands.low))
    psd, levels = np.array(psd), decibels(np.array(levels).T)
    n_windows = np.full(one.height.size, starts.size)
    f, std = welch.frequencies, one.x.std(axis=1, dtype=np.float64)
    end = pass_band_end(f, psd)
    _, line = find_mains(f, psd, n_windows, end)
    length = int(4 * one.rate)
    windows = [one.x[:, i : i + length] for i in range(0, one.x.shape[1] - length + 1, length)]
    neighbours = find_neighbours(positions, limits.radius_um)
    alike = compare_channels(windows, one.rate, neighbours, [], np.arange(0))
    flat = (std == 0).astype(float)
    return Features(
        n_windows * welch.hop / one.rate,
        std,
        flat,
        list(bands.names),
        levels,
        hf_power(f, psd, end),
        alike.similarity,
        line,
        drift_share(f, psd, std),
        (std < 0.5e-6) | (flat > 0.5),
        [""] * std.size,
    )
