"""Times, voltages, bytes and counts in words, in JavaScript too; names in natural order."""

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

DAY = 86_400  # seconds
UNIX_TIMES = (1e8, 5e9)  # seconds since 1970, of 1973 to 2128: no session is that long


def duration_text(seconds: float) -> str:
    """Duration in words: 8 ms, 5.3 s, 4 min 5 s, 2 h 22 min, 2 d 3 h."""
    if float(f"{seconds:.3g}") < 1:
        return f"{seconds * 1000:.3g} ms"
    if float(f"{seconds:.3g}") < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"


def is_unix_time(seconds: float) -> bool:
    """Tell whether a session time is in seconds since 1970."""
    return UNIX_TIMES[0] <= seconds <= UNIX_TIMES[1]


def date_text(seconds: float) -> str:
    """Date of a time in seconds since 1970: 2022-04-26 UTC; empty for other session times."""
    if not is_unix_time(seconds):
        return ""
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds):%Y-%m-%d} UTC"


def time_text(seconds: float, decimals: int = 0) -> str:
    """Session time: 4:05, 0:00.25 with two decimals, 1:06:40, 2 d 3:00:00.

    Seconds since 1970 are shown as the time of day: 10:06:40.
    """
    scale = 10**decimals
    parts = round(abs(seconds) * scale)
    sign = "−" if seconds < 0 and parts else ""
    minutes, rest = divmod(parts, 60 * scale)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    fraction = f".{rest % scale:0{decimals}d}" if decimals else ""
    end = f"{rest // scale:02d}{fraction}"
    if is_unix_time(seconds):
        return f"{hours:02d}:{minutes:02d}:{end}"
    if days:
        return f"{sign}{days} d {hours}:{minutes:02d}:{end}"
    return f"{sign}{hours}:{minutes:02d}:{end}" if hours else f"{sign}{minutes}:{end}"


def clock_text(seconds: float) -> str:
    """Session time, as fine as it needs to be, down to a microsecond: 4:05, 0:00.25."""
    fraction = f"{abs(seconds) % 1:.6f}"[2:].rstrip("0")
    return time_text(seconds, len(fraction))


TIME_TEXT_JS = """
const time_text = (seconds, decimals) => {
  const scale = 10 ** decimals
  const parts = Math.round(Math.abs(seconds) * scale)
  const sign = seconds < 0 && parts > 0 ? "−" : ""
  const two = (number) => String(number).padStart(2, "0")
  const rest = parts % (60 * scale)
  const all_minutes = Math.floor(parts / (60 * scale))
  const minutes = all_minutes % 60
  const hours = Math.floor(all_minutes / 60) % 24
  const days = Math.floor(all_minutes / 1440)
  const fraction = decimals > 0 ? "." + String(rest % scale).padStart(decimals, "0") : ""
  const end = two(Math.floor(rest / scale)) + fraction
  if (seconds >= 1e8 && seconds <= 5e9) return `${two(hours)}:${two(minutes)}:${end}`
  if (days > 0) return `${sign}${days} d ${hours}:${two(minutes)}:${end}`
  return hours > 0 ? `${sign}${hours}:${two(minutes)}:${end}` : `${sign}${minutes}:${end}`
}
"""
"""`time_text` in JavaScript."""

SESSION_TIME_JS = """
const stretch_of = (at) => {
  let nearest = null
  for (const [start, end, session] of stretches) {
    const distance = Math.max(start - at, at - end)
    if (nearest === null || distance < nearest.distance) nearest = {start, end, session, distance}
  }
  return nearest
}
const session_time = (at) => {
  const here = stretch_of(at)
  if (here === null) return at
  return here.session + Math.min(Math.max(at, here.start), here.end) - here.start
}
"""
"""`Timeline.to_session` in JavaScript, from `stretches`, which is `Timeline.to_json()`."""

TICK_LABEL_JS = f"""{TIME_TEXT_JS}{SESSION_TIME_JS}
const here = stretch_of(tick)
if (here !== null && here.distance > 1e-9 * Math.max(1, Math.abs(tick))) return ""
const together = here === null ? ticks : ticks.filter((t) => t >= here.start && t <= here.end)
let step = 1
for (let i = 1; i < together.length; i++) {{
  const found = Math.abs(together[i] - together[i - 1])
  step = i == 1 ? found : Math.min(step, found)
}}
const decimals = Math.min(6, Math.max(0, Math.ceil(-Math.log10(step) - 1e-6)))
return time_text(session_time(tick), decimals)
"""
"""Code of a `CustomJSTickFormatter` for axis time, with args ``{"stretches": [...]}``."""


def percent_text(share: float) -> str:
    """Say a share as per cent, with two digits.

    >>> percent_text(0.0035), percent_text(0.997), percent_text(1.624)
    ('0.35 %', '100 %', '160 %')
    """
    return f"{float(f'{100 * share:.2g}'):g} %"


Units = tuple[tuple[str, float], ...]
"""Units with their sizes in the last one; the largest first."""
VOLTAGES: Units = (("V", 1e6), ("mV", 1e3), ("µV", 1.0))


def voltage_text(microvolts: float) -> str:
    """A voltage in the unit that suits it: 200 µV, 5 mV, 1 V."""
    return amount_text(microvolts, VOLTAGES)


def amount_text(amount: float, units: Units) -> str:
    """An amount of the last unit in the one that suits it."""
    unit, size = next((one for one in units if amount >= one[1]), units[-1])
    return f"{amount / size:g} {unit}"


def bytes_text(n_bytes: float) -> str:
    """A number of bytes: 500 bytes, 14.2 MB, 2.46 GB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if n_bytes < 999.5:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.3g} TB"


def count_text(number: int, noun: str) -> str:
    """A number of things: 1 probe, 348 probes, 12 345 channels."""
    return f"{number:,}".replace(",", " ") + f" {noun}" + ("" if number == 1 else "s")


def natural_key(name: str) -> tuple[tuple[str | int, ...], str]:
    """Key that sorts names as people do: LFP2 before LFP10."""
    parts = re.split(r"([0-9]+)", name)
    return tuple(int(part) if i % 2 else part for i, part in enumerate(parts)), name


def null_if_nan(value: Any) -> Any:
    """Return a value for JSON, which has no NaN."""
    return None if isinstance(value, float) and math.isnan(value) else value


def nan_if_null(value: Any) -> Any:
    """Undo `null_if_nan`."""
    return math.nan if value is None else value
