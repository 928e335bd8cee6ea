"""However a dataset came about: as h5py reads it, and where kerchunk says it lies."""

import json
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stored import (
    FILTERS,
    SERIES,
    Data,
    assert_read_as,
    dataset,
    index,
    noise,
    write_series,
)

from lfpscope.errors import UserError

DTYPES = ["<i2", ">i2", "<u1", "<i4", ">i8", "<f2", "<f4", ">f4", "<f8"]
ZSTD = {**hdf5plugin.Zstd(3), "shuffle": True}


# --- properties ---------------------------------------------------------------------------------


@dataclass
class History:
    """How a dataset came about."""

    dtype: str
    chunks: tuple[int, int]
    maxshape: tuple[int | None, int | None]
    filters: dict[str, Any]
    libver: str
    shapes: list[tuple[int, int]]
    writes: list[tuple[slice, slice]]
    seed: int

    @property
    def is_misplaced(self) -> bool:
        """Whether HDF5 itself does not tell where its chunks are."""
        behind = self.maxshape == (40, None) and self.chunks[0] < 40
        return behind and self.libver == "latest"

    def write(self, series: h5py.Group) -> None:
        stored = series.create_dataset(
            "data",
            self.shapes[0],
            self.dtype,
            chunks=self.chunks,
            maxshape=self.maxshape,
            **self.filters,
        )
        for i, (shape, region) in enumerate(zip(self.shapes, self.writes, strict=True)):
            stored.resize(shape)
            block = stored[region]
            if block.size:
                stored[region] = noise(block.shape, self.dtype, self.seed + i)


lengths = st.integers(1, 40)
cuts = st.tuples(st.integers(0, 20), st.integers(10, 40)).map(lambda ends: slice(*ends))


@st.composite
def histories(draw: Any) -> History:
    n = draw(st.integers(1, 4))
    everything = (slice(None), slice(None))
    writes = draw(st.lists(st.tuples(cuts, cuts) | st.just(everything), min_size=n, max_size=n))
    return History(
        dtype=draw(
            st.sampled_from(["<i2", ">i2", "<u1", "<i4", ">i8", "<f2", "<f4", ">f4", "<f8"])
        ),
        chunks=draw(st.tuples(st.integers(1, 30), st.integers(1, 6))),
        maxshape=draw(st.sampled_from([(None, None), (None, 40), (40, None), (40, 40)])),
        filters=draw(st.sampled_from([*FILTERS.values(), ZSTD])),
        libver=draw(st.sampled_from(["earliest", "latest"])),
        shapes=draw(st.lists(st.tuples(lengths, lengths), min_size=n, max_size=n)),
        writes=[*writes[:-1], draw(st.sampled_from([writes[-1], everything]))],
        seed=draw(st.integers(0, 99)),
    )


def expected_samples(stored: h5py.Dataset) -> tuple[Data, int]:
    """What h5py reads, NaN where there is no chunk, and how many there are none of."""
    expected, n_missing = stored[()], 0
    for start in product(
        *(range(0, n, c) for n, c in zip(stored.shape, stored.chunks, strict=True))
    ):
        if stored.id.get_chunk_info_by_coord(start).byte_offset is None:
            n_missing += 1
            if expected.dtype.kind == "f":
                rows, columns = (slice(s, s + c) for s, c in zip(start, stored.chunks, strict=True))
                expected[rows, columns] = np.nan
    return expected, n_missing


@given(history=histories())
def test_any_history_reads_as_h5py_reads_it(history, oracle):
    with TemporaryDirectory() as folder:
        path = write_series(Path(folder) / "a.nwb", history.write, libver=history.libver)
        with h5py.File(path) as nwb:
            stored = nwb[SERIES]["data"]
            if history.is_misplaced:
                with pytest.raises(UserError, match="HDF5 lists the places of such chunks wrongly"):
                    index(path)
                return
            expected, n_missing = expected_samples(stored)
        if n_missing and expected.dtype.kind != "f":
            with pytest.raises(UserError, match=f"{n_missing} of .* chunks were never written"):
                index(path)
            return
        references = assert_read_as(path, expected)
        assert np.count_nonzero(references.lfp.offsets < 0) == n_missing
        assert_as_kerchunk(oracle(path), references.file)


# --- kerchunk's own translator ------------------------------------------------------------------

KERCHUNK = "acquisition/lfp/data"  # its name for `lfp`
TRANSLATE = """
import gc, json, sys, warnings
import h5py, kerchunk.hdf
warnings.simplefilter("ignore")
gc.disable()  # the collector can deadlock with h5py's lock inside translate
for line in sys.stdin:
    with h5py.File(line.strip()) as file:
        series = file["acquisition/lfp"]
        translator = kerchunk.hdf.SingleHdf5ToZarr(series, inline_threshold=0, url=line.strip())
        print(json.dumps(translator.translate()["refs"], default=bytes.decode), flush=True)
"""


@pytest.fixture(scope="module")
def oracle() -> Iterator[Callable[[Path], dict[str, Any]]]:
    """Kerchunk's translation of a file, in a process of its own: it may hang."""
    with subprocess.Popen(
        [sys.executable, "-c", TRANSLATE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout

        def translate(path: Path) -> dict[str, Any]:
            process.stdin.write(f"{path}\n")
            process.stdin.flush()
            ready, _, _ = select.select([process.stdout], [], [], 30)
            assert ready, "kerchunk hangs"
            refs: dict[str, Any] = json.loads(process.stdout.readline())
            return refs

        yield translate
        process.kill()


def assert_as_kerchunk(theirs: dict[str, Any], references: Path) -> None:
    """Check that both name the same bytes, and the same way to decode them.

    Kerchunk does not read fletcher32: it leaves the dataset out, or the checksum in its chunks.
    """
    ours = json.loads(references.read_text())["refs"]
    if "fletcher32" in ours["lfp/.zarray"]:
        return
    our_array, their_array = (
        json.loads(ours["lfp/.zarray"]),
        json.loads(theirs[f"{KERCHUNK}/.zarray"]),
    )
    for key in ("shape", "chunks", "dtype", "order"):
        assert our_array[key] == their_array[key]
    assert codecs(our_array) == codecs(their_array)
    assert places(ours, "lfp") == places(theirs, KERCHUNK)


def codecs(zarray: dict[str, Any]) -> list[dict[str, Any]]:
    found = [*(zarray["filters"] or ()), *([zarray["compressor"]] if zarray["compressor"] else ())]
    # kerchunk names zstd's checksum where there is none
    return [{key: value for key, value in one.items() if value is not False} for one in found]


def places(refs: dict[str, Any], name: str) -> dict[str, Any]:
    return {
        key.removeprefix(f"{name}/"): ref[1:]
        for key, ref in refs.items()
        if key.startswith(f"{name}/") and not key.startswith(f"{name}/.")
    }


@pytest.mark.parametrize("name", ["none", "gzip", "shuffle", "shuffle_gzip"])
@pytest.mark.parametrize("dtype", ["<i2", ">f4"])
def test_as_kerchunk_translates(oracle, tmp_path, name, dtype):
    write = dataset(noise((600, 5), dtype), chunks=(64, 3), **FILTERS[name])
    references = index(write_series(tmp_path / "a.nwb", write))
    assert_as_kerchunk(oracle(tmp_path / "a.nwb"), references.file)


def test_contiguous_is_where_kerchunk_says(oracle, tmp_path):
    references = index(write_series(tmp_path / "a.nwb", dataset(noise((600, 5)))))
    assert_as_kerchunk(oracle(tmp_path / "a.nwb"), references.file)
