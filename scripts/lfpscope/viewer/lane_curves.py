"""Curves of the lanes below the panels: numbers over axis time, and what a page shows of them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lfpscope.clock.timeline import Span
from lfpscope.typing import Floats, Mask

MARGINS = 0.15, 0.1  # lines below and above a curve
SHADED, EVENT = ("#2166ac", 0.15), ("#222222", 0.8)  # colours, and how opaque
MIN_PIXELS = 1.5  # width of a block, and of a single value, that is always seen
CLOSE_S = 60.0  # seconds that a page shows, up to which events are drawn one by one


@dataclass(frozen=True)
class Curve:
    """A number over axis time, of a probe or of the session.

    Attributes
    ----------
    name : str
        Of its lane, as the address has it.
    about : str
        What it is taken of, briefly: stands below the name.
    unit : str
        Empty where it has none.
    times, values : ndarray of float64, shape (n,)
        Axis time in seconds, rising; the line from one value to the next is broken at NaN.
    detail : str
        What it is, in words.
    shaded : tuple of (float, float)
        Axis times of what is shaded behind it.
    events : tuple of (float, float)
        Axis times of what is drawn instead of it on a page of at most CLOSE_S.
    strengths : tuple of float
        Of each event, standard deviations above the mean.
    is_envelope : bool
        Whether two values in turn are the extremes of many.
    """

    name: str
    about: str
    unit: str
    times: Floats
    values: Floats
    detail: str = ""
    shaded: tuple[Span, ...] = ()
    events: tuple[Span, ...] = ()
    strengths: tuple[float, ...] = ()
    is_envelope: bool = False

    def shows_events(self, seconds: float) -> bool:
        """Whether a page of so many seconds shows events instead of the curve."""
        return bool(self.events) and seconds <= CLOSE_S


@dataclass(frozen=True)
class LaneRow:
    """What a page shows of a curve.

    Attributes
    ----------
    name, about : str
        Beside the lane.
    high, low : str
        What its upper and lower edge stand for; empty where no value is shown.
    x, y : list of float
        Its line: axis time, and height from 0 to 1; broken at NaN.
    shaded, events : list of (float, float)
        Axis times.
    is_hidden : bool
        Whether the user has hidden it: then nothing but its name is shown.
    """

    name: str
    about: str
    high: str
    low: str
    x: list[float]
    y: list[float]
    shaded: list[Span]
    events: list[Span]
    is_hidden: bool = False


@dataclass(frozen=True)
class Strip:
    """A row below a saved picture, in the coordinates of its lane.

    Heights are in lines above the lowest line of intervals.

    Attributes
    ----------
    name, about : str
        Beside it on the left.
    edges : (str, str)
        What its lower and upper end stand for, beside it on the right.
    low, high : float
        Its own room.
    bottom, top : float
        Where its values lie.
    x, y : list of list of float
        Pieces of its line: axis time and height.
    boxes : list of (float, float, str, float)
        Start, stop, colour and opacity of what is shaded, or stands there instead of a line.
    """

    name: str
    about: str
    edges: tuple[str, str]
    low: float
    high: float
    bottom: float
    top: float
    x: list[list[float]]
    y: list[list[float]]
    boxes: list[tuple[float, float, str, float]]

    def __post_init__(self) -> None:
        """Check what may come from a file.

        Raises
        ------
        ValueError
            If a piece has not a height for each time, or numbers are not finite.
        """
        numbers = [self.low, self.high, self.bottom, self.top]
        numbers += [number for piece in (*self.x, *self.y) for number in piece]
        numbers += [
            number for start, stop, _, alpha in self.boxes for number in (start, stop, alpha)
        ]
        if list(map(len, self.x)) != list(map(len, self.y)) or len(self.edges) != 2:
            raise ValueError("curve: lists of different length")
        if not all(map(math.isfinite, numbers)):
            raise ValueError("curve: numbers that are not finite")


def place_row(row: LaneRow, low: float, high: float) -> Strip:
    """Place a row between two heights of its lane."""
    bottom, top = low + MARGINS[0], high - MARGINS[1]
    breaks = [-1, *(i for i, y in enumerate(row.y) if math.isnan(y)), len(row.y)]
    pieces = [slice(first + 1, stop) for first, stop in pairwise(breaks)]
    heights = [bottom + y * (top - bottom) for y in row.y]
    looks = (row.shaded, *SHADED), (row.events, *EVENT)
    return Strip(
        name=f"hidden: {row.name}" if row.is_hidden else row.name,
        about="" if row.is_hidden else row.about,
        edges=(row.low, row.high),
        low=low,
        high=high,
        bottom=bottom,
        top=top,
        x=[row.x[piece] for piece in pieces],
        y=[heights[piece] for piece in pieces],
        boxes=[(*span, colour, alpha) for spans, colour, alpha in looks for span in spans],
    )


def step_points(edges: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Points of a curve that has one value for each time bin.

    Bins that overlap meet in the middle of what they share; between others the line is broken.

    Parameters
    ----------
    edges : ndarray of float64, shape (n, 2)
        Axis time of their start and stop, in order.
    values : ndarray of float64, shape (n,)
        Of the bins.
    """
    start, stop = edges[:, 0].copy(), edges[:, 1].copy()
    joined = start[1:] <= stop[:-1]
    middle = (start[1:] + stop[:-1]) / 2
    start[1:][joined] = stop[:-1][joined] = middle[joined]
    times = np.stack([start, stop, stop], axis=1)
    points = np.stack([values, values, np.full(values.size, np.nan)], axis=1)
    kept = np.ones(times.shape, np.bool_)
    kept[:-1, 2] = ~joined
    kept[-1:, 2] = False
    return times[kept], points[kept]


