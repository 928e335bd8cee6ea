"""Values in HDF5 files, in the ways that different writers store them."""

from typing import Any

import h5py
import numpy as np

from lfpscope.files import UserError


def member(group: h5py.Group, name: str) -> h5py.Dataset | None:
    """Dataset of a group, None where there is none.

    Raises
    ------
    UserError
        If it is a link into another file, which is not followed, or to nothing.
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
        raise UserError(f"{where}: a link to {link.path}, which is not there. Fetch it anew.")
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
    """Real number from an attribute or a dataset's content; the default where there is none."""
    value = scalar(value)
    return default if value is None else float(value)
