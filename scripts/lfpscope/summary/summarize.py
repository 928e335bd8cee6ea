"""One pass over a probe: statistics of each channel, and the envelope."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from lfpscope.clock.doubts import clock_doubts
from lfpscope.clock.segments import Clock
from lfpscope.doubts import Doubt, doubts_to_json, sort_doubts
from lfpscope.envelope import kernels, kernels_amplitude, kernels_statistics
from lfpscope.envelope.read import plausible_values
from lfpscope.envelope.zarr_zip import StoreWriter
from lfpscope.errors import UserError
from lfpscope.io.atomic import atomic
from lfpscope.io.tables import write_table
from lfpscope.references.model import References
from lfpscope.references.open import with_exact_clock
from lfpscope.samples.chunk_reader import Block, Damage, Source
from lfpscope.summary.envelope import EnvelopeWriter
from lfpscope.summary.quality import find_dead, find_saturated
from lfpscope.summary.slabs import OffGridError, read_slabs

OnDamage = Literal["mask", "fail"]
MEDIAN_BYTES = 64 << 20  # of the values that are sorted at a time
# V: Allen's float32 volts are whole counts of 0.195 µV, multiplied as float32 or as float64;
# others store counts as float32
STEPS = (float(np.float32(0.195e-6)), 0.195e-6, 1.0)
MIN_LIMIT_V = 10.0  # what is beyond it is not a potential,
MAX_OVER_TYPICAL = 1e4  # unless it is no more than so many times what is typical of the file
N_TYPICAL = 16  # chunks that tell what is
MOST_NAMED = 20  # of the damaged chunks
ANEW = (
    "Put a whole copy in its place, or delete it if it was fetched, and run with "
    "--forcerun fetch_probe"
)


@dataclass(frozen=True)
class Summary:
    """What one pass over a probe found.

    Attributes
    ----------
    references : References
        Of the probe.
    statistics : structured ndarray of kernels.STATISTICS, shape (n_channels,)
        In stored units.
    damage : list of Damage
        Chunks that could not be decoded or are missing.
    median : ndarray of float64, shape (n_channels,)
        Of the first valid samples of all buckets, in stored units; NaN where there is none.
    dead, saturated : ndarray of bool, shape (n_channels,)
        Channels that are.
    limit : float
        Samples beyond it are left out as NaN is, V.
    doubts : tuple of Doubt
        What is uncertain about the recording, complete.
    """

    references: References
    statistics: npt.NDArray[Any]
    damage: list[Damage]
    median: npt.NDArray[np.float64]
    dead: npt.NDArray[np.bool_]
    saturated: npt.NDArray[np.bool_]
    limit: float
    doubts: tuple[Doubt, ...]

    def table(self) -> list[dict[str, Any]]:
        """Rows of channels.csv, in volts."""
        return [self._row(index) for index in range(self.references.n_channels)]

    def describe_damage(self) -> str:
        """Name each damaged chunk, for a person to read; nothing where all are whole."""
        if not self.damage:
            return ""
        r, most = self.references, self.damage[:MOST_NAMED]
        lines = [f"{r.describe_chunk(one.row, one.column)}: damaged: {one.reason}" for one in most]
        if len(self.damage) > len(most):
            lines.append(f"and {len(self.damage) - len(most)} more")
        return "\n".join([*lines, f"{ANEW}."])

    def _row(self, index: int) -> dict[str, Any]:
        r, s = self.references, self.statistics[index]
        scale, columns = r.scale[index], r.channels.columns
        row = {
            "channel": int(r.channels.id[index]),
            "index": index,
            "depth_um": _cell(columns["depth"][index]) if "depth" in columns else "",
            "area": columns["area"][index] if "area" in columns else "",
            "n_samples": int(s["length"]),
            "n_nan": int(s["n_nan"]),
            "n_implausible": int(s["n_implausible"]),
            "n_damaged": int(s["n_damaged"]),
        }
        if s["n"]:
            std = np.sqrt(s["m2"] / s["n"]) * abs(scale)
            low, high = sorted([s["min"] * scale + r.add, s["max"] * scale + r.add])
            row |= {
                "min": repr(float(low)),
                "max": repr(float(high)),
                "mean": f"{s['mean'] * scale + r.add:.9g}",
                "median": f"{self.median[index] * scale + r.add:.9g}",
                "std": f"{std:.9g}",
                "flat": int(s["flat"]),
                "dead": int(self.dead[index]),
                "saturated": int(self.saturated[index]),
            }
        return row


def _cell(number: float) -> str:
    return "" if np.isnan(number) else f"{number:g}"


CHANNEL_COLUMNS = (
    "channel",
    "index",
    "depth_um",
    "area",
    "min",
    "max",
    "mean",
    "median",
    "std",
    "n_samples",
    "n_nan",
    "n_implausible",
    "n_damaged",
    "flat",
    "dead",
    "saturated",
)


def write_channels(summary: Summary, path: Path) -> None:
    """Write channels.csv: a row per channel, in volts; `flat` counts samples."""
    write_table(path, CHANNEL_COLUMNS, summary.table())


# --- the pass -----------------------------------------------------------------------------------


def build_envelope(
    references: References,
    path: Path,
    *,
    bucket: int = 128,
    threads: int = 2,
    on_damage: OnDamage = "mask",
) -> Summary:
    """Summarise a probe in one pass over its chunks and write its envelope.

    Memory holds the buckets of two slabs and a stored chunk of each level, whatever the length of
    the recording: about 200 MB.

    Parameters
    ----------
    references : References
        Of the probe.
    path : Path
        The ``.zarr.zip`` to write.
    bucket : int
        Samples per bucket of the finest level.
    threads : int
        How many decode at once.
    on_damage : {"mask", "fail"}
        Whether damaged chunks are left out and counted, or end the pass.

    Returns
    -------
    Summary
        Statistics and damage.

    Raises
    ------
    UserError
        If the source has changed since it was indexed, or a chunk is damaged and shall not be.
    """
    exact = with_exact_clock(references)
    # where the clock is read only now, indexing could not say what is uncertain about it
    about_clock = () if references.clock_is_exact else tuple(clock_doubts(exact.clock))
    with Source(exact) as source:
        limit = _limit(source)
        for step in [*_likely_steps(source, limit), None]:
            try:  # whole counts take half or a quarter of the room
                return _build(source, path, bucket, threads, step, limit, on_damage, about_clock)
            except OffGridError:
                continue
    raise AssertionError("values without a step are never off its grid")


def _limit(source: Source) -> float:
    """Volts beyond which a sample is not a potential, but a mark for a missing one.

    A file whose unit is wrong by a power of ten keeps its samples: the limit is far above what is
    typical of chunks spread over the recording. A quarter of them may hold little but marks or
    zeros on either side.
    """
    r = source.references
    if r.layout.dtype.kind in "iu" and r.layout.dtype.itemsize <= 2:
        ends = np.array([np.iinfo(r.layout.dtype).min, np.iinfo(r.layout.dtype).max])
        if np.abs(ends[:, np.newaxis] * r.scale + r.add).max() <= MIN_LIMIT_V:
            return MIN_LIMIT_V
    n_rows, n_columns = r.layout.grid
    n = min(N_TYPICAL, n_rows * n_columns)
    typical = []
    for place in np.unique(np.linspace(0, n_rows * n_columns - 1, n).astype(np.int64)).tolist():
        # along the recording, and across the channels
        row, column = place // n_columns, place % n_columns
        chunk = source.chunk(row, column)
        if isinstance(chunk, Damage):
            continue
        first = column * r.layout.chunks[1]
        channels = slice(first, min(first + r.layout.chunks[1], r.n_channels))
        values = chunk[: r.n_samples - row * r.layout.chunks[0], : channels.stop - first]
        with np.errstate(over="ignore", invalid="ignore"):
            volts = np.abs(values.astype(np.float64) * r.scale[channels] + r.add)
        volts = volts[np.isfinite(volts) & (volts > 0)]
        if volts.size:
            typical.append(float(np.median(volts)))
    quarter = float(np.quantile(typical, 0.25, method="lower")) if typical else 0.0
    return max(MIN_LIMIT_V, MAX_OVER_TYPICAL * quarter)


def _likely_steps(source: Source, limit: float) -> list[float]:
    """Steps of which all valid samples of the first chunk are whole counts."""
    chunk, layout = source.chunk(0, 0), source.references.layout
    if isinstance(chunk, Damage) or chunk.dtype.kind != "f":
        return [] if layout.dtype.kind != "f" else list(STEPS)
    low, high = plausible_values(source.references, limit)[
        :, : min(chunk.shape[1], layout.shape[1])
    ]
    chunk = chunk[: layout.shape[0], : low.size]
    numbers = chunk[(chunk >= low) & (chunk <= high)]
    wide = numbers.astype(np.float64)
    return [
        step
        for step in STEPS
        if np.array_equal((np.rint(wide / step) * step).astype(chunk.dtype), numbers)
    ]


def _build(
    source: Source,
    path: Path,
    bucket: int,
    threads: int,
    step: float | None,
    limit: float,
    on_damage: OnDamage,
    about_clock: tuple[Doubt, ...],
) -> Summary:
    references = source.references
    with atomic(path) as part, StoreWriter(part) as store:
        writer = EnvelopeWriter(
            store, references, bucket, step, plausible_values(references, limit)
        )
        statistics, damage = _pass(source, writer, threads, on_damage)
        writer.close()
        finest = writer.sizes[0]
        dead = find_dead(statistics, references.scale, references.clock.dt)
        rails = find_saturated(source, store, finest, writer.starts, step, statistics)
        summary = Summary(
            references,
            statistics,
            damage,
            _medians(store, finest, references.n_channels) * (step or 1.0),
            dead,
            rails & ~dead,
            limit,
            sort_doubts(
                [*references.doubts, *about_clock, *_left_out(references, statistics, limit)]
            ),
        )
        store.group("", _attributes(references, writer, summary))
        _write_statistics(store, summary)
    return summary


def _pass(
    source: Source, writer: EnvelopeWriter, threads: int, on_damage: OnDamage
) -> tuple[npt.NDArray[Any], list[Damage]]:
    """Go once over all chunks, in slabs of rows, and hand the buckets to the writer."""
    references = source.references
    flat_samples = _flat_samples(references.clock)
    total = np.zeros(references.n_channels, kernels.STATISTICS)
    damage: list[Damage] = []
    size = references.n_samples * references.n_channels * references.layout.dtype.itemsize
    with tqdm(total=size, unit="B", unit_scale=True, mininterval=1.0, desc="summarise") as bar:
        for slab in read_slabs(source, writer, threads, flat_samples):
            slab.join(writer.open_bucket)
            writer.append(slab.buckets)
            kernels_statistics.merge_statistics(slab.statistics, total, flat_samples)
            damage += slab.damage
            if damage and on_damage == "fail":
                one = min(damage, key=_place)
                raise UserError(
                    f"{references.describe_chunk(one.row, one.column)}: damaged: {one.reason}. "
                    f"{ANEW}, or set `on_damage: mask` to go on without such chunks."
                )
            bar.update(size * slab.rows.stop // references.layout.grid[0] - bar.n)
    kernels_statistics.close_statistics(total, flat_samples)
    return total, sorted(damage, key=_place)


def _left_out(references: References, statistics: Block, limit: float) -> list[Doubt]:
    """Doubts about samples that are NaN, infinite or not plausible."""
    doubts = (
        [Doubt("missing", f"{text} NaN in the file")]
        if (text := _count(statistics["n_nan"]))
        else []
    )
    found = statistics["n_implausible"]
    channels = np.flatnonzero(found)
    if not channels.size:
        return doubts
    earliest = channels[np.argmin(statistics["first_implausible"][channels])]
    seconds = references.clock.seconds(int(statistics["first_implausible"][earliest]) - 1)
    text = (
        f"{_count(found)} not finite or beyond {limit:.3g} V: left out "
        f"(first: channel {references.channels.id[earliest]} at {seconds:.3f} s)"
    )
    return [*doubts, Doubt("values", text)]


def _count(found: Block) -> str:
    """How many samples of how many channels, with a verb; empty where there are none."""
    n, channels = int(found.sum()), int(np.count_nonzero(found))
    samples = f"{n} sample{'s' * (n > 1)} of {channels} channel{'s' * (channels > 1)}"
    return f"{samples} {'are' if n > 1 else 'is'}" if n else ""


def _medians(store: StoreWriter, level: int, n_channels: int) -> npt.NDArray[np.float64]:
    """Median of the first samples of all buckets, as they are stored; NaN where there is none.

    They are read back from what has been written, as many channels at a time as memory allows.
    """
    medians = np.full(n_channels, np.nan)
    width = max(1, MEDIAN_BYTES // store.row_bytes(f"{level}/first"))  # channels
    for first in range(0, n_channels, width):
        here = slice(first, first + width)
        values = np.concatenate([chunk[here] for chunk in store.chunks(f"{level}/first")], axis=1)
        nan = np.concatenate([chunk[here] for chunk in store.chunks(f"{level}/nan")], axis=1)
        for i, flags in enumerate(nan == kernels.ALL_NAN):
            numbers = values[i][~flags] if flags.any() else values[i]
            if numbers.size:
                medians[first + i] = _median(numbers)
    return medians


def _median(x: Block) -> float:
    """Median, of integers without overflow."""
    half = x.size // 2
    parts = np.partition(x, half)
    high = float(parts[half])
    return high if x.size % 2 else (float(parts[:half].max()) + high) / 2


def _place(damage: Damage) -> tuple[int, int]:
    return damage.row, damage.column


def _flat_samples(clock: Clock) -> int:
    """Samples in one second; at least three, and no more than a number of theirs can be."""
    return int(np.clip(1 / clock.dt, 3, 1 << 40)) if clock.dt > 0 else 3


def _attributes(references: References, writer: EnvelopeWriter, summary: Summary) -> dict[str, Any]:
    return {
        "session": references.session,
        "probe": references.probe,
        "places": references.places,
        "clock": references.clock.to_json(),
        "buckets": writer.sizes,
        "block": writer.block,
        "step": writer.step,  # stored values are counts of it
        "dtype": references.layout.dtype.newbyteorder("=").str,
        "limit_volts": summary.limit,
        # of a bucket: rms / peak = 2 ** (-code / this)
        "rms_codes_per_octave": 2 * kernels_amplitude.CODES_PER_OCTAVE,
        "doubts": doubts_to_json(summary.doubts),
    }


def _write_statistics(store: StoreWriter, summary: Summary) -> None:
    damaged = [[d.row, d.column, d.offset, d.reason] for d in summary.damage]
    store.group("statistics", {"damaged": damaged})
    names = ("n", "n_nan", "n_implausible", "n_damaged", "mean", "m2", "min", "max", "flat")
    for name in names:
        store.whole(f"statistics/{name}", summary.statistics[name])
    store.whole("statistics/median", summary.median)
    for name in ("dead", "saturated"):
        store.whole(f"statistics/{name}", getattr(summary, name))
