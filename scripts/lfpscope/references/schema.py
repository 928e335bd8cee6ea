"""The keys of lfp.json and session.json: read, checked and written here, and nowhere else.

A file of references says which bytes of which file are read, and how they are decoded, and others
may have written or damaged it. What is read here refers to one source for each probe, inside its
recorded size, with known codecs, and is byte for byte what was written: its digest is compared.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from lfpscope.clock.segments import Clock
from lfpscope.doubts import doubts_from_json, doubts_to_json
from lfpscope.errors import UserError
from lfpscope.hdf5.layout import Refs
from lfpscope.ids import STACKED, is_id
from lfpscope.io.tables import parse_json, read_json, write_json
from lfpscope.nwb.depth import DepthAxis
from lfpscope.nwb.electrodes import Channels
from lfpscope.references.model import ProbeHeader, ProbeReferences, Provenance, SessionReferences
from lfpscope.references.variables import (
    read_variable,
    scale_attributes,
    split_variables,
    write_chunks,
    write_inlined,
    write_variable,
)

PARTS = {"version", "templates", "refs", "provenance", "refs_sha256"}
ATTRIBUTES: dict[str, dict[str, Any]] = {
    "channel": {"long_name": "electrode id"},
    "area": {"long_name": "brain area"},
    "across": {"units": "um", "long_name": "position across the probe"},
    "volts_per_count": {"units": "V"},
}
MAX_CHECKSUMS = 64


def digest(refs: Refs) -> str:
    """Return the SHA-256 of references, as it stands beside them."""
    return hashlib.sha256(json.dumps(refs, separators=(",", ":")).encode()).hexdigest()


# --- write --------------------------------------------------------------------------------------


def write_probe(path: Path, references: ProbeReferences) -> None:
    """Write the references of one probe."""
    refs = write_group(references, "{{u}}")
    _write(path, {"u": references.address}, refs, references.provenance.to_json())


def write_session(
    path: Path, session: str, probes: Mapping[str, ProbeReferences], stacked: Refs | str
) -> None:
    """Write the references of all probes of a session.

    Parameters
    ----------
    path : Path
        The JSON.
    session : str
        Its id.
    probes : mapping
        References by probe.
    stacked : dict or str
        References of the array of all probes, or why there is none.
    """
    groups = {
        name: write_group(one, session_url(i)) for i, (name, one) in enumerate(probes.items())
    }
    attributes = {
        "session": session,
        "probes": list(probes),
        "stacked": stacked if isinstance(stacked, str) else "yes",
    }
    if not isinstance(stacked, str):
        groups[STACKED] = stacked
    refs = _root(attributes)
    for name, group in groups.items():
        refs |= {f"{name}/{key}": ref for key, ref in group.items()}
        refs[f"{name}/.zmetadata"] = _consolidated(group)
    # zarr-python 3.1 sees no nested groups without it (fsspec/kerchunk#556)
    refs[".zmetadata"] = _consolidated(refs)
    templates = {f"u{i}": one.address for i, one in enumerate(probes.values())}
    provenance = {name: one.provenance.to_json() for name, one in probes.items()}
    _write(path, templates, refs, provenance)


def _write(path: Path, templates: dict[str, str], refs: Refs, provenance: dict[str, Any]) -> None:
    content = {
        "version": 1,
        "templates": templates,
        "refs": refs,
        "provenance": provenance,
        "refs_sha256": digest(refs),
    }
    write_json(path, content)


def session_url(i: int) -> str:
    """Return what stands for the address of a session's probe in its references."""
    return "{{u" + str(i) + "}}"


def _root(attributes: dict[str, Any]) -> Refs:
    return {".zgroup": json.dumps({"zarr_format": 2}), ".zattrs": json.dumps(attributes)}


def _consolidated(refs: Refs) -> str:
    metadata = {
        key: json.loads(ref)
        for key, ref in refs.items()
        if key.rsplit("/", 1)[-1] in (".zgroup", ".zattrs", ".zarray")
    }
    return json.dumps({"zarr_consolidated_format": 1, "metadata": metadata})


