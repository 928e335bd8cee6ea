"""Intervals, marks and curves below a saved picture, as they stood on the page."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from matplotlib.axes import Axes

from lfpscope.render.ticks import shorten
from lfpscope.viewer.lane_curves import Strip

LINE = 17  # pixels of a line
SIZE = 9.75  # points: 13 pixels at 96 to the inch
SMALL = 7.5  # of the numbers beside a curve
CURVE = "#222222"
MAX_LETTERS = 20  # of a line's name


@dataclass(frozen=True)
class Lane:
    """Blocks of intervals, and below them curves.

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
    curves : list of Strip
        From the top down.
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
    curves: list[Strip] = field(default_factory=list)

    @classmethod
    def of(
        cls, lines: Sequence[str], blocks: Mapping[str, Any], curves: Sequence[Strip] = ()
    ) -> Self:
        """Take what it has of the page's blocks."""
        names = ("start", "stop", "bottom", "at", "low", "label", "colour", "shade")
        return cls(list(lines), **{name: blocks[name] for name in names}, curves=list(curves))

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Read what a file says; one without curves was saved by an earlier version."""
        strips = [Strip(**one) for one in content.get("curves", ())]
        return cls(**{**content, "curves": strips})

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
        return round(LINE * (max(1, len(self.lines)) - self._bottom))

    @property
    def _bottom(self) -> float:
        """Lower edge of the lowest curve, in lines below the intervals."""
        return min((strip.low for strip in self.curves), default=0.0)

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
        names = {
            n - 0.5 - i: shorten(line or "intervals", MAX_LETTERS)
            for i, line in enumerate(self.lines)
        }
        for strip in self.curves:
            _draw_strip(axes, strip)
            words = (shorten(one, MAX_LETTERS) for one in (strip.name, strip.about) if one)
            names[(strip.low + strip.high) / 2] = "\n".join(words)
        axes.set_yticks(list(names), list(names.values()))
        axes.set(ylim=(self._bottom, n))

    def draw_onsets(self, axes: Axes, *, shaded: bool) -> None:
        """Draw where blocks begin, and over traces shade them, as on the page."""
        blocks = zip(self.start, self.stop, self.low, self.colour, self.shade, strict=True)
        for start, stop, low, colour, shade in blocks:
            axes.axvline(start, ymin=low, color=colour, alpha=0.6, linewidth=0.8)
            if shade and shaded:
                axes.axvspan(start, stop, color=colour, alpha=shade, linewidth=0)


def _draw_strip(axes: Axes, strip: Strip) -> None:
    """Draw a curve, and write at the right edge what its ends stand for."""
    for start, stop, colour, alpha in strip.boxes:
        edges = strip.bottom, strip.top
        axes.fill_between([start, stop], *edges, color=colour, alpha=alpha, lw=0)
    for x, y in zip(strip.x, strip.y, strict=True):
        axes.plot(x, y, color=CURVE, linewidth=0.75)
    look: dict[str, Any] = {"fontsize": SMALL, "parse_math": False, "ha": "left"}
    look |= {"transform": axes.get_yaxis_transform(), "color": CURVE}
    axes.text(1.004, strip.bottom, strip.edges[0], va="bottom", **look)
    axes.text(1.004, strip.top, strip.edges[1], va="top", **look)
