"""The library's modules build on one another in one direction."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "scripts"


def imported(path: Path) -> set[str]:
    """Modules that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found


def rooms() -> dict[str, set[str]]:
    """What each module of the library imports of it, and of others."""
    found: dict[str, set[str]] = {}
    for path in (SCRIPTS / "lfpscope").rglob("*.py"):
        name = ".".join(path.relative_to(SCRIPTS).with_suffix("").parts)
        found[name] = imported(path) - {name}
    return found


def test_no_module_imports_one_that_builds_on_it() -> None:
    list(TopologicalSorter(rooms()).static_order())  # raises CycleError


def test_nothing_builds_on_the_viewer_and_the_library_on_no_workflow() -> None:
    for name, others in rooms().items():
        is_viewer = name.startswith("lfpscope.viewer")
        assert is_viewer or not {one for one in others if one.startswith("lfpscope.viewer")}, name
        assert not {other for other in others if other.startswith("snakemake")}, name
