"""Labels of channels on probes of many kinds: no good channel is called bad."""

import numpy as np
import pytest
from planted import Planted, brain, features_of, pink

from lfpscope.signals.labels import label_channels
from lfpscope.signals.neighbours import Positions
from lfpscope.signals.thresholds import Thresholds

PITCH = 40.0
NOISE_V = 4e-6


def column(n, pitch=PITCH):
    return Positions(np.arange(n) * pitch, np.zeros(n, np.int64))


def shanks(n_shanks, n, pitch):
    return Positions(np.tile(np.arange(n) * pitch, n_shanks), np.repeat(np.arange(n_shanks), n))


def without_depth(n, parts=1):
    return Positions(np.full(n, np.nan), np.repeat(np.arange(parts), n // parts))


# positions, rate, seconds, common signal (V), theta (V), hum (V)
KINDS = {
    "a strong common signal": (column(61), 1250, 16, 3e-4, 8e-5, 0),
    "16 channels, 100 µm": (column(16, 100.0), 1250, 16, 5e-5, 8e-5, 0),
    "24 channels, 200 µm": (column(24, 200.0), 1250, 16, 5e-5, 8e-5, 0),
    "32 channels, 25 µm": (column(32, 25.0), 1250, 16, 5e-5, 8e-5, 0),
    "four channels": (column(4, 100.0), 1250, 16, 5e-5, 8e-5, 0),
    "tetrodes": (without_depth(32, 8), 1250, 16, 5e-5, 8e-5, 0),
    "no depth": (without_depth(32), 1250, 16, 5e-5, 8e-5, 0),
    "four shanks": (shanks(4, 24, 15.0), 1250, 16, 5e-5, 8e-5, 0),
    "two shanks": (shanks(2, 32, 40.0), 1250, 16, 5e-5, 8e-5, 0),
    "500 Hz": (column(61), 500, 16, 5e-5, 8e-5, 0),
    "200 Hz": (column(61), 200, 16, 5e-5, 8e-5, 0),
    "strong mains": (column(61), 1250, 16, 5e-5, 8e-5, 2e-4),
    "strong theta": (column(61), 1250, 16, 5e-5, 6e-4, 0),
    "five seconds": (column(61), 1250, 5, 5e-5, 8e-5, 0),
    "a minute": (column(32), 1250, 60, 5e-5, 8e-5, 0),
}


def record(rng, positions, rate, seconds, common, theta, hum):
    """LFP of a probe on which every channel is good."""
    n = round(rate * seconds)
    x = np.empty((positions.part.size, n))
    for part in np.unique(positions.part):
        here = positions.part == part
        height = np.where(np.isnan(positions.height), np.arange(here.size) * 5, positions.height)
        x[here] = brain(rng, height[here], rate, seconds)
    time = np.arange(n) / rate
    x += common * pink(rng, 1, n, rate, 1.5) + theta * np.sin(2 * np.pi * 7.5 * time)
    return x + hum * np.sin(2 * np.pi * 60 * time)


def break_channels(rng, x, rate):
    """Make up to one channel in eight bad in the ways that there are."""
    labels = np.full(x.shape[0], "good", dtype="U8")
    time, level = np.arange(x.shape[1]) / rate, np.median(x.std(axis=1))
    quiet = NOISE_V * rng.standard_normal(x.shape)
    bad = rng.choice(x.shape[0], min(5, x.shape[0] // 8), replace=False)
    for i, kind in zip(bad, rng.permutation(5), strict=False):
        labels[i] = "noisy" if kind >= 3 else "dead"
        if kind == 0:
            x[i] = 0.0
        elif kind == 1:
            x[i] = quiet[i]
        elif kind == 2:
            x[i] = quiet[i] + 4e-5 * np.sin(2 * np.pi * 60 * time)
        elif kind == 3:
            x[i] += 10 * level * rng.standard_normal(x.shape[1])
        else:
            x[i] = 2e-4 * pink(rng, 1, x.shape[1], rate, 1.0)[0]
    return labels


def label(x, rate, positions):
    one = Planted(x.astype(np.float32), rate, positions.height, np.empty(0))
    return label_channels(features_of(one, positions), positions, Thresholds())


def count(found, labels):
    """Bad channels, those of them that have their label, good ones, and those that are not."""
    is_bad, is_right = labels != "good", found.label == labels
    return np.array(
        [is_bad.sum(), (is_bad & is_right).sum(), (~is_bad).sum(), (~is_bad & ~is_right).sum()]
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_faults_on_many_kinds_of_probes(kind):
    positions, rate, seconds, *levels = KINDS[kind]
    total = np.zeros(4, int)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        x = record(rng, positions, rate, seconds, *levels)
        x += NOISE_V * rng.standard_normal(x.shape)
        labels = break_channels(rng, x, rate)
        total += count(label(x, rate, positions), labels)
    n_bad, n_found, n_good, n_false = total.tolist()
    assert n_found >= 0.95 * n_bad
    assert n_false <= 0.01 * n_good


def one_probe(seed, positions=column(61)):  # noqa: B008 - it is not changed
    rng = np.random.default_rng(seed)
    x = record(rng, positions, 1250, 16, 5e-5, 8e-5, 0)
    return rng, x, NOISE_V * rng.standard_normal(x.shape)


@pytest.mark.parametrize("dead", [slice(20, 26), slice(59, 61), slice(0, 3)])
@pytest.mark.parametrize("level", [0.0, NOISE_V])
def test_neighbours_that_are_all_dead(dead, level):
    rng, x, noise = one_probe(3)
    x += noise
    x[dead] = level * rng.standard_normal(x[dead].shape)
    labels = np.full(61, "good")
    labels[dead] = "dead"
    assert label(x, 1250, column(61)).label.tolist() == labels.tolist()


def test_a_channel_that_is_the_reference_of_the_others():
    for seed in range(5):
        _, x, noise = one_probe(seed)
        x = x - x[30] + noise
        x[30] = 0.0
        found = label(x, 1250, column(61)).label
        assert found[30] == "dead"
        assert np.count_nonzero(found != "good") <= 2  # what is next to it is hardly louder


@pytest.mark.parametrize("shape", ["loud", "quiet", "reversal"])
def test_layers_are_no_faults(shape):
    height = column(61).height
    bump = np.exp(-0.5 * ((height - 1200) / 80) ** 2)
    gain = {
        "loud": 1 + 2.5 * bump,
        "quiet": 1 - 0.6 * bump,
        "reversal": np.tanh((height - 1220) / 50),
    }[shape]
    for seed in range(3):
        _, x, noise = one_probe(seed)
        assert set(label(gain[:, None] * x + noise, 1250, column(61)).label) == {"good"}


def test_a_common_median_was_subtracted():
    for seed in range(3):
        _, x, noise = one_probe(seed)
        found = label(x - np.median(x, axis=0) + noise, 1250, column(61)).label
        assert np.count_nonzero(found != "good") <= 1


def test_in_the_air_all_are_alike():
    rng = np.random.default_rng(0)
    x = NOISE_V * pink(rng, 61, 20_000, 1250, 1.0)
    x += 2e-5 * np.sin(2 * np.pi * 60 * np.arange(20_000) / 1250)
    assert set(label(x, 1250, column(61)).label) == {"good"}


def test_of_volts_that_are_a_thousand_times_too_small_only_flat_channels_are_dead():
    _, x, noise = one_probe(1)
    x += noise
    x[7] = 0.0
    found = label(x * 1e-3, 1250, column(61)).label
    assert np.flatnonzero(found != "good").tolist() == [7]


def test_too_little_is_unknown():
    _, x, noise = one_probe(1)
    assert set(label((x + noise)[:, :3000], 1250, column(61)).label) == {"unknown"}
    assert set(label(x[:1], 1250, column(1)).label) == {"unknown"}
