"""Power of bands in pixel columns equals scipy's of the samples that h5py reads."""

import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
import recorded
from scipy.signal import spectrogram

from lfpscope.clock.segments import Clock
from lfpscope.envelope.read import OpenProbe
from lfpscope.envelope.transformed import TransformedProbe
from lfpscope.errors import UserError
from lfpscope.render import band_map
from lfpscope.render.band_map import (
    band_names,
    colour_range,
    colour_shares,
    live_welch,
    read_band_map,
)
from lfpscope.signals.transform import parse_transform
from lfpscope.summary.spectrum_file import SpectrumSettings
from lfpscope.summary.summarize import build_envelope

Data = npt.NDArray[Any]
N, GAP_AT, LATER = 100_000, 60_000, 7.0
THETA = 4.0, 10.0


def make_probe(folder: Path) -> OpenProbe:
    """Two segments; channel 1 has 6 Hz in its second half, channel 2 a NaN, chunk 2 is damaged."""
    t = np.arange(N) / recorded.RATE
    data = recorded.walk(N, 3, step=0.195e-6).astype(np.float32)
    data[:, 1] += np.where(np.arange(N) >= N // 2, 500e-6 * np.sin(2 * np.pi * 6 * t), 0)
    data[35_000, 2] = np.nan
    times = t + np.where(np.arange(N) >= GAP_AT, LATER, 0.0)
    references = recorded.index(folder, data, chunks=(10_000, 3), times=times, damaged=((2, 0),))
    settings = SpectrumSettings(folder / "spectrum.zarr.zip")
    build_envelope(references, folder / "envelope.zarr.zip", spectrum=settings)
    return OpenProbe(references, folder / "envelope.zarr.zip")


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> OpenProbe:
    return make_probe(tmp_path_factory.mktemp("bands"))


def volts(probe: OpenProbe) -> Data:
    """By h5py, shape (channel, time); NaN where the chunk is damaged."""
    x = np.full((3, N), np.nan)
    with h5py.File(probe.references.address) as file:
        data = file[f"{recorded.SERIES}/data"]
        x[:, :20_000], x[:, 30_000:] = data[:20_000].T, data[30_000:].T
    return x


def window_power(x: Data, length: int, hop: int) -> Data:
    """Power in theta by scipy of all windows of a segment, V², shape (channel, window)."""
    frequency, _, density = spectrogram(
        x, recorded.RATE, "hann", length, length - hop, detrend="constant"
    )
    inside = (frequency >= THETA[0]) & (frequency < THETA[1])
    return np.asarray(density[:, inside].sum(axis=1) * frequency[1])


def columns(probe: OpenProbe, first: int, n: int, width: int) -> band_map.BandMap:
    """Theta of samples in the first segment, each column as many as any other."""
    clock, start = probe.references.clock, first / recorded.RATE
    return read_band_map(probe, clock, "theta", start, start + n / recorded.RATE, width)


def test_close_up_each_column_shows_the_window_of_samples_in_its_middle(probe: OpenProbe) -> None:
    length, hop = 2048, 512  # five cycles of 4 Hz are 1562 samples
    expected = window_power(volts(probe)[:, :GAP_AT], length, hop)
    found = columns(probe, 40_192, 20 * 128, 20)  # no window's share ends within a column
    assert found.is_live
    assert "1.64 s of every sample" in found.drawn_from
    middles = 40_192 + 128 * np.arange(20) + 64
    nearest = np.rint((middles - length / 2) / hop).astype(int)
    np.testing.assert_allclose(found.power, expected[:, nearest], rtol=1e-6)


def test_far_out_each_column_shows_the_mean_of_stored_bins(
    probe: OpenProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(band_map, "MAX_LIVE_VALUES", 0)
    every = window_power(volts(probe)[:, :GAP_AT], 4096, 2048)
    bins = every[:, 22:26].reshape(3, 2, 2).mean(axis=2)  # two windows each
    # bins 11 and 12 (samples 46080 to 54272 about their middles) in a column, then each alone
    first = 11 * 4096 + 1024
    both = read_band_map.__wrapped__(
        probe, probe.references.clock, "theta", first / 1250, (first + 8192) / 1250, 1
    )
    each = columns(probe, first, 8192, 2)
    assert not each.is_live
    assert "stored bins of 4.92 s" in each.drawn_from
    within = 10**0.025 - 1 + 1e-6  # half a step of 0.5 dB
    np.testing.assert_allclose(each.power, bins, rtol=within)
    np.testing.assert_allclose(both.power[:, 0], each.power.mean(axis=1), rtol=1e-9)


def test_both_show_the_same_oscillation(probe: OpenProbe, monkeypatch: pytest.MonkeyPatch) -> None:
    live = columns(probe, 50_000, 5000, 1).power[1, 0]
    monkeypatch.setattr(band_map, "MAX_LIVE_VALUES", 0)
    stored = read_band_map.__wrapped__(probe, probe.references.clock, "theta", 42.0, 44.0, 1)
    amplitude = (500e-6) ** 2 / 2
    np.testing.assert_allclose([live, stored.power[1, 0]], amplitude, rtol=0.2)


def test_no_window_holds_what_is_no_number_or_lies_in_a_gap(probe: OpenProbe) -> None:
    found = columns(probe, 18_000, 20_000, 40).power
    assert np.isnan(found[:, 8:22]).all()  # 22000 to 29000 lie in the damaged chunk
    assert np.isfinite(found[:, 28]).all()
    assert np.isfinite(found[:2, 34]).all()
    assert np.isnan(found[2, 34])  # 35000
    clock = probe.references.clock
    end = GAP_AT / recorded.RATE
    gap = read_band_map(probe, clock, "theta", end, end + LATER, 7).power
    assert np.isnan(gap[:, :6]).all()
    around = read_band_map(probe, clock, "theta", end - 1, end + LATER + 1, 9).power
    assert np.isfinite(around[:, 0]).all()  # to the last sample before it, and from the first after
    assert np.isfinite(around[:, 8]).all()


def test_of_a_transformed_probe_the_transformed_samples(probe: OpenProbe) -> None:
    changed = TransformedProbe(probe, parse_transform(">20Hz"), np.zeros(3, np.bool_))
    clock = probe.references.clock
    before = read_band_map(probe, clock, "theta", 41.0, 45.0, 10).power
    after = read_band_map(changed, clock, "theta", 41.0, 45.0, 10).power
    assert (after[1] < before[1] * 1e-3).all()


def test_an_unknown_band_and_missing_spectra_are_named(probe: OpenProbe, tmp_path: Path) -> None:
    known = "known: delta, theta, beta, gamma, high gamma"
    with pytest.raises(UserError, match=re.escape(known)):
        read_band_map(probe, probe.references.clock, "ripple", 0.0, 1.0, 10)
    data = recorded.walk(1000, 2, step=1e-6).astype(np.float32)
    without = recorded.probe(recorded.index(tmp_path, data, chunks=None))
    with pytest.raises(UserError, match="before the pipeline has made spectrum"):
        read_band_map(without, without.references.clock, "theta", 10.0, 10.5, 10)
    assert band_names(without) == []
    assert band_names(probe) == ["delta", "theta", "beta", "gamma", "high gamma"]


def test_colours_reach_over_30_decibels_below_half_the_gain() -> None:
    assert colour_range(200.0) == pytest.approx((10.0, 40.0))  # 100 µV
    np.testing.assert_allclose(
        colour_shares(np.array([1e-8, 1e-9, np.nan]), 200.0), [1.0, 2 / 3, np.nan]
    )


@pytest.mark.parametrize(
    ("low", "high", "length"),
    [(0.5, 4.0, 4096), (4.0, 10.0, 2048), (30.0, 80.0, 256), (80.0, 200.0, 128), (99, 100, 4096)],
)
def test_windows_hold_five_cycles_as_far_as_stored_ones_are_longer(
    low: float, high: float, length: int
) -> None:
    assert live_welch(1250.0, 1_000_000, low, high).length == length


def test_a_recording_shorter_than_a_window_has_no_power(tmp_path: Path) -> None:
    data = recorded.walk(40, 2, step=1e-6).astype(np.float32)
    references = recorded.index(tmp_path, data, chunks=None)
    settings = SpectrumSettings(tmp_path / "spectrum.zarr.zip")
    build_envelope(references, tmp_path / "envelope.zarr.zip", spectrum=settings)
    short = OpenProbe(references, tmp_path / "envelope.zarr.zip")
    clock: Clock = references.clock
    assert np.isnan(read_band_map(short, clock, "gamma", 10.0, 10.1, 10).power).all()
