"""Variables of references, as Zarr version 2 describes them."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.hdf5.chunk_table import ChunkTable
from lfpscope.hdf5.layout import CODECS, Layout, Refs, inline, inlined_bytes
from lfpscope.io.tables import parse_json

VARIABLE = re.compile(r"[A-Za-z]\w*")
POSITION = re.compile(r"(?:0|[1-9]\d{0,9})(?:\.(?:0|[1-9]\d{0,9}))*")
METADATA = {".zgroup", ".zattrs", ".zarray", ".zmetadata"}
ROOM = 1 << 16  # bytes that the codecs may add to a chunk that cannot be compressed
COUNT_CHUNK = 1 << 20  # samples per chunk of a counted clock


# --- write --------------------------------------------------------------------------------------


def counted_samples(n: int) -> ChunkTable:
    """Return the numbers 0 to n − 1 as differences: 6 kB for 10.7 million."""
    from numcodecs import Zstd  # 0.1 s, and only where a file has no timestamps

    # fast, as there may be hundreds of chunks, and not bound to zlib's least 1/1000 of a length
    zstd, length = Zstd(level=1), min(n, COUNT_CHUNK)
    delta = {"id": "delta", "dtype": "<i8", "astype": "<i4"}
    codecs = (delta, {"id": "zstd", "level": 1})
    table = ChunkTable.empty(Layout((n,), (length,), np.dtype("<i8"), codecs))
    differences = np.ones(length, dtype="<i4")
    for i in range(table.layout.grid[0]):
        differences[0] = i * length
        table.inline((i,), bytes(zstd.encode(differences)))
    return table


def write_variable(
    name: str, zarray: dict[str, Any], dimensions: list[str], attributes: Mapping[str, Any]
) -> Refs:
    """Return the metadata of a variable."""
    return {
        f"{name}/.zarray": json.dumps(zarray),
        f"{name}/.zattrs": json.dumps({"_ARRAY_DIMENSIONS": dimensions, **attributes}),
    }


def write_chunks(prefix: str, table: ChunkTable, url: str, *, stop_row: int | None = None) -> Refs:
    """Return the chunk references of a variable, or of its rows before one of them.

    Parameters
    ----------
    prefix : str
        What the keys begin with, before the position in the grid.
    table : ChunkTable
        Of the variable.
    url : str
        What stands for the address.
    stop_row : int, optional
        One past the last row of the grid.
    """
    refs: Refs = {}
    for position in table.positions():
        if stop_row is not None and position[0] >= stop_row:
            continue
        at = tuple(position)
        content = table.inlined.get(at)
        refs[prefix + ".".join(map(str, at))] = (
            [url, int(table.offsets[at]), int(table.sizes[at])]
            if content is None
            else inline(content)
        )
    return refs


def write_inlined(
    name: str,
    values: npt.NDArray[Any],
    dimensions: list[str],
    attributes: Mapping[str, Any],
    fill: Any = None,
) -> Refs:
    """Return a variable with its values."""
    zarray = {
        "zarr_format": 2,
        "shape": list(values.shape),
        "chunks": list(values.shape),
        "dtype": values.dtype.str,
        "order": "C",
        "fill_value": "NaN" if values.dtype.kind == "f" else fill,
        "compressor": None,
        "filters": None,
    }
    refs = write_variable(name, zarray, dimensions, attributes)
    refs[f"{name}/" + ".".join("0" * values.ndim)] = inline(values.tobytes())
    return refs


def scale_attributes(scale: float, offset: float) -> dict[str, float]:
    """Return the attributes of CF for ``stored * scale + offset``; none where it is ``stored``."""
    return {} if (scale, offset) == (1.0, 0.0) else {"scale_factor": scale, "add_offset": offset}


# --- read ---------------------------------------------------------------------------------------


@dataclass
class Variable:
    """What references hold of a variable, as text.

    Attributes
    ----------
    name : str
        In its group.
    metadata : dict
        Text of its attributes and of Zarr's metadata, by the last part of the key.
    chunks : dict
        References by position in the grid, as text.
    """

    name: str
    metadata: dict[str, str] = field(default_factory=dict)
    chunks: dict[str, Any] = field(default_factory=dict)

    @property
    def attributes(self) -> dict[str, Any]:
        """Its attributes."""
        found: dict[str, Any] = parse_json(self.metadata[".zattrs"])
        return found


def split_variables(refs: Refs) -> list[Variable]:
    """Sort the references of a group by variable."""
    variables: dict[str, Variable] = {}
    for key, ref in refs.items():
        name, slash, last = key.rpartition("/")
        if not slash and last in METADATA and type(ref) is str:  # of the group
            continue
        variable = variables.setdefault(name, Variable(name))
        if last in METADATA and type(ref) is str:
            variable.metadata[last] = ref
        elif POSITION.fullmatch(last):
            variable.chunks[last] = ref
        else:
            raise ValueError(f"a key {key[:80]!r}")
    for name in variables:
        if not VARIABLE.fullmatch(name):
            raise ValueError(f"a variable {name[:80]!r}")
    return list(variables.values())


def read_variable(variable: Variable, sizes: Mapping[str, int]) -> Any:
    """Read and check a variable: its chunk table, or its values if inlined in one piece.

    Parameters
    ----------
    variable : Variable
        In a group.
    sizes : mapping
        Bytes of the source behind each address that it may name.
    """
    name, zarray = variable.name, parse_json(variable.metadata[".zarray"])
    if name in ("lfp", "timestamps"):
        codecs = CODECS | {"delta"} if name == "timestamps" else CODECS
        return _read_table(name, Layout.from_zarray(zarray, codecs), variable.chunks, sizes)
    shape, dtype = zarray["shape"], np.dtype(str(zarray["dtype"]))
    known = dtype.kind in "biufU" and not zarray["compressor"] and not zarray["filters"]
    n_bytes = math.prod(shape) * dtype.itemsize
    only = ".".join("0" for _ in shape)
    chunks = variable.chunks
    if list(chunks) != [only] or not known or len(inlined_bytes(chunks[only])) != n_bytes:
        raise ValueError(f"{name} is {zarray}")
    return np.frombuffer(inlined_bytes(chunks[only]), dtype).reshape(shape)


def _read_table(
    name: str, layout: Layout, chunks: Mapping[str, Any], sizes: Mapping[str, int]
) -> ChunkTable:
    """Read chunk references: all are bytes of the source, or inlined, of bounded size."""
    table = ChunkTable.empty(layout)
    most = layout.chunk_bytes + layout.chunk_bytes // 8 + ROOM
    stored = [ref for ref in chunks.values() if type(ref) is list]
    if not all(
        len(ref) == 3 and ref[0] in sizes and type(ref[1]) is int and type(ref[2]) is int
        for ref in stored
    ):
        raise ValueError(f"a chunk of {name} that is not [address, offset, length]")
    if not all(type(ref) is list or len(inlined_bytes(ref)) <= most for ref in chunks.values()):
        raise ValueError(f"an inlined chunk of {name} larger than {most} bytes")
    _check_inside(name, stored, most, sizes)
    if not chunks:  # never written
        return table
    positions = np.array([key.split(".") for key in chunks], np.int64).reshape(len(chunks), -1)
    if positions.shape[1] != len(layout.grid) or (positions >= layout.grid).any():
        raise ValueError(f"chunks of {name} outside its shape")
    is_stored = np.array([type(ref) is list for ref in chunks.values()])
    if stored:
        extents = np.array([ref[1:] for ref in stored], np.int64)
        table.offsets[tuple(positions[is_stored].T)] = extents[:, 0]
        table.sizes[tuple(positions[is_stored].T)] = extents[:, 1]
    for position, ref in zip(positions.tolist(), chunks.values(), strict=True):
        if type(ref) is str:
            table.inline(tuple(position), inlined_bytes(ref))
    return table


def _check_inside(
    name: str, stored: Sequence[list[Any]], most: int, sizes: Mapping[str, int]
) -> None:
    """Check that chunks are inside their sources, and no larger than they can be."""
    for url, size in sizes.items():
        here = np.array([ref[1:] for ref in stored if ref[0] == url], np.int64).reshape(-1, 2)
        beyond = (here < 0).any(axis=1) | (here[:, 1] > most) | (here[:, 0] > size - here[:, 1])
        if beyond.any():
            start, length = here[beyond][0].tolist()
            raise ValueError(f"{length} bytes at {start} for a chunk of {name}")
