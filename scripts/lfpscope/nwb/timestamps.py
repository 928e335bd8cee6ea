"""Timestamps of a series: their unit and rate, and the clock that they make."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np

from lfpscope.clock.doubts import rate_doubts
from lfpscope.clock.fit import clock_from_rate, clock_from_timestamps
from lfpscope.clock.segments import PLAUSIBLE_RATES, Clock
from lfpscope.clock.timestamps import make_block, usual_step
from lfpscope.errors import UserError
from lfpscope.hdf5.chunk_index import read_chunk_table
from lfpscope.hdf5.chunk_table import ChunkTable
from lfpscope.hdf5.decode import decode
from lfpscope.hdf5.describe_layout import describe_layout
from lfpscope.hdf5.layout import Layout
from lfpscope.hdf5.values import member, number, text
from lfpscope.io.addresses import is_remote, open_address
from lfpscope.io.http import CONNECTIONS
from lfpscope.typing import Floats

TIME_UNITS = {  # seconds, by the names that files give them
    **dict.fromkeys(("milliseconds", "millisecond", "msec", "ms"), 1e-3),
    **dict.fromkeys(("microseconds", "microsecond", "usec", "us", "µs", "μs"), 1e-6),
    **dict.fromkeys(("nanoseconds", "nanosecond", "ns"), 1e-9),
}
MIN_UNITS = 995  # in a second: milliseconds or finer; fewer are seconds that contradict the rate
EXCERPTS = (1000, 1 << 16)  # timestamps; the longer ones where few of them differ
FEW_RISING = 100
TIMESTAMPS_BLOCK = 1 << 14  # samples of the clock at once: what stays in a core's cache
CHUNKS_AHEAD = 64  # of timestamps, decoded in parallel,
BYTES_AHEAD = 4 << 20  # or as many as these hold, at least one for each thread


# --- unit and rate ------------------------------------------------------------------------------


def stored_rate(series: h5py.Group) -> float:
    """Samples per second: as stored, or from some of the timestamps; NaN where neither tells."""
    times = series.get("timestamps")
    if isinstance(times, h5py.Dataset) and times.size > 1:
        step = _usual_step(times) * time_scale(series)
        return 1 / step if step > 0 else float("nan")
    return _declared_rate(series)


def time_scale(series: h5py.Group) -> float:
    """Seconds in one unit of the timestamps: 1, as NWB says, if nothing proves another.

    Another unit is proved by an implausible rate in seconds together with a plausible one in the
    unit that the timestamps name, or with a rate that is stored beside them.
    """
    times = series.get("timestamps")
    if not isinstance(times, h5py.Dataset) or times.size < 2:
        return 1.0
    unit = TIME_UNITS.get(text(times.attrs.get("unit")).lower())
    declared = _declared_rate(series)
    if unit is None and not _is_plausible(declared):
        return 1.0
    step = _usual_step(times)
    if not step > 0 or _is_plausible(1 / step):
        return 1.0
    if unit is not None and _is_plausible(1 / (step * unit)):
        return unit
    units = declared * step  # in a second
    return 1 / units if _is_plausible(declared) and units >= MIN_UNITS else 1.0


def _is_plausible(rate: float) -> bool:
    return PLAUSIBLE_RATES[0] <= rate <= PLAUSIBLE_RATES[1]


def _declared_rate(series: h5py.Group) -> float:
    start = series.get("starting_time")
    return number(start.attrs.get("rate")) if isinstance(start, h5py.Dataset) else float("nan")


def _usual_step(times: h5py.Dataset) -> float:
    """Return the median step of timestamps at the start, the middle and the end."""
    n = times.size
    for length in EXCERPTS:
        firsts = sorted({0, max(0, n // 2 - length // 2), max(0, n - length)})
        try:
            excerpts = [read_times(times, first, first + length) for first in firsts]
        except OSError:  # a damaged chunk: reading the clock says which
            return float("nan")
        blocks = [make_block(excerpt) for excerpt in excerpts]
        if sum(np.count_nonzero(block.steps > 0) for block in blocks) >= FEW_RISING:
            break
    steps = np.array([usual_step(block) for block in blocks])
    rising = steps[steps > 0]
    return float(np.median(rising)) if rising.size else float("nan")


def read_times(stored: h5py.Dataset, first: int, stop: int) -> Floats:
    """Timestamps from first to stop; a row or a column of a matrix is taken as it is."""
    if stored.ndim == 1:
        times = stored[first:stop]
    else:
        times = stored[0, first:stop] if stored.shape[0] == 1 else stored[first:stop, 0]
    return np.asarray(times, dtype=np.float64)


# --- clock --------------------------------------------------------------------------------------


def check_clock(group: h5py.Group, n_samples: int, where: str) -> None:
    """Check that a series says when its samples were taken.

    Raises
    ------
    UserError
        If it does not, or contradicts itself.
    """
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


def clock_warnings(group: h5py.Group, rate: float) -> Iterator[str]:
    """Say what is uncertain about the times of a series before all of them are read."""
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


def clock_of_series(group: h5py.Group, n_samples: int) -> Clock:
    """Read the clock of a series, in constant memory.

    Raises
    ------
    UserError
        If its timestamps cannot be decoded, or do not rise evenly anywhere.
    """
    times = member(group, "timestamps")
    if times is None:
        rate = number(group["starting_time"].attrs["rate"])
        return clock_from_rate(n_samples, rate=rate, start=starting_time(group))
    scale, file = time_scale(group), times.file.filename
    blocks = _decode_times(file, read_chunk_table(times, times_layout(times)))
    try:
        return clock_from_timestamps(block * scale if scale != 1 else block for block in blocks)
    except ValueError as error:
        raise UserError(
            f"{file}: {times.name}: expected {error}. "
            "It cannot be drawn over time; ask who wrote it."
        ) from None


def starting_time(series: h5py.Group) -> float:
    """Session time of the first sample, seconds; 0 where it is not a number."""
    start = number(series["starting_time"][()], 0.0)
    return start if np.isfinite(start) else 0.0


def _decode_times(address: str, table: ChunkTable) -> Iterator[Floats]:
    """Decode timestamps in blocks, several chunks at once; NaN where a chunk is missing.

    Raises
    ------
    UserError
        If a chunk cannot be read or decoded.
    """
    layout = table.layout
    length, n_samples = layout.chunks[0], layout.shape[0]

    def read(i: int) -> Floats:
        n, size = min(length, n_samples - i * length), int(table.sizes[i])
        if size == 0:
            return np.full(n, np.nan)
        inlined = table.inlined.get((i,))
        raw = file.read(int(table.offsets[i]), size) if inlined is None else inlined
        try:
            chunk = decode(raw, layout)
        except ValueError as error:
            raise UserError(
                f"{address}: timestamps: the chunk of sample {i * length} {error}. "
                "Download the file again, or restore it from a copy."
            ) from None
        return np.asarray(chunk[:n], dtype=np.float64)

    threads = CONNECTIONS if is_remote(address) else 1  # as the rule declares
    ahead = max(threads, min(CHUNKS_AHEAD, BYTES_AHEAD // layout.chunk_bytes))
    with open_address(address) as file, ThreadPoolExecutor(threads) as pool:
        for first in range(0, layout.grid[0], ahead):
            for times in pool.map(read, range(first, min(first + ahead, layout.grid[0]))):
                starts = range(0, times.size, TIMESTAMPS_BLOCK)
                yield from (times[start : start + TIMESTAMPS_BLOCK] for start in starts)
