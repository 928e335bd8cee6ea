"""Spectrum and spectrogram of the channel that a page shows alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import recorded
import scipy.signal

from lfpscope.envelope.read import OpenProbe
from lfpscope.summary.probe import summarize_probe
from lfpscope.viewer.channel_spectra import (
    NO_WINDOW,
    ROWS,
    Line,
    read_spectra,
    spectrogram,
    window_of,
)
from lfpscope.viewer.session_folder import first_state

RATE = recorded.RATE


@pytest.mark.parametrize(("length", "hop"), [(64, 1), (256, 32), (1024, 200)])
def test_a_spectrogram_is_scipys(length: int, hop: int) -> None:
    values = recorded.walk(5000, 1, step=1e-6)[:, 0].astype(np.float64)
    frequency, middle, density = spectrogram(values, RATE, length, hop)
    how = {"nperseg": length, "noverlap": length - hop, "detrend": "constant"}
    expected = scipy.signal.spectrogram(values, RATE, "hann", **how)
    assert frequency == pytest.approx(expected[0])
    assert middle == pytest.approx(expected[1])
    same = pytest.approx(expected[2], rel=1e-9, abs=1e-12 * expected[2].max())
    assert same == density.T


def test_a_window_with_nan_or_without_room_has_no_density() -> None:
    values = np.arange(300.0)
    values[150] = np.nan
    density = spectrogram(values, RATE, 64, 64)[2]
    assert np.isnan(density).all(axis=1).tolist() == [False, False, True, False]
    assert spectrogram(values[:63], RATE, 64, 1)[1].size == 0
    assert window_of(RATE, 0.05, 62) == 0


def decibels(density: np.ndarray) -> np.ndarray:
    return 10 * np.log10(density * 1e12)


def is_of(line: Line, frequency: np.ndarray, density: np.ndarray) -> None:
    here = (frequency >= 1) & (frequency <= 300)
    assert line.frequency == pytest.approx(frequency[here])
    assert line.level == pytest.approx(decibels(density[here]), abs=0.01)


@pytest.fixture
def data() -> np.ndarray:
    chance = np.random.default_rng(3)
    time = np.arange(40_000)[:, np.newaxis] / RATE
    tone = 1e-4 * np.sin(2 * np.pi * np.array([8.0, 40.0]) * time)
    return (tone + chance.normal(0, 1e-5, tone.shape)).astype(np.float32)


def test_spectra_of_the_view_and_the_recording_are_scipys(tmp_path: Path, data: np.ndarray) -> None:
    references = recorded.index(tmp_path, data, chunks=(1000, 2))
    names = {name: tmp_path / f"{name}.zarr.zip" for name in ("envelope", "spectrum")}
    channels = tmp_path / "channels.csv"
    summarize_probe(references.file, channels=channels, **names)
    with OpenProbe(references, names["envelope"]) as probe:
        start = probe.references.clock.t0
        state = replace(first_state([probe]), start=start + 8, stop=start + 16)
        channel = int(references.channels.id[1])
        found = read_spectra(probe, tmp_path, state, channel)
        values = data[:, 1].astype(np.float64)
        how = {"nperseg": 4096, "noverlap": 2048, "detrend": "constant"}
        is_of(found.view, *scipy.signal.welch(values[10_000:20_000], RATE, "hann", **how))
        is_of(found.recording, *scipy.signal.welch(values, RATE, "hann", **how))
        # the tone is the brightest row of pixels, at all times of the view
        (piece,) = found.spectrogram
        assert piece.start <= state.start + 0.1
        assert piece.stop >= state.stop - 0.1
        rows = np.geomspace(*found.edges, ROWS + 1)
        brightest = piece.colours.argmax(axis=0)
        assert (rows[brightest] < 41).all()
        assert (rows[brightest + 1] > 39).all()
        assert found.edges == (1, 300)
        # all ten dB of the colours are ten dB of the density
        psd = scipy.signal.welch(values, RATE, "hann", nperseg=512)[1].max()
        assert found.levels[1] == pytest.approx(decibels(psd), abs=12)
        long = read_spectra(probe, tmp_path, replace(state, stop=start + 500), channel)
        assert (long.spectrogram, long.view.level.size) == ((), 0)
        assert "of 2 min 0 s at most: zoom in" in long.text
        short = read_spectra(probe, tmp_path, replace(state, stop=start + 8.01), channel)
        assert "too few samples" in short.text
        assert short.recording.level.size


def test_spectra_leave_gaps_and_missing_samples_out(tmp_path: Path, data: np.ndarray) -> None:
    data[21_000:21_200] = np.nan
    times = 10 + np.arange(40_000) / RATE
    times[12_500:] += 2  # a gap from 20 to 22 s
    references = recorded.index(tmp_path, data, chunks=(1000, 2), times=times)
    with recorded.probe(references) as probe:
        state = replace(first_state([probe]), start=16.0, stop=32.0)
        found = read_spectra(probe, tmp_path, state, int(references.channels.id[0]))
        edges = [(one.start, one.stop) for one in found.spectrogram]
        assert [stop < 20 or start > 22 for start, stop in edges] == [True, True]
        empty = [(one.colours == NO_WINDOW).all(axis=0) for one in found.spectrogram]
        assert not empty[0].any()
        assert 0 < empty[1].mean() < 1
        assert found.recording.level.size == 0
        assert "of the recording there is none yet" in found.text
