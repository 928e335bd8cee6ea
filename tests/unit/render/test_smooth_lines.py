"""Smooth lines cover pixels by their distance, and are where the samples are."""

from itertools import pairwise
from typing import Any

import datashader
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import recorded
from hypothesis import given
from hypothesis import strategies as st

from lfpscope.envelope.read import OpenProbe
from lfpscope.render.palettes import GREY, SHADES, SMOOTH_PALETTE, TINTS, TRACE_PALETTE
from lfpscope.render.smooth_lines import APART, cover_lines, is_smooth, smooth_picture
from lfpscope.render.traces import trace_levels
from lfpscope.render.view import read_view

Floats = npt.NDArray[np.float64]
PLACE = st.one_of(
    st.integers(-3, 12).map(float), st.floats(-5, 15), st.sampled_from([np.nan, 1e9, -1e9])
)
ROUNDED = 0.5 / TINTS + 1e-5
FULL = len(TRACE_PALETTE) + TINTS - 1  # index of what a live trace covers completely


def covered(points: Floats, half: float, dot: float, size: tuple[int, int]) -> Floats:
    """Coverage of each pixel, from its distance to each segment and each point."""
    middles = np.stack(np.meshgrid(*(np.arange(n) + 0.5 for n in size), indexing="ij"), axis=-1)
    found = np.zeros(size)
    known = ~np.isnan(points).any(axis=1)
    for a in points[known]:
        away = np.linalg.norm(middles - a, axis=-1)
        found = np.maximum(found, np.clip(dot + 0.5 - away, 0, 1))
    for a, b in pairwise(points):
        if np.isnan([a, b]).any():
            continue
        length = (b - a) @ (b - a)  # a line of none is a disc as wide as lines are
        share = np.clip((middles - a) @ (b - a) / length, 0, 1) if length else np.zeros(size)
        away = np.linalg.norm(middles - a - share[..., np.newaxis] * (b - a), axis=-1)
        found = np.maximum(found, np.clip(half + 0.5 - away, 0, 1))
    return found


@given(
    points=st.lists(st.tuples(PLACE, PLACE), min_size=1, max_size=8),
    half=st.floats(0.5, 2),
    dot=st.floats(0.5, 3),
    width=st.integers(1, 12),
    height=st.integers(1, 12),
)
def test_coverage_is_that_of_distances(
    points: list[Any], half: float, dot: float, width: int, height: int
) -> None:
    coverage = np.zeros((height, width), np.uint8)
    places = np.array(points, np.float64)
    cover_lines(*places.T.copy(), half, dot, coverage)
    expected = covered(places, half, dot, (width, height))
    np.testing.assert_allclose(coverage.T / TINTS, expected, atol=ROUNDED)


@pytest.mark.parametrize("pixels", [1.25, 2.0, 2.5])
def test_lines_are_those_of_datashader(pixels: float) -> None:
    rng = np.random.default_rng(0)
    x, y = np.linspace(5, 195, 40), rng.uniform(20, 80, 40)
    y[[7, 20]] = np.nan
    coverage = np.zeros((100, 200), np.uint8)
    cover_lines(x, y, pixels / 2, 0.0, coverage)
    canvas = datashader.Canvas(200, 100, (0.0, 200.0), (0.0, 100.0))
    table = pd.DataFrame({"x": x, "y": y})
    drawn = np.asarray(canvas.line(table, "x", "y", agg=datashader.any(), line_width=pixels))
    np.testing.assert_allclose(coverage / TINTS, np.nan_to_num(drawn), atol=ROUNDED)
    assert 0.01 < coverage.mean() / TINTS < 0.2


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> OpenProbe:
    data = recorded.walk(4000, 4, step=0.195e-6).astype(np.float32)
    data[100, 1] = np.nan
    return recorded.probe(
        recorded.index(tmp_path_factory.mktemp("smooth"), data, chunks=(997, 1)), bucket=16
    )


def test_each_sample_is_a_dot_at_its_place_and_nan_a_gap(probe: OpenProbe) -> None:
    clock = probe.references.clock
    start, stop = (clock.t0 + n * clock.dt for n in (90, 110))
    view = read_view(probe, start, stop, 400)
    assert is_smooth(view)
    assert not is_smooth(view, 400 / view.n_columns / APART)
    height, gain = 200, 2 / 0.195e-6
    order, grey = np.array([2, 1, 3]), np.array([False, False, False, True])
    look = {"pixels_per_volt": gain, "channels": order, "grey": grey}
    picture = smooth_picture(view, probe, height, **look)
    first = round((view.t0 - clock.t0) / clock.dt)
    places = (np.arange(view.n_columns) + 0.5) * 400 / view.n_columns
    volts = probe.samples(first, first + view.n_columns, order) * probe.references.scale[0]
    about = trace_levels(view, probe)[order]
    for row, channel in enumerate(order.tolist()):
        heights = (volts[row] - about[row]) * gain + height - (row + 0.5) * height / 3
        for place, one in zip(places.tolist(), heights.tolist(), strict=True):
            column = picture[:, int(place)]
            if np.isnan(one):
                mine = slice(row * 66, row * 66 + 66)
                assert channel == 1
                assert (column[mine] == 0).mean() > 0.9
            elif 1 < one < height - 1:
                assert column[height - 1 - int(one)] == FULL + (TINTS if channel == 3 else 0)


def test_the_palette_ends_in_the_colours_of_traces() -> None:
    assert SMOOTH_PALETTE[FULL].tolist() == SHADES[7].tolist()
    assert SMOOTH_PALETTE[-1].tolist() == list(GREY)
    assert len(SMOOTH_PALETTE) <= 256
