"""Bring the probes of all sessions into one table."""

from pathlib import Path

from lfpscope.cli import program
from lfpscope.sources.probes_table import read_probes, write_probes


def list_probes(*sessions: Path, probes: Path) -> None:
    """Bring the probes of all sessions into one table.

    Parameters
    ----------
    sessions
        Table of the probes of each session.
    probes
        Table to write.
    """
    found = [probe for table in sessions for probe in read_probes(table)]
    write_probes(probes, found)
    print(f"{len(found)} rows of {len(sessions)} sessions")


if __name__ == "__main__":
    program(list_probes)
