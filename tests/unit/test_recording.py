"""NWB's dialects: every way a file may say what its LFP is, where, when and in which units."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr

from lfpscope.files import UserError
from lfpscope.recording import Recording, choose_series, open_nwb, read_clock, read_recording
from lfpscope.references import References, open_references, write_references

Column = npt.NDArray[Any]

SERIES = "/acquisition/lfp"
TABLE = "general/extracellular_ephys/electrodes"
TEXT = h5py.string_dtype()


@pytest.fixture
def nwb(tmp_path: Path) -> h5py.File:
    """An open file, in which a test writes what it is about."""
    with h5py.File(tmp_path / "a.nwb", "w") as file:
        yield file


def plain(path: Path) -> xr.Dataset:
    """Open references without dask."""
    options = {"chunks": None}
    return xr.open_dataset(str(path), engine="kerchunk", open_dataset_options=options)


def add_series(
    nwb: h5py.File,
    name: str = SERIES,
    *,
    data: Any = None,
    rate: float | None = 1250.0,
    times: Any = None,
    kind: str = "ElectricalSeries",
    container: str = "",
) -> h5py.Group:
    """Add a series; with a rate, unless it is None."""
    series = nwb.create_group(name)
    series.attrs["neurodata_type"] = kind
    series["data"] = np.ones((100, 4), "<f4") if data is None else data
    if container:
        series.parent.attrs["neurodata_type"] = container
    if times is not None:
        series["timestamps"] = times
    elif rate is not None:
        series["starting_time"] = 0.5
        series["starting_time"].attrs["rate"] = rate
    return series


def add_table(nwb: h5py.File, **columns: Any) -> h5py.Group:
    """Add a table of electrodes in the form of NWB 2."""
    table = nwb.create_group(TABLE)
    for name, values in columns.items():
        is_text = np.asarray(values).dtype.kind == "U"
        table.create_dataset(name, data=values, dtype=TEXT if is_text else None)
    return table


def add_region(series: h5py.Group, rows: Any, table: h5py.Group | None = None) -> None:
    series["electrodes"] = rows
    if table is not None:
        series["electrodes"].attrs["table"] = table.ref


def recording(nwb: h5py.File, name: str = SERIES) -> Recording:
    nwb.flush()
    return read_recording(nwb, name)


def columns(nwb: h5py.File) -> dict[str, list[Any]]:
    return {name: column.tolist() for name, column in recording(nwb).channels.columns.items()}


def ids(nwb: h5py.File) -> list[int]:
    return recording(nwb).channels.id.tolist()


def references(nwb: h5py.File, tmp_path: Path, name: str = SERIES) -> References:
    found = recording(nwb, name)
    write_references(
        nwb,
        found,
        read_clock(nwb, found),
        session="s",
        probe="p",
        address=nwb.filename,
        path=tmp_path / "lfp.json",
    )
    return open_references(tmp_path / "lfp.json")


# --- which series -------------------------------------------------------------------------------


def test_lfp_container_in_acquisition(nwb):
    add_series(nwb, "/acquisition/probe_1_lfp/probe_1_lfp_data", container="LFP")
    assert choose_series(nwb) == (
        ["/acquisition/probe_1_lfp/probe_1_lfp_data"],
        "1 of 1 ElectricalSeries: inside an LFP container",
    )


def test_lfp_container_in_a_processing_module_beside_raw_data(nwb):
    add_series(nwb, "/acquisition/raw", rate=30000.0)
    add_series(nwb, "/processing/ecephys/LFP/a", container="LFP")
    assert choose_series(nwb) == (
        ["/processing/ecephys/LFP/a"],
        "1 of 2 ElectricalSeries: inside an LFP container; not taken: /acquisition/raw (30000 Hz)",
    )


def test_several_series_of_one_container_are_all_taken(nwb):
    add_series(nwb, "/acquisition/LFP/b", container="LFP")
    add_series(nwb, "/acquisition/LFP/a", container="LFP")
    assert choose_series(nwb)[0] == ["/acquisition/LFP/a", "/acquisition/LFP/b"]


def test_bare_series_beside_an_action_potential_band(nwb):
    add_series(nwb, "/acquisition/ElectricalSeriesAP", rate=30000.0)
    add_series(nwb, "/acquisition/ElectricalSeriesLF", rate=2500.0)
    found, note = choose_series(nwb)
    assert found == ["/acquisition/ElectricalSeriesLF"]
    assert note == (
        "1 of 2 ElectricalSeries: rate of at most 3000 Hz; "
        "not taken: /acquisition/ElectricalSeriesAP (30000 Hz)"
    )


def test_rate_from_timestamps_that_start_with_sentinels(nwb):
    times = np.concatenate([np.full(5000, -1.0), 10 + np.arange(9000) / 2500])
    add_series(nwb, data=np.ones((14000, 2), "<f4"), times=times)
    assert choose_series(nwb)[0] == [SERIES]
    assert recording(nwb).rate == pytest.approx(2500)


def test_fast_series_with_lfp_in_its_name(nwb):
    add_series(nwb, "/acquisition/raw", rate=30000.0)
    add_series(nwb, "/acquisition/WideLFP", rate=20000.0)
    assert choose_series(nwb)[0] == ["/acquisition/WideLFP"]


@pytest.mark.parametrize("pattern", ["*high*", "/processing/*", "processing/*/high", "high"])
def test_pattern_overrides_the_rule(nwb, pattern):
    add_series(nwb, "/acquisition/LFP/a", container="LFP")
    add_series(nwb, "/processing/x/high")
    found, note = choose_series(nwb, pattern)
    assert found == ["/processing/x/high"]
    assert note.startswith(f"1 of 2 ElectricalSeries: matches {pattern!r}; not taken:")


def test_pattern_that_matches_nothing(nwb):
    add_series(nwb)
    with pytest.raises(UserError, match=r"no ElectricalSeries matches 'x'; found /acquisition/lfp"):
        choose_series(nwb, "x")


def test_nothing_that_is_lfp(nwb):
    add_series(nwb, "/acquisition/raw", rate=30000.0)
    with pytest.raises(UserError, match=r"LFP .*found /acquisition/raw \(30000 Hz\).*`series`"):
        choose_series(nwb)


def test_no_series_at_all(nwb):
    add_series(nwb, kind="TimeSeries")
    with pytest.raises(UserError, match="no ElectricalSeries in this file"):
        choose_series(nwb)


def test_only_links_into_another_file(nwb):
    nwb.create_group("acquisition")["lfp"] = h5py.ExternalLink("raw.nwb", "/acquisition/lfp")
    with pytest.raises(UserError, match=r"links into other files.*/acquisition/lfp in raw.nwb"):
        choose_series(nwb)


def test_series_linked_twice_is_one_recording(nwb):
    add_series(nwb, "/acquisition/LFP/a", container="LFP")
    nwb["/acquisition/soft"] = h5py.SoftLink("/acquisition/LFP/a")
    nwb["/acquisition/zzz_hard"] = nwb["/acquisition/LFP/a"]
    assert choose_series(nwb)[0] == ["/acquisition/LFP/a"]


def test_lfp_container_that_links_to_its_series(nwb):
    add_series(nwb, "/acquisition/raw")
    add_series(nwb, "/acquisition/slow")
    container = nwb.create_group("/processing/ecephys/LFP")
    container.attrs["neurodata_type"] = "LFP"
    container["slow"] = h5py.SoftLink("/acquisition/slow")
    container["gone"] = h5py.SoftLink("/not/there")
    container["away"] = h5py.ExternalLink("raw.nwb", "/x")
    assert choose_series(nwb)[0] == ["/acquisition/slow"]


def test_spike_snippets_are_left_out(nwb):
    add_series(nwb)
    add_series(nwb, "/processing/spikes", kind="SpikeEventSeries")
    assert choose_series(nwb)[1] == "1 of 1 ElectricalSeries: rate of at most 3000 Hz"


def cache_specification(nwb: h5py.File, namespace: str, content: Any) -> None:
    nwb[f"specifications/{namespace}/0.1.0/{namespace}"] = json.dumps(content)


def test_types_derived_in_cached_specifications(nwb):
    spec = {"neurodata_type_def": "LabSeries", "neurodata_type_inc": "ElectricalSeries"}
    nested = {"neurodata_type_def": "DeepSeries", "neurodata_type_inc": "LabSeries"}
    snippets = {"neurodata_type_def": "SpikeEventSeries", "neurodata_type_inc": "ElectricalSeries"}
    waveforms = {"neurodata_type_def": "LabSpikes", "neurodata_type_inc": "SpikeEventSeries"}
    cache_specification(nwb, "ndx-lab", {"groups": [{**spec, "groups": [nested]}]})
    cache_specification(nwb, "core", {"groups": [snippets, waveforms]})
    nwb["specifications/core/0.1.0/broken"] = "not: json"
    for name in ("LabSeries", "DeepSeries", "LabSpikes", "OtherSeries"):
        add_series(nwb, f"/acquisition/{name}", kind=name)
    assert choose_series(nwb)[0] == ["/acquisition/DeepSeries", "/acquisition/LabSeries"]


def test_types_derived_from_the_container(nwb):
    spec = {"data_type_def": "LabLFP", "data_type_inc": "LFP"}
    cache_specification(nwb, "ndx-lab", {"groups": [spec]})
    add_series(nwb, "/acquisition/raw")
    add_series(nwb, "/acquisition/mine/a", container="LabLFP")
    assert choose_series(nwb)[0] == ["/acquisition/mine/a"]


# --- old and other writers ----------------------------------------------------------------------


def test_nwb_1(nwb):
    nwb["nwb_version"] = "NWB-1.0.6"
    series = add_series(nwb, "/processing/shanks/LFP/a", kind="TimeSeries", container="Interface")
    series.attrs["ancestry"] = np.array(["TimeSeries", "ElectricalSeries"], dtype=TEXT)
    add_series(nwb, "/acquisition/timeseries/raw").attrs["ancestry"] = ["TimeSeries"]
    series["electrode_idx"] = [2, 0, 1, 3]
    ephys = nwb.create_group("general/extracellular_ephys")
    ephys["electrode_map"] = np.array([[0, 0, z] for z in (1e-3, 2e-3, 3e-3, 4e-3)])
    ephys["electrode_group"] = np.array(["a", "a", "b", "b"], dtype="S1")
    ephys["a/location"], ephys["b/location"] = "CA1", "CA3"
    assert choose_series(nwb)[0] == ["/processing/shanks/LFP/a"]
    found = recording(nwb, "/processing/shanks/LFP/a")
    assert found.version == "NWB-1.0.6"
    assert found.channels.id.tolist() == [2, 0, 1, 3]
    assert found.channels.columns["area"].tolist() == ["CA3", "CA1", "CA1", "CA3"]
    assert found.channels.columns["group"].tolist() == ["b", "a", "a", "b"]
    assert found.channels.columns["depth"].tolist() == [3000, 1000, 2000, 4000]
    assert "no position along the probe: depth is z as stored" in found.warnings


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (slice(1, 5), [11, 12, 13, 14]),
        (np.array([0, 2, 3, 5]), [10, 12, 13, 15]),
        (slice(None, None), [10, 11, 12, 13]),
    ],
    ids=["stretch", "picked", "all"],
)
def test_compound_table_and_region_reference_of_a_beta(nwb, rows, expected):
    fields = [("id", "i8"), ("x", "f4"), ("y", "f4"), ("z", "f4"), ("location", "S8")]
    n = 6 if isinstance(rows, np.ndarray) or rows.start else 4
    table = np.zeros(n, fields)
    table["id"], table["y"], table["location"] = 10 + np.arange(n), np.arange(n) * 20, b"CA1"
    nwb.create_group("general/extracellular_ephys")
    stored = nwb.create_dataset(TABLE, data=table)
    series = add_series(nwb)
    region = stored.regionref[rows]
    series.create_dataset("electrodes", data=region, dtype=h5py.regionref_dtype)
    assert ids(nwb) == expected
    assert columns(nwb)["area"] == ["CA1"] * 4
    assert columns(nwb)["depth"] == [20 * (i - 10) for i in expected]


def test_attributes_as_arrays_of_one_as_matnwb_writes_them(nwb):
    table = add_table(nwb, id=[7, 8, 9, 10], location=["CA1"] * 4, rel_y=[0.0, 20.0, 40.0, 60.0])
    series = add_series(nwb, data=np.ones((100, 4), "<i2"))
    series.attrs["neurodata_type"] = np.array([b"ElectricalSeries"])
    series["data"].attrs["conversion"] = np.array([2e-6])
    series["data"].attrs["offset"] = np.array([1e-3])
    series["data"].attrs["unit"] = np.array([b"volts"])
    series["starting_time"].attrs["rate"] = np.array([1000.0])
    add_region(series, [[0, 1, 2, 3]])
    series["electrodes"].attrs.create("table", np.array([table.ref], dtype=h5py.ref_dtype))
    nwb.attrs["nwb_version"] = np.array([b"2.6.0"])
    nwb["general/session_id"] = np.array([b"monday"])
    found = recording(nwb)
    assert choose_series(nwb)[0] == [SERIES]
    assert (found.rate, found.conversion, found.offset) == (1000.0, 2e-6, 1e-3)
    assert (found.session, found.version, found.warnings) == ("monday", "2.6.0", ())
    assert found.channels.id.tolist() == [7, 8, 9, 10]
    assert found.channels.columns["depth"].tolist() == [0, 20, 40, 60]


def test_no_root_attributes_and_an_empty_session_id(nwb):
    add_series(nwb)
    nwb["general/session_id"] = h5py.Empty(TEXT)
    assert (recording(nwb).session, recording(nwb).version) == ("", "")


def test_text_that_is_not_utf_8(nwb):
    add_region(add_series(nwb), np.arange(4), add_table(nwb, id=np.arange(4)))
    nwb[TABLE]["location"] = np.array([b"Gro\xdfhirn"] * 4)
    assert columns(nwb)["area"] == ["Gro�hirn"] * 4


def test_as_pynwb_writes_it(tmp_path):
    from pynwb import NWBHDF5IO, NWBFile
    from pynwb.ecephys import LFP, ElectricalSeries

    file = NWBFile(
        session_description="d",
        identifier="a",
        session_start_time=datetime(2026, 1, 1, tzinfo=UTC),
        session_id="s1",
    )
    device = file.create_device(name="probe")
    groups = [
        file.create_electrode_group(name=name, description="d", location="CA1", device=device)
        for name in ("left", "right")
    ]
    for i in range(6):
        file.add_electrode(group=groups[i % 2], location=f"area{i}", rel_y=20.0 * i, rel_x=0.0)
    container = LFP()
    file.create_processing_module(name="ecephys", description="d").add(container)
    times = 5.0 + np.arange(50) / 1250
    for name, rows in (("a", [4, 2, 0]), ("b", [1, 3])):
        region = file.create_electrode_table_region(region=rows, description="d")
        data = np.arange(50 * len(rows), dtype="<i2").reshape(50, -1)
        linked = times if name == "a" else container["a"]  # a soft link to its timestamps
        container.add_electrical_series(
            ElectricalSeries(
                name=name,
                data=data,
                electrodes=region,
                timestamps=linked,
                conversion=1e-6,
                offset=1e-3,
            )
        )
    with NWBHDF5IO(tmp_path / "a.nwb", mode="w") as io:
        io.write(file)
    with open_nwb(tmp_path / "a.nwb") as nwb:
        assert choose_series(nwb)[0] == ["/processing/ecephys/LFP/a", "/processing/ecephys/LFP/b"]
        opened = references(nwb, tmp_path, "/processing/ecephys/LFP/b")
    assert opened.clock.to_json() == [[0, 50, 5.0, pytest.approx(1 / 1250), pytest.approx(0)]]
    assert opened.channels.columns["area"].tolist() == ["area1", "area3"]
    assert opened.channels.columns["group"].tolist() == ["right", "right"]
    assert opened.channels.columns["depth"].tolist() == [20, 60]
    with plain(tmp_path / "lfp.json") as dataset:
        volts = np.arange(100).reshape(50, 2) * 1e-6 + 1e-3
        np.testing.assert_allclose(dataset.lfp.values, volts, rtol=1e-12)
        np.testing.assert_array_equal(dataset.timestamps.values, times)


# --- electrodes ---------------------------------------------------------------------------------


def test_id_is_not_row(nwb):
    table = add_table(nwb, id=[10, 11, 12, 13, 14], location=list("abcde"), rel_y=[9.0, 8, 7, 6, 5])
    add_region(add_series(nwb), [4, 0, 2, 1], table)
    assert ids(nwb) == [14, 10, 12, 11]
    assert columns(nwb) == {"depth": [5, 9, 7, 8], "area": list("eacb")}


def test_columns_of_allens_files(nwb):
    table = add_table(
        nwb,
        id=[1, 2, 3, 4],
        probe_vertical_position=[20, 40, 60, 80],
        location=["CA1", "CA1", "DG", "TH"],
        valid_data=[True, True, False, True],
        x=[1.0, 2, 3, 4],
        y=[-1.0] * 4,
        z=[0.0] * 4,
        group_name=["probeA"] * 4,
        imp=[np.nan] * 4,
    )
    add_region(add_series(nwb), np.arange(4), table)
    assert columns(nwb) == {
        "depth": [20, 40, 60, 80],
        "area": ["CA1", "CA1", "DG", "TH"],
        "x": [1, 2, 3, 4],
        "y": [-1] * 4,
        "z": [0] * 4,
        "valid": [True, True, False, True],
        "group": ["probeA"] * 4,
    }
    assert recording(nwb).warnings == ()


def test_several_groups_are_a_coordinate(nwb, tmp_path):
    table = add_table(nwb, id=np.arange(4), group_name=["a", "b", "a", "b"], location=["x"] * 4)
    add_region(add_series(nwb), np.arange(4), table)
    references(nwb, tmp_path)
    with plain(tmp_path / "lfp.json") as dataset:
        assert dataset.group.values.tolist() == ["a", "b", "a", "b"]
        assert dataset.group.dims == ("channel",)


def test_groups_by_reference(nwb):
    table = add_table(nwb, id=np.arange(4), location=["x"] * 4)
    shanks = [nwb.create_group(f"general/extracellular_ephys/shank{i}") for i in (0, 1)]
    refs = [shanks[0].ref, shanks[1].ref, h5py.Reference(), shanks[0].ref]
    table.create_dataset("group", data=refs, dtype=h5py.ref_dtype)
    add_region(add_series(nwb), np.arange(4), table)
    assert columns(nwb)["group"] == ["shank0", "shank1", "", "shank0"]


def test_region_shorter_than_the_data(nwb):
    table = add_table(
        nwb, id=[10, 11], location=["a", "b"], rel_y=[0.0, 20.0], valid_data=[True] * 2
    )
    add_region(add_series(nwb), [1, 0], table)
    assert ids(nwb) == [11, 10, -3, -4]
    found = columns(nwb)
    assert found["area"] == ["b", "a", "", ""]
    assert found["valid"] == [True, True, False, False]
    np.testing.assert_array_equal(found["depth"], [20, 0, np.nan, np.nan])
    assert recording(nwb).warnings == ("electrodes region of 2 rows for 4 channels",)


def test_region_longer_than_the_data(nwb):
    table = add_table(nwb, id=np.arange(6), location=list("abcdef"), rel_y=np.arange(6.0))
    add_region(add_series(nwb), np.arange(6)[::-1], table)
    assert ids(nwb) == [5, 4, 3, 2]
    assert recording(nwb).warnings == ("electrodes region of 6 rows for 4 channels",)


NOTHING_KNOWN = (
    "no electrodes: channels are numbered by column",
    "no depth: channels keep the file's order",
    "no brain areas",
)


def test_no_region(nwb):
    add_table(nwb, id=np.arange(4))
    add_series(nwb)
    assert ids(nwb) == [0, 1, 2, 3]
    assert columns(nwb) == {}
    assert recording(nwb).warnings == NOTHING_KNOWN


def test_no_table(nwb):
    add_region(add_series(nwb), np.arange(4))
    assert recording(nwb).warnings == NOTHING_KNOWN


def test_empty_region(nwb):
    add_table(nwb, id=np.arange(4))
    add_series(nwb)["electrodes"] = h5py.Empty("i8")
    assert recording(nwb).warnings == NOTHING_KNOWN


def test_null_reference_means_the_table_of_the_file(nwb):
    add_table(nwb, id=[5, 6, 7, 8], rel_y=np.arange(4.0), location=["a"] * 4)
    add_region(add_series(nwb), np.arange(4))
    nwb[SERIES]["electrodes"].attrs.create("table", h5py.Reference(), dtype=h5py.ref_dtype)
    assert ids(nwb) == [5, 6, 7, 8]


def test_reference_to_a_table_that_was_deleted(nwb):
    add_table(nwb, id=[5, 6, 7, 8], rel_y=np.arange(4.0), location=["a"] * 4)
    old = nwb.create_group("old")
    add_region(add_series(nwb), np.arange(4), old)
    del nwb["old"], old
    assert ids(nwb) in ([5, 6, 7, 8], [0, 1, 2, 3])


def test_null_region_reference(nwb):
    series = add_series(nwb)
    series.create_dataset("electrodes", (), dtype=h5py.regionref_dtype)
    assert recording(nwb).warnings == NOTHING_KNOWN


def test_region_beyond_the_table(nwb):
    add_region(add_series(nwb), [0, 1, 2, 9], add_table(nwb, id=np.arange(4), rel_y=np.arange(4.0)))
    assert columns(nwb) == {}
    assert "the electrodes region names row 9 of 4" in recording(nwb).warnings[0]


def test_ids_that_are_not_unique(nwb):
    table = add_table(nwb, id=[1, 1, 2, 2], rel_y=np.arange(4.0), location=list("abcd"))
    add_region(add_series(nwb), np.arange(4), table)
    assert ids(nwb) == [0, 1, 2, 3]
    assert columns(nwb)["area"] == list("abcd")
    assert "electrode ids are not unique" in recording(nwb).warnings[0]


def test_table_without_ids(nwb):
    table = add_table(nwb, location=list("abcd"), rel_y=np.arange(4.0))
    add_region(add_series(nwb), [3, 2, 1, 0], table)
    assert ids(nwb) == [3, 2, 1, 0]
    assert recording(nwb).warnings == ("the electrodes table has no ids: rows are numbered",)


def test_column_of_another_length(nwb):
    table = add_table(nwb, id=np.arange(4), location=["a"], rel_y=np.arange(4.0))
    add_region(add_series(nwb), np.arange(4), table)
    assert recording(nwb).warnings == (
        "electrodes column location: 1 values for 4 electrodes",
        "no brain areas",
    )


def test_positions_that_are_not_numbers_are_absent(nwb):
    table = add_table(nwb, id=np.arange(4), location=["a"] * 4, rel_y=[np.nan] * 4, x=[np.nan] * 4)
    add_region(add_series(nwb), np.arange(4), table)
    assert columns(nwb) == {"area": ["a"] * 4}
    assert recording(nwb).warnings == ("no depth: channels keep the file's order",)


def test_depth_from_the_position_that_spreads_most(nwb):
    table = add_table(
        nwb,
        id=np.arange(4),
        location=["a"] * 4,
        x=[0.0, 1, 0, 1],
        y=[5.0, 4, 3, np.nan],
        z=[1.0] * 4,
    )
    add_region(add_series(nwb), np.arange(4), table)
    np.testing.assert_array_equal(columns(nwb)["depth"], [5, 4, 3, np.nan])
    assert recording(nwb).warnings == ("no position along the probe: depth is y as stored",)


def test_all_electrodes_at_one_place_have_no_depth(nwb):
    table = add_table(nwb, id=np.arange(4), location=["a"] * 4, x=[1.0] * 4)
    add_region(add_series(nwb), np.arange(4), table)
    assert "depth" not in columns(nwb)


# --- units --------------------------------------------------------------------------------------


def volts(tmp_path: Path) -> Column:
    with plain(tmp_path / "lfp.json") as dataset:
        assert dataset.lfp.attrs["units"] == "V"
        found: Column = dataset.lfp.values
        return found


@pytest.mark.parametrize("dtype", ["<i2", ">i4", "<f4", "<f8"])
@pytest.mark.parametrize(("conversion", "offset"), [(1.0, 0.0), (2e-6, 0.0), (1.95e-7, -3e-4)])
def test_conversion_and_offset_are_applied_once(nwb, tmp_path, dtype, conversion, offset):
    data = np.arange(400).reshape(100, 4).astype(dtype)
    series = add_series(nwb, data=data)
    series["data"].attrs["conversion"], series["data"].attrs["offset"] = conversion, offset
    opened = references(nwb, tmp_path)
    expected = data.astype("f8") * conversion + offset
    np.testing.assert_allclose(data * opened.scale + opened.add, expected, rtol=1e-15)
    np.testing.assert_allclose(volts(tmp_path), expected, rtol=1e-6, atol=1e-12)


def test_channel_conversion_is_a_coordinate(nwb, tmp_path):
    data = np.arange(400).reshape(100, 4).astype("<i2")
    series = add_series(nwb, data=data)
    series["data"].attrs["conversion"], series["data"].attrs["offset"] = 2e-6, 1e-3
    series["channel_conversion"] = [1.0, 2.0, 0.5, 1.0]
    opened = references(nwb, tmp_path)
    per_count = np.array([2e-6, 4e-6, 1e-6, 2e-6])
    np.testing.assert_array_equal(opened.scale, per_count)
    assert opened.add == 1e-3
    assert "channel_conversion" not in opened.channels.columns
    with plain(tmp_path / "lfp.json") as dataset:
        assert dataset.lfp.attrs["units"] == "count"
        np.testing.assert_array_equal(dataset.lfp.values, data)
        np.testing.assert_array_equal(dataset.volts_per_count.values, per_count)


def test_channel_conversion_of_another_length(nwb):
    add_series(nwb)["channel_conversion"] = [1.0, 2.0]
    with pytest.raises(UserError, match=r"channel_conversion of shape \(2,\) for 4 channels"):
        recording(nwb)


@pytest.mark.parametrize("conversion", [0.0, np.nan, np.inf])
def test_conversion_that_makes_no_volts(nwb, conversion):
    add_series(nwb)["data"].attrs["conversion"] = conversion
    with pytest.raises(UserError, match=r"/acquisition/lfp: conversion .* make volts"):
        recording(nwb)


def test_unit_that_is_not_volts(nwb):
    add_series(nwb)["data"].attrs["unit"] = "microvolts"
    assert "unit 'microvolts': taken as volts" in recording(nwb).warnings[-1]


# --- shape --------------------------------------------------------------------------------------


def channels_first(nwb: h5py.File, **how: Any) -> h5py.Group:
    return add_series(nwb, data=np.zeros((4, 100), "<f4"), **how)


def test_channels_first_by_the_number_of_timestamps(nwb):
    channels_first(nwb, times=np.arange(100) / 1250)
    found = recording(nwb)
    assert (found.n_samples, found.n_channels, found.transposed) == (100, 4, True)
    assert found.warnings[0] == "channels first in the file, (4, 100): read with the axes swapped"


def test_channels_first_by_the_number_of_electrodes(nwb):
    add_region(channels_first(nwb), np.arange(4), add_table(nwb, id=np.arange(4)))
    assert recording(nwb).transposed


def test_channels_first_is_not_guessed(nwb):
    channels_first(nwb)
    found = recording(nwb)
    assert (found.n_samples, found.n_channels, found.transposed) == (4, 100, False)
    assert found.warnings[0].startswith("more channels than samples, (4, 100)")


def test_short_recording_is_not_channels_first(nwb):
    # released probe files cut to ten samples by others: as many rows in the region
    series = add_series(nwb, data=np.zeros((10, 87), "<f4"), times=np.arange(10) / 1250)
    add_region(series, np.arange(10), add_table(nwb, id=np.arange(10)))
    assert not recording(nwb).transposed


def test_timestamps_and_electrodes_that_contradict_each_other(nwb):
    series = channels_first(nwb, times=np.arange(100) / 1250)
    add_region(series, np.arange(100), add_table(nwb, id=np.arange(100)))
    with pytest.raises(UserError, match=r"4 samples but timestamps of shape \(100,\)"):
        recording(nwb)


def test_square_data_are_time_first(nwb):
    add_series(nwb, data=np.zeros((50, 50), "<f4"), times=np.arange(50) / 1250)
    assert not recording(nwb).transposed


# --- clock --------------------------------------------------------------------------------------


def clock(nwb: h5py.File) -> list[Any]:
    return read_clock(nwb, recording(nwb)).to_json()


def test_rate_that_is_no_whole_number(nwb, tmp_path):
    add_series(nwb, rate=3051.75)
    assert clock(nwb) == [[0, 100, 0.5, 1 / 3051.75, 0.0]]
    references(nwb, tmp_path)
    with plain(tmp_path / "lfp.json") as dataset:
        expected = 0.5 + np.arange(100) / 3051.75
        np.testing.assert_allclose(dataset.timestamps.values, expected, rtol=1e-15)


def test_counted_clock_of_several_chunks(nwb, tmp_path, monkeypatch):
    monkeypatch.setattr("lfpscope.variables.COUNT_CHUNK", 30)
    add_series(nwb, rate=1000.0)
    references(nwb, tmp_path)
    with plain(tmp_path / "lfp.json") as dataset:
        expected = 0.5 + np.arange(100) / 1000
        np.testing.assert_allclose(dataset.timestamps.values, expected, rtol=1e-15)


def test_both_timestamps_and_rate(nwb):
    series = add_series(nwb, rate=999.0)
    series["timestamps"] = np.arange(100) * 0.5
    assert clock(nwb) == [[0, 100, 0.0, 0.5, 0.0]]
    assert "both timestamps and starting_time: timestamps are used" in recording(nwb).warnings


def test_neither_timestamps_nor_rate(nwb):
    add_series(nwb, rate=None)
    with pytest.raises(UserError, match="neither timestamps nor starting_time and rate"):
        recording(nwb)


@pytest.mark.parametrize("rate", [0.0, -1.0, np.nan, np.inf])
def test_rate_that_is_none(nwb, rate):
    add_series(nwb, rate=rate)
    with pytest.raises(UserError, match=r"a rate of .* Hz; expected more than 0"):
        recording(nwb)


def test_starting_time_that_is_not_a_number(nwb):
    add_series(nwb)["starting_time"][()] = np.nan
    assert clock(nwb) == [[0, 100, 0.0, 1 / 1250, 0.0]]
    assert "starting_time is not a number: the clock starts at 0" in recording(nwb).warnings


def test_number_of_timestamps_that_does_not_fit(nwb):
    add_series(nwb, times=np.arange(99) / 1250)
    with pytest.raises(UserError, match=r"100 samples but timestamps of shape \(99,\)"):
        recording(nwb)


def test_ticks_labelled_seconds(nwb):
    add_series(nwb, times=np.arange(100) * 24)
    assert recording(nwb).warnings[-1] == (
        "implausible rate: 0.0416667 Hz, 24 s a sample. Are the timestamps counts of ticks?"
    )
    assert clock(nwb) == [[0, 100, 0.0, 24.0, 0.0]]


def test_milliseconds_labelled_so(nwb):
    series = add_series(nwb, times=np.arange(100) * 0.8)
    series["timestamps"].attrs["unit"] = "milliseconds"
    assert "times in 'milliseconds': taken as seconds, as NWB says" in recording(nwb).warnings


def test_timestamps_that_stand_still(nwb):
    add_series(nwb, times=np.zeros(100))
    assert "timestamps do not rise where they were looked at" in recording(nwb).warnings
    assert clock(nwb) == [[0, 100, None, None, 0.0]]


TIMES = np.concatenate([np.full(70_000, -1.0), 2.0 + 0.5 * np.arange(80_000), [60_000.0]])
SEGMENTS = [
    [0, 70_000, None, 0.5, 0.0],
    [70_000, 80_000, 2.0, 0.5, 0.0],
    [150_000, 1, 60_000.0, 0.5, 0.0],
]


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"chunks": (1000,)},
        {"chunks": (7001,), "compression": "gzip", "shuffle": True},
        {"chunks": (150_001,), "compression": "gzip"},
        {"chunks": (50_000,), "maxshape": (None,), "compression": "gzip", "fletcher32": True},
    ],
    ids=["contiguous", "chunked", "gzip", "one_chunk", "few_chunks"],
)
def test_timestamps_in_any_layout(nwb, tmp_path, how):
    series = add_series(nwb, data=np.ones((150_001, 1), "<f4"), rate=None)
    series.create_dataset("timestamps", data=TIMES, **how)
    assert clock(nwb) == SEGMENTS
    references(nwb, tmp_path)
    with plain(tmp_path / "lfp.json") as dataset:
        np.testing.assert_array_equal(dataset.timestamps.values, TIMES)


@pytest.mark.parametrize("shape", [(1, -1), (-1, 1)])
def test_timestamps_as_a_matrix(nwb, tmp_path, shape):
    add_series(nwb, data=np.ones((150_001, 1), "<f4"), times=TIMES.reshape(shape))
    assert clock(nwb) == SEGMENTS
    references(nwb, tmp_path)
    with plain(tmp_path / "lfp.json") as dataset:
        np.testing.assert_array_equal(dataset.timestamps.values, TIMES)


def test_timestamps_with_a_missing_chunk_have_no_time(nwb):
    series = add_series(nwb, data=np.ones((3000, 1), "<f4"), rate=None)
    stored = series.create_dataset(
        "timestamps", (3000,), "f8", chunks=(1000,), compression="gzip", fillvalue=0.0
    )
    stored[:1000], stored[2000:] = np.arange(1000.0), np.arange(2000.0, 3000.0)
    assert clock(nwb) == [
        [0, 1000, 0.0, 1.0, 0.0],
        [1000, 1000, None, 1.0, 0.0],
        [2000, 1000, 2000.0, 1.0, 0.0],
    ]


def test_timestamps_that_cannot_be_read_in_place(nwb):
    series = add_series(nwb, data=np.ones((3000, 1), "<f4"), rate=None)
    series.create_dataset("timestamps", data=np.arange(3000.0), compression="lzf")
    with pytest.raises(UserError, match=r"/acquisition/lfp/timestamps: stored with lzf"):
        recording(nwb)


def test_timestamps_that_are_damaged(nwb):
    series = add_series(nwb, data=np.ones((3000, 1), "<f4"), rate=None)
    times = np.random.default_rng(0).random(3000)
    stored = series.create_dataset("timestamps", data=times, chunks=(1000,), compression="gzip")
    stored.id.write_direct_chunk((1000,), b"not gzip")
    with pytest.raises(UserError, match=r"timestamps: the chunk of sample 1000 does not inflate"):
        read_clock(nwb, recording(nwb))


def test_clock_that_never_runs_evenly(nwb):
    times = np.random.default_rng(0).uniform(0, 100, 50_000)
    add_series(nwb, data=np.ones((50_000, 1), "<f4"), times=times)
    with pytest.raises(UserError, match=r"timestamps: expected timestamps that rise evenly"):
        read_clock(nwb, recording(nwb))


# --- files that others wrote --------------------------------------------------------------------

SHARED = os.environ.get("LFPSCOPE_DATA", "")
FOUND = {
    "real/allen_probe_769322820.nwb": (
        "/acquisition/probe_769322820_lfp/probe_769322820_lfp_data",
        (10, 87),
        ["depth", "area", "valid", "group"],
        ("electrodes region of 10 rows for 87 channels",),
    ),
    "real/spikeglx_neuropixels_lf.nwb": (
        "/acquisition/ElectricalSeriesLF",
        (13163, 384),
        ["depth", "area", "group"],
        (),
    ),
    "real/buzsaki_rat_lfp.nwb": (
        "/processing/ecephys/LFP/ElectricalSeries_lfp",
        (100, 96),
        ["area", "group"],
        ("no depth: channels keep the file's order",),
    ),
    "real/ecog_three_series.nwb": (
        "/processing/ecephys/LFP/preprocessed",
        (401, 2),
        ["area", "x", "y", "z", "group"],
        ("no depth: channels keep the file's order",),
    ),
    **{
        f"allen_writer/session_715093703/probe_{probe}_lfp.nwb": (
            f"/acquisition/probe_{probe}_lfp/probe_{probe}_lfp_data",
            (37500, 93),
            ["depth", "area", "x", "y", "z", "valid", "group"],
            (),
        )
        for probe in (715093713, 715093723)
    },
}


@pytest.mark.skipif(not SHARED, reason="LFPSCOPE_DATA names no folder with files of others")
@pytest.mark.parametrize("name", FOUND)
def test_file_that_others_wrote(tmp_path, name):
    series, shape, names, warnings = FOUND[name]
    with open_nwb(Path(SHARED, name)) as nwb:
        assert choose_series(nwb)[0] == [series]
        found = read_recording(nwb, series)
        assert (found.n_samples, found.n_channels) == shape
        assert list(found.channels.columns) == names
        assert found.warnings == warnings
        opened = references(nwb, tmp_path, series)
        stored = nwb[series]["data"][()]
        in_volts = stored * found.conversion if found.conversion != 1 else stored
    assert opened.clock.n_samples == shape[0]
    np.testing.assert_allclose(volts(tmp_path), in_volts, rtol=1e-6)
