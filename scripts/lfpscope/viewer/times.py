"""Session time in words, on the page and in the browser."""

import re
from itertools import pairwise

from bokeh.models import CustomJSTicker, CustomJSTickFormatter, LinearAxis

from lfpscope.clock.segments import Clock
from lfpscope.clock.timeline import Span, Timeline
from lfpscope.formatting import DAY, TICK_LABEL_JS, is_unix_time, time_text
from lfpscope.viewer.style import quiet_axis


def time_of(timeline: Timeline, at: float, decimals: int = 0) -> str:
    """Session time, or time of day, of an axis time."""
    return time_text(timeline.to_session(at), decimals)


def read_time(text: str) -> float:
    """Session time, seconds, from "62.5", "1:02.5" or "0:01:02.5".

    Raises
    ------
    ValueError
        If it is none of these.
    """
    if not re.fullmatch(r"[-−]?(\d+:){0,2}\d+(\.\d*)?", text.strip()):
        raise ValueError(text)
    sign = -1 if text.strip()[0] in "-−" else 1
    seconds = 0.0
    for part in text.strip().lstrip("-−").split(":"):
        seconds = seconds * 60 + float(part)
    return sign * seconds


def read_axis_time(timeline: Timeline, text: str) -> float:
    """Axis time of a session time, or of a time of day, that somebody typed.

    Raises
    ------
    ValueError
        If it is none.
    """
    seconds = read_time(text)
    if timeline.is_unix and not is_unix_time(seconds):
        seconds += timeline.stretches[0].start // DAY * DAY  # of the first day, in UTC
    return timeline.to_axis(seconds)


def find_seams(clock: Clock, drawn_by: Clock) -> list[tuple[Span, Span]]:
    """Gaps and clock resets: session times before and after, and the axis times of both.

    Parameters
    ----------
    clock, drawn_by : Clock
        Of one probe, in session time and in axis time.
    """
    segments = pairwise(zip(clock.valid, drawn_by.valid, strict=True))
    return [
        ((one.t1, other.t0), (drawn.t1, next_drawn.t0))
        for (one, drawn), (other, next_drawn) in segments
        if abs(other.t0 - one.t1) > one.dt / 2
    ]


def axis_title(timeline: Timeline) -> str:
    """What the times on the axis are, where that is not plain session time."""
    title = f"time of day, {timeline.date_text}" if timeline.is_unix else ""
    if timeline.breaks:
        title = f"{title or 'session time'}, the axis is broken at {_breaks(timeline)}"
    return title


def _breaks(timeline: Timeline) -> str:
    resets = timeline.stretches[-1].epoch
    counts = [(resets, "clock reset"), (len(timeline.breaks) - resets, "long gap")]
    return " and ".join(f"{n} {what}{'s' if n > 1 else ''}" for n, what in counts if n)


def clock_axis(timeline: Timeline) -> LinearAxis:
    """Axis of axis time, with ticks and labels at round session times."""
    args = {"stretches": timeline.to_json()}
    axis = LinearAxis(
        ticker=CustomJSTicker(args=args, major_code=TICKS),
        formatter=CustomJSTickFormatter(args=args, code=TICK_LABEL_JS),
        axis_label=axis_title(timeline),
    )
    quiet_axis(axis)
    return axis


# about seven ticks; every stretch of the timeline has its own
TICKS = """
const {start, end} = cb_data
const least = (end - start) / 7
const steps = [1, 2, 5, 10, 15, 20, 30].flatMap((n) => [n, 60 * n])
steps.push(3600, 7200, 3 * 3600, 6 * 3600, 12 * 3600)
for (let power = -7; power < 0; power++) steps.push(...[1, 2, 5].map((n) => n * 10 ** power))
for (let power = 0; power < 7; power++) steps.push(...[1, 2, 5].map((n) => n * 86400 * 10 ** power))
const step = Math.min(...steps.filter((one) => one >= least))
const ticks = []
for (const [at, stop, first] of stretches.length ? stretches : [[start, end, start]]) {
  const shift = first - at
  const from = Math.ceil((Math.max(start, at) + shift) / step - 1e-9)
  const to = Math.floor((Math.min(end, stop) + shift) / step + 1e-9)
  for (let i = from; i <= to; i++) {
    const tick = i * step - shift
    if (!ticks.length || tick - ticks[ticks.length - 1] > 0.6 * step) ticks.push(tick)
  }
}
return ticks
"""
