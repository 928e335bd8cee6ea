"""What each channel's electrode says, in any dialect of NWB."""

import dialects
import h5py
import numpy as np
import pytest
from dialects import (
    SERIES,
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

nwb = dialects.nwb  # the fixture


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
    assert texts(recording(nwb)) == ()


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
    gone = nwb.create_group("gone")
    refs = [shanks[0].ref, gone.ref, h5py.Reference(), shanks[1].ref]
    table.create_dataset("group", data=refs, dtype=h5py.ref_dtype)
    add_region(add_series(nwb), np.arange(4), table)
    del nwb["gone"], gone
    assert columns(nwb)["group"] == ["shank0", "", "", "shank1"]


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
    assert texts(recording(nwb)) == ("electrodes region of 2 rows for 4 channels",)


def test_region_longer_than_the_data(nwb):
    table = add_table(nwb, id=np.arange(6), location=list("abcdef"), rel_y=np.arange(6.0))
    add_region(add_series(nwb), np.arange(6)[::-1], table)
    assert ids(nwb) == [5, 4, 3, 2]
    assert texts(recording(nwb)) == ("electrodes region of 6 rows for 4 channels",)


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
    assert texts(recording(nwb)) == NOTHING_KNOWN


def test_no_table(nwb):
    add_region(add_series(nwb), np.arange(4))
    assert texts(recording(nwb)) == NOTHING_KNOWN


def test_empty_region(nwb):
    add_table(nwb, id=np.arange(4))
    add_series(nwb)["electrodes"] = h5py.Empty("i8")
    assert texts(recording(nwb)) == NOTHING_KNOWN


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
    assert texts(recording(nwb)) == NOTHING_KNOWN


def test_region_beyond_the_table(nwb):
    add_region(add_series(nwb), [0, 1, 2, 9], add_table(nwb, id=np.arange(4), rel_y=np.arange(4.0)))
    assert columns(nwb) == {}
    assert "the electrodes region names row 9 of 4" in texts(recording(nwb))[0]


def test_ids_that_are_not_unique(nwb):
    table = add_table(nwb, id=[1, 1, 2, 2], rel_y=np.arange(4.0), location=list("abcd"))
    add_region(add_series(nwb), np.arange(4), table)
    assert ids(nwb) == [0, 1, 2, 3]
    assert columns(nwb)["area"] == list("abcd")
    assert "electrode ids are not unique" in texts(recording(nwb))[0]


NO_IDS = "the electrodes table has no ids that are numbers: rows are numbered"


def test_table_without_ids(nwb):
    table = add_table(nwb, location=list("abcd"), rel_y=np.arange(4.0))
    add_region(add_series(nwb), [3, 2, 1, 0], table)
    assert ids(nwb) == [3, 2, 1, 0]
    assert texts(recording(nwb)) == (NO_IDS,)


@pytest.mark.parametrize("stored", [["a1", "a2", "b1", "b2"], [0.5, 1.5, 2.5, 3.5], [np.nan] * 4])
def test_ids_that_are_no_whole_numbers(nwb, stored):
    table = add_table(nwb, id=stored, location=list("abcd"), rel_y=np.arange(4.0))
    add_region(add_series(nwb), [3, 2, 1, 0], table)
    assert ids(nwb) == [3, 2, 1, 0]
    assert texts(recording(nwb)) == (NO_IDS,)


def test_ids_of_type_double_as_matlab_writes_them(nwb):
    table = add_table(nwb, id=[10.0, 20, 30, 40], location=list("abcd"), rel_y=np.arange(4.0))
    add_region(add_series(nwb), [3, 2, 1, 0], table)
    assert ids(nwb) == [40, 30, 20, 10]
    assert texts(recording(nwb)) == ()


def test_column_of_another_length(nwb):
    table = add_table(nwb, id=np.arange(4), location=["a"], rel_y=np.arange(4.0))
    add_region(add_series(nwb), np.arange(4), table)
    assert texts(recording(nwb)) == (
        "electrodes column location: 1 values for 4 electrodes",
        "no brain areas",
    )


def test_positions_that_are_not_numbers_are_absent(nwb):
    table = add_table(nwb, id=np.arange(4), location=["a"] * 4, rel_y=[np.nan] * 4, x=[np.nan] * 4)
    add_region(add_series(nwb), np.arange(4), table)
    assert columns(nwb) == {"area": ["a"] * 4}
    assert texts(recording(nwb)) == ("no depth: channels keep the file's order",)


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
    assert texts(recording(nwb)) == ("no position along the probe: depth is y as stored",)


def test_all_electrodes_at_one_place_have_no_depth(nwb):
    table = add_table(nwb, id=np.arange(4), location=["a"] * 4, x=[1.0] * 4)
    add_region(add_series(nwb), np.arange(4), table)
    assert "depth" not in columns(nwb)
