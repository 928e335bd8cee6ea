"""Rails are called so only where samples pile up; dead is no signal; marks are left out."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import recorded

from lfpscope.doubts import Doubt
from lfpscope.envelope.kernels import ALL_NAN, SOME_NAN
from lfpscope.envelope.read import OpenProbe
from lfpscope.summary.channels import Summary

Data = npt.NDArray[Any]
N = 60_000


def lfp(n: int = N, seed: int = 0, sd: float = 100.0) -> Data:
    """A wandering signal without steps, of one channel."""
    rng = np.random.default_rng(seed)
    x = np.convolve(rng.normal(0, 1, n + 200), np.hanning(40), mode="same")[100:-100]
    signal: Data = sd * x / x.std()
    return signal


def summary(data: Data, tmp_path: Path) -> Summary:
    references = recorded.index(tmp_path, data, chunks=(min(5000, len(data)), 1))
    return recorded.summarise(references)[0]


def saturated(channel: Data, tmp_path: Path, dtype: Any = np.int16) -> bool:
    """Whether a channel of counts is called saturated, beside one that is not."""
    data = np.stack([channel, lfp(len(channel), seed=9)], axis=1)
    found = summary(np.rint(data).astype(dtype) if dtype == np.int16 else data, tmp_path)
    assert not found.saturated[1]
    return bool(found.saturated[0])


def planted(name: str) -> Data:
    x = lfp()
    match name:
        case "clipped gain":
            return np.clip(3 * x, -100, 100)
        case "clipped above only":
            return np.minimum(x, 150)
        case "rarely clipped":
            return np.clip(x, -250, 250)
        case "limit of the type":
            return np.clip(200 * x, -32768, 32767)
        case "unplugged for a fifth":
            x[48_000:] = 6000
            return x
        case "coarse":
            return x / 40
        case "two levels":
            return np.sign(x)
        case "drift":
            return x + np.linspace(0, 5000, N)
        case "drift without noise":
            return np.linspace(0, 30, N)
        case "sine":
            return 1000 * np.sin(2 * np.pi * np.arange(N) / 1250)
        case "slow coarse sine":
            return 9 * np.sin(2 * np.pi * np.arange(N) / 12_500)
        case "zeros for a while, else negative":
            x = -np.abs(x) - 20
            x[10_000:30_000] = 0
            return x
    raise ValueError(name)


RAILS = [
    "clipped gain",
    "clipped above only",
    "rarely clipped",
    "limit of the type",
    "unplugged for a fifth",
]
NO_RAILS = [
    "coarse",
    "two levels",
    "drift",
    "drift without noise",
    "sine",
    "slow coarse sine",
    "zeros for a while, else negative",
]


@pytest.mark.parametrize("name", RAILS)
def test_rails(name: str, tmp_path: Path) -> None:
    assert saturated(planted(name), tmp_path)


@pytest.mark.parametrize("name", NO_RAILS)
def test_extremes_that_are_no_rails(name: str, tmp_path: Path) -> None:
    assert not saturated(planted(name), tmp_path)


def test_rails_of_volts(tmp_path: Path) -> None:
    volts = (np.clip(3 * lfp(), -100, 100) * 1e-6).astype(np.float32)
    data = np.stack([volts, (lfp(seed=1) * 1e-6).astype(np.float32)], axis=1)
    assert summary(data, tmp_path).saturated.tolist() == [True, False]


@pytest.mark.parametrize("n", [1, 3, 20, 200])
def test_short_recordings_are_not_judged(n: int, tmp_path: Path) -> None:
    found = summary(np.rint(lfp(sd=2)[:n]).astype(np.int16)[:, np.newaxis], tmp_path)
    assert not found.saturated.any()
    one = summary(np.zeros((min(n, 99), 1), np.int16), tmp_path)
    assert not one.dead.any()


def test_dead(tmp_path: Path) -> None:
    data = np.stack([lfp(), np.zeros(N), lfp(), np.full(N, 7), lfp()], axis=1)
    data[:40_000, 2] = 0  # 16 s of signal
    found = summary((data * 1e-6).astype(np.float32), tmp_path)
    assert found.dead.tolist() == [False, True, True, True, False]
    assert not found.saturated.any()


def test_a_minute_of_signal_is_not_dead(tmp_path: Path) -> None:
    data = np.zeros((800_000, 1), np.float32)
    data[100_000:180_000, 0] = lfp(80_000) * 1e-6  # 64 s of 640
    assert not summary(data, tmp_path).dead.any()


# --- values that are left out -------------------------------------------------------------------


def marked(value: float) -> Data:
    """Volts with some marks in channels 0 and 2."""
    data = np.stack([lfp(seed=i) for i in range(3)], axis=1) * 1e-6
    data = data.astype(np.float32)
    data[1000, 0] = data[20_000:20_300, 2] = value
    return data


@pytest.mark.parametrize("value", [np.inf, -np.inf, 3e38, 9.97e36, -9999.0, 1e30])
def test_marks_are_left_out_and_named(value: float, tmp_path: Path) -> None:
    data = marked(value)
    references = recorded.index(tmp_path, data, chunks=(5000, 1))
    found, envelope = recorded.summarise(references)
    numbers = np.where(np.abs(data) > 10, np.nan, data).astype(np.float64)
    s = found.statistics
    assert s["n_implausible"].tolist() == [1, 0, 300]
    assert s["n_nan"].tolist() == [0, 0, 0]
    np.testing.assert_allclose(s["mean"], np.nanmean(numbers, axis=0), rtol=1e-6, atol=1e-12)
    assert s["max"].tolist() == np.nanmax(numbers, axis=0).tolist()
    text = "301 samples of 2 channels are not finite or beyond 10 V: left out"
    (doubt,) = [one for one in found.doubts if "left out" in one.text]
    assert doubt == Doubt("values", f"{text} (first: channel 0 at 10.800 s)")
    assert [row["n_implausible"] for row in found.table()] == [1, 0, 300]
    with OpenProbe(references, envelope) as probe:
        assert probe.doubts == found.doubts
        (segment,) = references.clock.segments
        for step in (1, 5, 128, 512):
            columns = probe.columns(segment, 0, N, step)
            assert columns.nan[0, 1000 // step] == (ALL_NAN if step == 1 else SOME_NAN)
            assert np.nanmax(np.abs(columns.values)) < 1e-3
            assert probe.amplitude(columns).peak.max() < 1e-3
            assert probe.amplitude(columns).n.sum() == 3 * N - 301
        assert np.isnan(probe.samples(1000, 1001, [0])).all()
        assert probe.stored(1000, 1001, [0])[0, 0] == np.float32(value)


def test_a_mark_of_integers(tmp_path: Path) -> None:
    data = (np.stack([lfp(), lfp(seed=1)], axis=1) * 1e-6 / 0.195e-6).astype(np.int32)
    data[5:9, 1] = np.iinfo(np.int32).min
    references = recorded.index(tmp_path, data, chunks=(5000, 2))
    found, envelope = recorded.summarise(references)
    assert found.limit > 1e5  # counts that are declared as volts
    assert found.statistics["n_implausible"].tolist() == [0, 4]
    with OpenProbe(references, envelope) as probe:
        assert np.isnan(probe.samples(0, 10)).sum() == 4
        assert probe.stored(5, 6, [1])[0, 0] == np.iinfo(np.int32).min


def test_microvolts_that_are_declared_as_volts_are_kept(tmp_path: Path) -> None:
    data = np.stack([lfp(), lfp(seed=1) * 30], axis=1).astype(np.float32)
    found = summary(data, tmp_path)
    assert not found.statistics["n_implausible"].any()
    assert found.statistics["max"][1] > 10


def test_the_median_is_that_of_the_first_samples_of_buckets(tmp_path: Path) -> None:
    data = np.stack([lfp(), lfp(seed=1)], axis=1).astype(np.float32) * np.float32(1e-6)
    data[48_000:, 0] = 6.4e-3  # as an amplifier that was unplugged
    data[12_800:25_600, 1] = np.nan
    references = recorded.index(tmp_path, data, chunks=(5000, 1))
    with recorded.probe(references) as probe:
        expected = np.nanmedian(data[::128].astype(np.float64), axis=0)
        np.testing.assert_allclose(probe.median, expected, rtol=1e-6)
        assert abs(probe.median[0]) < 50e-6
        assert probe.mean[0] > 1e-3


def test_medians_of_some_channels_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lfpscope.summary.summarize.MEDIAN_BYTES", 1)
    data = np.rint(np.stack([lfp(9000, seed=i) for i in range(5)], axis=1)).astype(np.int16)
    references = recorded.index(tmp_path, data, chunks=(5000, 2))
    with recorded.probe(references) as probe:
        assert probe.median.tolist() == np.median(data[::128], axis=0).tolist()
