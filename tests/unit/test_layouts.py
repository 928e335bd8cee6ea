"""Every way HDF5 stores an array: read in place, sample for sample as h5py reads it, or refused."""

import json
import math
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lfpscope import layout as layouts
from lfpscope.blocks import Samples, Source, decode
from lfpscope.files import UserError
from lfpscope.layout import Layout, chunk_references, describe_layout
from lfpscope.recording import open_nwb, read_clock, read_recording
from lfpscope.references import References, open_references, write_references

Data = npt.NDArray[Any]
Write = Callable[[h5py.Group], None]

SERIES = "/acquisition/lfp"


def noise(shape: tuple[int, ...], dtype: str = "<f4", seed: int = 0) -> Data:
    rng = np.random.default_rng(seed)
    return rng.integers(1, 120, shape).cumsum(0).astype(dtype)


def write_series(path: Path, write: Write, **options: Any) -> Path:
    """Write the smallest file with an ElectricalSeries; `write` adds what it is about."""
    with h5py.File(path, "w", **options) as nwb:
        series = nwb.create_group(SERIES)
        series.attrs["neurodata_type"] = "ElectricalSeries"
        write(series)
        if "timestamps" not in series and "starting_time" not in series:
            series["starting_time"] = 10.0
            series["starting_time"].attrs["rate"] = 1250.0
    return path


def index(path: Path) -> References:
    """Write references and open them."""
    with open_nwb(path) as nwb:
        recording = read_recording(nwb, SERIES)
        write_references(
            nwb,
            recording,
            read_clock(nwb, recording),
            session="s",
            probe="p",
            address=str(path),
            path=path.with_suffix(".json"),
        )
    return open_references(path.with_suffix(".json"))


def as_engines_read(references: Path) -> Iterator[xr.Dataset]:
    """The references as xarray opens them: kerchunk's engine, and zarr's."""
    plain = {"chunks": None}
    with xr.open_dataset(str(references), engine="kerchunk", open_dataset_options=plain) as ds:
        yield ds
    target = {"fo": str(references), "remote_protocol": "file"}
    options = target | {"remote_options": {"asynchronous": True}}
    with xr.open_dataset(
        "reference://", engine="zarr", consolidated=False, chunks=None, storage_options=options
    ) as ds:
        yield ds


def as_samples_read(references: References, n: int | None = None) -> Data:
    """The first n samples as our own reader decodes them, time first, in stored units."""
    source = Source(references)
    try:
        return Samples(source).read(0, n or references.n_samples).T
    finally:
        source.close()


def assert_read_as(path: Path, stored: Data) -> References:
    """Check that every reader gives the samples that h5py gave, time first."""
    references = index(path)
    np.testing.assert_array_equal(as_samples_read(references), stored)
    for dataset in as_engines_read(references.file):
        np.testing.assert_array_equal(dataset.lfp.values, stored)
        assert dataset.lfp.dtype == stored.dtype.newbyteorder("=")
    return references


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., References]:
    def check_(write: Write, **options: Any) -> References:
        path = write_series(tmp_path / "a.nwb", write, **options)
        with h5py.File(path) as nwb:
            stored = nwb[SERIES]["data"][()]
        return assert_read_as(path, stored.reshape(len(stored), -1))

    return check_


def dataset(data: Data, **how: Any) -> Write:
    """Return what writes these data, in this way."""
    return lambda series: series.create_dataset("data", data=data, **how) and None


@pytest.fixture
def refusal(tmp_path: Path) -> Callable[..., str]:
    """Return the message with which a layout is refused: one line that names the dataset."""

    def refusal_(write: Write, **options: Any) -> str:
        path = write_series(tmp_path / "a.nwb", write, **options)
        with pytest.raises(UserError) as error:
            index(path)
        assert not path.with_suffix(".json").exists()
        message = str(error.value)
        assert message.startswith(f"{path}: {SERIES}")
        assert "\n" not in message
        return message

    return refusal_


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


