"""Every way HDF5 stores an array: read in place, sample for sample as h5py reads it."""

import ctypes
import json
import math
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stored import (
    FILTERS,
    SERIES,
    Data,
    Write,
    as_samples_read,
    assert_read_as,
    checksum_first,
    create_with_filters,
    dataset,
    noise,
    write_series,
)

from lfpscope.hdf5 import describe_layout as layouts
from lfpscope.hdf5.chunk_index import read_chunk_table
from lfpscope.hdf5.chunk_table import ChunkTable
from lfpscope.hdf5.decode import decode
from lfpscope.hdf5.describe_layout import describe_layout
from lfpscope.hdf5.layout import Layout
from lfpscope.references.model import ProbeReferences


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., ProbeReferences]:
    def check_(write: Write, **options: Any) -> ProbeReferences:
        path = write_series(tmp_path / "a.nwb", write, **options)
        with h5py.File(path) as nwb:
            stored = nwb[SERIES]["data"][()]
        return assert_read_as(path, stored.reshape(len(stored), -1))

    return check_


# --- chunks -------------------------------------------------------------------------------------


def test_one_channel_per_chunk(check):
    check(dataset(noise((1000, 5)), chunks=(300, 1), compression="gzip"))


def test_several_channels_per_chunk_ragged_on_both_axes(check):
    check(dataset(noise((1000, 5), "<i2"), chunks=(300, 3), compression="gzip"))


def test_chunk_longer_than_the_data(check):
    references = check(
        dataset(noise((10, 4)), chunks=(64, 1), maxshape=(None, 4), compression="gzip")
    )
    assert references.layout.chunks == (64, 1)


def test_unlimited_dimensions(check):
    check(dataset(noise((1000, 5)), chunks=(300, 3), maxshape=(None, None), compression="gzip"))


def test_one_dimension_is_one_channel(check):
    check(dataset(noise((1000,)), chunks=(300,), compression="gzip"))


def test_dimension_of_one_channel(check):
    check(dataset(noise((1000, 1)), chunks=(300, 1), compression="gzip"))


def test_grown_and_shrunk(check):
    def write(series: h5py.Group) -> None:
        stored = series.create_dataset("data", (900, 5), "<i2", chunks=(64, 2), maxshape=(None, 9))
        stored[:] = noise((900, 5), "<i2")
        stored.resize((200, 5))
        stored.resize((700, 7))
        stored[100:] = noise((600, 7), "<i2", seed=1)
        stored[:100, 5:] = 7

    check(write)


INDEX_KINDS: dict[str, tuple[str, dict[str, Any], set[bytes]]] = {
    "btree_1": ("earliest", {}, set()),
    "single_chunk": ("latest", {"chunks": (600, 4)}, set()),
    "fixed_array": ("latest", {}, {b"FAHD"}),
    "extensible_array": ("latest", {"maxshape": (None, 4)}, {b"EAHD"}),
    "btree_2": ("latest", {"maxshape": (None, None)}, {b"BTHD"}),
}


@pytest.mark.parametrize("filters", [{}, {"compression": "gzip", "shuffle": True}])
@pytest.mark.parametrize("kind", INDEX_KINDS)
def test_chunk_index(check, kind, filters):
    libver, how, signatures = INDEX_KINDS[kind]
    how = {"chunks": (64, 3)} | how | filters
    references = check(dataset(noise((600, 4)), **how), libver=libver)
    content = Path(references.address).read_bytes()
    assert {one for one in (b"FAHD", b"EAHD", b"BTHD") if one in content} == signatures


def test_chunk_index_that_is_implicit(check):
    def write(series: h5py.Group) -> None:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((64, 3))
        plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        space = h5py.h5s.create_simple((600, 4))
        stored = h5py.h5d.create(series.id, b"data", h5py.h5t.IEEE_F32LE, space, plist)
        h5py.Dataset(stored)[:] = noise((600, 4))

    check(write, libver="latest")


@pytest.mark.parametrize(("libver", "superblock"), [("earliest", 0), ("v108", 2), ("latest", 3)])
def test_superblock(check, libver, superblock):
    references = check(dataset(noise((600, 4)), chunks=(64, 3)), libver=(libver, "latest"))
    assert Path(references.address).read_bytes()[8] == superblock


