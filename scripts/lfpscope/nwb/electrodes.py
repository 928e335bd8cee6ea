"""The channels of a series: depth, area, group and further columns."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import h5py
import numpy as np
import numpy.typing as npt

from lfpscope.doubts import Doubt
from lfpscope.hdf5.values import text
from lfpscope.nwb.areas import is_area
from lfpscope.nwb.depth import (
    Column,
    DepthAxis,
    StoredColumn,
    Table,
    depth_doubts,
    find_depth,
    unit_of,
)
from lfpscope.nwb.electrodes_table import ACROSS, AREAS, GAINS, GROUPS, SHANKS, read_electrodes

# Names of the columns of an electrodes table that mean the same, best first.


MIN_SHANK_GAP_UM = 100.0  # across the probe, where no column names the shanks


@dataclass(frozen=True)
class Channels:
    """What is known of each channel; what the file does not say is absent.

    Attributes
    ----------
    id : ndarray of int64, shape (n_channels,)
        Electrode ids, or the column numbers where the file has none.
    columns : dict of str to ndarray, each of shape (n_channels,)
        Any of ``depth`` (in the unit of `depth_axis`), ``across`` (position across the probe, µm),
        ``area`` (str), ``x``, ``y``, ``z`` (float64), ``valid`` (bool), ``group``, ``shank`` (str),
        ``channel_conversion`` (float64).
    depth_axis : DepthAxis or None
        What ``depth`` is; None where there is none.
    """

    id: npt.NDArray[np.int64]
    columns: dict[str, Column] = field(default_factory=dict)
    depth_axis: DepthAxis | None = None


def read_channels(
    nwb: h5py.File, series: h5py.Group, n_channels: int
) -> tuple[Channels, dict[str, Column], list[Doubt]]:
    """Resolve the electrodes of a series: the region's rows of the electrodes table.

    Where the region does not cover all channels, those without an electrode keep their column
    number negative (−1 − column) as id, NaN as depth and coordinates, and no area.

    Returns
    -------
    channels : Channels
        For each channel what its electrode says.
    gains : dict of str to ndarray of float64, shape (n_channels,)
        Any of the columns ``gain_to_uV``, ``gain``, ``offset_to_uV``, ``offset``.
    doubts : list of Doubt
        What is missing or does not fit.
    """
    doubts: list[Doubt] = []
    ids, table = read_electrodes(nwb, series, n_channels, doubts)
    columns: dict[str, Column] = {}
    depth = find_depth(table)
    if depth is None:
        doubts.append(Doubt("missing", "no depth: channels keep the file's order"))
    else:
        columns["depth"] = depth.values
        doubts += [*depth.doubts, *_without_depth(depth.values, ids)]
    areas = _areas(nwb, table)
    if areas is None:
        doubts.append(Doubt("missing", "no brain areas"))
    else:
        columns["area"] = areas
    columns |= {name: table[name].values for name in "xyz" if _has_numbers(table.get(name))}
    if "y" in columns and "z" in columns and _repeats(columns["y"], columns["z"]):
        doubts.append(Doubt("labels", "columns y and z hold the same numbers"))
    if "valid_data" in table and table["valid_data"].values.dtype.kind in "bf":
        columns["valid"] = table["valid_data"].values == 1
    across = _across(table, "" if depth is None else depth.axis.column)
    if across is not None:
        columns["across"] = across
    groups = _groups(table, columns.get("depth"))
    columns |= groups
    if depth is not None:
        doubts += depth_doubts(table, depth, _parts(groups, n_channels))
    gains = {name: table[name].values for name in GAINS if _has_numbers(table.get(name))}
    axis = None if depth is None else depth.axis
    return Channels(ids, columns, axis), gains, doubts


def _without_depth(depth: Column, ids: Column) -> Iterator[Doubt]:
    n = int(np.isnan(depth).sum())
    if np.isnan(depth[ids >= 0]).any():  # of the others another doubt says that they have nothing
        yield Doubt("missing", f"{n} of {depth.size} channels have no depth")


def _has_numbers(column: StoredColumn | None) -> bool:
    return column is not None and column.is_number and bool(np.isfinite(column.values).any())


def _repeats(one: Column, other: Column) -> bool:
    """Tell whether two columns hold the same numbers, which differ between the channels."""
    same = np.array_equal(one, other, equal_nan=True)
    return bool(same and np.unique(one[np.isfinite(one)]).size > 1)


def _areas(nwb: h5py.File, table: Table) -> Column | None:
    """Brain areas, of the first column that names any; else of the electrodes' groups."""
    named = [_labels(table[name].values) for name in AREAS if name in table]
    for areas in (*named, _areas_of_groups(nwb, table)):
        if any(is_area(area) for area in areas.tolist()):
            return areas
    return None


