"""One probe compared with its file."""

import sys
from pathlib import Path
from typing import Literal

from lfpscope.io.tables import write_json
from lfpscope.verify.checks import verify


def verify_probe(
    references: Path, envelope: Path, *, verified: Path, chunks: int | Literal["all"] = 32
) -> None:
    """Compare references and envelope of one probe with its file, at random places.

    Parameters
    ----------
    references : Path
        References of the probe.
    envelope : Path
        Its envelope.
    verified : Path
        JSON to write: what was compared, and what differs.
    chunks : int or str
        How many chunks, buckets and timestamps to compare; or all.
    """
    found = verify(references, envelope, chunks=None if chunks == "all" else chunks)
    write_json(verified, found)
    for name, words in found["checks"].items():
        print(f"{name}: {words}")
    print(*(f"error: {problem}" for problem in found["problems"]), sep="\n", file=sys.stderr)
