"""The current source density that Allen's LFP files store, in this project's unit and sign.

AllenSDK takes the second difference of potentials in µV over a distance in mm, without a
conductivity and without a minus, and stores it as "V/cm^2" (AllenSDK issue 964).
"""

from dataclasses import dataclass

import h5py
import numpy as np

from lfpscope.hdf5.values import member, text
from lfpscope.nwb.file import reading
from lfpscope.typing import Floats

TYPE = "EcephysCSD"
UNIT = "V/cm^2"  # as AllenSDK states it; the numbers are µV/mm², which is V/m²
SIGMA_S_PER_M = 0.3
MAX_VALUES = 1 << 24


@dataclass(frozen=True)
class StoredCsd:
    """Current source density from a file.

    Attributes
    ----------
    time : ndarray of float64, shape (n_times,)
        Seconds from the stimulus.
    depth_um : ndarray of float64, shape (n_contacts,)
        Along the probe, rising.
    density : ndarray of float64, shape (n_contacts, n_times)
        A/m³, sinks negative.
    remark : str
        How it was converted.
    """

    time: Floats
    depth_um: Floats
    density: Floats
    remark: str


def read_stored_csd(file: str) -> tuple[StoredCsd | None, str]:
    """Read the CSD of a file; None where there is none, with the reason where it is odd.

    Raises
    ------
    UserError
        If the file cannot be read.
    """
    with reading(file) as nwb:
        found = _find(nwb)
        return (None, "") if found is None else _read(found)


def _find(nwb: h5py.File) -> h5py.Group | None:
    processing = nwb.get("processing")
    for module in processing.values() if isinstance(processing, h5py.Group) else ():
        for item in module.values() if isinstance(module, h5py.Group) else ():
            if isinstance(item, h5py.Group) and text(item.attrs.get("neurodata_type")) == TYPE:
                return item
    return None


def _read(group: h5py.Group) -> tuple[StoredCsd | None, str]:
    series = group.get("current_source_density")
    if not isinstance(series, h5py.Group):  # as before version 2 of AllenSDK
        return None, "stored CSD left out: its layout is not known"
    data, times = member(series, "data"), member(series, "timestamps")
    depths = member(group, "virtual_electrode_y_positions")
    if data is None or times is None or depths is None or data.size > MAX_VALUES:
        return None, "stored CSD left out: its layout is not known"
    unit = text(data.attrs.get("unit"))
    if unit != UNIT:
        return None, f"stored CSD left out: its unit {unit!r} is not known (expected {UNIT!r})"
    values = np.asarray(data[()], dtype=np.float64)
    if values.shape == (times.size, depths.size):
        values = values.T
    if values.shape != (depths.size, times.size):
        return None, f"stored CSD left out: shape {values.shape} for {depths.size} contacts"
    depth, time = (np.asarray(one[()], dtype=np.float64).reshape(-1) for one in (depths, times))
    order = np.argsort(depth, kind="stable")
    remark = (
        f"stored CSD: its unit {UNIT} is taken as µV/mm² without a minus, "
        f"so × −{SIGMA_S_PER_M:g} S/m"
    )
    return StoredCsd(time, depth[order], -SIGMA_S_PER_M * values[order], remark), ""
