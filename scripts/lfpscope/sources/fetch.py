"""Bring the file of a probe to where it belongs, whatever the source."""

from pathlib import Path
from typing import Any

from lfpscope.errors import UserError
from lfpscope.io.addresses import is_remote, open_address
from lfpscope.io.progress import noted_in
from lfpscope.nwb.file import open_nwb
from lfpscope.sources.allen.files import check_lfp, fetch_lfp
from lfpscope.sources.demo.nwb_writer import is_demo_complete, make_probe
from lfpscope.sources.sessions_table import cached_path
from lfpscope.sources.status import write_status


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
    fetched, unless it is there and complete; so is one at an https address that is to be kept.

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
        If a file is missing, incomplete or another one's, or does not come.
    """
    origin: dict[str, str] = {}
    if source == "allen":
        if listed:
            path = Path(address)
            fetch_lfp(session, probe, path, table=listed, stall_seconds=stall_seconds, tries=tries)
        check_lfp(address, session=session, probe=probe)
        checked = "opens as HDF5; probe and session are the ones asked for, and it holds the LFP"
    elif source == "demo":
        if is_demo_complete(Path(address), session, probe):
            print(f"{address} is there and complete")
        else:
            print(f"making {address}")
            make_probe(session, probe, Path(address))
        checked = "opens as HDF5; ids, version and shape are those of the demo"
    else:
        if keep and (place := cached_path(address, keep)):
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
        with noted_in(checked.parent):
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
