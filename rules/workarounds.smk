"""Tricks on Snakemake, each a function with its reason and the version in which it was needed.

tests/workflow/test_workarounds.py fails for each that is no longer needed.
"""

import gc
import os
import re
import sys
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

# the workflow's own folder, also where another workflow uses this one as a module, as seen from
# the folder in which Snakemake works
HOUSE = Path(os.path.relpath(Path(str(workflow.current_basedir)).parent))
PROGRAMS = HOUSE / "scripts"


def library_folder():
    """Folder that holds lfpscope: beside the programs in a clone, else where it is installed."""
    if (PROGRAMS / "lfpscope").is_dir():
        return PROGRAMS
    return Path(find_spec("lfpscope").submodule_search_locations[0]).parent


LIBRARY = library_folder()


def collect_garbage_rarely():
    """Keep Python from looking for garbage among what Snakemake makes, which it keeps to its end.

    Done again and again as that grows, it takes a tenth of a dry run of 60 sessions (9.27).
    """
    gc.freeze()
    gc.set_threshold(50_000)


def use_own_python():
    """Let `python` in a rule be the one that runs Snakemake, with its environment active or not.

    Snakemake starts jobs with the PATH of the shell (9.27).
    """
    folders = [str(Path(sys.executable).parent), *os.get_exec_path()]
    os.environ.update(PATH=os.pathsep.join(folders))


def use_own_library():
    """Let lfpscope be the one beside this file, in a copy of the workflow too."""
    sys.path.insert(0, str(LIBRARY))


def take_prefix():
    """Return the prefix of a module, and keep Snakemake from adding it to paths.

    It would go before the programs in a clone below the host's folder too, which are inputs (9.27).
    Here it belongs to the folder of results alone.
    """
    modifier = workflow.modifier.path_modifier
    prefix, modifier.prefix = modifier.prefix or "", None
    return prefix


def start_without_pace():
    """Let jobs on this computer start whenever there is room; only clusters need a pace.

    To keep to one, Snakemake looks for jobs again a second after each look, and each job that ends
    adds a look: after some hundred jobs that takes a processor of its own
    (snakemake/snakemake#3744). No option turns it off (9.27).
    """
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None


def name_environment():
    """Tell `--lint` that there is one environment for all rules, the one that runs Snakemake.

    Snakemake has a directive for one container of all rules, but none for one environment (9.27).
    """
    if "--lint" in sys.argv:
        for one in workflow.rules:
            one.conda_env = str(HOUSE / "envs" / "pipeline.txt")


def script(rule):
    """A rule's program."""
    return str(PROGRAMS / f"{rule}.py")


def library(rule):
    """Checksum of all modules of the library that a rule's program imports, also by way of others.

    Snakemake does not see imports (9.27); as a param, a change in one reruns what uses it. As
    inputs, a dozen files for each job, they would make a dry run of 60 sessions a third slower.
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
    ours = (LIBRARY / name.replace(".", "/") for name in names)
    files = (
        file
        for stem in ours
        for file in (stem.with_suffix(".py"), stem / "__init__.py")
    )
    return {str(file) for file in files if file.is_file()}


def whole_library():
    """Checksum of all files of the library, which may be of any type."""
    files = (LIBRARY / "lfpscope").rglob("*.*")
    return checksum(
        one for one in files if one.is_file() and "__pycache__" not in one.parts
    )


def templates():
    """Checksum of what the gallery is made from, beside its module."""
    return checksum((LIBRARY / "lfpscope" / "site" / "templates").iterdir())


collect_garbage_rarely()
use_own_python()
use_own_library()
