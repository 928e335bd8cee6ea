"""References of a signal."""

from random import Random

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from lfpscope.signals import rereference
from lfpscope.signals.median import channel_median

SIGNAL = np.array([[1.0, 2, 3], [4, 5, 9], [7, 0, 8], [100, 100, np.nan]])


def test_none_is_a_copy() -> None:
    found = rereference(SIGNAL, "none")
    np.testing.assert_array_equal(found, SIGNAL)
    assert found is not SIGNAL


def test_median_of_the_good_channels_of_the_group() -> None:
    expected = SIGNAL - np.nanmedian(SIGNAL, axis=0)
    np.testing.assert_array_equal(rereference(SIGNAL), expected)
    bad = [False, False, False, True]
    expected = SIGNAL - np.median(SIGNAL[:3], axis=0)  # the bad channel has the reference as well
    np.testing.assert_array_equal(rereference(SIGNAL, "median", bad=bad), expected)
    found = rereference(SIGNAL, "median", group=["a", "b", "a", "b"])
    np.testing.assert_array_equal(found[0], SIGNAL[0] - np.median(SIGNAL[[0, 2]], axis=0))
    np.testing.assert_array_equal(found[1], SIGNAL[1] - [52, 52.5, 9])


def test_where_all_are_bad_there_is_no_median() -> None:
    assert np.isnan(rereference(SIGNAL, "median", bad=np.ones(4))).all()


def test_bipolar_is_the_difference_to_the_next_good_channel_below() -> None:
    depth = [40.0, 0.0, 80.0, 120.0]
    found = rereference(SIGNAL, "bipolar", depth_um=depth, bad=[True, False, False, False])
    np.testing.assert_array_equal(found[0], SIGNAL[0] - SIGNAL[1])
    np.testing.assert_array_equal(found[1], np.full(3, np.nan))
    np.testing.assert_array_equal(found[2], SIGNAL[2] - SIGNAL[1])
    np.testing.assert_array_equal(found[3], SIGNAL[3] - SIGNAL[2])


def test_bipolar_of_xarray_takes_its_depth() -> None:
    depth = ("channel", [40.0, 0.0, 80.0, np.nan])
    labelled = xr.DataArray(SIGNAL.T, dims=("time", "channel"), coords={"depth": depth})
    found = rereference(labelled, "bipolar")
    np.testing.assert_array_equal(found.values[:, 0], SIGNAL[0] - SIGNAL[1])
    assert np.isnan(found.values[:, 3]).all()
    assert found.attrs["reference"] == "bipolar"


def test_an_unknown_reference_is_named() -> None:
    with pytest.raises(ValueError, match=r"'mean' \(expected one of"):
        rereference(SIGNAL, "mean")


@settings(deadline=None)  # it is compiled first
@given(st.integers(1, 40), st.integers(1, 600), st.randoms(use_true_random=False))
def test_the_network_gives_numpys_median(n_channels: int, n: int, random: Random) -> None:
    rng = np.random.default_rng(random.getrandbits(32))
    values = rng.integers(-5, 5, (n_channels, n)).astype(np.float64)
    values[rng.random(values.shape) < 0.01] = np.nan
    chosen = np.flatnonzero(rng.random(n_channels) < 0.7)
    if not chosen.size:
        return
    median, incomplete = channel_median(values, chosen)
    np.testing.assert_array_equal(incomplete, np.isnan(values[chosen]).any(axis=0))
    expected = np.median(values[chosen], axis=0)
    np.testing.assert_array_equal(median[~incomplete], expected[~incomplete])
