"""A first look at files: what is in them, indexed in this process so that a page can open.

The run indexes them again: a file that Snakemake has not made itself is one that it makes again,
and it deletes it before. So the first references lie in a folder of their own, and are opened only
as long as a probe has no envelope.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lfpscope.errors import UserError
from lfpscope.hdf5.isolation import IsolatedReader
from lfpscope.references.index import index_isolated
from lfpscope.result_files import (
    ENVELOPE,
    PROBES,
    REFERENCES,
    find_probe_folders,
    probe_folder,
)
from lfpscope.sources.discover import find_probes
from lfpscope.sources.probes_table import OK, ProbeRow, read_probes
from lfpscope.sources.sessions_table import SessionRow

FIRST = ".first"
"""Folder of first references, in the folder of results."""


@dataclass(frozen=True)
class Look:
    """What was found of one probe, or of a file without one.

    Attributes
    ----------
    row : ProbeRow
        As the run will list it.
    description : str
        Of the recording, some lines; empty if there is none.
    problem : str
        Why it cannot be shown, in a line; empty if it can.
    """

    row: ProbeRow
    description: str = ""
    problem: str = ""


def look_at(row: SessionRow, results: Path, cache: Path) -> Iterator[Look]:
    """Find the probes of a session and index each, one after the other.

    Parameters
    ----------
    row : SessionRow
        Which session.
    results : Path
        Folder to write references to.
    cache : Path
        Where files are that were simulated.
    """
    with IsolatedReader() as reader:
        for probe in find_probes([row], cache=cache, reader=reader):
            if probe.status != OK:
                note = probe.note.removeprefix(f"{probe.address}: ")
                yield Look(probe, problem=f"{probe.address or row.location}: {note}")
            else:
                yield _index(probe, results, reader)


def _index(probe: ProbeRow, results: Path, reader: IsolatedReader) -> Look:
    folder = probe_folder(results, probe.session, probe.probe)
    folder.mkdir(parents=True, exist_ok=True)
    ids = {"session": probe.session, "probe": probe.probe, "series": probe.series}
    try:
        found = index_isolated(probe.address, folder / REFERENCES, **ids, reader=reader)
    except (UserError, OSError) as error:
        return Look(probe, problem=str(error))
    return Look(probe, found)


def is_summarised(results: Path, session: str) -> bool:
    """Tell whether a run has listed a session's probes and summarised each that it could read."""
    try:
        listed = read_probes(results / session / PROBES)
    except (UserError, OSError):
        return False
    probes = [one for one in listed if one.status == OK]
    folders = [probe_folder(results, session, one.probe) for one in probes]
    return bool(probes) and all((folder / ENVELOPE).exists() for folder in folders)


def first_folder(results: Path, session: str) -> Path | None:
    """Folder with the first references of a session, if they are still needed."""
    folder = results / FIRST / session
    needed = bool(find_probe_folders(folder)) and not is_summarised(results, session)
    return folder if needed else None


def forget(results: Path) -> None:
    """Remove all first references."""
    shutil.rmtree(results / FIRST, ignore_errors=True)
