"""References of a session's probes in one file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lfpscope.hdf5.describe_layout import describe_layout as describe_layout
from lfpscope.hdf5.layout import Layout as Layout
from lfpscope.hdf5.layout import Refs
from lfpscope.io.tables import write_json
from lfpscope.references.schema import digest, read_probe_json
from lfpscope.references.variables import inlined_variable, read_inlined
from lfpscope.references.write import COORDINATE_ATTRIBUTES


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
