"""Amplitude is that of all samples about the lines of their blocks, from whatever it is made."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import recorded
from hypothesis import given
from hypothesis import strategies as st

from lfpscope.clock.segments import Segment
from lfpscope.envelope.columns import Columns
from lfpscope.envelope.grid import block_size
from lfpscope.envelope.read import OpenProbe
from lfpscope.references.model import ProbeReferences

Data = npt.NDArray[Any]
COLOURS = 256


def distances_of(
    truth: Data, references: ProbeReferences, segment: Segment, block: int, bucket: int
) -> Data:
    """Distances of a segment's samples from their lines, volts, shape (channel, sample)."""
    x = truth[segment.first_sample : segment.stop_sample].astype(np.float64).T
    middle = np.array([recorded.baseline(channel, block, bucket) for channel in x])
    distances: Data = np.abs(x - middle) * np.abs(references.scale)[:, np.newaxis]
    return distances


def expected(distances: Data, columns: Columns) -> tuple[Data, Data, Data]:
    """Squares, n and peak of each column, sample by sample."""
    starts = np.arange(columns.n_columns) * columns.step + columns.first_sample
    starts -= columns.segment.first_sample
    distances = distances[:, : starts[-1] + columns.step]
    squares = np.add.reduceat(np.nan_to_num(distances**2), starts, axis=1)
    n = np.add.reduceat(~np.isnan(distances), starts, axis=1, dtype=int)
    peak = np.maximum.reduceat(np.nan_to_num(distances), starts, axis=1)
    return squares, n, peak


def colours(squares: Data, n: Data, volts: float) -> Data:
    """RMS in linear colours, not rounded."""
    rms = np.sqrt(squares / np.maximum(n, 1))
    shade: Data = np.clip(rms / volts, 0, 1) * (COLOURS - 1)
    return shade


def assert_amplitude(probe: OpenProbe, truth: Data, steps: list[int]) -> None:
    """Compare columns of some widths with all samples; `truth` has NaN where one is left out."""
    references = probe.references
    block = block_size(references.clock, probe.sizes[0])
    for segment in references.clock.segments:
        distances = distances_of(truth, references, segment, block, probe.sizes[0])
        for step in steps:
            if step >= probe.sizes[0]:
                step = probe.column_step(step * 100, 100)
            first, stop = segment.first_sample, segment.stop_sample
            third = (stop - first) // 3
            for start, end in ((first, stop), (first + third, stop - third)):
                columns = probe.columns(segment, start, max(end, start + 1), step)
                squares, n, peak = expected(distances, columns)
                found = probe.amplitude(columns)
                assert found.n.tolist() == n.tolist()
                scale = float(np.nanmax(np.abs(truth))) * float(np.abs(references.scale).max())
                loudest = float(np.sqrt(squares / np.maximum(n, 1)).max())
                near = 1e-6 if columns.bucket <= probe.sizes[0] else 1 / 512  # of wide ones rounded
                least = 1e-3 * loudest + 1e-11 * scale  # rounding: of lines, and of sums
                np.testing.assert_allclose(found.peak, peak, rtol=near, atol=least)
                for volts in (loudest, loudest / 3, loudest / 30):
                    if volts > 1e-6 * scale:
                        shades = colours(squares, n, volts)
                        distance = np.abs(colours(found.squares, found.n, volts) - shades)
                        assert distance.max() < 1


def check(
    data: Data,
    *,
    chunks: tuple[int, int],
    bucket: int,
    steps: list[int],
    times: npt.NDArray[np.float64] | None = None,
    damaged: tuple[tuple[int, int], ...] = (),
) -> None:
    truth = data.astype(np.float64)
    for row, column in damaged:
        here = slice(row * chunks[0], (row + 1) * chunks[0])
        truth[here, column * chunks[1] : (column + 1) * chunks[1]] = np.nan
    with TemporaryDirectory() as folder:
        references = recorded.index(Path(folder), data, chunks=chunks, times=times, damaged=damaged)
        with recorded.probe(references, bucket=bucket) as probe:
            assert_amplitude(probe, truth, steps)


def breaks(n: int, at: list[int]) -> npt.NDArray[np.float64]:
    """Timestamps with a gap of a second before some samples."""
    times = np.arange(n) / recorded.RATE
    for sample in at:
        times[sample:] += 1.0
    return times


