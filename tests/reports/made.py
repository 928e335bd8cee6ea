"""Small NWB files with one property each, as users of other tools reported them."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

RATE = 1250.0
COUNT = 0.195e-6  # V of one stored count
N_SAMPLES, N_CHANNELS = 10_000, 12
PITCH = 25.0  # µm

Array = npt.NDArray[Any]


def lfp(n_samples: int = N_SAMPLES, n_channels: int = N_CHANNELS, *, seed: int = 0) -> Array:
    """Make LFP of about 70 µV as counts, (time, channel): theta, a slow wave, and noise."""
    chance = np.random.default_rng(seed)
    time = np.arange(n_samples)[:, np.newaxis] / RATE
    phase = np.linspace(0, np.pi, n_channels)[np.newaxis]
    volts = 80e-6 * np.sin(2 * np.pi * 7 * time + phase) + 40e-6 * np.sin(2 * np.pi * time)
    volts = volts + chance.normal(0, 15e-6, volts.shape)
    return np.rint(volts / COUNT).astype(np.int16)


def write(
    folder: Path,
    data: Array | None = None,
    *,
    name: str = "a.nwb",
    electrodes: dict[str, Any] | None = None,
    described: dict[str, str] | None = None,
    region: Any = None,
    times: Array | None = None,
    start: float = 0.0,
    rate: float = RATE,
    chunks: tuple[int, int] | None = None,
    **attributes: Any,
) -> Path:
    """Write an NWB file with one ElectricalSeries in an LFP container.

    Parameters
    ----------
    data : ndarray, optional
        Samples, (time, channel); those of `lfp` if not given.
    electrodes : dict, optional
        Columns that replace those of the table; None takes one away.
    described : dict, optional
        Descriptions of columns.
    region : array, optional
        Rows of the table; all in turn if not given.
    times : ndarray, optional
        Timestamps instead of a start and a rate.
    attributes
        Of the data: `conversion`, `offset`, `unit`.
    """
    data = lfp() if data is None else data
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / name, "w") as nwb:
        nwb.attrs["nwb_version"] = "2.7.0"
        rows = data.shape[1] if region is None else int(np.max(region)) + 1
        _write_electrodes(nwb, rows, electrodes or {}, described or {})
        container = nwb.create_group("processing/ecephys/LFP")
        container.attrs["neurodata_type"] = "LFP"
        series = container.create_group("ElectricalSeries")
        series.attrs["neurodata_type"] = "ElectricalSeries"
        stored = series.create_dataset("data", data=data, chunks=chunks)
        stored.attrs.update({"conversion": COUNT, "unit": "volts"} | attributes)
        if times is None:
            series["starting_time"] = start
            series["starting_time"].attrs["rate"] = rate
        else:
            series["timestamps"] = times
        series["electrodes"] = np.arange(rows) if region is None else region
        table = nwb["general/extracellular_ephys/electrodes"]
        series["electrodes"].attrs["table"] = table.ref
    return folder / name


def _write_electrodes(
    nwb: h5py.File, n: int, columns: dict[str, Any], described: dict[str, str]
) -> None:
    table = nwb.create_group("general/extracellular_ephys/electrodes")
    table.attrs["neurodata_type"] = "DynamicTable"
    usual = {
        "id": np.arange(n),
        "location": ["CA1"] * (n // 2) + ["DG"] * (n - n // 2),
        "group_name": ["probe"] * n,
        "rel_y": PITCH * np.arange(n),
    }
    for name, values in (usual | columns).items():
        if values is None:
            continue
        is_text = np.asarray(values).dtype.kind == "U"
        dtype = h5py.string_dtype() if is_text else None
        table.create_dataset(name, data=values, dtype=dtype)
        table[name].attrs["description"] = described.get(name, "no description")
