"""The demo source: files as Allen releases them, with signals a physiologist knows."""

import os
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from lfpscope.errors import UserError
from lfpscope.sources.demo import nwb_writer
from lfpscope.sources.demo.recipes import Gap
from lfpscope.sources.demo.signals import Events

SESSION, PROBE = "demo-2", "100000022"
SERIES = f"acquisition/probe_{PROBE}_lfp/probe_{PROBE}_lfp_data"


def recipes(session: str) -> list[nwb_writer.Recipe]:
    return [nwb_writer.demo_recipe(session, probe) for probe in nwb_writer.demo_probes(session)]


SHORT = replace(nwb_writer.demo_recipe("demo-1", "100000011"), n_samples=5_000, chunk=1_500)
MAKE_SHORT = """
import sys
from dataclasses import replace
from pathlib import Path
from lfpscope.sources.demo import nwb_writer
short = replace(nwb_writer.demo_recipe("demo-1", "100000011"), n_samples=5_000, chunk=1_500)
nwb_writer.write_nwb("demo-1", "100000011", short, Path(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """50 s of the second probe of demo-2: all flashes, and its gap moved to where they are."""
    recipe = replace(
        nwb_writer.demo_recipe(SESSION, PROBE),
        n_samples=62_500,
        gap=Gap(sample=31_234, seconds=3.75),
    )
    path = tmp_path_factory.mktemp("demo") / "probe.nwb"
    nwb_writer.write_nwb(SESSION, PROBE, recipe, path)
    return path


@pytest.fixture(scope="module")
def microvolts(path: Path) -> NDArray[np.float64]:
    with h5py.File(path) as file:
        return file[f"{SERIES}/data"][:].astype(float) * 1e6


@pytest.fixture(scope="module")
def times(path: Path) -> NDArray[np.float64]:
    with h5py.File(path) as file:
        return file[f"{SERIES}/timestamps"][:]


def band(signal: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    spectrum = np.fft.rfft(signal, axis=0)
    hertz = np.fft.rfftfreq(len(signal), 1 / 1250)
    spectrum[(hertz < low) | (hertz > high)] = 0
    return np.fft.irfft(spectrum, len(signal), axis=0)


def test_names() -> None:
    assert nwb_writer.demo_probes("demo-1") == ["100000011", "100000012"]
    assert nwb_writer.demo_probes("demo-12") == ["100000121", "100000122"]


@pytest.mark.parametrize("session", ["demo", "demo-", "demo-01", "demo-x", "715093703", "demo-1 "])
def test_other_names_are_refused(session: str) -> None:
    with pytest.raises(UserError, match="not a demo session"):
        nwb_writer.demo_probes(session)


def test_unknown_probe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no probe '100000021'\. It has 100000011 and 100000012"):
        nwb_writer.make_probe("demo-1", "100000021", tmp_path / "probe.nwb")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [1, 7])
def test_probes_of_odd_sessions_stack(number: int) -> None:
    first, second = recipes(f"demo-{number}")
    assert (first.n_samples, first.chunk) == (second.n_samples, second.chunk)
    assert first.n_channels != second.n_channels


@pytest.mark.parametrize("number", [2, 12])
def test_probes_of_even_sessions_differ(number: int) -> None:
    first, second = recipes(f"demo-{number}")
    for name in ("n_samples", "chunk", "n_channels", "start", "rate"):
        assert getattr(first, name) != getattr(second, name)
    assert (first.gap is None, second.gap is None) == (True, False)


@pytest.mark.parametrize("recipe", [*recipes("demo-1"), *recipes("demo-2")])
def test_last_chunk_is_padded(recipe: nwb_writer.Recipe) -> None:
    assert recipe.n_samples % recipe.chunk > 0


def test_layout(path: Path) -> None:
    with h5py.File(path) as file:
        data, timestamps = file[f"{SERIES}/data"], file[f"{SERIES}/timestamps"]
        assert (data.shape, data.dtype, data.chunks) == ((62_500, 48), np.float32, (12_500, 1))
        assert (timestamps.dtype, timestamps.chunks) == (np.float64, (2_500,))
        for dataset in (data, timestamps):
            assert (dataset.compression, dataset.compression_opts) == ("gzip", 9)
            assert not dataset.shuffle
            assert not dataset.fletcher32
        assert data.attrs["unit"] == "volts"
        assert data.attrs["conversion"] == 1.0
        assert file[SERIES].attrs["neurodata_type"] == "ElectricalSeries"
        link = file.get(f"acquisition/probe_{PROBE}_lfp_data", getlink=True)
        assert isinstance(link, h5py.SoftLink)
        assert link.path == f"/{SERIES}"
        assert file[f"{SERIES}/electrodes"][:].tolist() == list(range(48))


def test_electrodes(path: Path) -> None:
    with h5py.File(path) as file:
        table = file["general/extracellular_ephys/electrodes"]
        assert table["id"][:2].tolist() == [800_022_000, 800_022_008]
        assert table["probe_vertical_position"][:3].tolist() == [20, 60, 100]
        assert table["local_index"][:3].tolist() == [0, 4, 8]
        assert set(table["probe_id"][:]) == {100_000_022}
        assert np.flatnonzero(~table["valid_data"][:]).tolist() == [5]
        areas = table["location"].asstr()[:].tolist()
    assert [areas.count(area) for area in ("DG", "CA1", "cc", "VISp")] == [10, 14, 3, 21]


def test_above_the_brain() -> None:
    assert recipes("demo-1")[0].locations[-7:] == ["root"] * 7


def test_samples_are_counts(path: Path) -> None:
    with h5py.File(path) as file:
        volts = file[f"{SERIES}/data"][:]
    counts = np.round(volts.astype(float) / 0.195e-6)
    assert np.abs(counts).max() < 2**15
    np.testing.assert_array_equal(counts.astype(np.float32) * np.float32(0.195e-6), volts)


def test_clock_has_one_gap(times: NDArray[np.float64]) -> None:
    steps = np.diff(times)
    assert times[0] == 17.9306
    assert np.flatnonzero(steps > 0.001).tolist() == [31_233]
    assert steps[31_233] == pytest.approx(3.75 + 1 / 1250.0029, abs=1e-7)
    assert np.delete(steps, 31_233) == pytest.approx(1 / 1250.0029, abs=1e-9)


def test_dead_channels(microvolts: NDArray[np.float64]) -> None:
    deviations = microvolts.std(axis=0)
    assert np.flatnonzero(deviations < 0.5).tolist() == [5]
    assert deviations[5] > 0
    assert np.delete(deviations, 5).min() > 20


def test_areas_differ_in_amplitude(microvolts: NDArray[np.float64]) -> None:
    deviations = microvolts.std(axis=0)
    hippocampus, white_matter, cortex = deviations[10:20], deviations[24:26], deviations[30:46]
    assert hippocampus.mean() > 1.2 * cortex.mean()
    assert cortex.mean() > white_matter.mean()


def test_neighbouring_channels_are_alike(microvolts: NDArray[np.float64]) -> None:
    correlation = np.corrcoef(microvolts[:20_000, 30:47].T)
    assert np.diag(correlation, 1).min() > 0.8
    assert np.diag(correlation, 12).mean() < 0.5


def test_theta_reverses_below_the_pyramidal_layer(
    microvolts: NDArray[np.float64], times: NDArray[np.float64]
) -> None:
    start, stop = Events(2).bouts[0]
    running = (times > start + 2) & (times < stop - 2)
    theta = band(microvolts[running][:, [21, 12]], 5, 10)  # oriens, lacunosum-moleculare
    assert np.corrcoef(theta.T)[0, 1] < -0.5
    assert 80 < np.sqrt(2) * theta[:, 1].std() < 250
    resting = band(microvolts[times < start - 2][:, [12]], 5, 10)
    assert theta[:, 1].std() > 3 * resting.std()


def test_ripples_are_in_the_pyramidal_layer(
    microvolts: NDArray[np.float64], times: NDArray[np.float64]
) -> None:
    fast = band(microvolts, 140, 200)
    ripples = Events(2).ripples
    ripples = ripples[(ripples > 18.5) & (ripples < 42)]
    assert ripples.size >= 3
    nearest = np.searchsorted(times, ripples)
    power = np.mean([fast[i - 30 : i + 30].std(axis=0) for i in nearest], axis=0)
    assert power.argmax() == 20  # 820 µm above the tip, 3 µm from the layer's middle
    assert power[20] > 8 * power[12]


def test_flashes_evoke_responses_that_reverse(
    path: Path, microvolts: NDArray[np.float64], times: NDArray[np.float64]
) -> None:
    with h5py.File(path) as file:
        onsets = file["intervals/flashes_presentations/start_time"][:]
    whole = [i for i in np.searchsorted(times, onsets) if times[i + 250] - times[i - 25] < 0.25]
    assert 17 <= len(whole) < 20  # the others fell into the gap
    trials = np.array([microvolts[i - 25 : i + 250] for i in whole])
    average = trials.mean(axis=0) - trials[:, :25].mean(axis=(0, 1))
    layer_four, pia = average[:, 38], average[:, 47]
    assert -320 < layer_four.min() < -130
    assert (layer_four.argmin() - 25) / 1250 == pytest.approx(0.06, abs=0.012)
    assert pia[25 + 75] > 40


def test_movement_is_on_all_living_channels(
    microvolts: NDArray[np.float64], times: NDArray[np.float64]
) -> None:
    time = Events(2).movements[0]
    moving = np.abs(microvolts[np.abs(times - time) < 0.5]).max(axis=0)
    assert np.delete(moving, 5).min() > 300
    assert moving.max() < 1500


@pytest.mark.slow
def test_equal_bytes_from_another_process(tmp_path: Path) -> None:
    here, there = tmp_path / "here.nwb", tmp_path / "there.nwb"
    nwb_writer.write_nwb("demo-1", "100000011", SHORT, here)
    settings = {
        "PYTHONPATH": str(Path(nwb_writer.__file__).parents[3]),
        "PYTHONHASHSEED": "1",
        "OMP_NUM_THREADS": "1",
    }
    program = [sys.executable, "-c", MAKE_SHORT, there]
    subprocess.run(program, env=os.environ | settings, check=True)
    assert sha256(here.read_bytes()).digest() == sha256(there.read_bytes()).digest()


def test_other_files_get_random_object_ids(tmp_path: Path) -> None:
    import hdmf.container

    before = hdmf.container.uuid4
    nwb_writer.write_nwb("demo-1", "100000011", SHORT, tmp_path / "probe.nwb")
    assert hdmf.container.uuid4 is before


def test_pynwb_reads_and_validates(path: Path) -> None:
    from pynwb import NWBHDF5IO, validate

    with NWBHDF5IO(path, "r") as io:
        nwb = io.read()
        series = nwb.acquisition[f"probe_{PROBE}_lfp"][f"probe_{PROBE}_lfp_data"]
        assert nwb.acquisition[f"probe_{PROBE}_lfp_data"] is series
        assert series.electrodes.to_dataframe()["location"].iloc[-1] == "VISp"
        gratings = nwb.intervals["drifting_gratings_presentations"].to_dataframe()
        assert gratings["stop_time"].sub(gratings["start_time"]).eq(2.0).all()
        assert validate(io=io) == []


def test_whole_files_are_told_from_others(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = replace(nwb_writer.demo_recipe(SESSION, PROBE), n_samples=62_500)
    monkeypatch.setattr(nwb_writer, "demo_recipe", lambda *_: short)
    assert nwb_writer.is_demo_complete(path, SESSION, PROBE)
    assert not nwb_writer.is_demo_complete(path, "demo-4", PROBE)
    assert not nwb_writer.is_demo_complete(path, SESSION, "100000021")
    assert not nwb_writer.is_demo_complete(tmp_path / "missing.nwb", SESSION, PROBE)
    cut = tmp_path / "cut.nwb"
    cut.write_bytes(path.read_bytes()[:-1000])
    assert not nwb_writer.is_demo_complete(cut, SESSION, PROBE)
    monkeypatch.setattr(nwb_writer, "MARK", "another version")
    assert not nwb_writer.is_demo_complete(path, SESSION, PROBE)
    monkeypatch.undo()
    assert not nwb_writer.is_demo_complete(path, SESSION, PROBE)  # it is shorter than the whole one
