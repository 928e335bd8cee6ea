"""Kerchunk references: write them for a recording, combine them for a session, open and check them.

The format is kerchunk's JSON, version 1, with Zarr version 2 metadata
(https://fsspec.github.io/kerchunk/spec.html).
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from lfpscope.clock.segments import Clock, clock_from_timestamps
from lfpscope.doubts import Doubt, doubts_from_json, doubts_to_json
from lfpscope.hdf5.layout import Layout as Layout
from lfpscope.hdf5.layout import Refs, chunk_references, inlined_bytes
from lfpscope.hdf5.layout import describe_layout as describe_layout
from lfpscope.hdf5.values import number
from lfpscope.io.addresses import Bytes, is_remote, open_address
from lfpscope.io.files import UserError, parse_json, write_json
from lfpscope.nwb.electrodes import Channels, DepthAxis
from lfpscope.nwb.recording import Recording, read_chunks_of_times, starting_time, times_layout
from lfpscope.nwb.series import time_scale
from lfpscope.references.schema import digest, not_ours, read_probe_json, split_groups
from lfpscope.references.variables import counted, inlined_variable, read_inlined, zarr_variable

LOCAL_CHUNKS = 32  # whose checksums tell a replaced file from a touched one
REMOTE_CHUNKS = 4  # where an ETag tells, and a copy on disk must still be known again
HEAD_BYTES = 2048  # the superblock, and the root group behind it
CHECKED_BYTES = 1 << 20  # of each: those into contiguous data may be large


@dataclass(frozen=True)
class References:
    """References of one probe, opened for reading by `lfpscope.samples.chunk_reader`.

    Attributes
    ----------
    file : Path
        The JSON.
    address : str
        Where the bytes are.
    layout : Layout
        Of the data, (time, channel).
    offsets, sizes : ndarray of int64, shape of the chunk grid
        Where each chunk lies; an offset of −1 where it is missing.
    inlined : dict
        Bytes of the chunks that the JSON itself holds, by grid position.
    scale : ndarray of float64, shape (n_channels,)
        Volts per stored unit of each channel.
    add : float
        Volts at a stored zero.
    clock : Clock
        Sample index ↔ seconds.
    clock_is_exact : bool
        Whether it was made from all timestamps. Where not, the envelope holds the one that was.
    channels : Channels
        Electrode ids, depth, area and so on.
    session, probe, series : str
        Where the recording belongs.
    provenance : dict
        Address, size, modification time and checksums of the source when it was indexed.
    doubts : tuple of Doubt
        What is uncertain about it, as far as indexing could see.
    """

    file: Path
    address: str
    layout: Layout
    offsets: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    inlined: dict[tuple[int, int], bytes]
    scale: npt.NDArray[np.float64]
    add: float
    clock: Clock
    clock_is_exact: bool
    channels: Channels
    session: str
    probe: str
    series: str
    provenance: dict[str, Any]
    doubts: tuple[Doubt, ...] = ()

    @property
    def n_samples(self) -> int:
        """Samples per channel."""
        return self.layout.shape[0]

    @property
    def n_channels(self) -> int:
        """Channels."""
        return self.layout.shape[1]

    @property
    def places(self) -> int:
        """CRC-32 of where the chunks lie: a file of other samples has them elsewhere."""
        return zlib.crc32(self.sizes.tobytes(), zlib.crc32(self.offsets.tobytes()))

    def describe_chunk(self, row: int, column: int) -> str:
        """Words for a chunk: its probe, channels, time and place in the file."""
        first, left = row * self.layout.chunks[0], column * self.layout.chunks[1]
        last = min(first + self.layout.chunks[0], self.n_samples) - 1
        ids = self.channels.id[left : left + self.layout.chunks[1]]
        channels = f"channel {ids[0]}" if ids.size == 1 else f"channels {ids[0]} to {ids[-1]}"
        start, stop = self.clock.seconds(first), self.clock.seconds(last)
        time = f"{start:.3f} to {stop:.3f} s" if start <= stop else f"samples {first} to {last}"
        offset = int(self.offsets[row, column])
        place = f"byte {offset}" if offset >= 0 else "in no byte"
        return f"probe {self.probe}, {channels}, {time}, {place} of {self.address}"


# --- writing references of a probe --------------------------------------------------------------


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


def _depth_axis(attributes: dict[str, Any]) -> DepthAxis:
    unit = "" if attributes["units"] == "unknown" else attributes["units"].replace("um", "µm")
    is_downward = attributes["positive"] == "down"
    return DepthAxis(attributes["column"], attributes["long_name"], unit, is_downward)


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


# --- opening ------------------------------------------------------------------------------------


def open_references(path: Path, *, moved: tuple[str, str] | None = None) -> References:
    """Open the references of one probe, after checking that its source is still the same file.

    Parameters
    ----------
    path : Path
        The JSON.
    moved : (str, str), optional
        If the address starts with the first, the source now lies under the second instead.

    Raises
    ------
    UserError
        If the JSON is missing or not ours, or its source is missing or has changed.
    """
    content = read_probe_json(path)
    try:
        references = _parse(path, content)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise not_ours(path, "index_probe", error) from None
    if moved and references.address.startswith(moved[0]):
        address = moved[1] + references.address.removeprefix(moved[0])
        references = replace(references, address=address)
    check_source(references)
    return references


def references_of_session(path: Path, content: dict[str, Any]) -> dict[str, References]:
    """Describe the references of all probes of a session, and check their sources.

    Parameters
    ----------
    path : Path
        The ``session.json``.
    content : dict
        What `lfpscope.references.schema.read_session_json` read from it.

    Raises
    ------
    UserError
        If the JSON is not ours, or a source is missing or has changed.
    """
    groups, found = split_groups(content["refs"]), {}
    for i, probe in enumerate(parse_json(content["refs"][".zattrs"])["probes"]):
        templates = {"u": content["templates"][f"u{i}"]}
        one = {"templates": templates, "refs": groups[probe]}
        try:
            found[probe] = _parse(path, {**one, "provenance": content["provenance"][probe]})
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise not_ours(path, "combine_session", error) from None
        check_source(found[probe])
    return found


def _parse(path: Path, content: dict[str, Any]) -> References:
    refs = content["refs"]
    zarray = parse_json(refs["lfp/.zarray"])
    attributes = parse_json(refs["lfp/.zattrs"])
    root = parse_json(refs[".zattrs"])
    layout = Layout.from_zarray(zarray)
    offsets = np.full(layout.grid, -1, dtype=np.int64)
    sizes = np.zeros(layout.grid, dtype=np.int64)
    inlined: dict[tuple[int, int], bytes] = {}
    for key, ref in refs.items():
        if not key.startswith("lfp/") or key.startswith("lfp/."):
            continue
        row, column = map(int, key.removeprefix("lfp/").split("."))
        if isinstance(ref, str):
            inlined[row, column] = inlined_bytes(ref)
            sizes[row, column] = len(inlined[row, column])
        else:
            _, offsets[row, column], sizes[row, column] = ref
    names = attributes["coordinates"].split()
    columns = {name: read_inlined(refs, name) for name in names if name != "timestamps"}
    axis = _depth_axis(parse_json(refs["depth/.zattrs"])) if "depth" in columns else None
    scale = columns.pop("volts_per_count", np.full(layout.shape[1], 1.0))
    scale, add = (
        scale * attributes.get("scale_factor", 1.0),
        attributes.get("add_offset", attributes.get("volts_offset", 0.0)),
    )
    clock, channel = Clock.from_json(root["clock"]), read_inlined(refs, "channel")
    shapes = {values.shape for values in (channel, scale, *columns.values())}
    if shapes != {layout.shape[1:]} or not np.isfinite([*scale, add]).all():
        raise ValueError(f"channels of shapes {shapes} for data of {layout.shape}")
    if clock.n_samples != layout.shape[0]:
        raise ValueError(f"a clock of {clock.n_samples} samples for data of {layout.shape}")
    return References(
        file=path,
        address=content["templates"]["u"],
        layout=layout,
        offsets=offsets,
        sizes=sizes,
        inlined=inlined,
        scale=scale,
        add=add,
        clock=clock,
        clock_is_exact=root.get("clock_is_exact", True),
        channels=Channels(channel, columns, axis),
        session=root["session"],
        probe=root["probe"],
        series=root["series"],
        provenance=content["provenance"],
        doubts=doubts_from_json(root["doubts"]),
    )


def check_source(references: References) -> None:
    """Check that the source is the file that was indexed.

    Size and modification time or ETag are compared; where only the time differs, or a server
    gives neither, checksums of sampled chunks decide.

    Raises
    ------
    UserError
        If it is missing or has changed: what changed, and what to run.
    """
    address, then = references.address, references.provenance
    where = (
        "Put the file back, or correct sessions.tsv and run again; where it was made or fetched, "
        "with --forcerun fetch_probe. A viewer finds moved files with --data OLD=NEW."
    )
    if not is_remote(address) and not Path(address).exists():
        raise UserError(
            f"{address}: No such file or directory, but {references.file} refers to it. {where}"
        )
    again = _index_again(references)
    with open_address(address) as source:
        now = source.identity()
        if now["size"] != then["size"]:
            raise UserError(f"{address}: {now['size']} bytes, {then['size']} when indexed. {again}")
        # who wrote the references may not have anything else on this disk shown as LFP
        if not is_remote(address) and not h5py.is_hdf5(address):
            raise UserError(f"{address}: not an HDF5 file. {again}")
        same = now == {name: then.get(name) for name in now}
        if same and now.get("etag") != "":  # a server that gives none tells too little
            return
        if not same and "etag" in now and "etag" in then:
            raise UserError(f"{address}: ETag {now['etag']}, {then.get('etag')} before. {again}")
    check_checksums(references)


def check_checksums(references: References) -> None:
    """Check that the chunks whose checksums were noted are still what they were.

    Raises
    ------
    UserError
        If one is not: the source was replaced by another of its size.
    """
    with open_address(references.address) as source:
        for offset, size, crc in references.provenance["crc32"]:
            if zlib.crc32(source.read(offset, size)) != crc:
                what = f"the chunk at byte {offset}" if offset else "its start"
                raise UserError(
                    f"{references.address}: {what} has changed. {_index_again(references)}"
                )


def _index_again(references: References) -> str:
    """Say what to do about a source that is not what it was."""
    # forced: Snakemake sees no change on a server, nor one that kept or turned back the time
    again = "Run the pipeline again with --forcerun fetch_probe"
    return f"{again}: {references.file} describes an older file."


def with_exact_clock(references: References) -> References:
    """Read all timestamps, where that has not been done.

    Raises
    ------
    UserError
        If they cannot be read, or do not rise evenly anywhere.
    """
    if references.clock_is_exact:
        return references
    refs = read_probe_json(references.file)["refs"]
    layout = Layout.from_zarray(json.loads(refs["timestamps/.zarray"]))
    stored = {
        key.removeprefix("timestamps"): ref
        for key, ref in refs.items()
        if key.startswith("timestamps/")
    }
    try:
        blocks = read_chunks_of_times(references.address, layout, stored)
        scale = json.loads(refs["timestamps/.zattrs"]).get("scale_factor", 1.0)
        clock = clock_from_timestamps(block * scale if scale != 1 else block for block in blocks)
    except ValueError as error:
        raise UserError(
            f"{references.address}: timestamps: expected {error}. "
            "It cannot be drawn over time; ask who wrote it."
        ) from None
    return replace(references, clock=clock, clock_is_exact=True)


# --- combining ----------------------------------------------------------------------------------


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
    contents = [read_probe_json(one) for one in paths]
    probes = [json.loads(content["refs"][".zattrs"])["probe"] for content in contents]
    templates = {f"u{i}": content["templates"]["u"] for i, content in enumerate(contents)}
    renamed = [_rename_template(content["refs"], f"u{i}") for i, content in enumerate(contents)]
    why_not = _why_not_stackable(probes, renamed)
    root = {"session": session, "probes": probes, "stacked": why_not or "yes"}
    refs: Refs = {
        ".zgroup": json.dumps({"zarr_format": 2}),
        ".zattrs": json.dumps(root),
    }
    groups = dict(zip(probes, renamed, strict=True))
    if not why_not:
        groups["stacked"] = _stacked(probes, renamed)
    for name, group in groups.items():
        refs |= {f"{name}/{key}": ref for key, ref in group.items()}
        refs[f"{name}/.zmetadata"] = _consolidated(group)
    # zarr-python 3.1 sees no nested groups without it (fsspec/kerchunk#556)
    refs[".zmetadata"] = _consolidated(refs)
    provenance = dict(zip(probes, (content["provenance"] for content in contents), strict=True))
    write_json(
        path,
        {
            "version": 1,
            "templates": templates,
            "refs": refs,
            "provenance": provenance,
            "refs_sha256": digest(refs),
        },
    )
    return why_not or "yes"


def _rename_template(refs: Refs, name: str) -> Refs:
    url = "{{" + name + "}}"
    return {key: [url, *ref[1:]] if isinstance(ref, list) else ref for key, ref in refs.items()}


def _consolidated(refs: Refs) -> str:
    metadata = {
        key: json.loads(ref)
        for key, ref in refs.items()
        if key.rsplit("/", 1)[-1] in (".zgroup", ".zattrs", ".zarray")
    }
    return json.dumps({"zarr_consolidated_format": 1, "metadata": metadata})


def _why_not_stackable(probes: Sequence[str], groups: Sequence[Refs]) -> str:
    """Return what keeps the probes from one array (probe, time, channel), or nothing."""
    if len(groups) < 2:
        return "no: the session has one probe"
    for variable in ("lfp", "timestamps"):
        arrays = [json.loads(group[f"{variable}/.zarray"]) for group in groups]
        attributes = [json.loads(group[f"{variable}/.zattrs"]) for group in groups]
        for key in ("chunks", "dtype", "compressor", "filters", "order"):
            if any(array[key] != arrays[0][key] for array in arrays):
                listing = ", ".join(
                    f"{array[key]} in {probe}" for probe, array in zip(probes, arrays, strict=True)
                )
                return f"no: {key} of {variable} differ: {listing}"
        for key in ("units", "scale_factor", "add_offset"):
            if any(a.get(key) != attributes[0].get(key) for a in attributes):
                return f"no: {key} of {variable} differs between probes"
        if variable == "lfp":
            if attributes[0]["units"] != "V":
                return "no: volts per count differ between channels"
            counts = {array["shape"][1] for array in arrays}
            if len(counts) > 1 and (arrays[0]["chunks"][1] != 1 or arrays[0]["dtype"][1] != "f"):
                # padding inside a chunk, or of integers, would read as data
                return "no: channel counts differ, and a chunk holds several channels or integers"
    return ""


def _stacked(probes: Sequence[str], groups: Sequence[Refs]) -> Refs:
    """References of all probes as one array, cropped to the shortest one.

    HDF5 pads a probe's last chunk with zeros; cropping keeps them from being read as data. A probe
    with fewer channels has no chunks for the rest, which read as NaN.
    """
    refs: Refs = {".zgroup": json.dumps({"zarr_format": 2})}
    lfps = [json.loads(group["lfp/.zarray"]) for group in groups]
    n_samples = min(lfp["shape"][0] for lfp in lfps)
    n_channels = max(lfp["shape"][1] for lfp in lfps)
    shapes = {
        "lfp": (["probe", "time", "channel"], [n_samples, n_channels]),
        "timestamps": (["probe", "time"], [n_samples]),
    }
    for variable, (dimensions, shape) in shapes.items():
        zarray = json.loads(groups[0][f"{variable}/.zarray"])
        attributes = json.loads(groups[0][f"{variable}/.zattrs"])
        rows = -(-n_samples // zarray["chunks"][0])
        zarray |= {"shape": [len(probes), *shape], "chunks": [1, *zarray["chunks"]]}
        attributes["_ARRAY_DIMENSIONS"] = dimensions
        if variable == "lfp":
            attributes["coordinates"] = "timestamps electrode depth area"
        refs[f"{variable}/.zarray"] = json.dumps(zarray)
        refs[f"{variable}/.zattrs"] = json.dumps(attributes)
        for i, group in enumerate(groups):
            for key, ref in group.items():
                name, _, place = key.partition("/")
                if name == variable and place[0] != "." and int(place.split(".")[0]) < rows:
                    refs[f"{variable}/{i}.{place}"] = ref
    refs |= inlined_variable("probe", np.array(probes), ["probe"], {})
    for name, source, filler in (
        ("electrode", "channel", -1),
        ("depth", "depth", np.nan),
        ("area", "area", ""),
    ):
        refs |= _stacked_column(name, source, filler, groups, n_channels)
    return refs


def _stacked_column(
    name: str, source: str, filler: Any, groups: Sequence[Refs], n_channels: int
) -> Refs:
    columns = [
        read_inlined(group, source) if f"{source}/.zarray" in group else np.full(0, filler)
        for group in groups
    ]
    stacked = np.full((len(groups), n_channels), filler, np.result_type(*columns))
    for row, column in zip(stacked, columns, strict=True):
        row[: column.size] = column
    attributes = COORDINATE_ATTRIBUTES.get(name, _common_attributes(source, groups))
    fill = filler if name == "electrode" else None  # absent electrodes read as NaN
    return inlined_variable(name, stacked, ["probe", "channel"], attributes, fill)


def _common_attributes(source: str, groups: Sequence[Refs]) -> dict[str, Any]:
    """Attributes of a variable that are the same in all probes that have it."""
    stored = [
        json.loads(group[f"{source}/.zattrs"]) for group in groups if f"{source}/.zattrs" in group
    ]
    first = stored[0] if stored else {}
    same = {key: value for key, value in first.items() if all(a.get(key) == value for a in stored)}
    return {key: value for key, value in same.items() if key != "_ARRAY_DIMENSIONS"}
