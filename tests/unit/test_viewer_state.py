"""What a page shows, without a browser."""

from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as some

from lfpscope.formatting import time_text, voltage_text
from lfpscope.viewer.state import State, from_query, read_time, round_scale

WHOLE = State(0.0, 100.0, 200.0, probes=("a", "b"))


def test_a_range_is_never_empty_nor_backwards() -> None:
    assert WHOLE.at(5, 3).start == 3
    single = WHOLE.at(5, 5)
    assert single.start < 5 < single.stop


def test_steps_and_zooms() -> None:
    assert WHOLE.page(1).start == 90
    assert WHOLE.page(-1).stop == 10
    near = WHOLE.zoom(0.1)
    assert (near.start, near.stop) == (45, 55)
    assert near.around(70, 71).start == 65.5
    assert near.around(0, 50).start < 0 < 50 < near.around(0, 50).stop


def test_spacing_goes_in_steps() -> None:
    assert [WHOLE.wider(steps).spacing for steps in (-1, 0, 1, 2, 99)] == [0, 0, 8, 16, 64]
    assert replace(WHOLE, spacing=17).wider(-1).spacing == 8


def test_gain_goes_in_steps_of_1_2_5() -> None:
    assert [WHOLE.louder(steps).microvolts for steps in (-2, -1, 0, 1, 2)] == [
        1000,
        500,
        200,
        100,
        50,
    ]
    assert WHOLE.louder(99).microvolts == 1e-3
    assert round_scale(303) == 200
    assert round_scale(0) == round_scale(float("nan")) == 100


@given(
    start=some.floats(-1e4, 1e4),
    span=some.floats(0.01, 1e4),
    microvolts=some.sampled_from([1.0, 200.0, 5000.0]),
    hidden=some.sets(some.sampled_from("ab")),
    heat=some.sets(some.sampled_from("ab")),
    areas=some.sets(some.sampled_from(["CA1", "VISp2/3", "a&b=c"])),
    every=some.integers(1, 9),
    depths=some.none() | some.just((20.0, 3840.0)),
    spacing=some.sampled_from([0, 8, 17]),
)
def test_the_address_reproduces_the_state(
    start: float,
    span: float,
    microvolts: float,
    hidden: set[str],
    heat: set[str],
    areas: set[str],
    **rest: object,
) -> None:
    state = replace(WHOLE.at(start, start + span), microvolts=microvolts)
    if hidden == {"a", "b"}:
        hidden = {"a"}
    state = replace(
        state,
        hidden=frozenset(hidden),
        heat=frozenset(heat),
        areas=frozenset(areas),
        **rest,
    )
    again, doubts = from_query(dict(parse_qsl(state.to_query())), WHOLE)
    assert doubts == []
    assert again.start == pytest.approx(state.start, abs=1e-5)
    assert again.stop == pytest.approx(state.stop, abs=1e-5)
    assert replace(again, start=0, stop=1) == replace(state, start=0, stop=1)


@pytest.mark.parametrize(
    "field",
    [
        "t=1",
        "t=a-b",
        "t=nan-1",
        "gain=0",
        "gain=x",
        "probes=z",
        "mode=z",
        "every=0",
        "depths=1",
        "spacing=-1",
    ],
)
def test_what_an_address_says_wrongly_is_named_and_ignored(field: str) -> None:
    name, value = field.split("=")
    assert from_query({name: value, "bokeh-theme": "x"}, WHOLE) == (WHOLE, [field])


def test_voltages_in_words() -> None:
    assert [voltage_text(one) for one in (0.5, 200, 1000, 2.5e6)] == [
        "0.5 µV",
        "200 µV",
        "1 mV",
        "2.5 V",
    ]


def test_times_in_words() -> None:
    assert [time_text(t, 1) for t in (0, 59.96, 62.5, -3.25)] == [
        "0:00.0",
        "1:00.0",
        "1:02.5",
        "−0:03.2",
    ]
    assert time_text(3599.7) == "1:00:00"
    for text, seconds in {"62.5": 62.5, "1:02.5": 62.5, "1:00:00": 3600, "−0:03": -3}.items():
        assert read_time(text) == seconds
    for text in ("x", "1:", "1:2:3:4"):
        with pytest.raises(ValueError, match=text):
            read_time(text)
