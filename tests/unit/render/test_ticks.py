"""Labels beside rows stand at what they name, in their block, and never overlap."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfpscope.render.rows import RowBlock, Rows
from lfpscope.render.ticks import (
    LINE,
    area_runs_of_rows,
    block_edges,
    block_runs,
    channel_ticks,
    depth_ticks,
    place_labels,
    shorten,
)


def upright(n: int) -> Rows:
    """One block, channel 0 at the bottom."""
    return Rows(np.arange(n)[::-1], (RowBlock("", 0, n, has_depth=True),))


def test_a_channel_with_room_is_labelled_with_its_own_depth() -> None:
    depth = np.array([20.0, 60.0, 100.0, 140.0])
    assert depth_ticks(upright(4), depth, 200) == (
        [0.5, 1.5, 2.5, 3.5],
        ["140", "100", "60", "20"],
    )
    positions, labels = depth_ticks(upright(4), depth, 100)  # room for every other one
    assert (positions, labels) == ([1.5, 3.5], ["100", "20"])


def test_round_depths_stand_between_rows() -> None:
    depth = np.arange(93) * 40.0 + 20
    positions, labels = depth_ticks(upright(93), depth, 400)
    assert labels == ["3500", "3000", "2500", "2000", "1500", "1000", "500"]
    # row i from the bottom is at 20 + 40 i µm, and its middle at 92.5 − i
    assert positions == pytest.approx([92.5 - (int(d) - 20) / 40 for d in labels])


def test_small_units_and_numbers_below_zero() -> None:
    depth = np.linspace(-0.5, 0.5, 101)
    assert depth_ticks(upright(101), depth, 300)[1] == ["0.4", "0.2", "0", "−0.2", "−0.4"]
    assert depth_ticks(upright(2), np.array([12.0, 12.1333333]), 100)[1] == ["12.13", "12"]


def test_blocks_have_their_own_depths_and_names() -> None:
    blocks = (
        RowBlock("shank 0", 0, 20, has_depth=True),
        RowBlock("shank 1", 20, 40, has_depth=True),
        RowBlock("", 40, 44, has_depth=False),
    )
    depth = np.concatenate([np.arange(20) * 10.0, np.arange(20) * 10.0, np.full(4, np.nan)])
    channels = np.concatenate([np.arange(20)[::-1], np.arange(20)[::-1] + 20, np.arange(40, 44)])
    rows = Rows(channels, blocks)
    positions, labels = depth_ticks(rows, depth, 440)
    assert labels == ["150", "100", "50", "0"] * 2
    upper = [4.5, 9.5, 14.5, 19.5]
    assert positions == pytest.approx([*upper, *(one + 20 for one in upper)])
    assert block_edges(rows) == [20, 40]
    assert block_runs(rows) == [("shank 0", 0, 20), ("shank 1", 20, 40), ("no depth", 40, 44)]
    areas = np.array(["CA1"] * 44, "U9")
    areas[channels[30:]] = "DG"
    areas[43] = "unknown"
    assert area_runs_of_rows(rows, areas) == [
        ("CA1", 0, 20),
        ("CA1", 20, 30),
        ("DG", 30, 40),
        ("DG", 40, 43),
    ]


def test_channels_of_one_depth_share_a_tick() -> None:
    depth = np.repeat(np.arange(10) * 20.0, 2)  # two columns of contacts
    positions, labels = depth_ticks(upright(20), depth, 300)
    at = dict(zip(labels, positions, strict=True))
    assert at["0"] == 19.0
    assert at["80"] == 11.0


def test_channels_without_any_depth_are_counted_from_below() -> None:
    rows = Rows(np.arange(100)[::-1], (RowBlock("", 0, 100, has_depth=False),))
    ids = np.arange(100) + 7
    positions, labels = channel_ticks(rows, ids, 200)
    assert labels == ["87", "67", "47", "27", "7"]
    assert positions == [19.5, 39.5, 59.5, 79.5, 99.5]
    assert depth_ticks(rows, None, 200) == ([], [])


@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    pitch=st.sampled_from([0.02, 10.0, 15.0, 20.0, 40.0, 25.4, 1000.0]),
    start=st.floats(-5000, 5000),
    height=st.integers(20, 900),
    downward=st.booleans(),
)
def test_every_tick_lies_at_its_depth(
    sizes: list[int], pitch: float, start: float, height: int, downward: bool
) -> None:
    edges = np.concatenate([[0], np.cumsum(sizes)]).tolist()
    blocks = tuple(RowBlock(f"{a}", a, b, True) for a, b in pairwise(edges))
    inside = np.concatenate([np.arange(size) for size in sizes])
    depth = start + pitch * (inside if downward else -inside)
    n = edges[-1]
    positions, labels = depth_ticks(Rows(np.arange(n), blocks), depth, height)
    assert positions
    pixels = np.array(positions) * height / n
    assert (np.diff(pixels) >= LINE * 0.999).all()
    for position, label in zip(positions, labels, strict=True):
        block = next(b for b in blocks if b.first <= position < b.stop)
        rows = np.arange(block.first, block.stop) + 0.5
        expected = np.interp(position, rows, depth[block.first : block.stop])
        # half a step of the last digit shown, far less than from one channel to the next
        assert float(label.replace("−", "-")) == pytest.approx(
            expected, abs=0.06 * pitch + 1e-5 * abs(start)
        )


def test_labels_of_areas_do_not_overlap_and_the_largest_have_theirs() -> None:
    runs = [("A", 0, 50), ("B", 50, 51), ("C", 51, 52), ("D", 52, 100)]
    assert place_labels(runs, 100, 200) == [(50.0, "A"), (101.0, "B"), (152.0, "D")]
    assert place_labels([("A", 0, 1)], 1, 4) == [(6.5, "A")]


def test_names_keep_their_beginning_and_their_end() -> None:
    assert shorten("CA1", 5) == "CA1"
    assert shorten("Left precentral gyrus (motor cortex)", 12) == "Left pr…tex)"
    assert shorten("two\nlines  here", 20) == "two lines here"
    for most in range(1, 20):
        assert len(shorten("abcdefghijklmnopqrstuvwxyz", most)) <= max(most, 2)
