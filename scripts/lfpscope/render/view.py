"""A range of time as columns of pixels."""

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from lfpscope.clock.segments import Clock, Segment
from lfpscope.envelope.columns import Columns
from lfpscope.envelope.read import OpenProbe, time_range
from lfpscope.nwb.electrodes import Channels
from lfpscope.render.rows import arrange_rows
from lfpscope.typing import Array, Mask

T = TypeVar("T")


SAMPLES_PER_PIXEL = 4  # up to which samples are drawn themselves, not first, min, max and last


@dataclass(frozen=True)
class Part:
    """A segment's stretch of a view.

    Attributes
    ----------
    at, n_columns : int
        Where it lies in the picture.
    columns : Columns
        What to draw: with a column more on each side, where the segment has one, so that lines
        enter and leave the picture rightly.
    skip : int
        How many columns of these lie to the left of `at`.
    """

    at: int
    n_columns: int
    columns: Columns
    skip: int

    @property
    def here(self) -> slice:
        """Its columns in the picture."""
        return slice(self.at, self.at + self.n_columns)

    @property
    def there(self) -> slice:
        """The same among `columns`."""
        return slice(self.skip, self.skip + self.n_columns)


@dataclass(frozen=True)
class View:
    """A time range of one probe on a grid of columns.

    Attributes
    ----------
    t0, t1 : float
        Axis time of the left and right edge, seconds: the range asked for, snapped outward.
    n_columns : int
        Columns of the grid.
    parts : list of Part
        One for each segment in the range; none where no sample lies in it. Several may share a
        column.
    width : int
        Of the picture, in pixels: as many as columns, except where each column is one sample.
    is_complete : bool
        Whether the complete recording is in it.
    """

    t0: float
    t1: float
    n_columns: int
    parts: list[Part]
    width: int
    is_complete: bool = False

    def pixels(self, part: Part) -> slice:
        """Where a part lies in the picture; at its ends it may fill a pixel only partly."""
        start, stop = part.here.start * self.width, part.here.stop * self.width
        return slice(start // self.n_columns, -(-stop // self.n_columns))

    @property
    def drawn_from(self) -> str:
        """Words for the reader of the picture."""
        return self.parts[0].columns.drawn_from if self.parts else "no samples here"


def read_view(
    probe: OpenProbe, start: float, stop: float, width: int, clock: Clock | None = None
) -> View:
    """Read what is needed to draw a range of seconds of all channels.

    Parameters
    ----------
    probe : OpenProbe
        The recording.
    start, stop : float
        Axis time, seconds.
    width : int
        The picture is at most so many columns wide.
    clock : Clock, optional
        Its clock in axis time (`Timeline.clock`); its own, in session time, if not given.
    """
    clock = probe.references.clock if clock is None else clock
    pieces = list(time_range(clock, start, stop))
    if not pieces:
        return View(start, stop, width, [], width)
    n_samples = max(1, math.ceil((stop - start) / clock.dt))
    # snapping both ends outward may add two columns
    n_wanted = max(1, width - 2)
    while True:
        step = probe.column_step(n_samples, n_wanted)
        if step <= SAMPLES_PER_PIXEL:
            step = 1  # lines between samples then run as smoothly as the pixels allow
        grid = _grid(pieces, start, stop, step, step * clock.dt)
        if grid.n_columns <= width or step == 1 or n_wanted == 1:
            break
        # a segment that runs faster than the clock in general takes more columns
        n_wanted = max(1, min(n_wanted - 1, n_wanted * width // grid.n_columns))
    parts = [
        _read_part(probe, at, n, step, segment, first)
        for at, n, (segment, first, _) in zip(grid.at, grid.n, pieces, strict=True)
    ]
    t1 = grid.t0 + grid.n_columns * step * clock.dt
    is_complete = start <= clock.t0 and stop >= clock.t1
    pixels = width if step == 1 else grid.n_columns
    return View(grid.t0, t1, grid.n_columns, parts, pixels, is_complete)


@dataclass(frozen=True)
class _Grid:
    """Columns of a view: from when on, how many, and where each piece lies in them."""

    t0: float
    n_columns: int
    at: list[int]
    n: list[int]


def _grid(
    pieces: list[tuple[Segment, int, int]], start: float, stop: float, step: int, seconds: float
) -> _Grid:
    begins = [_snapped(segment, first, step) for segment, first, _ in pieces]
    times = [_time(piece[0], begin) for piece, begin in zip(pieces, begins, strict=True)]
    left = min(times)  # not always the first one's: a clock may step back
    t0 = left - max(0, math.ceil((left - start) / seconds)) * seconds
    at = [round((time - t0) / seconds) for time in times]  # the nearest column of the picture
    n = [-(-(end - begin) // step) for (_, _, end), begin in zip(pieces, begins, strict=True)]
    stops = [one + many for one, many in zip(at, n, strict=True)]
    return _Grid(t0, max(math.ceil((stop - t0) / seconds - 1e-6), *stops, 1), at, n)


def _read_part(
    probe: OpenProbe, at: int, n_columns: int, step: int, segment: Segment, first: int
) -> Part:
    begin = _snapped(segment, first, step)
    before = max(begin - step, segment.first_sample)
    after = min(begin + (n_columns + 1) * step, segment.stop_sample)
    columns = probe.columns(segment, before, after, step)
    return Part(at, n_columns, columns, (begin - before) // step)


def _snapped(segment: Segment, sample: int, step: int) -> int:
    return segment.first_sample + (sample - segment.first_sample) // step * step


def _time(segment: Segment, sample: int) -> float:
    return segment.t0 + (sample - segment.first_sample) * segment.dt


def depth_order(channels: Channels) -> npt.NDArray[np.int64]:
    """Channels from the top of the picture down: far from the tip first, or as in the file."""
    return arrange_rows(channels).channels


def to_pixels(values: Array, view: View, join: np.ufunc) -> Array:
    """Values of columns (the last axis) → of pixels: joined where a pixel holds several."""
    starts = np.arange(view.width) * view.n_columns // view.width
    joins = view.width < view.n_columns
    return np.asarray(join.reduceat(values, starts, axis=-1) if joins else values[..., starts])


def gap_columns(view: View) -> Mask:
    """Columns in which the clock has no samples, shape (view.n_columns,)."""
    gap = np.ones(view.n_columns, np.bool_)
    for part in view.parts:
        gap[part.here] = False
    return gap
