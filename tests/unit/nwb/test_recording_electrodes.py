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

from lfpscope.doubts import Doubt

nwb = dialects.nwb  # the fixture

DEPTHS = [0.0, 20, 40, 60]


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


# --- regions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["f8", "f4", "u1", "i8"])
def test_region_of_whole_numbers_in_any_type(nwb, kind):
    table = add_table(nwb, id=[100, 101, 102, 103], location=list("abcd"), rel_y=DEPTHS)
    add_region(add_series(nwb), np.array([3, 2, 1, 0], dtype=kind), table)
    assert ids(nwb) == [103, 102, 101, 100]
    assert columns(nwb) == {"depth": [60, 40, 20, 0], "area": list("dcba")}
    assert texts(recording(nwb)) == ()


@pytest.mark.parametrize("rows", [[0.0, 1.5, 2, 3], [0.0, 1, np.nan, 3], [0.0, 1, 2, np.inf]])
def test_region_of_numbers_that_are_not_whole(nwb, rows):
    add_region(add_series(nwb), rows, add_table(nwb, id=np.arange(4), location=list("abcd")))
    assert ids(nwb) == [0, 1, 2, 3]
    assert (
        Doubt(
            "labels",
            "electrodes region of numbers that are not whole, expected row numbers: channels are "
            "numbered by column",
        )
        in recording(nwb).doubts
    )


def test_region_of_text(nwb):
    series = add_series(nwb)
    series.create_dataset("electrodes", data=list("abcd"), dtype=dialects.TEXT)
    assert "electrodes region of text or references" in texts(recording(nwb))[0]


def test_region_behind_another_probe(nwb):
    table = add_table(
        nwb,
        id=np.arange(12),
        location=["FIRST"] * 8 + ["VISp"] * 2 + ["VISl"] * 2,
        group_name=["vprobe"] * 8 + ["npx"] * 4,
        rel_y=[*np.arange(8) * 50.0, *DEPTHS],
    )
    add_region(add_series(nwb), np.arange(8, 12), table)
    assert ids(nwb) == [8, 9, 10, 11]
    assert columns(nwb) == {
        "depth": [0, 20, 40, 60],
        "area": ["VISp", "VISp", "VISl", "VISl"],
        "group": ["npx"] * 4,
    }


# --- areas --------------------------------------------------------------------------------------


def areas(nwb, **table):
    add_region(
        add_series(nwb), np.arange(4), add_table(nwb, id=np.arange(4), rel_y=DEPTHS, **table)
    )
    return columns(nwb).get("area")


def test_areas_as_numbers_are_their_digits(nwb):
    assert areas(nwb, location=[385.0, np.nan, 997.0, 1_311_000_123.0]) == [
        *("385", "", "997", "1311000123")
    ]


def test_areas_of_another_column_where_location_is_empty(nwb):
    assert areas(nwb, location=[""] * 4, brain_area=list("abcd")) == list("abcd")


@pytest.mark.parametrize("name", ["brain_area", "structure", "ecephys_structure_acronym"])
def test_areas_of_another_column_where_location_is_unknown(nwb, name):
    assert areas(nwb, location=["unknown"] * 4, **{name: ["CA1", "", "DG", "TH"]}) == [
        *("CA1", "", "DG", "TH")
    ]


def test_location_counts_where_it_names_any(nwb):
    assert areas(nwb, location=["", "CA1", "", ""], area=list("abcd")) == ["", "CA1", "", ""]


@pytest.mark.parametrize(
    ("location", "found"),
    [("CA1", ["CA1"] * 4), ("unknown", None), ("See electrode locations", None)],
)
def test_area_of_the_group(nwb, location, found):
    group = nwb.create_group("general/extracellular_ephys/tetrode1")
    group.attrs["location"] = location
    assert areas(nwb, group_name=["tetrode1"] * 4) == found
    assert ("no brain areas" in texts(recording(nwb))) == (found is None)


def test_ragged_locations_are_left_out_by_name(nwb):
    table = add_table(nwb, id=np.arange(4), location=["CA1", "sp", "CA1", "so"], rel_y=DEPTHS)
    table["location_index"] = [2, 2, 3, 4]  # as many as there are electrodes, of other ones
    add_region(add_series(nwb), np.arange(4), table)
    assert "area" not in columns(nwb)
    assert texts(recording(nwb)) == (
        "electrodes column location has several values for an electrode: left out",
        "no brain areas",
    )


def test_index_that_gives_each_electrode_one_value(nwb):
    table = add_table(nwb, id=np.arange(4), location=list("abcd"), rel_y=DEPTHS)
    table["location_index"] = [1, 2, 3, 4]
    add_region(add_series(nwb), np.arange(4), table)
    assert columns(nwb)["area"] == list("abcd")


