"""The lists of packages."""

import re
from pathlib import Path

ENVS = Path(__file__).parents[2] / "envs"


def pins(text: str) -> list[str]:
    """Return the packages of a list with versions and markers, without comments and checksums."""
    lines = text.replace("\\\n", "").splitlines()
    found = (re.sub(r" *(#|--hash=).*", "", line).strip() for line in lines)
    return sorted(line for line in found if line)


def test_both_lists_agree_and_every_package_has_checksums() -> None:
    hashed = (ENVS / "pipeline.hashes.txt").read_text()
    assert pins(hashed) == pins((ENVS / "pipeline.txt").read_text())
    entries = re.split(r"\n(?=\S)", hashed.strip())
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in hashed
