"""Which column is the depth, in what unit, and which way it counts."""

from typing import Any

import dialects
import h5py
import numpy as np
import pytest
from dialects import add_region, add_series, add_table, recording, references

from lfpscope.doubts import Doubt
from lfpscope.nwb.depth import DepthAxis
from lfpscope.render.rows import arrange_rows

nwb = dialects.nwb  # the fixture

N = 8
STEPS = 20.0 * np.arange(N)
TIP = "distance from the tip (µm)"
LABEL = "position along the probe (rel_y, µm)"


def probe(nwb: h5py.File, about: dict[str, str] | None = None, **columns: Any) -> h5py.Group:
    """Write a series of eight channels with these columns and their descriptions."""
    table = add_table(nwb, **({"id": np.arange(N), "location": ["CA1"] * N} | columns))
    for name, words in (about or {}).items():
        table[name].attrs["description"] = words
    add_region(add_series(nwb, data=np.ones((100, N), "<f4")), np.arange(N), table)
    return table


def axis(nwb: h5py.File) -> DepthAxis:
    found = recording(nwb).channels.depth_axis
    assert found is not None
    return found


def depth(nwb: h5py.File) -> list[float]:
    found: list[float] = recording(nwb).channels.columns["depth"].tolist()
    return found


def top(nwb: h5py.File) -> int:
    """Channel that is drawn on top."""
    return int(arrange_rows(recording(nwb).channels).channels[0])


# --- which column -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "taken", "label"),
    [
        ({"probe_vertical_position": STEPS}, "probe_vertical_position", TIP),
        ({"rel_y": STEPS}, "rel_y", LABEL),
        ({"rel_y": STEPS, "depth": STEPS + 1}, "rel_y", LABEL),
        ({"rel_y": STEPS, "probe_vertical_position": STEPS}, "probe_vertical_position",
         TIP),
        ({"rel_y": STEPS, "probe_vertical_position": np.zeros(N)}, "rel_y", LABEL),
        ({"distance_from_tip_um": STEPS}, "distance_from_tip_um", TIP),
        ({"rel_y": STEPS, "bit_depth": STEPS}, "rel_y", LABEL),
    ],
)  # fmt: skip
def test_columns_along_the_probe(nwb, columns, taken, label):
    probe(nwb, **columns)
    assert axis(nwb) == DepthAxis(taken, label)
    assert recording(nwb).doubts == ()
    assert top(nwb) == N - 1


@pytest.mark.parametrize("empty", [np.full(N, np.nan), np.zeros(N), np.full(N, np.inf)])
def test_column_that_says_nothing_is_passed_over(nwb, empty):
    probe(nwb, rel_y=empty, depth=100 + STEPS)
    assert axis(nwb).column == "depth"
    assert depth(nwb) == (100 + STEPS).tolist()


def test_text_is_passed_over(nwb):
    probe(nwb, rel_y=list("abcdefgh"), depth=STEPS)
    assert axis(nwb).column == "depth"


def test_numbers_as_text(nwb):
    probe(nwb, rel_y=["0", "20.0", "", "6e1", "80", "100", "120", "none"])
    np.testing.assert_array_equal(depth(nwb), [0, 20, np.nan, 60, 80, 100, 120, np.nan])
    assert axis(nwb) == DepthAxis("rel_y", LABEL)


def test_no_column_that_differs(nwb):
    probe(nwb, rel_y=np.zeros(N), x=np.ones(N), y=np.ones(N), z=np.full(N, np.nan))
    assert recording(nwb).channels.depth_axis is None
    assert "depth" not in recording(nwb).channels.columns
    assert recording(nwb).doubts == (Doubt("missing", "no depth: channels keep the file's order"),)
    assert top(nwb) == N - 1


def test_depth_of_a_single_channel(nwb):
    table = add_table(nwb, id=[7], location=["CA1"], rel_y=[340.0])
    add_region(add_series(nwb, data=np.ones((100, 1), "<f4")), [0], table)
    assert depth(nwb) == [340.0]


def test_half_of_the_channels_have_none(nwb):
    probe(nwb, rel_y=np.where(np.arange(N) % 2, np.nan, STEPS))
    assert recording(nwb).doubts == (Doubt("missing", "4 of 8 channels have no depth"),)
    blocks = arrange_rows(recording(nwb).channels).blocks
    assert [(b.first, b.stop, b.has_depth) for b in blocks] == [(0, 4, True), (4, 8, False)]


