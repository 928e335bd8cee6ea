"""config.yaml and sessions.tsv corrupted in any way: understood, or refused in one line.

    python tests/fuzz/tables.py [--config 150] [--sessions 150] [--seed 0]

Each goes to Snakemake, as a user's would; where a table of sessions is understood, its probes are
listed. Nothing may come to lie outside the folder of results.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from guard import PATIENCE, RIGHT, Outcome, WrongError, finish, refused, run_all
from snakemake.cli import main as snakemake

from lfpscope.errors import UserError
from lfpscope.sources.discover import find_probes
from lfpscope.sources.sessions_table import read_sessions

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "rules", "scripts", "config", "envs", "profiles")
SESSIONS = """session\tsource\tlocation\tprobes\tseries
# two kinds
mouse-7\tnwb\tdata/*.nwb\ta\t
mouse-8\tnwb\tdata/a.nwb\t\t*lfp
demo-1\tdemo\t\t\t
"""
ODD = [
    *("", "null", "~", "[]", "{}", "true", "nan", "-.inf", "1e999", "-1", "0", "2026-11-24", "'"),
    *("../..", "../../etc/passwd", "/", "~root", "file:///etc/passwd", "s3://", "https://", "{x}"),
    *("<results>", "{wildcards.session}", "$(touch outside)", "; touch outside", "`id`", "\\", '"'),
    *(
        "é\u202e",
        "\x00",
        "\t",
        "a" * 300,
        "x" * 10_000,
        "&a [*a]",
        "!!python/object/apply:os.abort []",
    ),
    *(
        "!!binary x",
        "- a",
        "a: b: c",
        "@",
        "%",
        "0x1F",
        "1_000",
        ".",
        "..",
        "-",
        "--help",
        "probes.tsv",
    ),
]
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(f'*{before}' for _ in range(9))}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


# --- how they are corrupted -----------------------------------------------------------------------


def corrupt(text: str, rng: random.Random) -> bytes:
    """Change a text in one to three places."""
    for _ in range(rng.choice([1, 1, 2, 3])):
        text = rng.choice([replaced_cell, changed_letter, changed_line])(text, rng)
    content = text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.05:
        i = rng.randrange(len(content) + 1)
        content = content[:i] + rng.randbytes(3) + content[i:]
    return rng.choice([b"\xef\xbb\xbf", *([b""] * 20)]) + content


def replaced_cell(text: str, rng: random.Random) -> str:
    """Put something odd instead of what stands behind a colon, or between tabs."""
    lines = text.split("\n")
    i = rng.randrange(len(lines))
    between = "\t" if "\t" in lines[i] else ":"
    cells = lines[i].split(between)
    cells[rng.randrange(len(cells))] = (" " if between == ":" else "") + rng.choice(ODD)
    lines[i] = between.join(cells)
    return "\n".join(lines)


def changed_letter(text: str, rng: random.Random) -> str:
    """Take letters out and put others in."""
    i = rng.randrange(len(text) + 1)
    return text[:i] + rng.choice(["", *ODD, *"\t\n #:{}'\"%*"]) + text[i + rng.choice([0, 1, 5]) :]


def changed_line(text: str, rng: random.Random) -> str:
    """Take a line out, give it twice, or put a bomb behind."""
    lines = text.split("\n")
    i = rng.randrange(len(lines))
    lines[i : i + 1] = rng.choice([[], [lines[i]] * 2, ["  " + lines[i]], [*BOMB.split("\n")]])
    return "\n".join(lines)


# --- one case -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Work:
    """The workflow with its data, and how a case is judged."""

    folder: Path

    def __call__(self, case: tuple[str, bytes]) -> Outcome:
        name, content = case
        os.chdir(self.folder)
        for table, text in (("config.yaml", config()), ("sessions.tsv", SESSIONS)):
            Path("config", table).write_text(text, encoding="utf-8")
        Path("config", name).write_bytes(content)
        before = set(self.folder.parent.iterdir()) | set(self.folder.iterdir())
        code, output = in_a_fork(lambda: snakemake(["-n"]))
        if code == -signal.SIGALRM:
            return Outcome("hang", output[-300:])
        errors = [line for line in output.splitlines() if line.startswith("error: ")]
        if code:
            if len(errors) != 1 or "Traceback" in output:
                return Outcome("not one line", output[-600:])
            return refused(errors[0])
        if name == "sessions.tsv":
            try:
                found = find_probes(read_sessions(Path("config/sessions.tsv")), cache=Path("cache"))
            except UserError as error:
                return refused(str(error))
            for probe in found:
                if (
                    not Path("results", probe.session, probe.probe)
                    .resolve()
                    .is_relative_to(self.folder / "results")
                ):
                    raise WrongError(f"outside: {probe}")
        new = set(self.folder.parent.iterdir()) | set(self.folder.iterdir())
        if not {one.name for one in new - before} <= {".snakemake", "logs"}:
            raise WrongError(f"new files: {new - before}")
        return Outcome(RIGHT)


def in_a_fork(call: Callable[[], object]) -> tuple[int, str]:
    """Call a function in a process of its own; return its exit code and what it said."""
    with tempfile.TemporaryFile("w+") as said:
        process = os.fork()
        if process == 0:
            signal.alarm(int(PATIENCE))
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            code = 1
            try:
                call()
            except SystemExit as end:
                if isinstance(end.code, str):
                    print(end.code, file=sys.stderr, flush=True)
                code = end.code if isinstance(end.code, int) else 1
            finally:
                sys.stdout.flush()
                os._exit(code)
        _, status = os.waitpid(process, 0)
        said.seek(0)
        return os.waitstatus_to_exitcode(status), said.read()


def config() -> str:
    """The configuration as it is committed."""
    return (ROOT / "config" / "config.yaml").read_text(encoding="utf-8")


# --- all of them --------------------------------------------------------------------------------


def copy_workflow(folder: Path) -> None:
    """Copy the workflow, with a small file to read."""
    for part in PARTS:
        (shutil.copytree if (ROOT / part).is_dir() else shutil.copy2)(ROOT / part, folder / part)
    (folder / "data").mkdir()
    with h5py.File(folder / "data" / "a.nwb", "w") as nwb:
        series = nwb.create_group("acquisition/lfp")
        series.attrs["neurodata_type"] = "ElectricalSeries"
        series["data"] = np.ones((100, 4), "<f4")
        series["starting_time"] = 0.0
        series["starting_time"].attrs["rate"] = 1250.0


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=int, default=150)
    parser.add_argument("--sessions", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="print every case")
    n = parser.parse_args()
    rng = random.Random(n.seed)  # noqa: S311 - no secrets here
    cases = [("config.yaml", ("config.yaml", corrupt(config(), rng))) for _ in range(n.config)]
    cases += [("sessions.tsv", ("sessions.tsv", corrupt(SESSIONS, rng))) for _ in range(n.sessions)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "workflow")
        folder.mkdir()
        copy_workflow(folder)
        finish(run_all(Work(folder), cases, show=n.show))


if __name__ == "__main__":
    main()
