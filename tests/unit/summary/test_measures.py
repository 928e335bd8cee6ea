"""The pass hands every sample once to each measure, whatever the chunk grid."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import recorded
from hypothesis import given
from hypothesis import strategies as st

from lfpscope.envelope.plausible import plausible_values
from lfpscope.references.model import ProbeReferences
from lfpscope.samples.chunk_reader import Damage, Source
from lfpscope.summary import driver
from lfpscope.summary.driver import run_pass
from lfpscope.summary.measure import DecodedChunk, Measure, Slab, Stretch

Data = npt.NDArray[Any]
LIMIT = 10.0  # V
DTYPES = (np.int16, np.float32, np.float64, np.float16)


def truth(data: Data, chunks: tuple[int, int], damaged: Sequence[tuple[int, int]]) -> Data:
    """Samples (channel, time), NaN where they take part in nothing."""
    x = data.astype(np.float64)
    x[~(np.abs(x) <= LIMIT)] = np.nan
    for row, column in damaged:
        rows = slice(row * chunks[0], (row + 1) * chunks[0])
        x[rows, column * chunks[1] : (column + 1) * chunks[1]] = np.nan
    return x.T


def crossings(x: Data) -> Data:
    """Times that neighbours have different signs; not where either is NaN."""
    found: Data = (x[:, 1:] * x[:, :-1] < 0).sum(axis=1)
    return found


# --- two measures: one from chunks, one from slabs ------------------------------------------------


@dataclass
class Crossings:
    """Zero crossings in each chunk of a stretch, and its first and last samples."""

    stretch: Stretch
    n: Data
    ends: Data  # (2, row, channel)


class ChunkCrossings(Measure[Crossings]):
    """Zero crossings of each channel, chunk by chunk."""

    def __init__(self, n_channels: int) -> None:
        self.n = np.zeros(n_channels, int)
        self._last = np.full(n_channels, np.nan)

    def begin(self, stretch: Stretch) -> Crossings:
        shape = len(stretch.tops), self.n.size
        return Crossings(stretch, np.zeros(shape, int), np.full((2, *shape), np.nan))

    def add_chunk(self, part: Crossings, chunk: DecodedChunk) -> None:
        if chunk.damage is not None:
            return
        assert chunk.samples.shape == (chunk.limits.shape[1], chunk.stop - chunk.first)
        low, high = chunk.limits[:, :, np.newaxis]
        x = np.where((chunk.samples >= low) & (chunk.samples <= high), chunk.samples, np.nan)
        here = chunk.row, chunk.channels
        part.n[here] = crossings(x.astype(np.float64))
        part.ends[:, *here] = x[:, [0, -1]].T

    def merge(self, part: Crossings) -> None:
        for n, (first, last) in zip(part.n, part.ends.swapaxes(0, 1), strict=True):
            self.n += n + (self._last * first < 0)
            self._last = last


class SlabCrossings(Measure[Data]):
    """The same from slabs, with the sample before each."""

    wants_slabs, overlap = True, 1

    def __init__(self, n_channels: int) -> None:
        self.n = np.zeros(n_channels, int)
        self.slabs: list[tuple[int, int]] = []  # of the first channel

    def begin(self, stretch: Stretch) -> Data:  # noqa: ARG002 - of any stretch
        return np.zeros(self.n.size, int)

    def add_slab(self, part: Data, slab: Slab) -> None:
        if slab.channels.start == 0:
            self.slabs.append((slab.first, slab.stop))
        low, high = slab.limits[:, :, np.newaxis]
        x = np.where((slab.samples >= low) & (slab.samples <= high), slab.samples, np.nan)
        x = x.astype(np.float64)
        for one in slab.damaged:
            wide = np.zeros((self.n.size, slab.stop), bool)
            wide[one.channels, one.first : one.stop] = True
            x[wide[slab.channels, slab.first :]] = np.nan
        part[slab.channels] += crossings(x)

    def merge(self, part: Data) -> None:
        self.n += part


def walk(
    references: ProbeReferences, measures: Sequence[Measure[Any]], threads: int = 2
) -> list[Damage]:
    with Source(references) as source:
        limits, folder = plausible_values(references, LIMIT), references.file.parent
        return run_pass(source, measures, limits, threads=threads, folder=folder)


@st.composite
def recordings(draw: st.DrawFn) -> tuple[Data, tuple[int, int], tuple[tuple[int, int], ...]]:
    n, n_channels = draw(st.integers(1, 400)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    data = rng.normal(0, 3, (n, n_channels)).astype(draw(st.sampled_from(DTYPES)))
    if data.dtype.kind == "f":
        data[rng.random(data.shape) < 0.02] = draw(st.sampled_from([np.nan, np.inf, 1e4]))
    chunks = min(n, draw(st.integers(1, 200))), draw(st.integers(1, n_channels))
    grid = -(-n // chunks[0]), -(-n_channels // chunks[1])
    places = st.tuples(st.integers(0, grid[0] - 1), st.integers(0, grid[1] - 1))
    damaged = draw(st.sets(places, max_size=3)) if chunks[0] * chunks[1] > 20 else set()
    return data, chunks, tuple(sorted(damaged))


@given(recordings(), st.integers(1, 5000), st.integers(1, 3))
def test_every_sample_once(
    recording: tuple[Data, tuple[int, int], tuple[tuple[int, int], ...]],
    n_bytes: int,
    threads: int,
) -> None:
    data, chunks, damaged = recording
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        patch.setattr(driver, "STRETCH_BYTES", n_bytes)
        references = recorded.index(Path(folder), data, chunks=chunks, damaged=damaged)
        measures = ChunkCrossings(data.shape[1]), SlabCrossings(data.shape[1])
        found = walk(references, measures, threads)
    expected = crossings(truth(data, chunks, damaged)).tolist()
    assert measures[0].n.tolist() == expected
    assert measures[1].n.tolist() == expected
    assert [(one.row, one.column) for one in found] == list(damaged)
    slabs = measures[1].slabs
    assert slabs[0][0] == 0
    assert slabs[-1][1] == data.shape[0]
    assert all(first == stop - 1 for (_, stop), (first, _) in pairwise(slabs))


class LongOverlap(SlabCrossings):
    """Keeps the samples of every slab."""

    overlap = 250

    def __init__(self, n_channels: int) -> None:
        super().__init__(n_channels)
        self.samples: list[Data] = []

    def add_slab(self, part: Data, slab: Slab) -> None:
        super().add_slab(part, slab)
        self.samples.append(slab.samples.copy())


def test_an_overlap_of_more_than_a_stretch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "STRETCH_BYTES", 2100)
    data = recorded.walk(1000, 3, step=1).astype(np.int16)
    measure = LongOverlap(3)
    walk(recorded.index(tmp_path, data, chunks=(100, 3)), [measure], threads=1)
    assert measure.slabs[:4] == [(0, 100), (0, 200), (0, 300), (50, 400)]
    for (first, stop), samples in zip(measure.slabs, measure.samples, strict=True):
        assert samples.tolist() == data.T[:, first:stop].tolist()


def test_a_row_of_chunks_that_does_not_fit_is_several_stretches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "STRETCH_BYTES", 600)
    data = recorded.walk(1000, 3, step=1).astype(np.int16)
    measure = SlabCrossings(3)
    walk(recorded.index(tmp_path, data, chunks=(300, 1)), [measure], threads=1)
    stops = [128, 256, 300, 428, 556, 600, 728, 856, 900, 1000]
    assert measure.slabs == list(zip([0, *(stop - 1 for stop in stops[:-1])], stops, strict=True))
    assert measure.n.tolist() == crossings(truth(data, (300, 1), ())).tolist()


class Failing(SlabCrossings):
    """Fails in a thread."""

    def add_slab(self, part: Data, slab: Slab) -> None:  # noqa: ARG002
        raise IndexError


def test_an_error_in_a_thread_ends_the_pass(tmp_path: Path) -> None:
    references = recorded.index(tmp_path, np.zeros((10, 1), np.int16), chunks=(5, 1))
    with pytest.raises(IndexError):
        walk(references, [Failing(1)])


class ThreadsUsed(LongOverlap):
    """Notes in which threads it is called."""

    def __init__(self, n_channels: int) -> None:
        super().__init__(n_channels)
        self.workers: set[int] = set()
        self.callers: set[int] = set()

    def add_chunk(self, part: Data, chunk: DecodedChunk) -> None:  # noqa: ARG002
        self.workers.add(threading.get_ident())

    def add_slab(self, part: Data, slab: Slab) -> None:  # noqa: ARG002
        self.workers.add(threading.get_ident())

    def merge(self, part: Data) -> None:  # noqa: ARG002
        self.callers.add(threading.get_ident())


@pytest.mark.parametrize("threads", [1, 3])
def test_no_more_threads_than_asked_for(
    threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "STRETCH_BYTES", 1)
    data = recorded.walk(1000, 30, step=1).astype(np.int16)
    measure = ThreadsUsed(30)
    walk(recorded.index(tmp_path, data, chunks=(50, 1)), [measure], threads=threads)
    assert 1 <= len(measure.workers) <= threads
    assert measure.callers == {threading.get_ident()}
