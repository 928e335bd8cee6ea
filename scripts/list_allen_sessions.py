"""Write a table of Allen's sessions."""

from functools import partial
from pathlib import Path

from lfpscope.cli import program
from lfpscope.io.tables import write_table
from lfpscope.sources.allen.tables import Wanted, areas_in, read_csv, select_sessions


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
    sessions
        Table to write.
    folder
        AllenSDK's cache.
    mirror
        A copy of it in its place, on disk or on a server.
    session_type, full_genotype
        As AllenSDK has them, of the genotype also a part; empty for any.
    ecephys_structure_acronyms
        Brain areas, with commas between, that a session must all have.
    scheme, host
        Of the warehouse; AllenSDK's own where empty.
    stall_seconds
        Without a byte for so long, and a query has failed.
    tries
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


if __name__ == "__main__":
    program(list_allen_sessions)
