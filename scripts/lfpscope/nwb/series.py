"""Which ElectricalSeries of an NWB file hold LFP, and how fast each was sampled."""

import json
import re
from collections.abc import Callable, Collection, Iterator
from fnmatch import fnmatchcase
from typing import Any

import h5py
import numpy as np

from lfpscope.errors import UserError
from lfpscope.hdf5.values import text
from lfpscope.nwb.timestamps import stored_rate

LFP_RATES = (100.0, 3000.0)  # Hz; an ElectricalSeries outside an LFP container is LFP in this range
MIN_CHANNELS = 8  # of a plain TimeSeries that looks like LFP; behaviour has fewer
AP = re.compile(r"(?:^|[_\W\d])ap(?:$|[_\W\d])|(?<=[a-z0-9])AP(?:$|[_\W\d])|^AP(?:$|[_\W\d])")
CSD = re.compile(r"(?i)csd|current_?source")  # made from LFP, as in Allen's files


class NoSeriesError(UserError):
    """An NWB file that is complete, and has nothing to read in it."""


def choose_series(nwb: h5py.File, pattern: str = "") -> tuple[list[str], str]:
    """Find the series that hold LFP.

    The rule: those that match `pattern`, where one is given; else those inside an ``LFP``
    container; else those sampled at 100 to 3000 Hz whose name does not say AP; else those with
    "lfp" in their name. A series without samples is none.

    Parameters
    ----------
    nwb : h5py.File
        The open file.
    pattern : str
        A shell pattern for the series' path or its last part, as in ``*_lf``; may be empty.

    Returns
    -------
    series : list of str
        Paths in the file, sorted.
    note : str
        What was found and why these were taken.

    Raises
    ------
    NoSeriesError
        If the file has no ElectricalSeries at all, or none that has samples.
    UserError
        If none qualifies; the message names all ElectricalSeries of the file.
    """
    every = find_series(nwb)
    found = [series for series in every if not is_empty(series)]
    if every and not found:
        shapes = ", ".join(f"{one.name} has data of shape {one['data'].shape}" for one in every)
        raise NoSeriesError(
            f"{nwb.filename}: no ElectricalSeries with samples: {shapes}. "
            "Is it the file with the LFP?"
        )
    if not found:
        raise _no_series(nwb)
    in_containers = _in_lfp_containers(nwb)
    rules: list[tuple[str, Callable[[h5py.Group], bool]]] = [
        ("inside an LFP container", lambda s: _address(s) in in_containers),
        (f"rate of at most {LFP_RATES[1]:g} Hz", _has_rate_of_lfp),
        ('"lfp" in the name', lambda s: "lfp" in _last(s.name).lower()),
    ]
    if pattern:
        rules = [(f"matches {pattern!r}", lambda s: _matches(s.name, pattern))]
    for reason, holds in rules:
        taken = [series for series in found if holds(series)]
        if taken:
            note = f"{len(taken)} of {len(found)} ElectricalSeries: {reason}"
            others = [series for series in found if series not in taken]
            note += f"; not taken: {_listing(others)}" if others else ""
            return sorted(series.name for series in taken), note
    wanted = f"matches {pattern!r}" if pattern else "is LFP (LFP container, rate, name)"
    raise UserError(
        f"{nwb.filename}: no ElectricalSeries {wanted}; found {_listing(found)}. "
        "Name one in the column `series` of sessions.tsv."
    )


def _has_rate_of_lfp(series: h5py.Group) -> bool:
    in_range = LFP_RATES[0] <= stored_rate(series) <= LFP_RATES[1]
    return bool(in_range and not AP.search(_last(series.name)))


def find_left_out(nwb: h5py.File, taken: Collection[str]) -> list[tuple[str, str]]:
    """Find what might be taken for LFP, and is not.

    Parameters
    ----------
    nwb : h5py.File
        The open file.
    taken : collection of str
        Paths of the series that are.

    Returns
    -------
    list of (str, str)
        Paths of all other ElectricalSeries, and of plain TimeSeries that look like LFP, each with
        the reason.
    """
    found = [(s, _why_left_out(s)) for s in find_series(nwb) if s.name not in taken]
    found += [(s, _plain(s)) for s in _groups(nwb, _looks_like_lfp)]
    return sorted((series.name, reason) for series, reason in found)


def _why_left_out(series: h5py.Group) -> str:
    rate = stored_rate(series)
    if is_empty(series):
        return f"no samples: data of shape {series['data'].shape}"
    kind = f"ElectricalSeries of shape {_shape(series)} at {rate:g} Hz"
    if rate < LFP_RATES[0]:
        kind += ", slow for LFP (are its times in seconds?)"
    elif rate > LFP_RATES[1]:
        kind += ", too fast for LFP"
    return f"{kind}. Name it in the column `series` to take it."


def _plain(series: h5py.Group) -> str:
    return (
        f"a plain TimeSeries of shape {_shape(series)} at {stored_rate(series):g} Hz that looks "
        "like LFP: only ElectricalSeries are read, which name their electrodes"
    )


def _shape(series: h5py.Group) -> str:
    data = series.get("data")
    return str(data.shape) if isinstance(data, h5py.Dataset) else "unknown"


