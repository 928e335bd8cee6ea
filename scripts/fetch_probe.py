"""Have a probe's file where it belongs."""

from pathlib import Path

from lfpscope.files import write_json
from lfpscope.program import program
from lfpscope.sources.probes import fetch_file


def fetch_probe(address: str, *, source: str, session: str, probe: str, checked: Path) -> None:
    """Find or make the file of one probe, check it, and note where it is.

    Parameters
    ----------
    address
        Path or address where the file is or shall be.
    source
        Kind of source, as in the table of sessions.
    session, probe
        Ids.
    checked
        JSON to write: address, size, modification time, what was checked.
    """
    write_json(checked, fetch_file(source, session, probe, address))


if __name__ == "__main__":
    program(fetch_probe)
