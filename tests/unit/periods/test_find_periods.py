"""Periods of recordings in which something happens at known times."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import recorded
from hypothesis import given
from hypothesis import strategies as st

from lfpscope.periods.find import find_periods
from lfpscope.periods.table import Period, read_periods
from lfpscope.signals.ripples import find_ripples, has_ripple_band, trace_ripples, trace_step
from lfpscope.signals.runs import find_runs
from lfpscope.summary.channels import write_channels
from lfpscope.summary.spectrum_file import SpectrumSettings
from lfpscope.summary.summarize import build_envelope

Data = npt.NDArray[Any]
START = 10.0  # session time of the first sample
STEP = 0.195e-6


def background(n_samples: int, n_channels: int = 12, seed: int = 0) -> Data:
    """Noise whose power falls with frequency, 60 µV."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.normal(size=(n_samples, n_channels)), axis=0)
    hertz = np.fft.rfftfreq(n_samples, 1 / recorded.RATE)
    noise = np.fft.irfft(spectrum / np.maximum(hertz, 2.0)[:, np.newaxis], n_samples, axis=0)
    noise += 0.4 * noise.std() * rng.normal(size=1)  # an offset
    return 60e-6 * noise / (noise.std() or 1.0) + 3e-6 * rng.normal(size=noise.shape)


def wave(n_samples: int, start: float, stop: float, hertz: float) -> Data:
    """A sine of amplitude 1 between two times after the start, with soft edges."""
    t = np.arange(n_samples) / recorded.RATE
    edges = np.clip(np.minimum(t - start, stop - t) / 0.01, 0, 1)
    return (edges * np.sin(2 * np.pi * hertz * t))[:, np.newaxis]


def periods_of(folder: Path, data: Data, *, spectrum: bool = True, **how: Any) -> list[Period]:
    """Index, summarise, find: as the rules do."""
    counts = np.rint(data / STEP) if np.isfinite(data).all() else data / STEP
    stored = (counts * STEP).astype(np.float32)
    references = recorded.index(folder, stored, **({"chunks": (4000, 5)} | how))
    settings = SpectrumSettings(folder / "spectrum.zarr.zip") if spectrum else None
    envelope = folder / "envelope.zarr.zip"
    summary = build_envelope(references, envelope, spectrum=settings)
    write_channels(summary, folder / "channels.csv")
    table = folder / "periods.csv"
    find_periods(
        references.file,
        envelope,
        folder / "channels.csv",
        periods=table,
        spectrum=settings.path if settings else None,
    )
    return read_periods(table)


def of_kind(periods: list[Period], kind: str) -> list[Period]:
    return [one for one in periods if one.kind == kind]


def test_nothing_happens_in_noise(tmp_path: Path) -> None:
    found = periods_of(tmp_path, background(60_000))
    assert [one.kind for one in found if one.kind != "ripple"] == []
    assert len(found) <= 2  # bursts by chance, of 48 s


def test_gaps_resets_and_damage(tmp_path: Path) -> None:
    n = 60_000
    times = np.arange(n) / recorded.RATE
    times[20_000:] += 3.0  # a gap before 16 s
    times[40_000:] -= 10.0  # the clock is set back from 35 to 25 s
    found = periods_of(
        tmp_path, background(n), times=times, damaged=((1, 0),), chunks=(4000, 5), spectrum=False
    )
    (gap,), (reset,), (damaged,) = (of_kind(found, kind) for kind in ("gap", "reset", "damaged"))
    assert (gap.start, gap.stop) == pytest.approx((16.0, 19.0), abs=1e-3)
    assert gap.strength == pytest.approx(3.0, abs=1e-3)
    assert gap.channels == ()
    assert (reset.start, reset.stop) == pytest.approx((25.0, 35.0), abs=1e-3)
    assert (damaged.start, damaged.stop) == pytest.approx((3.2, 6.4), abs=1e-3)
    assert damaged.channels == (0, 1, 2, 3, 4)
    assert damaged.strength == pytest.approx(5 / 12, abs=1e-3)


def test_saturation_is_found_with_its_channels(tmp_path: Path) -> None:
    data = background(60_000)
    rail = 1e-3
    data[12_500:13_750, 3] = rail  # 20 to 21 s
    data[13_900:15_000, 3] = rail  # it comes and goes
    data[25_000:26_250, 7] = rail  # 30 to 31 s
    first, second = of_kind(periods_of(tmp_path, data), "saturated")
    assert (first.start, first.stop) == pytest.approx((20.0, 22.0), abs=0.11)
    assert (second.start, second.stop) == pytest.approx((30.0, 31.0), abs=0.11)
    assert (first.channels, second.channels) == ((3,), (7,))
    assert first.strength == pytest.approx(1 / 12, abs=1e-3)


