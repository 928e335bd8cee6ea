"""A view: one pass over a probe that makes an envelope of its transformed samples."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.envelope import kernels, kernels_chunk, kernels_statistics
from lfpscope.envelope.read import OpenProbe
from lfpscope.envelope.refused import write_refusal
from lfpscope.envelope.transformed import TransformedProbe
from lfpscope.envelope.zarr_zip import StoreWriter
from lfpscope.errors import UserError
from lfpscope.io.atomic import atomic
from lfpscope.io.progress import Progress, noted_in
from lfpscope.memory import share_arenas
from lfpscope.references.open import open_references
from lfpscope.signals.transform import Transform, parse_transform
from lfpscope.summary.buckets import OffGridError, samples_of_flat
from lfpscope.summary.channels import Summary
from lfpscope.summary.levels import EnvelopeWriter, Fresh
from lfpscope.summary.summarize import envelope_attributes, first_medians, write_statistics
from lfpscope.typing import Array, Mask

STRETCH_VALUES = 2_000_000  # that each thread transforms at a time
LIMITS = np.finfo(np.float64).max * np.array([[-1.0], [1.0]])  # all numbers are plausible


@dataclass(frozen=True)
class _Stretch:
    """Buckets of a stretch of one segment, and statistics of each channel."""

    buckets: Fresh
    statistics: npt.NDArray[Any]


def summarize_view(
    references: Path, envelope: Path, *, transform: str, view: Path, threads: int = 2
) -> None:
    """Make an envelope of a probe's transformed samples in a single pass.

    Where a probe cannot be transformed so, its view says why, and other probes have theirs.

    Parameters
    ----------
    references : Path
        References of the probe.
    envelope : Path
        Envelope of the probe as it was recorded.
    transform : str
        What is done to the samples, as "median 4-10 Hz".
    view : Path
        Envelope to write, a .zarr.zip.
    threads : int
        How many stretches to transform at once.
    """
    share_arenas(2)
    with OpenProbe(open_references(references), envelope) as probe, noted_in(view.parent):
        nobody = np.zeros(probe.references.n_channels, np.bool_)
        wanted = _parse(probe, transform)
        try:
            found = TransformedProbe(probe, wanted, nobody)
        except ValueError as error:
            reason = f"{wanted.text}: {error}"
            print(f"{view}: not made: {reason}")
            write_refusal(view, reason)
        else:
            build_view(found, view, threads=threads)


def transform_probe(probe: OpenProbe, transform: str, marked: Mask) -> TransformedProbe:
    """Return a probe with a transform that a user has written.

    Raises
    ------
    UserError
        If it cannot be understood, or not be done.
    """
    try:
        return TransformedProbe(probe, _parse(probe, transform), marked)
    except ValueError as error:
        raise _cannot(probe, transform, error) from None


def _parse(probe: OpenProbe, transform: str) -> Transform:
    try:
        return parse_transform(transform)
    except ValueError as error:
        raise _cannot(probe, transform, error) from None


def _cannot(probe: OpenProbe, transform: str, error: ValueError) -> UserError:
    return UserError(
        f"{probe.references.file}: no {transform!r} of it: {error}. Choose another transform."
    )


def build_view(probe: TransformedProbe, path: Path, *, threads: int = 2) -> None:
    """Write the envelope of transformed samples, in the format of any envelope.

    Parameters
    ----------
    probe : TransformedProbe
        Whose.
    path : Path
        The ``.zarr.zip`` to write.
    threads : int
        How many stretches are transformed at once.
    """
    for step in (1.0, None):
        try:  # counts as 16-bit integers take a quarter of the room
            return _build(probe, path, step, threads)
        except OffGridError:
            continue
    raise AssertionError("values without a step are never off its grid")


def _build(probe: TransformedProbe, path: Path, step: float | None, threads: int) -> None:
    references, bucket = probe.references, probe.sizes[0]
    total = np.zeros(references.n_channels, kernels.STATISTICS)
    flat_samples = samples_of_flat(references.clock)
    bar = Progress(probe.transform.text, references.n_samples * references.n_channels * 4)
    with atomic(path) as part, StoreWriter(part) as store, bar:
        writer = EnvelopeWriter(store, references, bucket, step)
        for one in _walk(probe, writer, threads):
            buckets = one.buckets
            open_bucket = writer.open_bucket
            joined = (
                np.concatenate(pair, axis=-1) for pair in zip(open_bucket, buckets, strict=True)
            )
            writer.append(Fresh(*joined))
            kernels_statistics.merge_statistics(one.statistics[np.newaxis], total, flat_samples)
            bar.update(int(one.statistics["length"].sum()) * 4)
        writer.close()
        kernels_statistics.close_statistics(total, flat_samples)
        summary = Summary(
            references,
            total,
            probe.damaged,
            first_medians(store, bucket, references.n_channels) * (step or 1.0),
            probe.dead,
            np.zeros_like(probe.dead),  # rails are not those of transformed samples
            float(np.finfo(np.float64).max),
            probe.doubts,
        )
        attributes = envelope_attributes(references, writer, summary)
        store.group("", attributes | {"view": probe.made_of})
        write_statistics(store, summary)


def _walk(probe: TransformedProbe, writer: EnvelopeWriter, threads: int) -> Iterator[_Stretch]:
    """Transform stretch by stretch in several threads, in the order of time."""
    pool = ThreadPoolExecutor(threads)
    ahead = deque[Future[_Stretch]]()
    try:
        for first, stop in _stretches(probe):
            ahead.append(pool.submit(_measure, probe, writer, first, stop))
            if len(ahead) > threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _stretches(probe: TransformedProbe) -> Iterator[tuple[int, int]]:
    """Stretches of whole blocks of the filter and whole buckets, segment by segment."""
    bucket, grain = probe.sizes[0], probe.grain
    n = max(1, STRETCH_VALUES // probe.references.n_channels // grain) * grain
    for segment in probe.references.clock.segments:
        edges = [*range(0, segment.n_samples, n), segment.n_samples]
        edges = sorted({min(-(-one // bucket) * bucket, segment.n_samples) for one in edges})
        for first, stop in pairwise(edges):
            yield segment.first_sample + first, segment.first_sample + stop


def _measure(probe: TransformedProbe, writer: EnvelopeWriter, first: int, stop: int) -> _Stretch:
    """Buckets of a stretch that begins with a bucket, and ends with one or with the segment."""
    samples = np.ascontiguousarray(probe.samples(first, stop), np.float32)
    n_channels, n = samples.shape
    edges = np.append(np.arange(0, n, writer.sizes[0]), n)
    shape = n_channels, edges.size - 1
    buckets = Fresh(
        np.zeros((4, *shape), writer.dtype),
        np.full(shape, kernels.ALL_NAN, np.uint8),
        np.zeros((3, *shape)),
    )
    statistics = np.zeros(n_channels, kernels.STATISTICS)
    no_head: tuple[Array, Array, Array] = (
        np.zeros((4, n_channels), writer.dtype),
        np.zeros(n_channels, np.uint8),
        np.zeros((3, n_channels)),
    )
    off_grid = kernels_chunk.summarise_chunk(
        samples,
        *kernels.as_integers(samples),
        edges,
        0,
        writer.step or 0.0,
        buckets.values,
        buckets.nan,
        *no_head[:2],
        statistics,
        samples_of_flat(probe.references.clock),
        np.broadcast_to(LIMITS, (2, n_channels)),
        buckets.moments,
        no_head[2],
    )
    if off_grid:
        raise OffGridError
    return _Stretch(buckets, statistics)
