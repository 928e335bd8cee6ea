"""What a run has made of each probe: its figures, or why there are none. Read from the results."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
import numpy.typing as npt

from lfpscope.areas import is_area
from lfpscope.clock import Clock
from lfpscope.files import UserError, read_json, read_table
from lfpscope.sources.tables import NO_LFP, Probe, read_probes

STEPS = (  # rules in their order, each with a file that it makes last
    ("fetch_probe", "source.json"),
    ("index_probe", "lfp.json"),
    ("summarize_probe", "channels.csv"),
    ("draw_probe", "thumbnail.png"),
    ("verify_probe", "verified.json"),
)


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
        From the first sample to the last one, gaps included.
    areas : list of str
        Brain areas, from the top of the picture down.
    gaps, gap_seconds : int, float
        Jumps of the clock, and the seconds they take together.
    untimed : int
        Samples that have no usable time.
    dead, saturated : int
        Channels.
    damaged, nan : int
        Values, of all channels, that do not decode or are not there, and that the file has as NaN.
    missing : float
        Share of all values that are damaged, NaN, or have no usable time.
    microvolts : float
        The scale that would fit this probe, from `fitting_scale`.
    std : float
        Median over the channels that are not dead, µV.
    """

    channels: int
    samples: int
    rate: float
    seconds: float
    areas: list[str]
    gaps: int
    gap_seconds: float
    untimed: int
    dead: int
    saturated: int
    damaged: int
    nan: int
    missing: float
    std: float
    microvolts: float


@dataclass(frozen=True)
class Result:
    """What a run has made of one probe.

    Attributes
    ----------
    row : Probe
        Its row in the table of probes.
    problem : str
        Why it is not whole, in a line; empty where it is, or has no LFP.
    log : str
        The log that says more; empty where there is none.
    figures : Figures or None
        None where the probe was not summarised, or has no LFP.
    source : dict
        Address, size and checksums of its bytes when they were indexed; empty where they were not.
    """

    row: Probe
    problem: str
    log: str
    figures: Figures | None
    source: dict[str, Any]

    @property
    def line(self) -> str:
        """Probe, problem and log in a line."""
        name = f"{self.row.session}/{self.row.probe}"
        return f"{name}: {self.problem}" + (f"; see {self.log}" if self.log else "")


def read_results(probes: Path, logs: Path = Path("logs")) -> list[Result]:
    """Read what a run has made so far of each probe.

    Parameters
    ----------
    probes : Path
        The table of probes, in the folder of results.
    logs : Path
        The folder of logs.
    """
    return [_read_result(row, probes.parent, logs) for row in read_probes(probes)]


def _read_result(row: Probe, results: Path, logs: Path) -> Result:
    if row.status == NO_LFP:
        return Result(row, "", "", None, {})
    if row.status != "ok":
        return Result(row, f"{row.status}: {row.note}", "", None, {})
    try:
        return _read_files(row, results, logs)
    except UserError as error:  # a file of this probe that was spoiled
        return Result(row, str(error), "", None, {})
    except (LookupError, TypeError, ValueError, AttributeError, BadZipFile) as error:
        problem = f"its results cannot be read ({error!r}). Delete them and run again"
        return Result(row, problem, "", None, {})


def _read_files(row: Probe, results: Path, logs: Path) -> Result:
    folder = results / row.session / "probes" / row.probe
    missing = [rule for rule, file in STEPS if not (folder / file).is_file()]
    references = {} if "index_probe" in missing else read_json(folder / "lfp.json")
    source = references.get("provenance", {})
    figures = None
    if references and "summarize_probe" not in missing:
        figures = probe_figures(
            _read_clock(references, folder / "envelope.zarr.zip"),
            read_table(folder / "channels.csv"),
        )
    problem, log = "", ""
    if missing:
        path = logs / missing[0] / row.session / f"{row.probe}.log"
        problem = f"{missing[0]} {_last_word(path)}"
        log = str(path) if path.is_file() else ""
    elif figures and figures.damaged:
        share = figures.damaged / (figures.samples * figures.channels)
        problem = f"damaged: {figures.damaged} values ({share:.2g} of all) do not decode"
        log = str(logs / "summarize_probe" / row.session / f"{row.probe}.log")
    elif differs := read_problems(folder / "verified.json"):
        problem = f"not as in its file: {differs[0]}"
        log = str(logs / "verify_probe" / row.session / f"{row.probe}.log")
    return Result(row, problem, log, figures, source)


