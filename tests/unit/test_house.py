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
    """What each module of the library imports of it, and of others; the viewer is one room."""
    found: dict[str, set[str]] = {}
    for path in (SCRIPTS / "lfpscope").rglob("*.py"):
        name = ".".join(path.relative_to(SCRIPTS).with_suffix("").parts)
        found.setdefault(room(name), set()).update(map(room, imported(path)))
    return {name: others - {name} for name, others in found.items()}


def room(module: str) -> str:
    return "lfpscope.viewer" if module.startswith("lfpscope.viewer") else module


def test_no_module_imports_one_that_builds_on_it() -> None:
    list(TopologicalSorter(rooms()).static_order())  # raises CycleError


def test_nothing_builds_on_the_viewer_and_the_library_on_no_workflow() -> None:
    for name, others in rooms().items():
        assert "lfpscope.viewer" not in others, name
        assert not {other for other in others if other.startswith("snakemake")}, name
