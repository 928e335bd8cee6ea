"""spectrum.zarr.zip of recordings with gaps, NaN and damage, in any chunk grid."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import recorded
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

import lfpscope
from lfpscope.clock.segments import Clock
from lfpscope.errors import UserError
from lfpscope.io.tables import read_table
from lfpscope.references.open import open_references
from lfpscope.signals.spectra import Welch, window_length
from lfpscope.summary import driver
from lfpscope.summary.channels import write_channels
from lfpscope.summary.spectrum_file import SpectrumSettings, read_spectrum_settings
from lfpscope.summary.summarize import build_envelope

RATE = recorded.RATE


def summarise(references, folder=None, *, threads=2, wanted=None):
    """Path of the spectra, and rows of channels.csv."""
    folder = folder or references.file.parent
    spectrum, table = folder / "spectrum.zarr.zip", folder / "channels.csv"
    summary = build_envelope(
        references,
        folder / "envelope.zarr.zip",
        threads=threads,
        spectrum=wanted or SpectrumSettings(spectrum),
    )
    write_channels(summary, table)
    return spectrum, read_table(table)


def times_with_gaps(n, stops, gap=10.0):
    """Timestamps at 1250 Hz, with a gap before each of some samples."""
    times = 5.0 + np.arange(n) / RATE
    for stop in stops:
        times[stop:] += gap
    return times


def valid_windows(x, segments, welch):
    """Windows (start, samples) of a channel that are not dropped, in order."""
    for segment in segments:
        for start in range(segment.first_sample, segment.stop_sample - welch.length + 1, welch.hop):
            window = x[start : start + welch.length]
            if (np.abs(window) < 1e6).all():
                yield start, window


def density(window, welch):
    x = window.astype(np.float64)
    return signal.welch(x, welch.rate, "hann", welch.length, welch.hop, detrend="constant")[1]


@st.composite
def recordings(draw):
    n, n_channels = draw(st.integers(70, 3000)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    data = recorded.walk(n, n_channels, step=1.0, seed=int(rng.integers(1000)))
    data = data.astype(draw(st.sampled_from([np.float32, np.float64, np.int16])))
    if data.dtype.kind == "f":
        bad = draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n_channels - 1))))
        for place in bad[:3]:
            data[place] = draw(st.sampled_from([np.nan, np.inf, 1e9]))
    stops = sorted(draw(st.sets(st.integers(3, n - 3), max_size=3)))
    chunks = min(n, draw(st.integers(30, 900))), draw(st.integers(1, n_channels))
    places = st.tuples(
        st.integers(0, -(-n // chunks[0]) - 1), st.integers(0, -(-n_channels // chunks[1]) - 1)
    )
    return data, stops, chunks, tuple(sorted(draw(st.sets(places, max_size=2))))


@given(recordings(), st.integers(1, 20_000))
def test_equals_welch_over_the_windows_without_gap_nan_or_damage(recording, n_bytes):
    data, stops, chunks, damaged = recording
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        patch.setattr(driver, "STRETCH_BYTES", n_bytes)
        times = times_with_gaps(data.shape[0], stops)
        references = recorded.index(Path(folder), data, chunks=chunks, times=times, damaged=damaged)
        path, _ = summarise(references)
        with lfpscope.open_spectrum(path) as found:
            found = found.load()
    clock = references.clock
    longest = max(segment.n_samples for segment in clock.valid)
    welch = Welch(1 / clock.dt, window_length(1 / clock.dt, longest))
    x = data.astype(np.float64)
    for row, column in damaged:
        rows = slice(row * chunks[0], (row + 1) * chunks[0])
        x[rows, column * chunks[1] : (column + 1) * chunks[1]] = np.nan
    assert found.frequency.to_numpy() == pytest.approx(welch.frequencies)
    for channel in range(data.shape[1]):
        windows = list(valid_windows(x[:, channel], clock.valid, welch))
        assert int(found.n_windows[channel].sum()) == len(windows)
        psd = found.psd[channel].to_numpy()
        if not windows:
            assert np.isnan(psd).all()
            assert np.isnan(found.power[channel]).all()
            continue
        expected = np.mean([density(window, welch) for _, window in windows], axis=0)
        wrong = np.abs(psd - expected) - 1e-4 * expected - 1e-12 * expected.max()
        assert (wrong <= 6e-8 * expected).all()  # psd is stored as float32
        _check_powers(found, channel, windows, welch, clock)


def _check_powers(found: xr.Dataset, channel: int, windows, welch: Welch, clock: Clock) -> None:
    """Decoded bands within 6 % of the sums over the windows of each time bin."""
    own = {}
    for start, window in windows:
        segment = next(s for s in clock.valid if s.first_sample <= start < s.stop_sample)
        number = (start - segment.first_sample) // welch.hop // 2
        first = segment.t0 + 2 * number * welch.hop * segment.dt
        own.setdefault(round(first, 6), []).append(density(window, welch))
    # a window of no power at all is at the floor
    floor = float(found.power.min())
    f = welch.frequencies * (1 + 1e-12)
    for j, first in enumerate(found.time.to_numpy().round(6).tolist()):
        power = found.power[channel, j].to_numpy()
        if first not in own:
            assert np.isnan(power).all()
            continue
        mean = np.mean(own[first], axis=0)
        edges = zip(found.band_low.to_numpy(), found.band_high.to_numpy(), strict=True)
        sums = np.array([mean[(f >= low) & (f < high)].sum() for low, high in edges])
        with np.errstate(divide="ignore"):
            expected = 10 * np.log10(sums * welch.resolution)
        inside = expected > floor + 1
        assert power[inside] == pytest.approx(expected[inside], abs=0.26)


# --- bytes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bytes_depend_neither_on_threads_nor_on_the_chunk_grid(tmp_path, dtype):
    data = recorded.walk(60_000, 5, step=1e-5).astype(dtype)
    made = []
    for i, (chunks, threads) in enumerate([((60_000, 5), 1), ((777, 2), 2), ((10_007, 1), 4)]):
        folder = tmp_path / str(i)
        folder.mkdir()
        references = recorded.index(
            folder, data, chunks=chunks, times=times_with_gaps(60_000, [20_000])
        )
        made.append(_without_identity(summarise(references, threads=threads)[0]))
    assert made[0] == made[1] == made[2]


def _without_identity(path):
    """All entries of a zip; the root's attributes without what identifies the source file."""
    import zipfile

    with zipfile.ZipFile(path) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    root = json.loads(entries["zarr.json"])
    del root["attributes"]["places"]
    return entries | {"zarr.json": root}


