"""References that others may have written or spoiled: checked before anything in them is used.

A file of references says which bytes of which file are read, and how they are decoded. What comes
through here reads from one source for each probe, inside its recorded size, with known codecs, and
is byte for byte what was written: a digest tells.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lfpscope.errors import UserError
from lfpscope.hdf5.layout import CODECS, Layout, Refs, inlined_bytes
from lfpscope.io.tables import parse_json, read_json

PARTS = {"version", "templates", "refs", "provenance", "refs_sha256"}
VARIABLE = re.compile(r"[A-Za-z]\w*")
PLACE = re.compile(r"(?:0|[1-9]\d{0,9})(?:\.(?:0|[1-9]\d{0,9}))*")
PROBE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
METADATA = {".zgroup", ".zattrs", ".zarray", ".zmetadata"}
MOST_CHECKSUMS = 64
ROOM = 1 << 16  # bytes that the codecs may add to a chunk that cannot be compressed


def digest(refs: Refs) -> str:
    """SHA-256 of references, as it stands beside them."""
    return hashlib.sha256(json.dumps(refs, separators=(",", ":")).encode()).hexdigest()


def read_probe_json(path: Path) -> dict[str, Any]:
    """Read the references of one probe and check them.

    Raises
    ------
    UserError
        If the file is missing, or is not what `index_probe` writes.
    """
    content = read_json(path)
    try:
        _check_parts(content)
        _check_source(content["templates"], ["u"], [content["provenance"]])
        _check_group(content["refs"], {"{{u}}": content["provenance"]["size"]})
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise not_ours(path, "index_probe", error) from None
    return dict(content)


def read_session_json(path: Path) -> dict[str, Any]:
    """Read the combined references of a session and check them.

    Raises
    ------
    UserError
        If the file is missing, or is not what `combine_session` writes.
    """
    content = read_json(path)
    try:
        _check_parts(content)
        refs: Refs = content["refs"]
        probes = parse_json(refs[".zattrs"])["probes"]
        names = [f"u{i}" for i in range(len(probes))]
        sources = [content["provenance"][probe] for probe in probes]
        _check_source(content["templates"], names, sources)
        groups = split_groups(refs)
        if not all(PROBE.fullmatch(probe) for probe in probes) or {*groups} - {"stacked"} != {
            *probes
        }:
            raise ValueError(f"probes {probes}")
        sizes = {"{{" + name + "}}": one["size"] for name, one in zip(names, sources, strict=True)}
        for probe, url in zip(probes, sizes, strict=True):
            _check_group(groups[probe], {url: sizes[url]})
        _check_group(groups.get("stacked", {}), sizes)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise not_ours(path, "combine_session", error) from None
    return dict(content)


def not_ours(path: Path, rule: str, why: Exception) -> UserError:
    """Say that a file of references is not what a rule writes."""
    word = re.sub(r"\s+", " ", repr(why))[:200]
    return UserError(f"{path}: not references written by {rule} ({word}). Delete it and run again.")


def split_groups(refs: Refs) -> dict[str, Refs]:
    """References of each group of a combined file, with the names they have in it."""
    groups: dict[str, Refs] = {}
    for key, ref in refs.items():
        group, slash, name = key.partition("/")
        if slash:
            groups.setdefault(group, {})[name] = ref
    return groups


# --- what holds for all -------------------------------------------------------------------------


def _check_parts(content: dict[str, Any]) -> None:
    if content.keys() != PARTS:
        raise ValueError(f"it has {', '.join(content)[:80]}; expected {', '.join(sorted(PARTS))}")
    if content["version"] != 1 or type(content["refs"]) is not dict:
        raise ValueError(f"version {content['version']}")
    if digest(content["refs"]) != content["refs_sha256"]:
        raise ValueError("the references do not fit their SHA-256")


def _check_source(
    templates: Mapping[str, Any], names: list[str], sources: list[dict[str, Any]]
) -> None:
    """Check that each template is the address that was indexed, and what is known of that."""
    if list(templates) != names:
        raise ValueError(f"templates {', '.join(templates)[:80]}; expected {', '.join(names)}")
    for name, source in zip(names, sources, strict=True):
        if templates[name] != source["address"] or type(source["address"]) is not str:
            raise ValueError(f"the address {templates[name]!r} is not the one that was indexed")
        if not _is_count(source["size"]):
            raise ValueError(f"a source of {source['size']!r} bytes")
        checksums = source["crc32"]
        if len(checksums) > MOST_CHECKSUMS or not all(
            len(one) == 3 and all(map(_is_count, one)) and one[0] + one[1] <= source["size"]
            for one in checksums
        ):
            raise ValueError("checksums of chunks that are not in the source")


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


# --- one group ----------------------------------------------------------------------------------


def _check_group(refs: Refs, sizes: Mapping[str, int]) -> None:
    """Check the references of one probe.

    Parameters
    ----------
    refs : dict
        By name, as in the file of one probe.
    sizes : mapping
        Bytes of the source behind each address that they may name.
    """
    chunks: dict[str, dict[str, Any]] = {}
    for key, ref in refs.items():
        name, _, last = key.rpartition("/")
        if last in METADATA and type(ref) is str:
            if last == ".zarray":
                chunks.setdefault(name, {})
            continue
        if not PLACE.fullmatch(last):
            raise ValueError(f"a key {key[:80]!r}")
        chunks.setdefault(name, {})[last] = ref
    for name in chunks:
        if not VARIABLE.fullmatch(name):
            raise ValueError(f"a variable {name[:80]!r}")
        _check_variable(name, parse_json(refs[f"{name}/.zarray"]), chunks[name], sizes)


def _check_variable(
    name: str, zarray: dict[str, Any], chunks: dict[str, Any], sizes: Mapping[str, int]
) -> None:
    """Check that all chunks of a variable are bytes of the source, or inlined, of bounded size."""
    if name not in ("lfp", "timestamps"):  # inlined, in one piece
        shape, dtype = zarray["shape"], np.dtype(str(zarray["dtype"]))
        known = dtype.kind in "biufU" and not zarray["compressor"] and not zarray["filters"]
        n_bytes = math.prod(shape) * dtype.itemsize
        only = ".".join("0" for _ in shape)
        if list(chunks) != [only] or not known or len(inlined_bytes(chunks[only])) != n_bytes:
            raise ValueError(f"{name} is {zarray}")
        return
    layout = Layout.from_zarray(zarray, CODECS | {"delta"} if name == "timestamps" else CODECS)
    most = layout.chunk_bytes + layout.chunk_bytes // 8 + ROOM
    places = [ref for ref in chunks.values() if type(ref) is list]
    if not all(
        len(ref) == 3 and ref[0] in sizes and type(ref[1]) is int and type(ref[2]) is int
        for ref in places
    ):
        raise ValueError(f"a chunk of {name} that is not [address, offset, length]")
    if not all(type(ref) is list or len(inlined_bytes(ref)) <= most for ref in chunks.values()):
        raise ValueError(f"an inlined chunk of {name} larger than {most} bytes")
    for url, size in sizes.items():
        here = np.array([ref[1:] for ref in places if ref[0] == url], np.int64).reshape(-1, 2)
        beyond = (here < 0).any(axis=1) | (here[:, 1] > most) | (here[:, 0] > size - here[:, 1])
        if beyond.any():
            start, length = here[beyond][0].tolist()
            raise ValueError(f"{length} bytes at {start} for a chunk of {name}")
    if not chunks:  # never written
        return
    place = np.array([key.split(".") for key in chunks], np.int64).reshape(len(chunks), -1)
    if place.shape[1] != len(layout.grid) or (place >= layout.grid).any():
        raise ValueError(f"chunks of {name} outside its shape")