def test_superblock_1(tmp_path):
    """What HDF5 writes where nodes of its trees are of another size than usual."""
    plist = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    set_istore_k = ctypes.PyDLL(h5py.h5p.__file__).H5Pset_istore_k  # h5py itself has no call for it
    assert set_istore_k(ctypes.c_int64(plist.id), 16) >= 0
    path = tmp_path / "a.nwb"
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_libver_bounds(h5py.h5f.LIBVER_EARLIEST, h5py.h5f.LIBVER_LATEST)
    h5py.h5f.create(bytes(path), h5py.h5f.ACC_TRUNC, plist, access).close()
    data = noise((600, 4))
    write_series(path, dataset(data, chunks=(8, 1), compression="gzip"), mode="r+")
    assert path.read_bytes()[8] == 1
    assert_read_as(path, data)


@pytest.mark.parametrize("how", [{}, {"chunks": (64, 3), "compression": "gzip"}])
def test_user_block_before_the_file(check, how):
    check(dataset(noise((600, 4)), **how), userblock_size=1024)


def test_data_behind_a_soft_link(check):
    def write(series: h5py.Group) -> None:
        series.file["elsewhere"] = noise((100, 4))
        series["data"] = h5py.SoftLink("/elsewhere")

    check(write)


# --- types --------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [{}, {"chunks": (64, 3), "compression": "gzip", "shuffle": True}])
@pytest.mark.parametrize(
    "dtype",
    ["<i1", "<u1", "<i2", "<u2", "<i4", "<i8", "<f2", "<f4", "<f8", ">i2", ">f4", ">f8"],
)
def test_type(check, dtype, how):
    check(dataset(noise((200, 4), dtype), **how))


@pytest.mark.parametrize("value", [0.0, -0.0, np.nan, np.inf])
def test_zeros_and_nan_are_themselves(check, value):
    data = noise((200, 4))
    data[3:50] = value
    references = check(dataset(data, chunks=(64, 3), fillvalue=0.0))
    assert np.array_equal(np.signbit(as_samples_read(references)), np.signbit(data))


# --- filters ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["<i2", ">f4", "<f8", "<i1"])
@pytest.mark.parametrize("name", FILTERS)
def test_filter(check, name, dtype):
    check(dataset(noise((600, 5), dtype), chunks=(64, 3), **FILTERS[name]))


def plugin_filters() -> dict[str, Any]:
    """Filters that HDF5 loads as plugins and a pinned codec reads."""
    plugin = pytest.importorskip("hdf5plugin", reason="needs hdf5plugin, a test dependency")
    blosc = {
        f"blosc_{name}_{shuffle}": plugin.Blosc(name, 5, shuffle)
        for name, shuffle in product(("blosclz", "lz4", "lz4hc", "zlib", "zstd"), (0, 1, 2))
    }
    return {"zstd": plugin.Zstd(3), "zstd_fast": plugin.Zstd(-5), "bzip2": plugin.BZip2(), **blosc}


@pytest.mark.parametrize("dtype", ["<i2", "<f4"])
def test_filter_of_a_plugin(tmp_path, dtype):
    for name, how in plugin_filters().items():
        path = tmp_path / f"{name}.nwb"
        data = noise((600, 5), dtype) // 2048  # compressible: blosc leaves alone what is not
        write_series(path, dataset(data, chunks=(64, 3), **how))
        assert_read_as(path, data)


def test_zstd_with_shuffle_and_checksum(check):
    how = {**plugin_filters()["zstd"], "shuffle": True, "fletcher32": True}
    check(dataset(noise((600, 5)), chunks=(64, 3), **how))


def test_checksum_before_shuffle_as_old_h5py_wrote_it(check):
    check(lambda series: create_with_filters(series, noise((600, 5)), checksum_first) and None)


# --- contiguous ---------------------------------------------------------------------------------


def test_contiguous_is_one_reference_where_small(check):
    assert check(dataset(noise((1000, 5)))).layout.chunks == (1000, 5)


@pytest.mark.parametrize("n_samples", [1024, 1000, 997])
def test_contiguous_is_split_along_time(check, monkeypatch, n_samples):
    monkeypatch.setattr(layouts, "CONTIGUOUS_BYTES", 2000)
    layout = check(dataset(noise((n_samples, 5)))).layout
    assert layout.chunk_bytes <= 2000
    assert layout.chunks[1] == 5


