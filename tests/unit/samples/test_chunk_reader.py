"""Chunks are read once, in the order of the file, several at a time, and kept in bounded memory."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import recorded

from lfpscope.references.model import ProbeReferences
from lfpscope.samples import chunk_cache, chunk_reader
from lfpscope.samples.chunk_cache import Cache, Samples
from lfpscope.samples.chunk_reader import Damage, Source, submit_chunks
from lfpscope.typing import Array


@pytest.fixture
def data() -> npt.NDArray[Any]:
    return recorded.walk(5000, 4, step=0.195e-6).astype(np.float32)


@pytest.fixture
def references(tmp_path: Path, data: npt.NDArray[Any]) -> ProbeReferences:
    return recorded.index(tmp_path, data, chunks=(700, 1), damaged=((2, 1),))


def map_chunks(
    source: Source, rows: range, work: Callable[[int, int, Array | Damage], Any], threads: int = 2
) -> list[Any]:
    with ThreadPoolExecutor(threads) as pool:
        futures = submit_chunks(pool, source, rows, work)
        return [result for future in futures for result in future.result()]


def places(references: ProbeReferences, rows: range, threads: int = 2) -> list[tuple[int, int]]:
    with Source(references) as source:
        return map_chunks(source, rows, lambda row, column, _: (row, column), threads)


@pytest.mark.parametrize("threads", [1, 3])
def test_every_chunk_once_in_the_order_of_the_file(
    references: ProbeReferences, threads: int
) -> None:
    found = places(references, range(1, 6), threads)
    assert sorted(found) == [(row, column) for row in range(1, 6) for column in range(4)]
    assert found == sorted(found, key=lambda place: references.lfp.offsets[place])


@pytest.mark.parametrize(("run", "hole"), [(1, 0), (3000, 0), (3000, 1 << 16), (1 << 22, 1 << 16)])
def test_any_runs_read_the_same(
    references: ProbeReferences,
    data: npt.NDArray[Any],
    monkeypatch: pytest.MonkeyPatch,
    run: int,
    hole: int,
) -> None:
    monkeypatch.setattr(chunk_reader, "RUN_BYTES", run)
    monkeypatch.setattr(chunk_reader, "HOLE_BYTES", hole)

    def check(row: int, column: int, chunk: Array | Damage) -> bool:
        if isinstance(chunk, Damage):
            return (row, column) == (2, 1)
        expected = data[row * 700 : (row + 1) * 700, column]
        return np.array_equal(chunk[: expected.size, 0], expected)

    with Source(references) as source:
        assert all(map_chunks(source, range(8), check))


def test_missing_chunks_are_told(references: ProbeReferences) -> None:
    references.lfp.offsets[3, 2] = references.lfp.offsets[0, 0] = -1
    with Source(references) as source:
        found = map_chunks(source, range(8), lambda *one: one)
    damage = {(row, column): one.reason for row, column, one in found if isinstance(one, Damage)}
    assert len(found) == 32
    assert damage.keys() == {(2, 1), (3, 2), (0, 0)}
    assert damage[3, 2] == damage[0, 0] == "missing"


def test_an_error_in_the_work_is_raised(references: ProbeReferences) -> None:
    def fail(row: int, column: int, _: Array | Damage) -> None:
        if (row, column) == (5, 2):
            raise ZeroDivisionError

    with Source(references) as source, pytest.raises(ZeroDivisionError):
        map_chunks(source, range(8), fail)


@pytest.mark.parametrize("channels", [None, [0], [3, 1], [1, 2], [2, 2]])
@pytest.mark.parametrize(("first", "stop"), [(0, 5000), (699, 701), (1400, 2100), (4999, 5000)])
def test_samples(
    references: ProbeReferences,
    data: npt.NDArray[Any],
    channels: list[int] | None,
    first: int,
    stop: int,
) -> None:
    data[1400:2100, 1] = np.nan
    with Source(references) as source:
        samples = Samples(source)
        found = samples.read(first, stop, channels)
        samples.close()
    wanted = range(4) if channels is None else channels
    np.testing.assert_array_equal(found, data[first:stop, wanted].T)


@pytest.mark.parametrize(
    ("dtype", "exact"), [("<i2", "f4"), ("<f4", "f4"), (">f4", "f4"), ("<i4", "f8"), ("<f8", "f8")]
)
def test_samples_come_in_a_type_that_holds_them(tmp_path: Path, dtype: str, exact: str) -> None:
    data = np.arange(-2000, 2000, dtype=dtype).reshape(1000, 4)
    with Source(recorded.index(tmp_path, data, chunks=(300, 3))) as source:
        samples = Samples(source)
        found = samples.read(200, 900)
        samples.close()
    assert found.dtype == exact
    np.testing.assert_array_equal(found, data[200:900].T)


def test_the_cache_is_bounded_and_shared(
    references: ProbeReferences, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = references.layout.chunk_bytes
    monkeypatch.setattr(chunk_cache, "CACHE", cache := Cache(5 * size))
    with Source(references) as source:
        one, other = Samples(source), Samples(source)
        for first in (0, 1000, 4000, 0):
            one.read(first, first + 900)
            other.read(first, first + 900)
            assert 4 * size <= cache.n_bytes <= 5 * size
        other.read(0, 10, [2])
        one.close()
        assert cache.n_bytes > 0
        other.close()
        assert cache.n_bytes == 0


def test_the_cache_lets_go_of_what_was_used_longest_ago() -> None:
    cache = Cache(10)
    for name in "ab":
        cache.keep(("owner", name), name, 4)
    assert cache.get(("owner", "a")) == "a"
    cache.keep(("owner", "c"), "c", 4)
    assert [cache.get(("owner", name)) for name in "abc"] == ["a", None, "c"]
    cache.keep(("owner", "c"), "C", 5)
    assert (cache.get(("owner", "c")), cache.n_bytes) == ("C", 9)
