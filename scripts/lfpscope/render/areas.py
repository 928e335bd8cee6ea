"""Colours of brain areas and of intervals."""

import colorsys
import zlib
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lfpscope.envelope.read import OpenProbe
from lfpscope.nwb.areas import is_area
from lfpscope.render.atlas_colours import COLOURS, atlas_colour

DIFFERENT = 0.06  # in OKLab: two colours are seen to differ
SIDE_BY_SIDE = 0.02  # the same where they touch: colours of the atlas itself may lie so near
LIGHTER = (0.0, 0.09, -0.09, 0.18, -0.18, 0.27, -0.27)  # within a family of one colour


TURNED = (0.0, 0.03, -0.03, 0.06, -0.06)  # of the circle of hues, where a family is large


HUES, SATURATIONS, STEPS = 24, (1.0, 0.7), (0.14, 0.22, 0.3, 0.38, 0.46, 0.55, 0.64, 0.73, 0.82)


LIGHT, DARK = (0.62, 0.93), (0.2, 0.54)  # in OKLab: of colours for areas, and for intervals


def area_colours(names: Iterable[str]) -> dict[str, str]:
    """Colours of the brain areas in one picture, no two alike.

    Structures of the Allen Mouse Brain Atlas have its colours; where it gives several of them
    the same, these differ in lightness, of many in hue as well. Fibre tracts and what lies
    outside the brain are grey. Other names have colours of their own.

    Returns
    -------
    dict of str to str
        ``#RRGGBB`` by name; equal names give equal colours, whatever their order.
    """
    taken: dict[str, str] = {}
    named = sorted(set(names))
    in_atlas = {name: colour for name in named if (colour := atlas_colour(name)) is not None}
    for name, colour in in_atlas.items():
        if _distances([colour], taken.values())[0] >= SIDE_BY_SIDE:
            taken[name] = colour
    for name, colour in in_atlas.items():
        if name not in taken:
            family = [_vary(colour, light, hue) for hue in TURNED for light in LIGHTER]
            taken[name] = _first_free(family, taken.values())
    others = [name for name in named if name not in taken]
    return taken | _own_colours(others, _light_colours(), taken.values())


def area_names(probes: Iterable[OpenProbe]) -> list[str]:
    """Brain areas that probes pass through, in alphabetical order."""
    columns = [probe.references.channels.columns.get("area") for probe in probes]
    found = {str(name) for areas in columns if areas is not None for name in areas.tolist()}
    return sorted(filter(is_area, found))


def area_colour(area: str) -> str:
    """The colour of a brain area that stands alone."""
    return area_colours([area])[area]


def interval_colours(names: Iterable[str]) -> dict[str, str]:
    """Colours of the kinds of intervals in one picture: dark, no two alike, none of an area.

    Returns
    -------
    dict of str to str
        ``#RRGGBB`` by name; equal names give equal colours, whatever their order.
    """
    return _own_colours(sorted(set(names)), _dark_colours(), ())


def interval_colour(name: str) -> str:
    """The colour of a kind of intervals that stands alone."""
    return interval_colours([name])[name]


def _first_free(colours: Sequence[str], taken: Iterable[str]) -> str:
    """Take the first colour that differs from those taken; if none does, the most different."""
    distances = _distances(colours, taken)
    fitting = np.flatnonzero(distances >= DIFFERENT)
    return colours[int(fitting[0] if fitting.size else distances.argmax())]


def _distances(colours: Sequence[str], taken: Iterable[str]) -> npt.NDArray[np.float64]:
    """Distance of each colour from the nearest of those taken."""
    own, others = (np.array([_oklab(c) for c in some]).reshape(-1, 3) for some in (colours, taken))
    distances = np.linalg.norm(own[:, np.newaxis] - others, axis=2)
    return np.asarray(distances.min(axis=1, initial=np.inf))


def _own_colours(
    names: Iterable[str], colours: tuple[str, ...], taken: Iterable[str]
) -> dict[str, str]:
    """Give each name one of some colours, from one on that the name chooses.

    Mostly it is the same in all pictures; once all colours are taken, they come again.
    """
    lab = np.array([_oklab(one) for one in colours])
    nearest = _distances(colours, taken)
    found: dict[str, str] = {}
    for name in names:
        at = zlib.crc32(name.encode()) % (len(colours) // 6)
        order = np.roll(np.arange(len(colours)), -at)
        fitting = nearest[order] >= DIFFERENT
        i = order[int(fitting.argmax() if fitting.any() else nearest[order].argmax())]
        found[name] = colours[i]
        nearest = np.minimum(nearest, np.linalg.norm(lab - lab[i], axis=1))
    return found


@lru_cache
def _light_colours() -> tuple[str, ...]:
    return _spread(LIGHT, ())


@lru_cache
def _dark_colours() -> tuple[str, ...]:
    return _spread(DARK, tuple(sorted(set(COLOURS.values()))))


def _spread(lightness: tuple[float, float], avoided: Sequence[str]) -> tuple[str, ...]:
    """Colours in an order in which each is as different as possible from those before it."""
    every = [
        _hex(colorsys.hls_to_rgb(hue / HUES, light, saturation))
        for light in STEPS
        for saturation in SATURATIONS
        for hue in range(HUES)
    ]
    lab = np.array([_oklab(one) for one in every])
    inside = (lightness[0] <= lab[:, 0]) & (lab[:, 0] <= lightness[1])
    free = inside & (_distances(every, avoided) > DIFFERENT)
    nearest = np.where(free, np.linalg.norm(lab - lab[0], axis=1), -1.0)
    found: list[str] = []
    while nearest.max() > 0:
        i = int(nearest.argmax())
        found.append(every[i])
        nearest = np.minimum(nearest, np.linalg.norm(lab - lab[i], axis=1))
    return tuple(found)


def _vary(colour: str, lighter: float, turned: float) -> str:
    hue, light, saturation = colorsys.rgb_to_hls(*_rgb(colour))
    light = min(max(light + lighter, 0.25), 0.92)  # not as dark as intervals
    return _hex(colorsys.hls_to_rgb(hue + turned, light, saturation))


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def _hex(rgb: Iterable[float]) -> str:
    return "#" + "".join(f"{round(one * 255):02X}" for one in rgb)


@lru_cache(4096)
def _oklab(colour: str) -> tuple[float, float, float]:
    """Coordinates in which distance is difference to the eye (bottosson.github.io/posts/oklab)."""
    linear = [((c + 0.055) / 1.055) ** 2.4 if c > 0.04045 else c / 12.92 for c in _rgb(colour)]
    cones = np.cbrt(LINEAR_TO_CONES @ linear)
    light, green_red, blue_yellow = (CONES_TO_LAB @ cones).tolist()
    return light, green_red, blue_yellow


LINEAR_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)


CONES_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
