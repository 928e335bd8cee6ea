"""Where the chunks of an HDF5 dataset lie."""

import math
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from lfpscope.errors import RESTORE, UserError
from lfpscope.hdf5.layout import REPACK, Layout, Refs, inline, ordered_axes


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
        yield ".".join(map(str, ordered_axes(place, len(layout.shape), layout.order, 0)))


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