def write_group(references: ProbeReferences, url: str) -> Refs:
    """Return the references of one probe, with what stands for its address."""
    refs = _root(
        {
            "session": references.session,
            "probe": references.probe,
            "series": references.series,
            "clock": references.clock.to_json(),
            "doubts": doubts_to_json(references.doubts),
        }
    )
    columns: dict[str, Any] = dict(references.channels.columns)
    if references.has_channel_scales:
        columns["volts_per_count"] = references.scale
    coordinates = " ".join(["timestamps", *columns])
    lfp, timestamps = references.lfp, references.timestamps
    attributes = volts_attributes(references) | {"coordinates": coordinates}
    refs |= write_variable("lfp", lfp.layout.zarray(), ["time", "channel"], attributes)
    refs |= write_chunks("lfp/", lfp, url)
    attributes = seconds_attributes(references)
    refs |= write_variable("timestamps", timestamps.layout.zarray(), ["time"], attributes)
    refs |= write_chunks("timestamps/", timestamps, url)
    for name, values in {"channel": references.channels.id, **columns}.items():
        refs |= write_inlined(name, values, ["channel"], column_attributes(references, name))
    return refs


def volts_attributes(references: ProbeReferences) -> dict[str, Any]:
    """Return the attributes of `lfp` that turn stored values into volts."""
    if references.has_channel_scales:
        return {"units": "count", "volts_offset": references.add}
    return {"units": "V", **scale_attributes(float(references.scale[0]), references.add)}


def seconds_attributes(references: ProbeReferences) -> dict[str, Any]:
    """Return the attributes of `timestamps` that turn stored values into seconds."""
    return {"units": "s", **scale_attributes(references.time_scale, references.time_offset)}


def column_attributes(references: ProbeReferences, name: str) -> dict[str, Any]:
    """Return the attributes of a variable over channels."""
    axis = references.channels.depth_axis
    if name != "depth" or axis is None:
        return ATTRIBUTES.get(name, {})
    return {
        "units": axis.unit.replace("µ", "u") or "unknown",
        "long_name": axis.label,
        "column": axis.column,
        "positive": "down" if axis.is_downward else "up",  # as CF names it
    }


def _depth_axis(attributes: dict[str, Any]) -> DepthAxis:
    """Undo `column_attributes` of the depth."""
    unit = "" if attributes["units"] == "unknown" else attributes["units"].replace("um", "µm")
    is_downward = attributes["positive"] == "down"
    return DepthAxis(attributes["column"], attributes["long_name"], unit, is_downward)


# --- read ---------------------------------------------------------------------------------------


def read_header(path: Path) -> ProbeHeader:
    """Read what the references of a probe say beside its channels and chunks.

    Their digest and chunks are not checked: nothing of the source is to be read by them.

    Raises
    ------
    UserError
        If the file is missing, or is not what `index_probe` writes.
    """
    content = read_json(path)
    with _refusal(path, "index_probe"):
        address = content["templates"]["u"]
        return _read_header(path, address, content["refs"], content["provenance"])


def read_probe(path: Path) -> ProbeReferences:
    """Read the references of one probe and check them.

    Raises
    ------
    UserError
        If the file is missing, or is not what `index_probe` writes.
    """
    content = read_json(path)
    with _refusal(path, "index_probe"):
        _check_parts(content, ["u"])
        address, refs = content["templates"]["u"], content["refs"]
        return _read_group(_read_header(path, address, refs, content["provenance"]), refs, "{{u}}")


def read_session(path: Path) -> SessionReferences:
    """Read the references of a session and check them.

    Raises
    ------
    UserError
        If the file is missing, or is not what `combine_session` writes.
    """
    content = read_json(path)
    with _refusal(path, "combine_session"):
        return _read_session(path, content)


