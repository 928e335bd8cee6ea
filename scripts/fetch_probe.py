"""Have a probe's file where it belongs."""

from pathlib import Path

from lfpscope.cli import program
from lfpscope.errors import UserError
from lfpscope.sources.probes import fetch_file
from lfpscope.sources.status import write_status


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
    address
        Path or address where the file is or shall be.
    source
        Kind of source, as in the table of sessions.
    session, probe
        Ids.
    checked
        JSON to write: address, series, size, modification time, what was checked; or why there is
        no such file.
    series
        Path of the probe's recording in the file; empty for the one that holds LFP.
    listed
        What AllenSDK says of the session's probes, where the file may have to be fetched.
    keep
        The cache, where a file at an http or https address is to be fetched into it.
    stall_seconds
        Without a byte for so long, and a try to fetch it has failed.
    tries
        How many there are in all.
    failed
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


if __name__ == "__main__":
    program(fetch_probe)
