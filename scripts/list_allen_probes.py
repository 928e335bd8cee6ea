"""List the probes of one of Allen's sessions. Runs in AllenSDK's own environment."""

from pathlib import Path

from lfpscope.cli import program
from lfpscope.errors import UserError
from lfpscope.sources.allen.tables import not_listed, write_listed
from lfpscope.sources.allen.warehouse import list_probes, open_warehouse
from lfpscope.sources.sessions_table import Session


def list_allen_probes(
    session: str,
    *,
    folder: Path,
    listed: Path,
    session_nwb: bool = False,
    scheme: str = "",
    host: str = "",
    stall_seconds: float = 60.0,
    tries: int = 5,
) -> None:
    """List the probes of a session, and where AllenSDK finds their files.

    Parameters
    ----------
    session
        Allen's number of it.
    folder
        AllenSDK's cache.
    listed
        Table to write: a row for each probe, or one with the reason why there is none.
    session_nwb
        Whether the session's own file is wanted too.
    scheme, host
        Of the warehouse; AllenSDK's own where empty.
    stall_seconds
        Without a byte for so long, and a query has failed.
    tries
        How often each thing is asked for.
    """
    row = Session(session, "allen", where="sessions table")
    try:
        cache = open_warehouse(folder, scheme=scheme, host=host, stall_seconds=stall_seconds)
        found = list_probes(cache, row, folder=folder, own_file=session_nwb, tries=tries)
    except UserError as error:
        found = [not_listed(str(error))]
    write_listed(listed, found)
    for probe in found:
        print(f"{probe.name} {probe.probe}: {probe.link or probe.note or 'nothing to fetch'}")


if __name__ == "__main__":
    program(list_allen_probes)
