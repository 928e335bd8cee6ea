"""Arrays in one zip file, laid out as Zarr version 3 has them; written once, read in stretches.

Any reader of Zarr opens such a file. zarr-python makes it too, but its import and its event loop
take longer than compressing what we store.

The format is that of https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html.
"""

import json
import zipfile
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from numcodecs import blosc

from lfpscope.files import UserError

Array = npt.NDArray[Any]

# in other threads than the main one blosc has none of its own, and equal input gives equal bytes
blosc.use_threads = False
CODEC = blosc.Blosc(cname="zstd", clevel=1, shuffle=blosc.BITSHUFFLE)


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
    ) -> None:
        """Make an array, whose chunks are `width` long on the last axis and whole on the others."""
        dtype, chunk = np.dtype(dtype), (*shape[:-1], width)
        self._chunks[name] = chunk, dtype
        codec = {
            "typesize": dtype.itemsize,
            "cname": CODEC.cname,
            "clevel": CODEC.clevel,
            "shuffle": "bitshuffle",
            "blocksize": CODEC.blocksize,
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
            "attributes": {},
            "node_type": "array",
        }
        if dimensions:
            metadata["dimension_names"] = dimensions
        self._describe(name, metadata)

    def chunk(self, name: str, i: int, values: Array) -> None:
        """Write chunk i of an array; the last one may be short."""
        shape, dtype = self._chunks[name]
        block = np.zeros(shape, dtype.newbyteorder("<"))  # whole in the file, as the format has it
        block[..., : values.shape[-1]] = values
        place = "/".join(["c", *("0" for _ in shape[:-1]), str(i)])
        self._put(f"{name}/{place}", CODEC.encode(block))

    def whole(self, name: str, values: Array) -> None:
        """Make an array of one chunk, and write it."""
        self.array(name, values.shape, values.dtype, width=max(1, values.shape[-1]))
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
        place = "/".join(["c", *("0" for _ in shape[:-1]), str(i)])
        block = np.empty(shape, dtype)
        try:
            raw = self._zip.read(f"{name}/{place}")
            n_bytes = int.from_bytes(raw[4:8], "little")  # as blosc's header has it
            if n_bytes != block.nbytes:
                raise ValueError(f"{name}/{place} holds {n_bytes} bytes, expected {block.nbytes}")
            CODEC.decode(raw, block)
        except (OSError, LookupError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
            raise self.damaged(error) from None
        return block

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
