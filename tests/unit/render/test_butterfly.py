"""A butterfly has the pixels of its traces, coloured by depth."""

from dataclasses import replace

import numpy as np
import pytest
import recorded

from lfpscope.envelope.read import OpenProbe
from lfpscope.nwb.electrodes import Channels
from lfpscope.render.butterfly import (
    FIRST,
    FRONT,
    NOBODY,
    butterfly_picture,
    depth_colours,
    depth_shares,
)
from lfpscope.render.palettes import BUTTERFLY_PALETTE
from lfpscope.render.traces import trace_levels, trace_pixels
from lfpscope.render.view import read_view

HEIGHT = 61


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> OpenProbe:
    data = recorded.walk(6000, 5, step=0.195e-6).astype(np.float32)
    data[100, 1] = np.nan
    return recorded.probe(
        recorded.index(tmp_path_factory.mktemp("butterfly"), data, chunks=(997, 1)), bucket=16
    )


@pytest.mark.parametrize(("seconds", "width"), [(0.05, 200), (4.7, 80)])
def test_each_line_has_the_pixels_of_its_trace(
    probe: OpenProbe, seconds: float, width: int
) -> None:
    clock = probe.references.clock
    view = read_view(probe, clock.t0 + 0.05, clock.t0 + 0.05 + seconds, width)
    channels, grey = np.array([4, 1, 3, 2]), np.array([False, False, True, False, False])
    gain = 2 / 0.195e-6
    look = {"pixels_per_volt": gain, "channels": channels, "grey": grey}
    picture, owners = butterfly_picture(view, probe, HEIGHT, **look, front=3)
    expected = np.full(picture.shape, NOBODY)
    levels = trace_levels(view, probe)
    for row in (3, 1, 0, 2):  # grey below all, then from the bottom up, the one in front last
        one = channels[row : row + 1]
        place = {"height": HEIGHT, "pixels_per_volt": gain}
        middle = np.array([HEIGHT / 2])
        expected[trace_pixels(view, probe, one, middle, levels[one], **place)] = row
    np.testing.assert_array_equal(owners, expected)
    assert set(np.unique(owners)) == {NOBODY, 0, 1, 2, 3}
    by_depth = depth_colours(probe.references.channels)
    colours = np.array([by_depth[4], by_depth[1], FRONT, 2])
    shown = owners != NOBODY
    np.testing.assert_array_equal(picture[shown], colours[owners[shown]])
    zero = np.zeros(picture.shape, bool)
    zero[HEIGHT - 1 - HEIGHT // 2] = True
    np.testing.assert_array_equal(picture[~shown], zero[~shown])


def test_colours_go_from_the_lowest_to_the_highest_depth() -> None:
    channels = Channels(np.arange(4), {"depth": np.array([100.0, 20, np.nan, 60])})
    assert depth_shares(channels).tolist() == [1, 0, 0, 0.5]
    last = len(BUTTERFLY_PALETTE) - 2
    assert depth_colours(channels).tolist() == [last, FIRST, FIRST, (FIRST + last) // 2]
    assert depth_shares(replace(channels, columns={})).tolist() == pytest.approx(
        [0, 1 / 3, 2 / 3, 1]
    )
    one = Channels(np.arange(1), {"depth": np.array([40.0])})
    assert depth_shares(one).tolist() == [0]
