"""References of a session's probes in one file."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lfpscope.hdf5.layout import Refs
from lfpscope.references.model import ProbeReferences
from lfpscope.references.schema import (
    column_attributes,
    read_probe,
    seconds_attributes,
    session_url,
    volts_attributes,
    write_session,
)
from lfpscope.references.variables import write_chunks, write_inlined, write_variable


def combine_references(paths: Sequence[Path], path: Path, *, session: str) -> str:
    """Combine the references of a session's probes into one JSON with a group per probe.

    Where all probes share chunk shape, type, filters and scale there is also ``/stacked`` with
    ``lfp(probe, time, channel)``, cropped in time to the shortest probe.

    Parameters
    ----------
    paths : sequence of Path
        The ``lfp.json`` of each probe.
    path : Path
        The JSON to write.
    session : str
        Its id.

    Returns
    -------
    str
        "yes", or why there is no ``/stacked``; also the root attribute `stacked`.
    """
    probes = {one.probe: one for one in map(read_probe, paths)}
    why_not = _why_not_stackable(probes)
    write_session(path, session, probes, why_not or _stacked(probes))
    return why_not or "yes"


def _why_not_stackable(probes: Mapping[str, ProbeReferences]) -> str:
    """Return what keeps the probes from one array (probe, time, channel), or nothing."""
    if len(probes) < 2:
        return "no: the session has one probe"
    first, *others = probes.values()
    for variable, attributes in (("lfp", volts_attributes), ("timestamps", seconds_attributes)):
        arrays = {name: getattr(one, variable).layout.zarray() for name, one in probes.items()}
        for key in ("chunks", "dtype", "compressor", "filters", "order"):
            values = {name: array[key] for name, array in arrays.items()}
            if any(value != values[first.probe] for value in values.values()):
                listing = ", ".join(f"{value} in {name}" for name, value in values.items())
                return f"no: {key} of {variable} differ: {listing}"
        for key in ("units", "scale_factor", "add_offset"):
            if any(attributes(one).get(key) != attributes(first).get(key) for one in others):
                return f"no: {key} of {variable} differs between probes"
    if first.has_channel_scales:
        return "no: volts per count differ between channels"
    is_padded = first.layout.chunks[1] != 1 or first.layout.dtype.kind != "f"
    if is_padded and any(one.n_channels != first.n_channels for one in others):
        # padding inside a chunk, or of integers, would read as data
        return "no: channel counts differ, and a chunk holds several channels or integers"
    return ""


def _stacked(probes: Mapping[str, ProbeReferences]) -> Refs:
    """References of all probes as one array, cropped to the shortest one.

    HDF5 pads a probe's last chunk with zeros; cropping keeps them from being read as data. A probe
    with fewer channels has no chunks for the rest, which read as NaN.
    """
    stacked = list(probes.values())
    first = stacked[0]
    n_samples = min(one.n_samples for one in stacked)
    n_channels = max(one.n_channels for one in stacked)
    refs: Refs = {".zgroup": json.dumps({"zarr_format": 2})}
    volts = volts_attributes(first) | {"coordinates": "timestamps electrode depth area"}
    for variable, dimensions, lengths, attributes in (
        ("lfp", ["time", "channel"], [n_samples, n_channels], volts),
        ("timestamps", ["time"], [n_samples], seconds_attributes(first)),
    ):
        tables = [getattr(one, variable) for one in stacked]
        zarray = tables[0].layout.zarray()
        rows = -(-n_samples // zarray["chunks"][0])
        zarray |= {"shape": [len(stacked), *lengths], "chunks": [1, *zarray["chunks"]]}
        refs |= write_variable(variable, zarray, ["probe", *dimensions], attributes)
        for i, table in enumerate(tables):
            refs |= write_chunks(f"{variable}/{i}.", table, session_url(i), stop_row=rows)
    refs |= write_inlined("probe", np.array(list(probes)), ["probe"], {})
    for name, source, filler in (
        ("electrode", "channel", -1),
        ("depth", "depth", np.nan),
        ("area", "area", ""),
    ):
        refs |= _stacked_column(name, source, filler, stacked, n_channels)
    return refs


def _stacked_column(
    name: str, source: str, filler: Any, probes: Sequence[ProbeReferences], n_channels: int
) -> Refs:
    """Stack a variable over channels, with a filler where a probe has none."""
    columns = [
        one.channels.id if source == "channel" else one.channels.columns.get(source)
        for one in probes
    ]
    rows = [np.full(0, filler) if column is None else column for column in columns]
    values = np.full((len(rows), n_channels), filler, np.result_type(*rows))
    for row, column in zip(values, rows, strict=True):
        row[: column.size] = column
    stored = [
        column_attributes(one, source)
        for one, column in zip(probes, columns, strict=True)
        if column is not None
    ]
    first = stored[0] if stored else {}
    same = {key: value for key, value in first.items() if all(a.get(key) == value for a in stored)}
    fill = filler if name == "electrode" else None  # absent electrodes read as NaN
    return write_inlined(name, values, ["probe", "channel"], same, fill)


def combine_session(*references: Path, session: str, combined: Path) -> None:
    """Combine the references of a session's probes into one JSON.

    Parameters
    ----------
    references : Path
        References of each probe.
    session : str
        Its id.
    combined : Path
        Kerchunk JSON to write: a group per probe, and all stacked where they agree.
    """
    stacked = combine_references(references, combined, session=session)
    print(f"{session}: {len(references)} probes; stacked: {stacked}")
