"""The gallery: one page on which all probes of all sessions are seen."""

import json
import math
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from lfpscope.areas import area_colour
from lfpscope.files import write_text
from lfpscope.results import Figures, Result

DIFFERS = 1.5  # a scale is named where it is this many times larger or smaller than the pictures'


@dataclass(frozen=True)
class Card:
    """What the page shows of one probe.

    Attributes
    ----------
    result : Result
        What the run has made of it.
    folder : str
        Of its files, seen from the page.
    pictured : bool
        Whether its pictures are there.
    remarks : list of str
        What is odd about it, each in a few words.
    """

    result: Result
    folder: str
    pictured: bool
    remarks: list[str]

    @property
    def keys(self) -> str:
        """What the page sorts, filters and searches by, as JSON."""
        row, figures = self.result.row, self.result.figures
        words = [row.session, row.probe, row.address, row.note, self.result.problem, *self.remarks]
        keys: dict[str, Any] = {"whole": not self.result.problem, "areas": []}
        if figures:
            keys |= {
                "areas": figures.areas,
                "rate": _whole_hertz(figures),
                "channels": figures.channels,
                "seconds": _or_null(figures.seconds),
                "std": _or_null(figures.std),
                "dead": figures.dead,
                "saturated": figures.saturated,
                "gaps": figures.gaps,
                "missing": figures.missing,
            }
            words += figures.areas
        return json.dumps(keys | {"words": " ".join(words).lower()})


@dataclass(frozen=True)
class Group:
    """A session on the page: its cards, whether it has a picture, and what opens its viewer."""

    session: str
    cards: list[Card]
    pictured: bool
    command: str


@dataclass(frozen=True)
class Totals:
    """All probes that were summarised, together, and the bytes there are."""

    probes: int
    channels: int
    seconds: float
    source_bytes: int
    derived_bytes: int


def write_gallery(results: Sequence[Result], page: Path, *, microvolts: float) -> None:
    """Write the page. It needs no network and finds the pictures beside it.

    Parameters
    ----------
    results : sequence of Result
        Of all probes, those of a session together.
    page : Path
        ``index.html``, in the folder of results.
    microvolts : float
        The scale at which the pictures are drawn.
    """
    groups = [
        _group(session, list(members), page.parent, microvolts)
        for session, members in groupby(results, key=lambda result: result.row.session)
    ]
    figures = [result.figures for result in results if result.figures]
    text = (
        _environment()
        .get_template("gallery.html")
        .render(
            groups=groups,
            areas=_counted(area for one in figures for area in one.areas),
            rates=_counted(hertz for one in figures if (hertz := _whole_hertz(one))),
            problems=[result for result in results if result.problem],
            totals=_totals(results, page.parent),
            microvolts=microvolts,
            fitting=suggest_scale(figures, microvolts),
        )
    )
    write_text(page, text)


def suggest_scale(figures: Sequence[Figures], microvolts: float) -> float | None:
    """Suggest a scale for all pictures where the one they have does not fit the typical probe."""
    fitting = [one.microvolts for one in figures if math.isfinite(one.microvolts)]
    return _if_other(median(fitting), microvolts) if fitting else None


def _if_other(fitting: float, microvolts: float) -> float | None:
    return fitting if max(fitting / microvolts, microvolts / fitting) >= DIFFERS else None


def _group(session: str, results: list[Result], root: Path, microvolts: float) -> Group:
    viewer = root / session / "viewer.py"
    return Group(
        session,
        [_card(result, root, microvolts) for result in results],
        (root / session / "overview.png").is_file(),
        f"uv run python {shlex.quote(str(viewer))}" if viewer.is_file() else "",
    )


def _card(result: Result, root: Path, microvolts: float) -> Card:
    folder = f"{result.row.session}/probes/{result.row.probe}"
    pictures = (root / folder / "thumbnail.png", root / folder / "overview.png")
    remarks = _remarks(result.figures, microvolts) if result.figures else []
    return Card(result, folder, all(picture.is_file() for picture in pictures), remarks)


def _remarks(figures: Figures, microvolts: float) -> list[str]:
    remarks = []
    if figures.dead:
        remarks.append(f"{figures.dead} dead")
    if figures.saturated:
        remarks.append(f"{figures.saturated} saturated")
    if figures.gaps:
        noun = "gap" if figures.gaps == 1 else "gaps"
        remarks.append(f"{figures.gaps} {noun}, {figures.gap_seconds:.3g} s")
    if figures.missing:
        remarks.append(f"{100 * figures.missing:.2g} % missing")
    if math.isfinite(figures.microvolts) and _if_other(figures.microvolts, microvolts):
        remarks.append(f"fits {volts(figures.microvolts)}")
    return remarks


def _totals(results: Sequence[Result], root: Path) -> Totals:
    summarised = [result for result in results if result.figures]
    figures = [result.figures for result in results if result.figures]
    folders = [root / one.row.session / "probes" / one.row.probe for one in summarised]
    return Totals(
        probes=len(figures),
        channels=sum(one.channels for one in figures),
        seconds=sum(one.seconds for one in figures if math.isfinite(one.seconds)),
        source_bytes=sum(one.source["size"] for one in summarised),
        derived_bytes=sum(
            file.stat().st_size for folder in folders for file in folder.glob("*") if file.is_file()
        ),
    )


def _counted(names: Iterable[Any]) -> list[tuple[Any, int]]:
    return sorted(Counter(names).items())


def _whole_hertz(figures: Figures) -> int | None:
    """Rate to filter by: the clocks of probes differ by some parts in a million."""
    return round(figures.rate) if math.isfinite(figures.rate) else None


def _or_null(number: float) -> float | None:
    return number if math.isfinite(number) else None


# --- the template -------------------------------------------------------------------------------


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("lfpscope"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "duration": duration,
        "size": size,
        "volts": volts,
        "colour": area_colour,
    }
    return environment


def duration(seconds: float) -> str:
    """Write a time as a person says it.

    >>> duration(8580.2), duration(131.7), duration(4.25)
    ('2 h 23 min', '2 min 12 s', '4.2 s')
    """
    if not math.isfinite(seconds):
        return "unknown"
    if seconds < 60:
        return f"{seconds:.2g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def volts(microvolts: float) -> str:
    """Write a voltage.

    >>> volts(61.4), volts(71_700)
    ('61.4 µV', '71.7 mV')
    """
    if not math.isfinite(microvolts):
        return "unknown"
    return f"{microvolts:.3g} µV" if microvolts < 1000 else f"{microvolts / 1000:.3g} mV"


def size(n_bytes: float) -> str:
    """Write a number of bytes.

    >>> size(2_461_003_776)
    '2.46 GB'
    """
    for unit in ("bytes", "kB", "MB", "GB"):
        if n_bytes < 1000:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.3g} TB"
