"""Letters of any script in names from files: fonts that a system has, and letters that none has."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, findSystemFonts, fontManager, get_font
from matplotlib.text import Text

MAX_NAMED = 3  # letters
# beside DejaVu Sans, which matplotlib brings; those that a system has
FONTS = (
    "Noto Sans",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Source Han Sans",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "IPAGothic",
    "Droid Sans Fallback",
    "Hiragino Sans",
    "PingFang SC",
    "Arial Unicode MS",
    "Unifont",
)


@contextmanager
def text_settings() -> Iterator[None]:
    """Draw names from files as they are: no formulas, letters of any script, none that fails."""
    with (
        mpl.rc_context({"font.family": _families(), "text.parse_math": False}),
        warnings.catch_warnings(),
    ):
        # a letter that no font has is drawn as a box, which `describe_boxes` says
        warnings.filterwarnings("ignore", r"(?s)Glyph .* missing from", UserWarning)
        yield


def describe_boxes(figure: Figure) -> str:
    """Say which letters of a figure are drawn as boxes, because no font has them; or nothing."""
    texts = [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]
    letters = {letter for letter in "".join(texts) if letter.isprintable() and letter != " "}
    for family in _families():
        letters = {letter for letter in letters if ord(letter) not in _letters(family)}
        if not letters:
            return ""
    codes = [f"U+{ord(letter):04X}" for letter in sorted(letters)]
    more = f" and {len(codes) - MAX_NAMED} more" if len(codes) > MAX_NAMED else ""
    named = ", ".join(codes[:MAX_NAMED])
    return f"drawn as boxes, because no font here has them: {named}{more}"


@cache
def _families() -> list[str]:
    known = {font.fname for font in fontManager.ttflist}
    for path in sorted({*findSystemFonts()} - known):  # installed since matplotlib listed them
        with suppress(OSError, RuntimeError):  # no font that it can read
            fontManager.addfont(path)
    installed = {font.name for font in fontManager.ttflist}
    return ["DejaVu Sans", *(name for name in FONTS if name in installed)]


@cache
def _letters(family: str) -> frozenset[int]:
    font = get_font(findfont(FontProperties(family=family)))
    return frozenset(font.get_charmap())
