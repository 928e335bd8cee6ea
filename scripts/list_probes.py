"""Find the probes of all sessions."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lfpscope.program import program
from lfpscope.sources.probes import find_probes
from lfpscope.sources.tables import read_sessions, write_probes

Paths = Annotated[list[Path] | None, Parameter(consume_multiple=True)]


def list_probes(
    sessions: Path, *, cache: Path, probes: Path, listed: Paths = None, mirror: str = ""
) -> None:
    """Find the probes of all sessions; a file that cannot be read is a row that says so.

    Parameters
    ----------
    sessions
        Table of sessions.
    cache
        Folder in which files that are made or fetched are kept.
    probes
        Table of probes to write.
    listed
        What AllenSDK says of the probes of Allen's sessions: a table in each one's folder.
    mirror
        A copy of AllenSDK's cache in place of these.
    """
    tables = {table.parent.name: table for table in listed or []}
    found = find_probes(read_sessions(sessions), cache=cache, listed=tables, mirror=mirror)
    write_probes(probes, found)
    for probe in found:
        print(f"{probe.session}/{probe.probe}: {probe.status}: {probe.address}: {probe.note}")


if __name__ == "__main__":
    program(list_probes)
