"""Named stretches of a session: stimuli, epochs and trials, from NWB files into one table."""

import math
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from lfpscope.errors import UserError
from lfpscope.hdf5.values import member, text
from lfpscope.io.tables import read_table, write_table
from lfpscope.nwb.file import reading, why_not_read

FIRST = ("start", "stop", "name", "table")  # columns of the table; those of the files follow
NAMES = ("stimulus_name", "label", "name", "tags")  # columns that say what an interval is


@dataclass(frozen=True, order=True)
class Interval:
    """A named stretch of session time, seconds.

    Attributes
    ----------
    start, stop, name
        Of it.
    table : str
        In the NWB file.
    about : str
        Its other columns, in words: ``orientation 90.0, contrast 0.8``.
    """

    start: float
    stop: float
    name: str
    table: str = ""
    about: str = ""


def read_intervals(path: Path) -> list[Interval]:
    """Intervals of a table with the columns start, stop and name, in order; none without a file.

    Rows without a start are left out; an interval without an end, or that ends before it starts,
    is a point.
    """
    if not path.exists():
        return []
    found = []
    for row in read_table(path):
        start, stop = _number(row.get("start")), _number(row.get("stop"))
        if start is not None:
            stop = start if stop is None else max(stop, start)
            name, table = row.get("name") or "", row.get("table") or ""
            others = [key for key in row if key not in FIRST and row[key] not in ("", name)]
            about = ", ".join(f"{key} {row[key]}" for key in others)
            found.append(Interval(start, stop, name, table, about))
    return sorted(found)


def inside(intervals: Sequence[Interval], start: float, stop: float) -> list[Interval]:
    """Those that have a time in a range."""
    return [one for one in intervals if one.start <= stop and one.stop >= start]


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def write_intervals(path: Path, rows: Iterable[dict[str, str]]) -> None:
    """Write the table of intervals in the order of time; each one once, however often found."""
    unique = {tuple(row.items()): row for row in rows}.values()
    ordered = sorted(unique, key=_times)
    columns = dict.fromkeys([*FIRST, *(name for row in ordered for name in row)])
    write_table(path, list(columns), ordered)


def _times(row: dict[str, str]) -> tuple[float, float]:
    return float(row["start"]), float(row["stop"] or row["start"])


def intervals_in_file(file: str) -> tuple[list[dict[str, str]], list[str]]:
    """Intervals of an NWB file and remarks, as `find_intervals` finds them.

    Raises
    ------
    UserError
        If it cannot be read.
    """
    with reading(file) as nwb:
        return find_intervals(nwb)


def find_intervals(nwb: h5py.File) -> tuple[list[dict[str, str]], list[str]]:
    """Find the intervals of all tables in ``/intervals`` of an NWB file.

    A table that cannot be read is left out; the others are not affected.

    Returns
    -------
    list of dict of str
        ``start`` and ``stop`` in seconds, ``name``, ``table``, and the other columns that hold one
        value for each interval, except those with these names. ``stop`` is empty where the file
        has none that is a time and not before the start.
    list of str
        A remark for each table that was left out or is incomplete: its name and the reason.
    """
    rows: list[dict[str, str]] = []
    remarks = []
    group = nwb.get("intervals")
    for name in group if isinstance(group, h5py.Group) else ():
        try:
            found, odd = _rows(group, name)
        except UserError as error:
            remarks.append(f"left out: {error}")
        except Exception as error:  # noqa: BLE001 - damaged metadata give h5py anything to say
            traceback.print_exc()  # in the log, where it may be ours
            remarks.append(f"left out: {why_not_read(nwb.filename, error)}")
        else:
            rows += found
            remarks += [f"{nwb.filename}: {group.name}/{name}: {one}" for one in odd]
    return rows, remarks


