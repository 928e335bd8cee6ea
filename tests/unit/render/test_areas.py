"""Colours of areas and intervals: Allen's own, and never one for two in a picture."""

import re
from collections.abc import Callable, Iterable
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfpscope.nwb.areas import is_area
from lfpscope.render.areas import area_colour, area_colours, interval_colours
from lfpscope.render.atlas_colours import atlas_colour

# of the structures that the probes of the Visual Coding sessions pass through
VISUAL_CODING = re.findall(
    r"\S+",
    "APN BMAa CA1 CA2 CA3 COAa COApm CP DG Eth HPF IGL IntG LD LGd LGv LP LS LT MB MGd MGm MGv "
    "MRN NOT OLF OP PF PIL PO POL POST PP PPT PRE PoT ProS RPF RT SCig SCiw SCop SCsg SCzo SGN "
    "SUB TH VIS VISal VISam VISl VISli VISmma VISmmp VISp VISpm VISrl VL VPL VPM ZI alv cc fi or "
    "root",
)
STIMULI = re.findall(
    r"\S+",
    "spontaneous gabors flashes drifting_gratings natural_movie_three natural_movie_one "
    "static_gratings natural_scenes dot_motion natural_movie_one_shuffled "
    "drifting_gratings_contrast drifting_gratings_75_repeats invalid_times",
)
NAMES = st.lists(st.text(min_size=1, max_size=12), min_size=40, max_size=40, unique=True)

Colour = Callable[[Iterable[str]], dict[str, str]]


def difference(one: str, other: str) -> int:
    """Largest difference of two colours in red, green or blue, of 255."""
    pairs = [(int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return max(abs(a - b) for a, b in pairs)


@pytest.mark.parametrize(
    ("name", "colour"),
    [
        ("CA1", "#7ED04B"),
        ("TH", "#FF7080"),
        ("VISp", "#08858C"),
        ("VISp2/3", "#08858C"),
        ("VISp5", "#08858C"),
        ("VISp6b", "#08858C"),
        ("AUDp1", "#019399"),
        ("CA1so", "#7ED04B"),
        ("DG-sg", "#66A83D"),
        ("CP", "#98D6F9"),
        ("root", "#AAAAAA"),
        ("alv", "#AAAAAA"),
        ("fiber tracts", "#AAAAAA"),
        ("Thalamus", None),
        ("ca1", None),
        ("5", None),
        ("", None),
    ],
)
def test_the_atlas_names_a_colour(name: str, colour: str | None) -> None:
    assert atlas_colour(name) == colour


def test_an_area_alone_has_the_colour_of_the_atlas() -> None:
    for name in ("CA1", "DG", "VISp", "LGd", "cc"):
        assert area_colour(name) == atlas_colour(name)
    picture = area_colours(["VISp", "CA1", "TH", "LP", "cc"])
    assert picture == {name: atlas_colour(name) for name in ("CA1", "LP", "TH", "VISp", "cc")}


@pytest.mark.parametrize(
    ("colours", "names"),
    [(area_colours, VISUAL_CODING), (interval_colours, STIMULI)],
)
def test_no_two_in_a_picture_share_a_colour(colours: Colour, names: list[str]) -> None:
    found = colours(names)
    assert set(found) == set(names)
    assert min(difference(*pair) for pair in combinations(found.values(), 2)) >= 6
    assert colours(names[::-1]) == found


@given(names=NAMES)
def test_no_two_of_any_names_share_a_colour(names: list[str]) -> None:
    for colours in (area_colours, interval_colours):
        found = colours(names)
        assert len(set(found.values())) == 40
        assert colours(names[::-1]) == found


@given(areas=NAMES, intervals=NAMES)
def test_intervals_have_no_colour_of_an_area(areas: list[str], intervals: list[str]) -> None:
    shown = {**area_colours([*areas, *VISUAL_CODING])}.values()
    for colour in interval_colours(intervals).values():
        assert min(difference(colour, area) for area in shown) >= 6


def test_thousands_of_kinds_share_colours_whatever_their_order() -> None:
    names = [f"trial {i}" for i in range(5000)]
    colours = interval_colours(names)
    assert list(colours) == sorted(names)
    assert interval_colours(reversed(names)) == colours
    assert len(set(colours.values())) > 64
    assert len(set(interval_colours(names[:64]).values())) == 64


def test_what_is_not_the_name_of_an_area() -> None:
    assert [name for name in ("CA1", "", "Unknown", "nan", "None", "NULL") if is_area(name)] == [
        "CA1"
    ]
