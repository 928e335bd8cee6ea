"""Filters against SciPy's design and a direct convolution."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal as scipy_signal

from lfpscope.signals import bandpass
from lfpscope.signals.filter import apply, design, half_length

RATE = 1250.0


def test_design_written_out() -> None:
    # 4 to 10 Hz: transitions of 2 and 2.5 Hz, about 3 and 11.25 Hz
    high = scipy_signal.firwin(1651, 11.25, window="hamming", fs=RATE)
    low = scipy_signal.firwin(2063, 3.0, window="hamming", fs=RATE)
    expected = -low
    expected[206:-206] += high
    np.testing.assert_allclose(design(RATE, 4, 10), expected, atol=1e-15)
    assert half_length(RATE, 4, 10) == 1031
    # 0.5 Hz and above: as wide a transition as there is room for
    low = scipy_signal.firwin(8251, 0.25, window="hamming", fs=RATE)
    expected = -low
    expected[4125] += 1
    np.testing.assert_allclose(design(RATE, 0.5, None), expected, atol=1e-15)


@given(
    n=st.integers(1, 30_000),
    edges=st.sampled_from([(4.0, 10.0), (None, 300.0), (1.0, None), (80.0, 200.0), (None, None)]),
    seed=st.integers(0, 99),
)
def test_equal_to_a_convolution_away_from_the_ends(
    n: int, edges: tuple[float | None, float | None], seed: int
) -> None:
    x = np.random.default_rng(seed).normal(size=(1, n)) + 50
    taps = design(RATE, *edges)
    found = bandpass(x, RATE, *edges)
    half = taps.size // 2
    assert np.isfinite(found).all()
    if n > 2 * half:
        expected = np.convolve(x[0], taps, mode="valid")
        np.testing.assert_allclose(found[0, half : n - half], expected, atol=1e-10)


def test_a_sine_passes_without_a_shift_and_others_are_gone() -> None:
    t = np.arange(20_000) / RATE
    inside, outside = np.sin(2 * np.pi * 7 * t), np.sin(2 * np.pi * 60 * t + 1)
    found = bandpass((inside + outside + 3)[np.newaxis], RATE, 4, 10)[0]
    middle = slice(2000, -2000)
    np.testing.assert_allclose(found[middle], inside[middle], atol=5e-3)


def test_nan_ends_a_stretch() -> None:
    x = np.random.default_rng(0).normal(size=(2, 5000))
    x[0, 2000:2010] = np.nan
    found = bandpass(x, RATE, 20, 100)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(x))
    np.testing.assert_array_equal(found[0, :2000], bandpass(x[:1, :2000], RATE, 20, 100)[0])
    np.testing.assert_array_equal(found[0, 2010:], bandpass(x[:1, 2010:], RATE, 20, 100)[0])
    np.testing.assert_array_equal(found[1], bandpass(x[1:], RATE, 20, 100)[0])


def test_a_line_has_no_edges_in_a_low_pass() -> None:
    x = np.linspace(0, 10, 3000)
    np.testing.assert_allclose(apply(x, design(RATE, None, 50)), x, atol=1e-12)


def test_xarray_in_xarray_out() -> None:
    labelled = xr.DataArray(
        np.random.default_rng(0).normal(size=(500, 2)), dims=("time", "channel")
    )
    found = bandpass(labelled, RATE, 80, 200)
    assert found.dims == ("time", "channel")
    assert found.attrs["band"] == "80–200 Hz"
    np.testing.assert_array_equal(found.values.T, bandpass(labelled.values.T, RATE, 80, 200))


@pytest.mark.parametrize(
    ("low", "high", "says"), [(0, 10, "edge"), (4, 700, "edge"), (10, 4, "lower one first")]
)
def test_edges_that_make_no_band(low: float, high: float, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        design(RATE, low, high)
