"""Arrays in one zip file, laid out as Zarr version 3 has them; written once, read in stretches.

Any reader of Zarr opens such a file. zarr-python makes it too, but its import and its event loop
take longer than compressing what we store.

The format is that of https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html.
"""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from numcodecs import blosc

from lfpscope.errors import UserError
from lfpscope.typing import Array

Shuffle = Literal["bitshuffle", "shuffle"]
# blocks of Blosc's own choice are larger by 3 to 8 % in the file, and take twice the time
BLOCK_BYTES = 1 << 19
CODECS: dict[Shuffle, blosc.Blosc] = {
    "bitshuffle": blosc.Blosc("zstd", 1, blosc.BITSHUFFLE, BLOCK_BYTES),
    "shuffle": blosc.Blosc("zstd", 1, blosc.SHUFFLE, BLOCK_BYTES),
}
_ENCODING = Lock()  # of blosc's setting, which is the process's


def _encode(block: Array, shuffle: Shuffle) -> bytes:
    """Compress in one thread: with several, equal input may give other bytes."""
    with _ENCODING:
        before, blosc.use_threads = blosc.use_threads, False
        try:
            return bytes(CODECS[shuffle].encode(block))
        finally:
            blosc.use_threads = before


def _decode(raw: bytes, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Decompress a chunk; ValueError if it has another size than it should."""
    block = np.empty(shape, dtype)
    n_bytes = int.from_bytes(raw[4:8], "little")  # as blosc's header has it
    if n_bytes != block.nbytes:
        raise ValueError(f"a chunk holds {n_bytes} bytes, expected {block.nbytes}")
    CODECS["bitshuffle"].decode(raw, block)  # the header says how it is shuffled
    return block


def _chunk_name(name: str, n_axes: int, i: int) -> str:
    return "/".join([name, "c", *["0"] * (n_axes - 1), str(i)])


@dataclass
class _Waiting:
    """Values of an array that do not fill a chunk yet.

    Attributes
    ----------
    values : ndarray
        A chunk, of which `n` along the last axis are filled.
    n_left : int
        How many are to come.
    n_chunks : int
        How many are written.
    """

    values: Array
    n_left: int
    n: int = 0
    n_chunks: int = 0


class StoreWriter:
    """Writes groups and arrays; entries have no date, so equal input gives equal bytes.

    Arrays are chunked along their last axis only, and their chunks written in any order.

    Parameters
    ----------
    path : Path
        The zip file to write.
    """

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path, "w")
        self._chunks: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {}
        self._lengths: dict[str, int] = {}
        self._shuffles: dict[str, Shuffle] = {}
        self._waiting: dict[str, _Waiting] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def group(self, name: str, attributes: dict[str, Any]) -> None:
        """Make a group; the root's name is empty."""
        self._describe(name, {"attributes": attributes, "node_type": "group"})

    def array(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: npt.DTypeLike,
        *,
        width: int,
        dimensions: tuple[str, ...] = (),
        attributes: dict[str, Any] | None = None,
        shuffle: Shuffle = "bitshuffle",
    ) -> None:
        """Make an array, whose chunks are `width` long on the last axis and whole on the others."""
        dtype, chunk = np.dtype(dtype), (*shape[:-1], width)
        self._chunks[name] = chunk, dtype
        self._lengths[name] = shape[-1]
        self._waiting[name] = _Waiting(np.empty(chunk, dtype), n_left=shape[-1])
        self._shuffles[name] = shuffle
        codec = {
            "typesize": dtype.itemsize,
            "cname": CODECS[shuffle].cname,
            "clevel": CODECS[shuffle].clevel,
            "shuffle": shuffle,
            "blocksize": CODECS[shuffle].blocksize,
        }
        metadata: dict[str, Any] = {
            "shape": shape,
            "data_type": dtype.name,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": False if dtype.kind == "b" else 0,
            "codecs": [
                {"name": "bytes", "configuration": {"endian": "little"}},
                {"name": "blosc", "configuration": codec},
            ],
            "attributes": attributes or {},
            "node_type": "array",
        }
        if dimensions:
            metadata["dimension_names"] = dimensions
        self._describe(name, metadata)

    def chunk(self, name: str, i: int, values: Array) -> None:
        """Write chunk i of an array; the last one may be short."""
        shape, dtype = self._chunks[name]
        block = np.ascontiguousarray(values, dtype.newbyteorder("<"))
        if values.shape != shape:  # complete in the file, as in the format
            block = np.zeros(shape, block.dtype)
            block[..., : values.shape[-1]] = values
        self._put(_chunk_name(name, len(shape), i), _encode(block, self._shuffles[name]))

    def append(self, name: str, values: Array) -> None:
        """Append values along the last axis; a chunk is written as soon as it is full."""
        waiting = self._waiting[name]
        width = waiting.values.shape[-1]
        at = 0
        while at < values.shape[-1]:
            count = min(values.shape[-1] - at, width - waiting.n)
            waiting.values[..., waiting.n : waiting.n + count] = values[..., at : at + count]
            waiting.n += count
            waiting.n_left -= count
            at += count
            if waiting.n == width or not waiting.n_left:
                self.chunk(name, waiting.n_chunks, waiting.values[..., : waiting.n])
                waiting.n_chunks += 1
                waiting.n = 0

    def row_bytes(self, name: str) -> int:
        """Bytes of one row of an array of two axes."""
        return self._lengths[name] * self._chunks[name][1].itemsize

    def chunks(self, name: str) -> Iterator[Array]:
        """Read back what `append` has written of an array, chunk by chunk."""
        (shape, dtype), left = self._chunks[name], self._lengths[name]
        for i in range(self._waiting[name].n_chunks):
            raw = self._zip.read(_chunk_name(name, len(shape), i))
            yield _decode(raw, shape, dtype)[..., :left]
            left -= shape[-1]

    def whole(
        self,
        name: str,
        values: Array,
        dimensions: tuple[str, ...] = (),
        attributes: dict[str, Any] | None = None,
    ) -> None:
        """Make an array of one chunk, and write it."""
        self.array(
            name,
            values.shape,
            values.dtype,
            width=max(1, values.shape[-1]),
            dimensions=dimensions,
            attributes=attributes,
        )
        if values.size:
            self.chunk(name, 0, values)

    def _describe(self, name: str, metadata: dict[str, Any]) -> None:
        content = json.dumps({"zarr_format": 3, **metadata}, separators=(",", ":"), allow_nan=False)
        self._put(f"{name}/zarr.json".removeprefix("/"), content)

    def _put(self, name: str, content: bytes | str) -> None:
        self._zip.writestr(zipfile.ZipInfo(name), content)  # dated 1980, as all others


class Store:
    """Reads what `StoreWriter` wrote.

    Parameters
    ----------
    path : Path
        The zip file.

    Raises
    ------
    UserError
        If it is missing or no zip file, and later if something in it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except FileNotFoundError:
            raise UserError(f"{path}: no such file. Run the pipeline to make it.") from None
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise self.damaged(error) from None
        self._arrays: dict[str, dict[str, Any]] = {}

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def attributes(self, name: str = "") -> dict[str, Any]:
        """Attributes of a group; the root's name is empty."""
        found: dict[str, Any] = self._describe(name)["attributes"]
        return found

    def width(self, name: str) -> int:
        """Length of an array's chunks along its last axis."""
        try:
            metadata = self._describe(name)
            return int(metadata["chunk_grid"]["configuration"]["chunk_shape"][-1])
        except (LookupError, TypeError, ValueError) as error:
            raise self.damaged(error) from None

    def read(self, name: str, first: int = 0, stop: int | None = None) -> Array:
        """Read a stretch of an array along its last axis; all of it if not told."""
        try:
            if name not in self._arrays:
                self._arrays[name] = self._describe(name)
            metadata = self._arrays[name]
            shape, dtype = metadata["shape"], np.dtype(metadata["data_type"]).newbyteorder("<")
            chunk = metadata["chunk_grid"]["configuration"]["chunk_shape"]
            stop = shape[-1] if stop is None else min(stop, shape[-1])
            numbers = range(first // chunk[-1], -(-stop // chunk[-1]))
            block = np.empty((*chunk[:-1], len(numbers) * chunk[-1]), dtype)
        except (LookupError, TypeError, ValueError) as error:
            raise self.damaged(error) from None
        start = numbers.start * chunk[-1]
        for i in numbers:
            at = i * chunk[-1] - start
            block[..., at : at + chunk[-1]] = self._chunk(name, i, chunk, dtype)
        return block[..., first - start : stop - start].astype(dtype.newbyteorder("="), copy=False)

    def _chunk(self, name: str, i: int, shape: list[int], dtype: np.dtype[Any]) -> Array:
        try:
            return _decode(self._zip.read(_chunk_name(name, len(shape), i)), tuple(shape), dtype)
        except (OSError, LookupError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
            raise self.damaged(error) from None

    def _describe(self, name: str) -> dict[str, Any]:
        try:
            content = self._zip.read(f"{name}/zarr.json".removeprefix("/"))
            metadata: dict[str, Any] = json.loads(content)
        except (OSError, LookupError, ValueError, zipfile.BadZipFile) as error:
            raise self.damaged(error) from None
        return metadata

    def damaged(self, error: Exception) -> UserError:
        """Say that the file is not what `StoreWriter` writes."""
        again = "Delete it and run the pipeline again."
        return UserError(f"{self.path}: not an envelope ({error}). {again}")