INDEX_KINDS = {
    "btree_1": {"libver": "earliest", "how": {}},
    "single_chunk": {"libver": "latest", "how": {"chunks": (600, 4)}},
    "fixed_array": {"libver": "latest", "how": {}},
    "extensible_array": {"libver": "latest", "how": {"maxshape": (None, 4)}},
    "btree_2": {"libver": "latest", "how": {"maxshape": (None, None)}},
}


@pytest.mark.parametrize("filters", [{}, {"compression": "gzip", "shuffle": True}])
@pytest.mark.parametrize("kind", INDEX_KINDS)
def test_chunk_index(check, kind, filters):
    how = {"chunks": (64, 3)} | INDEX_KINDS[kind]["how"] | filters
    check(dataset(noise((600, 4)), **how), libver=INDEX_KINDS[kind]["libver"])


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


@pytest.mark.parametrize("how", [{}, {"chunks": (64, 3), "compression": "gzip"}])
def test_user_block_before_the_file(check, how):
    check(dataset(noise((600, 4)), **how), userblock_size=1024)


# --- types --------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [{}, {"chunks": (64, 3), "compression": "gzip", "shuffle": True}])
@pytest.mark.parametrize(
    "dtype", ["<i1", "<u1", "<i2", "<u2", "<i4", "<f2", "<f4", "<f8", ">i2", ">i4", ">f4", ">f8"]
)
def test_type(check, dtype, how):
    check(dataset(noise((200, 4), dtype), **how))


@pytest.mark.parametrize("value", [0.0, -0.0, np.nan, np.inf])
def test_zeros_and_nan_are_themselves(check, value):
    data = noise((200, 4))
    data[3:50] = value
    references = check(dataset(data, chunks=(64, 3), fillvalue=0.0))
    assert np.array_equal(np.signbit(as_samples_read(references)), np.signbit(data))


@pytest.mark.parametrize(
    "data",
    [np.zeros((9, 2), "c8"), np.zeros((9, 2), bool), np.array([["a", "b"]], "S3")],
    ids=["complex", "bool", "text"],
)
def test_type_that_is_not_a_number(refusal, data):
    assert "expected integers or floats" in refusal(dataset(data))


def test_three_axes(refusal):
    assert "shape (9, 2, 3), expected time × channel" in refusal(dataset(noise((9, 2, 3))))


def test_no_samples(refusal):
    assert "shape (0, 4)" in refusal(dataset(noise((0, 4)), maxshape=(None, 4)))


# --- filters ------------------------------------------------------------------------------------

FILTERS = {
    "none": {},
    "gzip": {"compression": "gzip", "compression_opts": 9},
    "gzip_0": {"compression": "gzip", "compression_opts": 0},
    "shuffle": {"shuffle": True},
    "shuffle_gzip": {"compression": "gzip", "shuffle": True},
    "fletcher32": {"fletcher32": True},
    "gzip_fletcher32": {"compression": "gzip", "fletcher32": True},
    "shuffle_gzip_fletcher32": {"compression": "gzip", "shuffle": True, "fletcher32": True},
}


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


def create_with_filters(
    series: h5py.Group, data: Data, set_filters: Callable[[Any], None]
) -> h5py.Dataset:
    """Create a dataset with filters in an order that h5py's high level does not make."""
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((64, 3))
    set_filters(plist)
    space = h5py.h5s.create_simple(data.shape)
    kind = h5py.h5t.py_create(data.dtype, logical=True)
    stored = h5py.Dataset(h5py.h5d.create(series.id, b"data", kind, space, plist))
    stored[:] = data
    return stored


def checksum_first(plist: Any) -> None:
    plist.set_fletcher32()
    plist.set_shuffle()
    plist.set_deflate(4)


def test_checksum_before_shuffle_as_old_h5py_wrote_it(check):
    check(lambda series: create_with_filters(series, noise((600, 5)), checksum_first) and None)


def test_checksum_that_is_no_whole_element_of_the_shuffle(refusal):
    data = noise((600, 5), "<f8")
    message = refusal(lambda series: create_with_filters(series, data, checksum_first) and None)
    assert "fletcher32 (filter 3), shuffle (filter 2), deflate (filter 1)" in message


