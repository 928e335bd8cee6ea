"""Tables of Allen's sessions: AllenSDK's own, and what it says of a session's probes.

AllenSDK's environment reads and writes these too: nothing is imported that it lacks.
"""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from lfpscope.errors import UserError
from lfpscope.io.addresses import open_address
from lfpscope.io.tables import read_table, write_table
from lfpscope.sources.sessions_table import SessionRow


@dataclass(frozen=True)
class Listed:
    """A probe of one of Allen's sessions, or the session's own file.

    Attributes
    ----------
    probe, name : str
        Allen's id, and the probe's letter: ``probeA`` and so on. No id: the session's own file, or
        without a file the reason why nothing is listed.
    has_lfp : str
        ``yes`` or ``no``: of some probes Allen publishes no LFP.
    file : str
        Where its LFP lies below the cache folder, in AllenSDK's layout.
    link : str
        Where it is fetched from; empty where it need not be, or there is no such file.
    note : str
        Why there is no link where there should be one.
    """

    probe: str
    name: str
    has_lfp: str
    file: str
    link: str = ""
    note: str = ""


def write_listed(path: Path, probes: Iterable[Listed]) -> None:
    """Write the table of a session's probes."""
    write_table(path, [field.name for field in fields(Listed)], map(asdict, probes))


def read_listed(path: Path) -> list[Listed]:
    """Read the table of a session's probes."""
    return [Listed(**row) for row in read_table(path)]


def not_listed(reason: str) -> Listed:
    """Return the row of a session whose probes AllenSDK could not list."""
    return Listed("", "", "", "", note=reason)


def lfp_file(session: str, probe: str) -> str:
    """Where AllenSDK keeps a probe's LFP, below its cache folder.

    >>> lfp_file("715093703", "810755797")
    'session_715093703/probe_810755797_lfp.nwb'
    """
    return f"session_{session}/probe_{probe}_lfp.nwb"


def session_file(session: str) -> str:
    """Where AllenSDK keeps a session's own file, below its cache folder.

    >>> session_file("715093703")
    'session_715093703/session_715093703.nwb'
    """
    return f"session_{session}/session_{session}.nwb"


def read_csv(folder: str, name: str) -> list[dict[str, Any]]:
    """Read one of AllenSDK's tables from a folder, on disk or on a server.

    Raises
    ------
    UserError
        If it is not there, or not a table of AllenSDK's.
    """
    address = f"{folder.rstrip('/')}/{name}"
    with open_address(address) as file:
        text = file.read(0, file.size).decode("utf-8", errors="replace")
    rows = list(csv.DictReader(io.StringIO(text)))
    if not rows or "id" not in rows[0]:
        raise UserError(f"{address}: no table of AllenSDK's, which has a column `id`. Remove it.")
    return rows


def probes_of(session: SessionRow, rows: Iterable[dict[str, Any]], origin: str) -> list[Listed]:
    """Take a session's probes from a table of AllenSDK's.

    Parameters
    ----------
    session : SessionRow
        Its row of the table of sessions.
    rows : iterable of dict
        AllenSDK's table of probes.
    origin : str
        Where that is from, for an error message.

    Raises
    ------
    UserError
        If it knows none.
    """
    found = [
        Listed(
            probe=str(row["id"]),
            name=str(row.get("name", "")),
            # the warehouse writes true, AllenSDK's tables True
            has_lfp="yes" if str(row.get("has_lfp_data", True)).lower() == "true" else "no",
            file=lfp_file(session.session, str(row["id"])),
        )
        for row in rows
        if str(row.get("ecephys_session_id")) == session.session
    ]
    if not found:
        raise UserError(
            f"{session.where}: {origin} has no probe of a session {session.session}. Correct the "
            "number: list_allen_sessions writes a table of those that there are."
        )
    return found


# --- choosing sessions ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """What sessions are chosen by, named as AllenSDK's columns; empty for any.

    Attributes
    ----------
    session_type : str
        Set of stimuli, such as ``brain_observatory_1.1``.
    full_genotype : str
        The genotype, or a part of it, such as ``Sst``.
    ecephys_structure_acronyms : tuple of str
        Brain areas; a session must have channels in all of them.
    """

    session_type: str = ""
    full_genotype: str = ""
    ecephys_structure_acronyms: tuple[str, ...] = ()


def select_sessions(
    rows: Sequence[dict[str, Any]], wanted: Wanted, areas_of: Callable[[str], set[str]]
) -> list[str]:
    """Choose sessions.

    Parameters
    ----------
    rows : sequence of dict
        AllenSDK's table of sessions.
    wanted : Wanted
        What they are chosen by.
    areas_of : callable
        Gives the areas of a session; only asked where areas are wanted.

    Raises
    ------
    UserError
        If none fits.
    """
    fitting = [
        str(row["id"])
        for row in rows
        if wanted.session_type in ("", row["session_type"])
        and wanted.full_genotype in str(row["genotype"])
    ]
    areas = set(wanted.ecephys_structure_acronyms)
    found = [session for session in fitting if not areas or areas <= areas_of(session)]
    if not found:
        asked = (f"{name} {_words(value)}" for name, value in asdict(wanted).items() if value)
        types = ", ".join(sorted({str(row["session_type"]) for row in rows}))
        raise UserError(
            f"no session fits {' and '.join(asked)}; of session_type there are {types}. "
            "Correct allen.select in the configuration."
        )
    return found


def _words(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else ", ".join(value)


def areas_in(folder: str) -> Callable[[str], set[str]]:
    """Return a function for the areas of a session, from AllenSDK's tables in a folder."""
    found: dict[str, set[str]] = {}

    def areas_of(session: str) -> set[str]:
        if not found:  # 6.6 MB, read where areas are asked for
            session_of = {
                row["id"]: row["ecephys_session_id"] for row in read_csv(folder, "probes.csv")
            }
            for row in read_csv(folder, "channels.csv"):
                area = row["ecephys_structure_acronym"]
                found.setdefault(session_of.get(row["ecephys_probe_id"], ""), set()).add(area)
        return found.get(session, set())

    return areas_of
