"""Names of brain areas."""

from collections.abc import Iterator
from typing import Any

import numpy.typing as npt

NO_AREA = {"", "unknown", "none", "nan", "null"}


def is_area(name: str) -> bool:
    """Tell the name of an area from what files say where they know none."""
    return name.lower() not in NO_AREA


def area_runs(areas: npt.NDArray[Any]) -> Iterator[tuple[str, int, int]]:
    """Neighbouring channels of one area: its name, first row, and one past the last."""
    start = 0
    for stop in range(1, areas.size + 1):
        if stop == areas.size or areas[stop] != areas[start]:
            yield str(areas[start]), start, stop
            start = stop
