"""What is in the batch of the fixture of that name, and its results by their checksums."""

import hashlib
from pathlib import Path

SESSIONS = [f"mouse-{number:02}" for number in range(1, 7)]
CORRUPT, MISSING = "mouse-04", "mouse-05"
# these recordings do not need two processors each
QUICK = ("--set-threads", "summarize_probe=1")


def rows(sessions: list[str]) -> list[str]:
    """Return rows of the sessions table."""
    return [f"{session} nwb data/{session}/*.nwb" for session in sessions]


def checksums(folder: Path) -> dict[str, str]:
    """Return a checksum of every file that is made from the recordings."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.suffix in {".csv", ".json", ".png", ".zip"}
    }
