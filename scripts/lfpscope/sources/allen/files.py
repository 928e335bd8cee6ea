"""Allen's sessions: their probes, and each probe's file in the cache or where a mirror has it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import h5py

from lfpscope.errors import UserError
from lfpscope.hdf5.values import text
from lfpscope.io.tables import write_json
from lfpscope.nwb.file import open_nwb
from lfpscope.sources.allen.tables import (
    Listed,
    probes_of,
    read_csv,
    read_listed,
    session_file,
)
from lfpscope.sources.probes_table import NO_LFP, ProbeRow
from lfpscope.sources.sessions_table import SessionRow


def listed_probes(session: SessionRow, table: Path, folder: Path) -> list[ProbeRow]:
    """Find the probes of a session that are, or will be, in the cache.

    Parameters
    ----------
    session : SessionRow
        Its row.
    table : Path
        What AllenSDK says of its probes.
    folder : Path
        The cache, in AllenSDK's layout.

    Raises
    ------
    UserError
        If AllenSDK could not list them.
    """
    rows = read_listed(table)
    if failed := next((row.note for row in rows if not row.probe and not row.file), ""):
        raise UserError(f"{failed} The next run tries again.")
    probes = (listed for listed in rows if listed.probe)
    return [_row(session, probe, str(folder / probe.file)) for probe in probes]


def mirrored_probes(session: SessionRow, mirror: str) -> list[ProbeRow]:
    """Find the probes of a session in a copy of AllenSDK's cache; nothing is fetched.

    Raises
    ------
    UserError
        If its table of probes cannot be read, or has none of this session.
    """
    where = mirror.rstrip("/")
    found = probes_of(session, read_csv(where, "probes.csv"), f"{where}/probes.csv")
    return [_row(session, probe, f"{where}/{probe.file}") for probe in found]


def _row(session: SessionRow, probe: Listed, address: str) -> ProbeRow:
    status, note = "ok", probe.name
    if probe.has_lfp == "no":
        status, note = NO_LFP, f"{probe.name}: Allen publishes no LFP of it"
    elif probe.note and not Path(address).is_file():
        status, note = "unreadable", f"{probe.name}: {probe.note}"
    return ProbeRow(session.session, probe.probe, "allen", address, status=status, note=note)


def fetch_lfp(
    session: str, probe: str, path: Path, *, table: Path, stall_seconds: float, tries: int
) -> None:
    """Have a probe's file in the cache. One that is there is checked and never touched.

    Raises
    ------
    UserError
        If it does not come, or the one that is there is not this probe's, or incomplete.
    """
    check = partial(check_lfp, session=session, probe=probe)
    _fetch(probe, path, check, table=table, stall_seconds=stall_seconds, tries=tries)


def fetch_session(
    session: str,
    *,
    folder: Path,
    listed: Path,
    checked: Path,
    stall_seconds: float = 60.0,
    tries: int = 5,
) -> None:
    """Download a session's own file. One that is there is checked and never touched.

    Parameters
    ----------
    session : str
        Allen's number of it.
    folder : Path
        AllenSDK's cache.
    listed : Path
        What AllenSDK says of the session's files.
    checked : Path
        JSON to write: where it is, and its size.
    stall_seconds : float
        Without a byte for so long, and a try to download it has failed.
    tries : int
        How many there are in all.

    Raises
    ------
    UserError
        If it does not come, or the one that is there is not this session's, or not complete.
    """
    path = folder / session_file(session)
    check = partial(check_session, session=session)
    _fetch("", path, check, table=listed, stall_seconds=stall_seconds, tries=tries)
    write_json(checked, {"address": str(path.absolute()), "size": path.stat().st_size})


def _fetch(
    probe: str,
    path: Path,
    check: Callable[[Path], None],
    *,
    table: Path,
    stall_seconds: float,
    tries: int,
) -> None:
    from lfpscope.io.download import download  # 0.1 s, and only where something may be fetched

    (link,) = (listed.link for listed in read_listed(table) if listed.probe == probe)
    if not link and not path.exists():
        raise UserError(
            f"{path}: no such file, and {table} does not say where to fetch it, because it was "
            "there before. Run with --forcerun list_allen_probes."
        )
    download(link, path, check=check, stall_seconds=stall_seconds, tries=tries)


def check_session(address: str | Path, *, session: str) -> None:
    """Check that a file is complete as HDF5 sees it, and that it is this session's.

    Raises
    ------
    UserError
        If it is not.
    """
    with open_nwb(address) as nwb:
        try:
            found = text(nwb["identifier"][()])
        except (OSError, RuntimeError, KeyError, ValueError) as error:
            raise UserError(f"{address}: cannot be read ({error}).") from None
    if found != session:
        raise UserError(f"{address}: session {found}, expected {session}.")


def check_lfp(address: str | Path, *, session: str, probe: str) -> None:
    """Check that a file is complete as HDF5 sees it, and that it holds the LFP of this probe.

    Raises
    ------
    UserError
        If it is not.
    """
    expected = {"identifier": probe, "general/session_id": session}
    data = f"acquisition/probe_{probe}_lfp/probe_{probe}_lfp_data/data"
    with open_nwb(address) as nwb:
        try:
            found = {name: text(nwb[name][()]) for name in expected}
            whole = isinstance(nwb.get(data), h5py.Dataset)
        except (OSError, RuntimeError, KeyError, ValueError) as error:
            raise UserError(f"{address}: cannot be read ({error}).") from None
    if found != expected:
        what = " of session ".join(found.values())
        raise UserError(f"{address}: probe {what}, expected {probe} of session {session}.")
    if not whole:
        raise UserError(f"{address}: no dataset {data}.")
