"""Periods of a probe that the pipeline found: saturation, artefacts, gaps, theta, ripples."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lfpscope.errors import UserError
from lfpscope.io.tables import read_table

PERIODS = "periods.csv"
ARTEFACTS = ("artefact", "saturated")


@dataclass(frozen=True)
class Period:
    """A row of ``periods.csv``: session time in seconds, and what happens there."""

    start: float
    stop: float
    kind: str
    channels: str
    strength: str


def read_periods(path: Path) -> list[Period]:
    """Read ``periods.csv``; no periods without a file.

    Raises
    ------
    UserError
        If a row has no times or no kind.
    """
    if not path.is_file():
        return []
    found = []
    for number, row in enumerate(read_table(path), start=2):
        try:
            start, stop = float(row["start"]), float(row["stop"])
            found.append(
                Period(start, stop, row["kind"], row.get("channels", ""), row.get("strength", ""))
            )
        except (KeyError, TypeError, ValueError):
            raise UserError(
                f"{path}, line {number}: no period (expected start, stop and kind). "
                "Run the pipeline again."
            ) from None
    return found


def artefact_times(periods: Sequence[Period]) -> list[tuple[float, float]]:
    """Start and stop of artefacts and of saturation, session time."""
    return [(one.start, one.stop) for one in periods if one.kind in ARTEFACTS]
