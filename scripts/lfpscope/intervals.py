"""Named stretches of a session: stimuli, epochs and trials, from NWB files into one table."""

import math
import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from lfpscope.files import UserError, read_table, write_table
from lfpscope.hdf5 import member, text
from lfpscope.recording import open_nwb

FIRST = ("start", "stop", "name", "table")  # columns of the table; those of the files follow
NAMES = ("stimulus_name", "label", "name", "tags")  # columns that say what an interval is


@dataclass(frozen=True, order=True)
class Interval:
    """A named stretch of session time, seconds."""

    start: float
    stop: float
    name: str


def read_intervals(path: Path) -> list[Interval]:
    """Intervals of a table with the columns start, stop and name, in order; none without a file.

    Rows without a start are left out; an interval without an end is a point.
    """
    if not path.exists():
        return []
    found = []
    for row in read_table(path):
        start, stop = _number(row.get("start")), _number(row.get("stop"))
        if start is not None:
            stop = start if stop is None else max(stop, start)
            found.append(Interval(start, stop, row.get("name") or ""))
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


def intervals_in_file(file: str) -> list[dict[str, str]]:
    """Intervals of an NWB file, as `find_intervals` finds them.

    Raises
    ------
    UserError
        If it cannot be read.
    """
    with open_nwb(file) as nwb:
        try:
            return list(find_intervals(nwb))
        except Exception as error:  # noqa: BLE001 - damaged metadata give h5py anything to say
            traceback.print_exc()  # in the log, where it may be ours
            raise UserError(f"{file}: intervals cannot be read ({error!r}).") from None


def find_intervals(nwb: h5py.File) -> Iterator[dict[str, str]]:
    """Intervals of all tables in ``/intervals`` of an NWB file.

    Yields
    ------
    dict of str
        ``start`` and ``stop`` in seconds, ``name``, ``table``, and the other columns that hold one
        value for each interval, but for those of these names.
    """
    group = nwb.get("intervals")
    for table in group.values() if isinstance(group, h5py.Group) else ():
        if isinstance(table, h5py.Group) and member(table, "start_time") is not None:
            yield from _rows(table)


def _rows(table: h5py.Group) -> Iterator[dict[str, str]]:
    columns = {name: values for name in table if (values := _column(table, name)) is not None}
    start, stop = columns.pop("start_time"), columns.pop("stop_time", [])
    columns.pop("id", None)
    kind = str(table.name).rsplit("/", 1)[-1]
    for i, begin in enumerate(start):
        if _number(begin) is None:
            continue  # at no time
        more = {name: values[i] for name, values in columns.items() if i < len(values)}
        name = next((more[name] for name in NAMES if more.get(name)), kind)
        end = stop[i] if i < len(stop) and _number(stop[i]) is not None else ""
        yield more | {"start": begin, "stop": end, "name": name, "table": kind}


def _column(table: h5py.Group, name: str) -> list[str] | None:
    """Values of a column as text; None where it does not hold one for each row."""
    data = member(table, name)
    indexes = name.endswith("_index") and name.removesuffix("_index") in table
    if data is None or indexes or data.ndim != 1 or data.dtype.kind not in "biufOSU":
        return None
    if data.dtype.kind == "O" and h5py.check_ref_dtype(data.dtype):
        return None
    index = member(table, f"{name}_index")
    values = [_cell(value) for value in data[:].tolist()]
    if index is None:
        return values
    stops = index[:].tolist()
    starts = [0, *stops[:-1]]
    return [" ".join(values[a:b]) for a, b in zip(starts, stops, strict=True)]


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(value)
    return text(value)