def read_problems(verified: Path) -> list[str]:
    """Read what `verify_probe` found to differ from the file, a line for each."""
    problems: list[str] = read_json(verified)["problems"]
    return problems


def _read_clock(references: dict[str, Any], envelope: Path) -> Clock:
    """Clock of a probe: that of the references where it is exact, else that of the envelope."""
    attributes = json.loads(references["refs"][".zattrs"])
    if not attributes.get("clock_is_exact", True):
        with ZipFile(envelope) as archive:
            attributes = json.loads(archive.read("zarr.json"))["attributes"]
    return Clock.from_json(attributes["clock"])


def _last_word(log: Path) -> str:
    """Say why a job failed: the last line of its log that names an error, else the last one."""
    if not log.is_file():
        return "has not run"
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return f"failed: {[*lines, *errors][-1]}" if lines else "failed without a word"


def probe_figures(clock: Clock, channels: Sequence[dict[str, str]]) -> Figures:
    """Sum up a probe from its clock and its table of channels."""
    gaps = [stop - start for start, stop in clock.gaps()]
    untimed = clock.n_samples - sum(segment.n_samples for segment in clock.valid)
    damaged, nan = _sum(channels, "n_damaged"), _sum(channels, "n_nan")
    alive = np.array([float(row["std"]) for row in channels if row["std"] and row["dead"] == "0"])
    return Figures(
        channels=len(channels),
        samples=clock.n_samples,
        rate=1 / clock.dt,
        seconds=clock.t1 - clock.t0,
        areas=_areas(channels),
        gaps=len(gaps),
        gap_seconds=sum(gaps),
        untimed=untimed,
        dead=_sum(channels, "dead"),
        saturated=_sum(channels, "saturated"),
        damaged=damaged,
        nan=nan,
        missing=(damaged + nan + untimed * len(channels)) / (clock.n_samples * len(channels)),
        std=float(np.median(alive) * 1e6) if alive.size else float("nan"),
        microvolts=fitting_scale(alive),
    )


def _sum(channels: Sequence[dict[str, str]], column: str) -> int:
    return sum(int(row[column] or 0) for row in channels)


def _areas(channels: Sequence[dict[str, str]]) -> list[str]:
    """Areas from the top of the picture down: far from the tip first."""
    rows = sorted(channels, key=lambda row: -float(row["depth_um"] or "-inf"))
    return [area for area in dict.fromkeys(row["area"] for row in rows) if is_area(area)]


def fitting_scale(std: npt.NDArray[np.float64]) -> float:
    """Find the scale that would fit channels with these standard deviations.

    Robust: nine channels in ten stay below it nearly all the time, and the tenth, however loud,
    does not count. It is rounded to a number people use, because near ones look the same.

    Parameters
    ----------
    std : ndarray of float64
        Standard deviations of channels that are not dead, volts.

    Returns
    -------
    float
        µV; NaN if there is no channel.

    >>> fitting_scale(np.array([70e-6, 75e-6, 80e-6]))
    250.0
    """
    if not std.size:
        return float("nan")
    # in overviews of the demo one column in fifty is higher than this, half of peak to peak
    wanted = 3 * float(np.quantile(std, 0.9)) * 1e6
    power = 10.0 ** np.floor(np.log10(wanted))
    steps = power * np.array([1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10])
    return float(steps[np.argmin(np.abs(np.log(steps / wanted)))])
