"""An NWB file → its recordings: shape, clock, channels and units of each."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import h5py

from lfpscope.clock.segments import Clock
from lfpscope.doubts import Doubt, sort_doubts
from lfpscope.errors import UserError
from lfpscope.hdf5.describe_layout import describe_layout
from lfpscope.hdf5.layout import Layout
from lfpscope.hdf5.values import member, text
from lfpscope.nwb.electrodes import Channels, read_channels
from lfpscope.nwb.electrodes_table import electrode_rows
from lfpscope.nwb.timestamps import check_clock, clock_of_series, clock_warnings, stored_rate
from lfpscope.nwb.units import read_units

OTHER = "Name another series in the column `series` of sessions.tsv, or ask who wrote the file."


@dataclass(frozen=True)
class Recording:
    """One ElectricalSeries of one NWB file.

    Attributes
    ----------
    file : str
        Path or address of the NWB file.
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
    doubts : tuple of Doubt
        What is missing or contradicts itself in the file.
    layout : Layout
        How the data lie in the file, and the codecs that undo their filters.
    transposed : bool
        Whether the file has the channels first; here, time always is.
    version : str
        Of NWB, as the file says; empty where it does not.
    unit_factor : float
        Volts of the unit of the data, which `conversion` and `offset` have in them; 1 for volts.
    """

    file: str
    series: str
    session: str
    n_samples: int
    n_channels: int
    rate: float
    conversion: float
    offset: float
    channels: Channels
    doubts: tuple[Doubt, ...]
    layout: Layout
    transposed: bool = False
    version: str = ""
    unit_factor: float = 1.0


# --- reading one recording ----------------------------------------------------------------------


def read_recording(nwb: h5py.File, series: str) -> Recording:
    """Describe one series, with a look at a few samples alone, and without reading its clock.

    Raises
    ------
    UserError
        If the series is missing, its data are not numbers over time × channel, its clock or its
        units do not fit them, or the bytes of either cannot be read in place.
    """
    where = f"{nwb.filename}: {series}"
    group = nwb.get(series)
    data = member(group, "data") if isinstance(group, h5py.Group) else None
    if data is None:
        raise UserError(f"{where}: no such series with data. Run list_probes again.")
    if data.dtype.kind not in "iuf" or data.dtype.itemsize > 8:
        raise UserError(f"{where}: data of type {data.dtype}, expected integers or floats. {OTHER}")
    if data.ndim not in (1, 2) or 0 in data.shape:
        raise UserError(f"{where}: data of shape {data.shape}, expected time × channel. {OTHER}")
    transposed = time_is_last(nwb, group)
    shape = data.shape[::-1] if transposed else data.shape
    n_samples, n_channels = shape[0], shape[1] if data.ndim == 2 else 1
    check_clock(group, n_samples, where)
    layout = describe_layout(data, transposed=transposed)
    rate = stored_rate(group)
    channels, gains, doubts = read_channels(nwb, group, n_channels)
    units = read_units(group, layout, gains, n_channels=n_channels)
    if units.each is not None:
        columns = channels.columns | {"channel_conversion": units.each}
        channels = replace(channels, columns=columns)
    doubts = [
        Doubt("labels", one) for one in _shape_warnings(group, transposed=transposed)
    ] + doubts
    doubts += [Doubt("values", one) for one in clock_warnings(group, rate)] + [*units.doubts]
    return Recording(
        file=nwb.filename,
        series=series,
        session=_stored_text(nwb, "general/session_id"),
        n_samples=n_samples,
        n_channels=n_channels,
        rate=rate,
        conversion=units.conversion,
        offset=units.offset,
        channels=channels,
        doubts=sort_doubts(doubts),
        layout=layout,
        transposed=transposed,
        version=text(nwb.attrs.get("nwb_version")) or _stored_text(nwb, "nwb_version"),
        unit_factor=units.factor,
    )


def _stored_text(nwb: h5py.File, name: str) -> str:
    stored = nwb.get(name)
    return text(stored[()]) if isinstance(stored, h5py.Dataset) else ""


def time_is_last(nwb: h5py.File, series: h5py.Group) -> bool:
    """Tell whether a series has its channels first, against NWB's rule.

    Only what the file says of both axes counts: as many timestamps as the last axis is long, or,
    without timestamps, as many electrodes as the first axis is long and a longer last axis.
    """
    first, last = series["data"].shape[0], series["data"].shape[-1]
    rows = electrode_rows(nwb, series)
    n_electrodes = -1 if rows is None else rows.size
    if series["data"].ndim == 1 or n_electrodes == last:
        return False
    times = member(series, "timestamps")
    if times is not None:
        return bool(times.size == last != first)
    return bool(n_electrodes == first < last)


def _shape_warnings(series: h5py.Group, *, transposed: bool) -> Iterator[str]:
    shape = series["data"].shape
    if transposed:
        yield f"channels first in the file, {shape}: read with the axes swapped"
    elif len(shape) == 2 and shape[0] < shape[1] and "timestamps" not in series:
        yield f"more channels than samples, {shape}: read as time × channel, as NWB says"


def read_clock(nwb: h5py.File, recording: Recording) -> Clock:
    """Read the clock of a recording, in constant memory.

    Raises
    ------
    UserError
        If its timestamps cannot be decoded, or do not rise evenly anywhere.
    """
    return clock_of_series(nwb[recording.series], recording.n_samples)
