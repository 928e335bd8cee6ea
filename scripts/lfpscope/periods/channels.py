"""Channels of a probe in which theta and ripples are looked for."""

import re
from pathlib import Path

import numpy as np

from lfpscope.envelope.read import OpenProbe
from lfpscope.io.tables import read_table
from lfpscope.samples.channel_labels import read_labels_by_hand
from lfpscope.typing import Floats, Ints, Mask

N_CHANNELS = 8  # at most
MISSING = 0.01  # more of the samples than of the most complete channel
CORNU_AMMONIS = re.compile(r"CA ?[123]", re.IGNORECASE)


def find_good(table: Path, by_hand: Path | None, probe: OpenProbe) -> Mask:
    """Find the channels that are good, or of which nothing is known; what the user wrote counts.

    Without those of which more is missing: times at which a channel has no number are not searched.
    """
    rows = read_table(table)
    given = {} if by_hand is None else read_labels_by_hand(by_hand, probe.references.probe)
    ids = probe.references.channels.id.tolist()
    labels = [given.get(i, row["label"]) for i, row in zip(ids, rows, strict=True)]
    good = np.isin(labels, ("good", "unknown")) & ~probe.dead
    missing = np.array([_missing(row) for row in rows])
    return np.asarray(good & (missing <= missing[good].min(initial=1.0) + MISSING))


def _missing(row: dict[str, str]) -> float:
    """Share of a channel's samples without a number."""
    lost = sum(int(row[name]) for name in ("n_nan", "n_implausible", "n_damaged"))
    return lost / max(int(row["n_samples"]), 1)


def find_hippocampal(probe: OpenProbe) -> Mask:
    """Find the channels that the file says lie in CA1, CA2 or CA3, whatever their layer."""
    columns = probe.references.channels.columns
    if "area" not in columns:
        return np.zeros(probe.references.n_channels, np.bool_)
    return np.array([bool(CORNU_AMMONIS.search(str(area))) for area in columns["area"]], np.bool_)


def find_largest(values: Floats, good: Mask) -> Ints:
    """Find the good channels with the largest values, at most eight; in the order of the probe."""
    usable = np.flatnonzero(good & np.isfinite(values))
    best = usable[np.argsort(-values[usable], kind="stable")[:N_CHANNELS]]
    return np.sort(best)