STEPS = [1, 3, 7, 40, 128, 200, 640, 2048, 3000, 9000, 40_000]


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.float64, np.int32])
def test_every_zoom(dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lfpscope.envelope.grid.COARSEST", 3)  # levels above a block
    data = recorded.walk(50_000, 3, step=1.0).astype(dtype)
    check(data, chunks=(4321, 2), bucket=128, steps=STEPS)


def test_volts_in_counts_of_an_adc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lfpscope.envelope.grid.COARSEST", 3)
    data = recorded.walk(50_000, 3, step=0.195e-6).astype(np.float32)
    data[300:400, 0] = data[2048:4096, 1] = data[::7, 2] = np.nan
    check(data, chunks=(4321, 2), bucket=128, steps=STEPS, damaged=((2, 0),))


@given(
    seed=st.integers(0, 1000),
    n=st.integers(1, 9000),
    dtype=st.sampled_from([np.int16, np.float32, np.float64, np.int32, np.uint8]),
    height=st.integers(1, 5000),
    width=st.integers(1, 3),
    bucket=st.sampled_from([1, 8, 37, 64, 128]),
    gaps=st.lists(st.integers(1, 8999), max_size=3),
    missing=st.sampled_from([0.0, 0.01, 0.6]),
    offset=st.sampled_from([0.0, 50.0]),
    steps=st.lists(st.integers(1, 4000), min_size=1, max_size=3),
)
def test_any_recording(
    seed: int,
    n: int,
    dtype: Any,
    height: int,
    width: int,
    bucket: int,
    gaps: list[int],
    missing: float,
    offset: float,
    steps: list[int],
) -> None:
    rng = np.random.default_rng(seed)
    data = recorded.walk(n, 3, step=1.0, seed=seed) + offset
    data *= np.repeat(10.0 ** rng.uniform(-2, 0, -(-n // 500)), 500)[:n, np.newaxis]
    data = np.clip(data, 0, 255).astype(dtype) if dtype == np.uint8 else data.astype(dtype)
    if data.dtype.kind == "f":
        data[rng.random(data.shape) < missing] = np.nan
    times = breaks(n, [one for one in gaps if one < n]) if n > 2 else None
    check(data, chunks=(min(height, n), width), bucket=bucket, steps=steps, times=times)


def microvolts(n: int, seed: int = 0) -> Data:
    """Noise of 60 µV in one channel."""
    return np.random.default_rng(seed).normal(0, 60e-6, (n, 1))


def overview(data: Data, tmp_path: Path, width: int = 100) -> tuple[Data, Data]:
    """RMS and peak of a recording in columns."""
    references = recorded.index(tmp_path, data.astype(np.float32), chunks=(5000, 1))
    with recorded.probe(references) as probe:
        (segment,) = probe.references.clock.segments
        columns = probe.columns(segment, 0, len(data), probe.column_step(len(data), width))
        found = probe.amplitude(columns)
        return np.sqrt(found.squares / found.n)[0], found.peak[0]


@pytest.mark.parametrize("width", [100, 1500, 40_000])
@pytest.mark.parametrize(("slope", "rms"), [(30e-6, 60e-6), (2e-3, 84e-6)])
def test_drift_is_no_amplitude(slope: float, rms: float, width: int, tmp_path: Path) -> None:
    """What is left is the drift within a bucket of 0.1 s, divided by √12."""
    drift = slope * np.arange(100_000) / recorded.RATE
    found, peak = overview(microvolts(100_000) + drift[:, np.newaxis], tmp_path, width)
    n = 100_000 // found.size  # samples, whose RMS varies by chance
    assert found.mean() == pytest.approx(rms, rel=0.02 if n > 30 else 0.3)
    assert found.max() < rms * (1 + 5 / np.sqrt(n))  # no stripes
    assert peak.max() < 500e-6


def test_a_step_is_left_in_the_smaller_part_of_its_block(tmp_path: Path) -> None:
    data = microvolts(100_000)
    data[51_200:] += 10e-3  # 25 blocks
    assert overview(data, tmp_path, 1500)[0].max() < 100e-6
    data = microvolts(100_000)
    data[51_200 + 640 :] += 10e-3  # and 5 of 16 buckets
    rms = overview(data, tmp_path, 782)[0]  # columns of 128 samples
    assert rms.size == -(-100_000 // 128)
    assert np.flatnonzero(rms > 100e-6).tolist() == [*range(400, 405)]
    np.testing.assert_allclose(rms[400:405], 10e-3, rtol=0.01)


@pytest.mark.parametrize("start", [51_200, 52_000, 53_100])
def test_an_artefact_is_left_in_its_buckets(start: int, tmp_path: Path) -> None:
    data = microvolts(100_000)
    data[start : start + 100] += 6e-3  # 80 ms
    rms = overview(data, tmp_path, 782)[0]  # columns of 128 samples
    loud = np.flatnonzero(rms > 100e-6)
    assert loud.tolist() == [*range(start // 128, (start + 99) // 128 + 1)]


def test_an_artefact_of_one_sample_keeps_its_peak(tmp_path: Path) -> None:
    data = microvolts(200_000)
    data[123_456] = 5e-3
    rms, peak = overview(data, tmp_path)
    block = data[123_456 // 2048 * 2048 :][:2048, 0].astype(np.float32)
    line = recorded.baseline(block.astype(np.float64), 2048, 128)
    assert peak.max() == pytest.approx(5e-3 - line[123_456 % 2048], rel=1 / 512)
    assert np.argmax(peak) == 123_456 * peak.size // 200_000
    assert rms.max() < 130e-6


@pytest.mark.parametrize(
    ("rate", "bucket", "block"),
    [(1250, 128, 2048), (2500, 128, 4096), (1000, 128, 2048), (10, 128, 128), (30000, 128, 65536)],
)
def test_a_block_is_the_power_of_two_nearest_to_its_seconds(
    rate: int, bucket: int, block: int, tmp_path: Path
) -> None:
    times = np.arange(4096) / rate
    references = recorded.index(tmp_path, np.zeros((4096, 1)), chunks=(100, 1), times=times)
    assert block_size(references.clock, bucket) == block
