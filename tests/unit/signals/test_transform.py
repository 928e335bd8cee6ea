"""Transforms: their text, and what they do to samples."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import fftconvolve

from lfpscope.signals import bandpass, rereference
from lfpscope.signals.transform import Site, Transform, apply_transform, parse_transform

RATE = 1250.0
Data = npt.NDArray[Any]


def site(n: int, **group: Data) -> Site:
    return Site(np.zeros(n, np.bool_), np.arange(n) * 20.0, group)


def walk(n_channels: int, n: int, seed: int = 0) -> Data:
    return np.cumsum(np.random.default_rng(seed).normal(size=(n_channels, n)), axis=1) * 1e-6


EDGES = st.one_of(
    st.just((None, None)),
    st.tuples(st.integers(1, 90).map(float), st.none()),
    st.tuples(st.none(), st.integers(1, 500).map(float)),
    st.tuples(st.integers(1, 90).map(float), st.integers(91, 500).map(float)),
)


@given(
    st.sampled_from(["none", "median", "bipolar"]),
    st.sampled_from(["probe", "shank", "area"]),
    EDGES,
    st.sampled_from([None, 50.0, 60.0]),
)
def test_a_text_comes_back(
    reference: Any, within: Any, edges: tuple[float | None, float | None], mains: float | None
) -> None:
    within = within if reference == "median" else "probe"
    transform = Transform(reference, within, *edges, mains)
    assert parse_transform(transform.text) == transform
    assert parse_transform(transform.text.upper().replace("HZ", "hz")) == transform


def test_texts_by_hand() -> None:
    assert parse_transform("") == Transform()
    assert parse_transform("median, 4-10hz") == Transform("median", low=4.0, high=10.0)
    assert parse_transform("notch:50 median:shank").text == "median:shank notch:50"
    assert Transform().text == ""


@pytest.mark.parametrize(
    "text",
    [
        "4-10",  # no unit
        "10-4Hz",
        "0.1-10Hz",
        "median median",
        "4-10Hz >3Hz",
        "median:probes",
        "notch:5",
        "notch:abc",
        "csd:shank",
        "csd median",
        "4-1e3Hz",
    ],
)
def test_other_texts_are_refused_in_a_line(text: str) -> None:
    with pytest.raises(ValueError, match="expected") as refused:
        parse_transform(text)
    assert "\n" not in str(refused.value)


def test_a_band_is_that_of_bandpass() -> None:
    x = walk(3, 20_000)
    found = apply_transform(x, parse_transform("4-10Hz"), RATE, site(3))
    np.testing.assert_allclose(found, bandpass(x, RATE, 4.0, 10.0), atol=1e-12 * x.std())


def test_a_notch_removes_mains_and_leaves_the_rest() -> None:
    t = np.arange(50_000) / RATE
    other = 1e-4 * np.sin(2 * np.pi * 8 * t) + 1e-5 * np.sin(2 * np.pi * 130 * t)
    mains = 1e-4 * np.sin(2 * np.pi * 50 * t) + 2e-5 * np.sin(2 * np.pi * 150 * t + 1)
    transform = parse_transform("notch:50")
    found = apply_transform((other + mains)[np.newaxis], transform, RATE, site(1))[0]
    inside = slice(transform.margin(RATE), -transform.margin(RATE))
    assert np.abs(found - other)[inside].max() < 0.01 * 1e-4


def test_the_reference_comes_first() -> None:
    x = walk(6, 5_000)
    shank = np.array([0, 0, 0, 1, 1, 1])
    bad = np.array([False, True, False, False, False, False])
    known = Site(bad, np.arange(6.0), {"shank": shank})
    found = apply_transform(x, parse_transform("median:shank 30-80Hz"), RATE, known)
    expected = bandpass(rereference(x, "median", group=shank, bad=bad), RATE, 30.0, 80.0)
    np.testing.assert_allclose(found, expected, atol=1e-12 * x.std())
    one = apply_transform(x, parse_transform("bipolar"), RATE, known)
    np.testing.assert_allclose(one[5], x[5] - x[4])


@given(
    first=st.integers(0, 3000),
    stop=st.integers(3001, 12_000),
    text=st.sampled_from(["4-10Hz", ">2Hz", "<100Hz", "median notch:50", "bipolar 30-80Hz"]),
)
def test_a_stretch_with_its_margin_equals_all(first: int, stop: int, text: str) -> None:
    x, transform = walk(3, 12_000), parse_transform(text)
    full = apply_transform(x, transform, RATE, site(3))
    margin = transform.margin(RATE)
    begin, end = max(first - margin, 0), min(stop + margin, 12_000)
    ends = begin == 0, end == 12_000
    part = apply_transform(x[:, begin:end], transform, RATE, site(3), ends=ends)
    part = part[:, first - begin : part.shape[1] - (end - stop)]
    np.testing.assert_allclose(part, full[:, first:stop], atol=1e-11 * x.std())


def test_beside_a_missing_sample_half_a_response_is_not_known() -> None:
    x, transform = walk(2, 12_000), parse_transform("30-80Hz")
    x[0, 6000] = np.nan
    half = transform.margin(RATE)
    found = apply_transform(x, transform, RATE, site(2))
    missing = np.flatnonzero(np.isnan(found[0]))
    assert missing.tolist() == list(range(6000 - half, 6001 + half))
    assert np.isfinite(found[1]).all()
    taps = transform.taps(RATE)
    expected = fftconvolve(x[1], taps, mode="same")
    np.testing.assert_allclose(found[1, half:-half], expected[half:-half], atol=1e-11 * x[1].std())


def test_an_edge_beyond_half_the_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="edge of 300"):
        apply_transform(walk(1, 100), parse_transform("4-300Hz"), 500.0, site(1))