def test_long_names_stay_complete(nwb):
    name = "Left superior temporal gyrus, posterior part " * 20
    assert areas(nwb, location=[name] * 4) == [name] * 4


# --- shanks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["shank", "shank_id", "shank_ids", "probe_shank"])
@pytest.mark.parametrize("stored", [[0, 0, 1, 1], [0.0, 0.0, 1.0, 1.0], ["0", "0", "1", "1"]])
def test_shanks_by_name(nwb, name, stored):
    table = add_table(nwb, id=np.arange(4), rel_y=[0.0, 20, 0, 20], **{name: stored})
    add_region(add_series(nwb), np.arange(4), table)
    assert columns(nwb)["shank"] == ["0", "0", "1", "1"]


@pytest.mark.parametrize("name", ["rel_x", "probe_horizontal_position"])
def test_shanks_by_their_distance(nwb, name):
    table = add_table(
        nwb,
        id=np.arange(8),
        rel_y=[0.0, 0, 20, 20, 0, 0, 20, 20],
        **{name: [0.0, 32, 0, 32, 250, 282, 250, 282]},
    )
    add_region(add_series(nwb, data=np.ones((100, 8))), np.arange(8), table)
    assert columns(nwb)["shank"] == ["x 0 µm"] * 4 + ["x 250 µm"] * 4


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([0.0, 32, 0, 32, 16, 48, 16, 48], [0.0, 0, 20, 20, 40, 40, 60, 60]),  # one shank
        ([0.0, 400, 0, 400, 0, 400, 0, 400], [0.0, 0, 400, 400, 800, 800, 1200, 1200]),  # a grid
        ([0.0, 250, 500, 750, 1000, 1250, 1500, 1750], [0.0, 20, 40, 60, 0, 20, 40, 60]),  # single
    ],
)
def test_positions_that_are_no_shanks(nwb, x, y):
    table = add_table(nwb, id=np.arange(8), rel_y=y, rel_x=x)
    add_region(add_series(nwb, data=np.ones((100, 8))), np.arange(8), table)
    assert "shank" not in columns(nwb)


def test_shanks_and_groups_come_back_from_the_references(nwb, tmp_path):
    table = add_table(
        nwb, id=np.arange(4), rel_y=[0.0, 20, 0, 20], shank_id=[0, 0, 1, 1], group_name=["p"] * 4
    )
    add_region(add_series(nwb), np.arange(4), table)
    channels = references(nwb, tmp_path).channels
    assert channels.columns["shank"].tolist() == ["0", "0", "1", "1"]
    assert channels.columns["group"].tolist() == ["p"] * 4


def test_columns_y_and_z_that_repeat_each_other(nwb):
    # as in the released files of Visual Coding
    table = add_table(
        nwb,
        id=np.arange(4),
        location=["CA1"] * 4,
        probe_vertical_position=[20, 40, 60, 80],
        y=[3300.0, 3280, 3260, 3240],
        z=[3300.0, 3280, 3260, 3240],
    )
    add_region(add_series(nwb), np.arange(4), table)
    assert recording(nwb).doubts == (Doubt("labels", "columns y and z hold the same numbers"),)


@pytest.mark.parametrize(
    "values",
    [
        np.zeros(4, dtype=[("a", "f4"), ("b", "i4")]),
        np.arange(4) * 1j,
        np.zeros((4, 2)),
        np.arange(4) * 1e300,
        np.full(4, np.inf),
        np.arange(4) > 2,
        np.zeros(0),
        h5py.Empty("f8"),
    ],
    ids=["compound", "complex", "two_columns", "huge", "inf", "bool", "none", "empty"],
)
@pytest.mark.parametrize(
    "name", ["id", "rel_y", "depth", "z", "location", "shank", "group_name", "gain_to_uV", "rel_x"]
)
def test_columns_of_any_type_leave_the_channels_readable(nwb, name, values):
    columns = {"id": np.arange(4), "rel_x": np.zeros(4), "location": ["CA1"] * 4}
    table = add_table(nwb, **{key: value for key, value in columns.items() if key != name})
    table[name] = values
    add_region(add_series(nwb), np.arange(4), table)
    found = recording(nwb)
    assert found.channels.id.size == 4
    assert all(column.shape == (4,) for column in found.channels.columns.values())
    assert all("\n" not in text for text in texts(found))


def test_column_that_is_neither_numbers_nor_text_is_named(nwb):
    table = add_table(nwb, id=np.arange(4), location=["CA1"] * 4, depth=DEPTHS)
    table["rel_y"] = np.arange(4) * 1j
    add_region(add_series(nwb), np.arange(4), table)
    assert texts(recording(nwb))[0] == (
        "electrodes column rel_y holds neither numbers nor text: left out"
    )
