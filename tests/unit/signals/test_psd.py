"""Spectra of arrays beside SciPy's."""

import numpy as np
import pytest
import xarray as xr
from scipy import signal as scipy_signal

from lfpscope.signals import welch

RATE = 1250.0


def test_equal_to_scipy() -> None:
    x = np.random.default_rng(0).normal(size=(2, 30_000)) + 7
    found = welch(x, rate=RATE)
    frequency, expected = scipy_signal.welch(x, RATE, "hann", 4096, 2048, detrend="constant")
    np.testing.assert_allclose(found.frequency, frequency)
    np.testing.assert_allclose(found.psd, expected, rtol=1e-9, atol=1e-12 * expected.max())
    assert found.n_windows.tolist() == [13, 13]


def test_windows_cross_neither_gaps_nor_nan() -> None:
    x = np.random.default_rng(1).normal(size=(2, 20_000))
    x[1, :9000] = np.nan
    times = np.arange(20_000) / RATE + np.where(np.arange(20_000) < 9000, 0, 5.0)
    labelled = xr.DataArray(x.T, dims=("time", "channel"), coords={"time": times})
    found = welch(labelled)
    parts = [
        scipy_signal.welch(part, RATE, "hann", 4096, 2048, detrend="constant")[1]
        for part in (x[0, :9000], x[0, 9000:], x[1, 9000:])
    ]
    assert found.n_windows.tolist() == [3 + 4, 4]
    np.testing.assert_allclose(
        found.psd[0], (3 * parts[0] + 4 * parts[1]) / 7, rtol=1e-6, atol=1e-9
    )
    np.testing.assert_allclose(found.psd[1], parts[2], rtol=1e-6, atol=1e-9)


def test_without_a_window_there_is_no_spectrum() -> None:
    found = welch(np.full((1, 5000), np.nan), rate=RATE)
    assert np.isnan(found.psd).all()
    with pytest.raises(ValueError, match="neither times nor rate"):
        welch(np.zeros((1, 5000)))
