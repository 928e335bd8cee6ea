"""One pass gives numpy's statistics and every bucket's first, min, max and last."""

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import recorded
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lfpscope.envelope import kernels_chunk
from lfpscope.envelope.grid import VALUES, bucket_starts
from lfpscope.envelope.kernels import ALL_NAN, CLEAN, SOME_NAN
from lfpscope.envelope.read import OpenProbe
from lfpscope.envelope.zarr_zip import Store
from lfpscope.errors import UserError
from lfpscope.summary.channels import Summary
from lfpscope.summary.driver import REMEDY
from lfpscope.summary.summarize import build_envelope

Data = npt.NDArray[Any]
SECOND = 1250  # samples; the shortest flat stretch


def valid(x: Data, limit: float) -> Data:
    """Volts with NaN where they are beyond a limit."""
    beyond = ~(np.abs(x.astype(np.float64)) <= limit)
    return np.where(beyond, np.nan, x.astype(np.float64)) if beyond.any() else x


def runs(x: Data) -> list[tuple[float, int]]:
    """Value and length of each run of equal neighbours."""
    cuts = np.flatnonzero(np.append(True, x[1:] != x[:-1]))
    return [(x[i], n) for i, n in zip(cuts, np.diff(np.append(cuts, x.size)), strict=True)]


def assert_statistics(summary: Summary, truth: Data, *, n_damaged: Data | int = 0) -> None:
    """Compare with numpy, channel by channel; `truth` has NaN where a chunk is damaged."""
    n_damaged = np.broadcast_to(n_damaged, truth.shape[1])
    for channel, s in enumerate(summary.statistics):
        x = truth[:, channel]
        n_nan = int(np.isnan(x).sum()) if x.dtype.kind == "f" else 0
        x = valid(x, summary.limit)
        numbers = x[~np.isnan(x)] if x.dtype.kind == "f" else x
        assert s["length"] == x.size
        assert s["n"] == numbers.size
        assert s["n_damaged"] == n_damaged[channel]
        assert s["n_nan"] == n_nan - n_damaged[channel]
        assert s["n_implausible"] == x.size - numbers.size - n_nan
        if not numbers.size:
            continue
        assert s["min"] == numbers.min()
        assert s["max"] == numbers.max()
        mean, std = numbers.mean(dtype=np.float64), numbers.std(dtype=np.float64)
        largest = float(np.abs(numbers.astype(np.float64)).max())
        near = {"rel": 1e-6, "abs": 1e-12 * largest}  # sums of ± cancel
        assert s["mean"] == pytest.approx(mean, **near)
        assert np.sqrt(s["m2"] / s["n"]) == pytest.approx(std, **near)
        lengths = runs(x)
        assert s["flat"] == sum(n for value, n in lengths if n >= SECOND)
        for name, rail in (("at_min", numbers.min()), ("at_max", numbers.max())):
            assert s[name] == sum(n for value, n in lengths if value == rail and n >= 3)


def assert_buckets(probe: OpenProbe, truth: Data) -> None:
    """Compare every bucket of every level with numpy."""
    store = Store(probe.references.file.with_name("envelope.zarr.zip"))
    for size in probe.sizes:
        starts = bucket_starts(probe.references.clock, size)
        values = probe.buckets(size, 0, starts.size - 1)
        flags = store.read(f"{size}/nan", 0, starts.size - 1)
        for k, (start, stop) in enumerate(pairwise(starts)):
            for channel in range(truth.shape[1]):
                x = truth[start:stop, channel].astype(np.float64)
                numbers = x[~np.isnan(x)]
                flag = flags[channel, k]
                assert flag == (
                    CLEAN if numbers.size == x.size else SOME_NAN if numbers.size else ALL_NAN
                )
                if numbers.size:
                    expected = [numbers[0], numbers.min(), numbers.max(), numbers[-1]]
                    assert values[:, channel, k].tolist() == expected


