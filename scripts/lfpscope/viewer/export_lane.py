"""Intervals and marks below a saved picture, as they stood on the page."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from matplotlib.axes import Axes

from lfpscope.render.ticks import shorten

LINE = 17  # pixels of a line
SIZE = 9.75  # points: 13 pixels at 96 to the inch
MAX_LETTERS = 20  # of a line's name


@dataclass(frozen=True)
class Lane:
    """Blocks of intervals.

    Attributes
    ----------
    lines : list of str
        Their names, from the top down.
    start, stop, bottom, at, low : list of float
        Of each block: axis time, its line from below, where its label begins, and how far down the
        line of its onset goes.
    label, colour : list of str
        Of each block.
    shade : list of float
        How opaque each block is over traces.
    """

    lines: list[str] = field(default_factory=list)
    start: list[float] = field(default_factory=list)
    stop: list[float] = field(default_factory=list)
    bottom: list[float] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    label: list[str] = field(default_factory=list)
    colour: list[str] = field(default_factory=list)
    shade: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, lines: Sequence[str], blocks: Mapping[str, Any]) -> Self:
        """Take what it has of the page's blocks."""
        names = ("start", "stop", "bottom", "at", "low", "label", "colour", "shade")
        return cls(list(lines), **{name: blocks[name] for name in names})

    def __post_init__(self) -> None:
        """Check what may come from a file.

        Raises
        ------
        ValueError
            If the lists do not have one entry for each block, or numbers are not finite.
        """
        numbers = self.start, self.stop, self.bottom, self.at, self.low, self.shade
        if len({len(one) for one in (*numbers, self.label, self.colour)}) != 1:
            raise ValueError("lane: lists of different length")
        if not all(math.isfinite(n) for one in numbers for n in one):
            raise ValueError("lane: numbers that are not finite")

    @property
    def height(self) -> int:
        """Pixels."""
        return LINE * max(1, len(self.lines))

    def draw(self, axes: Axes, seconds: float, width: int) -> None:
        """Draw the blocks, on axes that are so many pixels wide."""
        blocks = zip(self.start, self.stop, self.bottom, self.colour, strict=True)
        for start, stop, bottom, colour in blocks:
            axes.fill_between([start, stop], bottom, bottom + 1, color=colour, alpha=0.5, lw=0)
        margin = 3 * seconds / width
        look: dict[str, Any] = {"va": "center", "fontsize": SIZE, "parse_math": False}
        for at, bottom, text in zip(self.at, self.bottom, self.label, strict=True):
            axes.text(at + margin, bottom + 0.5, text, **look, clip_on=True)
        n = max(1, len(self.lines))
        names = [shorten(line or "intervals", MAX_LETTERS) for line in self.lines]
        axes.set_yticks([n - 0.5 - i for i in range(len(names))], names)
        axes.set(ylim=(0, n))

    def draw_onsets(self, axes: Axes) -> None:
        """Draw where blocks begin, and shade them, as on the page."""
        blocks = zip(self.start, self.stop, self.low, self.colour, self.shade, strict=True)
        for start, stop, low, colour, shade in blocks:
            axes.axvline(start, ymin=low, color=colour, alpha=0.6, linewidth=0.8)
            if shade:
                axes.axvspan(start, stop, color=colour, alpha=shade, linewidth=0)
