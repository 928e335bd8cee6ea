"""The electrodes of a series: what each channel's electrode says, in any of NWB's dialects."""

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from lfpscope.files import UserError
from lfpscope.hdf5 import member, referenced, scalar, text

Column = npt.NDArray[Any]
Rows = npt.NDArray[np.int64]
Table = dict[str, Column]
"""Columns of an electrodes table by their stored names; ``id`` is always there."""

ELECTRODES = "general/extracellular_ephys/electrodes"
ELECTRODE_MAP = "general/extracellular_ephys/electrode_map"  # NWB 1

# Names of the columns of an electrodes table that mean the same, best first.
COLUMNS = {
    "depth": ("probe_vertical_position", "rel_y", "depth"),
    "area": ("location",),
    "x": ("x",),
    "y": ("y",),
    "z": ("z",),
    "valid": ("valid_data",),
    "group": ("group_name", "group"),
}

KINDS = {"area": "U", "group": "U", "valid": "b"}  # the others are numbers


@dataclass(frozen=True)
class DepthAxis:
    """What the depths of the channels are.

    Attributes
    ----------
    column : str
        Name of the column of the electrodes table that they are from.
    label : str
        Title of the axis, with the unit: "distance from the tip (µm)".
    unit : str
        "µm", or as the file has it; empty where it is not known.
    is_downward : bool
        Whether larger numbers lie lower: depth below the surface, or an inferior coordinate.
    """

    column: str
    label: str
    unit: str = "µm"
    is_downward: bool = False


@dataclass(frozen=True)
class Channels:
    """What is known of each channel; what the file does not say is absent.

    Attributes
    ----------
    id : ndarray of int64, shape (n_channels,)
        Electrode ids, or the column numbers where the file has none.
    columns : dict of str to ndarray, each of shape (n_channels,)
        Any of ``depth`` (µm, from the tip where the file says so), ``area`` (str), ``x``, ``y``,
        ``z`` (float64), ``valid`` (bool), ``group`` (str), ``channel_conversion`` (float64).
    depth_axis : DepthAxis or None
        What ``depth`` is; None where there is none.
    """

    id: npt.NDArray[np.int64]
    columns: dict[str, Column] = field(default_factory=dict)
    depth_axis: DepthAxis | None = None


def read_channels(
    nwb: h5py.File, series: h5py.Group, n_channels: int
) -> tuple[Channels, list[str]]:
    """Resolve the electrodes of a series: the region's rows of the electrodes table.

    Where the region does not cover all channels, those without an electrode keep their column
    number negative (−1 − column) as id, NaN as depth and coordinates, and no area.

    Returns
    -------
    channels : Channels
        For each channel what its electrode says.
    warnings : list of str
        What is missing or does not fit.

    Raises
    ------
    UserError
        If `channel_conversion` does not fit the channels, or is not in the file: volts cannot be
        told.
    """
    warnings: list[str] = []
    rows, table = electrode_rows(nwb, series), _electrodes_table(nwb, series, warnings)
    ids, columns = np.arange(n_channels, dtype=np.int64), dict[str, Column]()
    if rows is None or table is None:
        warnings.append("no electrodes: channels are numbered by column")
    elif ((rows < 0) | (rows >= table["id"].size)).any():
        beyond = rows[(rows < 0) | (rows >= table["id"].size)][0]
        warnings.append(
            f"the electrodes region names row {beyond} of {table['id'].size}: channels are "
            "numbered by column"
        )
    else:
        if rows.size != n_channels:
            warnings.append(f"electrodes region of {rows.size} rows for {n_channels} channels")
        rows = rows[:n_channels]
        ids = np.concatenate([table["id"][rows], -1 - np.arange(rows.size, n_channels)])
        columns = _named_columns(table, rows, n_channels)
    if np.unique(ids).size != n_channels:
        warnings.append("electrode ids are not unique: channels are numbered by column")
        ids = np.arange(n_channels, dtype=np.int64)
    warnings += _complete(columns)
    axis = DepthAxis("rel_y", "µm from the tip") if "depth" in columns else None
    columns |= _channel_conversion(series, n_channels)
    return Channels(ids.astype(np.int64), columns, axis), warnings


