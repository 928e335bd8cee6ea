"""Write the references of one probe."""

import json
import zlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lfpscope.clock.segments import Clock
from lfpscope.doubts import doubts_to_json
from lfpscope.hdf5.chunk_index import chunk_references
from lfpscope.hdf5.describe_layout import describe_layout as describe_layout
from lfpscope.hdf5.layout import Layout as Layout
from lfpscope.hdf5.layout import Refs
from lfpscope.hdf5.values import number
from lfpscope.io.addresses import is_remote, open_address
from lfpscope.io.byte_source import Bytes
from lfpscope.io.tables import write_json
from lfpscope.nwb.electrodes import DepthAxis
from lfpscope.nwb.recording import Recording, starting_time, times_layout
from lfpscope.nwb.series import time_scale
from lfpscope.references.schema import digest
from lfpscope.references.variables import counted, inlined_variable, zarr_variable

LOCAL_CHUNKS = 32  # whose checksums tell a replaced file from a touched one
REMOTE_CHUNKS = 4  # where an ETag tells, and a copy on disk must still be known again
HEAD_BYTES = 2048  # the superblock, and the root group behind it
CHECKED_BYTES = 1 << 20  # of each: those into contiguous data may be large


def write_references(
    nwb: h5py.File,
    recording: Recording,
    clock: Clock,
    *,
    session: str,
    probe: str,
    address: str,
    path: Path,
    clock_is_exact: bool = True,
) -> int:
    """Write the references of one probe.

    Parameters
    ----------
    nwb : h5py.File
        The open file.
    recording : Recording
        Which series, with its channels and units.
    clock : Clock
        Its segments.
    session, probe : str
        Ids under which the pipeline knows it.
    address : str
        Where readers shall find the bytes.
    path : Path
        The JSON to write.
    clock_is_exact : bool
        Whether all timestamps were read for the clock.

    Returns
    -------
    int
        Number of chunks of the data.

    Raises
    ------
    UserError
        If the layout of the data or of the timestamps cannot be read in place.
    """
    data = nwb[recording.series]["data"]
    chunks = chunk_references(data, recording.layout, "lfp")
    refs: Refs = {".zgroup": json.dumps({"zarr_format": 2})}
    refs[".zattrs"] = json.dumps(
        {
            "session": session,
            "probe": probe,
            "series": recording.series,
            "clock": clock.to_json(),
            "clock_is_exact": clock_is_exact,
            "doubts": doubts_to_json(recording.doubts),
        }
    )
    coordinates = _channel_variables(recording)
    zarray = recording.layout.zarray()
    refs |= zarr_variable("lfp", zarray, ["time", "channel"], _lfp_attributes(recording))
    refs |= chunks
    refs |= _clock_variable(nwb, recording)
    refs |= coordinates
    write_json(
        path,
        {
            "version": 1,
            "templates": {"u": address},
            "refs": refs,
            "provenance": _provenance(address, chunks),
            "refs_sha256": digest(refs),
        },
    )
    return len(chunks)


def _lfp_attributes(recording: Recording) -> dict[str, Any]:
    columns = recording.channels.columns
    names = [name for name in columns if name != "channel_conversion"]
    attributes: dict[str, Any] = {"units": "V"}
    if "channel_conversion" in columns:
        names.append("volts_per_count")
        attributes = {"units": "count", "volts_offset": recording.offset}
    elif recording.conversion != 1.0 or recording.offset != 0.0:
        attributes |= {"scale_factor": recording.conversion, "add_offset": recording.offset}
    return attributes | {"coordinates": " ".join(["timestamps", *names])}


COORDINATE_ATTRIBUTES = {
    "area": {"long_name": "brain area"},
    "across": {"units": "um", "long_name": "position across the probe"},
    "volts_per_count": {"units": "V"},
}


def _channel_variables(recording: Recording) -> Refs:
    channels = recording.channels
    refs = inlined_variable("channel", channels.id, ["channel"], {"long_name": "electrode id"})
    columns = channels.columns.copy()
    if "channel_conversion" in columns:
        columns["volts_per_count"] = columns.pop("channel_conversion") * recording.conversion
    for name, values in columns.items():
        attributes = COORDINATE_ATTRIBUTES.get(name, {})
        if name == "depth" and channels.depth_axis:
            attributes = _depth_attributes(channels.depth_axis)
        refs |= inlined_variable(name, values, ["channel"], attributes)
    return refs


def _depth_attributes(axis: DepthAxis) -> dict[str, Any]:
    return {
        "units": axis.unit.replace("µ", "u") or "unknown",
        "long_name": axis.label,
        "column": axis.column,
        "positive": "down" if axis.is_downward else "up",  # as CF names it
    }


def _clock_variable(nwb: h5py.File, recording: Recording) -> Refs:
    """Return `timestamps`: referenced where the file stores them, else counted."""
    group = nwb[recording.series]
    if "timestamps" in group:
        stored = group["timestamps"]
        layout = times_layout(stored)
        scale = time_scale(group)
        attributes = {"units": "s"} | ({"scale_factor": scale} if scale != 1 else {})
        metadata = zarr_variable("timestamps", layout.zarray(), ["time"], attributes)
        return metadata | chunk_references(stored, layout, "timestamps")
    start = group["starting_time"]
    attributes = {
        "units": "s",
        "scale_factor": 1.0 / number(start.attrs["rate"]),
        "add_offset": starting_time(group),
    }
    return counted("timestamps", recording.n_samples, attributes)


def _provenance(address: str, chunks: Refs) -> dict[str, Any]:
    with open_address(address) as source:
        identity = source.identity()
        sampled = _checksums(source, chunks, REMOTE_CHUNKS if is_remote(address) else LOCAL_CHUNKS)
    return {
        "address": address,
        **identity,
        "crc32": sampled,
        "versions": {"lfpscope": version("lfpscope"), "h5py": version("h5py")},
    }


def _checksums(source: Bytes, chunks: Refs, n: int) -> list[list[int]]:
    """Lists ``[offset, size, crc32]`` of the file's start and of some chunks' starts.

    Of the first and the last chunk, and of others at random places, the same ones each time.
    """
    places = sorted(
        [ref[1], min(ref[2], CHECKED_BYTES)] for ref in chunks.values() if isinstance(ref, list)
    )
    order = np.random.default_rng(len(places)).permutation(len(places)).tolist()
    picked = sorted(list(dict.fromkeys([*range(len(places))[:: len(places) - 1 or 1], *order]))[:n])
    noted = [[0, min(source.size, HEAD_BYTES)], *(places[i] for i in picked)]
    return [[*place, zlib.crc32(source.read(*place))] for place in noted]
