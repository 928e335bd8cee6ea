"""Files that others wrote: read as they were, value for value, and described as a person did."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr
from dialects import Column, references, texts
from stored import as_engines_read, as_samples_read

from lfpscope.nwb.file import open_nwb
from lfpscope.nwb.recording import read_recording
from lfpscope.nwb.series import choose_series
from lfpscope.references.combine import combine_references

pytestmark = pytest.mark.slow  # servers, processes and large files

SHARED = os.environ.get("LFPSCOPE_DATA", "")
NO_DEPTH = "no depth: channels keep the file's order"


@dataclass(frozen=True)
class Expected:
    """What a file holds; of the channels, the first and the last."""

    series: str
    shape: tuple[int, int]
    clock: tuple[float, float]  # the first time, and the step
    conversion: float
    ids: list[int]
    columns: dict[str, list[Any]]
    warnings: tuple[str, ...] = ()
    axis: str = ""


def allen_writer(probe: int, first: int, group: str) -> Expected:
    return Expected(
        series=f"/acquisition/probe_{probe}_lfp/probe_{probe}_lfp_data",
        shape=(37500, 93),
        clock=(13.58, 0.0008),
        conversion=1.0,
        ids=[first, first + 8 * 92],
        axis="distance from the tip (µm)",
        columns={
            "depth": [20.0, 3700.0],
            "area": ["VISp", "APN"],
            "x": [8165.0, 7797.0],
            "y": [3314.0, 738.0],
            "z": [6862.0, 8334.0],
            "valid": [True, True],
            "across": [43.0, 43.0],
            "group": [group, group],
        },
    )


FILES = {
    # cut to ten samples by others, and the electrodes region with them
    "real/allen_probe_769322820.nwb": Expected(
        series="/acquisition/probe_769322820_lfp/probe_769322820_lfp_data",
        shape=(10, 87),
        clock=(3.745650409974452, 0.0008),
        conversion=1.0,
        ids=[850090592, -87],
        columns={
            "depth": [40.0, np.nan],
            "area": ["grey", ""],
            "valid": [True, False],
            "across": [59.0, np.nan],
            "group": ["probeA", ""],
        },
        axis="distance from the tip (µm)",
        warnings=("electrodes region of 10 rows for 87 channels",),
    ),
    "real/spikeglx_neuropixels_lf.nwb": Expected(
        series="/acquisition/ElectricalSeriesLF",
        shape=(13163, 384),
        clock=(0.0, 1 / 2500),
        conversion=9.375e-06,
        ids=[0, 383],
        columns={
            "depth": [0.0, 3820.0],
            "across": [16.0, 32.0],
            "group": ["s0", "s0"],
        },  # all areas are "unknown"
        axis="position along the probe (rel_y, µm)",
        warnings=("no brain areas",),
    ),
    # rows in an order of their own, and no positions
    "real/buzsaki_rat_lfp.nwb": Expected(
        series="/processing/ecephys/LFP/ElectricalSeries_lfp",
        shape=(100, 96),
        clock=(0.0, 1 / 1250),
        conversion=1.95e-07,
        ids=[0, 44],
        columns={"area": ["ls", "hpc"], "group": ["Group1", "Group12"]},
        warnings=(NO_DEPTH,),
    ),
    # all electrodes at one place
    "real/ecog_three_series.nwb": Expected(
        series="/processing/ecephys/LFP/preprocessed",
        shape=(401, 2),
        clock=(0.0, 1 / 400),
        conversion=1.0,
        ids=[1, 3],
        columns={
            "area": ["CA1", "CA1"],
            "x": [1.0, 1.0],
            "y": [2.0, 2.0],
            "z": [3.0, 3.0],
            "group": ["tetrode1"] * 2,
        },
        warnings=(
            "a typical amplitude of 0.051 V is large for LFP: is conversion right?",
            NO_DEPTH,
        ),
    ),
    "allen_writer/session_715093703/probe_715093713_lfp.nwb": allen_writer(
        715093713, 715103703, "probeA"
    ),
    "allen_writer/session_715093703/probe_715093723_lfp.nwb": allen_writer(
        715093723, 715113703, "probeB"
    ),
}

needs_files = pytest.mark.skipif(not SHARED, reason="LFPSCOPE_DATA names no folder with such files")


@needs_files
@pytest.mark.parametrize("name", FILES)
def test_what_a_file_holds(name):
    expected = FILES[name]
    with open_nwb(Path(SHARED, name)) as nwb:
        assert choose_series(nwb)[0] == [expected.series]
        found = read_recording(nwb, expected.series)
    assert (found.n_samples, found.n_channels) == expected.shape
    assert found.conversion == pytest.approx(expected.conversion)
    assert texts(found) == expected.warnings
    axis = found.channels.depth_axis
    assert ("" if axis is None else axis.label) == expected.axis
    ids, columns = found.channels.id, found.channels.columns
    assert [ids[0], ids[-1]] == expected.ids
    assert list(columns) == list(expected.columns)
    for column, ends in expected.columns.items():
        np.testing.assert_array_equal([columns[column][0], columns[column][-1]], ends)


@needs_files
@pytest.mark.parametrize("name", FILES)
def test_every_value_of_a_file(name, tmp_path):
    expected = FILES[name]
    with open_nwb(Path(SHARED, name)) as nwb:
        opened = references(nwb, tmp_path, expected.series)
        stored = nwb[expected.series]["data"][()]
        times = stored_times(nwb[expected.series])
    np.testing.assert_array_equal(as_samples_read(opened), stored)
    (segment,) = opened.clock.segments
    assert (segment.t0, segment.dt) == pytest.approx(expected.clock, rel=1e-5)
    for dataset in as_engines_read(opened.file):
        assert_holds(dataset, stored * expected.conversion, times)
    combine_references([opened.file], tmp_path / "session.json", session="s")
    target = {"fo": str(tmp_path / "session.json"), "remote_protocol": "file"}
    options = target | {"remote_options": {"asynchronous": True}}
    with xr.open_datatree("reference://", engine="zarr", storage_options=options) as tree:
        assert_holds(tree[opened.probe].to_dataset(), stored * expected.conversion, times)


def stored_times(series: h5py.Group) -> Column:
    """Timestamps as the file says them, one way or the other."""
    if "timestamps" in series:
        return np.asarray(series["timestamps"][()])
    start = series["starting_time"]
    return np.asarray(start[()] + np.arange(len(series["data"])) / start.attrs["rate"])


def assert_holds(dataset: xr.Dataset, volts: Column, times: Column) -> None:
    assert dataset.lfp.attrs["units"] == "V"
    # one float32 may round the scale once more than the other
    np.testing.assert_allclose(dataset.lfp.values, volts, rtol=3e-7)
    np.testing.assert_allclose(dataset.timestamps.values, times, rtol=1e-14)
