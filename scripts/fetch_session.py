"""Have a session's own file of Allen's in the cache."""

from pathlib import Path

from lfpscope.cli import program
from lfpscope.io.tables import write_json
from lfpscope.sources.allen.files import fetch_session as fetch


def fetch_session(
    session: str,
    *,
    folder: Path,
    listed: Path,
    checked: Path,
    stall_seconds: float = 60.0,
    tries: int = 5,
) -> None:
    """Fetch a session's own file, unless it is there, check it, and note where it is.

    Parameters
    ----------
    session
        Allen's number of it.
    folder
        AllenSDK's cache.
    listed
        What AllenSDK says of the session's files.
    checked
        JSON to write: where it is, and its size.
    stall_seconds
        Without a byte for so long, and a try to fetch it has failed.
    tries
        How many there are in all.
    """
    path = fetch(session, folder, table=listed, stall_seconds=stall_seconds, tries=tries)
    write_json(checked, {"address": str(path.absolute()), "size": path.stat().st_size})


if __name__ == "__main__":
    program(fetch_session)