def check(
    data: Data, *, chunks: tuple[int, int], bucket: int, damaged: tuple[tuple[int, int], ...] = ()
) -> None:
    """Summarise samples from a file and compare with numpy."""
    truth, n_damaged = data.copy(), np.zeros(data.shape[1], int)
    if damaged:
        truth = truth.astype(np.float64)
        for row, column in damaged:
            spoilt = np.zeros(data.shape, bool)
            spoilt[row * chunks[0] : (row + 1) * chunks[0]][
                :, column * chunks[1] : (column + 1) * chunks[1]
            ] = True
            truth[spoilt] = np.nan
            n_damaged += spoilt.sum(axis=0)
    with TemporaryDirectory() as folder:
        references = recorded.index(Path(folder), data, chunks=chunks, damaged=damaged)
        summary, envelope = recorded.summarise(references, bucket=bucket)
        assert_statistics(summary, truth, n_damaged=n_damaged)
        assert [(d.row, d.column) for d in summary.damage] == sorted(damaged)
        with OpenProbe(references, envelope) as probe:
            assert_buckets(probe, valid(truth, summary.limit))


def adversarial(name: str, n: int = 4000) -> Data:
    rng = np.random.default_rng(len(name))
    noise = rng.normal(0, 1e-4, (n, 3)).astype(np.float32)
    match name:
        case "NaN blocks":
            noise[100:900, 0] = noise[:5, 1] = noise[-1:, 1] = noise[::3, 2] = np.nan
        case "only NaN":
            noise[:, 1] = np.nan
        case "infinity":
            noise[5, 0] = noise[0, 1] = np.inf
            noise[3000, 1] = -np.inf
        case "constants":
            noise[:, 0], noise[:, 1], noise[:, 2] = 0, -1e-3, np.float32(1e30)
        case "denormals":
            noise *= np.float32(1e-38)
        case "far from zero":
            noise += np.float32(1)
        case "an outlier first":
            noise[0] = (1e3, -1e6, 1e9)
        case "int16 at the rails":
            counts = rng.integers(-400, 400, (n, 3)) * 100
            return np.clip(counts, -32768, 32767).astype(np.int16)
        case "saturated":
            noise = np.clip(noise, -1e-4, 1.2e-4)
            noise[:7, 0] = noise[-7:, 1] = noise[990:1010, 2] = np.float32(1.2e-4)
        case "int32":
            return rng.integers(-(2**31), 2**31, (n, 3)).astype(np.int32)
        case "uint8":
            return rng.integers(0, 256, (n, 3)).astype(np.uint8)
        case "float64":
            return rng.normal(0, 1, (n, 3))
        case "float16":
            return (1e3 * noise).astype(np.float16)
        case "flat stretches":
            noise[100:1400, 0] = noise[:1250, 1] = noise[2600:, 1] = 0
            noise[1000:2249, 2] = 1e-4
    return noise


NAMES = [
    "noise",
    "NaN blocks",
    "only NaN",
    "infinity",
    "constants",
    "denormals",
    "far from zero",
    "an outlier first",
    "int16 at the rails",
    "saturated",
    "int32",
    "uint8",
    "float64",
    "float16",
    "flat stretches",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("chunks", "bucket"),
    [((997, 1), 128), ((50, 2), 128), ((4000, 3), 37)],
    ids=["chunk ends inside bucket", "chunk shorter than bucket", "one chunk"],
)
def test_as_numpy(name: str, chunks: tuple[int, int], bucket: int) -> None:
    check(adversarial(name), chunks=chunks, bucket=bucket)


@pytest.mark.parametrize("name", ["noise", "int16 at the rails", "NaN blocks"])
def test_damaged_chunks_are_masked(name: str) -> None:
    check(adversarial(name), chunks=(700, 2), bucket=128, damaged=((0, 0), (2, 1), (5, 1)))


