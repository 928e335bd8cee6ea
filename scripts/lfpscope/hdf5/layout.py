"""How an HDF5 dataset lies in its file, in the terms of Zarr version 2, and how one chunk decodes.

Chunks are listed with `h5py`'s ``chunk_iter``: one walk over the chunk index, and a count that is
checked against the whole grid, so that nothing can be dropped silently.
"""

import base64
import math
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import deflate
import h5py
import numpy as np
import numpy.typing as npt

from lfpscope.hdf5.values import leaves_edges_unfiltered, misplaces_chunks
from lfpscope.io.files import RESTORE, UserError

Refs = dict[str, Any]
"""Zarr keys → metadata as JSON text, inlined bytes ``base64:…``, or ``[url, offset, length]``."""

Codec = dict[str, Any]
"""Configuration of a codec of numcodecs: its ``id`` and parameters."""

Raw = bytes | bytearray | memoryview

CONTIGUOUS_BYTES = 1 << 20  # contiguous data are split along time into references of about this,
CHANNEL_BYTES = 1 << 16  # or of this where each channel lies by itself: a view touches all,
MOST_REFERENCES = 1 << 15  # and never into many more than this, however large they are
MOST_CHUNK_BYTES = 1 << 32  # of one chunk: what HDF5 allows
MOST_CHUNKS = 1 << 24  # of an array: so many places are held in memory
CHECKSUM_BYTES = 4  # that fletcher32 puts behind what it sums up
COMPRESSORS = ("zlib", "zstd", "blosc", "bz2")
CODECS = {"shuffle", "fletcher32", *COMPRESSORS}
BLOSC = ("blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd")  # as the filter numbers them
REPACK = "Rewrite it as chunked gzip, with h5repack or h5py, and point the pipeline at that."


