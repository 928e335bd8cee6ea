"""Codes of amplitudes, which the gallery colours at a scale chosen on the page."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from recorded import index, probe, walk

from lfpscope.clock.timeline import make_timeline
from lfpscope.render.heatmap import HEAT_COLOURS, HEAT_GAP, HEAT_GREY, heat_picture
from lfpscope.render.thumbnail import (
    COLUMNS,
    DEAD,
    GAP,
    LEAST,
    LEVELS,
    LOWEST,
    ROWS,
    STEP,
    encode,
    write_levels,
)
from lfpscope.render.view import read_view
from lfpscope.typing import Pixels

LAST = len(HEAT_COLOURS) - 1


def colours(codes: Pixels) -> Pixels:
    """Colour codes as the page does, at the scale of the configuration."""
    amplitude = 10 ** (LOWEST + STEP * (codes.astype(float) - LEAST))
    found = np.rint(np.minimum(np.where(codes == LEAST, 0, amplitude), 1) * LAST)
    return np.where(codes == GAP, HEAT_GAP, np.where(codes == DEAD, HEAT_GREY, found))


@pytest.mark.parametrize("n_channels", [3, 300])
def test_each_level_is_the_map_of_so_many_columns(tmp_path: Path, n_channels: int) -> None:
    data = walk(20_000, n_channels, step=2e-6)
    data[:, 1], data[4000:9000, 2:] = 0.0, np.nan
    with probe(index(tmp_path, data, chunks=(1000, n_channels))) as opened:
        clock = opened.references.clock
        volts = float(np.nanstd(data))
        write_levels(opened, make_timeline([clock]), volts, tmp_path / "levels.png")
        with Image.open(tmp_path / "levels.png") as image:
            assert (image.mode, image.size) == ("L", (COLUMNS, LEVELS * ROWS))
            levels = np.asarray(image).reshape(LEVELS, ROWS, COLUMNS)
        for level, codes in enumerate(levels):
            width = COLUMNS >> level
            view = read_view(opened, clock.t0, clock.t1, width, clock)
            expected = heat_picture(view, opened, ROWS, volts=volts)
            expected = expected[:, np.arange(COLUMNS) * view.width // COLUMNS].astype(int)
            found = colours(codes).astype(int)
            special = (expected >= HEAT_GREY) | (found >= HEAT_GREY)
            assert (found[special] == expected[special]).all()
            # half a step of the codes is 2 % of an amplitude
            assert (np.abs(found - expected) <= 1 + 0.02 * expected)[~special].all()
    assert GAP in levels[0]
    assert (DEAD in levels[0]) == (n_channels == 3)  # among 300 it shares its row of pixels


def test_amplitudes_beyond_the_codes_have_the_last_ones() -> None:
    values = np.array([[0.0, 1e-9, 1e-3, 1.0, 20.0, 1e9, np.nan, np.inf]])
    codes = encode(values, np.array([False]))
    assert codes.shape == (ROWS, 8)
    one = round(LEAST - LOWEST / STEP)
    assert codes[0].tolist() == [LEAST, LEAST, LEAST, one, 255, 255, GAP, 255]
    assert (encode(values, np.array([True]))[0] == [DEAD] * 6 + [GAP, DEAD]).all()
