"""Labels of channels that a user wrote: ``bad_channels.tsv`` of a session."""

from pathlib import Path

from lfpscope.errors import UserError
from lfpscope.io.tables import read_table

LABELS = ("good", "dead", "noisy", "outside")
COLUMNS = ("probe", "channel", "label")


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
