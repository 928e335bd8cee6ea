"""Tricks on Snakemake: one function each, with the reason, and the version it was measured with."""

import gc
import os
import re
import sys
from functools import cache
from hashlib import sha256
from pathlib import Path

# What Snakemake makes, it keeps: looking for garbage among it, again and again as it grows, takes a
# tenth of a dry run of 60 sessions (9.27)
gc.freeze()
gc.set_threshold(50_000)

# `python` in a rule is the one that runs Snakemake, whether or not its environment is active
os.environ.update(
    PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()])
)
# lfpscope is the one beside this file, in a copy of the workflow too
sys.path.insert(0, str(Path(workflow.basedir, "scripts")))

HOUSE = Path(os.path.relpath(workflow.basedir))  # seen from where Snakemake works


def start_without_pace():
    """Let jobs on this computer start whenever there is room; only clusters need a pace.

    To keep to one, Snakemake looks for jobs again a second after each look, and each job that ends
    adds a look: after some hundred jobs that takes a processor of its own
    (snakemake/snakemake#3744). No option turns it off (9.27).
    """
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None


def script(rule):
    """A rule's program."""
    return str(HOUSE / "scripts" / f"{rule}.py")


def library(rule):
    """Checksum of all modules of the library that a rule's program imports, also by way of others.

    Snakemake does not see imports; as a param, a change in one reruns what uses it. As inputs, a
    dozen files for each job, they would make a dry run of 60 sessions a third slower.
    """
    found, todo = set(), [script(rule)]
    while todo:
        new = imports(todo.pop()) - found
        found |= new
        todo += new
    return checksum(found)


def checksum(files):
    """Checksum of what is in files."""
    contents = b"".join(Path(file).read_bytes() for file in sorted(files))
    return sha256(contents).hexdigest()[:12]


IMPORTS = re.compile(
    r"^\s*(?:import (lfpscope[\w.]*)|from (lfpscope[\w.]*) import (\([^)]*\)|.*))",
    re.MULTILINE,
)


@cache
def imports(path):
    """Files of the library that a Python file imports."""
    names = set()
    # a pattern is enough, and ten times as fast as Python's parser
    for package, module, rest in IMPORTS.findall(Path(path).read_text()):
        names |= {package or module}
        names |= {f"{module}.{name}" for name in re.findall(r"\w+", rest)}
    ours = (HOUSE / "scripts" / name.replace(".", "/") for name in names)
    files = (
        file
        for stem in ours
        for file in (stem.with_suffix(".py"), stem / "__init__.py")
    )
    return {str(file) for file in files if file.is_file()}


def whole_library():
    """Checksum of all modules of the library."""
    return checksum((HOUSE / "scripts" / "lfpscope").rglob("*.py"))


def templates():
    """Checksum of what the gallery is made from, beside its module."""
    return checksum((HOUSE / "scripts" / "lfpscope" / "site" / "templates").iterdir())
