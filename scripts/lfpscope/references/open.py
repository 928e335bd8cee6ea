"""Read references and check them against their source."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lfpscope.clock.fit import clock_from_timestamps
from lfpscope.clock.segments import Clock
from lfpscope.doubts import doubts_from_json
from lfpscope.errors import UserError
from lfpscope.hdf5.describe_layout import describe_layout as describe_layout
from lfpscope.hdf5.layout import Layout as Layout
from lfpscope.hdf5.layout import inlined_bytes
from lfpscope.io.tables import parse_json
from lfpscope.nwb.electrodes import Channels
from lfpscope.nwb.recording import read_chunks_of_times
from lfpscope.references.model import References, depth_axis_of
from lfpscope.references.schema import not_ours, read_probe_json, split_groups
from lfpscope.references.source_check import check_source
from lfpscope.references.variables import read_inlined


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
    axis = depth_axis_of(parse_json(refs["depth/.zattrs"])) if "depth" in columns else None
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
