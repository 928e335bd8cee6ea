"""An NWB file → its recordings: where the LFP lies, its layout, clock, channels and units."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from lfpscope.clock import Clock, clock_from_rate, clock_from_timestamps
from lfpscope.files import UserError

LFP_RATE = 3000.0  # Hz; an ElectricalSeries outside an LFP container is LFP up to this rate
TIMESTAMPS_BLOCK = 1 << 18  # samples of the clock in memory at once (2 MB)


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
    """

    id: npt.NDArray[np.int64]
    columns: dict[str, npt.NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Recording:
    """One ElectricalSeries of one NWB file.

    Attributes
    ----------
    file : Path
        The NWB file.
    series : str
        Path of the series inside the file.
    session : str
        The file's own session id; empty where it has none.
    n_samples, n_channels : int
        Shape of the data, time first.
    rate : float
        Samples per second, as stored or from the usual step of the timestamps.
    conversion, offset : float
        ``volts = stored * conversion + offset``.
    channels : Channels
        Electrode ids, depth, area and so on.
    warnings : tuple of str
        What is missing or contradicts itself in the file.
    """

    file: Path
    series: str
    session: str
    n_samples: int
    n_channels: int
    rate: float
    conversion: float
    offset: float
    channels: Channels
    warnings: tuple[str, ...]


def open_nwb(path: Path) -> h5py.File:
    """Open an NWB file for reading.

    Raises
    ------
    UserError
        If it is missing, not HDF5, or cut short: with both sizes, where HDF5 tells them.
    """
    try:
        return h5py.File(path, "r")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file. Correct the location in sessions.tsv.") from None
    except OSError as error:
        raise UserError(f"{path}: {_why_unreadable(path, str(error))}") from None


def _why_unreadable(path: Path, error: str) -> str:
    truncated = re.search(r"truncated file: eof = (\d+).*?stored_eof = (\d+)", error)
    if truncated:
        found, expected = (f"{int(n):,}".replace(",", " ") for n in truncated.groups())
        return (
            f"truncated: the file ends at byte {found} of {expected}. "
            "Fetch it anew: what is there is not whole."
        )
    if "signature not found" in error:
        with path.open("rb") as file:
            start = file.read(16)
        kind = "an empty file" if not start else f"it starts with {start!r}"
        return f"not an HDF5 file: {kind}. NWB files are HDF5; correct the location."
    return f"cannot be opened as HDF5 ({error}). Fetch it anew."


# --- finding the series -------------------------------------------------------------------------


def choose_series(nwb: h5py.File, pattern: str = "") -> tuple[list[str], str]:
    """Find the series that hold LFP.

    The rule: those that match `pattern`, where one is given; else those inside an ``LFP``
    container; else those sampled at no more than 3000 Hz; else those with "lfp" in their name.

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
    UserError
        If none qualifies; the message names all ElectricalSeries of the file.
    """
    found = find_series(nwb)
    where = nwb.filename
    if not found:
        raise UserError(f"{where}: no ElectricalSeries in this file. Is it the file with the LFP?")
    rules = [
        ("inside an LFP container", _inside_lfp),
        (f"rate of at most {LFP_RATE:g} Hz", lambda s: stored_rate(s) <= LFP_RATE),
        ('"lfp" in the name', lambda s: "lfp" in _last(s.name).lower()),
    ]
    if pattern:
        rules = [(f"matches {pattern!r}", lambda s: _matches(s.name, pattern))]
    for reason, holds in rules:
        taken = [series.name for series in found if holds(series)]
        if taken:
            return sorted(taken), f"{len(taken)} of {len(found)} ElectricalSeries: {reason}"
    listing = ", ".join(f"{s.name} ({stored_rate(s):g} Hz)" for s in found)
    wanted = f"matches {pattern!r}" if pattern else "is LFP (LFP container, rate, name)"
    raise UserError(
        f"{where}: no ElectricalSeries {wanted}; found {listing}. "
        "Name one in the column `series` of sessions.tsv."
    )


def find_series(nwb: h5py.File) -> list[h5py.Group]:
    """All ElectricalSeries of a file, and series of types derived from it, each once.

    Links are not followed: the object itself is met where it lies. Spike snippets
    (SpikeEventSeries) are left out.
    """
    types = electrical_series_types(nwb)
    found: list[h5py.Group] = []

    def visit(_name: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Group) and _text(item.attrs.get("neurodata_type")) in types:
            found.append(item)

    nwb.visititems(visit)
    return found


def electrical_series_types(nwb: h5py.File) -> set[str]:
    """Names of ElectricalSeries and of the types that the file's cached specs derive from it."""
    parents = dict(_inheritance(nwb))
    types = {"ElectricalSeries"}
    grown = True
    while grown:
        derived = {name for name, parent in parents.items() if parent in types}
        grown = not derived <= types
        types |= derived
    return types - {"SpikeEventSeries"}


def _inheritance(nwb: h5py.File) -> Iterator[tuple[str, str]]:
    """Pairs of type and parent type in the specifications cached in the file."""
    for namespace in nwb.get("specifications", {}).values():
        for version in namespace.values():
            for source in version.values():
                for group in json.loads(_text(source[()])).get("groups", []):
                    if "neurodata_type_def" in group and "neurodata_type_inc" in group:
                        yield group["neurodata_type_def"], group["neurodata_type_inc"]


def _inside_lfp(series: h5py.Group) -> bool:
    return _text(series.parent.attrs.get("neurodata_type")) == "LFP"


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(_last(name), pattern)


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def stored_rate(series: h5py.Group) -> float:
    """Samples per second: as stored, or from the first thousand timestamps; NaN where neither."""
    if "starting_time" in series:
        return float(series["starting_time"].attrs.get("rate", np.nan))
    if "timestamps" in series and series["timestamps"].size > 1:
        steps = np.diff(series["timestamps"][:1000])
        steps = steps[steps > 0]
        return float(1 / np.median(steps)) if steps.size else float("nan")
    return float("nan")


# --- reading one recording ----------------------------------------------------------------------


def read_recording(nwb: h5py.File, series: str) -> Recording:
    """Describe one series, without reading its data or its clock.

    Raises
    ------
    UserError
        If the series is missing, its data are not numbers over time × channel, or its clock does
        not fit them.
    """
    where = f"{nwb.filename}: {series}"
    group = nwb.get(series)
    if not isinstance(group, h5py.Group) or not isinstance(group.get("data"), h5py.Dataset):
        raise UserError(f"{where}: no such series with data. Run list_probes again.")
    data = group["data"]
    if data.dtype.kind not in "iuf":
        raise UserError(f"{where}: data of type {data.dtype}, expected integers or floats.")
    if data.ndim not in (1, 2) or 0 in data.shape:
        raise UserError(f"{where}: data of shape {data.shape}, expected time × channel.")
    n_samples, n_channels = data.shape[0], data.shape[1] if data.ndim == 2 else 1
    _check_clock(group, n_samples, where)
    channels, warnings = read_channels(nwb, group, n_channels)
    return Recording(
        file=Path(nwb.filename),
        series=series,
        session=_text(nwb["general/session_id"][()]) if "general/session_id" in nwb else "",
        n_samples=n_samples,
        n_channels=n_channels,
        rate=stored_rate(group),
        conversion=float(data.attrs.get("conversion", 1.0)),
        offset=float(data.attrs.get("offset", 0.0)),
        channels=channels,
        warnings=tuple(warnings),
    )


def _check_clock(group: h5py.Group, n_samples: int, where: str) -> None:
    if "timestamps" in group:
        stored = group["timestamps"].shape
        if stored != (n_samples,):
            raise UserError(
                f"{where}: {n_samples} samples but timestamps of shape {stored}. "
                "The file contradicts itself; ask who wrote it."
            )
    elif "starting_time" in group:
        rate = float(group["starting_time"].attrs.get("rate", np.nan))
        if not rate > 0:
            raise UserError(f"{where}: a rate of {rate} Hz; expected more than 0.")
    else:
        raise UserError(f"{where}: neither timestamps nor starting_time and rate.")


def read_clock(nwb: h5py.File, recording: Recording) -> Clock:
    """Read the clock of a recording, in constant memory."""
    group = nwb[recording.series]
    if "timestamps" not in group:
        start = group["starting_time"]
        return clock_from_rate(
            recording.n_samples, rate=float(start.attrs["rate"]), start=float(start[()])
        )
    stored = group["timestamps"]
    blocks = range(0, recording.n_samples, TIMESTAMPS_BLOCK)
    return clock_from_timestamps(
        np.asarray(stored[first : first + TIMESTAMPS_BLOCK], dtype=np.float64) for first in blocks
    )


# --- channels -----------------------------------------------------------------------------------

# Names of the columns of an electrodes table that mean the same, best first.
COLUMNS = {
    "depth": ("probe_vertical_position", "rel_y", "depth"),
    "area": ("location",),
    "x": ("x",),
    "y": ("y",),
    "z": ("z",),
    "valid": ("valid_data",),
    "group": ("group_name",),
}


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
    """
    warnings: list[str] = []
    ids = np.arange(n_channels, dtype=np.int64)
    columns: dict[str, npt.NDArray[Any]] = {}
    rows, table = _electrode_rows(nwb, series)
    if table is None:
        warnings.append("no electrodes: channels are numbered by column")
    else:
        if len(rows) != n_channels:
            warnings.append(f"electrodes region of {len(rows)} rows for {n_channels} channels")
        known = min(len(rows), n_channels)
        outside = rows[:known][(rows[:known] < 0) | (rows[:known] >= table["id"].size)]
        if outside.size:
            warnings.append(f"electrodes region names row {outside[0]} of {table['id'].size}")
        else:
            rows = rows[:known]
            ids = np.concatenate([table["id"][()][rows], -1 - np.arange(known, n_channels)])
            for name, stored in COLUMNS.items():
                source = next((s for s in stored if s in table), None)
                if source is not None:
                    columns[name] = _padded(_column(table[source])[rows], n_channels)
    if np.unique(ids).size != n_channels:
        warnings.append("electrode ids are not unique: channels are numbered by column")
        ids = np.arange(n_channels, dtype=np.int64)
    for name in ("depth", "x", "y", "z"):
        if name in columns and not np.isfinite(columns[name]).any():
            del columns[name]
    if "depth" not in columns:
        warnings.append("no depth: channels keep the file's order")
    conversion = series.get("channel_conversion")
    if conversion is not None:
        if conversion.shape == (n_channels,):
            columns["channel_conversion"] = np.asarray(conversion[()], dtype=np.float64)
        else:
            raise UserError(
                f"{series.file.filename}: {series.name}: channel_conversion of shape "
                f"{conversion.shape} for {n_channels} channels; volts cannot be told."
            )
    return Channels(ids.astype(np.int64), columns), warnings


def _electrode_rows(
    nwb: h5py.File, series: h5py.Group
) -> tuple[npt.NDArray[np.int64], h5py.Group | None]:
    region = series.get("electrodes")
    nothing = np.empty(0, dtype=np.int64)
    if not isinstance(region, h5py.Dataset):
        return nothing, None
    reference = region.attrs.get("table")
    table = nwb[reference] if reference else nwb.get("general/extracellular_ephys/electrodes")
    if not isinstance(table, h5py.Group) or "id" not in table:
        return nothing, None
    return np.asarray(region[()], dtype=np.int64), table


def _column(stored: h5py.Dataset) -> npt.NDArray[Any]:
    """One column of the electrodes table, as str, bool or float64."""
    if stored.dtype.kind == "O":
        return np.array([_text(value) for value in stored[()]], dtype=str)
    if stored.dtype.kind == "S":
        return np.char.decode(stored[()], "utf-8")
    values: npt.NDArray[Any] = stored[()]
    return values if values.dtype.kind == "b" else values.astype(np.float64)


def _padded(values: npt.NDArray[Any], n: int) -> npt.NDArray[Any]:
    """Lengthen a column with what says "unknown" in its type."""
    if len(values) == n:
        return values
    filler: Any = {"U": "", "b": False}.get(values.dtype.kind, np.nan)
    return np.concatenate([values, np.full(n - len(values), filler)])


def _text(value: Any) -> str:
    """Text from any of the ways HDF5 files store it (MatNWB: arrays of one)."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(())[()]
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
