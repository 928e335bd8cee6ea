"""Times, durations, voltages, bytes and counts in words; names in their natural order."""

import re


def duration_text(seconds: float) -> str:
    """Duration in words: 8 ms, 5.3 s, 4 min 5 s, 2 h 22 min."""
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def clock_text(seconds: float) -> str:
    """Time as minutes and seconds: 4:05, or 0:00.25 where it needs to be finer."""
    sign, seconds = ("−", -seconds) if seconds < 0 else ("", seconds)
    minutes, rest = divmod(round(seconds, 6), 60)
    text = f"{rest:09.6f}".rstrip("0").rstrip(".")
    return f"{sign}{int(minutes)}:{text}"


def time_text(seconds: float, decimals: int = 0) -> str:
    """Session time as minutes and seconds: 4:05, or 0:00.25 with two decimals."""
    sign = "−" if seconds < 0 else ""
    minutes, rest = divmod(round(abs(seconds), decimals), 60)
    width = decimals + 3 if decimals else 2
    return f"{sign}{minutes:.0f}:{rest:0{width}.{decimals}f}"


def voltage_text(microvolts: float) -> str:
    """A voltage in the unit that suits it: 200 µV, 5 mV, 1 V."""
    for unit, size in (("V", 1e6), ("mV", 1e3)):
        if microvolts >= size:
            return f"{microvolts / size:g} {unit}"
    return f"{microvolts:g} µV"


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
