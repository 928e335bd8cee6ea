"""The lists of packages."""

import re
from pathlib import Path

import yaml

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


def test_conda_and_apptainer_install_the_same_pins() -> None:
    conda = yaml.safe_load((ENVS / "pipeline.yaml").read_text())
    assert conda["dependencies"] == ["python=3.11", "pip", {"pip": ["-r pipeline.txt"]}]
    container = (ENVS / "pipeline.def").read_text()
    assert "From: python:3.11-slim" in container
    assert "--require-hashes -r /pipeline.hashes.txt" in container
    assert "envs/pipeline.hashes.txt /pipeline.hashes.txt" in container
