"""A table of intervals in an NWB file, column by column.

Tens of thousands of rows share few values: each is one text in memory, however often it stands.
"""

import math
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from lfpscope.errors import UserError
from lfpscope.hdf5.values import member, text
from lfpscope.typing import Floats

NAMES = ("stimulus_name", "label", "name", "tags")  # columns that say what an interval is
TIMES = ("start_time", "stop_time")
NOT_VALUES = ("id", "timeseries")  # numbers of rows, and references to samples of series
MAX_WIDTH = 32  # numbers in a cell; more are data


@dataclass(frozen=True)
class IntervalTable:
    """Intervals of one table.

    Attributes
    ----------
    table : str
        Its name.
    start, stop : ndarray of float64, shape (n,)
        Seconds; `stop` is NaN where an interval is an instant.
    names : list of str
        What each interval is.
    columns : dict of str to list of str
        The other columns.
    """

    table: str
    start: Floats
    stop: Floats
    names: list[str]
    columns: dict[str, list[str]] = field(default_factory=dict)


def read_interval_table(group: h5py.Group, name: str) -> tuple[IntervalTable, list[str]]:
    """Read one table of ``/intervals``, and what is odd about it.

    Raises
    ------
    UserError
        If it is no table, or does not have a start for each row.
    """
    where, table = f"{group.file.filename}: {group.name}/{name}", group[name]
    if not isinstance(table, h5py.Group):
        raise UserError(f"{where}: no table of intervals.")
    start, stop = (read_times(table, column, where) for column in TIMES)
    if start is None:
        raise UserError(f"{where}: no start_time, so no interval has a time.")
    if stop is not None and stop.size != start.size:
        raise UserError(f"{where}: {start.size} times in start_time, {stop.size} in stop_time.")
    stop = np.full(start.size, np.nan) if stop is None else stop
    columns, odd = read_columns(table, start.size, skip=(*NOT_VALUES, *TIMES))
    found, counts = keep_timed(name, start, stop, columns)
    return found, odd + counts


def keep_timed(
    name: str, start: Floats, stop: Floats, columns: dict[str, list[str]]
) -> tuple[IntervalTable, list[str]]:
    """Make a table of the rows that have a start, and count those with odd times."""
    timed = np.isfinite(start)
    with np.errstate(invalid="ignore"):
        is_open, backwards = timed & ~np.isfinite(stop), timed & (stop < start)
    labels = [columns[column] for column in NAMES if column in columns]
    names = [next(filter(None, some), name) for some in zip(*labels, strict=True)]
    names = names or [name] * start.size
    kept = np.flatnonzero(timed).tolist()
    table = IntervalTable(
        name,
        start[timed],
        np.where(is_open | backwards, np.nan, stop)[timed],
        [names[i] for i in kept],
        {column: [values[i] for i in kept] for column, values in columns.items()},
    )
    counts = {
        "without a start, left out": start.size - len(kept),
        "without an end, shown as points": int(is_open.sum()),
        "that end before they start, shown as points": int(backwards.sum()),
    }
    return table, [f"{n} of {start.size} intervals {what}" for what, n in counts.items() if n]


def read_times(table: h5py.Group, name: str, where: str) -> Floats | None:
    """Times of a column, seconds; NaN where one is not a number. None where there is no column.

    Raises
    ------
    UserError
        If it does not hold one time for each row.
    """
    data = member(table, name)
    if data is None:
        return None
    if f"{name}_index" in table or _holds_lists(data):
        raise UserError(f"{where}: {name} has several times for a row (expected one).")
    if not _is_flat(data) or data.dtype.kind not in "iufOS":
        raise UserError(f"{where}: {name} of shape {data.shape} and type {data.dtype}, not times.")
    stored = data[()].reshape(-1)
    if stored.dtype.kind not in "iuf":
        stored = np.array([_number(text(one)) for one in stored.tolist()], dtype=np.float64)
    times = stored.astype(np.float64)
    return np.where(np.isfinite(times), times, np.nan)


def _number(words: str) -> float:
    try:
        return float(words or "nan")
    except ValueError:
        return math.nan


def read_columns(
    table: h5py.Group, n_rows: int, skip: Iterable[str]
) -> tuple[dict[str, list[str]], list[str]]:
    """Columns as text, one cell for each row; and what is odd about those that are left out."""
    columns, odd = {}, []
    left_out = {*skip, *(name for name in table if _is_index(table, name))}
    for name in [name for name in table if name not in left_out]:
        try:
            values, problem = _read_column(table, name, n_rows)
        except Exception as error:  # noqa: BLE001 - damaged metadata give h5py anything to say
            traceback.print_exc()
            values, problem = None, " ".join(str(error).split())
        if values is not None:
            columns[name] = values
        elif problem:
            odd.append(f"column {name} left out: {problem}")
    return columns, odd


def _is_index(table: h5py.Group, name: str) -> bool:
    return name.endswith("_index") and name.removesuffix("_index") in table


def _read_column(table: h5py.Group, name: str, n_rows: int) -> tuple[list[str] | None, str]:
    """Cells of a column; None, with the reason, where it has none for each row."""
    data = member(table, name)
    if data is None or data.shape is None or not data.ndim:
        return None, "no values"
    is_list = _holds_lists(data)
    if data.dtype.kind not in "biufOSU" or h5py.check_ref_dtype(data.dtype):
        return None, f"values of type {data.dtype}"
    index = member(table, f"{name}_index")
    if index is not None:
        if f"{name}_index_index" in table:
            return None, "lists of lists"
        cells = _joined(_texts(data[()].reshape(-1)), index[()].reshape(-1).tolist())
    elif is_list:
        cells = [" ".join(map(_cell, np.atleast_1d(one).tolist())) for one in data[()].tolist()]
    elif _is_flat(data):
        cells = _texts(data[()].reshape(-1))
    elif data.ndim == 2 and data.shape[0] == n_rows and data.shape[1] <= MAX_WIDTH:
        texts, width = _texts(data[()].reshape(-1)), data.shape[1]
        cells = _joined(texts, list(range(width, (n_rows + 1) * width, width))) if width else []
    else:
        return None, f"values of shape {data.shape} for {n_rows} rows"
    if len(cells) != n_rows:
        return None, f"{len(cells)} values for {n_rows} rows"
    return cells, ""


def _texts(values: npt.NDArray[Any]) -> list[str]:
    """Cells of values; equal ones are one object."""
    if values.dtype.kind in "biuf":
        unique, which = np.unique(values, return_inverse=True)
        return list(map([_cell(one) for one in unique.tolist()].__getitem__, which.tolist()))
    known: dict[Any, str] = {}
    found = []
    for value in values.tolist():
        cell = known.get(value)
        if cell is None:
            cell = known[value] = _cell(value)
        found.append(cell)
    return found


def _joined(texts: list[str], stops: list[int]) -> list[str]:
    """Cells of several texts each, up to the stops."""
    known: dict[str, str] = {}
    pieces = (" ".join(texts[a:b]) for a, b in pairwise([0, *stops]))
    return [known.setdefault(piece, piece) for piece in pieces]


def _is_flat(data: h5py.Dataset) -> bool:
    """Tell whether a column has one value for each row, be it as a matrix of one column or row."""
    return data.shape is not None and len(data.shape) > 0 and data.size == max(data.shape)


def _holds_lists(data: h5py.Dataset) -> bool:
    is_vlen = h5py.check_vlen_dtype(data.dtype) is not None
    return is_vlen and h5py.check_string_dtype(data.dtype) is None


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(value)
    return text(value)