def test_negative_numbers_stay_and_the_most_negative_is_lowest(nwb):
    probe(nwb, rel_y=-442 - STEPS)
    assert axis(nwb) == DepthAxis("rel_y", LABEL)
    assert depth(nwb) == (-442 - STEPS).tolist()
    assert top(nwb) == 0


# --- what contradicts it -------------------------------------------------------------------------


MIXED = [300.0, 20, 180, 60, 100, 0, 240, 120]


def test_columns_that_order_the_channels_differently(nwb):
    probe(nwb, rel_y=STEPS, depth=MIXED)
    assert recording(nwb).doubts == (
        Doubt("labels", "columns rel_y and depth order the channels differently: rel_y is used"),
    )


@pytest.mark.parametrize(
    "columns",
    [
        {"depth": 2000 - STEPS},
        {"depth": np.where(STEPS < 50, np.nan, STEPS)},
        {"depth": [0.0, 1, 2, 3, 9, 10, 11, 12], "rel_y": [0.0, 1, 2, 3] * 2,
         "group_name": list("aaaabbbb")},
    ],
)  # fmt: skip
def test_columns_that_agree_along_each_shank(nwb, columns):
    columns = {"rel_y": STEPS, "rel_x": np.zeros(N)} | columns
    probe(nwb, {"rel_y": "mm", "depth": "mm below the surface"}, **columns)
    assert recording(nwb).doubts == ()


@pytest.mark.parametrize("filler", [-1.0, 0.0])
def test_many_channels_at_one_depth(nwb, filler):
    probe(nwb, rel_y=np.where(STEPS < 80, filler, STEPS))
    assert recording(nwb).doubts == (
        Doubt("labels", f"4 channels have the same rel_y, {filler:g}: is it known?"),
    )


def test_rows_of_several_contacts(nwb):
    probe(nwb, rel_y=np.repeat([0.0, 20.0], 4))
    assert recording(nwb).doubts == ()


# --- which way ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words", "label"),
    [
        ("rel_y", "distance from the tip of the probe, in um", TIP),
        (
            "depth",
            "Depth of the contact, measured from the probe tip",
            TIP,
        ),
        ("depth", "microns above the tip", TIP),
        ("depth", "depth of the contact (0 is the tip, um)", TIP),
        ("rel_y", "y coordinate within the electrode group", LABEL),
    ],
)
def test_descriptions_of_what_counts_up(nwb, name, words, label):
    probe(nwb, {name: words}, **{name: STEPS})
    assert axis(nwb) == DepthAxis(name, label)
    assert recording(nwb).doubts == ()
    assert top(nwb) == N - 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("depth", "depth below the pial surface (um)"),
        ("depth", "Distance from brain surface"),
        ("rel_y", "depth from pia"),
        ("z", "depth below brain surface, in micrometers"),
        ("electrode_depth", "insertion depth below the dura"),
        ("depth_from_surface", ""),
    ],
)
def test_depth_below_the_surface(nwb, name, words):
    probe(nwb, {name: words}, **{name: 100 + STEPS})
    assert axis(nwb) == DepthAxis(name, "depth below the surface (µm)", is_downward=True)
    assert recording(nwb).doubts == ()
    assert top(nwb) == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rel_y", "distance from the top of the probe, um"),
        ("rel_y", "position (um), 0 is the uppermost contact"),
        ("depth", "distance from the top of the shank to the tip side"),
    ],
)
def test_distance_from_the_top(nwb, name, words):
    probe(nwb, {name: words}, **{name: STEPS})
    assert axis(nwb) == DepthAxis(name, "distance from the top (µm)", is_downward=True)
    assert recording(nwb).doubts == ()
    assert top(nwb) == 0


@pytest.mark.parametrize("words", ["distance from tip to top", "from the tip, top is 140"])
def test_top_that_is_not_where_it_counts_from(nwb, words):
    probe(nwb, {"rel_y": words}, rel_y=STEPS)
    assert axis(nwb) == DepthAxis("rel_y", TIP)


@pytest.mark.parametrize("words", ["depth below the pia", "depth from surface, negative is down"])
def test_depth_below_the_surface_as_negative_numbers(nwb, words):
    probe(nwb, {"depth": words}, depth=-100 - STEPS)
    assert axis(nwb) == DepthAxis("depth", "depth from the surface (µm)")
    assert top(nwb) == 0


def test_sign_that_is_stated_counts(nwb):
    probe(nwb, {"depth": "depth from surface, negative is down"}, depth=STEPS - 40)
    assert not axis(nwb).is_downward


