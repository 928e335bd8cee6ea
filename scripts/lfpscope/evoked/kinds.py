"""Which intervals are averaged together: kinds, and conditions of theirs."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

Rows = list[dict[str, str]]

MAX_KINDS = 16
MAX_CONDITIONS = 128  # of one kind and column: more are a measurement, not a condition
MIN_TRIALS = 2  # for an error
MAX_NAMED = 5
INVALID = "invalid_times"  # NWB's table of times that are not to be used
ALL_PROBES = "all_probes"  # a tag of such a time


@dataclass(frozen=True)
class Kind:
    """Intervals that are averaged together.

    Attributes
    ----------
    name : str
        Of the intervals, with the condition: "drifting_gratings, orientation 45.0".
    onsets : tuple of float
        Session times, seconds, rising.
    duration : float
        Median of the intervals' durations, seconds; 0 where they have none.
    condition : tuple of (str, str)
        Column and value; empty for all intervals of a name.
    """

    name: str
    onsets: tuple[float, ...]
    duration: float = 0.0
    condition: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Kinds:
    """What is averaged in a session, and what is not.

    Attributes
    ----------
    kinds : tuple of Kind
        In the order in which they first appear, each followed by its conditions.
    remarks : tuple of str
        What is left out.
    """

    kinds: tuple[Kind, ...]
    remarks: tuple[str, ...] = ()


def choose_kinds(
    rows: Iterable[dict[str, str]],
    *,
    n_kinds: int = MAX_KINDS,
    conditions: Sequence[str] = (),
) -> Kinds:
    """Choose what to average: the names with most intervals, and conditions of theirs.

    Parameters
    ----------
    rows : iterable of dict
        Rows of ``intervals.csv``.
    n_kinds : int
        Names at most.
    conditions : sequence of str
        Columns: each value of theirs is a condition with an average of its own.
    """
    groups, remarks = _groups(rows), []
    enough = {name: one for name, one in groups.items() if len(one) >= MIN_TRIALS}
    if few := [name for name in groups if name not in enough]:
        remarks.append(f"not averaged, one interval each: {_some(few)}")
    ranked = sorted(enough, key=lambda name: -len(enough[name]))
    if left := ranked[n_kinds:]:
        remarks.append(f"not averaged, beyond {n_kinds} kinds: {_some(left)}")
    kinds = []
    for name in [name for name in enough if name in set(ranked[:n_kinds])]:
        kinds.append(_kind(name, enough[name]))
        for column in conditions:
            found, remark = _conditions(name, enough[name], column)
            kinds += found
            remarks += remark
    return Kinds(tuple(kinds), tuple(remarks))


def _kind(name: str, rows: Rows, condition: tuple[str, str] = ("", "")) -> Kind:
    starts = [float(row["start"]) for row in rows]
    stops = [_number(row.get("stop")) for row in rows]
    lengths = [stop - start for start, stop in zip(starts, stops, strict=True) if stop >= start]
    return Kind(name, tuple(starts), median(lengths) if lengths else 0.0, condition)


def _groups(rows: Iterable[dict[str, str]]) -> dict[str, Rows]:
    """Rows by name; those of a table in which most names are unique by the table's name."""
    timed = [row for row in rows if _is_event(row)]
    timed.sort(key=lambda row: float(row["start"]))
    names: dict[str, Counter[str]] = {}
    for row in timed:
        names.setdefault(row.get("table", ""), Counter())[row.get("name", "")] += 1
    numbered = {table for table, found in names.items() if 2 * len(found) > found.total() > 2}
    groups: dict[str, Rows] = {}
    for row in timed:
        table, name = row.get("table", ""), row.get("name", "")
        name = table if table in numbered or not name else name
        groups.setdefault(name or "intervals", []).append(row)
    return groups


def _is_event(row: dict[str, str]) -> bool:
    return row.get("table") != INVALID and math.isfinite(_number(row.get("start")))


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def _conditions(name: str, rows: Rows, column: str) -> tuple[list[Kind], list[str]]:
    """Conditions of one kind by one column, and a remark where it has too many values."""
    by_value: dict[str, Rows] = {}
    for row in rows:
        if value := row.get(column) or "":
            by_value.setdefault(value, []).append(row)
    by_value = {value: found for value, found in by_value.items() if len(found) >= MIN_TRIALS}
    if len(by_value) > MAX_CONDITIONS:
        return [], [f"{name}: {len(by_value)} values of {column} are too many conditions"]
    if len(by_value) < 2:
        return [], []
    ordered = sorted(by_value, key=lambda value: (_number(value), value))
    return [
        _kind(f"{name}, {column} {value}", by_value[value], (column, value)) for value in ordered
    ], []


def invalid_times(rows: Iterable[dict[str, str]], names: set[str]) -> list[tuple[float, float]]:
    """Times that the file marks as invalid for all probes, for this one, or without saying which.

    Parameters
    ----------
    rows : iterable of dict
        Rows of ``intervals.csv``.
    names : set of str
        Of the probe, as they may stand in the tags.
    """
    found = []
    for row in rows:
        start, stop = _number(row.get("start")), _number(row.get("stop"))
        tags = set((row.get("tags") or "").replace(",", " ").split())
        is_concerned = not tags or bool(tags & (names | {ALL_PROBES}))
        if row.get("table") == INVALID and math.isfinite(start) and is_concerned:
            found.append((start, max(start, stop) if math.isfinite(stop) else start))
    return found


def _some(names: Sequence[str]) -> str:
    """The first names of many."""
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more
