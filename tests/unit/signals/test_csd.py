"""Current source density of potentials whose sources are known."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from lfpscope.signals.csd import csd

SIGMA = 0.3


@given(
    gaps=st.lists(st.floats(5, 200), min_size=2, max_size=20),
    a=st.floats(-1e3, 1e3),
    seed=st.integers(0, 99),
)
def test_a_parabola_gives_minus_two_a_sigma(gaps: list[float], a: float, seed: int) -> None:
    depth = 20.0 + np.cumsum([0.0, *gaps])
    order = np.random.default_rng(seed).permutation(depth.size)  # channels in any order
    z = depth * 1e-6
    potential = np.stack([a * z**2, 1e-3 + 2.0 * z], axis=1)
    found = csd(potential[order], depth[order])
    ends = (order == 0) | (order == depth.size - 1)
    assert np.isnan(found[ends]).all()
    # the potential's own rounding, over the square of the smallest step
    room = 8 * SIGMA * np.spacing(np.abs(potential).max()) / (min(gaps) * 1e-6) ** 2
    np.testing.assert_allclose(found[~ends, 0], -2 * a * SIGMA, rtol=1e-9, atol=room)
    np.testing.assert_allclose(found[~ends, 1], 0, atol=room)


def test_the_formula_written_out() -> None:
    # φ = 0, 1, 0 µV at 0, 40 and 60 µm: −σ · 2 [(0−1)/20 − (1−0)/40] / 60 · 1e6 V/m²
    found = csd(np.array([[0.0], [1e-6], [0.0]]), [0, 40, 60])
    np.testing.assert_allclose(found[1], [0.3 * 2 * (1 / 20 + 1 / 40) / 60 * 1e6])


def test_a_sink_is_negative() -> None:
    depth = np.arange(0, 400, 40.0)
    potential = -1e-4 * np.exp(-(((depth - 160) / 60) ** 2))[:, np.newaxis]  # V, negative at a sink
    found = csd(potential, depth)
    assert np.nanargmin(found) == 4
    assert found[4] < 0


def test_it_does_not_matter_where_depth_is_counted_from() -> None:
    depth = np.arange(0, 400, 40.0)
    potential = np.random.default_rng(0).normal(size=(10, 5))
    np.testing.assert_allclose(csd(potential, depth), csd(potential, 1000 - depth), rtol=1e-12)


def test_neighbours_of_a_bad_channel_use_the_next_good_one() -> None:
    z = np.arange(0, 280, 40.0)
    potential = (z * 1e-6)[:, np.newaxis] ** 2
    potential[3] = 1.0  # must not be seen
    bad = np.arange(7) == 3
    expected = [np.nan, -0.6, -0.6, np.nan, -0.6, -0.6, np.nan]
    np.testing.assert_allclose(csd(potential, z, bad=bad)[:, 0], expected)
    potential[3] = np.nan  # a channel without a number is bad, said or not
    np.testing.assert_allclose(csd(potential, z)[:, 0], expected)


def test_columns_have_their_own_csd() -> None:
    # two columns, staggered by 20 µm, with an offset between them that is no current
    depth = np.arange(0, 240, 20.0)
    x = np.tile([11.0, 43.0], 6)
    potential = ((depth * 1e-6) ** 2 + np.where(x > 20, 1e-3, 0))[:, np.newaxis]
    found = csd(potential, depth, column=x)[:, 0]
    ends = np.isin(np.arange(12), [0, 1, 10, 11])
    assert np.isnan(found[ends]).all()
    np.testing.assert_allclose(found[~ends], -0.6, rtol=1e-6)


def test_contacts_at_one_depth_are_averaged_where_x_is_unknown() -> None:
    depth = np.repeat(np.arange(0, 200, 40.0), 2)
    pair = np.tile([1e-5, -1e-5], 5)  # cancels
    potential = ((depth * 1e-6) ** 2 + pair)[:, np.newaxis]
    found = csd(potential, depth)[:, 0]
    np.testing.assert_allclose(found[2:-2], -0.6, rtol=1e-9)
    assert np.isnan(found[[0, 1, -2, -1]]).all()
    unknown = csd(potential, depth, column=np.full(10, np.nan))[:, 0]
    np.testing.assert_array_equal(unknown, found)


def test_channels_without_a_depth_have_none() -> None:
    depth = np.array([0, 40, np.nan, 80, 120.0])
    potential = np.where(np.isnan(depth), 9, (depth * 1e-6) ** 2)[:, np.newaxis]
    np.testing.assert_allclose(csd(potential, depth)[:, 0], [np.nan, -0.6, np.nan, -0.6, np.nan])


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_contacts_have_none(n: int) -> None:
    found = csd(np.ones((n, 4)), np.arange(n) * 40.0)
    assert found.shape == (n, 4)
    assert np.isnan(found).all()


def test_smoothing_keeps_what_is_constant_and_has_the_width_asked_for() -> None:
    depth = np.arange(0, 2000, 20.0)
    parabola = np.repeat((depth * 1e-6)[:, np.newaxis] ** 2, 50, axis=1)
    smooth = csd(parabola, depth, smooth_um=50, smooth_ms=2, step_ms=0.8)
    np.testing.assert_allclose(smooth[1:-1], -0.6, rtol=1e-6)
    assert np.isnan(smooth[[0, -1]]).all()
    # a source at one contact and one sample becomes a Gaussian of 50 µm and 2 ms
    kink = np.zeros((100, 101))
    kink[:, 50] = 1e-6 * np.abs(depth - depth[50])
    spread = csd(kink, depth, smooth_um=50, smooth_ms=2, step_ms=0.8)
    np.testing.assert_allclose(
        spread[45, 50] / spread[50, 50], np.exp(-0.5 * (100 / 50) ** 2), rtol=1e-6
    )
    np.testing.assert_allclose(
        spread[50, 55] / spread[50, 50], np.exp(-0.5 * (4 / 2) ** 2), rtol=1e-6
    )


def test_xarray_in_xarray_out() -> None:
    depth = np.array([0, 40, 80.0])
    potential = xr.DataArray(
        np.random.default_rng(1).normal(size=(4, 3)),
        dims=("time", "channel"),
        coords={"time": np.arange(4) * 8e-4, "depth": ("channel", depth)},
        attrs={"units": "V"},
    )
    found = csd(potential, smooth_ms=1.0)
    assert found.dims == ("time", "channel")
    assert found.attrs["units"] == "A m-3"
    expected = csd(potential.values.T, depth, smooth_ms=1.0, step_ms=0.8)
    np.testing.assert_array_equal(found.transpose("channel", "time").values, expected)


@pytest.mark.parametrize(
    ("shape", "depth", "says"),
    [((3,), [0, 1, 2], "channel × time"), ((3, 2), [0, 1], "depth_um"), ((3, 2), None, "depth_um")],
)
def test_what_does_not_fit_is_named(
    shape: tuple[int, ...], depth: list[float] | None, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        csd(np.zeros(shape), depth)


def test_sources_of_a_forward_model_are_recovered_in_place_sign_and_size() -> None:
    # disks of 500 µm radius: the potential on their axis (Pettersen et al., J. Neurosci. Methods
    # 154, 116, 2006) of a sink of −20 µA/mm³ at 600 µm and its sources above and below
    fine, radius = np.arange(0, 1500, 5.0) * 1e-6, 500e-6
    true = 1e4 * (
        np.exp(-0.5 * ((fine - 450e-6) / 50e-6) ** 2)
        - 2 * np.exp(-0.5 * ((fine - 600e-6) / 50e-6) ** 2)
        + np.exp(-0.5 * ((fine - 750e-6) / 50e-6) ** 2)
    )
    depth = np.arange(20, 1500, 40.0)
    away = depth[:, np.newaxis] * 1e-6 - fine
    potential = 5e-6 / (2 * SIGMA) * (np.sqrt(away**2 + radius**2) - np.abs(away)) @ true
    found = csd(potential[:, np.newaxis], depth)[:, 0]
    at_contacts = np.interp(depth * 1e-6, fine, true)
    assert np.nanargmin(found) == at_contacts.argmin()
    assert depth[np.nanargmax(found)] in (460, 740)
    np.testing.assert_allclose(found[1:-1], at_contacts[1:-1], atol=0.15 * 2e4)
