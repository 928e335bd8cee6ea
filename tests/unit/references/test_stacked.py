"""session.json: a group per probe, and one array of all probes where they agree."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr

from lfpscope.references.combine import combine_references
from lfpscope.references.index import index_recording

Data = npt.NDArray[Any]


def write_probe(
    folder: Path,
    probe: str,
    data: Data,
    *,
    chunks: tuple[int, int],
    timestamps_chunk: int = 7,
    conversion: float = 1.0,
    **filters: Any,
) -> Path:
    """Write a small NWB file in the released layout, and its references."""
    with h5py.File(folder / f"{probe}.nwb", "w") as nwb:
        lfp = nwb.create_group(f"acquisition/probe_{probe}_lfp")
        lfp.attrs["neurodata_type"] = "LFP"
        series = lfp.create_group(f"probe_{probe}_lfp_data")
        series.attrs["neurodata_type"] = "ElectricalSeries"
        stored = series.create_dataset("data", data=data, chunks=chunks, **filters)
        stored.attrs["conversion"] = conversion
        times = 5.0 + np.arange(len(data)) / 1250 + int(probe)
        series.create_dataset("timestamps", data=times, chunks=(timestamps_chunk,))
    path = folder / f"{probe}.json"
    index_recording(str(folder / f"{probe}.nwb"), path, session="s", probe=probe)
    return path


def open_session(path: Path) -> xr.DataTree:
    options = {"fo": str(path), "remote_protocol": "file", "remote_options": {"asynchronous": True}}
    return xr.open_datatree("reference://", engine="zarr", storage_options=options)


def noise(n_samples: int, n_channels: int, seed: int) -> Data:
    # no zeros: padding with zeros would be seen
    return np.random.default_rng(seed).uniform(1, 2, (n_samples, n_channels)).astype(np.float32)


def test_probes_that_agree_are_stacked_over_the_common_time(tmp_path: Path) -> None:
    long, short = noise(33, 3, seed=1), noise(25, 2, seed=2)
    paths = [
        write_probe(tmp_path, "1", long, chunks=(10, 1), compression="gzip"),
        write_probe(tmp_path, "2", short, chunks=(10, 1), compression="gzip"),
    ]
    assert combine_references(paths, tmp_path / "session.json", session="s") == "yes"
    tree = open_session(tmp_path / "session.json")
    assert tree.attrs == {"session": "s", "probes": ["1", "2"], "stacked": "yes"}
    np.testing.assert_array_equal(tree["1/lfp"].values, long)
    np.testing.assert_array_equal(tree["2/lfp"].values, short)
    stacked = tree["stacked"].to_dataset()
    assert dict(stacked.sizes) == {"probe": 2, "time": 25, "channel": 3}
    assert stacked.probe.values.tolist() == ["1", "2"]
    np.testing.assert_array_equal(stacked.lfp.values[0], long[:25])
    np.testing.assert_array_equal(stacked.lfp.values[1, :, :2], short)
    assert np.isnan(stacked.lfp.values[1, :, 2]).all()
    np.testing.assert_array_equal(stacked.timestamps.values[0], tree["1/timestamps"].values[:25])
    np.testing.assert_array_equal(stacked.timestamps.values[1], tree["2/timestamps"].values)
    assert stacked.timestamps.values[1, 0] - stacked.timestamps.values[0, 0] == pytest.approx(1)
    np.testing.assert_array_equal(stacked.electrode.values, [[0, 1, 2], [0, 1, np.nan]])


def test_a_single_group_opens_by_its_address(tmp_path: Path) -> None:
    data = noise(20, 2, seed=3)
    paths = [write_probe(tmp_path, "1", data, chunks=(10, 1), compression="gzip")]
    combine_references(paths, tmp_path / "session.json", session="s")
    options = {"fo": str(tmp_path / "session.json"), "remote_protocol": "file"}
    options |= {"remote_options": {"asynchronous": True}}
    one = xr.open_dataset(
        "reference://1", engine="zarr", consolidated=True, storage_options=options
    )
    np.testing.assert_array_equal(one.lfp.values, data)


COUNTS = np.arange(1, 61, dtype=np.int16).reshape(20, 3)


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (
            {"chunks": (10, 1)},
            {"chunks": (9, 1)},
            "chunks of lfp differ: [10, 1] in 1, [9, 1] in 2",
        ),
        (
            {"chunks": (10, 1), "compression": "gzip"},
            {"chunks": (10, 1)},
            "compressor of lfp differ: {'id': 'zlib', 'level': 4} in 1, None in 2",
        ),
        (
            {"chunks": (10, 1), "compression": "gzip"},
            {"chunks": (10, 1), "compression": "gzip", "shuffle": True},
            "filters of lfp differ: None in 1, [{'id': 'shuffle', 'elementsize': 4}] in 2",
        ),
        (
            {"chunks": (10, 1)},
            {"chunks": (10, 1), "data": COUNTS},
            "dtype of lfp differ: <f4 in 1, <i2 in 2",
        ),
        (
            {"chunks": (10, 1)},
            {"chunks": (10, 1), "conversion": 1e-6},
            "scale_factor of lfp differs between probes",
        ),
        (
            {"chunks": (10, 1)},
            {"chunks": (10, 1), "timestamps_chunk": 5},
            "chunks of timestamps differ: [7] in 1, [5] in 2",
        ),
        (
            {"chunks": (10, 3)},
            {"chunks": (10, 3), "data": noise(20, 4, seed=4)},
            "channel counts differ, and a chunk holds several channels or integers",
        ),
        (
            {"chunks": (10, 1), "data": COUNTS},
            {"chunks": (10, 1), "data": COUNTS[:, :2]},
            "channel counts differ, and a chunk holds several channels or integers",
        ),
    ],
)
def test_probes_that_differ_are_not_stacked_and_the_root_says_why(
    tmp_path: Path, first: dict[str, Any], second: dict[str, Any], reason: str
) -> None:
    paths = [
        write_probe(tmp_path, probe, **({"data": noise(20, 3, seed=5)} | options))
        for probe, options in (("1", first), ("2", second))
    ]
    assert combine_references(paths, tmp_path / "session.json", session="s") == f"no: {reason}"
    tree = open_session(tmp_path / "session.json")
    assert tree.attrs["stacked"] == f"no: {reason}"
    assert sorted(tree.groups) == ["/", "/1", "/2"]


def test_one_protocol_and_one_template_for_each_probe(tmp_path: Path) -> None:
    paths = [write_probe(tmp_path, p, noise(20, 1, seed=6), chunks=(10, 1)) for p in ("1", "2")]
    combine_references(paths, tmp_path / "session.json", session="s")
    content = json.loads((tmp_path / "session.json").read_text())
    assert content["templates"] == {"u0": str(tmp_path / "1.nwb"), "u1": str(tmp_path / "2.nwb")}
    assert content["refs"]["2/lfp/0.0"][0] == "{{u1}}"
    assert sorted(content["provenance"]) == ["1", "2"]


@pytest.mark.parametrize(
    ("columns", "attributes"),
    [
        (
            ("probe_vertical_position", "probe_vertical_position"),
            {
                "column": "probe_vertical_position",
                "long_name": "distance from the tip (µm)",
                "positive": "up",
                "units": "um",
            },
        ),
        (("probe_vertical_position", "rel_y"), {"positive": "up", "units": "um"}),
    ],
)
def test_what_the_depths_of_all_probes_are(
    tmp_path: Path, columns: tuple[str, str], attributes: dict[str, str]
) -> None:
    paths = []
    for probe, column in zip("12", columns, strict=True):
        path = write_probe(tmp_path, probe, noise(20, 2, seed=1), chunks=(10, 1))
        with h5py.File(tmp_path / f"{probe}.nwb", "r+") as nwb:
            table = nwb.create_group("general/extracellular_ephys/electrodes")
            table["id"], table[column] = [7, 8], [0.0, 20.0]
            nwb[f"acquisition/probe_{probe}_lfp/probe_{probe}_lfp_data/electrodes"] = [0, 1]
        index_recording(str(tmp_path / f"{probe}.nwb"), path, session="s", probe=probe)
        paths.append(path)
    assert combine_references(paths, tmp_path / "session.json", session="s") == "yes"
    depth = open_session(tmp_path / "session.json")["stacked"].to_dataset().depth
    assert depth.attrs == attributes
    np.testing.assert_array_equal(depth.values, [[0, 20], [0, 20]])
