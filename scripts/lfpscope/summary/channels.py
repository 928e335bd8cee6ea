"""What the pass found of each channel, and its table."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.doubts import Doubt
from lfpscope.io.tables import write_table
from lfpscope.references.model import ProbeReferences
from lfpscope.samples.chunk_reader import Damage
from lfpscope.summary.channel_quality import Quality
from lfpscope.summary.driver import REMEDY

MAX_NAMED = 20  # of the damaged chunks


@dataclass(frozen=True)
class Summary:
    """What one pass over a probe found.

    Attributes
    ----------
    references : ProbeReferences
        Of the probe.
    statistics : structured ndarray of kernels.STATISTICS, shape (n_channels,)
        In stored units.
    damage : list of Damage
        Chunks that could not be decoded or are missing.
    median : ndarray of float64, shape (n_channels,)
        Of the first valid samples of all buckets, in stored units; NaN where there is none.
    dead, saturated : ndarray of bool, shape (n_channels,)
        Channels that are.
    limit : float
        Samples beyond it are left out as NaN is, V.
    doubts : tuple of Doubt
        What is uncertain about the recording, complete.
    quality : Quality, optional
        Of the channels; None without a spectrum.
    rms : dict of str to ndarray of float64, shape (n_channels,)
        Of each named band, V.
    """

    references: ProbeReferences
    statistics: npt.NDArray[Any]
    damage: list[Damage]
    median: npt.NDArray[np.float64]
    dead: npt.NDArray[np.bool_]
    saturated: npt.NDArray[np.bool_]
    limit: float
    doubts: tuple[Doubt, ...]
    quality: Quality | None = None
    rms: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of channels.csv."""
        return (*CHANNEL_COLUMNS, *map(_rms_column, self.rms), *QUALITY_COLUMNS)

    def table(self) -> list[dict[str, Any]]:
        """Rows of channels.csv, in volts."""
        return [self._row(index) for index in range(self.references.n_channels)]

    def describe_damage(self) -> str:
        """Name each damaged chunk, for a person to read; nothing where all are complete."""
        if not self.damage:
            return ""
        r, most = self.references, self.damage[:MAX_NAMED]
        lines = [f"{r.describe_chunk(one.row, one.column)}: damaged: {one.reason}" for one in most]
        if len(self.damage) > len(most):
            lines.append(f"and {len(self.damage) - len(most)} more")
        return "\n".join([*lines, f"{REMEDY}."])

    def _row(self, index: int) -> dict[str, Any]:
        r, s = self.references, self.statistics[index]
        scale, columns = r.scale[index], r.channels.columns
        row = {
            "channel": int(r.channels.id[index]),
            "index": index,
            "depth_um": _cell(columns["depth"][index]) if "depth" in columns else "",
            "area": columns["area"][index] if "area" in columns else "",
            "n_samples": int(s["length"]),
            "n_nan": int(s["n_nan"]),
            "n_implausible": int(s["n_implausible"]),
            "n_damaged": int(s["n_damaged"]),
        }
        if s["n"]:
            std = np.sqrt(s["m2"] / s["n"]) * abs(scale)
            low, high = sorted([s["min"] * scale + r.add, s["max"] * scale + r.add])
            row |= {
                "min": repr(float(low)),
                "max": repr(float(high)),
                "mean": f"{s['mean'] * scale + r.add:.9g}",
                "median": f"{self.median[index] * scale + r.add:.9g}",
                "std": f"{std:.9g}",
                "flat": int(s["flat"]),
                "dead": int(self.dead[index]),
                "saturated": int(self.saturated[index]),
            }
        return row | self._quality(index)

    def _quality(self, index: int) -> dict[str, str]:
        """Cells about channel quality."""
        if self.quality is None:
            return {"label": "unknown", "reason": "no spectrum"}
        features, labels = self.quality.features, self.quality.labels
        return {_rms_column(name): _cell(rms[index]) for name, rms in self.rms.items()} | {
            "line_noise_db": _cell(features.line[index]),
            "hf_power": _cell(features.hf[index]),
            "similarity": _cell(features.similarity[index]),
            "drift_share": _cell(features.drift[index]),
            "label": str(labels.label[index]),
            "flags": labels.flags[index],
            "reason": labels.reason[index],
        }


def _rms_column(band: str) -> str:
    return f"rms_{band.replace(' ', '_')}"


def _cell(number: float) -> str:
    return "" if np.isnan(number) else f"{number:.6g}"


CHANNEL_COLUMNS = (
    "channel",
    "index",
    "depth_um",
    "area",
    "min",
    "max",
    "mean",
    "median",
    "std",
    "n_samples",
    "n_nan",
    "n_implausible",
    "n_damaged",
    "flat",
    "dead",
    "saturated",
)
QUALITY_COLUMNS = (
    "line_noise_db",
    "hf_power",
    "similarity",
    "drift_share",
    "label",
    "flags",
    "reason",
)


def write_channels(summary: Summary, path: Path) -> None:
    """Write channels.csv: a row per channel, in volts; `flat` counts samples."""
    write_table(path, summary.columns, summary.table())