def test_gzip_twice(refusal):
    def twice(plist: Any) -> None:
        plist.set_deflate(4)
        plist.set_deflate(4)

    data = noise((600, 5))
    message = refusal(lambda series: create_with_filters(series, data, twice) and None)
    assert "deflate (filter 1), deflate (filter 1)" in message


REFUSED = {
    "lzf": ({"compression": "lzf"}, "lzf (filter 32000)"),
    "scale_offset": ({"scaleoffset": 0}, "scaleoffset (filter 6)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_filter_that_no_codec_reads(refusal, name):
    how, named = REFUSED[name]
    message = refusal(dataset(noise((600, 5), "<i2"), chunks=(64, 3), **how))
    assert named in message
    assert "h5repack" in message


def test_filter_of_a_plugin_that_no_codec_reads(refusal):
    plugin = pytest.importorskip("hdf5plugin", reason="needs hdf5plugin, a test dependency")
    for how, named in {
        plugin.LZ4(): "(filter 32004)",
        plugin.Bitshuffle(): "(filter 32008)",
        plugin.Blosc2(): "(filter 32026)",
        plugin.Blosc("snappy"): "(filter 32001)",
    }.items():
        assert named in refusal(dataset(noise((600, 5), "<i2"), chunks=(64, 3), **how))


# --- what must not be read ----------------------------------------------------------------------


def write_chunk_unfiltered(series: h5py.Group) -> None:
    data = noise((200, 4))
    stored = series.create_dataset("data", data=data, chunks=(100, 2), compression="gzip")
    stored.id.write_direct_chunk((100, 2), data[100:, 2:].tobytes(), filter_mask=1)


def test_chunk_that_skips_a_filter(refusal):
    message = refusal(write_chunk_unfiltered)
    assert "1 of 4 chunks skip a filter, first the one at (100, 2)" in message


def half_written(dtype: str) -> Write:
    def write(series: h5py.Group) -> None:
        stored = series.create_dataset("data", (300, 4), dtype, chunks=(100, 2), compression="gzip")
        stored[:100] = noise((100, 4), dtype)
        stored[200:, :2] = noise((100, 2), dtype)

    return write


def test_integers_with_missing_chunks(refusal):
    assert "3 of 6 chunks were never written" in refusal(half_written("<i2"))


def test_floats_with_missing_chunks_read_as_nan(tmp_path):
    path = write_series(tmp_path / "a.nwb", half_written("<f4"))
    expected = np.full((300, 4), np.nan, "<f4")
    expected[:100], expected[200:, :2] = noise((100, 4)), noise((100, 2))
    references = assert_read_as(path, expected)
    assert np.argwhere(references.offsets < 0).tolist() == [[1, 0], [1, 1], [2, 1]]


def test_compact(refusal):
    def write(series: h5py.Group) -> None:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple((10, 4))
        stored = h5py.h5d.create(series.id, b"data", h5py.h5t.IEEE_F32LE, space, plist)
        h5py.Dataset(stored)[:] = noise((10, 4))

    assert "compact or never written" in refusal(write)


def test_contiguous_but_never_written(refusal):
    assert "compact or never written" in refusal(
        lambda series: series.create_dataset("data", (100, 4), "<f4") and None
    )


def test_external(refusal, tmp_path):
    (tmp_path / "raw.bin").write_bytes(noise((100, 4)).tobytes())
    where = [(str(tmp_path / "raw.bin"), 0, 1600)]
    assert "lie in other files" in refusal(
        lambda series: series.create_dataset("data", (100, 4), "<f4", external=where) and None
    )


def test_virtual(refusal, tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["data"] = noise((100, 4))
        virtual = h5py.VirtualLayout((100, 4), "<f4")
        virtual[:] = h5py.VirtualSource(other["data"])
    assert "lie in other files" in refusal(
        lambda series: series.create_virtual_dataset("data", virtual) and None
    )


def test_link_into_another_file(refusal, tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["data"] = noise((100, 4))

    def write(series: h5py.Group) -> None:
        series["data"] = h5py.ExternalLink("other.h5", "/data")

    assert "a link into another file, other.h5" in refusal(write)


def test_link_to_nothing(refusal):
    def write(series: h5py.Group) -> None:
        series["data"] = h5py.SoftLink("/not/there")

    assert "a link to /not/there, which is not there" in refusal(write)


def test_data_behind_a_soft_link(check):
    def write(series: h5py.Group) -> None:
        series.file["elsewhere"] = noise((100, 4))
        series["data"] = h5py.SoftLink("/elsewhere")

    check(write)


# --- contiguous ---------------------------------------------------------------------------------


def test_contiguous_is_one_reference_where_small(check):
    assert check(dataset(noise((1000, 5)))).layout.chunks == (1000, 5)


@pytest.mark.parametrize("n_samples", [1024, 1000, 997])
def test_contiguous_is_split_along_time(check, monkeypatch, n_samples):
    monkeypatch.setattr(layouts, "CONTIGUOUS_BYTES", 2000)
    layout = check(dataset(noise((n_samples, 5)))).layout
    assert layout.chunk_bytes <= 2000
    assert layout.chunks[1] == 5


@settings(max_examples=200, deadline=None)
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
            refs = chunk_references(file["data"], layout, "lfp")
        content = (Path(folder) / "a.h5").read_bytes()
    assert read_by_hand(refs, layout, content).tolist() == (data.T if transposed else data).tolist()
    assert layout.chunk_bytes <= max(wanted, itemsize * (1 if transposed else width))


def read_by_hand(refs: dict[str, Any], layout: Layout, content: bytes) -> Data:
    """Read an array from its references with nothing but `decode`."""
    padded = [g * c for g, c in zip(layout.grid, layout.chunks, strict=True)]
    array = np.zeros(padded, layout.dtype.newbyteorder("="))
    assert len(refs) == math.prod(layout.grid)
    for key, ref in refs.items():
        place = [int(i) for i in key.split("/")[1].split(".")]
        raw = layouts.base64.b64decode(ref[7:]) if isinstance(ref, str) else None
        raw = content[ref[1] : ref[1] + ref[2]] if raw is None else raw
        where = [slice(i * c, (i + 1) * c) for i, c in zip(place, layout.chunks, strict=True)]
        array[tuple(where)] = decode(raw, layout)
    return array[tuple(slice(n) for n in layout.shape)]


def test_contiguous_of_any_size_has_about_as_many_references(tmp_path):
    with h5py.File(tmp_path / "sparse.h5", "w") as file:
        stored = file.create_dataset("data", (400_000_000, 384), "<i2")
        stored[-1] = 1  # allocates all 300 GB, as a hole in the file
        layout = describe_layout(stored)
        assert len(chunk_references(stored, layout, "lfp")) < 2.5 * layouts.MOST_REFERENCES


# --- channels first -----------------------------------------------------------------------------

TRANSPOSED = {
    "chunked": {"chunks": (3, 64), "compression": "gzip", "shuffle": True},
    "one_channel_per_chunk": {"chunks": (1, 64), "compression": "gzip"},
    "contiguous": {},
    "checksum": {"chunks": (2, 50), "fletcher32": True},
}


@pytest.mark.parametrize("dtype", ["<f4", ">i2"])
@pytest.mark.parametrize("name", TRANSPOSED)
def test_channels_first(tmp_path, monkeypatch, name, dtype):
    monkeypatch.setattr(layouts, "CHANNEL_BYTES", 256)
    data = noise((5, 601), dtype)

    def write(series: h5py.Group) -> None:
        series.create_dataset("data", data=data, **TRANSPOSED[name])
        series["timestamps"] = 10 + np.arange(601) / 1250

    references = assert_read_as(write_series(tmp_path / "a.nwb", write), data.T)
    assert references.layout.order == "F"
    assert references.layout.shape == (601, 5)


def test_one_channel_as_a_row_of_a_matrix(tmp_path):
    data = noise((1, 300))

    def write(series: h5py.Group) -> None:
        series["data"] = data
        series["timestamps"] = (10 + np.arange(300) / 1250)[np.newaxis]

    references = assert_read_as(write_series(tmp_path / "a.nwb", write), data.T)
    assert references.clock.to_json() == [[0, 300, 10.0, pytest.approx(0.0008), pytest.approx(0)]]


# --- damage -------------------------------------------------------------------------------------


def damage(references: References, at: int = 20) -> References:
    """Flip one bit in the first chunk."""
    path = Path(references.address)
    content = bytearray(path.read_bytes())
    content[references.offsets[0, 0] + at] ^= 1
    path.write_bytes(content)
    return references


@pytest.mark.parametrize(
    "name", ["gzip", "fletcher32", "gzip_fletcher32", "shuffle_gzip_fletcher32"]
)
def test_flipped_bit_is_seen(tmp_path, name):
    write = dataset(noise((600, 2)), chunks=(300, 2), **FILTERS[name])
    references = damage(index(write_series(tmp_path / "a.nwb", write)))
    block = as_samples_read(references)
    assert np.isnan(block[:300]).all()
    np.testing.assert_array_equal(block[300:], noise((600, 2))[300:])


@pytest.mark.parametrize(
    ("codecs", "raw", "reason"),
    [
        ((), bytes(31), "31 bytes, expected 32"),
        (({"id": "zlib", "level": 1},), b"", "does not inflate"),
        (({"id": "zlib", "level": 1},), bytes(40), "does not inflate"),
        (({"id": "fletcher32"},), bytes(4), "more than a checksum"),
        (({"id": "fletcher32"},), bytes(35) + b"1", "checksum does not fit"),
        (({"id": "zstd", "level": 1},), bytes(40), "does not decompress"),
        (({"id": "bz2", "level": 1},), bytes(40), "does not decompress"),
        (({"id": "shuffle", "elementsize": 4},), bytes(30), "30 bytes, expected 32"),
    ],
)
def test_bytes_that_are_not_a_chunk(codecs, raw, reason):
    with pytest.raises(ValueError, match=reason):
        decode(raw, Layout((8, 1), (8, 1), np.dtype("<f4"), codecs))


def test_chunk_that_inflates_to_more_than_a_chunk():
    import zlib

    layout = Layout((8, 1), (8, 1), np.dtype("<f4"), ({"id": "zlib", "level": 9},))
    with pytest.raises(ValueError, match="does not inflate"):
        decode(zlib.compress(bytes(100_000_000), 9), layout)


# --- properties ---------------------------------------------------------------------------------


@dataclass
class History:
    """How a dataset came about."""

    dtype: str
    chunks: tuple[int, int]
    filters: dict[str, Any]
    libver: str
    shapes: list[tuple[int, int]]
    writes: list[tuple[slice, slice]]
    seed: int

    def write(self, series: h5py.Group) -> None:
        stored = series.create_dataset(
            "data",
            self.shapes[0],
            self.dtype,
            chunks=self.chunks,
            maxshape=(None, None),
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
        dtype=draw(st.sampled_from(["<i2", ">i2", "<i4", "<f4", ">f4", "<f8"])),
        chunks=draw(st.tuples(st.integers(1, 30), st.integers(1, 6))),
        filters=draw(st.sampled_from(list(FILTERS.values()))),
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


@settings(max_examples=60, deadline=None)
@given(history=histories())
def test_any_history_reads_as_h5py_reads_it(history, oracle):
    with TemporaryDirectory() as folder:
        path = write_series(Path(folder) / "a.nwb", history.write, libver=history.libver)
        with h5py.File(path) as nwb:
            stored = nwb[SERIES]["data"]
            expected, n_missing = expected_samples(stored)
        if n_missing and expected.dtype.kind != "f":
            with pytest.raises(UserError, match=f"{n_missing} of .* chunks were never written"):
                index(path)
            return
        references = assert_read_as(path, expected)
        assert np.count_nonzero(references.offsets < 0) == n_missing
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
    return [*(zarray["filters"] or ()), *([zarray["compressor"]] if zarray["compressor"] else ())]


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
