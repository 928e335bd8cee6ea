"""One number over time in NWB files: running speed, pupil area and whatever else is stored so."""

import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import h5py
import numpy as np

from lfpscope.errors import UserError
from lfpscope.hdf5.values import member, number, text
from lfpscope.nwb.events import is_series_of_events
from lfpscope.nwb.file import read_or_remark, reading
from lfpscope.nwb.timestamps import TIME_UNITS
from lfpscope.typing import Floats

ROOMS = ("processing", "acquisition", "stimulus")  # of a file, what was derived first
OTHERS = (  # types of series that are no such number
    *("ElectricalSeries", "SpikeEventSeries", "IndexSeries", "ImageSeries", "OpticalSeries"),
    *("DecompositionSeries", "RoiResponseSeries", "OnePhotonSeries", "TwoPhotonSeries"),
)
TYPE = "neurodata_type"
MAX_SAMPLES = 20_000_000  # of a series; more are left out: 6 hours at 1 kHz
MAX_BUCKETS = 1 << 20  # of consecutive samples that are kept of a series
SLOWEST_S = 1.0  # from sample to sample, usually; what is slower counts in the unit it names


@dataclass(frozen=True)
class Series:
    """A number over session time, in buckets of so many samples.

    Attributes
    ----------
    name, path : str
        In its file.
    unit : str
        As the file has it.
    bucket : int
        Samples of each bucket; 1 where all samples are kept.
    n_samples : int
        Of the series, with a time.
    start, stop : ndarray of float64, shape (n,)
        Session time of the first and last sample of each bucket.
    low, high : ndarray of float64, shape (n,)
        Its extremes, in the unit; NaN where it has no number.
    """

    name: str
    path: str
    unit: str
    bucket: int
    n_samples: int
    start: Floats
    stop: Floats
    low: Floats
    high: Floats


def behavior_in_file(file: str) -> tuple[list[Series], list[str]]:
    """Series of one number in an NWB file and remarks, as `find_behavior` finds them.

    Raises
    ------
    UserError
        If it cannot be read.
    """
    with reading(file) as nwb:
        return find_behavior(nwb)


def find_behavior(nwb: h5py.File) -> tuple[list[Series], list[str]]:
    """Find all series that have one number at each time; those that were derived come first.

    A series that cannot be read is left out; the others are not affected.

    Returns
    -------
    list of Series
        Those with a number.
    list of str
        A remark for each that was left out: its name and the reason.
    """
    found, remarks = [], []
    for group in _groups(nwb):
        series, remark = read_or_remark(nwb.filename, partial(_read_series, group))
        found += [series] if series is not None else []
        remarks += [remark] if remark else []
    return found, remarks


def _groups(nwb: h5py.File) -> Iterator[h5py.Group]:
    """Groups with data of one number at each time; links are not followed."""
    found: list[h5py.Group] = []

    def visit(_name: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Group) and _is_number_over_time(item):
            found.append(item)

    for room in ROOMS:
        try:
            if isinstance(nwb.get(room), h5py.Group):
                nwb[room].visititems(visit)
        except Exception:  # noqa: BLE001 - damaged metadata give h5py anything to say
            traceback.print_exc()
    yield from found


def _is_number_over_time(group: h5py.Group) -> bool:
    kind = text(group.attrs.get(TYPE))
    if not kind or kind in OTHERS or is_series_of_events(group):
        return False
    data = group.get("data")
    timed = "timestamps" in group or "starting_time" in group
    return timed and isinstance(data, h5py.Dataset) and _holds_numbers(data)


def _holds_numbers(data: h5py.Dataset) -> bool:
    """Whether it has one number in each row."""
    is_flat = data.ndim == 1 or (data.ndim == 2 and data.shape[1] == 1)
    return bool(is_flat and data.dtype.kind in "biuf")


def _read_series(group: h5py.Group) -> Series | None:
    """Read a series; None where it has no number, or only its own times.

    Raises
    ------
    UserError
        If it has not one time for each number, or too many of them.
    """
    where = f"{group.file.filename}: {group.name}"
    data = member(group, "data")
    if data is None or not data.size:
        return None
    if data.size > MAX_SAMPLES:
        raise UserError(f"{where}: {data.size} samples (expected at most {MAX_SAMPLES}).")
    times = _read_times(group, data.size, where)
    values = np.asarray(data[()], np.float64).reshape(-1)
    scale, offset = number(data.attrs.get("conversion"), 1.0), number(data.attrs.get("offset"), 0.0)
    if (np.abs(values - times) <= 2 * _usual_step(times)).all():
        return None  # starts or ends of its own samples
    values = values * scale + offset
    values[~np.isfinite(values)] = np.nan
    timed = np.isfinite(times)
    times, values = times[timed], values[timed]
    if np.isnan(values).all():
        return None
    name = str(group.name)
    return _in_buckets(name, text(data.attrs.get("unit")), times, values)


def _read_times(group: h5py.Group, n: int, where: str) -> Floats:
    """Session time of each sample, seconds."""
    stored = member(group, "timestamps")
    if stored is None:
        start = member(group, "starting_time")
        rate = number(None if start is None else start.attrs.get("rate"))
        first = number(None if start is None else start[()])
        if not (rate > 0 and np.isfinite(first)):
            raise UserError(f"{where}: neither timestamps nor a rate (expected one of them).")
        return np.asarray(first + np.arange(n) / rate)
    if stored.size != n:
        raise UserError(f"{where}: {n} numbers for {stored.size} timestamps.")
    times = np.asarray(stored[()], np.float64).reshape(-1)
    unit = TIME_UNITS.get(text(stored.attrs.get("unit")).lower())
    return times if unit is None or not _usual_step(times) > SLOWEST_S else times * unit


def _usual_step(times: Floats) -> float:
    """Seconds from one to the next; NaN where that is not known."""
    steps = np.diff(times)
    steps = steps[np.isfinite(steps)]
    return float(np.median(steps)) if steps.size else float("nan")


def _in_buckets(path: str, unit: str, times: Floats, values: Floats) -> Series:
    """Extremes of consecutive samples, as few as keep the number of buckets bounded."""
    bucket = 1
    while -(-times.size // bucket) > MAX_BUCKETS:
        bucket *= 4
    starts = np.arange(0, times.size, bucket)
    stops = np.minimum(starts + bucket, times.size) - 1
    return Series(
        name=path.rpartition("/")[2],
        path=path,
        unit=unit,
        bucket=bucket,
        n_samples=times.size,
        start=times[starts],
        stop=times[stops],
        low=np.fmin.reduceat(values, starts),
        high=np.fmax.reduceat(values, starts),
    )
