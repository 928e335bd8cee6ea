"""One pass over a probe: statistics of each channel, and the envelope."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.doubts import Doubt, doubts_to_json, sort_doubts
from lfpscope.envelope import kernels, kernels_amplitude
from lfpscope.envelope.plausible import plausible_values
from lfpscope.envelope.zarr_zip import StoreWriter
from lfpscope.io.atomic import atomic
from lfpscope.memory import return_free_memory
from lfpscope.references.model import ProbeReferences
from lfpscope.samples.chunk_reader import Source
from lfpscope.signals.similarity import Likeness
from lfpscope.summary.buckets import BucketMeasure, OffGridError
from lfpscope.summary.channel_quality import find_likeness
from lfpscope.summary.channels import Summary
from lfpscope.summary.driver import OnDamage, run_pass
from lfpscope.summary.levels import EnvelopeWriter
from lfpscope.summary.quality import find_dead, find_rail_samples, find_rails, find_saturated
from lfpscope.summary.spectrum_file import SpectrumFile, SpectrumSettings
from lfpscope.summary.stored_values import find_limit, find_steps
from lfpscope.typing import Array

MEDIAN_BYTES = 64 << 20  # of the values that are sorted at a time, with their flags


def build_envelope(
    references: ProbeReferences,
    path: Path,
    *,
    bucket: int = 128,
    threads: int = 2,
    on_damage: OnDamage = "mask",
    spectrum: SpectrumSettings | None = None,
) -> Summary:
    """Summarise a probe in one pass over its chunks and write its envelope.

    Memory holds two stretches of samples and a stored chunk of each level, whatever the length of
    the recording: up to 600 MB with 5,000 channels. Where a chunk is larger than 64 MB, its
    decoding takes up to three times its size. What is found in chunks of many samples waits in
    temporary files beside the envelope.

    Parameters
    ----------
    references : ProbeReferences
        Of the probe.
    path : Path
        The ``.zarr.zip`` to write.
    bucket : int
        Samples per bucket of the finest level.
    threads : int
        How many decode at once.
    on_damage : {"mask", "fail"}
        Whether damaged chunks are left out and counted, or end the pass.
    spectrum : SpectrumSettings, optional
        Of the ``spectrum.zarr.zip``; without it there is none.

    Returns
    -------
    Summary
        Statistics and damage.

    Raises
    ------
    UserError
        If the source has changed since it was indexed, or a chunk is damaged and shall not be.
    """
    with Source(references) as source:
        limit = find_limit(source)
        likeness = _compare_channels(source, limit, spectrum, path.parent)
        return_free_memory()
        for step in [*find_steps(source, limit), None]:
            try:  # whole counts take half or a quarter of the room
                return _build(
                    source, path, bucket, threads, step, limit, on_damage, spectrum, likeness
                )
            except OffGridError:
                continue
    raise AssertionError("values without a step are never off its grid")


def _compare_channels(
    source: Source, limit: float, wanted: SpectrumSettings | None, folder: Path
) -> Likeness | None:
    """Likeness of the channels in a few windows, if a spectrum is wanted."""
    if wanted is None:
        return None
    limits = plausible_values(source.references, limit)
    return find_likeness(source, limits, wanted.bands, wanted.thresholds.radius_um, folder)


def _build(
    source: Source,
    path: Path,
    bucket: int,
    threads: int,
    step: float | None,
    limit: float,
    on_damage: OnDamage,
    wanted: SpectrumSettings | None,
    likeness: Likeness | None,
) -> Summary:
    references = source.references
    limits = plausible_values(references, limit)
    with atomic(path) as part, StoreWriter(part) as store, ExitStack() as stack:
        writer = EnvelopeWriter(store, references, bucket, step)
        measure = BucketMeasure(references, writer)
        spectrum = (
            SpectrumFile(stack, references, wanted, likeness) if wanted and likeness else None
        )
        measures = [measure, *(spectrum.measures if spectrum else ())]
        damage = run_pass(
            source, measures, limits, threads=threads, folder=path.parent, on_damage=on_damage
        )
        return_free_memory()
        statistics = measure.statistics
        finest = writer.sizes[0]
        dead = find_dead(statistics, references.scale, references.clock.dt)
        rails = find_saturated(source, store, finest, writer.starts, step, statistics)
        at_rail = find_rail_samples(store, finest, writer.starts, step, statistics, rails & ~dead)
        doubts = sort_doubts([*references.doubts, *_left_out(references, statistics, limit)])
        quality, rms = spectrum.close(statistics, dead, at_rail, doubts) if spectrum else (None, {})
        summary = Summary(
            references,
            statistics,
            damage,
            first_medians(store, finest, references.n_channels) * (step or 1.0),
            dead,
            rails & ~dead,
            limit,
            doubts,
            quality,
            rms,
        )
        store.group("", envelope_attributes(references, writer, summary))
        write_statistics(store, summary)
    return summary


def _left_out(references: ProbeReferences, statistics: Array, limit: float) -> list[Doubt]:
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


def _count(found: Array) -> str:
    """How many samples of how many channels, with a verb; empty where there are none."""
    n, channels = int(found.sum()), int(np.count_nonzero(found))
    samples = f"{n} sample{'s' * (n > 1)} of {channels} channel{'s' * (channels > 1)}"
    return f"{samples} {'are' if n > 1 else 'is'}" if n else ""


def first_medians(store: StoreWriter, level: int, n_channels: int) -> npt.NDArray[np.float64]:
    """Median of the first samples of all buckets, as they are stored; NaN where there is none.

    They are read back from what has been written, as many channels at a time as memory allows.
    """
    medians = np.full(n_channels, np.nan)
    row_bytes = sum(store.row_bytes(f"{level}/{name}") for name in ("first", "nan"))
    width = max(1, MEDIAN_BYTES // row_bytes)  # channels
    for first in range(0, n_channels, width):
        here = slice(first, first + width)
        values = _read_rows(store, f"{level}/first", here)
        flags = _read_rows(store, f"{level}/nan", here)
        for i in range(flags.shape[0]):
            is_missing = flags[i] == kernels.ALL_NAN
            numbers = values[i][~is_missing] if is_missing.any() else values[i]
            if numbers.size:
                medians[first + i] = _median(numbers)
    return medians


def _read_rows(store: StoreWriter, name: str, rows: slice) -> Array:
    """Read back some rows of an array, without its chunks in memory all at once."""
    chunks = (chunk[rows] for chunk in store.chunks(name))
    found = next(chunks)
    at, length = found.shape[1], store.row_bytes(name) // found.dtype.itemsize
    values = np.empty((found.shape[0], length), found.dtype)
    values[:, :at] = found
    for found in chunks:
        values[:, at : at + found.shape[1]] = found
        at += found.shape[1]
    return values


def _median(x: Array) -> float:
    """Median, of integers without overflow."""
    half = x.size // 2
    parts = np.partition(x, half)
    high = float(parts[half])
    return high if x.size % 2 else (float(parts[:half].max()) + high) / 2


def envelope_attributes(
    references: ProbeReferences, writer: EnvelopeWriter, summary: Summary
) -> dict[str, Any]:
    """Attributes of an envelope."""
    return {
        "session": references.session,
        "probe": references.probe,
        "places": references.lfp.crc,
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


def write_statistics(store: StoreWriter, summary: Summary) -> None:
    """Write what `OpenProbe` reads of all channels."""
    damaged = [[d.row, d.column, d.offset, d.reason] for d in summary.damage]
    store.group("statistics", {"damaged": damaged})
    names = ("n", "n_nan", "n_implausible", "n_damaged", "mean", "m2", "min", "max", "flat")
    for name in names:
        store.whole(f"statistics/{name}", summary.statistics[name])
    store.whole("statistics/median", summary.median)
    store.whole("statistics/rails", find_rails(summary.statistics, summary.saturated))
    for name in ("dead", "saturated"):
        store.whole(f"statistics/{name}", getattr(summary, name))