def _areas_of_groups(nwb: h5py.File, table: Table) -> Column:
    groups = next((table[name].values for name in GROUPS if name in table), np.empty(0, dtype=str))
    found = {name: _location(nwb, name) for name in set(groups.tolist()) if name}
    return np.array([found.get(name, "") for name in groups.tolist()], dtype=str)


def _location(nwb: h5py.File, group: str) -> str:
    """Where a group of electrodes is: an attribute, or in NWB 1 a dataset."""
    stored = nwb.get(f"general/extracellular_ephys/{group}")
    if not isinstance(stored, h5py.Group):
        return ""
    dataset = stored.get("location", stored.attrs.get("location"))
    words = text(dataset[()] if isinstance(dataset, h5py.Dataset) else dataset)
    return "" if words.lower().startswith("see ") else words  # as Allen's: see the electrodes


def _labels(values: Column) -> Column:
    """Text of a column; a number as its digits, nothing where it is NaN."""
    if values.dtype.kind == "U":
        return values
    numbers = values.astype(np.float64).tolist()
    return np.array(["" if one != one else f"{one:.15g}" for one in numbers], dtype=str)


def _groups(table: Table, depth: Column | None) -> dict[str, Column]:
    """Names of groups and shanks, as far as the file or the positions tell them."""
    found: dict[str, Column] = {}
    for kind, names in (("group", GROUPS), ("shank", SHANKS)):
        stored = [_labels(table[name].values) for name in names if name in table]
        labels = next((one for one in stored if (one != "").any()), None)
        if labels is not None:
            found[kind] = labels
    x = _across(table)
    if "shank" not in found and x is not None and depth is not None:
        shanks = _shanks_by_position(x, depth, found.get("group"))
        if np.unique(shanks[shanks != ""]).size > 1:
            found["shank"] = shanks
    return found


def _across(table: Table, taken: str = "") -> Column | None:
    """Position across the probe, µm; None where no column says it that is not taken as depth."""
    named = [table[name] for name in ACROSS if name != taken and _has_numbers(table.get(name))]
    return named[0].values * (unit_of(named[0]) or 1.0) if named else None


def _parts(groups: dict[str, Column], n_channels: int) -> list[npt.NDArray[np.bool_]]:
    """Channels of each shank of each group."""
    names = list(zip(*(column.tolist() for column in groups.values()), strict=True))
    if not names:
        return [np.ones(n_channels, dtype=bool)]
    return [np.array([name == one for name in names]) for one in dict.fromkeys(names)]


def _shanks_by_position(x: Column, depth: Column, group: Column | None) -> Column:
    """Names of shanks that lie farther apart than the contacts along each of them."""
    names = np.full(x.size, "", dtype="U32")
    for one in [""] if group is None else np.unique(group).tolist():
        members = np.isfinite(x) & np.isfinite(depth)
        members &= True if group is None else group == one
        places = np.unique(x[members])
        gaps = np.flatnonzero(np.diff(places) >= MIN_SHANK_GAP_UM)
        shanks = [members & np.isin(x, part) for part in np.split(places, gaps + 1)]
        pitches = [_pitch(depth[shank]) for shank in shanks]
        if gaps.size and max(pitches) < np.diff(places)[gaps].min():
            for shank in shanks:
                names[shank] = f"x {x[shank].min():g} µm"
    return names


def _pitch(depth: Column) -> float:
    """Usual distance of neighbours along a shank; infinite where there is one place."""
    steps = np.diff(np.unique(depth))
    return float(np.median(steps)) if steps.size else np.inf
