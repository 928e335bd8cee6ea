"""How Snakemake takes 60 sessions of 6 probes: the workflow as it is, programs that only touch.

Run it with `uv run python tests/benchmarks/dag.py`; it takes two minutes. `--sessions` asks for
another number of sessions.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROBES = 6

TOUCH = """
import sys
from pathlib import Path

for option, value in zip(sys.argv, sys.argv[1:]):
    path = Path(value)
    if option.startswith("--") and "/" in value and value[0] != "{" and not path.exists():
        path.mkdir() if option == "--library" else path.touch()
"""
LIST = """
import csv
import sys
from pathlib import Path

arguments = dict(zip(sys.argv, sys.argv[1:]))
with open(arguments["--probes"], "w") as table:
    table.write("session\\tprobe\\tsource\\taddress\\tseries\\tstatus\\tnote\\n")
    for row in csv.DictReader(open(sys.argv[1]), delimiter="\\t"):
        for file in sorted(Path().glob(row["location"])):
            table.write(f"{row['session']}\\t{file.stem}\\tnwb\\t{file}\\t\\tok\\t\\n")
"""


def make_workflow(folder: Path) -> None:
    """Copy the workflow, with programs that do nothing but make their files."""
    for part in ("Snakefile", "rules", "scripts", "config", "profiles"):
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part)
        else:
            shutil.copy2(ROOT / part, folder / part)
    for program in (folder / "scripts").glob("*.py"):
        library = [line for line in program.read_text().splitlines() if "import" in line]
        unused = "\n".join(f"    {line}" for line in library if line.startswith("from lfpscope"))
        stand_in = LIST if program.stem == "list_probes" else TOUCH
        # what it would import stays, for the rules to find it
        program.write_text(f"{stand_in}\nif False:\n{unused or '    pass'}\n")


def add_sessions(folder: Path, first: int, stop: int) -> None:
    """Write files and rows of sessions."""
    table = folder / "config/sessions.tsv"
    if first == 0:
        table.write_text("session\tsource\tlocation\n")
    with table.open("a") as rows:
        for number in range(first, stop):
            data = folder / f"data/s{number:03}"
            data.mkdir(parents=True)
            for probe in range(PROBES):
                (data / f"{700_000_000 + PROBES * number + probe}.nwb").touch()
            rows.write(f"s{number:03}\tnwb\tdata/s{number:03}/*.nwb\n")


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock and of the processors, programs included, and peak memory in MB."""

    seconds: float
    processor: float
    memory: float

    def __str__(self) -> str:
        return f"{self.seconds:7.2f} s {self.processor:7.2f} s {self.memory:6.0f} MB"


def snakemake(folder: Path, *arguments: str) -> tuple[str, Cost]:
    """Run Snakemake; return what it printed and what it cost."""
    return run(folder, sys.executable, "-m", "snakemake", *arguments)


def run(folder: Path, *command: str) -> tuple[str, Cost]:
    """Run a command; return what it printed and what it cost."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        output.seek(0)
        text = output.read()
    if status:
        sys.exit(text[-3000:])
    return text, Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000)


def program_cost(folder: Path, n: int = 30) -> Cost:
    """What a stand-in takes, started as a rule starts it."""
    command = f"set -euo pipefail; {sys.executable} scripts/draw_probe.py --overview config/x"
    _, cost = run(folder, "bash", "-c", f"for i in $(seq {n}); do ( {command} ); done")
    return Cost(cost.seconds / n, cost.processor / n, cost.memory)


def count(text: str, word: str) -> int:
    return sum(line.startswith(word) for line in text.splitlines())


def main() -> None:
    """Make the workflow, run it, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=60)
    n = parser.parse_args().sessions
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_workflow(folder)
        add_sessions(folder, 0, n)
        print(f"{'':22}{'clock':>9} {'processor':>9} {'peak':>9}")
        print(f"{'start of Snakemake':22}{snakemake(folder, '--version')[1]}")

        snakemake(folder, "results/probes.tsv", "--cores", "1")
        # the quickest of three, because others may be using the computer
        dry_runs = [snakemake(folder, "--dry-run")[1] for _ in range(3)]
        print(f"{'dry run':22}{min(dry_runs, key=lambda cost: cost.seconds)}")

        text, cost = snakemake(folder, "--cores", "1")
        jobs, program = count(text, "Finished jobid"), program_cost(folder)
        print(f"{f'run of {jobs} jobs':22}{cost}")
        own = [
            1000 * (cost.seconds / jobs - program.seconds),
            1000 * (cost.processor / jobs - program.processor),
        ]
        print(f"{'  a job, of its own':22}{own[0]:7.1f} ms{own[1]:7.1f} ms")

        text, cost = snakemake(folder, "--dry-run")
        assert "Nothing to be done" in text, text
        print(f"{'nothing to do':22}{cost}")

        add_sessions(folder, n, n + 1)
        snakemake(folder, "results/probes.tsv", "--cores", "1")
        text, cost = snakemake(folder, "--dry-run")
        wildcards = [line for line in text.splitlines() if "wildcards: " in line]
        others = [line for line in wildcards if f"session=s{n:03}" not in line]
        print(f"{'one session more':22}{cost}")
        print(f"  {len(wildcards)} jobs for it, {len(others)} for the others")


if __name__ == "__main__":
    main()
