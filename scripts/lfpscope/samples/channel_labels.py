"""Labels of channels: those of ``channels.csv``, and those that a user wrote."""

from pathlib import Path

from lfpscope.errors import UserError
from lfpscope.io.tables import read_table
from lfpscope.result_files import BAD_CHANNELS

LABELS = ("good", "dead", "noisy", "outside")
COLUMNS = ("probe", "channel", "label")
FOUND = ("label", "flags", "reason")  # columns of channels.csv


def read_labels(
    table: Path, by_hand: Path | None, probe: str, channels: list[int]
) -> dict[str, list[str]]:
    """Read label, flags and reason of a probe's channels; those by hand count before those found.

    Parameters
    ----------
    table : Path
        ``channels.csv`` of the probe.
    by_hand : Path, optional
        ``bad_channels.tsv`` of the session.
    probe : str
        Its id.
    channels : list of int
        Ids of its channels, in their order.

    Returns
    -------
    dict of str to list of str
        Of each of FOUND a text per channel. Empty where the pass has not been made, or was made
        of other channels, or the table has not these columns.
    """
    rows = read_table(table) if table.is_file() else []
    if not rows or not {"channel", *FOUND} <= rows[0].keys():
        return {}
    if [row["channel"] for row in rows] != list(map(str, channels)):
        return {}
    found = {name: [row[name] for row in rows] for name in FOUND}
    known = read_labels_by_hand(by_hand, probe) if by_hand else {}
    for i, channel in enumerate(channels):
        if channel in known:
            found["label"][i], found["reason"][i] = known[channel], f"by hand, in {BAD_CHANNELS}"
    return found


def read_labels_by_hand(path: Path, probe: str) -> dict[int, str]:
    """Read the labels of a probe's channels by their ids; none without a file.

    Of several rows of one channel the last one counts.

    Raises
    ------
    UserError
        If the table has not the columns probe, channel and label, or a row has another label or
        an id that is no whole number.
    """
    if not path.is_file():
        return {}
    found = {}
    for number, row in enumerate(read_table(path), start=2):
        if missing := [name for name in COLUMNS if row.get(name) is None]:
            raise UserError(
                f"{path}: no column {missing[0]} (expected probe, channel, label and note, with "
                "tabs between). Add it."
            )
        if row["label"] not in LABELS or not row["channel"].strip().lstrip("-").isdecimal():
            raise UserError(
                f"{path}, line {number}: label {row['label']!r} of channel {row['channel']!r} "
                f"(expected an id and one of {', '.join(LABELS)}). Correct the row."
            )
        if row["probe"] == probe:
            found[int(row["channel"])] = row["label"]
    return found
