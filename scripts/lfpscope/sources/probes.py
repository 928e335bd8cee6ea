"""Sessions → probes, and each probe's bytes in place, whatever the source."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lfpscope.cli import INTERRUPTED
from lfpscope.errors import UserError
from lfpscope.hdf5.isolation import Apart
from lfpscope.io.addresses import is_remote, open_address
from lfpscope.nwb.file import open_nwb
from lfpscope.sources.allen.files import check_lfp, fetch_lfp, listed_probes, mirrored_probes
from lfpscope.sources.demo.nwb_writer import demo_is_whole, demo_probes, make_probe
from lfpscope.sources.nwb import nwb_probes
from lfpscope.sources.probes_table import NO_LFP, UNREADABLE, Probe, write_probes
from lfpscope.sources.sessions_table import Session, kept_at
from lfpscope.sources.status import write_status


def find_probes(
    sessions: Sequence[Session],
    *,
    cache: Path,
    listed: Mapping[str, Path] = MappingProxyType({}),
    mirror: str = "",
) -> list[Probe]:
    """Find the probes of sessions. A session that has none because of an error is a row of itself.

    Parameters
    ----------
    sessions : sequence of Session
        Rows of the table of sessions.
    cache : Path
        Folder in which files that are made or fetched are kept.
    listed : mapping of Path
        What AllenSDK says of the probes of each of Allen's sessions.
    mirror : str
        A copy of AllenSDK's cache in place of these, on disk or on a server.
    """
    found: list[Probe] = []
    with Apart() as apart:
        for session in sessions:
            try:
                probes = _find_probes(session, cache, listed, mirror, apart)
                found += keep_probes(session, probes)
            except UserError as error:
                found.append(unreadable_session(session, str(error)))
    return found


def _find_probes(
    session: Session, cache: Path, listed: Mapping[str, Path], mirror: str, apart: Apart
) -> list[Probe]:
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
            return nwb_probes(session, apart)


def unreadable_session(session: Session, reason: str) -> Probe:
    """Return the row of a session whose probes cannot be listed."""
    return Probe(
        session.session,
        session.session,
        session.source,
        session.location,
        status=UNREADABLE,
        note=" ".join(reason.split()),
    )


def is_to_list_again(probe: Probe) -> bool:
    """Tell whether a row may be another one in the next run, although nothing on disk changes."""
    return probe.status == UNREADABLE and not os.path.exists(probe.address)  # noqa: PTH110


def _demo_rows(session: Session, cache: Path) -> list[Probe]:
    return [
        Probe(
            session.session,
            probe,
            "demo",
            str(cache / "demo" / session.session / f"{probe}.nwb"),
            note="simulated",
        )
        for probe in demo_probes(session.session)
    ]


def keep_probes(session: Session, probes: Sequence[Probe]) -> list[Probe]:
    """Keep the probes that the row names; all where it names none.

    A file that cannot be read stands for each probe that might have been in it. Files without LFP
    stay: they may hold the session's intervals. A probe that is named and not there is a row.
    """
    if not session.probes:
        return list(probes)
    there = ", ".join(probe.probe for probe in probes)
    missing = [
        Probe(
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


def _may_be(probe: Probe, wanted: str) -> bool:
    """Tell whether a row is the probe that is wanted, or a file that may have held it."""
    unread = probe.status == UNREADABLE and not probe.series
    return probe.probe == wanted or (unread and wanted.startswith(f"{probe.probe}."))


def fetch_file(
    source: str,
    session: str,
    probe: str,
    address: str,
    *,
    listed: Path | None = None,
    keep: Path | None = None,
    stall_seconds: float = 60.0,
    tries: int = 5,
) -> dict[str, Any]:
    """Have a probe's file where it belongs, and say how it was checked.

    A file of the user's, or on a server, is only looked at. The demo's is made and Allen's is
    fetched, unless it is there and whole; so is one at an https address that is to be kept.

    Parameters
    ----------
    source, session, probe, address : str
        As in the table of probes.
    listed : Path or None
        What AllenSDK says of the session's probes; None where nothing is to be fetched.
    keep : Path or None
        The cache, where the user's files at http and https addresses are to be fetched into it;
        None where they stay on their servers.
    stall_seconds : float
        Without a byte for so long, and a try to fetch it has failed.
    tries : int
        How many there are in all.

    Returns
    -------
    dict
        Address, size, modification time, what was checked, and where it was fetched from if it
        was to be kept.

    Raises
    ------
    UserError
        If a file is missing, not whole or another one's, or does not come.
    """
    origin: dict[str, str] = {}
    if source == "allen":
        if listed:
            path = Path(address)
            fetch_lfp(session, probe, path, table=listed, stall_seconds=stall_seconds, tries=tries)
        check_lfp(address, session=session, probe=probe)
        checked = "opens as HDF5; probe and session are the ones asked for, and it holds the LFP"
    elif source == "demo":
        if demo_is_whole(Path(address), session, probe):
            print(f"{address} is there and whole")
        else:
            print(f"making {address}")
            make_probe(session, probe, Path(address))
        checked = "opens as HDF5; ids, version and shape are those of the demo"
    else:
        if keep and (place := kept_at(address, keep)):
            from lfpscope.io.download import download  # 0.1 s, and only where something is kept

            download(address, place, check=_opens, stall_seconds=stall_seconds, tries=tries)
            origin, address = {"fetched_from": address}, str(place)
        open_nwb(address).close()
        checked = "opens as HDF5, which compares the file's size with what its header says"
    stable = address if is_remote(address) else str(Path(address).absolute())
    with open_address(stable) as file:
        return {"address": stable, **origin, **file.identity(), "checked": checked}


def _opens(path: Path) -> None:
    open_nwb(path).close()


def fetch_probe(
    address: str,
    *,
    source: str,
    session: str,
    probe: str,
    checked: Path,
    series: str = "",
    listed: Path | None = None,
    keep: Path | None = None,
    stall_seconds: float = 60.0,
    tries: int = 5,
    failed: int = 0,
) -> None:
    """Find, make or fetch the file of one probe, check it, and note where it is.

    Parameters
    ----------
    address : str
        Path or address where the file is or shall be.
    source : str
        Kind of source, as in the table of sessions.
    session, probe : str
        Ids.
    checked : Path
        JSON to write: address, series, size, modification time, what was checked; or why there is
        no such file.
    series : str
        Path of the probe's recording in the file; empty for the one that holds LFP.
    listed : Path, optional
        What AllenSDK says of the session's probes, where the file may have to be fetched.
    keep : Path, optional
        The cache, where a file at an http or https address is to be fetched into it.
    stall_seconds : float
        Without a byte for so long, and a try to fetch it has failed.
    tries : int
        How many there are in all.
    failed : int
        How often the file did not come in runs before.
    """
    reason, found = "", {}
    try:
        found = fetch_file(
            source,
            session,
            probe,
            address,
            listed=listed,
            keep=keep,
            stall_seconds=stall_seconds,
            tries=tries,
        )
    except (UserError, OSError) as error:
        reason = str(error)
        print(f"error: {reason}")
    write_status(checked, reason, failed, **found, series=series)


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
        A copy of AllenSDK's cache in place of that.
    tries : int
        How often the session could not be listed before.
    ended : int
        The exit code with which this program has ended before it wrote anything.
    """
    if ended in INTERRUPTED:  # nothing is known of the session
        sys.exit(ended)
    row = Session(
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
