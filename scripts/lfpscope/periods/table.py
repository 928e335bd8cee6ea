"""``periods.csv``: what happens in a recording, from when to when."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lfpscope.errors import UserError
from lfpscope.io.tables import read_table, write_table

GAP, RESET, DAMAGED = "gap", "reset", "damaged"
SATURATED, ARTEFACT, THETA, RIPPLE = "saturated", "artefact", "theta", "ripple"
KINDS = (GAP, RESET, DAMAGED, SATURATED, ARTEFACT, THETA, RIPPLE)
MOST_CHANNELS = 0.5
RANGE = re.compile(r"(-?\d+)(?:-(-?\d+)(?:/([1-9]\d*))?)?")
COLUMNS = ("start", "stop", "kind", "channels", "strength")


@dataclass(frozen=True)
class Period:
    """A stretch of time of one kind.

    Attributes
    ----------
    start, stop : float
        Session time, s.
    kind : str
        One of KINDS.
    channels : tuple of int
        Ids of the channels that it was seen on; empty where it is of the recording.
    strength : float
        Of a gap the seconds missing, of a reset those that the clock was set back; of damage,
        saturation and artefacts the largest share of the channels, 0 to 1; of theta the mean ratio
        of 4–10 to 0.5–4 Hz power; of a ripple its peak in standard deviations above the mean.
    """

    start: float
    stop: float
    kind: str
    channels: tuple[int, ...]
    strength: float


def write_periods(path: Path, periods: Sequence[Period]) -> None:
    """Write a table of periods, in the order of time."""
    ordered = sorted(periods, key=lambda one: (one.start, one.stop, KINDS.index(one.kind)))
    rows = (
        {
            "start": f"{one.start:.6f}",
            "stop": f"{one.stop:.6f}",
            "kind": one.kind,
            "channels": ranges_text(one.channels),
            "strength": f"{one.strength:.4g}",
        }
        for one in ordered
    )
    write_table(path, COLUMNS, rows)


def read_periods(path: Path) -> list[Period]:
    """Read a table of periods.

    Raises
    ------
    UserError
        If the file is missing, or a row is not as `write_periods` writes it.
    """
    periods = []
    for number, row in enumerate(read_table(path), start=2):
        try:
            kind = KINDS[KINDS.index(row["kind"])]
            start, stop, strength = (float(row[name]) for name in ("start", "stop", "strength"))
            channels = parse_ranges(row["channels"])
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"{path}, line {number}: no period ({error!r}). Delete the file and run again."
            ) from None
        periods.append(Period(start, stop, kind, channels, strength))
    return periods


def artefact_times(periods: Sequence[Period]) -> list[tuple[float, float]]:
    """Times at which no signal is to be trusted: artefacts, and most channels saturated."""
    return [
        (one.start, one.stop)
        for one in periods
        if one.kind == ARTEFACT or (one.kind == SATURATED and one.strength > MOST_CHANNELS)
    ]


def ranges_text(numbers: Sequence[int]) -> str:
    """Write whole numbers briefly: three or more at equal steps as first-last or first-last/step.

    >>> ranges_text([7, 3, 4, 5, 20, 30, 40])
    '3-5 7 20-40/10'
    """
    left = sorted(set(numbers))
    parts: list[str] = []
    while left:
        step = left[1] - left[0] if len(left) > 1 else 1
        n = 1
        while n < len(left) and left[n] - left[n - 1] == step:
            n += 1
        n = n if n > 2 else 1
        parts.append(str(left[0]) if n == 1 else _range_text(left[0], left[n - 1], step))
        left = left[n:]
    return " ".join(parts)


def _range_text(first: int, last: int, step: int) -> str:
    return f"{first}-{last}" + (f"/{step}" if step > 1 else "")


def parse_ranges(text: str) -> tuple[int, ...]:
    """Undo `ranges_text`.

    Raises
    ------
    ValueError
        If the text has another form.

    >>> parse_ranges("3-5 7 20-40/10")
    (3, 4, 5, 7, 20, 30, 40)
    """
    numbers: list[int] = []
    for part in text.split():
        found = RANGE.fullmatch(part)
        if not found:
            raise ValueError(f"{part!r} (expected numbers, as 3-5 7 20-40/10)")
        first, last, step = found.groups()
        numbers += range(int(first), int(last or first) + 1, int(step or 1))
    return tuple(numbers)
