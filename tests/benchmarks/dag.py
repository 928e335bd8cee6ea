"""How Snakemake takes 60 sessions of 6 probes: the workflow as it is, programs that only touch.

Run it with `uv run python tests/benchmarks/dag.py`; it takes five minutes. `--sessions` asks for
another number of sessions. Starts and dry runs are medians of five, after one that does not count.
Beside it stands the least that Snakemake takes: a bare workflow of the same jobs and files, with
neither functions, params, resources, logs, benchmarks nor a checkpoint.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
PROBES = 6

TOUCH = """
import sys
from pathlib import Path

for option, value in zip(sys.argv, sys.argv[1:]):
    path = Path(value)
    if option.startswith("--") and "/" in value and value[0] != "{" and not path.exists():
        path.touch()
"""
LIST = """
import json
import sys
from pathlib import Path

options = dict(argument.partition("=")[::2] for argument in sys.argv)
arguments = dict(zip(sys.argv, sys.argv[1:]))
with open(arguments["--probes"], "w") as table:
    table.write("session\\tprobe\\tsource\\taddress\\tseries\\tstatus\\tnote\\n")
    for file in sorted(Path().glob(options["--location"])):
        table.write(f"{sys.argv[1]}\\t{file.stem}\\tnwb\\t{file}\\t\\tok\\t\\n")
Path(arguments["--listing"]).write_text(json.dumps({"status": "ok", "tries": 0}))
"""
JOIN = """
import sys
from pathlib import Path

tables = [Path(name).read_text().splitlines() for name in sys.argv[1:-2]]
lines = [tables[0][0], *(line for table in tables for line in table[1:])]
Path(sys.argv[-1]).write_text("\\n".join(lines) + "\\n")
"""
INDEXED = """
import sys
from pathlib import Path

probes = [Path(name).parent.name for name in sys.argv[1:-2]]
lines = ["probe\\tstatus\\trule\\treason", *(f"{one}\\tok\\t\\t" for one in probes)]
Path(sys.argv[-1]).write_text("\\n".join(lines) + "\\n")
"""
COPY = """
import sys
from pathlib import Path

Path(sys.argv[1]).mkdir(exist_ok=True)
Path(sys.argv[1], "VERSION").touch()
"""
STAND_INS = {
    "list_session": LIST,
    "list_probes": JOIN,
    "index_session": INDEXED,
    "copy_library": COPY,
}
BARE = """
sessions, probes = [f"s{{number:03}}" for number in range({sessions})], range({probes})
one, whole = "{{s}}/{{p}}/", "{{s}}/"


wildcard_constraints:
    s=r"s\\d+",
    p=r"\\d",


onstart:
    workflow.scheduler.job_rate_limiter = None  # as ours


rule all:
    input: "checked"
rule fetch:
    output: one + "source"
    shell: "{touch} {{output}}"
rule index:
    input: one + "source"
    output: one + "lfp"
    shell: "{touch} {{output}}"
rule summarize:
    input: one + "lfp"
    output: one + "envelope", one + "channels"
    shell: "{touch} {{output}}"
rule draw:
    input: one + "lfp", one + "envelope", whole + "intervals"
    output: one + "overview", one + "thumbnail"
    shell: "{touch} {{output}}"
rule average:
    input: one + "lfp", one + "envelope", one + "channels", whole + "intervals"
    output: one + "averages", one + "responses"
    shell: "{touch} {{output}}"
rule draw_evoked:
    input: one + "lfp", one + "envelope", one + "channels", one + "averages"
    output: one + "evoked"
    shell: "{touch} {{output}}"
rule draw_session_evoked:
    input:
        expand(
            one + "{{of}}",
            p=probes,
            of=["lfp", "envelope", "channels", "averages"],
            allow_missing=True,
        ),
    output: whole + "evoked"
    shell: "{touch} {{output}}"
rule verify:
    input: one + "lfp", one + "envelope"
    output: one + "verified"
    shell: "{touch} {{output}}"
rule combine:
    input: expand(one + "lfp", p=probes, allow_missing=True)
    output: whole + "session"
    shell: "{touch} {{output}}"
rule list_intervals:
    input: expand(one + "source", p=probes, allow_missing=True)
    output: whole + "intervals"
    shell: "{touch} {{output}}"
rule list_behavior:
    input: expand(one + "source", p=probes, allow_missing=True)
    output: whole + "behavior"
    shell: "{touch} {{output}}"
rule draw_session:
    input:
        expand(one + "{{of}}", p=probes, of=["lfp", "envelope"], allow_missing=True),
        whole + "intervals",
    output: whole + "overview"
    shell: "{touch} {{output}}"
