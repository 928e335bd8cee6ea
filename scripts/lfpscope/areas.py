"""Brain areas: their colours, those of intervals, and the runs of channels that lie in one."""

import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy.typing as npt

# Paul Tol's muted scheme: distinct for colour-blind readers too (personal.sron.nl/~pault)
AREA_COLOURS = (
    "#88CCEE",
    "#44AA99",
    "#117733",
    "#999933",
    "#DDCC77",
    "#CC6677",
    "#882255",
    "#AA4499",
    "#6699CC",
    "#AA8866",
)
AREA_SEED = 1291  # gives Allen's areas that lie side by side different colours
INTERVAL_SEED = 164638  # gives the stimuli of each set of Allen's different colours
NO_AREA = {"", "unknown", "none", "nan", "null"}


def area_colour(area: str) -> str:
    """The colour of a brain area: the same in every picture."""
    return _colour(area, AREA_SEED)


def area_colours(names: Iterable[str]) -> dict[str, str]:
    """Colours of the brain areas in one picture."""
    return {name: area_colour(name) for name in names}


def interval_colours(names: Iterable[str]) -> dict[str, str]:
    """Colours of the kinds of intervals in one picture."""
    return {name: interval_colour(name) for name in names}


def interval_colour(name: str) -> str:
    """The colour of a kind of interval: the same in every picture."""
    return _colour(name, INTERVAL_SEED)


def _colour(name: str, seed: int) -> str:
    return AREA_COLOURS[zlib.crc32(name.encode(), seed) % len(AREA_COLOURS)]


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