# --- odd recordings -----------------------------------------------------------------------------


def test_shorter_than_any_window(tmp_path):
    path, rows = summarise(recorded.index(tmp_path, np.ones((50, 2), np.int16), chunks=(10, 2)))
    found = lfpscope.open_spectrum(path)
    assert found.sizes["time"] == 0
    assert np.isnan(found.psd).all()
    assert [row["label"] for row in rows] == ["unknown", "unknown"]
    assert rows[0]["reason"] == "0 s of windows < 2 s"


def test_all_nan(tmp_path):
    data = np.full((10_000, 3), np.nan, np.float32)
    path, rows = summarise(recorded.index(tmp_path, data, chunks=(1000, 1)))
    found = lfpscope.open_spectrum(path)
    assert np.isnan(found.psd).all()
    assert not found.n_windows.any()
    assert {row["label"] for row in rows} == {"unknown"}


def test_one_channel_has_no_neighbour(tmp_path):
    data = recorded.walk(20_000, 1, step=1.0).astype(np.int16)
    _, rows = summarise(recorded.index(tmp_path, data, chunks=(1000, 1)))
    assert rows[0]["label"] == "unknown"
    assert rows[0]["reason"].startswith("no neighbour to compare with")


def test_named_bands_and_thresholds_are_settings(tmp_path):
    data = recorded.walk(30_000, 6, step=1.0).astype(np.int16)
    references = recorded.index(tmp_path, data, chunks=(1000, 6))
    wanted = read_spectrum_settings(
        tmp_path / "spectrum.zarr.zip", '{"slow wave": [0.5, 2]}', '{"least_s": 1000}'
    )
    path, rows = summarise(references, wanted=wanted)
    found = lfpscope.open_spectrum(path)
    assert found.named_band.to_numpy().tolist() == ["slow wave"]
    assert float(rows[0]["rms_slow_wave"]) > 0
    assert {row["label"] for row in rows} == {"unknown"}


def test_rms_of_a_band_is_that_of_its_sine(tmp_path):
    time = np.arange(50_000) / RATE
    noise = np.random.default_rng(3).normal(0, 1e-6, (50_000, 4))
    data = (noise + 5e-5 * np.sqrt(2) * np.sin(2 * np.pi * 7 * time)[:, np.newaxis]).astype("f4")
    _, rows = summarise(recorded.index(tmp_path, data, chunks=(5000, 1)))
    for row in rows:
        assert float(row["rms_theta"]) == pytest.approx(5e-5, rel=1e-3)
        assert float(row["rms_gamma"]) < 1e-6
        assert float(row["similarity"]) > 0.99


def test_coherence_of_what_channels_share(tmp_path):
    rng = np.random.default_rng(4)
    shared = rng.normal(0, 1, (150_000, 1))
    data = np.hstack([shared, shared, rng.normal(0, 1, (150_000, 1))]).astype("f4")
    path, _ = summarise(recorded.index(tmp_path, data, chunks=(9999, 1)))
    found = lfpscope.open_spectrum(path).coherence.to_numpy()
    assert found.shape == (3, 3, 5)
    assert found[0, 1] == pytest.approx(1.0, abs=1e-3)
    assert (found[0, 2] < 0.2).all()


def test_damaged_file_is_named(tmp_path):
    path = tmp_path / "spectrum.zarr.zip"
    path.write_bytes(b"PK")
    with pytest.raises(UserError, match=r"spectrum\.zarr\.zip"):
        lfpscope.open_spectrum(path)


def test_references_are_untouched(tmp_path):
    data = recorded.walk(5000, 2, step=1.0).astype(np.int16)
    references = recorded.index(tmp_path, data, chunks=(1000, 2))
    before = references.file.read_bytes()
    summarise(references)
    assert references.file.read_bytes() == before
    assert open_references(references.file).n_channels == 2
