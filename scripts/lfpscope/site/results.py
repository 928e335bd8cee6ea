"""What a run has made of each probe, and what is uncertain about it, read from the results."""

import math
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.clock.segments import Clock
from lfpscope.clock.timeline import make_timeline
from lfpscope.doubts import Doubt, Kind, doubts_from_json, sort_doubts
from lfpscope.envelope.refused import read_refusals
from lfpscope.envelope.zarr_zip import Store
from lfpscope.errors import UserError
from lfpscope.formatting import natural_key
from lfpscope.io.tables import read_json, read_table
from lfpscope.nwb.areas import is_area
from lfpscope.references.model import ProbeHeader
from lfpscope.references.schema import read_header
from lfpscope.result_files import (
    CHANNELS,
    ENVELOPE,
    INDEX,
    REFERENCES,
    SPECTRA,
    VERIFIED,
    probe_folder,
)
from lfpscope.site.steps import STEPS, describe_log, find_failed, find_log, one_line
from lfpscope.sources.probes_table import NO_LFP, NOT_TAKEN, ProbeRow, read_probes

NO_QUALITY: Mapping[str, Any] = MappingProxyType({})
COLOURS_END = 0.5  # of the scale in µV, as amplitude maps are drawn


@dataclass(frozen=True)
class Figures:
    """A probe in numbers.

    Attributes
    ----------
    channels, samples : int
        Shape of the recording.
    rate : float
        Hz; NaN where the file has no usable time.
    seconds : float
        As long as the time axis of its pictures, gaps included, without what it leaves out.
    areas : list of str
        Brain areas, from the top of the picture down.
    gaps, gap_seconds : int, float
        Where time is missing, and the seconds they take together.
    resets : int
        Where the clock steps back.
    untimed : int
        Samples that have no usable time.
    dead, noisy, outside : int
        Channels with this label.
    saturated, drifting, mains : int
        Channels with this flag.
    damaged, nan : int
        Values, of all channels, that do not decode or are not there, and that the file has as NaN.
    missing : float
        Share of all values that are damaged, NaN, or have no usable time.
    microvolts : float
        The scale that would fit this probe, from `fitting_scale`.
    std : float
        Median over the channels that are not dead, µV.
    mains_hz, mains_db : float
        Frequency of the mains, and how far it stands out: the median of the channels that are
        flagged; NaN where none is.
    surfaces : list of list of float
        Height of the brain's surface on each shank where it was found, and its uncertainty, µm.
    start : float
        Session time of the first sample, seconds; NaN where the file has no usable time.
    broken : bool
        Whether the time axis of its pictures leaves something out.
    """

    channels: int
    samples: int
    rate: float
    seconds: float
    areas: list[str]
    gaps: int
    gap_seconds: float
    resets: int
    untimed: int
    dead: int
    noisy: int
    outside: int
    saturated: int
    drifting: int
    mains: int
    damaged: int
    nan: int
    missing: float
    std: float
    microvolts: float
    mains_hz: float = math.nan
    mains_db: float = math.nan
    surfaces: list[list[float]] = field(default_factory=list)
    start: float = math.nan
    broken: bool = False

    @property
    def bad(self) -> int:
        """Channels of which no average should be made."""
        return self.dead + self.noisy


@dataclass(frozen=True)
class Result:
    """What a run has made of one row of the table of probes.

    Attributes
    ----------
    row : ProbeRow
        The row.
    problem : str
        Why the probe is incomplete, in a line; empty where it is complete, has no LFP, or was not
        taken.
    log : str
        The log that says more; empty where there is none.
    figures : Figures or None
        None where the probe was not summarised, or has no LFP.
    source : dict
        Address, size and checksums of its bytes when they were indexed; empty where they were not.
    doubts : tuple of Doubt
        What is uncertain about the recording.
    """

    row: ProbeRow
    problem: str
    log: str
    figures: Figures | None
    source: dict[str, Any]
    doubts: tuple[Doubt, ...] = ()

    @property
    def name(self) -> str:
        """Session and probe, or the session alone where a row stands for all of it."""
        return "/".join(filter(None, (self.row.session, self.row.probe)))

    @property
    def is_complete(self) -> bool:
        """Whether all was made of it that a run makes."""
        return self.row.status == "ok" and not self.problem

    def doubts_of(self, kind: Kind) -> list[Doubt]:
        """Doubts of one kind."""
        return [doubt for doubt in self.doubts if doubt.kind == kind]

    @property
    def is_taken(self) -> bool:
        """Whether it is a probe: all rows are but those that were found and not taken."""
        return self.row.status != NOT_TAKEN


