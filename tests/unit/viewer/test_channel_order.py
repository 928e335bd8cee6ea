"""Rows sorted and grouped by columns of the electrodes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from lfpscope.nwb.depth import DepthAxis
from lfpscope.nwb.electrodes import Channels
from lfpscope.render.rows import Rows, arrange_rows
from lfpscope.render.ticks import cut
from lfpscope.viewer.channel_order import order_text, parse_order, sort_rows
from lfpscope.viewer.channel_table import measured_columns
from lfpscope.viewer.facts import axis_label
from lfpscope.viewer.labels import block_names, row_ticks

DEPTH = np.array([20.0, 40, 60, 80, 100, 120])
AREA = np.array(["TH", "TH", "CA1", "CA1", "TH", ""])
THETA = np.array([3.0, 9, np.nan, 1, 27, 81])
AXIS = DepthAxis("probe_vertical_position", "distance from the tip (µm)")
PROBE = Channels(np.arange(6) + 500, {"depth": DEPTH, "area": AREA}, AXIS)


def sort(text: str, channels: Channels = PROBE) -> Rows:
    columns = {"rms_theta": THETA, "channel": channels.id, **channels.columns}
    titles = {"rms_theta": "rms_theta (µV)"}
    return sort_rows(arrange_rows(channels), parse_order(text), columns, channels, titles)


def test_values_that_repeat_are_groups_each_by_depth() -> None:
    rows = sort("area")
    assert rows.channels.tolist() == [3, 2, 4, 1, 0, 5]
    assert [(b.name, b.first, b.stop, b.has_depth) for b in rows.blocks] == [
        ("CA1", 0, 2, True),
        ("TH", 2, 5, True),
        ("no area", 5, 6, True),
    ]
    assert block_names(rows)["text"] == ["CA1", "TH", "no area"]
    ticks = row_ticks(PROBE, rows, 600)  # every row has its own depth
    assert ticks.labels == ["80", "60", "100", "40", "20", "120"]
    assert axis_label(PROBE, rows, 600) == "distance from the tip (µm)"
    assert sort("-area").channels.tolist() == [4, 1, 0, 3, 2, 5]


def test_the_axis_says_the_column_that_rows_follow() -> None:
    rows = sort("rms_theta")
    assert rows.channels.tolist() == [5, 4, 1, 0, 3, 2]  # the largest on top, NaN last
    assert row_ticks(PROBE, rows, 600).labels == ["81", "27", "9", "3", "1", ""]
    assert axis_label(PROBE, rows, 600) == "rms_theta (µV)"
    assert sort("-rms_theta").channels.tolist() == [3, 0, 1, 4, 5, 2]
    both = sort("area,rms_theta")
    assert both.channels.tolist() == [3, 2, 4, 1, 0, 5]
    assert (both.column, both.values) == ("rms_theta (µV)", ("1", "", "27", "9", "3", "81"))
    fewer = both.only(both.channels != 4)
    assert (fewer.channels.tolist(), fewer.values) == ([3, 2, 1, 0, 5], ("1", "", "9", "3", "81"))


def test_depths_go_the_way_of_their_axis() -> None:
    assert sort("depth").channels.tolist() == [5, 4, 3, 2, 1, 0]
    assert sort("-depth").channels.tolist() == [0, 1, 2, 3, 4, 5]
    assert row_ticks(PROBE, sort("-depth"), 600).labels == ["20", "40", "60", "80", "100", "120"]
    down = replace(PROBE, depth_axis=replace(AXIS, is_downward=True))
    assert sort("depth", down).channels.tolist() == [0, 1, 2, 3, 4, 5]


def test_without_depths_rows_keep_their_order_in_groups_and_ids_beside_them() -> None:
    channels = Channels(np.arange(4) + 500, {"area": np.array(["a", "b", "a", "b"])}, None)
    rows = sort("area", channels)
    assert rows.channels.tolist() == [2, 0, 3, 1]
    assert (rows.column, rows.values) == ("channel", ("502", "500", "503", "501"))


def test_columns_that_are_not_there_change_nothing() -> None:
    natural = arrange_rows(PROBE)
    assert sort("hue").channels.tolist() == natural.channels.tolist()
    assert sort("hue,rms_theta").values == sort("rms_theta").values


@given(some.lists(some.sampled_from(["area", "-depth", "rms_theta", "channel"]), max_size=4))
def test_sorting_is_a_permutation_and_can_be_written(keys: list[str]) -> None:
    text = ",".join(keys)
    assert order_text(parse_order(text)) == text
    rows = sort(text)
    assert sorted(rows.channels.tolist()) == list(range(6))
    assert [block.first for block in rows.blocks[1:]] == [block.stop for block in rows.blocks[:-1]]
    assert len(rows.values) in (0, 6)


@pytest.mark.parametrize("text", ["area;depth", "--x", "a,,b", "3", "x > 3", ",".join("abcdefg")])
def test_what_is_no_order_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected names of columns"):
        parse_order(text)


def test_labels_are_short() -> None:
    labels = ["12.3456", "800021008", "unknown", "0.000123456", "65"]
    assert [cut(one, 5) for one in labels] == ["12.35", "…1008", "unkn…", "1e-04", "65"]


def test_measured_columns_are_in_microvolts(tmp_path: Path) -> None:
    table = "channel,index,std,rms_theta,line_noise_db,label,flags,reason\n"
    (tmp_path / "channels.csv").write_text(
        f"{table}7,0,1e-05,2e-06,3,good,,\n8,1,4e-05,,,noisy,mains,much\n"
    )
    found = measured_columns(tmp_path, [7, 8])
    assert found["std"] == pytest.approx([10, 40])
    assert found["rms_theta"] == pytest.approx([2, np.nan], nan_ok=True)
    assert found["line_noise_db"] == pytest.approx([3, np.nan], nan_ok=True)
    assert found["label"].tolist() == ["good", "noisy"]
    assert found["flags"].tolist() == ["", "mains"]
    assert "reason" not in found
    assert measured_columns(tmp_path, [8, 7]) == {}  # of other channels
    assert measured_columns(tmp_path / "none", [7, 8]) == {}
