"""Allen's sessions and their probes, listed in AllenSDK's own environment."""

from functools import partial
from pathlib import Path

from lfpscope.errors import UserError
from lfpscope.io.tables import write_table
from lfpscope.sources.allen.tables import (
    Wanted,
    areas_in,
    not_listed,
    read_csv,
    select_sessions,
    write_listed,
)
from lfpscope.sources.sessions_table import SessionRow


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
    session : str
        Allen's number of it.
    folder : Path
        AllenSDK's cache.
    listed : Path
        Table to write: a row for each probe, or one with the reason why there is none.
    session_nwb : bool
        Whether the session's own file is wanted too.
    scheme, host : str
        Of the warehouse; AllenSDK's own where empty.
    stall_seconds : float
        Without a byte for so long, and a query has failed.
    tries : int
        How often each thing is asked for.
    """
    # only AllenSDK's environment has what it imports
    from lfpscope.sources.allen.warehouse import list_probes, open_warehouse

    row = SessionRow(session, "allen", where="sessions table")
    try:
        cache = open_warehouse(folder, scheme=scheme, host=host, stall_seconds=stall_seconds)
        found = list_probes(cache, row, folder=folder, own_file=session_nwb, tries=tries)
    except UserError as error:
        found = [not_listed(str(error))]
    write_listed(listed, found)
    for probe in found:
        print(f"{probe.name} {probe.probe}: {probe.link or probe.note or 'nothing to fetch'}")


def list_allen_sessions(
    *,
    sessions: Path,
    folder: Path,
    mirror: str = "",
    session_type: str = "",
    full_genotype: str = "",
    ecephys_structure_acronyms: str = "",
    scheme: str = "",
    host: str = "",
    stall_seconds: float = 60.0,
    tries: int = 5,
) -> None:
    """Write a table of the sessions that fit, to be used as the table of sessions.

    AllenSDK is needed, and the warehouse asked, only where there is no `sessions.csv`.

    Parameters
    ----------
    sessions : Path
        Table to write.
    folder : Path
        AllenSDK's cache.
    mirror : str
        A copy of it in its place, on disk or on a server.
    session_type, full_genotype : str
        As AllenSDK has them, of the genotype also a part; empty for any.
    ecephys_structure_acronyms : str
        Brain areas, with commas between, that a session must all have.
    scheme, host : str
        Of the warehouse; AllenSDK's own where empty.
    stall_seconds : float
        Without a byte for so long, and a query has failed.
    tries : int
        How often each thing is asked for.
    """
    areas = [area.strip() for area in ecephys_structure_acronyms.split(",")]
    wanted = Wanted(session_type, full_genotype, tuple(filter(None, areas)))
    if mirror or (folder / "sessions.csv").is_file():
        tables = mirror or str(folder)
        found = select_sessions(read_csv(tables, "sessions.csv"), wanted, areas_in(tables))
    else:
        from lfpscope.sources.allen import warehouse

        cache = warehouse.open_warehouse(
            folder, scheme=scheme, host=host, stall_seconds=stall_seconds
        )
        rows = warehouse.list_sessions(cache, tries=tries)
        areas_of = partial(warehouse.session_areas, cache, tries=tries)
        found = select_sessions(rows, wanted, areas_of)
    write_table(sessions, ["session", "source"], ({"session": s, "source": "allen"} for s in found))
    print(f"{len(found)} sessions in {sessions}")