def _named_columns(table: Table, rows: Rows, n_channels: int) -> dict[str, Column]:
    columns = {}
    for name, stored in COLUMNS.items():
        source = next((one for one in stored if one in table), None)
        if source is None:
            continue
        column = table[source][rows]
        if name == "valid" and column.dtype.kind in "bf":
            column = column.astype(bool)
        if column.dtype.kind == KINDS.get(name, "f"):
            columns[name] = _padded(column, n_channels)
    return columns


def _padded(values: Column, n: int) -> Column:
    """Lengthen a column with what says "unknown" in its type."""
    if len(values) == n:
        return values
    filler: Any = {"U": "", "b": False}.get(values.dtype.kind, np.nan)
    return np.concatenate([values, np.full(n - len(values), filler)])


def _complete(columns: dict[str, Column]) -> list[str]:
    """Drop columns that say nothing, find a depth, and say what is missing."""
    warnings = []
    for name in ("depth", "x", "y", "z"):
        values = columns.get(name)
        if values is not None and not np.isfinite(values).any():
            del columns[name]
    if "depth" not in columns:
        source = _widest(columns)
        if source:
            columns["depth"] = columns[source]
            warnings.append(f"no position along the probe: depth is {source} as stored")
        else:
            warnings.append("no depth: channels keep the file's order")
    if not np.any(columns.get("area", "") != ""):
        columns.pop("area", None)
        warnings.append("no brain areas")
    return warnings


def _widest(columns: dict[str, Column]) -> str:
    """Return which of x, y, z spreads most; none where all electrodes are at one place."""
    spread = {name: float(np.ptp(_finite(columns[name]))) for name in "xyz" if name in columns}
    widest = max(spread, key=lambda name: spread[name], default="")
    return widest if spread.get(widest, 0.0) > 0 else ""


def _finite(values: Column) -> Column:
    return values[np.isfinite(values)]


def _channel_conversion(series: h5py.Group, n_channels: int) -> dict[str, Column]:
    stored = member(series, "channel_conversion")
    if stored is None:
        return {}
    if stored.size != n_channels or stored.dtype.kind not in "iuf":
        raise UserError(
            f"{series.file.filename}: {series.name}: channel_conversion of shape "
            f"{stored.shape} for {n_channels} channels; volts cannot be told. "
            "The file contradicts itself; ask who wrote it."
        )
    return {"channel_conversion": np.asarray(stored[()], dtype=np.float64).reshape(-1)}


# --- which rows ---------------------------------------------------------------------------------


def electrode_rows(nwb: h5py.File, series: h5py.Group) -> Rows | None:
    """Rows of the electrodes table, one for each channel; None where the series names none."""
    region = series.get("electrodes", series.get("electrode_idx"))
    if not isinstance(region, h5py.Dataset) or region.shape is None:
        return None
    if h5py.check_ref_dtype(region.dtype) is h5py.RegionReference:
        return _referenced_rows(nwb, scalar(region[()]))
    if region.dtype.kind not in "iu":
        return None
    return np.asarray(region[()], dtype=np.int64).reshape(-1)


def _referenced_rows(nwb: h5py.File, reference: Any) -> Rows | None:
    """Rows that a region reference selects, as betas of NWB 2.0 store them."""
    if not reference:
        return None
    space = h5py.h5r.get_region(reference, nwb.id)
    if space.get_select_type() == h5py.h5s.SEL_ALL:
        return np.arange(space.get_simple_extent_npoints())
    if space.get_select_type() == h5py.h5s.SEL_POINTS:
        return np.asarray(space.get_select_elem_pointlist()[:, 0], dtype=np.int64)
    blocks = space.get_select_hyper_blocklist().astype(np.int64)
    return np.concatenate([np.arange(first[0], last[0] + 1) for first, last in blocks])


