"""Have a probe's file where it belongs."""

from pathlib import Path

from lfpscope.files import write_json
from lfpscope.program import program
from lfpscope.sources.probes import fetch_file


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
        JSON to write: address, series, size, modification time, what was checked.
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
    """
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
    write_json(checked, {**found, "series": series})


if __name__ == "__main__":
    program(fetch_probe)
