"""Amplitude in columns, from samples and from what is stored of buckets."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lfpscope.envelope import kernels, kernels_amplitude, kernels_lines
from lfpscope.envelope.columns import Columns
from lfpscope.envelope.grid import LINES
from lfpscope.envelope.stored import StoredLevels
from lfpscope.samples.chunk_cache import Samples
from lfpscope.samples.chunk_reader import Damage
from lfpscope.typing import Array

CODE_RATIOS = kernels_amplitude.code_ratios()


@dataclass(frozen=True)
class Amplitude:
    """How strong a signal is in columns, about the line of each block of about 1.6 s.

    A line is fitted to the means of the finest buckets of a block, or where these jump goes through
    most of them, and is taken at the middle of each bucket.

    Attributes
    ----------
    squares : ndarray of float64, shape (n_channels, n_columns)
        Sum of squared distances of the samples from their block's line, V².
    n : ndarray of int64, same shape
        How many samples that is.
    peak : ndarray of float64, same shape
        The largest of these distances, V; 0 where there is no number.
    """

    squares: npt.NDArray[np.float64]
    n: npt.NDArray[np.int64]
    peak: npt.NDArray[np.float64]

    def in_volts(self, scale: npt.NDArray[np.float64]) -> "Amplitude":
        """Scale what is in stored units."""
        volts = np.abs(scale)[:, np.newaxis]
        return Amplitude(self.squares * volts**2, self.n, self.peak * volts)


def _zeros(shape: tuple[int, ...]) -> Amplitude:
    return Amplitude(np.zeros(shape), np.zeros(shape, np.int64), np.zeros(shape))


def amplitude_of_samples(levels: StoredLevels, samples: Samples, columns: Columns) -> Amplitude:
    """Amplitude of columns of samples, in stored units."""
    found, segment, step = _zeros(columns.nan.shape), columns.segment, columns.step
    begin = columns.first_sample
    end = min(begin + step * columns.n_columns, segment.stop_sample)
    height, width = samples.source.references.layout.chunks
    rows = range(begin // height, -(-end // height))
    lines = _lines(levels, columns, begin - segment.first_sample, end - segment.first_sample)
    first_block = (begin - segment.first_sample) // levels.block * levels.block
    # a row of chunks ends within a column: each has columns of its own, which are added in order
    tops = [max(begin, row * height) for row in rows]
    heres = [
        slice((top - begin) // step, -(-(min(end, row * height + height) - begin) // step))
        for row, top in zip(rows, tops, strict=True)
    ]
    parts = [_zeros((columns.nan.shape[0], here.stop - here.start)) for here in heres]

    def reduce(row: int, column: int, chunk: Array | Damage) -> None:
        if isinstance(chunk, Damage):
            return
        i, top = row - rows.start, tops[row - rows.start]
        these = slice(column * width, min((column + 1) * width, columns.nan.shape[0]))
        stretch = chunk[top - row * height : end - row * height, : these.stop - these.start]
        part = parts[i]
        kernels_lines.amplitude_of_samples(
            kernels.channels_first(stretch),
            samples.factor(chunk),
            top - segment.first_sample - first_block,
            levels.finest,
            levels.block // levels.finest,
            lines[:, these],
            (top - begin) % step,
            step,
            part.squares[these],
            part.n[these],
            part.peak[these],
        )

    samples.for_each_chunk(rows, range(samples.source.references.layout.grid[1]), reduce)
    for here, part in zip(heres, parts, strict=True):
        found.squares[:, here] += part.squares
        found.n[:, here] += part.n
        np.maximum(found.peak[:, here], part.peak, out=found.peak[:, here])
    return found


def amplitude_of_values(levels: StoredLevels, values: Array, columns: Columns) -> Amplitude:
    """Amplitude of columns whose samples are given, shape (n_channels, n), in stored units."""
    found, first = _zeros(columns.nan.shape), columns.first_sample - columns.segment.first_sample
    kernels_lines.amplitude_of_samples(
        np.ascontiguousarray(values),
        1.0,
        first % levels.block,
        levels.finest,
        levels.block // levels.finest,
        _lines(levels, columns, first, first + values.shape[1]),
        0,
        columns.step,
        found.squares,
        found.n,
        found.peak,
    )
    return found


def amplitude_of_buckets(levels: StoredLevels, columns: Columns, factor: float) -> Amplitude:
    """Amplitude of columns of buckets, in stored units, of which stored values are counts."""
    found, segment, size = _zeros(columns.nan.shape), columns.segment, columns.bucket
    n_there = -(-segment.n_samples // size)
    first = (columns.first_sample - segment.first_sample) // size
    per_column = columns.step // size
    stop = min(first + columns.n_columns * per_column, n_there)

    def stored(name: str) -> Array:
        return levels.of_segment(f"{size}/{name}", segment, size, first, stop)

    sizes = np.full(stop - first, size)
    if stop == n_there:
        sizes[-1] = segment.n_samples - (n_there - 1) * size
    n = sizes - stored("left_out").astype(np.int64)
    if size == levels.finest:
        per_block = levels.block // size
        lines = _lines(levels, columns, first * size, stop * size)
        extremes, peak = (stored("min"), stored("max")), np.empty(n.shape)
        kernels_lines.peaks_of_buckets(
            *extremes, factor, n, lines, first % per_block, per_block, peak
        )
    else:
        peak = stored("peak").astype(np.float64)
    squares = np.empty(n.shape)
    kernels_amplitude.squares_of_codes(stored("rms"), n, peak, CODE_RATIOS, squares)
    parents = np.arange(stop - first) // per_column
    kernels_amplitude.fold_amplitude(squares, n, peak, parents, found.squares, found.n, found.peak)
    return found


def _lines(levels: StoredLevels, columns: Columns, begin: int, end: int) -> Array:
    """Lines of the blocks in which samples begin to end of the segment lie, in stored units."""
    first, stop = begin // levels.block, -(-end // levels.block)
    names = (f"blocks/{name}" for name in LINES)
    return np.stack(
        [levels.of_segment(name, columns.segment, levels.block, first, stop) for name in names]
    )