@pytest.mark.parametrize("spectrum", [True, False])
def test_an_artefact_is_on_many_channels_at_once(spectrum: bool, tmp_path: Path) -> None:
    data = background(60_000)
    data[12_500:13_000] += 2e-3 * np.sin(np.arange(500) / 20)[:, np.newaxis]  # all, 20 to 20.4 s
    data[25_000:25_500, :2] += 2e-3 * np.sin(np.arange(500) / 20)[:, np.newaxis]  # two of twelve
    data[37_500:38_000, :3] += 2e-3 * np.sin(np.arange(500) / 20)[:, np.newaxis]  # a quarter
    first, second = of_kind(periods_of(tmp_path, data, spectrum=spectrum), "artefact")
    assert (first.start, first.stop) == pytest.approx((20.0, 20.4), abs=0.11)
    assert first.channels == tuple(range(12))
    assert first.strength == 1.0
    assert (second.start, second.stop) == pytest.approx((40.0, 40.4), abs=0.11)
    assert second.channels == (0, 1, 2)
    assert second.strength == 0.25


def test_drift_and_steps_of_the_baseline_are_no_artefacts(tmp_path: Path) -> None:
    data = background(60_000)
    data += 1e-3 * np.sin(np.arange(60_000) / 20_000)[:, np.newaxis]
    assert of_kind(periods_of(tmp_path, data, spectrum=False), "artefact") == []


def test_on_one_channel_a_large_wave_is_no_artefact(tmp_path: Path) -> None:
    data = background(60_000, 1)
    data[12_500:13_000, 0] += 3e-3
    assert of_kind(periods_of(tmp_path, data, chunks=(4000, 1)), "artefact") == []


def test_artefacts_where_half_of_the_recording_is_missing(tmp_path: Path) -> None:
    data = background(60_000)
    data[20_000:55_000] = np.nan
    data[12_500:13_000] += 2e-3 * np.sin(np.arange(500) / 20)[:, np.newaxis]
    (one,) = of_kind(periods_of(tmp_path, data), "artefact")
    assert (one.start, one.stop) == pytest.approx((20.0, 20.4), abs=0.11)


def test_theta_is_found_where_it_is(tmp_path: Path) -> None:
    n = 150_000
    data = background(n)
    data[:, 4:10] += 250e-6 * wave(n, 40.0, 70.0, 7.5)
    (theta,) = of_kind(periods_of(tmp_path, data), "theta")
    assert theta.start == pytest.approx(START + 40.0, abs=3.4)
    assert theta.stop == pytest.approx(START + 70.0, abs=3.4)
    assert set(theta.channels) >= set(range(4, 10))
    assert theta.strength > 2


def test_theta_does_not_reach_over_a_gap(tmp_path: Path) -> None:
    n = 100_000
    times = np.arange(n) / recorded.RATE
    times[50_000:] += 100.0
    data = background(n) + 250e-6 * wave(n, 0.0, 80.0, 7.5)
    first, second = of_kind(periods_of(tmp_path, data, times=times), "theta")
    assert first.stop < 40.1
    assert second.start > 139.9


