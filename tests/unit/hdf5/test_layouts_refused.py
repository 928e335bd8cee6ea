"""What must not be read as data: refused in one line, or seen as damage."""

import ctypes
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from stored import (
    FILTERS,
    SERIES,
    Write,
    as_samples_read,
    assert_read_as,
    checksum_first,
    create_with_filters,
    dataset,
    index,
    noise,
    write_series,
)

from lfpscope.errors import UserError
from lfpscope.hdf5.decode import decode
from lfpscope.hdf5.layout import Layout
from lfpscope.references.model import ProbeReferences


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


# --- types and filters ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [np.zeros((9, 2), "c8"), np.zeros((9, 2), bool), np.array([["a", "b"]], "S3")],
    ids=["complex", "bool", "text"],
)
def test_type_that_is_not_a_number(refusal, data):
    assert "expected integers or floats" in refusal(dataset(data))


@pytest.mark.parametrize("own", ["int of 12 bits", "float of 24 bits"])
def test_numbers_of_a_form_of_their_own(refusal, own):
    kind = (h5py.h5t.STD_I16LE if own.startswith("int") else h5py.h5t.IEEE_F32LE).copy()
    if own.startswith("int"):
        kind.set_precision(12)
    else:
        kind.set_fields(23, 15, 8, 0, 15)
        kind.set_precision(24)

    def write(series: h5py.Group) -> None:
        space = h5py.h5s.create_simple((600, 4))
        h5py.Dataset(h5py.h5d.create(series.id, b"data", kind, space))[:] = -noise((600, 4), "<i2")

    assert "numbers of a form of their own" in refusal(write)


def test_three_axes(refusal):
    assert "shape (9, 2, 3), expected time × channel" in refusal(dataset(noise((9, 2, 3))))


def test_no_samples(refusal):
    assert "shape (0, 4)" in refusal(dataset(noise((0, 4)), maxshape=(None, 4)))


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


def edges_unfiltered(plist: Any) -> None:
    """Ask for edge chunks without filters, as h5py itself does not."""
    plist.set_deflate(4)
    set_options = ctypes.PyDLL(h5py.h5p.__file__).H5Pset_chunk_opts
    assert set_options(ctypes.c_int64(plist.id), 2) >= 0


def test_edge_chunks_that_skip_all_filters_without_a_mask(refusal):
    def write(series: h5py.Group) -> None:
        create_with_filters(series, noise((600, 4)), edges_unfiltered)

    message = refusal(write, libver="latest")
    assert "chunks of (64, 3) at the edges of (600, 4) skip the filters" in message


def test_edge_chunks_that_are_whole_are_filtered(tmp_path):
    data = noise((640, 3))

    def write(series: h5py.Group) -> None:
        create_with_filters(series, data, edges_unfiltered)

    assert_read_as(write_series(tmp_path / "a.nwb", write, libver="latest"), data)


def test_places_that_hdf5_lists_wrongly(refusal):
    """An extensible array, the axis without end not in front."""
    write = dataset(noise((8, 100)), chunks=(2, 10), maxshape=(8, None), compression="gzip")
    assert "HDF5 lists the places of such chunks wrongly" in refusal(write, libver="latest")


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
    assert np.argwhere(references.lfp.offsets < 0).tolist() == [[1, 0], [1, 1], [2, 1]]


def test_floats_that_were_never_written_read_as_nan(tmp_path):
    def write(series: h5py.Group) -> None:
        series.create_dataset("data", (300, 4), "<f4", chunks=(100, 2), compression="gzip")

    path = write_series(tmp_path / "a.nwb", write)
    assert (assert_read_as(path, np.full((300, 4), np.nan, "<f4")).lfp.offsets < 0).all()


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


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ((0, 0), "1 of 12 chunks are listed where another one is"),
        ((64, 6), "a chunk is listed at (64, 6), where data of (192, 6) have none"),
    ],
)
def test_index_that_lists_a_chunk_in_another_place(tmp_path, place, message):
    path = write_series(
        tmp_path / "a.nwb", dataset(noise((192, 6)), chunks=(32, 3)), libver="earliest"
    )
    content = path.read_bytes()
    listed = struct.pack("<QQQ", 64, 3, 0)  # where the index holds the place of a chunk
    assert content.count(listed) == 1
    path.write_bytes(content.replace(listed, struct.pack("<QQQ", *place, 0)))
    with pytest.raises(UserError, match=re.escape(message)):
        index(path)


# --- damage -------------------------------------------------------------------------------------


def damage(references: ProbeReferences, at: int = 20) -> ProbeReferences:
    """Flip one bit in the first chunk."""
    path = Path(references.address)
    content = bytearray(path.read_bytes())
    content[references.lfp.offsets[0, 0] + at] ^= 1
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
