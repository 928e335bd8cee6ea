"""How an array is stored: its chunks, and how their bytes are decoded.

Chunks are listed with `h5py`'s ``chunk_iter``: one walk over the chunk index, and a count that is
checked against the whole grid, so that nothing can be dropped silently.
"""

import base64
import math
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Refs = dict[str, Any]
"""Zarr keys → metadata as JSON text, inlined bytes ``base64:…``, or ``[url, offset, length]``."""


Codec = dict[str, Any]
"""Configuration of a codec of numcodecs: its ``id`` and parameters."""


Raw = bytes | bytearray | memoryview
MAX_CHUNK_BYTES = 1 << 32  # of one chunk: what HDF5 allows
MAX_CHUNKS = 1 << 24  # of an array: so many places are held in memory
CHECKSUM_BYTES = 4  # that fletcher32 puts behind what it sums up
COMPRESSORS = ("zlib", "zstd", "blosc", "bz2")


CODECS = {"shuffle", "fletcher32", *COMPRESSORS}


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
        return self.chunk_bytes < MAX_CHUNK_BYTES and math.prod(self.grid) <= MAX_CHUNKS

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


def ordered_axes(values: Iterable[int], n_axes: int, order: str, filler: int) -> tuple[int, ...]:
    """Lengths or places along the axes of a dataset → along those of the array."""
    along = tuple(values)[:: -1 if order == "F" else 1]
    return (along + (filler,) * n_axes)[:n_axes]


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
