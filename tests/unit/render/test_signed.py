"""The signed map shows the sample farthest from the view's median, whatever the clock."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import recorded
from hypothesis import example, given
from hypothesis import strategies as st
from test_heat_map import (
    MICROVOLT,
    PAUSES,
    clock_of,
    column_of_samples,
    columns_of_pixel,
)

from lfpscope.clock.timeline import make_timeline
from lfpscope.render.palettes import (
    PAPER,
    SIGNED_COLOURS,
    SIGNED_GAP,
    SIGNED_GREY,
    SIGNED_PALETTE,
)
from lfpscope.render.signed import signed_picture, signed_values
from lfpscope.render.traces import trace_levels
from lfpscope.render.view import View, read_view

Data = npt.NDArray[Any]
MIDDLE = len(SIGNED_COLOURS) // 2


def map_of_samples(values: Data, columns: npt.NDArray[np.int64], view: View) -> Data:
    """Of values (channel, sample) in each pixel column the one farthest from zero."""
    found = np.full((len(values), view.width), np.nan)
    for pixel in range(view.width):
        here = values[:, np.isin(columns, columns_of_pixel(view, pixel))]
        for channel, row in enumerate(here):
            known = row[~np.isnan(row)]
            if known.size:
                farthest = known[np.abs(known) == np.abs(known).max()]
                found[channel, pixel] = farthest.max()
    return found


@given(
    steps=st.lists(st.tuples(st.integers(3, 120), PAUSES), min_size=1, max_size=6),
    seed=st.integers(0, 1000),
    share=st.sampled_from([1.0, 1.0, 0.3, 0.05]),
    width=st.integers(3, 90),
    in_axis_time=st.booleans(),
)
@example(steps=[(100, 0.0), (100, 0.05)], seed=0, share=1.0, width=100, in_axis_time=False)
@example(steps=[(40, 0.0), (40, -0.02), (9, 500.0)], seed=1, share=1.0, width=9, in_axis_time=True)
def test_a_signed_map_is_that_of_every_sample(
    steps: list[tuple[int, float]], seed: int, share: float, width: int, in_axis_time: bool
) -> None:
    chance = np.random.default_rng(seed)
    times = clock_of(steps)
    data = chance.normal(0, 50, (times.size, 3)).round()
    data[chance.integers(0, len(data), 3), 0] *= 1000  # peaks that must not vanish
    data[:, 1] += 3000  # an offset is no signal
    data[chance.random(data.shape) < 0.1] = np.nan
    data[:, 2] = np.nan
    counts = data.astype(np.float32) * np.float32(MICROVOLT)
    with TemporaryDirectory() as folder:
        references = recorded.index(Path(folder), counts, chunks=(3, 1), times=times)
        with recorded.probe(references, bucket=4) as probe:
            clock = probe.references.clock
            if in_axis_time:
                clock = make_timeline([clock]).clock(clock)
            stop = clock.t0 + share * (clock.t1 - clock.t0)
            view = read_view(probe, clock.t0, stop, width, clock)
            columns = column_of_samples(view, clock, times.size)
            found = signed_values(view, probe, np.arange(3))
            levels = trace_levels(view, probe)[:, np.newaxis]
            expected = map_of_samples(counts.T.astype(float) - levels, columns, view)
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-12)


def test_colours_have_a_sign_and_white_is_the_median(tmp_path: Path) -> None:
    """Rows from the top down: steps up, steps down, an offset alone, dead, no number."""
    data = np.zeros((300, 5))
    data[100:110, 4], data[100:110, 3] = 100, -50
    data[:, 2] = 7000
    data[:, 1] = np.tile([0, 400], 150)
    data[200:, 0] = np.nan
    counts = (data * MICROVOLT).astype(np.float32)
    with recorded.probe(recorded.index(tmp_path, counts, chunks=(100, 5))) as probe:
        view = read_view(probe, 10, 10.24, 300)
        grey = np.array([False, True, False, False, False])
        order = np.array([4, 3, 2, 1, 0])
        picture = signed_picture(view, probe, 5, volts=100e-6, channels=order, grey=grey)
        at = np.rint((np.array([50, 105, 250]) + 0.5) / 300 * picture.shape[1]).astype(int)
    assert picture[:, at].tolist() == [
        [MIDDLE, 2 * MIDDLE, MIDDLE],
        [MIDDLE, MIDDLE // 2, MIDDLE],
        [MIDDLE] * 3,
        [SIGNED_GREY] * 3,
        [MIDDLE, MIDDLE, SIGNED_GAP],
    ]
    colours = SIGNED_PALETTE.astype(int)
    assert tuple(colours[MIDDLE]) == PAPER
    red, blue = colours[2 * MIDDLE], colours[0]
    assert red[0] > red[2]
    assert blue[2] > blue[0]


def test_channels_that_share_a_row_show_the_one_farthest_from_its_median(tmp_path: Path) -> None:
    data = np.zeros((64, 4), np.float32)
    data[32:34] = np.array([10, -90, 80, 20]) * np.float32(MICROVOLT)
    with recorded.probe(recorded.index(tmp_path, data, chunks=(64, 4)), bucket=4) as probe:
        view = read_view(probe, 10, 10 + 64 / recorded.RATE, 64)
        picture = signed_picture(view, probe, 2, volts=100e-6, channels=np.arange(4))
    middle = picture.shape[1] * 33 // 64
    tenth = MIDDLE / 10
    assert picture[:, middle].tolist() == [round(MIDDLE - 9 * tenth), round(MIDDLE + 8 * tenth)]


@pytest.mark.parametrize("width", [20, 50, 100])
def test_a_trough_stays_however_many_samples_share_its_pixel(tmp_path: Path, width: int) -> None:
    data = np.random.default_rng(0).choice([-1.0, 1.0], (20_000, 1))
    data[9_998] = -5000.0
    counts = (data * MICROVOLT).astype(np.float32)
    with recorded.probe(recorded.index(tmp_path, counts, chunks=(1000, 1))) as probe:
        view = read_view(probe, 10, 26, width)
        found = signed_values(view, probe, np.arange(1))
    assert np.nanmin(found) == pytest.approx(-5000e-6, rel=1e-3)
