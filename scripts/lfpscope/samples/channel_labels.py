"""Labels of channels: those of ``channels.csv``, and those that a user wrote."""

from pathlib import Path

from lfpscope.errors import UserError
from lfpscope.io.tables import read_table
from lfpscope.result_files import BAD_CHANNELS, CHANNELS, probe_folder

LABELS = ("good", "dead", "noisy", "outside")
COLUMNS = ("probe", "channel", "label")
FOUND = ("label", "flags", "reason")  # columns of channels.csv


def read_labels(session: Path, probe: str, channels: list[int]) -> dict[str, list[str]]:
    """Read label, flags and reason of a probe's channels; those by hand count before those found.

    Parameters
    ----------
    session : Path
        The folder of a session's results.
    probe : str
        Its id.
    channels : list of int
        Ids of its channels, in their order.

    Returns
    -------
    dict of str to list of str
        Of each of FOUND a text per channel. Empty where the pass has not been made, or was made
        of other channels.
    """
    table = probe_folder(session.parent, session.name, probe) / CHANNELS
    rows = read_table(table) if table.is_file() else []
    if [row["channel"] for row in rows] != list(map(str, channels)):
        return {}
    found = {name: [row[name] for row in rows] for name in FOUND}
    for channel, label in read_labels_by_hand(session / BAD_CHANNELS, probe).items():
        for i in [i for i, own in enumerate(channels) if own == channel]:
            found["label"][i], found["reason"][i] = label, f"by hand, in {BAD_CHANNELS}"
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