def read_results(probes: Path, logs: Path = Path("logs")) -> list[Result]:
    """Read what a run has made so far of each probe, in the natural order of their names.

    Parameters
    ----------
    probes : Path
        The table of probes, in the folder of results.
    logs : Path
        The folder of logs.
    """
    rows = sorted(read_probes(probes), key=_natural_order)
    return [_read_result(row, probes.parent, logs) for row in rows]


def _natural_order(row: ProbeRow) -> tuple[Any, ...]:
    return natural_key(row.session), natural_key(row.probe), natural_key(row.address)


def _read_result(row: ProbeRow, results: Path, logs: Path) -> Result:
    if row.status in (NO_LFP, NOT_TAKEN):
        return Result(row, "", "", None, {})
    if row.status != "ok":
        return Result(row, f"{row.status}: {row.note}", "", None, {})
    try:
        return _read_files(row, results, logs)
    except UserError as error:  # a damaged file among those of this probe
        return Result(row, str(error), "", None, {})
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        problem = f"its results cannot be read ({error!r}). Delete them and run again"
        return Result(row, problem, "", None, {})


def _read_files(row: ProbeRow, results: Path, logs: Path) -> Result:
    folder = probe_folder(results, row.session, row.probe)
    log = partial(find_log, row, logs)
    if failure := _read_failure(folder / INDEX):
        return Result(row, f"index_probe failed: {failure}", log("index_probe"), None, {})
    missing = [rule for rule, file in STEPS if not (folder / file).is_file()]
    figures: Figures | None = None
    doubts: tuple[Doubt, ...] = ()
    source: dict[str, Any] = {}
    if "index_probe" not in missing:
        header = read_header(folder / REFERENCES)
        doubts, source = _read_doubts(header, folder), header.provenance.to_json()
        if "summarize_probe" not in missing:
            quality = _read_quality(folder / SPECTRA)
            figures = probe_figures(header.clock, read_table(folder / CHANNELS), quality)
    rule, problem = missing[0] if missing else "", ""
    path = log(rule) if rule else ""
    if not path:  # it has not run, perhaps because another one failed
        rule, path = find_failed(row, results, logs) or (rule, path)
    if rule:
        problem = f"{rule} {describe_log(Path(path))}"
    elif figures and figures.damaged:
        path = log("summarize_probe")
        share = figures.damaged / (figures.samples * figures.channels)
        problem = f"damaged: {figures.damaged} values ({share:.2g} of all) do not decode"
    elif differs := read_problems(folder / VERIFIED):
        path = log("verify_probe")
        problem = f"not as in its file: {differs[0]}"
    return Result(row, problem, path, figures, source, doubts)


def _read_failure(index: Path) -> str:
    """Read why a probe could not be indexed; empty where it could, or was not tried."""
    if not index.is_file():
        return ""
    content = read_json(index)
    return one_line(content["reason"]) if content["status"] == "failed" else ""


def read_problems(verified: Path) -> list[str]:
    """Read what `verify_probe` found to differ from the file, a line for each."""
    problems: list[str] = read_json(verified)["problems"]
    return problems


def _read_doubts(header: ProbeHeader, folder: Path) -> tuple[Doubt, ...]:
    """Read all doubts about a probe: its envelope has those of indexing, and what views lack."""
    envelope = folder / ENVELOPE
    if not envelope.is_file():
        return header.doubts
    with closing(Store(envelope)) as store:
        found = doubts_from_json(store.attributes()["doubts"])
    refused = read_refusals(folder).items()
    views = [Doubt("missing", f"no view {name}: {reason}") for name, reason in refused]
    return sort_doubts([*found, *views])