@given(
    n=st.integers(1, 400),
    width=st.integers(1, 9),
    wanted=st.integers(1, 600),
    itemsize=st.sampled_from([1, 2, 4, 8]),
    transposed=st.booleans(),
)
@example(n=7, width=1, wanted=1, itemsize=8, transposed=True)
def test_contiguous_of_any_length_and_width(n, width, wanted, itemsize, transposed):
    data = noise((width, n) if transposed else (n, width), f"<i{itemsize}")
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        patch.setattr(layouts, "CONTIGUOUS_BYTES", wanted)
        patch.setattr(layouts, "CHANNEL_BYTES", wanted)
        with h5py.File(Path(folder) / "a.h5", "w") as file:
            file["data"] = data
            layout = describe_layout(file["data"], transposed=transposed)
            table = read_chunk_table(file["data"], layout)
        content = (Path(folder) / "a.h5").read_bytes()
    assert read_by_hand(table, content).tolist() == (data.T if transposed else data).tolist()
    assert layout.chunk_bytes <= max(wanted, itemsize * (1 if transposed else width))


def read_by_hand(table: ChunkTable, content: bytes) -> Data:
    """Read an array from its references with nothing but `decode`."""
    layout = table.layout
    padded = [g * c for g, c in zip(layout.grid, layout.chunks, strict=True)]
    array = np.zeros(padded, layout.dtype.newbyteorder("="))
    assert table.n_chunks == math.prod(layout.grid)
    for place in np.ndindex(layout.grid):
        offset, size = int(table.offsets[place]), int(table.sizes[place])
        raw = table.inlined[place] if offset < 0 else content[offset : offset + size]
        where = [slice(i * c, (i + 1) * c) for i, c in zip(place, layout.chunks, strict=True)]
        array[tuple(where)] = decode(raw, layout)
    return array[tuple(slice(n) for n in layout.shape)]


def test_contiguous_of_any_size_has_about_as_many_references(tmp_path):
    with h5py.File(tmp_path / "sparse.h5", "w") as file:
        stored = file.create_dataset("data", (400_000_000, 384), "<i2")
        stored[-1] = 1  # allocates all 300 GB, as a hole in the file
        layout = describe_layout(stored)
        assert read_chunk_table(stored, layout).n_chunks < 2.5 * layouts.MAX_REFERENCES


# --- channels first -----------------------------------------------------------------------------

TRANSPOSED = {
    "chunked": {"chunks": (3, 64), "compression": "gzip", "shuffle": True},
    "one_channel_per_chunk": {"chunks": (1, 64), "compression": "gzip"},
    "contiguous": {},
    "checksum": {"chunks": (2, 50), "fletcher32": True},
    "growing": {"chunks": (5, 50), "maxshape": (5, None)},
}


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("dtype", ["<f4", ">i2"])
@pytest.mark.parametrize("name", TRANSPOSED)
def test_channels_first(tmp_path, monkeypatch, name, dtype, libver):
    monkeypatch.setattr(layouts, "CHANNEL_BYTES", 256)
    data = noise((5, 601), dtype)

    def write(series: h5py.Group) -> None:
        series.create_dataset("data", data=data, **TRANSPOSED[name])
        series["timestamps"] = 10 + np.arange(601) / 1250

    references = assert_read_as(write_series(tmp_path / "a.nwb", write, libver=libver), data.T)
    assert references.layout.order == "F"
    assert references.layout.shape == (601, 5)


def test_one_channel_as_a_row_of_a_matrix(tmp_path):
    data = noise((1, 300))

    def write(series: h5py.Group) -> None:
        series["data"] = data
        series["timestamps"] = (10 + np.arange(300) / 1250)[np.newaxis]

    references = assert_read_as(write_series(tmp_path / "a.nwb", write), data.T)
    assert references.clock.to_json() == [[0, 300, 10.0, pytest.approx(0.0008), pytest.approx(0)]]


# --- Zarr metadata ------------------------------------------------------------------------------


def test_layout_survives_zarr_metadata():
    gzip, shuffle, checksum = (
        {"id": "zlib", "level": 9},
        {"id": "shuffle", "elementsize": 4},
        {"id": "fletcher32"},
    )
    plain = Layout((10, 4), (4, 3), np.dtype(">f4"))
    for codecs_ in [(), (gzip,), (shuffle, gzip), (shuffle, gzip, checksum), (checksum,)]:
        for order in ("C", "F"):
            layout = replace(plain, codecs=codecs_, order=order)
            assert Layout.from_zarray(json.loads(json.dumps(layout.zarray()))) == layout


def test_compressor_is_where_every_reader_of_zarr_looks():
    layout = Layout((10, 4), (4, 3), np.dtype("<f4"), ({"id": "zlib", "level": 9},))
    assert layout.zarray()["compressor"] == {"id": "zlib", "level": 9}
    assert layout.zarray()["filters"] is None
