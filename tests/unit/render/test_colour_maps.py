"""Colours that are known without matplotlib are matplotlib's."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import LinearSegmentedColormap

from lfpscope.render.colour_maps import MAGMA, VIRIDIS
from lfpscope.render.palettes import HEAT_COLOURS, SIGNED_COLOURS, SIGNED_STOPS


def test_colour_maps_are_matplotlib_s() -> None:
    for name, colours in {"magma": MAGMA, "viridis": VIRIDIS}.items():
        np.testing.assert_array_equal(colours, mpl.colormaps[name](range(256), bytes=True)[:, :3])
    heat = mpl.colormaps["magma"](np.linspace(0, 0.98, 254), bytes=True)[:, :3]
    np.testing.assert_array_equal(HEAT_COLOURS, heat)


def test_signed_colours_lie_between_their_stops() -> None:
    expected = LinearSegmentedColormap.from_list("signed", SIGNED_STOPS, N=253)(range(253))
    np.testing.assert_allclose(SIGNED_COLOURS / 255, expected[:, :3], atol=0.5001 / 255)


@pytest.mark.slow
def test_the_viewer_s_page_is_imported_without_what_it_does_not_need() -> None:
    heavy = "matplotlib", "scipy.fft", "cyclopts", "pandas", "xarray", "datashader"
    code = "import sys, lfpscope.command.serve, lfpscope.viewer.page; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(heavy) & set(done.stdout.split())