def test_all_chunks_damaged() -> None:
    check(adversarial("noise", 900), chunks=(500, 3), bucket=64, damaged=((0, 0), (1, 0)))


def test_a_single_sample() -> None:
    check(np.array([[1.5e-4, np.nan]], np.float32), chunks=(1, 1), bucket=128)


SHAPE = st.tuples(st.integers(1, 50), st.integers(1, 3))
SAMPLES = st.sampled_from([0.0, 1.0, -1.0, 2.5, 1e30, -1e-40, np.inf, -np.inf, np.nan])


@given(
    data=arrays.arrays(
        np.float32, st.tuples(st.integers(1, 50), st.integers(1, 3)), elements=SAMPLES
    )
    | arrays.arrays(np.int16, st.tuples(st.integers(1, 50), st.integers(1, 3))),
    chunk=st.tuples(st.integers(1, 20), st.integers(1, 3)),
    bucket=st.integers(1, 12),
)
@example(data=np.zeros((6, 1), np.float32), chunk=(2, 1), bucket=4)
def test_any_samples(data: Data, chunk: tuple[int, int], bucket: int) -> None:
    chunks = min(chunk[0], data.shape[0]), min(chunk[1], data.shape[1])
    check(data, chunks=chunks, bucket=bucket)


def test_buckets_do_not_straddle_segments(tmp_path: Path) -> None:
    data = recorded.walk(5000, 2, step=0.195e-6).astype(np.float32)
    times = np.arange(5000) / recorded.RATE
    times[1234:] += 1.0
    times[1235:] += 1.0  # a segment of one sample
    references = recorded.index(tmp_path, data, chunks=(700, 1), times=times)
    with recorded.probe(references, bucket=64) as probe:
        starts = bucket_starts(references.clock, 64)
        assert {0, 1234, 1235} <= set(starts.tolist())
        assert_buckets(probe, data)


def test_more_than_one_slab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lfpscope.summary.driver.STRETCH_BYTES", 3000)
    monkeypatch.setattr("lfpscope.summary.levels.CHUNK_BUCKETS", 10)
    monkeypatch.setattr("lfpscope.envelope.grid.CHUNK_BUCKETS", 10)
    monkeypatch.setattr("lfpscope.envelope.grid.COARSEST", 3)
    data = recorded.walk(4000, 2, step=0.195e-6).astype(np.float32)
    data[1000:1003, 0] = np.nan
    references = recorded.index(tmp_path, data, chunks=(130, 1))
    summary, envelope = recorded.summarise(references, bucket=64)
    assert_statistics(summary, data)
    with OpenProbe(references, envelope) as probe:
        assert len(probe.sizes) == 4
        assert_buckets(probe, data)


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    data = recorded.walk(30_000, 5, step=0.195e-6).astype(np.float32)
    data[7, 1] = np.nan
    references = recorded.index(tmp_path, data, chunks=(999, 2))
    contents = set()
    for threads in (1, 2, 4, 2):
        _, envelope = recorded.summarise(references, bucket=8, threads=threads)
        contents.add(envelope.read_bytes())
    assert len(contents) == 1


@pytest.mark.parametrize("chunks", [(999, 2), (30_000, 1), (64, 5)])
def test_chunk_grids_do_not_change_the_envelope(tmp_path: Path, chunks: tuple[int, int]) -> None:
    data = recorded.walk(30_000, 5, step=0.195e-6).astype(np.float32)
    data[700:703, 1] = np.nan
    stores = []
    for name, grid in (("one", (1000, 5)), ("other", chunks)):
        (tmp_path / name).mkdir()
        references = recorded.index(tmp_path / name, data, chunks=grid)
        stores.append(Store(recorded.summarise(references, bucket=8)[1]))
    one, other = stores
    sizes = one.attributes()["buckets"]
    assert other.attributes()["buckets"] == sizes
    for name in (f"{size}/{part}" for size in sizes for part in (*VALUES, "nan", "left_out")):
        np.testing.assert_array_equal(other.read(name), one.read(name))
    for size in sizes:  # sums of parts of a bucket are rounded where chunks end
        codes = [store.read(f"{size}/rms").astype(np.int64) for store in stores]
        np.testing.assert_allclose(*codes, atol=1)
    np.testing.assert_allclose(*(store.read("statistics/mean") for store in stores), rtol=1e-12)
    for store in stores:
        store.close()