def _rows(group: h5py.Group, name: str) -> tuple[list[dict[str, str]], list[str]]:
    """Intervals of one table, and what is odd about it."""
    where, table = f"{group.file.filename}: {group.name}/{name}", group[name]
    if not isinstance(table, h5py.Group):
        raise UserError(f"{where}: no table of intervals.")
    start, stop = (_times_of(table, column, where) for column in ("start_time", "stop_time"))
    if start is None:
        raise UserError(f"{where}: no start_time, so no interval has a time.")
    if stop is not None and len(stop) != len(start):
        raise UserError(f"{where}: {len(start)} times in start_time, {len(stop)} in stop_time.")
    columns, odd = _columns(table, len(start))
    rows, n_open, n_backwards = [], 0, 0
    for i, begin in enumerate(start):
        if not math.isfinite(begin):
            continue
        end = math.nan if stop is None else stop[i]
        n_open += not math.isfinite(end)
        n_backwards += end < begin
        more = {name: values[i] for name, values in columns.items()}
        label = next((more[name] for name in NAMES if more.get(name)), name)
        has_end = math.isfinite(end) and end >= begin
        own = {"start": repr(begin), "stop": repr(end) if has_end else "", "name": label}
        rows.append(more | own | {"table": name})
    n_out = len(start) - len(rows)
    counts = {
        "without a start, left out": n_out,
        "without an end, shown as points": n_open,
        "that end before they start, shown as points": n_backwards,
    }
    odd += [f"{n} of {len(start)} intervals {what}" for what, n in counts.items() if n]
    return rows, odd


def _times_of(table: h5py.Group, name: str, where: str) -> list[float] | None:
    """Times of a column, seconds; NaN where one is not a number. None where there is no column.

    Raises
    ------
    UserError
        If it does not hold one time for each row.
    """
    data = member(table, name)
    if data is None:
        return None
    if _is_ragged(table, name, data):
        raise UserError(f"{where}: {name} has several times for a row (expected one).")
    if not _is_flat(data) or data.dtype.kind not in "iufOS":
        raise UserError(f"{where}: {name} of shape {data.shape} and type {data.dtype}, not times.")
    texts = map(_cell, data[()].reshape(-1).tolist())
    return [math.nan if (number := _number(text)) is None else number for text in texts]


def _columns(table: h5py.Group, n_rows: int) -> tuple[dict[str, list[str]], list[str]]:
    """Columns with one value for each row, as text, but for times; and what is odd about others."""
    columns, odd = {}, []
    for name in table:
        if name in ("id", "start_time", "stop_time"):
            continue
        try:
            values = _column(table, name)
        except Exception as error:  # noqa: BLE001 - damaged metadata give h5py anything to say
            traceback.print_exc()
            odd.append(f"column {name} left out: {' '.join(str(error).split())}")
            continue
        if values is None:
            continue
        if len(values) == n_rows:
            columns[name] = values
        else:
            odd.append(f"column {name} left out: {len(values)} values for {n_rows} rows")
    return columns, odd


def _column(table: h5py.Group, name: str) -> list[str] | None:
    """Values of a column as text; None where it does not hold one for each row."""
    data = member(table, name)
    indexes = name.endswith("_index") and name.removesuffix("_index") in table
    if data is None or indexes or not _is_flat(data) or data.dtype.kind not in "biufOSU":
        return None
    if h5py.check_ref_dtype(data.dtype) or _holds_lists(data):
        return None
    values = [_cell(value) for value in data[()].reshape(-1).tolist()]
    index = member(table, f"{name}_index")
    if index is None:
        return values
    stops = index[()].reshape(-1).tolist()
    starts = [0, *stops[:-1]]
    return [" ".join(values[a:b]) for a, b in zip(starts, stops, strict=True)]


def _is_flat(data: h5py.Dataset) -> bool:
    """Tell whether a column has one value for each row, be it as a matrix of one column or row."""
    return data.shape is not None and len(data.shape) > 0 and data.size == max(data.shape)


def _is_ragged(table: h5py.Group, name: str, data: h5py.Dataset) -> bool:
    return f"{name}_index" in table or _holds_lists(data)


def _holds_lists(data: h5py.Dataset) -> bool:
    is_vlen = h5py.check_vlen_dtype(data.dtype) is not None
    return is_vlen and h5py.check_string_dtype(data.dtype) is None


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(value)
    return text(value)
