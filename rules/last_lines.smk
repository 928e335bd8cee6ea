"""What is printed while a run goes on, and when it ends."""

import subprocess
import sys
from pathlib import Path

from snakemake.logging import logger

from lfpscope.command.console import Console

LAST_LINES = Path(
    config["results"], "logs", "check_run.log"
)  # there if the last check ran


def print_steps():
    """Print a line for each step instead of its description, unless details are asked for.

    A logger plugin would have to be installed, and could not be named in the profile for those who
    run a clone with a Snakemake of their own: so a filter of the handler that prints (9.27).
    """
    asked = workflow.output_settings
    if asked.verbose or asked.printshellcmds or asked.quiet:
        return
    for handler in logger.handlers:
        if handler.name == "DefaultStreamHandler":
            handler.addFilter(Console(handler.stream, Path(config["results"])))


def show_what_exists():
    """Write the gallery although something failed, and print what is incomplete or uncertain."""
    results = Path(config["results"])
    if LAST_LINES.is_file():
        print(LAST_LINES.read_text(), end="")
        return
    if not (results / "probes.tsv").is_file():
        return
    run = results / "run.json"
    files = [results / "probes.tsv", "--page", results / "index.html"]
    files += ["--run", run, "--checked", results / "checked.tsv"]
    files += ["--settings", settings()]
    subprocess.run([sys.executable, script("write_gallery"), *files], check=False)
    check = [script("check_run"), run, "--complete", results / "complete.txt"]
    subprocess.run([sys.executable, *check], check=False)
