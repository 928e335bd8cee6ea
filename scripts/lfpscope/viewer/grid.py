"""Which samples lie in which pixel column of a picture."""

import math
from dataclasses import dataclass

from lfpscope.clock.segments import Segment
from lfpscope.render.view import View

ONE_SAMPLE = 1.5  # samples in a pixel column, up to which it stands for one


@dataclass(frozen=True)
class GridPart:
    """A segment's stretch of a picture.

    Attributes
    ----------
    segment : Segment
        In axis time.
    first_sample : int
        Of its first column.
    at, n_columns : int
        Where it lies in the grid.
    """

    segment: Segment
    first_sample: int
    at: int
    n_columns: int


@dataclass(frozen=True)
class Grid:
    """The columns of a picture.

    Attributes
    ----------
    t0, t1 : float
        Axis time of its left and right edge, seconds.
    n_columns, step : int
        How many columns, and samples in each.
    width : int
        Pixels of the picture: fewer than columns, or more, where each column is one sample.
    parts : tuple of GridPart
        One for each segment.
    """

    t0: float
    t1: float
    n_columns: int
    step: int
    width: int
    parts: tuple[GridPart, ...]

    @property
    def samples_per_pixel(self) -> float:
        """Samples in a pixel column."""
        return self.step * self.n_columns / self.width

    @property
    def shows_samples(self) -> bool:
        """Whether a pixel column stands for about one sample."""
        return self.samples_per_pixel <= ONE_SAMPLE

    def samples_at(self, seconds: float) -> list[tuple[Segment, int, int]]:
        """Samples first to stop of each segment in the pixel column at an axis time."""
        pixel = math.floor((seconds - self.t0) / (self.t1 - self.t0) * self.width)
        # a column belongs to the pixel in which its middle lies
        first = math.ceil(pixel * self.n_columns / self.width - 0.5)
        stop = math.ceil((pixel + 1) * self.n_columns / self.width - 0.5)
        found: list[tuple[Segment, int, int]] = []
        for part in self.parts:
            begin, end = max(first - part.at, 0), min(stop - part.at, part.n_columns)
            if begin < end:
                last = part.first_sample + end * self.step
                here = part.first_sample + begin * self.step, min(last, part.segment.stop_sample)
                found.append((part.segment, *here))
        return found


def read_grid(view: View) -> Grid:
    """The columns of a view."""
    parts = tuple(
        GridPart(
            part.columns.segment,
            part.columns.first_sample + part.skip * part.columns.step,
            part.at,
            part.n_columns,
        )
        for part in view.parts
    )
    step = view.parts[0].columns.step if view.parts else 1
    return Grid(view.t0, view.t1, view.n_columns, step, view.width, parts)
