"""The gallery: one page on which all probes of all sessions are seen."""

import json
import math
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from lfpscope.doubts import KINDS, MEANINGS
from lfpscope.errors import UserError
from lfpscope.formatting import (
    bytes_text,
    count_text,
    duration_text,
    natural_key,
    null_if_nan,
    percent_text,
    voltage_text,
)
from lfpscope.io.atomic import write_text
from lfpscope.io.tables import read_table
from lfpscope.periods.table import ARTEFACT, RIPPLE, SATURATED, THETA, read_periods
from lfpscope.render import thumbnail
from lfpscope.render.areas import area_colour
from lfpscope.render.palettes import HEAT_PALETTE
from lfpscope.result_files import (
    EVOKED,
    OVERVIEW,
    PERIODS,
    RESPONSES,
    SPECTRUM,
    SPECTRUM_SMALL,
    THUMBNAIL,
    THUMBNAIL_LEVELS,
    VIEWER,
    probe_folder,
)
from lfpscope.signals.ripples import has_ripple_band
from lfpscope.site.check_run import reason_not_taken
from lfpscope.site.results import COLOURS_END, Figures, Result

SAME_AXIS = 0.05  # of the longest recording: where one is shorter, each picture has its own axis
SCALES = (0.1, 0.2, 0.5, 1, 2, 5, 10)  # times the configuration's that the page offers
DIFFERS = 1.5  # a scale is named where it is this many times larger or smaller than the pictures'


# labels and flags of channels, in words behind their number
QUALITY = {name: name for name in ("dead", "noisy", "outside", "saturated", "drifting")}
QUALITY["mains"] = "with mains"

COUNTED_PERIODS = {
    THETA: ("period of theta", "periods of theta"),
    RIPPLE: ("ripple", "ripples"),
    ARTEFACT: ("artefact", "artefacts"),
    SATURATED: ("time at a rail", "times at a rail"),
}


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
    averages : list of str
        Kinds of intervals that were averaged, each with its number of trials.
    has_spectrum : bool
        Whether the pictures of its spectra are there.
    periods : list of str
        How much there is of theta, ripples, artefacts and saturation.
    """

    result: Result
    folder: str
    pictured: bool
    remarks: list[str]
    averages: list[str]
    has_spectrum: bool
    periods: list[str]

    @property
    def keys(self) -> str:
        """What the page sorts, filters and searches by, as JSON."""
        row, figures = self.result.row, self.result.figures
        words = [row.session, row.probe, row.address, row.note, self.result.problem, *self.remarks]
        words += [f"{MEANINGS[one.kind]}: {one.text}" for one in self.result.doubts]
        keys: dict[str, Any] = {
            "complete": not self.result.problem,
            "areas": [],
            "doubts": sorted({one.kind for one in self.result.doubts}, key=KINDS.index),
        }
        if figures:
            keys |= {
                "areas": figures.areas,
                "rate": _whole_hertz(figures),
                "channels": figures.channels,
                "seconds": null_if_nan(figures.seconds),
                "std": null_if_nan(figures.std),
                **{name: getattr(figures, name) for name in (*QUALITY, "bad")},
                "gaps": figures.gaps,
                "resets": figures.resets,
                "missing": figures.missing,
                "start": null_if_nan(figures.start),
                "broken": figures.broken,
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
        Of all rows of the table of probes, those of a session together.
    page : Path
        ``index.html``, in the folder of results.
    microvolts : float
        The scale at which the pictures are drawn.
    """
    probes = [result for result in results if result.is_taken]
    groups = [
        _group(session, list(members), page.parent, microvolts)
        for session, members in groupby(probes, key=lambda result: result.row.session)
    ]
    figures = [result.figures for result in probes if result.figures]
    fitting = suggest_scale(figures, microvolts)
    text = (
        _environment()
        .get_template("gallery.html")
        .render(
            groups=groups,
            n_sessions=len({result.row.session for result in results}),
            areas=_counted((area for one in figures for area in one.areas), natural_key),
            rates=_counted(hertz for one in figures if (hertz := _whole_hertz(one))),
            doubts=_counted((kind for one in probes for kind in _kinds(one)), KINDS.index),
            n_doubted=sum(bool(one.doubts) for one in probes),
            problems=[result for result in probes if result.problem],
            not_taken=[result for result in results if not result.is_taken],
            totals=_totals(probes, page.parent),
            brightest=COLOURS_END * microvolts,
            fitting=fitting and COLOURS_END * fitting,
            share=COLOURS_END,
            scales=offer_scales(microvolts, fitting),
            same_axis=_has_same_axis(figures),
            colours=bytes(HEAT_PALETTE).hex(),
            codes=thumbnail.describe_codes(),
        )
    )
    write_text(page, text)


