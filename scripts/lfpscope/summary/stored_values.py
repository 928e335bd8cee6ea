"""What the stored numbers can be: the range of plausible ones, and steps they are counts of."""

import numpy as np

from lfpscope.envelope.plausible import plausible_values
from lfpscope.samples.chunk_reader import Damage, Source
from lfpscope.typing import Array

# V: Allen's float32 volts are whole counts of 0.195 µV, multiplied as float32 or as float64;
# others store counts as float32
STEPS = (float(np.float32(0.195e-6)), 0.195e-6, 1.0)
MIN_LIMIT_V = 10.0  # what is beyond it is not a potential,
MAX_OVER_TYPICAL = 1e4  # unless it is no more than so many times what is typical of the file
N_TYPICAL = 16  # chunks that tell what is,
TYPICAL_VALUES = 1 << 21  # and about so many samples of each
PIECE_VALUES = 1 << 20  # samples that are compared at a time


def find_limit(source: Source) -> float:
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
        values = values[:: max(1, values.size // TYPICAL_VALUES)]
        with np.errstate(over="ignore", invalid="ignore"):
            volts = np.abs(values.astype(np.float64) * r.scale[channels] + r.add)
        volts = volts[np.isfinite(volts) & (volts > 0)]
        if volts.size:
            typical.append(float(np.median(volts)))
    quarter = float(np.quantile(typical, 0.25, method="lower")) if typical else 0.0
    return max(MIN_LIMIT_V, MAX_OVER_TYPICAL * quarter)


def find_steps(source: Source, limit: float) -> list[float]:
    """Steps of which all valid samples of the first chunk are whole counts."""
    chunk, layout = source.chunk(0, 0), source.references.layout
    if isinstance(chunk, Damage) or chunk.dtype.kind != "f":
        return [] if layout.dtype.kind != "f" else list(STEPS)
    low, high = plausible_values(source.references, limit)[
        :, : min(chunk.shape[1], layout.shape[1])
    ]
    chunk = chunk[: layout.shape[0], : low.size]
    n_lines = max(1, PIECE_VALUES // low.size)
    steps = list(STEPS)
    for first in range(0, chunk.shape[0], n_lines):
        piece = chunk[first : first + n_lines]
        numbers = piece[(piece >= low) & (piece <= high)]
        steps = [step for step in steps if _is_on_grid(numbers, step)]
    return steps


def _is_on_grid(numbers: Array, step: float) -> bool:
    """Whether numbers are whole counts of a step, as they are stored."""
    counts = np.rint(numbers.astype(np.float64) / step)
    return np.array_equal((counts * step).astype(numbers.dtype), numbers)