def _read_quality(spectra: Path) -> dict[str, Any]:
    """Read what the spectra say of the probe; empty where there are none."""
    if not spectra.is_file():
        return {}
    with closing(Store(spectra)) as store:
        return store.attributes("quality")


def probe_figures(
    clock: Clock, channels: Sequence[dict[str, str]], quality: Mapping[str, Any] = NO_QUALITY
) -> Figures:
    """Sum up a probe from its clock, its table of channels, and attributes of its spectra."""
    timeline = make_timeline([clock])
    gaps = [stop - start for start, stop in clock.gaps()]
    untimed = clock.n_samples - sum(segment.n_samples for segment in clock.valid)
    damaged, nan = _sum(channels, "n_damaged"), _sum(channels, "n_nan")
    stds = [float(row["std"]) for row in channels if row["std"] and row["dead"] == "0"]
    alive = np.array([std for std in stds if math.isfinite(std)])
    flagged = [row["line_noise_db"] for row in channels if "mains" in row["flags"].split()]
    lines = [float(level) for level in flagged if level]
    return Figures(
        channels=len(channels),
        samples=clock.n_samples,
        rate=1 / clock.dt,
        seconds=sum(one.stop - one.start for one in timeline.stretches)
        if clock.valid
        else math.nan,
        areas=_areas(channels),
        gaps=len(gaps),
        gap_seconds=sum(gaps),
        resets=len(clock.resets()),
        untimed=untimed,
        # without a spectrum there are no labels, but silent channels are known
        dead=max(_sum(channels, "dead"), _labelled(channels, "dead")),
        noisy=_labelled(channels, "noisy"),
        outside=_labelled(channels, "outside"),
        saturated=_sum(channels, "saturated"),
        drifting=_flagged(channels, "drifting"),
        mains=_flagged(channels, "mains"),
        damaged=damaged,
        nan=nan,
        missing=(damaged + nan + untimed * len(channels)) / (clock.n_samples * len(channels)),
        std=float(np.median(alive) * 1e6) if alive.size else float("nan"),
        microvolts=fitting_scale(alive),
        mains_hz=quality.get("mains_hz", math.nan) if lines else math.nan,
        mains_db=float(np.median(lines)) if lines else math.nan,
        surfaces=[[abs(one["height"]), one["uncertainty"]] for one in quality.get("surfaces", ())],
        start=clock.t0,
        broken=timeline.is_broken,
    )


def _sum(channels: Sequence[dict[str, str]], column: str) -> int:
    return sum(int(row[column] or 0) for row in channels)


def _labelled(channels: Sequence[dict[str, str]], label: str) -> int:
    return sum(row["label"] == label for row in channels)


def _flagged(channels: Sequence[dict[str, str]], flag: str) -> int:
    return sum(flag in row["flags"].split() for row in channels)


def _areas(channels: Sequence[dict[str, str]]) -> list[str]:
    """Areas from the top of the picture down: far from the tip first."""
    rows = sorted(channels, key=lambda row: -float(row["depth_um"] or "-inf"))
    return [area for area in dict.fromkeys(row["area"] for row in rows) if is_area(area)]


def fitting_scale(std: npt.NDArray[np.float64]) -> float:
    """Find the scale that would suit channels with these standard deviations.

    It puts the RMS of the loudest tenth of the channels at half of the colours, which end at half
    of the scale: what is louder for a while is still told from the loudest. The tenth itself,
    however loud, does not count. It is rounded to a number people use, because near ones look the
    same.

    Parameters
    ----------
    std : ndarray of float64
        Standard deviations of channels that are not dead, volts.

    Returns
    -------
    float
        µV; NaN if there is no channel.

    >>> fitting_scale(np.array([70e-6, 75e-6, 80e-6]))
    300.0
    """
    loud = std[std > 0]
    if not loud.size:
        return float("nan")
    wanted = 2 * float(np.quantile(loud, 0.9)) * 1e6 / COLOURS_END
    power = 10.0 ** np.floor(np.log10(wanted))
    steps = power * np.array([1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10])
    return float(steps[np.argmin(np.abs(np.log(steps / wanted)))])
