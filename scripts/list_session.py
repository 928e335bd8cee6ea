"""Find the probes of one session."""

import sys
from pathlib import Path

from lfpscope.cli import INTERRUPTED, program
from lfpscope.sources.probes import (
    find_probes,
    is_to_list_again,
    unreadable_session,
)
from lfpscope.sources.probes_table import write_probes
from lfpscope.sources.sessions_table import Session
from lfpscope.sources.status import write_status


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
    session, source, location, series, problem
        Its row of the table of sessions.
    keep
        Ids of the probes to keep, with commas between; empty for all.
    cache
        Folder in which files that are made or fetched are kept.
    probes
        Table of probes to write.
    listing
        JSON to write: whether it is complete, else why not, and how often that has been so.
    listed
        What AllenSDK says of the session's probes.
    mirror
        A copy of AllenSDK's cache in place of that.
    tries
        How often the session could not be listed before.
    ended
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


if __name__ == "__main__":
    program(list_session)
