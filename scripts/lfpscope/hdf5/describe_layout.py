"""The layout of an HDF5 dataset."""

import math
from typing import Literal

import h5py

from lfpscope.errors import UserError
from lfpscope.hdf5.filters import codecs_of
from lfpscope.hdf5.layout import MAX_CHUNKS, REPACK, Layout, ordered_axes
from lfpscope.hdf5.values import leaves_edges_unfiltered, misplaces_chunks

CONTIGUOUS_BYTES = 1 << 20  # contiguous data are split along time into references of about this,


CHANNEL_BYTES = 1 << 16  # or of this where each channel lies by itself: a view touches all,


MAX_REFERENCES = 1 << 15  # and never into many more than this, however large they are


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
    shape = ordered_axes(dataset.shape, n_axes, order, 1)
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
    chunks = ordered_axes(dataset.chunks, n_axes, order, 1)
    if math.prod(chunks) != math.prod(dataset.chunks):
        raise UserError(f"{where}: chunks of {dataset.chunks} are wider than the data. {REPACK}")
    if misplaces_chunks(dataset):
        raise UserError(
            f"{where}: an axis that can grow without limit behind one of several chunks: "
            f"HDF5 lists the places of such chunks wrongly. {REPACK}"
        )
    layout = Layout(shape, chunks, dataset.dtype, codecs_of(dataset, where), order)
    ragged = any(n % c for n, c in zip(shape, chunks, strict=True))
    if layout.codecs and ragged and leaves_edges_unfiltered(dataset):
        raise UserError(
            f"{where}: chunks of {chunks} at the edges of {shape} skip the filters that the others "
            f"have; all must be stored alike. {REPACK}"
        )
    if not layout.is_bounded:
        raise UserError(
            f"{where}: {math.prod(layout.grid)} chunks of {layout.chunk_bytes} bytes; at most "
            f"{MAX_CHUNKS} can be referred to. {REPACK}"
        )
    return layout


def _contiguous_chunks(shape: tuple[int, ...], itemsize: int, order: str) -> tuple[int, ...]:
    """Chunks that lie in one piece: whole rows, or stretches of one channel."""
    size = math.prod(shape) * itemsize
    if order == "F" and len(shape) > 1:
        rows = _contiguous_rows(shape[0], itemsize, max(CHANNEL_BYTES, size // MAX_REFERENCES))
        return (rows, 1)
    row_bytes = math.prod(shape[1:]) * itemsize
    rows = _contiguous_rows(shape[0], row_bytes, max(CONTIGUOUS_BYTES, size // MAX_REFERENCES))
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
