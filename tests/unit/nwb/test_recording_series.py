"""Which series of a file hold LFP, whichever program wrote it."""

import json
from datetime import UTC, datetime
from typing import Any

import dialects
import h5py
import numpy as np
import pytest
from dialects import (
    SERIES,
    TABLE,
    TEXT,
    add_region,
    add_series,
    add_table,
    columns,
    ids,
    plain,
    recording,
    references,
    texts,
)

from lfpscope.errors import UserError
from lfpscope.nwb.file import open_nwb
from lfpscope.nwb.series import choose_series

nwb = dialects.nwb  # the fixture


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
    assert "no position along the probe: depth is z as stored" in texts(found)


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
    assert (found.session, found.version, texts(found)) == ("monday", "2.6.0", ())
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
