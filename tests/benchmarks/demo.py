"""How long the demo takes: a first run, a second, a dry run; and what each rule costs.

    uv run python tests/benchmarks/demo.py

Set-up (packages) is not counted; byte code and compiled kernels of the library are made again.
"""

import csv
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

HOUSE = Path(__file__).parents[2]
PARTS = ("Snakefile", "rules", "scripts", "config", "profiles", "envs")


def main() -> None:
    """Run the demo in a copy of the workflow and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for part in PARTS:
            source = HOUSE / part
            if source.is_dir():
                ignore = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, copy / part, ignore=ignore)
            else:
                shutil.copy(source, copy / part)
        print(f"{'first run':<24}{snakemake(copy):8.1f} s")
        print(f"{'second run':<24}{snakemake(copy):8.1f} s")
        print(f"{'dry run':<24}{snakemake(copy, '--dry-run'):8.1f} s")
        print(
            f"{'dry run before a first':<24}{snakemake(copy, '-n', '--config', 'results=r'):8.1f} s"
        )
        print(f"\n{'rule':<20}{'jobs':>6}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}   (a job, worst)")
        for rule, jobs in costs(copy / "benchmarks").items():
            wall, cpu, peak = (max(float(job[key]) for job in jobs) for key in COLUMNS)
            print(f"{rule:<20}{len(jobs):>6}{wall:9.1f}{cpu:9.1f}{peak:9.0f}")


COLUMNS = ("s", "cpu_time", "max_rss")


def snakemake(folder: Path, *options: str) -> float:
    """Run the workflow in a folder; seconds it took."""
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "all", *options],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - begin


def costs(folder: Path) -> dict[str, list[dict[str, str]]]:
    """What Snakemake measured of each job, by rule."""
    rules = defaultdict(list)
    for file in sorted(folder.rglob("*.tsv")):
        rule = file.relative_to(folder).with_suffix("").parts[0]
        with file.open() as lines:
            rules[rule] += list(csv.DictReader(lines, delimiter="\t"))
    return rules


if __name__ == "__main__":
    main()
