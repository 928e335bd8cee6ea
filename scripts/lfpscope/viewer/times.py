"""Session time in words, on the page and in the browser."""

from datetime import UTC, datetime

from bokeh.models import CustomJSTicker, CustomJSTickFormatter, LinearAxis

from lfpscope.timeline import Timeline
from lfpscope.viewer.state import read_time
from lfpscope.viewer.style import quiet_axis

UNIX = 1e9, 1e10  # seconds: a session that starts in between has its clock in Unix time
DAY = 86_400  # seconds


def midnight(timeline: Timeline) -> float:
    """The day from which times are counted: of a clock in Unix time its first, in UTC; else 0."""
    start = timeline.stretches[0].start if timeline.stretches else 0.0
    return start // DAY * DAY if UNIX[0] < start < UNIX[1] else 0.0


def time_words(seconds: float, decimals: int = 0) -> str:
    """A time as h:mm:ss: 0:04:05, or 0:00:00.25 with two decimals."""
    whole = round(abs(seconds) * 10**decimals)
    minutes, rest = divmod(whole, 60 * 10**decimals)
    width = decimals + 3 if decimals else 2
    text = f"{minutes // 60}:{minutes % 60:02}:{rest / 10**decimals:0{width}.{decimals}f}"
    return f"−{text}" if seconds < 0 and whole else text


def time_of(timeline: Timeline, at: float, decimals: int = 0) -> str:
    """Session time, or time of day, of an axis time."""
    return time_words(timeline.to_session(at) - midnight(timeline), decimals)


def read_axis_time(timeline: Timeline, text: str) -> float:
    """Axis time of a session time, or of a time of day, that somebody typed.

    Raises
    ------
    ValueError
        If it is none.
    """
    seconds = read_time(text)
    return timeline.to_axis(seconds if seconds > UNIX[0] else seconds + midnight(timeline))


def axis_title(timeline: Timeline) -> str:
    """What the times on the axis are, where that is not plain session time."""
    day = midnight(timeline)
    title = f"time of day (UTC), {datetime.fromtimestamp(day, UTC):%Y-%m-%d}" if day else ""
    if timeline.breaks:
        title = f"{title or 'session time'}, the axis is broken at {_breaks(timeline)}"
    return title


def _breaks(timeline: Timeline) -> str:
    resets = timeline.stretches[-1].epoch
    counts = [(resets, "clock reset"), (len(timeline.breaks) - resets, "long gap")]
    return " and ".join(f"{n} {what}{'s' if n > 1 else ''}" for n, what in counts if n)


def clock_axis(timeline: Timeline) -> LinearAxis:
    """Axis of axis time, with ticks and labels at round session times."""
    args = {
        "stretches": [[one.at, one.end, one.start] for one in timeline.stretches]
        if timeline.breaks
        else [],
        "day": midnight(timeline),
    }
    axis = LinearAxis(
        ticker=CustomJSTicker(args=args, major_code=TICKS),
        formatter=CustomJSTickFormatter(args=args, code=LABEL),
        axis_label=axis_title(timeline),
    )
    quiet_axis(axis)
    return axis


# about seven ticks; every stretch of the timeline has its own
TICKS = """
const {start, end} = cb_data
const least = (end - start) / 7
const steps = [1, 2, 5, 10, 15, 30].flatMap((n) => [n, 60 * n])
steps.push(3600, 7200, 3 * 3600, 6 * 3600, 12 * 3600)
for (let power = -7; power < 0; power++) steps.push(...[1, 2, 5].map((n) => n * 10 ** power))
for (let power = 0; power < 7; power++) steps.push(...[1, 2, 5].map((n) => n * 86400 * 10 ** power))
const step = Math.min(...steps.filter((one) => one >= least))
const ticks = []
for (const [at, stop, first] of stretches.length ? stretches : [[start, end, start]]) {
  const shift = first - day - at
  const from = Math.ceil((Math.max(start, at) + shift) / step - 1e-9)
  const to = Math.floor((Math.min(end, stop) + shift) / step + 1e-9)
  for (let i = from; i <= to; i++) {
    const tick = i * step - shift
    if (!ticks.length || tick - ticks[ticks.length - 1] > 0.6 * step) ticks.push(tick)
  }
}
return ticks
"""

LABEL = """
const session = (at) => {
  const one = stretches.find(([first, stop]) => at >= first - 1e-9 && at <= stop + 1e-9)
  return (one ? one[2] + at - one[0] : at) - day
}
const fits = (n) => ticks.every((at) => {
  const scaled = session(at) * 10 ** n
  return Math.abs(scaled - Math.round(scaled)) < 1e-3
})
let decimals = 0
while (decimals < 6 && !fits(decimals)) decimals++
const whole = Math.round(Math.abs(session(tick)) * 10 ** decimals)
const minutes = Math.floor(whole / (60 * 10 ** decimals))
const seconds = ((whole - minutes * 60 * 10 ** decimals) / 10 ** decimals).toFixed(decimals)
const two = (text, n = 2) => `${text}`.padStart(n, "0")
return (session(tick) < 0 && whole ? "−" : "") + Math.floor(minutes / 60) + ":" +
  two(minutes % 60) + ":" + two(seconds, decimals ? decimals + 3 : 2)
"""