def is_empty(series: h5py.Group) -> bool:
    """Tell whether a series has data, but no sample in it."""
    data = series.get("data")
    return isinstance(data, h5py.Dataset) and data.size == 0


def _looks_like_lfp(group: h5py.Group) -> bool:
    """Tell a plain TimeSeries that is LFP by its name, or by its rate and number of channels."""
    data = group.get("data")
    if _types(group) - {""} != {"TimeSeries"} or not isinstance(data, h5py.Dataset):
        return False
    if data.dtype.kind not in "iuf" or data.size == 0 or CSD.search(group.name):
        return False
    if "lfp" in group.name.lower():
        return True
    is_wide = data.ndim == 2 and min(data.shape) >= MIN_CHANNELS
    return is_wide and LFP_RATES[0] <= stored_rate(group) <= LFP_RATES[1]


def _listing(found: list[h5py.Group]) -> str:
    return ", ".join(f"{series.name} ({stored_rate(series):g} Hz)" for series in found)


def _no_series(nwb: h5py.File) -> UserError:
    links: list[str] = []

    def visit(name: str, link: Any) -> None:
        if isinstance(link, h5py.ExternalLink):
            links.append(f"/{name} in {link.filename}")

    nwb.visititems_links(visit)
    if links:
        return UserError(
            f"{nwb.filename}: no ElectricalSeries of its own, but links into other files, which "
            f"are not followed: {', '.join(links[:3])}. List those files instead."
        )
    is_nwb = "nwb_version" in nwb.attrs or "nwb_version" in nwb  # a dataset, in NWB 1
    kind = NoSeriesError if is_nwb else UserError
    return kind(f"{nwb.filename}: no ElectricalSeries in this file. Is it the file with the LFP?")


def find_series(nwb: h5py.File) -> list[h5py.Group]:
    """All ElectricalSeries of a file, and series of types derived from it, each once.

    Links are not followed: the object itself is met where it lies. Spike snippets
    (SpikeEventSeries) are left out.
    """
    types = electrical_series_types(nwb)
    return _groups(nwb, lambda group: bool(_types(group) & types) and not _is_snippets(group))


def _is_snippets(group: h5py.Group) -> bool:
    return "SpikeEventSeries" in _types(group)


def _groups(nwb: h5py.File, wanted: Callable[[h5py.Group], bool]) -> list[h5py.Group]:
    found: list[h5py.Group] = []

    def visit(_name: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Group) and wanted(item):
            found.append(item)

    nwb.visititems(visit)
    return found


def _types(group: h5py.Group) -> set[str]:
    """Types that a group says it is; NWB 1 lists its ancestors as well."""
    ancestry = group.attrs.get("ancestry", ())
    ancestors = [text(one) for one in np.atleast_1d(ancestry)]
    return {text(group.attrs.get("neurodata_type")), *ancestors}


def electrical_series_types(nwb: h5py.File) -> set[str]:
    """Names of ElectricalSeries and of the types that the file's cached specs derive from it."""
    return _derived(nwb, "ElectricalSeries", without="SpikeEventSeries")


def _derived(nwb: h5py.File, base: str, *, without: str = "") -> set[str]:
    pairs = {(name, parent) for name, parent in _inheritance(nwb) if name != without}
    types = {base}
    grown = True
    while grown:
        derived = {name for name, parent in pairs if parent in types}
        grown = not derived <= types
        types |= derived
    return types


def _inheritance(nwb: h5py.File) -> Iterator[tuple[str, str]]:
    """Pairs of type and parent type in the specifications cached in the file."""
    sources: list[str] = []

    def visit(_name: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Dataset) and item.size == 1:
            sources.append(text(item[()]))

    if isinstance(nwb.get("specifications"), h5py.Group):
        nwb["specifications"].visititems(visit)
    for source in sources:
        try:
            yield from _definitions(json.loads(source))
        except ValueError:  # not JSON: old betas cache YAML; their types are the core's
            continue


def _definitions(spec: Any) -> Iterator[tuple[str, str]]:
    """Pairs of type and parent type in a specification, at any depth."""
    if isinstance(spec, dict):
        for prefix in ("neurodata_type", "data_type"):
            if f"{prefix}_def" in spec and f"{prefix}_inc" in spec:
                yield str(spec[f"{prefix}_def"]), str(spec[f"{prefix}_inc"])
        for part in spec.get("groups", ()):
            yield from _definitions(part)


def _in_lfp_containers(nwb: h5py.File) -> set[Any]:
    """Addresses of all objects that LFP containers hold, or link to."""
    types = _derived(nwb, "LFP")
    containers = _groups(nwb, lambda g: bool(_types(g) & types) or _is_old_lfp(g))
    return {
        _address(container[name])
        for container in containers
        for name in container
        if not isinstance(container.get(name, getlink=True), h5py.ExternalLink)
        and container.get(name) is not None
    }


def _is_old_lfp(group: h5py.Group) -> bool:
    """Tell an LFP interface of NWB 1, which has its type as its name."""
    return bool(_last(group.name) == "LFP" and _types(group) & {"Interface", ""})


def _address(item: h5py.HLObject) -> Any:
    return h5py.h5o.get_info(item.id).addr


def _matches(name: str, pattern: str) -> bool:
    return any(fnmatchcase(one, pattern) for one in (name, name.lstrip("/"), _last(name)))


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1]
