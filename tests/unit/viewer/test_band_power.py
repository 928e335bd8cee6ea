"""Power of a band as a mode of the viewer, without a browser."""

from dataclasses import replace
from urllib.parse import parse_qsl

import numpy as np
import pytest
import recorded

from lfpscope.errors import UserError
from lfpscope.summary.spectrum_file import SpectrumSettings
from lfpscope.summary.summarize import build_envelope
from lfpscope.viewer.controls import Controls, common_bands
from lfpscope.viewer.mode_colours import palette
from lfpscope.viewer.picture import Picture, draw, sketch
from lfpscope.viewer.probe_slot import ProbeSlot
from lfpscope.viewer.readout import read_values
from lfpscope.viewer.scale_bar import colour_limits, colour_ticks, scale_text
from lfpscope.viewer.session_folder import first_state
from lfpscope.viewer.state_query import from_query
from lfpscope.viewer.view_state import HEAT, State

THETA = "power theta"
N = 30_000  # samples, from 10 s on


@pytest.fixture(scope="module")
def slot(tmp_path_factory: pytest.TempPathFactory) -> ProbeSlot:
    """6 Hz of 200 µV in channels 2 and 3 of four, until 22 s."""
    folder = tmp_path_factory.mktemp("power") / "probe"
    folder.mkdir()
    t = np.arange(N) / recorded.RATE
    data = np.random.default_rng(0).normal(0, 20e-6, (N, 4))
    data[:, 2:] += np.where(t < 12, 200e-6 * np.sin(2 * np.pi * 6 * t), 0)[:, np.newaxis]
    references = recorded.index(folder, data.astype(np.float32), chunks=(5000, 4))
    settings = SpectrumSettings(folder / "spectrum.zarr.zip")
    build_envelope(references, folder / "envelope.zarr.zip", spectrum=settings)
    return ProbeSlot(folder)


@pytest.fixture(scope="module")
def state(slot: ProbeSlot) -> State:
    return replace(first_state([slot.open()]).drawn_as(THETA), is_auto=False, microvolts=200.0)


def drawn(slot: ProbeSlot, state: State) -> Picture:
    picture = draw(slot, state, 240, 40)
    assert isinstance(picture, Picture), picture
    return picture


def test_colours_are_decibels_below_half_the_gain(slot: ProbeSlot, state: State) -> None:
    picture = drawn(slot, state)
    # the top row is channel 3; 141 µV are 43 dB, and the colours reach from 10 to 40
    assert (picture.pixels[0, 20:100] == 253).all()
    assert picture.pixels[-1, :230].max() < 253 // 2  # noise of 20 µV has 2 µV of theta
    assert picture.pixels[0, 200:230].max() < 253 // 2
    louder = drawn(slot, state.scaled(1000.0))  # 24 to 54 dB
    assert louder.pixels[0, 60] == pytest.approx(253 * (43 - 24) / 30, abs=2)
    assert picture.badge().startswith("theta 4–10 Hz · windows of 1.64 s of every sample")
    assert palette(THETA) == palette(HEAT)


def test_the_scale_is_labelled_in_decibels(slot: ProbeSlot, state: State) -> None:
    picture = drawn(slot, state)
    loud, quiet = replace(picture, microvolts=200.0), replace(picture, microvolts=2.0)
    assert colour_limits(loud) == pytest.approx((10.0, 40.0))
    assert list(colour_ticks(quiet).values()) == ["−30 dB", "−15 dB", "0 dB"]
    assert scale_text(loud) == "theta power (dB re 1 µV²), 10 dB to 40 dB"


def test_a_gain_that_suits_leaves_room_above_what_is_usual(slot: ProbeSlot, state: State) -> None:
    picture = drawn(slot, replace(state, is_auto=True))
    assert 43 < colour_limits(picture)[1] < 43 + 15


def test_the_reading_adds_the_power_under_the_cursor(slot: ProbeSlot, state: State) -> None:
    picture = drawn(slot, state)
    reading = read_values(slot.open(), state, 16.0, 0.99, picture.grid)
    assert reading is not None
    assert reading.row == 3
    level = float(reading.band.removeprefix("theta 4–10 Hz: ").split(" dB re 1 µV²")[0])
    assert level == pytest.approx(10 * np.log10(200**2 / 2), abs=0.3)
    assert reading.text(state).endswith("in windows of 1.64 s of every sample")
    raw = read_values(slot.open(), state.drawn_as(HEAT), 16.0, 0.99, picture.grid)
    assert raw is not None
    assert raw.band == ""


def test_a_band_that_is_not_there_is_named_and_nothing_is_drawn(
    slot: ProbeSlot, state: State
) -> None:
    found = draw(slot, state.drawn_as("power ripple"), 240, 40)
    assert isinstance(found, UserError)
    assert "have no band ripple (known: delta, theta, beta, gamma, high gamma)" in str(found)
    assert sketch(slot, state, 240, 40) is None


def test_a_transform_goes_before_the_power(slot: ProbeSlot, state: State) -> None:
    picture = drawn(slot, replace(state.at(12.0, 16.0), transform=">30Hz"))
    assert picture.badge().startswith(">30Hz · theta 4–10 Hz")
    assert picture.pixels.max() < 253 // 2


def test_bands_are_in_the_menu_and_the_address(slot: ProbeSlot, state: State) -> None:
    bands = common_bands([slot.open()])
    assert bands == ["delta", "theta", "beta", "gamma", "high gamma"]
    controls = Controls([], state, [], bands=bands)
    assert controls.mode.value == THETA
    assert ("power high gamma", "high gamma power") in controls.mode.options
    for mode in ("power high gamma", THETA):
        own = state.drawn_as(mode)
        both = replace(own, probes=("probe", "other"))
        for one in (own, both):
            again, doubts = from_query(dict(parse_qsl(one.to_query())), one.drawn_as(None))
            assert (again.modes, doubts) == (one.modes, [])
