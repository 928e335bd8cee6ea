"""Combine the references of a session's probes."""

from pathlib import Path

from lfpscope.cli import program
from lfpscope.references.combine import combine_references


def combine_session(*references: Path, session: str, combined: Path) -> None:
    """Combine the references of a session's probes into one JSON.

    Parameters
    ----------
    references
        References of each probe.
    session
        Its id.
    combined
        Kerchunk JSON to write: a group per probe, and all stacked where they agree.
    """
    stacked = combine_references(references, combined, session=session)
    print(f"{session}: {len(references)} probes; stacked: {stacked}")


if __name__ == "__main__":
    program(combine_session)
