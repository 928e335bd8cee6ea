"""What the pipeline measured of each channel, and labels that a user writes by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lfpscope.errors import UserError
from lfpscope.io.locks import file_lock
from lfpscope.io.tables import read_table, write_table
from lfpscope.result_files import BAD_CHANNELS, CHANNELS
from lfpscope.samples.channel_labels import COLUMNS, LABELS, read_labels_by_hand
from lfpscope.typing import Array, Floats

UNKNOWN = "unknown"
HIDDEN_LABELS = ("dead", "noisy")
MICROVOLTS = 1e6
MEASURES = {
    "RMS (µV)": ("std", MICROVOLTS),
    "delta (µV)": ("rms_delta", MICROVOLTS),
    "theta (µV)": ("rms_theta", MICROVOLTS),
    "beta (µV)": ("rms_beta", MICROVOLTS),
    "gamma (µV)": ("rms_gamma", MICROVOLTS),
    "80–200 Hz (µV)": ("rms_high_gamma", MICROVOLTS),
    "mains (dB)": ("line_noise_db", 1.0),
    "similarity": ("similarity", 1.0),
}
"""What a column can show: its column of channels.csv, and the factor to its unit."""


NOT_MEASURED = ("channel", "index", "area", "reason")  # known otherwise, or of no use for sorting
TEXTS = ("label", "flags")
VOLTAGES = ("min", "max", "mean", "median", "std")


@dataclass(frozen=True)
class ChannelTable:
    """Rows of a probe's ``channels.csv``, in the order of the file.

    Attributes
    ----------
    values : dict of str to ndarray of float64, shape (n_channels,)
        By measure, in the unit of its name; NaN where there is no number.
    labels : tuple of str
        By hand where there is such a label, else as the pipeline found.
    reasons : tuple of str
        Why, and flags.
    """

    values: Mapping[str, Floats]
    labels: tuple[str, ...]
    reasons: tuple[str, ...]


def read_channels(folder: Path) -> tuple[ChannelTable, frozenset[int]]:
    """Read the channels of a probe from its folder; and ids of those that are dead or noisy.

    Raises
    ------
    UserError
        If the tables are missing or malformed.
    """
    rows = read_table(folder / CHANNELS)
    by_hand = read_labels_by_hand(folder.parents[1] / BAD_CHANNELS, folder.name)
    try:
        ids = [int(row["channel"]) for row in rows]
    except (KeyError, ValueError):
        raise UserError(
            f"{folder / CHANNELS}: no table of channels. Delete it and run again."
        ) from None
    labels = tuple(
        by_hand.get(one) or row.get("label") or UNKNOWN for one, row in zip(ids, rows, strict=True)
    )
    reasons = tuple(
        "by hand" if one in by_hand else _reason(row) for one, row in zip(ids, rows, strict=True)
    )
    values = {
        name: np.array([_number(row.get(column)) for row in rows]) * factor
        for name, (column, factor) in MEASURES.items()
    }
    bad = (one for one, label in zip(ids, labels, strict=True) if label in HIDDEN_LABELS)
    return ChannelTable(values, labels, reasons), frozenset(bad)


def measured_columns(folder: Path, ids: Sequence[int]) -> dict[str, Array]:
    """Read columns of ``channels.csv`` by name, volts as microvolts; none where it has others.

    Parameters
    ----------
    folder : Path
        Of the probe.
    ids : sequence of int
        Of its channels, in their order.

    Returns
    -------
    dict of str to ndarray, shape (n_channels,)
        float64, NaN where there is no number; or texts.
    """
    try:
        rows = read_table(folder / CHANNELS)
    except (UserError, OSError):
        return {}
    if [row.get("channel") for row in rows] != list(map(str, ids)) or not rows:
        return {}
    names = [name for name in rows[0] if name not in NOT_MEASURED]
    return {name: _column(name, [row[name] or "" for row in rows]) for name in names}


def _column(name: str, texts: list[str]) -> Array:
    numbers = np.array([_number(one) for one in texts])
    if name in TEXTS or not all(
        text == "" or text.lower() == "nan"
        for text, number in zip(texts, numbers, strict=True)
        if np.isnan(number)
    ):
        return np.array(texts, dtype=str)
    return numbers * (MICROVOLTS if is_voltage(name) else 1.0)


def is_voltage(name: str) -> bool:
    """Tell whether a column of ``channels.csv`` is in volts."""
    return name in VOLTAGES or name.startswith("rms_")


def _reason(row: Mapping[str, str]) -> str:
    return " · ".join(filter(None, [row.get("reason"), row.get("flags")])) or "nothing unusual"


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")


def next_label(label: str) -> str:
    """The label that follows one: good, dead, noisy, outside, good."""
    at = LABELS.index(label) + 1 if label in LABELS else 0
    return LABELS[at % len(LABELS)]


def write_label(path: Path, probe: str, channel: int, label: str) -> None:
    """Write the label of a channel into ``bad_channels.tsv``, while nobody else does.

    Other rows, notes and further columns stay as they are.

    Raises
    ------
    UserError
        If the file cannot be read; it is left as it is.
    """
    with file_lock(path):
        read_labels_by_hand(path, probe)  # refuses what it cannot read
        rows = read_table(path) if path.is_file() else []
        if any(None in row for row in rows):
            raise UserError(f"{path}: a row has more cells than there are columns. Correct it.")
        own = {"probe": probe, "channel": str(channel)}
        before = [one for one in rows if own.items() <= one.items()]
        rest = [one for one in rows if one not in before]
        changed = {**(before[-1] if before else {"note": ""}), **own, "label": label}
        columns = list(dict.fromkeys([*COLUMNS, "note", *(rows[0] if rows else ())]))
        write_table(path, columns, [*rest, changed])
