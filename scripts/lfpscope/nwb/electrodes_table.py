"""The rows of the electrodes table that a series refers to."""

from collections.abc import Iterable, Iterator
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from lfpscope.doubts import Doubt
from lfpscope.hdf5.values import referenced, scalar, text
from lfpscope.nwb.depth import (
    FRAMES,
    Column,
    StoredColumn,
    Table,
    is_depth_name,
)

Rows = npt.NDArray[np.int64]


ELECTRODES = "general/extracellular_ephys/electrodes"
ELECTRODE_MAP = "general/extracellular_ephys/electrode_map"  # NWB 1
AREAS = (
    *("location", "brain_area", "area", "brain_region", "region", "structure"),
    *("structure_acronym", "ecephys_structure_acronym"),
)


GROUPS = ("group_name", "group")


SHANKS = ("shank", "shank_id", "shank_ids", "shank_index", "shank_name", "probe_shank")


ACROSS = ("probe_horizontal_position", "rel_x")


GAINS = ("gain_to_uV", "gain", "offset_to_uV", "offset")

NAMED = {"x", "y", "z", "valid_data", "rel_z", *AREAS, *GROUPS, *SHANKS, *ACROSS, *GAINS, *FRAMES}


READ_KINDS = "OSbiuf"  # of numpy: text, references, bool and real numbers
MAX_WHOLE = 2.0**53  # so far doubles count


def read_electrodes(
    nwb: h5py.File, series: h5py.Group, n_channels: int, doubts: list[Doubt]
) -> tuple[npt.NDArray[np.int64], Table]:
    """Ids of the channels, and the rows of the electrodes table that are theirs."""

    def doubt(text: str) -> None:
        doubts.append(Doubt("labels", f"{text}: channels are numbered by column"))

    numbered: npt.NDArray[np.int64] = np.arange(n_channels, dtype=np.int64)
    rows, table = electrode_rows(nwb, series), _electrodes_table(nwb, series, doubts)
    if rows is None and _has_region(series):
        doubt(f"electrodes region of {_kind(series)}, expected row numbers")
        return numbered, {}
    if rows is None or table is None:
        words = "no electrodes: channels are numbered by column"
        doubts.append(Doubt("missing", words))
        return numbered, {}
    stored = table["id"].values
    outside = (rows < 0) | (rows >= stored.size)
    if outside.any():
        doubt(f"the electrodes region names row {rows[outside][0]} of {stored.size}")
        return numbered, {}
    if rows.size != n_channels:
        words = f"electrodes region of {rows.size} rows for {n_channels} channels"
        doubts.append(Doubt("labels", words))
    rows = rows[:n_channels]
    ids = np.concatenate([stored[rows], -1 - np.arange(rows.size, n_channels)]).astype(np.int64)
    if np.unique(ids).size != n_channels:
        doubt("electrode ids are not unique")
        ids = numbered
    return ids, {
        name: StoredColumn(name, _padded(one.values[rows], n_channels), one.description, one.unit)
        for name, one in table.items()
        if name != "id"
    }


def _padded(values: Column, n: int) -> Column:
    """Lengthen a column with what says "unknown" in its type."""
    if len(values) == n:
        return values
    filler: Any = {"U": "", "b": False}.get(values.dtype.kind, np.nan)
    return np.concatenate([values, np.full(n - len(values), filler)])


def electrode_rows(nwb: h5py.File, series: h5py.Group) -> Rows | None:
    """Rows of the electrodes table, one for each channel; None where the series names none."""
    region = series.get("electrodes", series.get("electrode_idx"))
    if not isinstance(region, h5py.Dataset) or region.shape is None:
        return None
    if h5py.check_ref_dtype(region.dtype) is h5py.RegionReference:
        return _referenced_rows(nwb, scalar(region[()]))
    if region.dtype.kind not in "iuf":
        return None
    rows = np.asarray(region[()]).reshape(-1)
    if not _are_whole(rows):  # MATLAB writes whole numbers as doubles, which are read
        return None
    return rows.astype(np.int64)


def _has_region(series: h5py.Group) -> bool:
    region = series.get("electrodes", series.get("electrode_idx"))
    return isinstance(region, h5py.Dataset) and bool(region.shape) and region.size > 0


def _kind(series: h5py.Group) -> str:
    kind = series.get("electrodes", series.get("electrode_idx")).dtype.kind
    return {"f": "numbers that are not whole", "O": "text or references"}.get(kind, "no numbers")


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