rule view:
    input: whole + "session"
    output: whole + "viewer"
    shell: "{touch} {{output}}"
rule gallery:
    input:
        expand(
            one + "{{of}}",
            s=sessions,
            p=probes,
            of=["overview", "thumbnail", "evoked", "verified"],
        ),
        expand(
            whole + "{{of}}",
            s=sessions,
            of=["overview", "evoked", "viewer", "intervals", "behavior"],
        ),
    output: "page"
    shell: "{touch} {{output}}"
rule check:
    input: "page"
    output: "checked"
    shell: "{touch} {{output}}"
"""


def make_bare_workflow(folder: Path, sessions: int) -> None:
    """Write the bare workflow; its jobs start Python too, to touch their files."""
    touch = f"{sys.executable} touch.py"
    text = BARE.format(sessions=sessions, probes=PROBES, touch=touch)
    (folder / "Snakefile").write_text(text)
    (folder / "touch.py").write_text(
        "import sys, pathlib\nfor path in sys.argv[1:]:\n    pathlib.Path(path).touch()\n"
    )
    shutil.copytree(ROOT / "profiles", folder / "profiles")


def make_workflow(folder: Path) -> None:
    """Copy the workflow, with programs that do nothing but make their files."""
    for part in ("Snakefile", "rules", "scripts", "config", "envs", "profiles"):
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part)
        else:
            shutil.copy2(ROOT / part, folder / part)
    for program in (folder / "scripts").glob("*.py"):
        library = re.findall(r"^from lfpscope.*?import (?:\([^)]*\)|.*)", program.read_text(), re.M)
        unused = "\n".join(f"    {' '.join(line.split())}" for line in library)
        stand_in = STAND_INS.get(program.stem, TOUCH)
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


def typical(folder: Path, *arguments: str, n: int = 5) -> Cost:
    """What Snakemake takes: the medians of some runs, after one that warms up."""
    costs = [snakemake(folder, *arguments)[1] for _ in range(n + 1)][1:]
    return Cost(*(median(getattr(cost, one.name) for cost in costs) for one in fields(Cost)))


def whole_run(folder: Path, program: Cost) -> tuple[str, str]:
    """Run all jobs, one at a time; two lines: what it took, and what of it is Snakemake's a job."""
    text, cost = snakemake(folder, "--cores", "1")
    jobs = count(text, "Finished jobid")
    own = [
        1000 * (cost.seconds / jobs - program.seconds),
        1000 * (cost.processor / jobs - program.processor),
    ]
    return (
        f"{f'run of {jobs} jobs':22}{cost}",
        f"{'  a job, of its own':22}{own[0]:7.1f} ms{own[1]:7.1f} ms",
    )


def main() -> None:
    """Make both workflows, run them, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=60)
    n = parser.parse_args().sessions
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as bare_name:
        folder, bare = Path(name), Path(bare_name)
        make_workflow(folder)
        add_sessions(folder, 0, n)
        make_bare_workflow(bare, n)
        print(f"{'':22}{'clock':>9} {'processor':>9} {'peak':>9}", flush=True)
        print(f"{'start of Snakemake':22}{typical(folder, '--version')}", flush=True)
        snakemake(folder, "results/probes.tsv", "--cores", "1")
        print(f"{'dry run, only listed':22}{typical(folder, '--dry-run')}", flush=True)
        # a dry run names what comes after the index only once that is made
        indexed = [f"results/s{number:03}/indexed.tsv" for number in range(n)]
        snakemake(folder, *indexed, "--cores", "1")
        program = program_cost(folder)
        for title, place in (("this workflow", folder), ("bare", bare)):
            print(title)
            print(f"{'dry run':22}{typical(place, '--dry-run')}", flush=True)
            print(*whole_run(place, program), sep="\n", flush=True)

        text, _ = snakemake(folder, "--dry-run")
        assert "Nothing to be done" in text, text
        print(f"this workflow, once more\n{'nothing to do':22}{typical(folder, '--dry-run')}")

        add_sessions(folder, n, n + 1)
        snakemake(folder, "results/probes.tsv", "--cores", "1")
        text, _ = snakemake(folder, "--dry-run")
        wildcards = [line for line in text.splitlines() if "wildcards: " in line]
        others = [line for line in wildcards if f"session=s{n:03}" not in line]
        print(f"{'one session more':22}{typical(folder, '--dry-run')}")
        print(f"  {len(wildcards)} jobs for it, {len(others)} for the others")


if __name__ == "__main__":
    main()