def test_without_delta_there_is_no_theta(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = background(60_000)
    spectrum = np.fft.rfft(data, axis=0)
    hertz = np.fft.rfftfreq(60_000, 1 / recorded.RATE)[:, np.newaxis]
    data = np.fft.irfft(spectrum * (hertz / np.hypot(hertz, 3.0)) ** 4, 60_000, axis=0)
    assert of_kind(periods_of(tmp_path, data), "theta") == []
    assert "theta is not looked for: frequencies below 2 Hz are filtered" in capsys.readouterr().out


PLANTED = [5.0, 11.3, 19.0, 27.7, 40.0]


@pytest.mark.parametrize("chunks", [(4000, 5), (60_000, 1)])
def test_ripples_are_found_where_they_are(chunks: tuple[int, int], tmp_path: Path) -> None:
    n = 60_000
    data = background(n)
    for at in PLANTED:
        data[:, 2:6] += 60e-6 * wave(n, at, at + 0.08, 190.0)
    data[30_000:30_500] += 3e-3 * np.random.default_rng(1).normal(size=(500, 1))  # an artefact
    ripples = of_kind(periods_of(tmp_path, data, chunks=chunks), "ripple")
    assert [one.start for one in ripples] == pytest.approx([START + at for at in PLANTED], abs=0.03)
    # until the noise is at its mean again
    assert [one.stop - one.start for one in ripples] == pytest.approx([0.1] * 5, abs=0.05)
    assert all(set(one.channels) >= {2, 3, 4, 5} for one in ripples)
    assert min(one.strength for one in ripples) > 4


def test_ripples_beside_missing_samples(tmp_path: Path) -> None:
    n = 60_000
    data = background(n)
    for at in PLANTED:
        data[:, 2:6] += 60e-6 * wave(n, at, at + 0.08, 190.0)
    data[13_000:14_000, 3] = np.nan  # 10.4 to 11.2 s
    data[24_000:24_010, :] = np.nan
    ripples = of_kind(periods_of(tmp_path, data), "ripple")
    assert [one.start for one in ripples] == pytest.approx([START + at for at in PLANTED], abs=0.03)


def test_ripples_beside_mains_a_rail_and_a_channel_that_ends(tmp_path: Path) -> None:
    n = 60_000
    data = background(n, 24)
    for at in PLANTED:
        data[:, 2:6] += 60e-6 * wave(n, at, at + 0.08, 190.0)
    data[:, 10:20] += 40e-6 * wave(n, -1.0, n, 180.0)  # mains on more than eight channels
    data[:, 21] += 20e-6 * np.random.default_rng(2).normal(size=n)
    data[30_000:, 21] = np.nan  # of the loudest in the band
    data[18_000:18_100:6, 3] = 6e-4  # at a rail now and then, 14.4 to 14.48 s
    data[45_000:45_700, 3] = 6e-4
    ripples = of_kind(periods_of(tmp_path, data), "ripple")
    assert [one.start for one in ripples] == pytest.approx([START + at for at in PLANTED], abs=0.05)
    assert set(ripples[0].channels) >= {2, 3, 4, 5}
    assert 21 not in ripples[0].channels


def test_a_low_rate_has_no_ripples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    n = 30_000
    times = np.arange(n) / 500.0
    periods_of(tmp_path, background(n, 4), times=times, chunks=(4000, 4))
    assert (
        "ripples are not looked for: 500 Hz is too low for 150 to 250 Hz" in capsys.readouterr().out
    )
    assert has_ripple_band(1000.0)
    assert not has_ripple_band(550.0)


@pytest.mark.parametrize("n", [1, 50, 3000])
def test_short_recordings_and_one_channel(n: int, tmp_path: Path) -> None:
    data = background(n, 1)
    assert {one.kind for one in periods_of(tmp_path, data, chunks=(n, 1))} <= {"ripple"}


def test_a_probe_of_dead_channels(tmp_path: Path) -> None:
    assert periods_of(tmp_path, np.zeros((30_000, 3)), chunks=(4000, 3)) == []


def test_equal_input_gives_equal_bytes_whatever_the_chunks(tmp_path: Path) -> None:
    data = background(40_000, 6)
    data[:, 2:4] += 60e-6 * wave(40_000, 5.0, 5.08, 190.0)
    data[12_500:13_000] += 2e-3 * np.sin(np.arange(500) / 20)[:, np.newaxis]
    tables = []
    for i, chunks in enumerate([(4000, 5), (777, 6), (40_000, 1)]):
        folder = tmp_path / str(i)
        folder.mkdir()
        periods_of(folder, data, chunks=chunks)
        tables.append((folder / "periods.csv").read_bytes())
    assert tables[0] == tables[1] == tables[2]
    assert b"ripple" in tables[0]


@given(st.integers(0, 10_000), st.sampled_from([1000.0, 1250.0, 2500.0, 30_000.0]))
def test_a_trace_does_not_depend_on_where_it_is_cut(seed: int, rate: float) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2, int(4 * rate)))
    full = trace_ripples(x, rate)
    first = int(rng.integers(0, int(rate)))
    cut = trace_ripples(x[:, first:], rate)
    inside = slice(int(rate), int(2 * rate))
    np.testing.assert_allclose(cut[inside], full[first:][inside], rtol=2e-3)
    assert np.isnan(full[[0, -1]]).all()
    assert rate / trace_step(rate) >= 500


def test_a_ripple_lasts_from_the_mean_to_the_mean() -> None:
    trace = np.array([0.0, 1, 0, 0, 1, 9, 9, 9, 1, 0, 0, np.nan, 9, 9, 0, 0])
    ripples, peaks = find_ripples(trace, 0.01, n_sd=1.0)
    assert ripples.tolist() == [[5, 8]]  # the second one is shorter than 15 ms
    known = trace[np.isfinite(trace)]
    assert peaks.tolist() == pytest.approx([(9 - known.mean()) / known.std()])


@given(st.lists(st.booleans()), st.integers(0, 4))
def test_runs(values: list[bool], hole: int) -> None:
    mask = np.array(values, np.bool_)
    filled = np.zeros(mask.size, np.bool_)
    for start, stop in find_runs(mask, hole):
        assert mask[start]
        assert mask[stop - 1]
        filled[start:stop] = True
    assert (filled | ~mask).all()  # each true value is in one
    holes = find_runs(~filled).tolist()
    inner = [stop - start for start, stop in holes if start > 0 and stop < mask.size]
    assert all(length > hole for length in inner)