def _electrodes_table(nwb: h5py.File, series: h5py.Group, doubts: list[Doubt]) -> Table | None:
    """Read the table that a series' region refers to."""
    if "electrode_idx" in series and "electrodes" not in series:
        return _electrode_map(nwb)
    stored = _referenced_table(nwb, series)
    if isinstance(stored, h5py.Group):
        table = dict(_columns(stored, doubts))
    elif isinstance(stored, h5py.Dataset) and stored.dtype.names:
        names = [n for n in _wanted(stored.dtype.names) if stored.dtype[n].kind in READ_KINDS]
        table = {name: StoredColumn(name, _column(stored, name)) for name in names}
    else:
        return None
    if not table:
        return None
    if "id" not in table or not _are_ids(table["id"].values):
        words = "the electrodes table has no ids that are numbers: rows are numbered"
        doubts.append(Doubt("labels", words))
        n = max(column.values.size for column in table.values())
        table["id"] = StoredColumn("id", np.arange(n))
    n = table["id"].values.size
    for name in [name for name, column in table.items() if column.values.size != n]:
        words = f"electrodes column {name}: {table.pop(name).values.size} values for {n} electrodes"
        doubts.append(Doubt("labels", words))
    return table


def _columns(table: h5py.Group, doubts: list[Doubt]) -> Iterator[tuple[str, StoredColumn]]:
    for name in _wanted(table):
        stored = table[name]
        if not isinstance(stored, h5py.Dataset) or stored.shape is None:
            continue
        if stored.dtype.kind not in READ_KINDS:
            words = f"electrodes column {name} holds neither numbers nor text: left out"
            doubts.append(Doubt("labels", words))
            continue
        if _is_ragged(table, stored):
            words = f"electrodes column {name} has several values for an electrode: left out"
            doubts.append(Doubt("labels", words))
            continue
        about, unit = (text(stored.attrs.get(one)) for one in ("description", "unit"))
        yield name, StoredColumn(name, _column(stored), about, unit)


def _is_ragged(table: h5py.Group, stored: h5py.Dataset) -> bool:
    """Tell whether an index gives an electrode more or fewer values than one."""
    index = table.get(f"{stored.name.rsplit('/', 1)[-1]}_index")
    if not isinstance(index, h5py.Dataset):
        return False
    return not np.array_equal(index[()], np.arange(1, index.size + 1))


def _are_ids(column: Column) -> bool:
    """Tell whether there are any, and all are whole numbers, as MatNWB's of type double are."""
    return bool(column.size and column.dtype.kind in "if" and _are_whole(column))


def _are_whole(numbers: Column) -> bool:
    """Tell whether all numbers are whole, and small enough to be counted."""
    if numbers.dtype.kind != "f":
        return True
    numbers = numbers.astype(np.float64)
    return bool(np.all((np.abs(numbers) < MAX_WHOLE) & (np.floor(numbers) == numbers)))


def _wanted(names: Iterable[str]) -> list[str]:
    found = sorted(name for name in names if name in NAMED or is_depth_name(name))
    return ["id", *found] if "id" in names else found


def _referenced_table(nwb: h5py.File, series: h5py.Group) -> Any:
    region = series.get("electrodes")
    reference = None
    if isinstance(region, h5py.Dataset):
        stores_reference = h5py.check_ref_dtype(region.dtype) is h5py.RegionReference
        reference = scalar(region[()] if stores_reference else region.attrs.get("table"))
    table = referenced(nwb, reference)
    return nwb.get(ELECTRODES) if table is None else table


def _electrode_map(nwb: h5py.File) -> Table | None:
    """Electrodes as NWB 1 stores them: positions in metres, groups that say where they are."""
    positions = nwb.get(ELECTRODE_MAP)
    if not isinstance(positions, h5py.Dataset) or positions.ndim != 2 or positions.shape[1] != 3:
        return None
    table: Table = {"id": StoredColumn("id", np.arange(positions.shape[0]))}
    micrometres = 1e6 * np.asarray(positions[()], dtype=np.float64).T
    for name, values in zip("xyz", micrometres, strict=True):
        table[name] = StoredColumn(name, values, unit="µm")
    groups = nwb.get("general/extracellular_ephys/electrode_group")
    if isinstance(groups, h5py.Dataset) and groups.shape == positions.shape[:1]:
        table["group_name"] = StoredColumn("group_name", _column(groups))
    return table


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