@contextmanager
def _refusal(path: Path, rule: str) -> Iterator[None]:
    """Refuse a file that is not what a rule writes."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        word = re.sub(r"\s+", " ", repr(error))[:200]
        raise UserError(
            f"{path}: not references written by {rule} ({word}). Delete it and run again."
        ) from None


def _read_session(path: Path, content: dict[str, Any]) -> SessionReferences:
    attributes = parse_json(content["refs"][".zattrs"])
    names, templates = attributes["probes"], content["templates"]
    _check_parts(content, [f"u{i}" for i in range(len(names))])
    sources = [content["provenance"][name] for name in names]
    groups = _split_groups(content["refs"])
    if not all(map(is_id, names)) or {*groups} - {STACKED} != {*names}:
        raise ValueError(f"probes {names}")
    probes: dict[str, ProbeReferences] = {}
    sizes: dict[str, int] = {}
    for name, template, source in zip(names, templates, sources, strict=True):
        header = _read_header(path, templates[template], groups[name], source)
        url = "{{" + template + "}}"
        sizes[url] = header.provenance.size
        probes[name] = _read_group(header, groups[name], url)
    for variable in split_variables(groups.get(STACKED, {})):
        read_variable(variable, sizes)
    groups |= {name: _without_lfp(groups[name]) for name in probes}
    return SessionReferences(attributes, probes, groups, templates)


def _without_lfp(refs: Refs) -> Refs:
    return {key: ref for key, ref in refs.items() if not re.match(r"lfp/\d", key)}


def _split_groups(refs: Refs) -> dict[str, Refs]:
    """Return the references of each group, with the names they have in it."""
    groups: dict[str, Refs] = {}
    for key, ref in refs.items():
        group, slash, name = key.partition("/")
        if slash:
            groups.setdefault(group, {})[name] = ref
    return groups


def _check_parts(content: dict[str, Any], templates: list[str]) -> None:
    if content.keys() != PARTS:
        raise ValueError(f"it has {', '.join(content)[:80]}; expected {', '.join(sorted(PARTS))}")
    if content["version"] != 1 or type(content["refs"]) is not dict:
        raise ValueError(f"version {content['version']}")
    if digest(content["refs"]) != content["refs_sha256"]:
        raise ValueError("the references do not fit their SHA-256")
    found = content["templates"]
    if list(found) != templates:
        raise ValueError(f"templates {', '.join(found)[:80]}; expected {', '.join(templates)}")


def _read_header(path: Path, address: Any, refs: Refs, provenance: dict[str, Any]) -> ProbeHeader:
    source = _read_provenance(provenance)
    if address != source.address or type(address) is not str:
        raise ValueError(f"the address {address!r} is not the one that was indexed")
    root = parse_json(refs[".zattrs"])
    return ProbeHeader(
        file=path,
        address=address,
        session=root["session"],
        probe=root["probe"],
        series=root["series"],
        clock=Clock.from_json(root["clock"]),
        doubts=doubts_from_json(root["doubts"]),
        provenance=source,
    )


def _read_provenance(content: dict[str, Any]) -> Provenance:
    identity = dict(content)
    address, checksums, versions = (identity.pop(key) for key in ("address", "crc32", "versions"))
    if not _is_count(identity["size"]):
        raise ValueError(f"a source of {identity['size']!r} bytes")
    if len(checksums) > MAX_CHECKSUMS or not all(
        len(one) == 3 and all(map(_is_count, one)) and one[0] + one[1] <= identity["size"]
        for one in checksums
    ):
        raise ValueError("checksums of chunks that are not in the source")
    return Provenance(address, identity, tuple(tuple(one) for one in checksums), versions)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _read_group(header: ProbeHeader, refs: Refs, url: str) -> ProbeReferences:
    """Read one probe from its references."""
    sizes = {url: header.provenance.size}
    variables = {one.name: one for one in split_variables(refs)}
    arrays = {name: read_variable(one, sizes) for name, one in variables.items()}
    volts, seconds = variables["lfp"].attributes, variables["timestamps"].attributes
    names = volts["coordinates"].split()
    columns = {name: arrays[name] for name in names if name != "timestamps"}
    axis = _depth_axis(variables["depth"].attributes) if "depth" in columns else None
    has_channel_scales = "volts_per_count" in columns
    scale = columns.pop("volts_per_count", np.ones(arrays["lfp"].layout.shape[1]))
    references = ProbeReferences(
        **vars(header),
        lfp=arrays["lfp"],
        timestamps=arrays["timestamps"],
        time_scale=seconds.get("scale_factor", 1.0),
        time_offset=seconds.get("add_offset", 0.0),
        scale=scale * volts.get("scale_factor", 1.0),
        add=volts.get("add_offset", volts.get("volts_offset", 0.0)),
        has_channel_scales=has_channel_scales,
        channels=Channels(arrays["channel"], columns, axis),
    )
    _check_fit(references)
    return references


def _check_fit(references: ProbeReferences) -> None:
    """Check that channels and clock are those of the data."""
    shape, channels = references.layout.shape, references.channels
    shapes = {
        values.shape for values in (channels.id, references.scale, *channels.columns.values())
    }
    times = references.time_scale, references.time_offset
    if shapes != {shape[1:]} or not np.isfinite([*references.scale, references.add, *times]).all():
        raise ValueError(f"channels of shapes {shapes} for data of {shape}")
    if references.clock.n_samples != shape[0]:
        raise ValueError(f"a clock of {references.clock.n_samples} samples for data of {shape}")
