"""Documents name what exists, and the first one is short."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *ROOT.glob("*.md"),
    *(ROOT / folder / "README.md" for folder in ("config", "profiles", "scripts", "tests")),
    ROOT / "scripts/TUTORIAL.md",
    ROOT / "tests/benchmarks/RESULTS.md",
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(document: Path) -> None:
    for link in re.findall(r"\]\((?!https?://)([^)\s]+)\)", document.read_text()):
        name, _, heading = link.partition("#")
        target = document.parent / name if name else document
        assert target.exists(), link
        if heading:
            headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}
            assert heading in anchors, link


def test_the_first_page_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 160


def test_every_test_that_is_named_exists() -> None:
    tests = Path(__file__).parents[1]
    named = set(re.findall(r"`(test_\w+)`", (tests / "README.md").read_text("utf-8")))
    files = list(tests.rglob("test_*.py"))
    code = "".join(file.read_text("utf-8") for file in files)
    missing = {name for name in named if f"def {name}(" not in code}
    assert named
    assert missing - {file.stem for file in files} == set()  # tables name whole files too