def draw_row(curve: Curve, start: float, stop: float, width: int, *, is_hidden: bool) -> LaneRow:
    """What a page shows of a curve: its line in pixels, between the extremes of what is shown.

    Parameters
    ----------
    curve : Curve
        To be drawn.
    start, stop : float
        Axis time of the page's edges, seconds.
    width : int
        Of the page's pictures, pixels.
    is_hidden : bool
        Whether the user has hidden it.
    """
    if is_hidden:
        return LaneRow(curve.name, curve.about, "", "", [], [], [], [], is_hidden=True)
    least = MIN_PIXELS * (stop - start) / width
    shaded = list(_inside(curve.shaded, start, stop, 0))
    if curve.shows_events(stop - start):
        events = list(_inside(curve.events, start, stop, least))
        return LaneRow(curve.name, curve.about, "", "", [], [], shaded, events)
    x, y = line_points(curve.times, curve.values, start, stop, width)
    here = y[(x >= start) & (x <= stop) & ~np.isnan(y)]
    if not here.size:
        return LaneRow(curve.name, curve.about, "", "", [], [], shaded, [])
    low, high = float(here.min()), float(here.max())
    low = 0.0 if 0 < low < high / 2 else low  # from nought on, where it is near
    high = 0.0 if low / 2 < high < 0 else high
    if low == high:
        low, high = low - 0.5, high + 0.5
    y = (y - low) / (high - low)
    edges = f"{high:.3g}", f"{low:.3g} {curve.unit}".strip()
    return LaneRow(curve.name, curve.about, *edges, x.tolist(), y.tolist(), shaded, [])


def _inside(spans: Sequence[Span], start: float, stop: float, least: float) -> Iterator[Span]:
    """Those in a range, none narrower than some seconds; those that touch are joined."""
    last: Span | None = None
    for first, end in spans:
        if first > stop or end < start:
            continue
        end = max(end, first + least)
        if last is not None and first <= last[1]:
            last = last[0], max(last[1], end)
            continue
        if last is not None:
            yield last
        last = first, end
    if last is not None:
        yield last


