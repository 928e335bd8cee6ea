"""Series of events in NWB files, as intervals without a length."""

import traceback
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

from lfpscope.errors import UserError
from lfpscope.hdf5.values import member, text
from lfpscope.nwb.interval_tables import (
    NOT_VALUES,
    IntervalTable,
    keep_timed,
    read_columns,
    read_times,
)
from lfpscope.typing import Floats

MAX_EVENTS = 100_000  # of one series: more are samples, as of a camera
ROOMS_OF_OTHERS = ("intervals", "general", "specifications", "units")
TYPE = "neurodata_type"

Found = tuple[IntervalTable, list[str]]


def find_events(nwb: h5py.File) -> list[tuple[h5py.Group, Callable[[h5py.Group], Found]]]:
    """Find series of events anywhere in a file, each with the function that reads it.

    Links are not followed; where metadata are damaged, nothing is found.
    """
    found: list[h5py.Group] = []

    def visit(_name: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Group) and _reader(item) is not None:
            found.append(item)

    for name in nwb:
        link = nwb.get(name, getlink=True)
        if name in ROOMS_OF_OTHERS or not isinstance(link, h5py.HardLink):
            continue
        try:
            if isinstance(nwb[name], h5py.Group):
                nwb[name].visititems(visit)
        except Exception:  # noqa: BLE001 - damaged metadata give h5py anything to say
            traceback.print_exc()  # in the log; what cannot be read is named by those who need it
    return [(group, reader) for group in found if (reader := _reader(group)) is not None]


def is_series_of_events(group: h5py.Group) -> bool:
    """Tell whether a group is read as events."""
    return _reader(group) is not None


def _reader(group: h5py.Group) -> Callable[[h5py.Group], Found] | None:
    """Choose the function for a series, by its type or by the container that it lies in."""
    kind = text(group.attrs.get(TYPE))
    if kind == "TimeSeries" and text(group.parent.attrs.get(TYPE)) == "BehavioralEvents":
        return _read_events
    return READERS.get(kind)


def _name(group: h5py.Group) -> str:
    return str(group.name).rpartition("/")[2]


def _timestamps(group: h5py.Group, column: str) -> Floats:
    """Times of a series, seconds.

    Raises
    ------
    UserError
        If there are none, or too many to be events.
    """
    where = f"{group.file.filename}: {group.name}"
    stored = member(group, column)
    if stored is not None and stored.size > MAX_EVENTS:
        raise UserError(f"{where}: {stored.size} events (expected at most {MAX_EVENTS}).")
    times = read_times(group, column, where)
    if times is None:
        raise UserError(f"{where}: no {column}, so no event has a time.")
    return times


def _instants(group: h5py.Group, times: Floats, labels: list[str]) -> Found:
    """Make a table of events with labels of their own; the series' name where one has none."""
    name = _name(group)
    if labels and len(labels) != times.size:
        raise UserError(
            f"{group.file.filename}: {group.name}: {len(labels)} labels for {times.size} times."
        )
    columns = {"label": labels} if labels else {}
    return keep_timed(name, times, times, columns)


def _read_events(group: h5py.Group) -> Found:
    """Events without labels."""
    return _instants(group, _timestamps(group, "timestamps"), [])


def _read_annotations(group: h5py.Group) -> Found:
    """Texts at times."""
    data = member(group, "data")
    times = _timestamps(group, "timestamps")
    return _instants(group, times, [] if data is None else [text(one) for one in _flat(data)])


def _read_labelled(group: h5py.Group) -> Found:
    """Events with the number of their label."""
    times, data = _timestamps(group, "timestamps"), member(group, "data")
    if data is None:
        return _instants(group, times, [])
    names = [text(one) for one in np.atleast_1d(data.attrs.get("labels", ()))]
    numbers = [int(one) for one in _flat(data)]
    known = [names[i] if 0 <= i < len(names) else str(i) for i in numbers]
    return _instants(group, times, known)


def _read_beginnings_and_ends(group: h5py.Group) -> Found:
    """Intervals as a series: positive where one begins, negative where it ends."""
    times, data = _timestamps(group, "timestamps"), member(group, "data")
    signs = np.sign([] if data is None else np.asarray(_flat(data), dtype=np.float64))
    if signs.size != times.size:
        raise UserError(
            f"{group.file.filename}: {group.name}: {signs.size} values for {times.size} times."
        )
    begins = np.flatnonzero(signs > 0)
    ends = np.append(np.flatnonzero(signs < 0), times.size)
    after = ends[np.searchsorted(ends, begins)]
    stops = np.append(times, np.nan)[after]
    return keep_timed(_name(group), times[begins], stops, {})


def _read_event_table(group: h5py.Group) -> Found:
    """A table with a timestamp for each row, and perhaps a duration."""
    times = _timestamps(group, "timestamp")
    where = f"{group.file.filename}: {group.name}"
    duration = read_times(group, "duration", where)
    if duration is None or duration.size != times.size:
        duration = np.zeros(times.size)
    columns, odd = read_columns(group, times.size, skip=(*NOT_VALUES, "timestamp", "duration"))
    table, counts = keep_timed(_name(group), times, times + np.nan_to_num(duration), columns)
    return table, odd + counts


def _read_annotated(group: h5py.Group) -> Found:
    """A table with the times of one kind of events in each row."""
    where = f"{group.file.filename}: {group.name}"
    stored, index = member(group, "event_times"), member(group, "event_times_index")
    if stored is None or index is None:
        raise UserError(f"{where}: no event_times, so no event has a time.")
    if stored.size > MAX_EVENTS:
        raise UserError(f"{where}: {stored.size} events (expected at most {MAX_EVENTS}).")
    counts = np.diff([0, *_flat(index)])
    label = member(group, "label")
    names = [_name(group)] * counts.size if label is None else list(map(text, _flat(label)))
    times = np.asarray(_flat(stored), dtype=np.float64)
    if counts.sum() != times.size or len(names) != counts.size or counts.min(initial=0) < 0:
        raise UserError(f"{where}: its rows do not fit {times.size} event_times.")
    return _instants(group, times, np.repeat(names, counts).tolist())


def _flat(data: h5py.Dataset) -> list[Any]:
    return list(np.asarray(data[()]).reshape(-1).tolist())


READERS: dict[str, Callable[[h5py.Group], Found]] = {
    "AnnotationSeries": _read_annotations,
    "IntervalSeries": _read_beginnings_and_ends,
    # of the extension ndx-events before and from version 0.4, and of NWB's core from then on
    "Events": _read_events,
    "LabeledEvents": _read_labelled,
    "TTLs": _read_labelled,
    "AnnotatedEventsTable": _read_annotated,
    "EventsTable": _read_event_table,
}
"""Functions that read series of events, by their type."""
