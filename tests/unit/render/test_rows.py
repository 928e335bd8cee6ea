"""Which channel is drawn in which row."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfpscope.nwb.depth import DepthAxis
from lfpscope.nwb.electrodes import Channels
from lfpscope.render.rows import RowBlock, arrange_rows

UP = DepthAxis("rel_y", "position along the probe (rel_y, µm)")
DOWN = DepthAxis("depth", "depth below the surface (µm)", is_downward=True)


def channels(n, axis=UP, **columns):
    columns = {name: np.array(values) for name, values in columns.items()}
    return Channels(np.arange(n), columns, axis if "depth" in columns else None)


def rows(*arguments, **columns):
    """Channels from the top, and the blocks as (name, first, stop, has_depth)."""
    found = arrange_rows(channels(*arguments, **columns))
    blocks = [(b.name, b.first, b.stop, b.has_depth) for b in found.blocks]
    return found.channels.tolist(), blocks


def test_largest_on_top():
    assert rows(3, depth=[20.0, 60, 40]) == ([1, 2, 0], [("", 0, 3, True)])


def test_largest_at_the_bottom_where_depth_counts_down():
    assert rows(3, DOWN, depth=[20.0, 60, 40]) == ([0, 2, 1], [("", 0, 3, True)])


def test_most_negative_at_the_bottom():
    assert rows(3, depth=[-20.0, -60, -40])[0] == [0, 2, 1]


@pytest.mark.parametrize("axis", [UP, DOWN])
def test_equal_depths_keep_their_order(axis):
    assert rows(4, axis, depth=[5.0, 5, 5, 5])[0] == [0, 1, 2, 3]


@pytest.mark.parametrize("axis", [UP, DOWN])
def test_channels_without_a_depth_stand_below(axis):
    order, blocks = rows(5, axis, depth=[np.nan, 20.0, np.nan, 20, np.nan])
    assert order == [1, 3, 0, 2, 4]
    assert blocks == [("", 0, 2, True), ("", 2, 5, False)]


def test_channel_0_at_the_bottom_where_none_has_a_depth():
    assert rows(3) == ([2, 1, 0], [("", 0, 3, False)])
    assert rows(3, depth=[np.nan] * 3) == ([2, 1, 0], [("", 0, 3, False)])


def test_shanks_one_above_the_other():
    order, blocks = rows(
        6, depth=[0.0, 0, 20, 20, 40, np.nan], shank=["0", "1", "0", "1", "0", "1"]
    )
    assert order == [4, 2, 0, 3, 1, 5]
    assert blocks == [("shank 0", 0, 3, True), ("shank 1", 3, 5, True), ("", 5, 6, False)]


def test_names_in_natural_order():
    names = np.repeat(["shank10", "shank9", "b", "shank2", "shank10"], 2)
    blocks = rows(10, depth=np.arange(10.0), group=names)[1]
    assert [name for name, *_ in blocks] == ["b", "shank2", "shank9", "shank10"]


@pytest.mark.parametrize(
    ("axis", "names"), [(UP, ["VISp", "CA1", "TH"]), (DOWN, ["TH", "CA1", "VISp"])]
)
def test_groups_that_are_sections_of_a_shank_stand_by_depth(axis, names):
    groups = np.repeat(["TH", "CA1", "VISp"], 2)
    order, blocks = rows(6, axis, depth=np.arange(6.0), group=groups)
    assert order == ([5, 4, 3, 2, 1, 0] if axis is UP else [0, 1, 2, 3, 4, 5])
    assert [name for name, *_ in blocks] == names


def test_groups_that_are_shanks_have_the_names_of_groups():
    order, blocks = rows(4, depth=[0.0, 20, 0, 20], group=list("bbaa"), shank=list("0011"))
    assert order == [3, 2, 1, 0]
    assert blocks == [("a", 0, 2, True), ("b", 2, 4, True)]


def test_shanks_of_one_group_have_the_names_of_shanks():
    assert [
        name for name, *_ in rows(4, depth=[0.0, 1, 0, 1], group=["p"] * 4, shank=list("0011"))[1]
    ] == ["shank 0", "shank 1"]


def test_shanks_of_several_probes():
    blocks = rows(8, depth=np.arange(8.0) % 2, group=list("aaaabbbb"), shank=list("00110011"))[1]
    assert [name for name, *_ in blocks] == ["a shank 0", "a shank 1", "b shank 0", "b shank 1"]


def test_groups_of_one_channel_each_are_no_blocks():
    assert rows(3, depth=[0.0, 20, 40], group=list("abc")) == ([2, 1, 0], [("", 0, 3, True)])


def test_channels_of_no_group_come_last():
    order, blocks = rows(6, depth=np.arange(6.0), group=["", "", "b", "b", "a", "a"])
    assert order == [5, 4, 3, 2, 1, 0]
    assert [name for name, *_ in blocks] == ["a", "b", ""]


def test_groups_without_depths_keep_the_order_of_the_file():
    assert rows(4, group=list("bbaa")) == ([3, 2, 1, 0], [("a", 0, 2, False), ("b", 2, 4, False)])
    assert rows(4, group=list("abab")) == ([3, 2, 1, 0], [("", 0, 4, False)])


DEPTH = st.one_of(st.just(np.nan), st.sampled_from([-40.0, 0.0, 20.0, 40.0]))
COLUMNS = st.integers(1, 12).flatmap(
    lambda n: st.fixed_dictionaries(
        {},
        optional={
            "depth": st.lists(DEPTH, min_size=n, max_size=n),
            "group": st.lists(st.sampled_from(["", "a", "b"]), min_size=n, max_size=n),
            "shank": st.lists(st.sampled_from(["0", "1", "10"]), min_size=n, max_size=n),
        },
    ).map(lambda columns: (n, columns))
)


@given(COLUMNS, st.booleans())
def test_every_channel_is_in_one_row_and_every_row_in_one_block(made, downward):
    n, columns = made
    found = arrange_rows(channels(n, DOWN if downward else UP, **columns))
    assert sorted(found.channels.tolist()) == list(range(n))
    assert found.channels.dtype == np.int64
    assert [block.first for block in found.blocks] == [0, *(b.stop for b in found.blocks[:-1])]
    assert found.blocks[-1].stop == n
    assert all(block.stop > block.first for block in found.blocks)
    names = [block.name for block in found.blocks if block.has_depth]
    assert len(set(names)) == len(names)


@given(COLUMNS, st.booleans())
def test_a_block_is_ordered_by_its_axis(made, downward):
    n, columns = made
    found = arrange_rows(channels(n, DOWN if downward else UP, **columns))
    depth = np.array(columns.get("depth", [np.nan] * n))
    for block in found.blocks:
        there = depth[found.channels[block.first : block.stop]]
        assert np.isfinite(there).all() if block.has_depth else np.isnan(there).all()
        steps = np.diff(there) if downward else -np.diff(there)
        assert not (steps < 0).any()
        ties = np.flatnonzero(np.diff(there) == 0) + block.first
        assert (found.channels[ties] < found.channels[ties + 1]).all()


@given(COLUMNS, st.data())
def test_rows_that_are_left_out(made, data):
    n, columns = made
    found = arrange_rows(channels(n, **columns))
    keep = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    rest = found.only(keep)
    assert rest.channels.tolist() == found.channels[keep].tolist()
    assert sum(block.stop - block.first for block in rest.blocks) == keep.sum()


def test_rows_that_are_left_out_by_hand():
    found = arrange_rows(channels(4, depth=[0.0, 20, 0, 20], group=list("aabb")))
    assert found.channels.tolist() == [1, 0, 3, 2]
    rest = found.only(np.array([False, False, True, True]))
    assert rest.channels.tolist() == [3, 2]
    assert rest.blocks == (RowBlock("b", 0, 2, has_depth=True),)