@dataclass(frozen=True)
class Layout:
    """How an HDF5 dataset lies in its file, in the terms of Zarr version 2.

    Attributes
    ----------
    shape, chunks : tuple of int
        Of the array and of one chunk, time first. Contiguous data get chunks that lie in one piece.
    dtype : numpy.dtype
        As stored, with its byte order.
    codecs : tuple of dict
        What was done to the bytes of a chunk, in this order: codecs of numcodecs.
    order : str
        "C"; or "F" where the file has time last: the same bytes, seen with the axes swapped.
    """

    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: np.dtype[Any]
    codecs: tuple[Codec, ...] = ()
    order: Literal["C", "F"] = "C"

    @property
    def grid(self) -> tuple[int, ...]:
        """Number of chunks along each axis."""
        return tuple(-(-n // c) for n, c in zip(self.shape, self.chunks, strict=True))

    @property
    def chunk_bytes(self) -> int:
        """Bytes of one decoded chunk."""
        return math.prod(self.chunks) * self.dtype.itemsize

    def zarray(self) -> dict[str, Any]:
        """Return Zarr metadata of the array."""
        compressed = bool(self.codecs) and self.codecs[-1]["id"] in COMPRESSORS
        filters = list(self.codecs[:-1] if compressed else self.codecs)
        return {
            "zarr_format": 2,
            "shape": list(self.shape),
            "chunks": list(self.chunks),
            "dtype": self.dtype.str,
            "order": self.order,
            # NaN keeps zeros and shows a missing chunk; integers must have all their chunks
            "fill_value": "NaN" if self.dtype.kind == "f" else None,
            "compressor": self.codecs[-1] if compressed else None,
            "filters": filters or None,
        }

    @property
    def is_bounded(self) -> bool:
        """Whether its chunks, and the places of all, fit into memory."""
        return self.chunk_bytes < MOST_CHUNK_BYTES and math.prod(self.grid) <= MOST_CHUNKS

    @classmethod
    def from_zarray(cls, zarray: dict[str, Any], codecs: AbstractSet[str] = CODECS) -> "Layout":
        """Undo `zarray`.

        Parameters
        ----------
        zarray : dict
            Zarr metadata.
        codecs : set of str
            Those that may be in it. Others are not looked up: that of pickles would run what a
            file tells it to.

        Raises
        ------
        ValueError
            If it is not of a layout that this module describes.
        """
        compressor = zarray["compressor"]
        layout = cls(
            shape=tuple(zarray["shape"]),
            chunks=tuple(zarray["chunks"]),
            dtype=np.dtype(str(zarray["dtype"])),
            codecs=(*(zarray["filters"] or ()), *([compressor] if compressor else ())),
            order=zarray["order"],
        )
        lengths = layout.shape + layout.chunks
        known = {codec["id"] for codec in layout.codecs} <= codecs and layout.order in ("C", "F")
        known &= layout.dtype.kind in "iuf" and all(type(n) is int and n > 0 for n in lengths)
        if not known or not layout.is_bounded:
            raise ValueError(f"an array of {layout}")
        return layout


# --- describing a dataset -----------------------------------------------------------------------


def describe_layout(dataset: h5py.Dataset, *, n_axes: int = 2, transposed: bool = False) -> Layout:
    """Layout of a dataset, if Zarr can read it in place.

    Parameters
    ----------
    dataset : h5py.Dataset
        With time on its first axis.
    n_axes : int
        Axes of the array: axes of length one are added or dropped at the end.
    transposed : bool
        Whether the dataset has time on its last axis instead.

    Raises
    ------
    UserError
        For compact, external and virtual layouts, for filters that no codec undoes, and for
        numbers that numpy does not have.
    """
    where = f"{dataset.file.filename}: {dataset.name}"
    order: Literal["C", "F"] = "F" if transposed else "C"
    shape = _axes(dataset.shape, n_axes, order, 1)
    if dataset.external or dataset.is_virtual:
        raise UserError(f"{where}: its bytes lie in other files, which are not followed. {REPACK}")
    if not dataset.id.get_type().equal(h5py.h5t.py_create(dataset.dtype, logical=True)):
        # as 12 bits in two bytes: HDF5 converts these when it reads, references cannot
        raise UserError(f"{where}: stored as numbers of a form of their own. {REPACK}")
    if dataset.chunks is None:
        if dataset.id.get_offset() is None:
            raise UserError(f"{where}: compact or never written, no bytes to refer to. {REPACK}")
        chunks = _contiguous_chunks(shape, dataset.dtype.itemsize, order)
        return Layout(shape, chunks, dataset.dtype, order=order)
    chunks = _axes(dataset.chunks, n_axes, order, 1)
    if math.prod(chunks) != math.prod(dataset.chunks):
        raise UserError(f"{where}: chunks of {dataset.chunks} are wider than the data. {REPACK}")
    if misplaces_chunks(dataset):
        raise UserError(
            f"{where}: an axis that can grow for ever behind one of several chunks: HDF5 lists the "
            f"places of such chunks wrongly. {REPACK}"
        )
    layout = Layout(shape, chunks, dataset.dtype, _codecs(dataset, where), order)
    ragged = any(n % c for n, c in zip(shape, chunks, strict=True))
    if layout.codecs and ragged and leaves_edges_unfiltered(dataset):
        raise UserError(
            f"{where}: chunks of {chunks} at the edges of {shape} skip the filters that the others "
            f"have; all must be stored alike. {REPACK}"
        )
    if not layout.is_bounded:
        raise UserError(
            f"{where}: {math.prod(layout.grid)} chunks of {layout.chunk_bytes} bytes; at most "
            f"{MOST_CHUNKS} can be referred to. {REPACK}"
        )
    return layout


def _axes(values: Iterable[int], n_axes: int, order: str, filler: int) -> tuple[int, ...]:
    """Lengths or places along the axes of a dataset → along those of the array."""
    along = tuple(values)[:: -1 if order == "F" else 1]
    return (along + (filler,) * n_axes)[:n_axes]


def _codecs(dataset: h5py.Dataset, where: str) -> tuple[Codec, ...]:
    plist = dataset.id.get_create_plist()
    filters = [plist.get_filter(i) for i in range(plist.get_nfilters())]
    codecs = [_codec(filter_[0], filter_[2], dataset.dtype.itemsize) for filter_ in filters]
    known = [codec for codec in codecs if codec]
    if len(known) < len(filters) or not _can_be_undone(known):
        names = ", ".join(f"{f[3].decode(errors='replace')[:40]} (filter {f[0]})" for f in filters)
        raise UserError(
            f"{where}: stored with {names}; gzip, zstd, bzip2, blosc, shuffle and fletcher32 "
            f"can be read in place. {REPACK}"
        )
    return tuple(known)


def _codec(number: int, values: tuple[int, ...], itemsize: int) -> Codec | None:
    """Codec that undoes an HDF5 filter, by the filter's registered number; None if there is none.

    lzf (32000), lz4 (32004), bitshuffle (32008) and blosc2 (32026) frame their blocks in ways
    of their own that no codec of numcodecs reads.
    """
    if number == h5py.h5z.FILTER_DEFLATE:
        return {"id": "zlib", "level": values[0]}
    if number == h5py.h5z.FILTER_SHUFFLE:
        return {"id": "shuffle", "elementsize": itemsize}
    if number == h5py.h5z.FILTER_FLETCHER32:
        return {"id": "fletcher32"}
    if number == 307:
        return {"id": "bz2", "level": values[0] if values else 9}
    if number == 32015:
        return {"id": "zstd", "level": values[0] if values else 3}
    if number == 32001:
        name = BLOSC[values[6]] if len(values) > 6 and values[6] < len(BLOSC) else "blosclz"
        level, shuffle = values[4:6] if len(values) > 5 else (5, 1)
        codec = {"id": "blosc", "cname": name, "clevel": level, "shuffle": shuffle, "blocksize": 0}
        return None if name == "snappy" else codec
    return None


def _can_be_undone(codecs: list[Codec]) -> bool:
    """Check for one compressor at most, and for a shuffle of whole elements."""
    names = [codec["id"] for codec in codecs]
    n_compressors = sum(name in COMPRESSORS for name in names)
    if "shuffle" not in names:
        return n_compressors <= 1
    shuffle = names.index("shuffle")
    before = CHECKSUM_BYTES * shuffle  # nothing but checksums may come before it
    whole = before % codecs[shuffle]["elementsize"] == 0
    only_checksums = set(names[:shuffle]) <= {"fletcher32"}
    return n_compressors <= 1 and names.count("shuffle") == 1 and only_checksums and whole


def _contiguous_chunks(shape: tuple[int, ...], itemsize: int, order: str) -> tuple[int, ...]:
    """Chunks that lie in one piece: whole rows, or stretches of one channel."""
    size = math.prod(shape) * itemsize
    if order == "F" and len(shape) > 1:
        rows = _contiguous_rows(shape[0], itemsize, max(CHANNEL_BYTES, size // MOST_REFERENCES))
        return (rows, 1)
    row_bytes = math.prod(shape[1:]) * itemsize
    rows = _contiguous_rows(shape[0], row_bytes, max(CONTIGUOUS_BYTES, size // MOST_REFERENCES))
    return (rows, *shape[1:])


def _contiguous_rows(n_rows: int, row_bytes: int, wanted_bytes: int) -> int:
    """Rows per reference into contiguous data: a divisor of n_rows where there is a good one.

    Zarr wants its last chunk whole; where the rows do not divide, that one is inlined.
    """
    wanted = max(1, wanted_bytes // row_bytes)
    if n_rows <= wanted:
        return n_rows
    divisors = (rows for rows in range(wanted, wanted // 8, -1) if n_rows % rows == 0)
    return next(divisors, max(1, wanted // 4))


# --- listing the chunks -------------------------------------------------------------------------


def chunk_references(dataset: h5py.Dataset, layout: Layout, name: str) -> Refs:
    """References ``name/i.j → ["{{u}}", offset, size]`` of all chunks of a dataset.

    Raises
    ------
    UserError
        If a filter was skipped for some chunks, chunks are listed where none can be, or integer
        data lack chunks: a missing chunk of integers would read as plausible zeros.
    """
    if dataset.chunks is None:
        return _contiguous_references(dataset, layout, name)
    where = f"{dataset.file.filename}: {dataset.name}"
    found: list[Any] = []
    dataset.id.chunk_iter(found.append)  # returns None, as it must: anything else ends the walk
    masked = [chunk.chunk_offset for chunk in found if chunk.filter_mask]
    if masked:
        raise UserError(
            f"{where}: {len(masked)} of {len(found)} chunks skip a filter, first the one at "
            f"{masked[0]}; all must be stored alike. {REPACK}"
        )
    refs: Refs = {
        f"{name}/{key}": ["{{u}}", chunk.byte_offset, chunk.size]
        for key, chunk in zip(_keys(dataset, layout, found), found, strict=True)
    }
    if len(refs) < len(found):
        raise UserError(
            f"{where}: {len(found) - len(refs)} of {len(found)} chunks are listed where another "
            f"one is: its index is damaged. {RESTORE}"
        )
    inside = math.prod(layout.grid)
    if len(refs) < inside and layout.dtype.kind != "f":
        raise UserError(
            f"{where}: {inside - len(refs)} of {inside} chunks were never written; integers "
            "cannot tell these from zeros. Download or convert the file again."
        )
    return refs


def _keys(dataset: h5py.Dataset, layout: Layout, found: list[Any]) -> Iterator[str]:
    """Zarr's name of each chunk: its place in the grid."""
    starts = np.array([chunk.chunk_offset for chunk in found], dtype=np.int64)
    places = starts.reshape(-1, dataset.ndim) // dataset.chunks
    wrong = (places * dataset.chunks >= dataset.shape).any(axis=1)
    if wrong.any():
        raise UserError(
            f"{dataset.file.filename}: {dataset.name}: a chunk is listed at "
            f"{found[int(wrong.argmax())].chunk_offset}, where data of {dataset.shape} have none: "
            f"its index is damaged. {RESTORE}"
        )
    for place in places.tolist():
        yield ".".join(map(str, _axes(place, len(layout.shape), layout.order, 0)))


def _contiguous_references(dataset: h5py.Dataset, layout: Layout, name: str) -> Refs:
    """References into contiguous data, line by line: all rows are one line, or each channel is.

    A reference that reaches beyond its line reads on into the next one, which Zarr crops away;
    the last line has none behind it.
    """
    n_lines, n_axes = math.prod(layout.grid[1:]), len(layout.shape)
    start, size = dataset.id.get_offset(), layout.chunk_bytes
    line_bytes = dataset.size // n_lines * dataset.dtype.itemsize
    end = dataset.size * dataset.dtype.itemsize
    refs: Refs = {}
    for line in range(n_lines):
        for row in range(layout.grid[0]):
            first = line * line_bytes + row * size
            key = ".".join(map(str, (row, line)[:n_axes]))
            if first + size <= end:
                refs[f"{name}/{key}"] = ["{{u}}", start + first, size]
            else:
                last = _last_bytes(dataset, end - first, layout.order)
                refs[f"{name}/{key}"] = inline(last + bytes(size - len(last)))
    return refs


def _last_bytes(dataset: h5py.Dataset, n_bytes: int, order: str) -> bytes:
    """Return the last bytes of contiguous data: of the last channel, or of all."""
    n_items = n_bytes // dataset.dtype.itemsize
    if order == "F" and dataset.ndim > 1:
        last = dataset[-1, -n_items:]
    else:
        last = dataset[-(n_items // math.prod(dataset.shape[1:])) :]
    content: bytes = last.tobytes()
    return content


def inline(content: bytes) -> str:
    """Return bytes as the JSON holds them.

    Always as base64: fsspec would minify bytes that happen to be JSON.
    """
    return "base64:" + base64.b64encode(content).decode("ascii")


def inlined_bytes(ref: str) -> bytes:
    """Undo what makes bytes text.

    Raises
    ------
    ValueError
        If it is not base64.
    """
    return base64.b64decode(ref.removeprefix("base64:"), validate=True)


# --- decoding a chunk ---------------------------------------------------------------------------


def decode(raw: Raw, layout: Layout) -> npt.NDArray[Any]:
    """Decode one chunk.

    Parameters
    ----------
    raw : bytes
        As in the file.
    layout : Layout
        Of the array the chunk belongs to.

    Returns
    -------
    ndarray of the stored type in native byte order, shape ``layout.chunks``

    Raises
    ------
    ValueError
        If the bytes do not decode to exactly one chunk, or a checksum does not fit.
    """
    for i, codec in reversed(list(enumerate(layout.codecs))):
        checksums = sum(before["id"] == "fletcher32" for before in layout.codecs[:i])
        size = layout.chunk_bytes + checksums * CHECKSUM_BYTES
        raw = UNDO.get(codec["id"], _decompress)(raw, codec, size)
    if len(raw) != layout.chunk_bytes:
        raise ValueError(f"{len(raw)} bytes, expected {layout.chunk_bytes}")
    block = np.frombuffer(raw, layout.dtype).reshape(layout.chunks, order=layout.order)
    return np.ascontiguousarray(block, layout.dtype.newbyteorder("="))


def _inflate(raw: Raw, _codec: Codec, size: int) -> Raw:
    try:
        inflated: Raw = deflate.zlib_decompress(raw, size)
    except deflate.DeflateError as error:
        raise ValueError(f"does not inflate: {error}") from None
    return inflated


def _unshuffle(raw: Raw, codec: Codec, size: int) -> Raw:
    if len(raw) != size:
        raise ValueError(f"{len(raw)} bytes, expected {size}")
    return np.frombuffer(raw, np.uint8).reshape(codec["elementsize"], -1).T.tobytes()


def _verify(raw: Raw, codec: Codec, _size: int) -> Raw:
    """Check and strip a checksum. What it sums up may be compressed, of any size."""
    if len(raw) <= CHECKSUM_BYTES:
        raise ValueError(f"{len(raw)} bytes, expected more than a checksum")
    try:
        return bytes(_numcodec(codec["id"]).decode(bytes(raw)))
    except RuntimeError:
        raise ValueError("its fletcher32 checksum does not fit") from None


def _decompress(raw: Raw, codec: Codec, size: int) -> Raw:
    try:
        content: bytes = _numcodec(codec["id"]).decode(bytes(raw))
    except (RuntimeError, ValueError, OSError, MemoryError) as error:
        raise ValueError(f"does not decompress: {error}") from None
    if len(content) != size:
        raise ValueError(f"{len(content)} bytes, expected {size}")
    return content


UNDO: dict[str, Callable[[Raw, Codec, int], Raw]] = {
    "zlib": _inflate,
    "shuffle": _unshuffle,
    "fletcher32": _verify,
}


@lru_cache
def _numcodec(name: str) -> Any:
    import numcodecs  # 0.3 s, and only for filters that are rare

    return numcodecs.get_codec({"id": name})