@pytest.mark.parametrize(("sign", "on_top"), [(1, 0), (-1, 0)])
def test_depth_that_does_not_say_from_where(nwb, sign, on_top):
    probe(nwb, depth=sign * (100 + STEPS))
    assert axis(nwb).label.startswith("depth (µm, taken as")
    assert recording(nwb).doubts == (
        Doubt("labels", "column depth does not say from where: taken as below the surface"),
    )
    assert top(nwb) == on_top


@pytest.mark.parametrize(
    ("words", "on_top"),
    [
        ("dorso-ventral coordinate, ventral positive", 0),
        ("dorso-ventral coordinate relative to bregma, ventral negative", N - 1),
    ],
)
def test_dorsoventral_positions(nwb, words, on_top):
    probe(nwb, {"z": words}, x=np.zeros(N), y=np.zeros(N), z=STEPS - 60)
    assert axis(nwb).label == "z (unit not stated, ventral down)"
    assert top(nwb) == on_top


# --- Allen's common coordinate framework --------------------------------------------------------

CCF = {
    "x": np.linspace(8000, 8100, N),
    "y": np.linspace(600, 3600, N),
    "z": np.linspace(8300, 8900, N),
}
IN_CCF = DepthAxis("y", "CCF y (µm, inferior down)", is_downward=True)


@pytest.mark.parametrize("words", ["Allen CCF, inferior", "y in the Common Coordinate Framework"])
def test_ccf_by_its_description(nwb, words):
    probe(nwb, {"y": words}, **CCF)
    assert axis(nwb) == IN_CCF
    assert recording(nwb).doubts == ()
    assert top(nwb) == 0


def test_ccf_by_the_column_reference(nwb):
    probe(nwb, **CCF, reference=["Allen CCFv3"] * N)
    assert axis(nwb) == IN_CCF
    assert recording(nwb).doubts == ()


def test_ccf_by_its_numbers(nwb):
    probe(nwb, **CCF)
    assert axis(nwb) == IN_CCF
    assert recording(nwb).doubts == (
        Doubt("labels", "x, y, z look like Allen's CCF in µm: drawn by y, inferior down"),
    )
    assert top(nwb) == 0


def test_ccf_of_some_channels(nwb):
    outside = np.arange(N) < 2
    probe(nwb, **{name: np.where(outside, -1.0, values) for name, values in CCF.items()})
    assert axis(nwb) == IN_CCF
    assert np.isnan(depth(nwb)).tolist() == outside.tolist()
    assert Doubt("missing", "2 of 8 channels have no depth") in recording(nwb).doubts


@pytest.mark.parametrize(
    "positions",
    [
        CCF | {"x": CCF["x"] + 6000},  # outside the volume
        CCF | {"z": np.zeros(N)},  # in the plane of its edge
        {"x": np.zeros(N), "y": STEPS * 10, "z": np.zeros(N)},  # along a probe
        {"y": CCF["y"]},
    ],
)
def test_numbers_that_are_no_ccf(nwb, positions):
    probe(nwb, **positions)
    assert axis(nwb).label == "y as stored (unit not stated)"
    assert [doubt.text for doubt in recording(nwb).doubts] == [
        "no position along the probe: depth is y as stored"
    ]


def test_position_along_the_probe_goes_before_ccf(nwb):
    probe(nwb, {"y": "+y is inferior"}, **CCF, probe_vertical_position=STEPS)
    assert axis(nwb).column == "probe_vertical_position"
    assert recording(nwb).doubts == ()


# --- x, y, z ------------------------------------------------------------------------------------


def test_position_that_spreads_most(nwb):
    probe(nwb, x=np.arange(N) % 2, y=[5.0, 4, 3, 2, 1, 0, -1, np.nan], z=np.ones(N))
    assert axis(nwb) == DepthAxis("y", "y as stored (unit not stated)", "")
    assert [doubt.text for doubt in recording(nwb).doubts] == [
        "no position along the probe: depth is y as stored",
        "1 of 8 channels have no depth",
    ]
    assert top(nwb) == 0


def test_of_several_that_are_described_the_one_that_spreads_most(nwb):
    words = "coordinate in um relative to the tip"
    probe(nwb, {"x": words, "y": words}, x=16.0 * (np.arange(N) % 2), y=STEPS)
    assert axis(nwb) == DepthAxis("y", TIP)


def test_position_across_where_nothing_else_differs(nwb):
    probe(nwb, rel_y=np.zeros(N), rel_x=STEPS)
    assert axis(nwb) == DepthAxis("rel_x", "rel_x as stored (unit not stated)", "")


