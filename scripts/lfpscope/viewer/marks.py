"""Marks and bad channels of a session, in a small text file that people can read and merge."""

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from lfpscope.errors import UserError
from lfpscope.io.locks import file_lock
from lfpscope.io.tables import write_table
from lfpscope.nwb.intervals import Interval


@dataclass(frozen=True)
class Mark:
    """One line of the file.

    Attributes
    ----------
    start, stop : str
        Session time, seconds; empty for a channel that is bad throughout.
    probe, channel : str
        Its probe and electrode ids, with spaces between; empty for all.
    note : str
        What the reader wrote.
    """

    start: str = ""
    stop: str = ""
    probe: str = ""
    channel: str = ""
    note: str = ""


Piece = tuple[float, float]
"""Start and stop in session time, seconds."""
COLUMNS = tuple(field.name for field in fields(Mark))
BAD = "bad"


def read_marks(path: Path) -> list[Mark]:
    """All marks, in the order in which they were made; none without a file.

    Raises
    ------
    UserError
        If the file, which people may edit, has other columns, or a line that is no mark.
    """
    if not path.exists():
        return []
    found: list[Mark] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.DictReader(file, strict=True)  # or an open quote swallows lines
        try:
            if sorted(lines.fieldnames or ()) != sorted(COLUMNS):
                raise ValueError(f"expected the columns {','.join(COLUMNS)}")
            found.extend(_mark(line) for line in lines)
        except (ValueError, csv.Error) as error:
            raise UserError(
                f"{path}, line {max(lines.reader.line_num, 1)}: {error}. Correct it and load the "
                "page again; until then no marks are shown, and none are written."
            ) from None
    return found


def _mark(line: dict[str, str | None]) -> Mark:
    """Check that a line is a mark, so that writing it again loses nothing of it."""
    if None in line:
        raise ValueError(f"expected {len(COLUMNS)} cells, found more")
    mark = Mark(**{name: line[name] or "" for name in COLUMNS})
    if mark.start or mark.stop:
        for name, text in (("start", mark.start), ("stop", mark.stop)):
            if not _is_number(text):
                raise ValueError(f"{name} is {text!r}; expected seconds")
    return mark


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def change_marks(path: Path, change: Callable[[list[Mark]], list[Mark]]) -> list[Mark]:
    """Read the file, change the marks and write it, while nobody else does.

    Returns
    -------
    list of Mark
        What now stands in the file: the marks of other pages as well.

    Raises
    ------
    UserError
        If the file holds what cannot be read; it is left as it is.
    """
    with file_lock(path):
        marks = change(read_marks(path))
        write_table(path, COLUMNS, [asdict(mark) for mark in marks])
    return marks


def add_mark(
    path: Path, pieces: Sequence[Piece], note: str, probe: str = "", channels: Sequence[int] = ()
) -> list[Mark]:
    """Mark stretches of session time, of all channels or of some of a probe."""
    one_line, ids = " ".join(note.split()), " ".join(map(str, channels))
    new = [Mark(f"{start:.6f}", f"{stop:.6f}", probe, ids, one_line) for start, stop in pieces]
    return change_marks(path, lambda marks: [*marks, *new])


def toggle_bad(path: Path, probe: str, channel: int) -> list[Mark]:
    """Mark a channel as bad, or no longer."""
    mark = Mark(probe=probe, channel=str(channel), note=BAD)

    def toggled(marks: list[Mark]) -> list[Mark]:
        rest = [one for one in marks if one != mark]
        return rest if len(rest) < len(marks) else [*marks, mark]

    return change_marks(path, toggled)


def remove_mark(path: Path, pieces: Sequence[Piece]) -> list[Mark]:
    """Take away the last mark that touches one of some stretches of session time."""

    def without(marks: list[Mark]) -> list[Mark]:
        touching = [
            index
            for index, mark in enumerate(marks)
            for start, stop in pieces
            if mark.start and float(mark.start) <= stop and float(mark.stop) >= start
        ]
        return [mark for index, mark in enumerate(marks) if index not in touching[-1:]]

    return change_marks(path, without)


def bad_channels(marks: list[Mark]) -> frozenset[tuple[str, int]]:
    """Probe and electrode id of bad channels."""
    bad = (mark for mark in marks if mark.note == BAD and not mark.start)
    return frozenset((mark.probe, int(mark.channel)) for mark in bad if mark.channel.isdecimal())


def boxes(marks: list[Mark], probe: str) -> list[tuple[Interval, set[int]]]:
    """Marked stretches of some of a probe's channels, named by electrode id."""
    mine = (mark for mark in marks if mark.probe == probe and mark.start)
    return [
        (one, {int(channel) for channel in mark.channel.split() if channel.isdecimal()})
        for mark in mine
        for one in marked([mark])
    ]


def marked(marks: list[Mark]) -> list[Interval]:
    """Marks that are stretches of time, as intervals."""
    timed = (mark for mark in marks if mark.start)
    return [
        Interval(float(m.start), float(m.stop), f"mark: {m.note}" if m.note else "mark")
        for m in timed
    ]
