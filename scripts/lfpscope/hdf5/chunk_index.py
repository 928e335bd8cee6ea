"""Where the chunks of an HDF5 dataset lie."""

import math
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from lfpscope.errors import RESTORE, UserError
from lfpscope.hdf5.chunk_table import ChunkTable
from lfpscope.hdf5.layout import REPACK, Layout


def read_chunk_table(dataset: h5py.Dataset, layout: Layout) -> ChunkTable:
    """Read the chunk references of a dataset.

    Raises
    ------
    UserError
        If a filter was skipped for some chunks, chunks are listed where none can be, or integer
        data lack chunks: a missing chunk of integers would read as plausible zeros.
    """
    if dataset.chunks is None:
        return _contiguous_table(dataset, layout)
    where = f"{dataset.file.filename}: {dataset.name}"
    found: list[Any] = []
    dataset.id.chunk_iter(found.append)  # returns None, as it must: anything else ends the walk
    masked = [chunk.chunk_offset for chunk in found if chunk.filter_mask]
    if masked:
        raise UserError(
            f"{where}: {len(masked)} of {len(found)} chunks skip a filter, first the one at "
            f"{masked[0]}; all must be stored alike. {REPACK}"
        )
    table = ChunkTable.empty(layout)
    positions = tuple(_grid_positions(dataset, layout, found).T)
    try:
        table.offsets[positions] = [chunk.byte_offset for chunk in found]
        table.sizes[positions] = [chunk.size for chunk in found]
    except OverflowError:
        raise UserError(
            f"{where}: its index is damaged (a chunk beyond 2^63 bytes). {RESTORE}"
        ) from None
    if table.n_chunks < len(found):
        raise UserError(
            f"{where}: {len(found) - table.n_chunks} of {len(found)} chunks are listed where "
            f"another one is: its index is damaged. {RESTORE}"
        )
    inside = math.prod(layout.grid)
    if table.n_chunks < inside and layout.dtype.kind != "f":
        raise UserError(
            f"{where}: {inside - table.n_chunks} of {inside} chunks were never written; integers "
            "cannot tell these from zeros. Download or convert the file again."
        )
    return table


def _grid_positions(
    dataset: h5py.Dataset, layout: Layout, found: list[Any]
) -> npt.NDArray[np.int64]:
    """Return the position of each chunk in the grid, shape (n_chunks, n_axes)."""
    starts = np.array([chunk.chunk_offset for chunk in found], dtype=np.int64)
    stored = starts.reshape(-1, dataset.ndim) // dataset.chunks
    wrong = (stored * dataset.chunks >= dataset.shape).any(axis=1)
    if wrong.any():
        raise UserError(
            f"{dataset.file.filename}: {dataset.name}: a chunk is listed at "
            f"{found[int(wrong.argmax())].chunk_offset}, where data of {dataset.shape} have none: "
            f"its index is damaged. {RESTORE}"
        )
    n_axes = len(layout.shape)
    positions = np.zeros((len(found), n_axes), dtype=np.int64)
    along = (stored[:, ::-1] if layout.order == "F" else stored)[:, :n_axes]
    positions[:, : along.shape[1]] = along
    return positions


def _contiguous_table(dataset: h5py.Dataset, layout: Layout) -> ChunkTable:
    """Refer to contiguous data line by line: all rows are one line, or each channel is.

    A reference that reaches beyond its line reads on into the next one, which Zarr crops away;
    the last line has none behind it.
    """
    n_lines = math.prod(layout.grid[1:])
    start, size = dataset.id.get_offset(), layout.chunk_bytes
    line_bytes = dataset.size // n_lines * dataset.dtype.itemsize
    end = dataset.size * dataset.dtype.itemsize
    table = ChunkTable.empty(layout)
    rows, lines = np.arange(layout.grid[0]), np.arange(n_lines)
    first = (rows[:, np.newaxis] * size + lines * line_bytes).reshape(layout.grid)
    is_inside = first + size <= end
    table.offsets[is_inside] = start + first[is_inside]
    table.sizes[is_inside] = size
    for position in np.argwhere(~is_inside).tolist():
        last = _last_bytes(dataset, end - int(first[tuple(position)]), layout.order)
        table.inline(tuple(position), last + bytes(size - len(last)))
    return table


def _last_bytes(dataset: h5py.Dataset, n_bytes: int, order: str) -> bytes:
    """Return the last bytes of contiguous data: of the last channel, or of all."""
    n_items = n_bytes // dataset.dtype.itemsize
    if order == "F" and dataset.ndim > 1:
        last = dataset[-1, -n_items:]
    else:
        last = dataset[-(n_items // math.prod(dataset.shape[1:])) :]
    content: bytes = last.tobytes()
    return content