def suggest_scale(figures: Sequence[Figures], microvolts: float) -> float | None:
    """Suggest a scale for all pictures where the one they have does not fit the typical probe."""
    fitting = [one.microvolts for one in figures if math.isfinite(one.microvolts)]
    return _if_other(median(fitting), microvolts) if fitting else None


def offer_scales(microvolts: float, fitting: float | None) -> list[float]:
    """List the scales between which the page changes: RMS at the upper end of the colours, µV.

    The codes of the pictures hold amplitudes for these, see `lfpscope.render.thumbnail`.
    """
    offered = {float(f"{share * microvolts:.6g}") for share in SCALES}
    if fitting and SCALES[0] <= fitting / microvolts <= SCALES[-1]:
        offered.add(fitting)
    return [COLOURS_END * one for one in sorted(offered)]


def _has_same_axis(figures: Sequence[Figures]) -> bool:
    """Whether the shortest recording is still seen on the time axis of the longest one."""
    seconds = [one.seconds for one in figures if math.isfinite(one.seconds) and not one.broken]
    return not seconds or min(seconds) >= SAME_AXIS * max(seconds)


def _if_other(fitting: float, microvolts: float) -> float | None:
    return fitting if max(fitting / microvolts, microvolts / fitting) >= DIFFERS else None


def _group(session: str, results: list[Result], root: Path, microvolts: float) -> Group:
    viewer = root / session / VIEWER
    return Group(
        session,
        [_card(result, root, microvolts) for result in results],
        (root / session / OVERVIEW).is_file(),
        f"uv run python {shlex.quote(str(viewer))}" if viewer.is_file() else "",
    )


def _card(result: Result, root: Path, microvolts: float) -> Card:
    folder = probe_folder(Path(), result.row.session, result.row.probe)
    pictures = (root / folder / one for one in (THUMBNAIL, THUMBNAIL_LEVELS, OVERVIEW))
    remarks = _remarks(result.figures, microvolts) if result.figures else []
    pictured = all(picture.is_file() for picture in pictures)
    spectra = (root / folder / SPECTRUM, root / folder / SPECTRUM_SMALL)
    has_spectrum = all(picture.is_file() for picture in spectra)
    averages = _averages(root / folder)
    periods = _periods(root / folder / PERIODS, result.figures)
    return Card(result, folder.as_posix(), pictured, remarks, averages, has_spectrum, periods)


def _averages(folder: Path) -> list[str]:
    """Kinds that were averaged, with the number of trials; none where they are not drawn."""
    table = folder / RESPONSES
    if not table.is_file() or not (folder / EVOKED).is_file():
        return []
    n: dict[str, int] = {}
    for row in read_table(table):
        n[row["kind"]] = max(n.get(row["kind"], 0), int(row["n"]))
    return [f"{kind} (n\N{NO-BREAK SPACE}{n_trials})" for kind, n_trials in n.items()]


