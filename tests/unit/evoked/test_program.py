"""From an NWB file to averages and their picture, as the rules run the programs."""

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import matplotlib.image
import numpy as np
import pytest

from lfpscope.evoked.files import StoredEvoked, read_evoked
from lfpscope.references.index import index_recording
from lfpscope.references.open import open_references
from lfpscope.render.evoked_maps import describe_dropped
from lfpscope.summary.probe import summarize_probe

pytestmark = pytest.mark.slow

SCRIPTS = Path(__file__).parents[3] / "scripts"


def run(program: str, *arguments: str | Path) -> str:
    command = [sys.executable, SCRIPTS / f"{program}.py", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Made:
    """A probe's file, and what the programs before averages make of it."""

    def __init__(self, nwb: Path, series: str, *options: str) -> None:
        self.folder = nwb.parent
        references = self / "lfp.json"
        index_recording(str(nwb), references, session="s", probe="p", series=series)
        envelope, channels = self / "envelope.zarr.zip", self / "channels.csv"
        summarize_probe(references, envelope=envelope, channels=channels)
        run("list_intervals", nwb, "--intervals", self / "intervals.csv")
        run("find_periods", references, envelope, channels, "--periods", self / "periods.csv")
        names = ("lfp.json", "envelope.zarr.zip", "intervals.csv", "periods.csv")
        given = [self / name for name in names]
        made = ["--evoked", self / "evoked.zarr.zip", "--responses", self / "evoked.csv"]
        self.log = run("average_intervals", *given, *made, *options)
        given = ["lfp.json", "envelope.zarr.zip", "channels.csv", "evoked.zarr.zip"]
        run("draw_evoked", *(self / name for name in given), "--picture", self / "evoked.png")

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    @property
    def evoked(self) -> StoredEvoked:
        return read_evoked(self / "evoked.zarr.zip", open_references(self / "lfp.json"))

    @property
    def picture_height(self) -> int:
        return int(matplotlib.image.imread(self / "evoked.png").shape[0])


def table(nwb: h5py.File, name: str, **columns: Any) -> None:
    group = nwb.create_group(f"intervals/{name}")
    for column, values in columns.items():
        group[column] = values


def test_a_file_as_of_visual_behavior(tmp_path: Path) -> None:
    """Float32 in one piece, timestamps that start late, images as conditions."""
    rate, series = 1250.0, "acquisition/probe_1_lfp/probe_1_lfp_data"
    times = 20 + np.arange(30_000) / rate
    onsets = 21 + 0.75 * np.arange(28)
    rng = np.random.default_rng(0)
    volts = 1e-5 * rng.normal(size=(times.size, 6)).astype(np.float32)
    for onset in onsets:
        volts[:, 3] -= 1e-4 * np.exp(-0.5 * ((times - onset - 0.08) / 0.01) ** 2)
    volts[np.abs(times - 41.55) < 0.04] += 3e-3  # an artefact, in the last trial
    with h5py.File(tmp_path / "probe_1_lfp.nwb", "w") as nwb:
        nwb.attrs["nwb_version"] = "2.5.0"
        group = nwb.create_group(series)
        group.attrs["neurodata_type"] = "ElectricalSeries"
        group["data"], group["timestamps"] = volts, times
        table(
            nwb,
            "Natural_Images_presentations",
            start_time=onsets,
            stop_time=onsets + 0.25,
            stimulus_name=["Natural_Images"] * 28,
            image_name=["im063_r", "im065_r"] * 14,
            is_change=np.arange(28) % 8 == 7,
        )
        table(
            nwb,
            "invalid_times",
            start_time=[25.0],
            stop_time=[25.1],
            tags=["all_probes"],
            tags_index=[1],
        )
    made = Made(tmp_path / "probe_1_lfp.nwb", series, "--conditions", "image_name", "is_change")
    kinds = {one.name: one for one in made.evoked.kinds}
    assert list(kinds) == [
        "Natural_Images",
        "Natural_Images, image_name im063_r",
        "Natural_Images, image_name im065_r",
        "Natural_Images, is_change False",
        "Natural_Images, is_change True",
    ]
    all_images = kinds["Natural_Images"]
    assert all_images.dropped["excluded"].tolist() == [1] * 6  # the one at 24.75 s
    assert all_images.dropped["artefact"].tolist() == [1] * 6
    assert (
        describe_dropped(all_images) == "1 dropped, with an artefact · 1 dropped, in invalid times"
    )
    assert all_images.n.tolist() == [26] * 6
    assert (
        sum(kinds[f"Natural_Images, image_name {im}"].n[0] for im in ("im063_r", "im065_r")) == 26
    )
    with (made / "evoked.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "Natural_Images"]
    assert float(rows[3]["latency"]) == pytest.approx(0.08, abs=0.002)
    assert float(rows[3]["peak"]) == pytest.approx(-1e-4, rel=0.1)
    assert (rows[3]["sign"], float(rows[3]["p"])) == ("−", 0.001)
    assert min(float(row["p"]) for row in rows[:3]) > 0.001
    assert made.log.startswith("5 averages, about 225 kB\n")
    assert made.picture_height > 900


def test_a_file_as_of_nwb_guide(tmp_path: Path) -> None:
    """Counts at 2500 Hz in chunks of several channels, a rate, trials with a cue."""
    series = "acquisition/ElectricalSeriesLF"
    rng = np.random.default_rng(0)
    with h5py.File(tmp_path / "lf.nwb", "w") as nwb:
        group = nwb.create_group(series)
        group.attrs["neurodata_type"] = "ElectricalSeries"
        counts = rng.integers(-500, 500, size=(20_000, 10)).astype(np.int16)
        data = group.create_dataset("data", data=counts, chunks=(700, 4), compression="gzip")
        data.attrs["conversion"] = 4.69e-6
        group["starting_time"] = 0.0
        group["starting_time"].attrs["rate"] = 2500.0
        starts = 0.1 + np.arange(10) * 0.8
        table(nwb, "trials", start_time=starts, stop_time=starts + 0.5, choice=["left", "no"] * 5)
    made = Made(tmp_path / "lf.nwb", series, "--before", "0.1", "--after", "0.2")
    (trials,) = made.evoked.kinds
    assert (trials.name, trials.duration) == ("trials", pytest.approx(0.5))
    windows = [counts[n - 250 : n + 501] for n in (np.rint(starts * 2500).astype(int)).tolist()]
    kept = [window for window in windows if len(window) == 751]
    assert trials.n.tolist() == [len(kept)] * 10
    expected = 4.69e-6 * np.mean(kept, axis=0).T
    np.testing.assert_allclose(trials.mean, expected, rtol=1e-6, atol=1e-9)
    assert made.picture_height > 300


def test_without_intervals_nothing_is_drawn_and_nothing_fails(tmp_path: Path) -> None:
    series = "acquisition/lfp"
    with h5py.File(tmp_path / "a.nwb", "w") as nwb:
        group = nwb.create_group(series)
        group.attrs["neurodata_type"] = "ElectricalSeries"
        group["data"] = np.zeros((3000, 4), np.float32)
        group["starting_time"] = 0.0
        group["starting_time"].attrs["rate"] = 1250.0
    made = Made(tmp_path / "a.nwb", series)
    assert made.evoked == StoredEvoked([], [])
    assert made.log.startswith("0 averages, about 0 bytes\n")
    assert made.picture_height == 40  # a line that says so
    assert (made / "evoked.csv").read_text(encoding="utf-8").count("\n") == 1
