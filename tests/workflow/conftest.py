"""The workflow in a folder of its own, run as a user runs it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from batches import CORRUPT, MISSING, QUICK, SESSIONS, rows

from lfpscope.sources.demo import nwb_writer

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "rules", "scripts", "config", "envs", "profiles")


def environment() -> dict[str, str]:
    # without byte code Snakemake takes 2 s longer to start
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


@dataclass
class Run:
    """How a run of Snakemake ended."""

    code: int
    output: str

    @property
    def jobs(self) -> set[str]:
        """Rules that ran, or would, with their wildcards: ``draw_probe one/a``."""
        jobs = set()
        for block in re.split(r"^\[.*\d\d:\d\d:\d\d \d{4}\]\n", self.output, flags=re.MULTILINE):
            rule = re.match(r"(?:local)?(?:rule|checkpoint) (\w+):\n", block)
            if rule:
                wildcards = re.search(r"^    wildcards: (.*)$", block, re.MULTILINE)
                values = re.findall(r"=([^,]+)", wildcards[1]) if wildcards else []
                jobs.add(" ".join([rule[1], "/".join(values)]).strip())
        ended = r"^(?:\[\d+/\d+\] (.*) \(\d.*\)|failed: ([^;\n]+))"
        return jobs | {a or b for a, b in re.findall(ended, self.output, re.MULTILINE)}

    @property
    def rules(self) -> set[str]:
        """Rules that ran, or would."""
        return {job.split()[0] for job in self.jobs}


class Workflow:
    """A copy of the workflow, with data and results beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __truediv__(self, path: str) -> Path:
        return self.folder / path

    def command(self, *arguments: str) -> list[str]:
        snakefile = str(self / "Snakefile")
        python = [sys.executable, "-m", "snakemake"]
        return [*python, "--snakefile", snakefile, "--cores", "2", *arguments]

    def run(
        self, *arguments: str, code: int = 0, folder: Path | None = None, seconds: float = 600
    ) -> Run:
        """Run Snakemake, here or in another folder, and check how it ended."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=folder or self.folder,
            env=environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == code, done.stdout
        return Run(done.returncode, done.stdout)

    def sessions(self, *rows: str, table: str = "config/sessions.tsv") -> None:
        """Write the sessions table; cells with spaces between."""
        lines = ["session source location", *rows]
        text = "".join("\t".join(line.split()) + "\n" for line in lines)
        (self / table).write_text(text)

    def copy(self, folder: Path) -> "Workflow":
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Workflow(folder)


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """Return the workflow as a clone has it."""
    folder = tmp_path_factory.mktemp("bare")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part)
        else:
            shutil.copy2(ROOT / part, folder / part)
    return Workflow(folder)


@pytest.fixture
def workflow(bare: Workflow, tmp_path: Path) -> Workflow:
    """Return a workflow of one's own that has not run."""
    return bare.copy(tmp_path)


@pytest.fixture(scope="session")
def finished_once(
    bare: Workflow,
    write_nwb: Callable[..., Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Workflow:
    """Return a workflow that has run, with two sessions: not to be changed."""
    finished = bare.copy(tmp_path_factory.mktemp("finished"))
    write_nwb(finished / "data/a.nwb")
    write_nwb(finished / "data/b.nwb", channels=3, seed=1)
    write_nwb(finished / "two.nwb", ("lf0", "lf1"))
    finished.sessions("one nwb data/*.nwb", "two nwb two.nwb")
    finished.run()
    return finished


@pytest.fixture
def finished(finished_once: Workflow, tmp_path: Path) -> Workflow:
    """Return a copy of the workflow that has run."""
    return finished_once.copy(tmp_path)


# --- a batch ------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def batch(bare: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """Return 6 sessions of 2 short probes, run; a file is corrupt, one is not where it should be.

    Results in other folders may be added.
    """
    batch = bare.copy(tmp_path_factory.mktemp("batch"))
    probes = {}
    for name, probe in zip("ab", nwb_writer.demo_probes("demo-2"), strict=True):
        recipe = replace(
            nwb_writer.demo_recipe("demo-2", probe), n_samples=10_000, chunk=2_500, gap=None
        )
        nwb_writer.write_nwb("demo-2", probe, recipe, batch / f"{name}.nwb")
        probes[name] = (batch / f"{name}.nwb").read_bytes()
    for session in SESSIONS:
        (batch / f"data/{session}").mkdir(parents=True)
        for name, content in probes.items():
            (batch / f"data/{session}/{name}.nwb").write_bytes(content)
    (batch / f"data/{CORRUPT}/b.nwb").write_bytes(probes["b"][: len(probes["b"]) // 2])
    (batch / f"data/{MISSING}/b.nwb").unlink()
    (batch / f"data/{MISSING}/b.nwb").symlink_to("../not/fetched.nwb")
    batch.sessions(*rows(SESSIONS))
    (batch / "output.txt").write_text(batch.run(*QUICK, code=1, seconds=1800).output)
    return batch
