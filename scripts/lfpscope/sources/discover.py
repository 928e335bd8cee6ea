"""Find the probes of sessions, whatever the source."""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import MappingProxyType

from lfpscope.cli import INTERRUPTED
from lfpscope.errors import UserError
from lfpscope.hdf5.isolation import IsolatedReader
from lfpscope.sources.allen.files import listed_probes, mirrored_probes
from lfpscope.sources.demo.nwb_writer import demo_probes
from lfpscope.sources.nwb import nwb_probes
from lfpscope.sources.probes_table import NO_LFP, UNREADABLE, ProbeRow, write_probes
from lfpscope.sources.sessions_table import SessionRow
from lfpscope.sources.status import write_status


def find_probes(
    sessions: Sequence[SessionRow],
    *,
    cache: Path,
    listed: Mapping[str, Path] = MappingProxyType({}),
    mirror: str = "",
    reader: IsolatedReader | None = None,
) -> list[ProbeRow]:
    """Find the probes of sessions. A session that has none because of an error is a row of itself.

    Parameters
    ----------
    sessions : sequence of SessionRow
        Rows of the table of sessions.
    cache : Path
        Folder in which files that are made or fetched are kept.
    listed : mapping of Path
        What AllenSDK says of the probes of each of Allen's sessions.
    mirror : str
        A copy of AllenSDK's cache instead of these, on disk or on a server.
    reader : IsolatedReader, optional
        Reads the files; without it one that ends afterwards.
    """
    found: list[ProbeRow] = []
    with nullcontext(reader) if reader else IsolatedReader() as reader:
        for session in sessions:
            try:
                probes = _find_probes(session, cache, listed, mirror, reader)
                found += keep_probes(session, probes)
            except UserError as error:
                found.append(unreadable_session(session, str(error)))
    return found


def _find_probes(
    session: SessionRow,
    cache: Path,
    listed: Mapping[str, Path],
    mirror: str,
    reader: IsolatedReader,
) -> list[ProbeRow]:
    if session.problem:
        raise UserError(session.problem)
    match session.source:
        case "demo":
            return _demo_rows(session, cache)
        case "allen" if mirror:
            return mirrored_probes(session, mirror)
        case "allen":
            return listed_probes(session, listed[session.session], cache / "allen")
        case _:
            return nwb_probes(session, reader)


def unreadable_session(session: SessionRow, reason: str) -> ProbeRow:
    """Return the row of a session whose probes cannot be listed."""
    return ProbeRow(
        session.session,
        session.session,
        session.source,
        session.location,
        status=UNREADABLE,
        note=" ".join(reason.split()),
    )


def is_to_list_again(probe: ProbeRow) -> bool:
    """Tell whether a row may be another one in the next run, although nothing on disk changes."""
    return probe.status == UNREADABLE and not os.path.exists(probe.address)  # noqa: PTH110


def _demo_rows(session: SessionRow, cache: Path) -> list[ProbeRow]:
    return [
        ProbeRow(
            session.session,
            probe,
            "demo",
            str(cache / "demo" / session.session / f"{probe}.nwb"),
            note="simulated",
        )
        for probe in demo_probes(session.session)
    ]


def keep_probes(session: SessionRow, probes: Sequence[ProbeRow]) -> list[ProbeRow]:
    """Keep the probes that the row names; all where it names none.

    A file that cannot be read stands for each probe that might have been in it. Files without LFP
    stay: they may hold the session's intervals. A probe that is named and not there is a row.
    """
    if not session.probes:
        return list(probes)
    there = ", ".join(probe.probe for probe in probes)
    missing = [
        ProbeRow(
            session.session,
            wanted,
            session.source,
            "",
            status=UNREADABLE,
            note=f"{session.where or 'sessions table'}: no probe {wanted!r} in session "
            f"{session.session!r}; there are {there}. Correct the column `probes`.",
        )
        for wanted in dict.fromkeys(session.probes)
        if not any(_may_be(probe, wanted) for probe in probes)
    ]
    kept = [
        probe
        for probe in probes
        if probe.status == NO_LFP or any(_may_be(probe, wanted) for wanted in session.probes)
    ]
    return [*kept, *missing]


def _may_be(probe: ProbeRow, wanted: str) -> bool:
    """Tell whether a row is the probe that is wanted, or a file that may have held it."""
    unread = probe.status == UNREADABLE and not probe.series
    return probe.probe == wanted or (unread and wanted.startswith(f"{probe.probe}."))


def list_session(
    session: str,
    *,
    source: str,
    cache: Path,
    probes: Path,
    listing: Path,
    location: str = "",
    keep: str = "",
    series: str = "",
    problem: str = "",
    listed: Path | None = None,
    mirror: str = "",
    tries: int = 0,
    ended: int = 0,
) -> None:
    """Find the probes of a session; what cannot be read is a row that says so.

    Parameters
    ----------
    session, source, location, series, problem : str
        Its row of the table of sessions.
    keep : str
        Ids of the probes to keep, with commas between; empty for all.
    cache : Path
        Folder in which files that are made or fetched are kept.
    probes : Path
        Table of probes to write.
    listing : Path
        JSON to write: whether it is complete, else why not, and how often that has been so.
    listed : Path, optional
        What AllenSDK says of the session's probes.
    mirror : str
        A copy of AllenSDK's cache instead of that.
    tries : int
        How often the session could not be listed before.
    ended : int
        The exit code with which this program has ended before it wrote anything.
    """
    if ended in INTERRUPTED:  # nothing is known of the session
        sys.exit(ended)
    row = SessionRow(
        session,
        source,
        location,
        tuple(keep.split(",")) if keep else (),
        series,
        "sessions table",
        problem,
    )
    if ended:
        reason = (
            f"its listing ended with exit code {ended}; see its log, list_session/{session}.log. "
            "The next run tries again."
        )
        found = [unreadable_session(row, reason)]
    else:
        tables = {session: listed} if listed else {}
        found = find_probes([row], cache=cache, listed=tables, mirror=mirror)
    reasons = [probe.note for probe in found if ended or is_to_list_again(probe)]
    write_probes(probes, found)
    write_status(listing, "; ".join(reasons), tries)
    for probe in found:
        print(f"{probe.session}/{probe.probe}: {probe.status}: {probe.address}: {probe.note}")