# --- which table --------------------------------------------------------------------------------


def _electrodes_table(nwb: h5py.File, series: h5py.Group, warnings: list[str]) -> Table | None:
    """Read the table that a series' region refers to."""
    if "electrode_idx" in series and "electrodes" not in series:
        return _electrode_map(nwb)
    stored = _referenced_table(nwb, series)
    if isinstance(stored, h5py.Group):
        table = {name: _column(stored[name]) for name in _wanted(stored)}
    elif isinstance(stored, h5py.Dataset) and stored.dtype.names:
        table = {name: _column(stored, name) for name in _wanted(stored.dtype.names)}
    else:
        return None
    lengths = [column.size for column in table.values()]
    if not lengths:
        return None
    if not _are_ids(table.get("id", np.empty(0))):
        warnings.append("the electrodes table has no ids that are numbers: rows are numbered")
        table["id"] = np.arange(max(lengths))
    n = table["id"].size
    for name in [name for name, column in table.items() if column.size != n]:
        warnings.append(f"electrodes column {name}: {table[name].size} values for {n} electrodes")
        del table[name]
    return table


def _are_ids(column: Column) -> bool:
    """Tell whether there are any, and all are whole numbers, as MatNWB's of type double are."""
    return bool(column.size and column.dtype.kind in "if" and np.all(column == column // 1))


def _wanted(names: Container[str]) -> list[str]:
    wanted = ["id", *(name for stored in COLUMNS.values() for name in stored)]
    return [name for name in wanted if name in names]


def _referenced_table(nwb: h5py.File, series: h5py.Group) -> Any:
    region = series.get("electrodes")
    reference = None
    if isinstance(region, h5py.Dataset):
        stores_reference = h5py.check_ref_dtype(region.dtype) is h5py.RegionReference
        reference = scalar(region[()] if stores_reference else region.attrs.get("table"))
    table = referenced(nwb, reference)
    return nwb.get(ELECTRODES) if table is None else table


def _electrode_map(nwb: h5py.File) -> Table | None:
    """Electrodes as NWB 1 stores them: positions in metres, groups that tell where they are."""
    positions = nwb.get(ELECTRODE_MAP)
    if not isinstance(positions, h5py.Dataset) or positions.ndim != 2 or positions.shape[1] != 3:
        return None
    table: Table = {"id": np.arange(positions.shape[0])}
    table |= dict(zip("xyz", 1e6 * np.asarray(positions[()], dtype=np.float64).T, strict=True))
    groups = nwb.get("general/extracellular_ephys/electrode_group")
    if isinstance(groups, h5py.Dataset) and groups.shape == positions.shape[:1]:
        table["group_name"] = _column(groups)
        table["location"] = np.array([_location(nwb, name) for name in table["group_name"]])
    return table


def _location(nwb: h5py.File, group: str) -> str:
    stored = nwb.get(f"general/extracellular_ephys/{group}/location")
    return text(stored[()]) if isinstance(stored, h5py.Dataset) else ""


def _column(stored: h5py.Dataset, name: str | None = None) -> Column:
    """One column of the electrodes table, as str, bool or float64, and whole ids as int64."""
    values = np.atleast_1d(stored[()] if name is None else stored[name]).reshape(-1)
    if values.dtype.kind in "OS":
        return np.array([_label(stored.file, value) for value in values], dtype=str)
    if values.dtype.kind == "b":
        return values
    is_id = values.dtype.kind in "iu" and "id" in (name, stored.name.rsplit("/", 1)[-1])
    return values.astype(np.int64 if is_id else np.float64)


def _label(nwb: h5py.File, value: Any) -> str:
    """Text, or the name of what a reference refers to."""
    if isinstance(value, h5py.Reference):
        item = referenced(nwb, value)
        return "" if item is None else str(item.name).rsplit("/", 1)[-1]
    return text(value)
