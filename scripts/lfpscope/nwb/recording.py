"""An NWB file → its recordings: shape, clock, channels and units of each."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import h5py
import numpy as np

from lfpscope.clock.doubts import rate_doubts
from lfpscope.clock.fit import clock_from_rate, clock_from_timestamps
from lfpscope.clock.segments import Clock, Floats, Segment
from lfpscope.doubts import Doubt, sort_doubts
from lfpscope.errors import UserError
from lfpscope.hdf5.chunk_index import chunk_references
from lfpscope.hdf5.decode import decode
from lfpscope.hdf5.describe_layout import describe_layout
from lfpscope.hdf5.layout import Layout, Refs, inlined_bytes
from lfpscope.hdf5.values import member, number, text
from lfpscope.io.addresses import is_remote, open_address
from lfpscope.io.http import CONNECTIONS
from lfpscope.nwb.electrodes import Channels as Channels
from lfpscope.nwb.electrodes import read_channels
from lfpscope.nwb.electrodes_table import electrode_rows
from lfpscope.nwb.file import open_nwb as open_nwb
from lfpscope.nwb.file import reading as reading
from lfpscope.nwb.series import TIME_UNITS, read_times, stored_rate, time_scale
from lfpscope.nwb.series import NoSeriesError as NoSeriesError
from lfpscope.nwb.series import choose_series as choose_series
from lfpscope.nwb.series import find_series as find_series
from lfpscope.nwb.units import read_units

TIMESTAMPS_BLOCK = 1 << 14  # samples of the clock at once: what stays in a core's cache
OTHER = "Name another series in the column `series` of sessions.tsv, or ask who wrote the file."
CHUNKS_AHEAD = 64  # of timestamps, decoded in parallel


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
    _check_clock(group, n_samples, where)
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
    doubts += [Doubt("values", one) for one in _clock_warnings(group, rate)] + [*units.doubts]
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


# --- its clock ----------------------------------------------------------------------------------


def _check_clock(group: h5py.Group, n_samples: int, where: str) -> None:
    times, start = member(group, "timestamps"), member(group, "starting_time")
    if times is not None:
        if times.dtype.kind not in "iuf" or times.shape not in (
            (n_samples,),
            (n_samples, 1),
            (1, n_samples),
        ):
            raise UserError(
                f"{where}: {n_samples} samples but timestamps of shape {times.shape} and type "
                f"{times.dtype}. The file contradicts itself; ask who wrote it."
            )
        times_layout(times)  # refuses what cannot be read
    elif start is not None:
        rate = number(start.attrs.get("rate"))
        if not 0 < rate < np.inf:
            raise UserError(
                f"{where}: a rate of {rate} Hz; expected more than 0. "
                "The file contradicts itself; ask who wrote it."
            )
    else:
        raise UserError(
            f"{where}: neither timestamps nor starting_time and rate, so no sample has a time. "
            "Ask who wrote the file."
        )


def times_layout(times: h5py.Dataset) -> Layout:
    """Layout of timestamps over time alone, also where they are a row or a column of a matrix."""
    is_row = times.ndim > 1 and times.shape[0] == 1
    return describe_layout(times, n_axes=1, transposed=is_row)


def _clock_warnings(group: h5py.Group, rate: float) -> Iterator[str]:
    times, start = group.get("timestamps"), group.get("starting_time")
    if times is not None and start is not None:
        yield "both timestamps and starting_time: timestamps are used"
    if times is None and np.isnan(number(start[()])):
        yield "starting_time is not a number: the clock starts at 0"
    unit = text((start if times is None else times).attrs.get("unit", "seconds"))
    scale = time_scale(group)
    if scale != 1:
        named = f"times in {unit!r}" if unit.lower() in TIME_UNITS else "times are no seconds"
        yield f"{named}: multiplied by {scale:.6g}, which makes {rate:.6g} Hz"
    elif unit.lower() not in ("seconds", "second", "s"):
        yield f"times in {unit!r}: taken as seconds, as NWB says"
    if np.isnan(rate):
        yield "timestamps do not rise where they were looked at"
    else:
        yield from (doubt.text for doubt in rate_doubts(rate))


def read_clock(nwb: h5py.File, recording: Recording) -> Clock:
    """Read the clock of a recording, in constant memory.

    Raises
    ------
    UserError
        If its timestamps cannot be decoded, or do not rise evenly anywhere.
    """
    group = nwb[recording.series]
    times = member(group, "timestamps")
    if times is None:
        start = group["starting_time"]
        return clock_from_rate(
            recording.n_samples, rate=number(start.attrs["rate"]), start=starting_time(group)
        )
    try:
        scale = time_scale(group)
        return clock_from_timestamps(
            block * scale if scale != 1 else block for block in _blocks(times)
        )
    except ValueError as error:
        raise UserError(
            f"{nwb.filename}: {times.name}: expected {error}. "
            "It cannot be drawn over time; ask who wrote it."
        ) from None


def index_clock(nwb: h5py.File, recording: Recording) -> tuple[Clock, bool]:
    """Read the clock of a recording, and tell whether it is exact.

    It is not where a server has the timestamps: those of hours are tens of megabytes, which the
    summary reads. Until then the first and the last one must do.
    """
    times = member(nwb[recording.series], "timestamps")
    if times is None or not is_remote(recording.file):
        return read_clock(nwb, recording), True
    n = recording.n_samples
    scale = time_scale(nwb[recording.series])
    first, last = (scale * read_times(times, i, i + 1)[0] for i in (0, n - 1))
    dt = (last - first) / (n - 1) if n > 1 else np.nan
    valid = bool(0 < dt < np.inf)  # not where either is NaN, or the clock was set back
    t0, dt = (float(first), float(dt)) if valid else (np.nan, np.nan)
    return Clock((Segment(0, n, t0, dt, valid=valid),)), False


def starting_time(series: h5py.Group) -> float:
    """Session time of the first sample, seconds; 0 where it is not a number."""
    start = number(series["starting_time"][()], 0.0)
    return start if np.isfinite(start) else 0.0


def _blocks(times: h5py.Dataset) -> Iterator[Floats]:
    """Timestamps in blocks. Those of compressed chunks are decoded without HDF5."""
    layout = times_layout(times)
    if times.ndim > 1 or not layout.codecs:
        for first in _starts(times.size):
            yield read_times(times, first, min(first + TIMESTAMPS_BLOCK, times.size))
    else:
        yield from read_chunks_of_times(
            times.file.filename, layout, chunk_references(times, layout, "")
        )


def _starts(n: int) -> range:
    return range(0, n, TIMESTAMPS_BLOCK)


def read_chunks_of_times(address: str, layout: Layout, stored: Refs) -> Iterator[Floats]:
    """Read timestamps in blocks, several chunks at once; NaN where a chunk is missing.

    Parameters
    ----------
    address : str
        Of the file.
    layout : Layout
        Over time alone.
    stored : dict
        References ``/i → [url, offset, size]`` or inlined bytes.

    Raises
    ------
    UserError
        If a chunk cannot be read or decoded.
    """
    length, n_samples = layout.chunks[0], layout.shape[0]

    def read(i: int) -> Floats:
        n, place = min(length, n_samples - i * length), stored.get(f"/{i}")
        if place is None:
            return np.full(n, np.nan)
        raw = inlined_bytes(place) if isinstance(place, str) else file.read(*place[1:])
        try:
            chunk = decode(raw, layout)
        except ValueError as error:
            raise UserError(
                f"{address}: timestamps: the chunk of sample {i * length} {error}. "
                "Download the file again, or restore it from a copy."
            ) from None
        return np.asarray(chunk[:n], dtype=np.float64)

    threads = CONNECTIONS if is_remote(address) else 2
    with open_address(address) as file, ThreadPoolExecutor(threads) as pool:
        for first in range(0, layout.grid[0], CHUNKS_AHEAD):
            for times in pool.map(read, range(first, min(first + CHUNKS_AHEAD, layout.grid[0]))):
                yield from (times[i : i + TIMESTAMPS_BLOCK] for i in _starts(times.size))
