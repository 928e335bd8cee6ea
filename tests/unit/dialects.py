"""Small NWB files in any dialect, and what is read from them."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr
from stored import opened

from lfpscope.nwb.recording import Recording, read_clock, read_recording
from lfpscope.references.model import ProbeReferences
from lfpscope.references.write import write_references

Column = npt.NDArray[Any]

SERIES = "/acquisition/lfp"
TABLE = "general/extracellular_ephys/electrodes"
TEXT = h5py.string_dtype()


@pytest.fixture
def nwb(tmp_path: Path) -> h5py.File:
    """An open file, in which a test writes what it is about."""
    with h5py.File(tmp_path / "a.nwb", "w") as file:
        yield file


def plain(path: Path) -> xr.Dataset:
    """Open references without dask."""
    options = {"chunks": None}
    return xr.open_dataset(str(path), engine="kerchunk", open_dataset_options=options)


def add_series(
    nwb: h5py.File,
    name: str = SERIES,
    *,
    data: Any = None,
    rate: float | None = 1250.0,
    times: Any = None,
    kind: str = "ElectricalSeries",
    container: str = "",
) -> h5py.Group:
    """Add a series; with a rate, unless it is None."""
    series = nwb.create_group(name)
    series.attrs["neurodata_type"] = kind
    series["data"] = np.ones((100, 4), "<f4") if data is None else data
    if container:
        series.parent.attrs["neurodata_type"] = container
    if times is not None:
        series["timestamps"] = times
    elif rate is not None:
        series["starting_time"] = 0.5
        series["starting_time"].attrs["rate"] = rate
    return series


def add_table(nwb: h5py.File, **columns: Any) -> h5py.Group:
    """Add a table of electrodes in the form of NWB 2."""
    table = nwb.create_group(TABLE)
    for name, values in columns.items():
        is_text = np.asarray(values).dtype.kind == "U"
        table.create_dataset(name, data=values, dtype=TEXT if is_text else None)
    return table


def add_region(series: h5py.Group, rows: Any, table: h5py.Group | None = None) -> None:
    series["electrodes"] = rows
    if table is not None:
        series["electrodes"].attrs["table"] = table.ref


def recording(nwb: h5py.File, name: str = SERIES) -> Recording:
    nwb.flush()
    return read_recording(nwb, name)


def columns(nwb: h5py.File) -> dict[str, list[Any]]:
    return {name: column.tolist() for name, column in recording(nwb).channels.columns.items()}


def ids(nwb: h5py.File) -> list[int]:
    return recording(nwb).channels.id.tolist()


def references(nwb: h5py.File, tmp_path: Path, name: str = SERIES) -> ProbeReferences:
    found = recording(nwb, name)
    write_references(
        nwb,
        found,
        read_clock(nwb, found),
        session="s",
        probe="p",
        address=nwb.filename,
        path=tmp_path / "lfp.json",
    )
    return opened(tmp_path / "lfp.json")


def volts(tmp_path: Path) -> Column:
    with plain(tmp_path / "lfp.json") as dataset:
        assert dataset.lfp.attrs["units"] == "V"
        found: Column = dataset.lfp.values
        return found


def clock(nwb: h5py.File) -> list[Any]:
    return read_clock(nwb, recording(nwb)).to_json()


def texts(recording: Recording) -> tuple[str, ...]:
    """What is doubted of a recording, in words."""
    return tuple(doubt.text for doubt in recording.doubts)
