"""Labels of channels on simulated recordings with planted faults."""

import numpy as np
import pytest
from planted import Planted, brain, features_of, pink

from lfpscope.signals.labels import label_channels
from lfpscope.signals.neighbours import Positions, find_neighbours
from lfpscope.signals.similarity import compare_channels
from lfpscope.signals.thresholds import Thresholds


def plant(seed, rate, pitch):
    seconds = 5 * 2**12 / 1250  # nine windows
    rng = np.random.default_rng(seed)
    height = np.repeat(np.arange(48) * pitch, 2)[:61] if pitch == 20 else np.arange(61) * pitch
    height = height.astype(float)
    x = brain(rng, height, rate, seconds)
    n_channels, n = x.shape
    labels = np.full(n_channels, "good", dtype="U8")
    flags = {"drifting": set(), "mains": set()}
    surface = None
    if seed % 2:  # channels above the brain
        n_out = 2 * int(rng.integers(2, 11)) + (pitch == 20)  # of 61, one row has a channel
        labels[-n_out:] = "outside"
        surface = (height[-n_out] + height[-n_out - 1]) / 2
        fade = 10 ** (-rng.uniform(10, 25) / 20)
        x[-n_out:] = fade * x[-n_out - 1] + 0.2 * fade * x[-n_out:]
    x += rng.uniform(2e-6, 6e-6) * rng.standard_normal(x.shape)
    inside = np.flatnonzero(labels == "good")
    bad = rng.choice(inside[2:-3], int(rng.integers(2, 8)), replace=False)
    time = np.arange(n) / rate
    for i, kind in zip(bad, rng.permutation(8), strict=False):
        if kind == 0:
            x[i], labels[i] = 0.0, "dead"
        elif kind == 1:
            x[i], labels[i] = 3e-6 * rng.standard_normal(n), "dead"
        elif kind == 2:  # only hum
            x[i] = 3e-6 * rng.standard_normal(n) + 4e-5 * np.sin(2 * np.pi * 60 * time)
            labels[i] = "dead"
            flags["mains"].add(int(i))
        elif kind == 3:
            x[i] += 1e-3 * rng.standard_normal(n)
            labels[i] = "noisy"
        elif kind == 4:
            x[i] = 2e-4 * pink(rng, 1, n, rate, 1.0)[0]
            labels[i] = "noisy"
        elif kind == 5:  # in some recordings no more than the brain's own high frequencies
            x[i] += 2e-5 * rng.standard_normal(n)
            labels[i] = "noisy"
        elif kind == 6:
            walk = np.cumsum(np.interp(time, np.arange(18), rng.standard_normal(18)))
            x[i] += 2e-3 * (walk - walk.mean()) / walk.std()
            flags["drifting"].add(int(i))
        else:
            x[i] += 5e-5 * np.sin(2 * np.pi * 60 * time)
            flags["mains"].add(int(i))
    return Planted(x.astype(np.float32), rate, height, labels, flags, surface)


def label(one):
    positions = Positions(one.height, np.zeros(one.height.size, np.int64))
    return label_channels(features_of(one, positions), positions, Thresholds())


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "pitch"), [(1250.0, 40), (2500.0, 20)])
def test_planted_faults_are_found_and_good_channels_are_not_called_bad(rate, pitch):
    n_bad = n_found = n_good = n_false = 0
    flagged = {"drifting": [0, 0, 0], "mains": [0, 0, 0]}
    wrong = []
    away = []
    for seed in range(100):
        one = plant(seed, rate, pitch)
        found = label(one)
        is_bad = one.labels != "good"
        right = found.label == one.labels
        n_bad += is_bad.sum()
        n_found += (is_bad & right).sum()
        n_good += (~is_bad).sum()
        n_false += (~is_bad & ~right).sum()
        wrong += [
            (seed, i, one.labels[i], found.label[i], found.reason[i])
            for i in np.flatnonzero(~right).tolist()
        ]
        for kind, counts in flagged.items():
            has = {i for i, flags in enumerate(found.flags) if kind in flags}
            counts[0] += len(one.flags[kind])
            counts[1] += len(has & one.flags[kind])
            counts[2] += len(has - one.flags[kind])
        if one.surface is not None and found.surfaces:
            away.append(abs(found.surfaces[0].height - one.surface))
    # a failure names them: seed, channel, planted, found, why
    assert n_found >= 0.95 * n_bad, wrong
    assert n_false <= 0.01 * n_good, wrong
    for n_planted, n_right, n_wrong in flagged.values():
        assert n_right >= 0.95 * n_planted
        assert n_wrong <= 0.01 * n_good
    assert np.median(away) <= pitch


def test_level_is_known_where_each_window_has_a_nan():
    windows = np.random.default_rng(1).normal(0, 5e-5, (3, 4, 2000))
    windows[:, :, 7] = np.nan
    neighbours = find_neighbours(Positions(np.arange(4) * 40.0, np.zeros(4, int)), 100.0)
    alike = compare_channels(windows, 1000.0, neighbours, [], np.arange(0))
    assert alike.level == pytest.approx(5e-5, rel=0.05)
    assert np.isnan(alike.similarity).all()


def test_neighbours_are_those_in_micrometres_of_the_same_shank():
    height = np.array([0.0, 40, 80, 120, 1000, 0, 40])
    part = np.array([0, 0, 0, 0, 0, 1, 1])
    found = [sorted(one.tolist()) for one in find_neighbours(Positions(height, part), 50.0)]
    # the eight nearest at least, if they are within 500 µm
    assert found == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2], [], [6], [5]]
