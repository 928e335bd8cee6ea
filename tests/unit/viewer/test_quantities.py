"""What is shown has its unit wherever the page names a value; uncertain ends are hatched."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
import recorded

from lfpscope.envelope.read import OpenProbe
from lfpscope.nwb.depth import DepthAxis
from lfpscope.nwb.electrodes import Channels
from lfpscope.signals.quantity import CSD, POTENTIAL, SLOPE
from lfpscope.viewer.channel_trace import read_trace
from lfpscope.viewer.controls import offer_gains
from lfpscope.viewer.gaps import find_empty
from lfpscope.viewer.picture import Picture, common_gains, draw_probe, with_common_gain
from lfpscope.viewer.scale_bar import caption, colour_limits, colour_ticks, scale_text
from lfpscope.viewer.state_query import from_query
from lfpscope.viewer.typed import type_transform
from lfpscope.viewer.view_state import HEAT, SIGNED, TRACES, State

N_CHANNELS = 6
AXIS = DepthAxis("probe_vertical_position", "distance from the tip (µm)")


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenProbe]:
    folder = tmp_path_factory.mktemp("quantities") / "session/probes/probe"
    folder.mkdir(parents=True)
    data = recorded.walk(10_000, N_CHANNELS, step=1e-6).astype(np.float32)
    with recorded.probe(recorded.index(folder, data, chunks=(10_000, 2))) as one:
        known: dict[str, Any] = {"depth": np.arange(N_CHANNELS) * 20.0}
        channels = Channels(one.references.channels.id, known, AXIS)
        one.references = replace(one.references, channels=channels)
        yield one


@pytest.fixture
def state() -> State:
    return State(10.0, 12.0, 200.0, probes=("probe",))


def typed(state: State, text: str) -> State:
    return type_transform((), state, text)


def drawn(probe: OpenProbe, state: State, text: str, mode: str) -> Picture:
    return draw_probe(probe, typed(state, text).drawn_as(mode), 300, 120)


def test_amounts_have_the_unit_that_suits_them() -> None:
    assert [CSD.text(one) for one in (5, 2000, 2e6)] == ["5 A/m³", "2 kA/m³", "2 MA/m³"]
    assert [SLOPE.text(one) for one in (5, 2000)] == ["5 µV/mm", "2 mV/mm"]
    assert SLOPE.values_text(1.5, -2e-3) == "1500.000 … -2.000 µV/mm"  # V/m is mV/mm
    assert POTENTIAL.values_text(1e-6) == "1.000 µV"


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        ("", SIGNED, "potential about its median"),
        ("median", SIGNED, "potential, minus the median of its probe, about its median"),
        (">2Hz notch:50", SIGNED, "potential, above 2 Hz, without 50 Hz and harmonics, about its"),
        ("csd 4-10Hz", SIGNED, "CSD, 4–10 Hz, about its median, sinks blue"),
        ("derivative", SIGNED, "∂φ/∂z about its median, rising upwards red"),
        ("csd", TRACES, "CSD about its median"),
    ],
)
def test_captions_say_what_was_done(
    probe: OpenProbe, state: State, text: str, mode: str, words: str
) -> None:
    assert caption(drawn(probe, state, text, mode)).startswith(words)


def test_an_amplitude_is_of_what_was_done(probe: OpenProbe, state: State) -> None:
    picture = replace(drawn(probe, state, "csd", SIGNED), mode=HEAT, microvolts=400.0)
    assert scale_text(picture) == "amplitude (RMS) of CSD, 0 to 200 A/m³"
    assert scale_text(replace(picture, quantity=POTENTIAL)) == "amplitude (RMS), 0 to 200 µV"


def test_sinks_are_blue_and_the_scale_is_of_the_csd(probe: OpenProbe, state: State) -> None:
    picture = drawn(probe, state, "csd", SIGNED)
    low, high = colour_limits(picture)
    assert low == -high
    assert list(colour_ticks(picture).values()) == [f"−{CSD.text(high)}", "0", f"+{CSD.text(high)}"]
    assert scale_text(drawn(probe, state, "csd", TRACES)).endswith("A/m³")
    # a larger gain makes it paler: what it stands for is the CSD, not µV
    louder = typed(state, "csd").drawn_as(SIGNED).scaled(2 * picture.microvolts)
    assert draw_probe(probe, louder, 300, 120).microvolts == 2 * picture.microvolts


def test_a_gain_is_kept_within_a_unit_only(state: State) -> None:
    chosen = state.scaled(500.0)
    assert not typed(chosen, "4-10Hz").is_auto
    over_depth = typed(chosen, "csd")
    assert (over_depth.is_auto, over_depth.gain_unit) == (True, "A/m³")
    assert not typed(over_depth.scaled(20_000.0), "csd 4-10Hz").is_auto
    assert typed(over_depth.scaled(20_000.0), "").is_auto
    words = dict(offer_gains(200.0, over_depth))
    assert words["10000.0"] == "gain 10 kA/m³"
    assert "500.0" in dict(offer_gains(200.0, chosen))


def test_an_address_comes_back_with_its_unit(state: State) -> None:
    for changed in (typed(state, "csd 4-10Hz"), typed(state, "csd").scaled(20_000.0)):
        fields = dict(one.split("=") for one in changed.to_query().replace("+", " ").split("&"))
        assert from_query(fields, state) == (changed, [])
    assert State(**(asdict(changed) | {"timeline": state.timeline})) == changed  # as JSON has it


def test_probes_share_a_gain_with_those_of_their_unit(probe: OpenProbe, state: State) -> None:
    asked = typed(state, "csd").drawn_as(SIGNED)
    density = draw_probe(probe, asked, 300, 120)
    recorded_one = replace(density, quantity=POTENTIAL, microvolts=100.0)
    gains = common_gains([density, recorded_one, replace(recorded_one, microvolts=300.0)])
    assert gains == {(SIGNED, "A/m³"): density.microvolts, (SIGNED, "µV"): 300.0}
    assert with_common_gain(asked, density, gains) is None
    shared = with_common_gain(asked, recorded_one, gains)
    assert shared is not None
    assert (shared.microvolts, shared.gain_unit, shared.is_auto) == (300.0, "µV", False)
    fixed = asked.scaled(density.microvolts / 2)
    assert with_common_gain(fixed, density, gains) is None  # chosen by the user
    assert with_common_gain(fixed, recorded_one, gains) == shared


def test_the_drawer_has_the_unit(probe: OpenProbe, state: State) -> None:
    trace = read_trace(probe, typed(state, "csd"), 300, 3)
    assert trace.unit == "A/m³"
    assert "A/m³ · as recorded: mean" in trace.text
    assert "csd · −σ ∂²φ/∂z², σ = 0.3 S/m, contacts 20 µm apart in 1 column" in trace.text
    assert "no CSD here" in read_trace(probe, typed(state, "csd"), 300, 0).text
    assert read_trace(probe, state, 300, 3).unit == "µV"


def test_uncertain_ends_are_hatched_and_named(probe: OpenProbe, state: State) -> None:
    picture = drawn(probe, state, "4-10Hz", SIGNED)
    half = 0.5 * round(3.3 * recorded.RATE / 2.0) / recorded.RATE
    assert picture.uncertain_s == pytest.approx(half, abs=1e-3)
    assert picture.badge().endswith(
        "every sample · first and last 825 ms of each segment uncertain (hatched)"
    )
    found = find_empty(probe, replace(state, start=9.0, stop=19.0), 700, picture.uncertain_s)
    assert found["pattern"] == [" ", " ", "\\", "\\"]
    ends = list(zip(found["start"], found["stop"], strict=True))[2:]
    assert ends == [
        pytest.approx((10.0, 10 + half), abs=2e-3),
        pytest.approx((18 - half, 18.0), abs=2e-3),
    ]
    assert drawn(probe, state, "csd", SIGNED).uncertain_s == 0
    assert find_empty(probe, state, 700)["pattern"] == []
    # all of a recording that is shorter than two halves
    found = find_empty(probe, replace(state, start=9.0, stop=19.0), 700, 5.0)
    assert found["pattern"] == [" ", " ", "\\"]
