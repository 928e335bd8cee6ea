"""What a stretch of a segment looks like, in columns."""

from dataclasses import dataclass

from lfpscope.clock.segments import Segment
from lfpscope.typing import Array, Flags


@dataclass(frozen=True)
class Columns:
    """What a stretch of one segment looks like, in columns of whole samples.

    Attributes
    ----------
    segment : Segment
        The stretch lies in it.
    first_sample, step, n_columns : int
        The grid: column i holds samples from ``first_sample + i * step`` on.
    values : ndarray of float, shape (4, n_channels, n_columns)
        First, min, max and last in stored units; NaN where there is no number.
    nan : ndarray of uint8, shape (n_channels, n_columns)
        kernels.CLEAN, SOME_NAN or ALL_NAN.
    bucket : int
        What it was made from: buckets of so many samples; 1 is every sample.
    """

    segment: Segment
    first_sample: int
    step: int
    values: Array
    nan: Flags
    bucket: int

    @property
    def n_columns(self) -> int:
        """Columns."""
        return int(self.nan.shape[1])

    @property
    def drawn_from(self) -> str:
        """Words for the reader of the picture."""
        return "every sample" if self.bucket == 1 else f"envelope of {self.bucket} samples"
