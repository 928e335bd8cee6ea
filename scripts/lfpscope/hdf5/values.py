"""Values in HDF5 files, in the ways that different writers store them."""

import ctypes
from typing import Any

import h5py
import numpy as np
from h5py._objects import phil  # the lock around each call of HDF5

from lfpscope.errors import RESTORE, UserError

HDF5 = ctypes.PyDLL(h5py.h5p.__file__)  # the library that h5py itself uses
DONT_FILTER_PARTIAL_CHUNKS = 2  # H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS
EXTENSIBLE_ARRAY = 4  # H5D_CHUNK_IDX_EARRAY


def member(group: h5py.Group, name: str) -> h5py.Dataset | None:
    """Dataset of a group, None where there is none.

    Raises
    ------
    UserError
        If it is damaged, or a link into another file, which is not followed, or to nothing.
    """
    where = f"{group.file.filename}: {group.name}/{name}"
    link = group.get(name, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        raise UserError(
            f"{where}: a link into another file, {link.filename}, which is not followed. "
            "Copy the data into one file, or list the other file instead."
        )
    item = group.get(name)
    if item is None and isinstance(link, h5py.SoftLink):
        raise UserError(f"{where}: a link to {link.path}, which is not there. {RESTORE}")
    if item is None and isinstance(link, h5py.HardLink):  # `get` hides why
        raise UserError(f"{where}: its metadata are damaged: HDF5 does not open it. {RESTORE}")
    if isinstance(item, h5py.Dataset) and item.file.filename != group.file.filename:
        raise UserError(f"{where}: linked by way of another file, {item.file.filename}. List that.")
    return item if isinstance(item, h5py.Dataset) else None


def scalar(value: Any) -> Any:
    """Take a value out of an array of one, as MatNWB stores it; None out of an empty one."""
    if isinstance(value, np.ndarray):
        return value.reshape(-1)[0] if value.size else None
    return None if isinstance(value, h5py.Empty) else value


def text(value: Any) -> str:
    """Text from any of the ways HDF5 files store it; empty where there is none."""
    value = scalar(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return "" if value is None else str(value)


def number(value: Any, default: float = float("nan")) -> float:
    """Real number from an attribute or a dataset's content, also where it is stored as text.

    The default where there is none; NaN where it is something else.
    """
    value = scalar(value)
    if value is None:
        return default
    if np.iscomplexobj(value):
        return float("nan")
    try:
        return float(text(value) if is_text(value) else value)
    except (TypeError, ValueError):
        return float("nan")


def is_text(value: Any) -> bool:
    """Tell whether a value read from an HDF5 file is text."""
    return isinstance(value, bytes | str)


def referenced(nwb: h5py.File, reference: Any) -> Any:
    """What a reference refers to; None where it is null or its object is gone."""
    try:
        return nwb[reference] if reference else None
    except (ValueError, KeyError):
        return None


# --- what h5py has no call for ------------------------------------------------------------------


def leaves_edges_unfiltered(dataset: h5py.Dataset) -> bool:
    """Tell whether chunks that reach beyond the data are stored without the dataset's filters.

    HDF5 notes this with the layout, not in the chunks' filter masks.
    """
    options = _ask(HDF5.H5Pget_chunk_opts, dataset.id.get_create_plist())
    return bool(options & DONT_FILTER_PARTIAL_CHUNKS)


def misplaces_chunks(dataset: h5py.Dataset) -> bool:
    """Tell whether HDF5 names wrong places in the array for a dataset's chunks.

    An extensible array counts them with the axis that can grow without limit in front; HDF5 2.0.0
    does not turn the axes back where it lists chunks. Where it reads data, it does.
    """
    if _ask(HDF5.H5Dget_chunk_index_type, dataset.id) != EXTENSIBLE_ARRAY:
        return False
    before = dataset.maxshape[: dataset.maxshape.index(None)]
    return any(most > chunk for most, chunk in zip(before, dataset.chunks, strict=False))


def _ask(question: Any, subject: Any) -> int:
    """Ask HDF5 for a number that it writes to where it is told to."""
    answer = ctypes.c_uint()
    with phil:
        if question(ctypes.c_int64(subject.id), ctypes.byref(answer)) < 0:
            raise OSError(f"HDF5 does not answer {question.__name__}")
    return answer.value
