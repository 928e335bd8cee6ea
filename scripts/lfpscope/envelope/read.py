"""The envelope: per bucket first, min, max and last (M4), at several bucket sizes; read in columns.

First, min, max and last of a bucket draw the same pixels as all its samples would, as long as a
pixel column holds whole buckets (Jugel et al., M4: a visualization-oriented time series data
aggregation, VLDB 2014).
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np

from lfpscope.clock.segments import Clock, Segment
from lfpscope.doubts import doubts_from_json
from lfpscope.envelope import kernels, kernels_buckets, kernels_chunk
from lfpscope.envelope.amplitude import Amplitude, amplitude_of_buckets, amplitude_of_samples
from lfpscope.envelope.columns import Columns
from lfpscope.envelope.grid import VALUES, bucket_edges
from lfpscope.envelope.plausible import plausible_values
from lfpscope.envelope.stored import StoredLevels
from lfpscope.envelope.zarr_zip import Store
from lfpscope.errors import UserError
from lfpscope.references.model import ProbeReferences
from lfpscope.samples.chunk_cache import Samples
from lfpscope.samples.chunk_reader import Damage, Source
from lfpscope.signals.quantity import POTENTIAL
from lfpscope.typing import Array, Flags


class OpenProbe:
    """One probe opened for drawing: its references, its envelope and its samples.

    Parameters
    ----------
    references : ProbeReferences
        Of the probe.
    envelope : Path
        Its ``envelope.zarr.zip``.

    Attributes
    ----------
    sizes : list of int
        Bucket sizes of the levels.
    dead, saturated : ndarray of bool, shape (n_channels,)
        Channels that are.
    rails : ndarray of float64, shape (2, n_channels)
        Lower and upper rail of saturated channels, stored units; NaN where there is none.
    mean, std : ndarray of float64, shape (n_channels,)
        In volts. Where infinite samples leave no mean it is 0; where a channel has no numbers
        its std is NaN.
    damaged : list of Damage
        Chunks that could not be decoded or were missing when the envelope was made.
    median : ndarray of float64, shape (n_channels,)
        Of the first samples of all buckets, volts; 0 where a channel has no numbers.
    doubts : tuple of Doubt
        What is uncertain about the recording: what indexing saw, and what the pass did.
    limits : ndarray of float64, shape (2, n_channels), or None
        Smallest and largest plausible stored value of each channel; None where all are plausible.
    attributes : dict
        Of the envelope.
    levels : StoredLevels
        Of the envelope.

    Raises
    ------
    UserError
        If the envelope is missing, damaged, or made of another file, probe or clock.
    """

    is_summarised = True
    most_seconds = math.inf  # see `UnsummarisedProbe`
    quantity = POTENTIAL  # what its samples are
    uncertain = 0  # samples at each end of a segment that depend on how it is continued

    def __init__(self, references: ProbeReferences, envelope: Path) -> None:
        self.references = references
        self._store = Store(envelope)
        try:
            attributes = self.attributes = self._store.attributes()
            self.sizes: list[int] = attributes["buckets"]
            self._step: float | None = attributes["step"]
            block: int = attributes["block"]
            n, n_implausible, m2, mean, median = (
                self._store.read(f"statistics/{name}")
                for name in ("n", "n_implausible", "m2", "mean", "median")
            )
            self.dead, self.saturated, self.rails = (
                self._store.read(f"statistics/{name}") for name in ("dead", "saturated", "rails")
            )
            self.damaged = [Damage(*one) for one in self._store.attributes("statistics")["damaged"]]
            clock, limit = attributes["clock"], float(attributes["limit_volts"])
            made_of = attributes["session"], attributes["probe"], attributes["places"]
            self.doubts = doubts_from_json(attributes["doubts"])
        except (LookupError, TypeError, ValueError) as error:
            raise self._store.damaged(error) from None
        described = references.session, references.probe, references.lfp.crc
        if made_of != described or clock != references.clock.to_json():
            raise UserError(
                f"{envelope}: made of another file or probe than {references.file} describes. "
                "Run the pipeline again."
            )
        with np.errstate(invalid="ignore"):
            self.std = np.sqrt(m2 / np.where(n > 0, n, np.nan)) * np.abs(references.scale)
        mean = mean * references.scale + references.add
        self.mean = np.where(n > 0, mean, 0.0)
        self.median = np.where(n > 0, median * references.scale + references.add, 0.0)
        self.levels = StoredLevels(self._store, references.clock, self.sizes[0], block)
        self._source = Source(references)
        self._stored = Samples(self._source, step=self._step)
        # as long as nothing is to be left out, samples need not be looked at
        limits = plausible_values(references, limit) if n_implausible.any() else None
        self.limits = limits
        self._samples = (
            self._stored
            if limits is None
            else Samples(self._source, step=self._step, limits=limits)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files and release what is cached."""
        self._store.close()
        self.levels.close()
        self._samples.close()
        self._stored.close()
        self._source.close()

    def column_step(self, n_samples: int, width: int) -> int:
        """Samples per column, so that `n_samples` take at most `width` columns.

        Above the finest bucket a column is a few whole buckets of one level.
        """
        step = max(1, -(-n_samples // width))
        level = self._level(step)
        return step if level == 1 else -(-step // level) * level

    def _level(self, step: int) -> int:
        """Bucket size to draw columns of `step` samples from; 1 for every sample.

        One level finer than the widest that fits, where there is one: with 4 to 16 buckets to a
        column, rounding up to whole buckets costs little of the width.
        """
        fitting = [size for size in self.sizes if size <= step]
        return fitting[-2] if len(fitting) > 1 else fitting[-1] if fitting else 1

    def columns(self, segment: Segment, first: int, stop: int, step: int) -> Columns:
        """Columns that cover samples first to stop, snapped outward to the grid.

        Parameters
        ----------
        segment : Segment
            The stretch lies in it; its start is the grid's.
        first, stop : int
            Samples of the recording.
        step : int
            From `column_step`.
        """
        begin = (first - segment.first_sample) // step * step + segment.first_sample
        end = min(-(-(stop - segment.first_sample) // step) * step, segment.n_samples)
        end += segment.first_sample
        level = self._level(step)
        if level == 1 or step % level:
            return self._from_samples(segment, begin, end, step)
        return self._from_envelope(segment, begin, end, step, level)

    def _from_samples(self, segment: Segment, begin: int, end: int, step: int) -> Columns:
        if step == 1:
            samples = self._samples.read(begin, end)
            flags = np.where(np.isnan(samples), kernels.ALL_NAN, kernels.CLEAN).astype(np.uint8)
            alike = np.broadcast_to(samples, (4, *samples.shape))
            return Columns(segment, begin, step, alike, flags, bucket=1)
        layout = self.references.layout
        height, width = layout.chunks
        rows = range(begin // height, -(-end // height))
        starts = np.append(np.arange(begin, end, step), end)
        tops = np.clip(np.array([*rows, rows.stop]) * height, begin, end)
        edges = [bucket_edges(starts, *pair) for pair in pairwise(tops.tolist())]
        before = np.searchsorted(starts, tops)  # columns that start before each row
        open_column = np.where([one[0] < 0 for one in edges], before[:-1] - 1, -1)
        values = np.full((4, layout.shape[1], starts.size - 1), np.nan, self._samples.dtype)
        nan = np.full(values.shape[1:], kernels.ALL_NAN, np.uint8)
        heads = np.full((len(rows), 4, layout.shape[1]), np.nan, values.dtype)
        heads_nan = np.full((len(rows), layout.shape[1]), kernels.ALL_NAN, np.uint8)

        def reduce(row: int, column: int, chunk: Array | Damage) -> None:
            if isinstance(chunk, Damage):
                return
            here = slice(column * width, min((column + 1) * width, layout.shape[1]))
            i, top = row - rows.start, row * height
            stretch = chunk[max(begin - top, 0) : end - top, : here.stop - here.start]
            samples = kernels.channels_first(stretch)
            kernels_chunk.bucket_chunk(
                samples,
                *kernels.as_integers(samples),
                self._samples.factor(chunk),
                edges[i],
                before[i],
                values[:, here],
                nan[here],
                heads[i, :, here],
                heads_nan[i, here],
            )

        self._samples.for_each_chunk(rows, range(layout.grid[1]), reduce)
        kernels_buckets.join_heads(heads, heads_nan, open_column, values, nan)
        return Columns(segment, begin, step, values, nan, bucket=1)

    def amplitude(self, columns: Columns) -> Amplitude:
        """Amplitude of all channels in columns that `columns` has returned."""
        if columns.bucket == 1:
            found = amplitude_of_samples(self.levels, self._samples, columns)
        else:
            found = amplitude_of_buckets(self.levels, columns, self._step or 1.0)
        return found.in_volts(self.references.scale)

    def why_no_number(self, channel: int) -> str:  # noqa: ARG002
        """Why a transform leaves no number of a channel; empty where the recording has none."""
        return ""

    @property
    def step(self) -> float | None:
        """Of which stored floats are whole counts, stored units; None if they are of none."""
        return self._step

    def samples(self, first: int, stop: int, channels: Sequence[int] | None = None) -> Array:
        """Samples first to stop of some channels in stored units, shape (n_channels, n).

        NaN where a chunk is damaged, or a value is not plausible.
        """
        return self._samples.read(first, stop, channels)

    def stored(self, first: int, stop: int, channels: Sequence[int] | None = None) -> Array:
        """As `samples`, with the values that are not plausible as they are stored."""
        return self._stored.read(first, stop, channels)

    def at_hand(self, first: int, stop: int) -> bool:
        """Tell whether samples first to stop need not be read from the source."""
        return self._samples.holds(first, stop)

    def _from_envelope(
        self, segment: Segment, begin: int, end: int, step: int, level: int
    ) -> Columns:
        # buckets are counted from the segment's start, as columns are
        offset = self.levels.n_before(segment, level)
        first = offset + (begin - segment.first_sample) // level
        stop = offset + -(-(end - segment.first_sample) // level)
        stored, flags = self._buckets(level, first, stop)
        shape = (stored.shape[1], -(-(end - begin) // step))
        columns = np.zeros((4, *shape), stored.dtype)
        nan = np.full(shape, kernels.EMPTY, np.uint8)
        kernels_buckets.fold(
            stored, flags, np.arange(stop - first) // (step // level), columns, nan
        )
        values = self._decoded(columns)
        values[:, nan == kernels.ALL_NAN] = np.nan
        return Columns(segment, begin, step, values, nan, bucket=level)

    def buckets(self, level: int, first: int, stop: int) -> Array:
        """Buckets first to stop of a level in stored units, shape (4, n_channels, n).

        NaN where a bucket holds no number.
        """
        stored, flags = self._buckets(level, first, stop)
        values = self._decoded(stored)
        values[:, flags == kernels.ALL_NAN] = np.nan
        return values

    def _buckets(self, level: int, first: int, stop: int) -> tuple[Array, Flags]:
        """Buckets first to stop of a level, as the envelope holds them."""
        values = np.stack([self.levels.array(f"{level}/{name}", first, stop) for name in VALUES])
        return values, self.levels.array(f"{level}/nan", first, stop)

    def _decoded(self, values: Array) -> Array:
        """Values of the envelope in stored units, in a type of float that holds them exactly."""
        dtype = self.references.layout.dtype
        wide = dtype.itemsize > 4 or (dtype.kind != "f" and dtype.itemsize > 2)
        exact = np.float64 if wide else np.float32
        return (values if self._step is None else values * np.float64(self._step)).astype(exact)

    def volts(self, values: Array) -> Array:
        """Stored units → volts, for arrays whose last axis but one is the channel."""
        scale = self.references.scale[:, np.newaxis]
        return values * scale + self.references.add


def time_range(clock: Clock, first: float, stop: float) -> Iterator[tuple[Segment, int, int]]:
    """Segments that have a time inside a range of seconds, with the samples inside it.

    Yields
    ------
    segment : Segment
        One that has a time.
    first, stop : int
        Samples of the recording; at least one.
    """
    for segment in clock.valid:
        if segment.t1 <= first or segment.t0 >= stop:
            continue
        # limited before they are whole numbers: a clock may be as fast as its file says
        begin = int(max(0.0, np.floor((first - segment.t0) / segment.dt)))
        end = int(min(segment.n_samples, np.ceil((stop - segment.t0) / segment.dt)))
        if begin < end:
            yield segment, segment.first_sample + begin, segment.first_sample + end
