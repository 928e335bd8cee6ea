"""Named stretches of a session: stimuli, epochs, trials and events of NWB files in one table."""

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import h5py
import numpy as np

from lfpscope.errors import UserError
from lfpscope.hdf5.isolation import IsolatedReader
from lfpscope.io.atomic import atomic
from lfpscope.io.tables import read_table
from lfpscope.nwb.events import find_events
from lfpscope.nwb.file import read_or_remark, reading
from lfpscope.nwb.interval_tables import IntervalTable, read_interval_table

FIRST = ("start", "stop", "name", "table")  # columns of the table; those of the files follow


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


def join_touching(intervals: Sequence[Interval], gap: float = 0.0) -> list[Interval]:
    """Join intervals of one name that touch, or lie no more than `gap` seconds apart, to blocks.

    Parameters
    ----------
    intervals : sequence of Interval
        In any order.
    gap : float
        Seconds.

    Returns
    -------
    list of Interval
        In the order of time.
    """
    blocks: list[Interval] = []
    last: dict[str, int] = {}  # block of each name
    for one in sorted(intervals):
        at = last.get(one.name)
        if at is not None and one.start <= blocks[at].stop + gap:
            before = blocks[at]
            blocks[at] = Interval(before.start, max(before.stop, one.stop), one.name)
        else:
            last[one.name] = len(blocks)
            blocks.append(one)
    return blocks


def write_intervals(path: Path, tables: Sequence[IntervalTable]) -> None:
    """Write intervals in the order of time, with all columns; each once, however often found."""
    own = [name for table in tables for name in table.columns if name not in FIRST]
    columns = list(dict.fromkeys(own))
    with atomic(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*FIRST, *columns])
        writer.writerows(_each_once(_rows(tables, columns)))


def _rows(tables: Sequence[IntervalTable], columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Rows of all tables in the order of time."""
    sizes = [table.start.size for table in tables]
    starts = np.concatenate([np.empty(0), *(table.start for table in tables)])
    stops = np.concatenate([np.empty(0), *(table.stop for table in tables)])
    table_of = np.repeat(np.arange(len(tables)), sizes)
    row_of = np.concatenate([np.empty(0, np.int64), *(np.arange(size) for size in sizes)])
    order = np.lexsort((np.where(np.isnan(stops), starts, stops), starts))
    cells = [[table.columns.get(name) for name in columns] for table in tables]
    for at in order.tolist():
        i, row = int(table_of[at]), int(row_of[at])
        start, stop = float(starts[at]), float(stops[at])
        more = (values[row] if values else "" for values in cells[i])
        end = "" if math.isnan(stop) else repr(stop)
        yield repr(start), end, tables[i].names[row], tables[i].table, *more


def _each_once(rows: Iterator[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Leave out what stands there already; equal rows have equal times, and follow each other."""
    seen: set[tuple[str, ...]] = set()
    start = ""
    for row in rows:
        if row[0] != start:
            seen, start = set(), row[0]
        if row not in seen:
            seen.add(row)
            yield row


def intervals_in_file(file: str) -> tuple[list[IntervalTable], list[str]]:
    """Intervals of an NWB file and remarks, as `find_intervals` finds them.

    Raises
    ------
    UserError
        If it cannot be read.
    """
    with reading(file) as nwb:
        return find_intervals(nwb)


def find_intervals(nwb: h5py.File) -> tuple[list[IntervalTable], list[str]]:
    """Find the intervals of all tables in ``/intervals`` of an NWB file, and its events.

    A table that cannot be read is left out; the others are not affected.

    Returns
    -------
    list of IntervalTable
        Those with a row that has a time.
    list of str
        A remark for each table that was left out or is incomplete: its name and the reason.
    """
    group = nwb.get("intervals")
    names = list(group) if isinstance(group, h5py.Group) else []
    work = [(f"/intervals/{name}", partial(read_interval_table, group, name)) for name in names]
    work += [(str(series.name), partial(read, series)) for series, read in find_events(nwb)]
    tables, remarks = [], []
    for name, read_table_of in work:
        read, remark = read_or_remark(nwb.filename, read_table_of)
        if read is None:
            remarks.append(remark)
            continue
        found, odd = read
        tables += [found] if found.start.size else []
        remarks += [f"{nwb.filename}: {name}: {one}" for one in odd]
    return tables, remarks


def list_intervals(*files: str, intervals: Path) -> None:
    """Bring stimuli, epochs and trials from a session's NWB files into one table.

    Parameters
    ----------
    files : str
        Paths or addresses; what cannot be read in one is left out, and named.
    intervals : Path
        Table to write, in the order of time; empty where there are none.
    """
    found = []
    with IsolatedReader() as reader:
        for file in files:
            try:
                here, remarks = reader.call(file, intervals_in_file, file)
            except UserError as error:
                print(f"left out: {error}")
            else:
                n = sum(table.start.size for table in here)
                print(f"{file}: {n} intervals", *remarks, sep="\n")
                found += here
    write_intervals(intervals, found)
