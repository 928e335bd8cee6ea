"""What a page shows, as plain data."""

from dataclasses import dataclass, replace

SHORTEST = 1e-3  # seconds that a page shows at least


@dataclass(frozen=True)
class State:
    """What one page shows.

    Attributes
    ----------
    start, stop : float
        Session time, seconds.
    microvolts : float
        The gain: what the scale bar stands for.
    """

    start: float
    stop: float
    microvolts: float

    def at(self, start: float, stop: float) -> "State":
        """Show another range: never empty, and in the right order."""
        start, stop = sorted([start, stop])
        middle, half = (start + stop) / 2, max(stop - start, SHORTEST) / 2
        return replace(self, start=middle - half, stop=middle + half)


def round_scale(microvolts: float) -> float:
    """The nearest of 1, 2, 5, 10, 20, 50 … µV."""
    steps = [factor * 10.0**power for power in range(-3, 7) for factor in (1, 2, 5)]
    return min(steps, key=lambda step: abs(step / microvolts - 1) if microvolts > 0 else step)


def time_text(seconds: float, decimals: int = 0) -> str:
    """Session time as minutes and seconds: 4:05, or 0:00.25 with two decimals."""
    sign = "−" if seconds < 0 else ""
    minutes, rest = divmod(round(abs(seconds), decimals), 60)
    width = decimals + 3 if decimals else 2
    return f"{sign}{minutes:.0f}:{rest:0{width}.{decimals}f}"
