"""What is printed when a run ends."""

import subprocess
import sys
from pathlib import Path

LAST_LINES = Path(
    config["results"], "logs", "check_run.log"
)  # there if the last check ran


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
