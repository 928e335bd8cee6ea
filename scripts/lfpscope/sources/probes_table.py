"""The table of probes."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from lfpscope.io.tables import read_table, write_table

OK, NO_LFP, NOT_TAKEN, UNREADABLE = "ok", "no LFP", "not taken", "unreadable"  # statuses


@dataclass(frozen=True)
class ProbeRow:
    """A row of the table of probes.

    Attributes
    ----------
    session, probe : str
        Ids.
    source : str
        As in the sessions table.
    address : str
        Where its bytes are, or will be once fetched.
    series : str
        Path of the series in the file; empty where the file has one only.
    status : str
        ``ok``; ``no LFP`` where none was recorded; ``not taken`` for what was found and is no LFP
        recording that is read; ``unreadable``.
    note : str
        The reason for that, or what was found and what is odd about it; one line.
    """

    session: str
    probe: str
    source: str
    address: str
    series: str = ""
    status: str = "ok"
    note: str = ""


def write_probes(path: Path, probes: Iterable[ProbeRow]) -> None:
    """Write the table of probes."""
    write_table(path, [field.name for field in fields(ProbeRow)], map(asdict, probes))


def read_probes(path: Path) -> list[ProbeRow]:
    """Read the table of probes."""
    return [ProbeRow(**row) for row in read_table(path)]


def list_probes(*sessions: Path, probes: Path) -> None:
    """Bring the probes of all sessions into one table.

    Parameters
    ----------
    sessions : Path
        Table of the probes of each session.
    probes : Path
        Table to write.
    """
    found = [probe for table in sessions for probe in read_probes(table)]
    write_probes(probes, found)
    print(f"{len(found)} rows of {len(sessions)} sessions")
