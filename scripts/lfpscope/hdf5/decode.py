"""Stored bytes to samples."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import deflate
import numpy as np
import numpy.typing as npt

from lfpscope.hdf5.layout import CHECKSUM_BYTES, Codec, Layout, Raw


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
