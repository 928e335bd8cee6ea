"""Names of result files are those that the rules write."""

import re
from pathlib import Path

import pytest

from lfpscope import result_files
from lfpscope.result_files import RESERVED, find_probe_folders, probe_folder

RULES = Path(__file__).parents[2] / "rules"
TEXT = "\n".join(path.read_text() for path in sorted(RULES.glob("*.smk")))
MADE_BY_THE_VIEWER = {"BAD_CHANNELS", "MARKS", "VIEWS"}
NAMES = {
    name: value
    for name, value in vars(result_files).items()
    if name.isupper() and isinstance(value, str) and name not in MADE_BY_THE_VIEWER
}


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_writes_the_file(name: str) -> None:
    assert re.search(rf"<results>/[^\"]*\b{re.escape(NAMES[name])}\"", TEXT)


def test_every_file_beside_the_folders_of_sessions_is_reserved() -> None:
    written = set(re.findall(r"<results>/([\w.]+)\"", TEXT))
    assert "probes.tsv" in written
    assert written <= RESERVED


def test_folders_of_probes_are_those_with_references(tmp_path: Path) -> None:
    for probe in ("b", "a", "unread"):
        probe_folder(tmp_path, "one", probe).mkdir(parents=True)
    for probe in ("b", "a"):
        (probe_folder(tmp_path, "one", probe) / "lfp.json").touch()
    found = find_probe_folders(tmp_path / "one")
    assert found == [tmp_path / "one/probes/a", tmp_path / "one/probes/b"]
