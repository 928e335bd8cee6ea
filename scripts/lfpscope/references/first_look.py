"""A first look at files: which probes they hold, indexed so that samples of them can be shown."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lfpscope.errors import UserError
from lfpscope.hdf5.isolation import IsolatedReader
from lfpscope.result_files import REFERENCES, probe_folder
from lfpscope.sources.probes_table import OK, ProbeRow
from lfpscope.sources.sessions_table import SessionRow


@dataclass(frozen=True)
class Look:
    """What was found of one probe, or of a file without one.

    Attributes
    ----------
    row : ProbeRow
        As a run lists it.
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
        reader.start()  # it imports what it needs while this process does
        from lfpscope.sources.discover import find_probes

        for probe in find_probes([row], cache=cache, reader=reader):
            if probe.status != OK:
                note = probe.note.removeprefix(f"{probe.address}: ")
                yield Look(probe, problem=f"{probe.address or row.location}: {note}")
            else:
                yield _index(probe, results, reader)


def _index(probe: ProbeRow, results: Path, reader: IsolatedReader) -> Look:
    from lfpscope.references.index import index_isolated

    folder = probe_folder(results, probe.session, probe.probe)
    folder.mkdir(parents=True, exist_ok=True)
    ids = {"session": probe.session, "probe": probe.probe, "series": probe.series}
    try:
        found = index_isolated(probe.address, folder / REFERENCES, **ids, reader=reader)
    except (UserError, OSError) as error:
        return Look(probe, problem=str(error))
    return Look(probe, found)
