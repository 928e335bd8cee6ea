"""Lines set the pixels that Datashader sets, wherever they run and however they are cut."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lfpscope.render.datashader_lines import datashader_lines
from lfpscope.render.lines import draw_lines

# on pixels' edges, between them, beyond the picture, and far away
PLACE = st.one_of(
    st.integers(-3, 12).map(float),
    st.floats(-5, 15),
    st.sampled_from([np.nan, np.nan, 1e9, -1e9, 0.5, 9.999999999999998]),
)


def picture(rows: list[str]) -> list[list[bool]]:
    """Rows of a picture, as they are seen, from its bottom up."""
    return [[one == "#" for one in row] for row in rows[::-1]]


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        ([0.5, 2.5], [0.5, 2.5], ["..#", ".#.", "#.."]),
        ([1.5, 1.5], [0.5, 2.5], [".#.", ".#.", ".#."]),
        ([1.5, 1.5], [9.0, 1.5], [".#.", ".#.", "..."]),  # cut at the top
        ([0.0, 3.0], [3.0, 3.0], ["###", "...", "..."]),  # the edges are in the last pixels
        ([0.5, np.nan, 2.5], [1.5, np.nan, 1.5], ["...", "...", "..."]),  # no point is a line
        ([0.5, 0.5, np.nan, 1.5, 2.5], [0.5, 0.5, np.nan, 0.5, 0.5], ["...", "...", "###"]),
        ([-9.0, -1.0], [1.5, 1.5], ["...", "...", "..."]),
    ],
)
def test_pixels(x: list[float], y: list[float], expected: list[str]) -> None:
    drawn = draw_lines(np.array(x), np.array(y), (0.0, 3.0), 3, 3)
    assert drawn.tolist() == picture(expected)


@given(
    points=st.lists(st.tuples(PLACE, PLACE), min_size=1, max_size=12),
    start=st.floats(-2, 2),
    span=st.floats(1, 12),
    width=st.integers(1, 11),
    height=st.integers(1, 11),
)
@example(points=[(0.0, 0.0), (0.0, 0.0), (11.0, 11.0)], start=0.0, span=11.0, width=11, height=11)
def test_as_datashader(
    points: list[Any], start: float, span: float, width: int, height: int
) -> None:
    x, y = np.array(points).T.copy()
    picture = (start, start + span), width, height
    assert draw_lines(x, y, *picture).tolist() == datashader_lines(x, y, *picture).tolist()
