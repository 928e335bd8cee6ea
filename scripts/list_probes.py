"""Find the probes of all sessions."""

from pathlib import Path

from lfpscope.program import program
from lfpscope.sources.probes import find_probes
from lfpscope.sources.tables import read_sessions, write_probes


def list_probes(sessions: Path, *, cache: Path, probes: Path) -> None:
    """Find the probes of all sessions; a file that cannot be read is a row that says so.

    Parameters
    ----------
    sessions
        Table of sessions.
    cache
        Folder in which files that are made or fetched are kept.
    probes
        Table of probes to write.
    """
    found = find_probes(read_sessions(sessions), cache=cache)
    write_probes(probes, found)
    for probe in found:
        print(f"{probe.session}/{probe.probe}: {probe.status}: {probe.address}: {probe.note}")


if __name__ == "__main__":
    program(list_probes)
