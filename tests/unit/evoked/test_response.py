"""Latency, peak and test of averages that are known."""

import numpy as np

from lfpscope.evoked.response import N_FLIPS, bin_edges, find_response, flip_test
from lfpscope.signals.epochs import make_window

WINDOW = make_window(0.001, (-0.1, 0.4))


def binned(trials: np.ndarray) -> np.ndarray:
    """Sums over bins, each trial (channel, trial, time) a part."""
    edges = bin_edges(WINDOW)
    return np.add.reduceat(trials[..., : edges[-1]], edges[:-1], axis=-1)


def test_bins_cover_the_time_before_and_the_response() -> None:
    edges = bin_edges(WINDOW)
    assert edges[:3] == [0, 100, 105]
    assert edges[-1] == 100 + 251
    assert bin_edges(make_window(0.001, (0, 0.4))) == [0]


def test_peak_and_latency_about_the_baseline() -> None:
    mean = np.full((2, WINDOW.width), 7.0)
    mean[0, 100 + 60] = 7 - 3
    mean[0, 100 + 300] = 99  # after the response
    mean[1, 100 + 25] = 7 + 2
    found = find_response(mean, np.zeros((2, 1, len(bin_edges(WINDOW)) - 1)), WINDOW)
    np.testing.assert_allclose(found.peak, [-3, 2])
    np.testing.assert_allclose(found.latency, [0.060, 0.025])


def test_a_channel_of_one_value_has_no_peak() -> None:
    mean = np.array([np.full(WINDOW.width, 5.0), np.full(WINDOW.width, np.nan)])
    found = find_response(mean, np.zeros((2, 1, len(bin_edges(WINDOW)) - 1)), WINDOW)
    assert np.isnan([found.peak, found.latency, found.p]).all()


def test_p_is_small_for_a_response_and_even_where_there_is_none() -> None:
    rng = np.random.default_rng(0)
    trials = rng.normal(size=(200, 20, WINDOW.width)) + 100  # an offset is no response
    p = find_response(trials.mean(axis=1), binned(trials), WINDOW).p
    assert 0.35 < np.mean(p <= 0.5) < 0.65
    assert np.mean(p <= 0.05) < 0.12
    trials[0, :, 150:170] += 1
    p = find_response(trials.mean(axis=1), binned(trials), WINDOW).p
    assert p[0] == 1 / (1 + N_FLIPS)


def test_a_few_trials_prove_little() -> None:
    distances = np.ones((1, 3, 4))
    # of 3 parts, a quarter of the sign patterns has all alike
    assert abs(flip_test(distances)[0] - 0.25) < 0.05
