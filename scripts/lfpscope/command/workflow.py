"""The workflow, run behind the page."""

import json
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from lfpscope.errors import UserError
from lfpscope.io.atomic import write_text

SHARE = "share/lfpscope/Snakefile"


def find_snakefile() -> Path:
    """Find the Snakefile: of the clone that this package is in, or beside the installed one.

    Raises
    ------
    UserError
        If there is none.
    """
    own = Path(__file__).parents[3] / "Snakefile"
    if own.is_file():
        return own
    try:
        shared = [one for one in files("lfpscope") or [] if one.as_posix().endswith(SHARE)]
    except PackageNotFoundError:
        shared = []
    if not shared:
        raise UserError(f"{own}: no workflow here. Install lfpscope, or run it in a clone.")
    return Path(os.path.normpath(str(shared[0].locate())))


def start_workflow(
    sessions: Path, results: Path, cache: Path, *, verbose: bool
) -> subprocess.Popen[bytes]:
    """Start Snakemake for a table of sessions; what it says is in `<results>/logs/workflow.log`."""
    settings = {"sessions": str(sessions), "results": str(results), "cache": str(cache)}
    configuration = results / ".lfpscope" / "config.json"
    write_text(configuration, json.dumps(settings))
    command = [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(find_snakefile())),
        *("--configfile", str(configuration), "--directory", str(configuration.parent)),
    ]
    log = log_of(results)
    log.parent.mkdir(parents=True, exist_ok=True)
    if verbose:
        log.unlink(missing_ok=True)
        return subprocess.Popen(command)  # noqa: S603 - our own
    with log.open("wb") as output:
        return subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)  # noqa: S603


def log_of(results: Path) -> Path:
    """Return the file of what Snakemake says."""
    return results / "logs" / "workflow.log"