def _periods(table: Path, figures: Figures | None) -> list[str]:
    """How often something happens, and for how long in all; what was not looked for."""
    if not figures or not table.is_file():
        return []
    try:
        found = read_periods(table)
    except UserError as error:
        return [str(error)]
    said = []
    for kind, (one, several) in COUNTED_PERIODS.items():
        lengths = [period.stop - period.start for period in found if period.kind == kind]
        if lengths:
            n = f"{len(lengths)} {one if len(lengths) == 1 else several}"
            said.append(n if kind == RIPPLE else f"{n}, {duration_text(sum(lengths))}")
    if math.isfinite(figures.rate) and not has_ripple_band(figures.rate):
        said.append(f"no ripples at {figures.rate:.6g} Hz")
    return said


def _remarks(figures: Figures, microvolts: float) -> list[str]:
    remarks = []
    for name, words in QUALITY.items():
        if n := getattr(figures, name):
            remarks.append(f"{n} {words}")
    if figures.gaps:
        gaps = count_text(figures.gaps, "gap")
        remarks.append(f"{gaps}, {duration_text(figures.gap_seconds)}")
    if figures.resets:
        remarks.append(count_text(figures.resets, "clock reset"))
    if figures.missing:
        remarks.append(f"{percent_text(figures.missing)} missing")
    if math.isfinite(figures.microvolts) and _if_other(figures.microvolts, microvolts):
        remarks.append(f"suits brightest {voltage_text(COLOURS_END * figures.microvolts)}")
    return remarks


def _mains(figures: Figures) -> str:
    """Mains in words; empty where no channel has it."""
    if not math.isfinite(figures.mains_db):
        return ""
    hertz = f"{figures.mains_hz:.0f} Hz, " if figures.mains_hz > 0 else ""
    return f"{hertz}{figures.mains_db:+.0f} dB".replace("-", "−")


def _surfaces(figures: Figures) -> str:
    """Surfaces of the brain in words; empty where none was found."""
    found = [f"{height:.0f} ± {error:.0f}" for height, error in figures.surfaces]
    return f"{', '.join(found)} µm" if found else ""


def _kinds(result: Result) -> set[str]:
    return {doubt.kind for doubt in result.doubts}


def _totals(probes: Sequence[Result], root: Path) -> Totals:
    figures = [one.figures for one in probes if one.figures]
    # several probes may be in one file
    sizes = {one.row.address: one.source["size"] for one in probes if one.figures}
    sessions = dict.fromkeys(one.row.session for one in probes)
    files = (file for session in sessions for file in (root / session).rglob("*"))
    return Totals(
        probes=len(figures),
        channels=sum(one.channels for one in figures),
        seconds=sum(one.seconds for one in figures if math.isfinite(one.seconds)),
        source_bytes=sum(sizes.values()),
        derived_bytes=sum(file.stat().st_size for file in files if file.is_file()),
    )


def _counted(
    names: Iterable[Any], order: Callable[[Any], Any] | None = None
) -> list[tuple[Any, int]]:
    counts = Counter(names)
    return [(name, counts[name]) for name in sorted(counts, key=order)]


def _whole_hertz(figures: Figures) -> int | None:
    """Rate to filter by: the clocks of probes differ by some parts in a million."""
    return round(figures.rate) if math.isfinite(figures.rate) else None


# --- the template -------------------------------------------------------------------------------


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("lfpscope.site"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": count_text,
        "duration": _unless_unknown(duration_text),
        "size": bytes_text,
        "percent": percent_text,
        "hertz": _unless_unknown("{:.6g} Hz".format),
        "volts": _unless_unknown(_short_voltage),
        "mains": _mains,
        "surfaces": _surfaces,
        "colour": area_colour,
        "meaning": MEANINGS.__getitem__,
        "reason_not_taken": reason_not_taken,
    }
    return environment


def _short_voltage(microvolts: float) -> str:
    return voltage_text(float(f"{microvolts:.3g}"))


def _unless_unknown(text: Callable[[float], str]) -> Callable[[float], str]:
    return lambda number: text(number) if math.isfinite(number) else "unknown"