@pytest.mark.parametrize(
    ("step", "stored"),
    [(float(np.float32(0.195e-6)), np.int16), (0.195e-6, np.int16), (1.0, np.int16), (0.21, None)],
)
def test_whole_counts_are_stored_as_int16(tmp_path: Path, step: float, stored: Any) -> None:
    counts = recorded.walk(3000, 2, step=1.0)
    if stored is None:
        counts += np.linspace(0, 1, 3000)[:, np.newaxis]
    data = (counts * step).astype(np.float32)
    references = recorded.index(tmp_path, data, chunks=(500, 1))
    with recorded.probe(references) as probe:
        store = Store(references.file.with_name("envelope.zarr.zip"))
        assert store.read("128/min").dtype == (stored or np.float32)
        assert_buckets(probe, data)


def test_columns_of_float16(tmp_path: Path) -> None:
    data = adversarial("float16")
    with recorded.probe(recorded.index(tmp_path, data, chunks=(700, 2))) as probe:
        (segment,) = probe.references.clock.segments
        columns = probe.columns(segment, 0, 4000, 100).values
        assert columns[2].tolist() == data.T.reshape(3, 40, 100).max(axis=2).tolist()


def test_a_late_value_off_the_grid(tmp_path: Path) -> None:
    data = recorded.walk(3000, 2, step=0.195e-6).astype(np.float32)
    data[2500, 1] = 0.1234567
    references = recorded.index(tmp_path, data, chunks=(500, 1))
    with recorded.probe(references) as probe:
        assert_buckets(probe, data)


def test_sums_of_buckets() -> None:
    x = np.random.default_rng(0).normal(1e3, 1, 10_007)
    edges, sums = np.array([0, 5, 133, 133, 5000, 10_007]), np.empty((3, 5))
    kernels_chunk._bucket_sums(x, edges, x[0], sums)
    for k, (start, stop) in enumerate(pairwise(edges)):
        distances = x[start:stop] - x[0]
        expected = [stop - start, distances.sum(), (distances**2).sum()]
        assert sums[:, k] == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_the_first_of_many_damaged_chunks_are_named(tmp_path: Path) -> None:
    data = recorded.walk(2500, 1, step=1.0).astype(np.float32)
    assert recorded.summarise(recorded.index(tmp_path, data, chunks=(100, 1)))[0].damage == []
    damaged = tuple((row, 0) for row in range(1, 24))
    references = recorded.index(tmp_path, data, chunks=(100, 1), damaged=damaged)
    lines = recorded.summarise(references)[0].describe_damage().splitlines()
    assert lines[0].startswith("probe probe, channel 0, 10.080 to 10.159 s, byte ")
    assert lines[19].startswith("probe probe, channel 0, 11.600 to 11.679 s, byte ")
    assert lines[20:] == ["and 3 more", f"{REMEDY}."]


def test_damage_may_end_the_pass(tmp_path: Path) -> None:
    data = recorded.walk(3000, 3, step=1.0).astype(np.float32)
    references = recorded.index(tmp_path, data, chunks=(500, 1), damaged=((4, 0), (2, 1)))
    envelope = tmp_path / "envelope.zarr.zip"
    with pytest.raises(UserError, match=r"channel 1, 10\.800 to 11\.199 s, byte \d+ of .*damaged"):
        build_envelope(references, envelope, on_damage="fail")
    assert {path.name for path in tmp_path.iterdir()} == {"probe.nwb", "lfp.json"}