def line_points(
    times: Floats, values: Floats, start: float, stop: float, width: int
) -> tuple[Floats, Floats]:
    """Points of a line that sets the pixels of all of them: at most four in a pixel column.

    Parameters
    ----------
    times, values : ndarray of float64, shape (n,)
        Of the points, in order; the line is broken at NaN.
    start, stop : float
        Of the range, seconds; one point on each side of it belongs to its line too.
    width : int
        Pixel columns.
    """
    first = max(int(np.searchsorted(times, start, "left")) - 1, 0)
    last = int(np.searchsorted(times, stop, "right")) + 1
    t, v = times[first:last], values[first:last]
    known = np.flatnonzero(~np.isnan(v))
    if not known.size:
        return np.empty(0), np.empty(0)
    pixel = (stop - start) / width
    broken = np.diff(known) > 1  # NaN lies between two that follow each other
    t, v = t[known], v[known]
    column = np.floor((t - start) / pixel)
    if known.size > 4 * width:
        starts = np.flatnonzero(np.append(True, np.diff(column) > 0))
        ends = np.append(starts[1:], known.size) - 1
        low, high = np.minimum.reduceat(v, starts), np.maximum.reduceat(v, starts)
        middle = (t[starts] + t[ends]) / 2
        t = np.stack([t[starts], middle, middle, t[ends]], axis=1).ravel()
        v = np.stack([v[starts], low, high, v[ends]], axis=1).ravel()
        after = np.append(broken, True)[ends]
        alone = after & np.append(True, after[:-1]) & (t[::4] == t[3::4])
        t[3::4][alone] += MIN_PIXELS * pixel
        broken = np.zeros(t.size, np.bool_)
        broken[3::4] = after
        broken = broken[:-1]
    return _break_line(t, v, broken, MIN_PIXELS * pixel)


def _break_line(t: Floats, v: Floats, broken: Mask, least: float) -> tuple[Floats, Floats]:
    """Put NaN where a line is broken, and make single values as wide as can be seen."""
    ends = np.append(np.flatnonzero(broken), t.size - 1)
    starts = np.append(0, ends[:-1] + 1)
    single = ends[starts == ends]
    at = np.concatenate([single + 1, ends[:-1] + 1])
    more_t = np.concatenate([t[single] + least, t[ends[:-1]]])
    more_v = np.concatenate([v[single], np.full(ends.size - 1, np.nan)])
    return np.insert(t, at, more_t), np.insert(v, at, more_v)


def value_text(curve: Curve, seconds: float, start: float, stop: float, width: int) -> str:
    """What a curve says at a time, in words: of several values in a pixel column the extremes."""
    half = (stop - start) / width / 2
    if curve.shows_events(stop - start):
        found = [
            strength
            for (first, end), strength in zip(curve.events, curve.strengths, strict=True)
            if first - half <= seconds <= end + half
        ]
        return f"{curve.name}: {max(found):.3g} SD" if found else ""
    values = _values_at(curve, seconds, half)
    values = values[~np.isnan(values)]
    if not values.size:
        return ""
    low, high = (f"{one:.3g}" for one in (values.min(), values.max()))
    text = low if low == high else f"{low} … {high}"
    return f"{curve.name} {text} {curve.unit}".strip()


def _values_at(curve: Curve, seconds: float, half: float) -> Floats:
    """Values within half a pixel of a time; the nearer end of the line that runs over it."""
    times = curve.times
    first = int(np.searchsorted(times, seconds - half, "left"))
    stop = int(np.searchsorted(times, seconds + half, "right"))
    inside = curve.values[first:stop]
    if not np.isnan(inside).all() or not 0 < first < times.size:
        return inside
    beside = curve.values[first - 1 : first + 1]
    if np.isnan(inside).any() or np.isnan(beside).any():
        return np.empty(0)
    if curve.is_envelope:
        return beside
    nearer = int(times[first] - seconds < seconds - times[first - 1])
    return beside[nearer : nearer + 1]