def test_millimetres_that_are_not_stated(nwb):
    # as in files of ECoG with MNI coordinates
    probe(nwb, x=np.linspace(-60, -35, N), y=np.linspace(-10, 20, N), z=np.linspace(12, 55, N))
    assert axis(nwb) == DepthAxis("z", "z as stored (unit not stated)", "")


def test_nwb_says_that_y_is_inferior(nwb):
    probe(nwb, {"y": "the y coordinate of the position (+y is inferior)"}, y=STEPS * 10)
    assert axis(nwb).label == "y as stored (unit not stated, inferior down)"
    assert top(nwb) == 0


# --- units --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "attributes", "size"),
    [
        ("rel_y", {"unit": "mm"}, 1e3),
        ("rel_y", {"unit": "millimeters"}, 1e3),
        ("rel_y", {"unit": "m"}, 1e6),
        ("rel_y", {"unit": "um"}, 1.0),
        ("rel_y", {"unit": "µm"}, 1.0),
        ("rel_y", {"description": "position in metres"}, 1e6),
        ("rel_y", {"description": "y (m)"}, 1e6),
        ("rel_y", {"description": "position in mm"}, 1e3),
        ("rel_y", {"description": "milli meters from the top"}, 1e3),
        ("rel_y", {"description": "micro-metres"}, 1.0),
        ("rel_y", {"description": "position [cm]"}, 1e4),
        ("rel_y", {"description": "position in Micrometers"}, 1.0),
        ("z", {"unit": "mm"}, 1e3),
        ("depth_mm", {"description": "below the surface"}, 1e3),
    ],
)
def test_units_that_are_stated(nwb, name, attributes, size):
    table = probe(nwb, **{name: STEPS / size})
    table[name].attrs.update(attributes)
    np.testing.assert_allclose(depth(nwb), STEPS, rtol=1e-12)
    assert axis(nwb).unit == "µm"
    assert "µm)" in axis(nwb).label.replace(", inferior down", "")
    assert not any("unit" in doubt.text for doubt in recording(nwb).doubts)


@pytest.mark.parametrize(
    ("values", "words", "name"),
    [
        (STEPS / 1e3, "", "µm"),  # mm
        (STEPS / 1e6, "position in microns", "µm"),  # m
        (STEPS, "position in mm", "mm"),  # 20 mm from contact to contact, over 140 mm
        (np.arange(N) * 1.0, "", "µm"),  # rows, not µm
        (STEPS * 1e6, "", "µm"),
    ],
)
def test_units_that_cannot_be(nwb, values, words, name):
    if name == "mm":
        values = values * 100
    probe(nwb, {"rel_y": words}, rel_y=values)
    assert axis(nwb) == DepthAxis("rel_y", "position along the probe (rel_y, unit doubtful)", "")
    assert depth(nwb) == values.tolist()
    low, high = values.min(), values.max()
    assert recording(nwb).doubts == (
        Doubt("labels", f"rel_y of {low:g} to {high:g} can hardly be {name}: unit not known"),
    )


def test_several_units_state_none(nwb):
    probe(nwb, {"rel_y": "position in µm on a shank of 10 mm"}, rel_y=STEPS)
    assert depth(nwb) == STEPS.tolist()


def test_positions_of_nwb_1_are_in_micrometres(nwb):
    add_series(nwb, data=np.ones((100, N), "<f4"))["electrode_idx"] = np.arange(N)
    positions = np.zeros((N, 3))
    positions[:, 2] = STEPS * 1e-6
    nwb["general/extracellular_ephys/electrode_map"] = positions
    np.testing.assert_allclose(depth(nwb), STEPS)
    assert axis(nwb) == DepthAxis("z", "z (µm)")


# --- through the references ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "about"),
    [
        ({"probe_vertical_position": STEPS}, {}),
        ({"rel_y": STEPS / 1e6}, {}),
        ({"depth": STEPS}, {"depth": "below the pia"}),
        (CCF, {}),
        ({"z": STEPS}, {}),
    ],
)
def test_axis_comes_back_from_the_references(nwb, tmp_path, columns, about):
    probe(nwb, about, **columns)
    opened = references(nwb, tmp_path)
    assert opened.channels.depth_axis == axis(nwb)
    np.testing.assert_array_equal(opened.channels.columns["depth"], depth(nwb))
    assert opened.doubts == recording(nwb).doubts


def test_name_of_a_column_in_one_short_line(nwb):
    name = "depth\nof the contact " + "very " * 200
    probe(nwb, **{name: STEPS / 1e3})
    assert all(len(doubt.text) < 120 and "\n" not in doubt.text for doubt in recording(nwb).doubts)
    assert len(axis(nwb).label) < 120
