"""Programs, Snakemake and the viewer interrupted at random moments: the next run makes all whole.

    python tests/fuzz/interruptions.py [--programs 60] [--runs 12] [--viewers 12] [--seed 0]

SIGINT, SIGTERM or SIGKILL is sent after a random time. At once every file of results must be
whole: not there yet, or byte for byte that of an undisturbed run. After the next run all must be
there, the same, and nothing else.
"""

import argparse
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "rules", "scripts", "config", "envs", "profiles")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
SNAKEMAKE = [sys.executable, "-m", "snakemake", "--cores", "2"]
ONE = "results/one/probes/a"
PROGRAMS = {
    f"index_probe {ONE}/source.json --session one --probe a --references {ONE}/lfp.json": 1.0,
    f"summarize_probe {ONE}/lfp.json --envelope {ONE}/envelope.zarr.zip "
    f"--channels {ONE}/channels.csv": 3.0,
    f"draw_probe {ONE}/lfp.json {ONE}/envelope.zarr.zip --overview {ONE}/overview.png "
    f"--thumbnail {ONE}/thumbnail.png": 6.0,
    "write_viewer --session one --viewer results/one/viewer.py": 1.0,
    "copy_library results/lfpscope": 1.0,
}
SNAKEMAKES = ".snakemake_timestamp"  # in folders that are outputs
WHAT_EXISTS = {"results/index.html", "results/run.json"}  # also written of what is not all there
Sums = dict[str, str]


def write_nwb(path: Path, seed: int) -> None:
    """Write a file that takes some seconds to summarise."""
    rng = np.random.default_rng(seed)
    path.parent.mkdir(exist_ok=True)
    with h5py.File(path, "w") as nwb:
        series = nwb.create_group("acquisition/lfp")
        series.attrs["neurodata_type"] = "ElectricalSeries"
        counts = np.cumsum(rng.integers(-9, 10, (400_000, 8)), axis=0).astype(np.int16)
        series.create_dataset("data", data=counts, chunks=(10_000, 1), compression="gzip")
        series["data"].attrs["conversion"] = 1e-6
        series["starting_time"] = 0.0
        series["starting_time"].attrs["rate"] = 1250.0


def sums(folder: Path) -> Sums:
    """Checksums of all files of results."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "results").rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and path.name != SNAKEMAKES
    }


def interrupted(command: list[str], folder: Path, seconds: float, how: signal.Signals) -> bool:
    """Run a command and send all its processes a signal; return whether it had ended before."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(seconds)
        ended = True
    except subprocess.TimeoutExpired:
        ended = False
        os.killpg(process.pid, how)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(60)
            raise SystemExit(f"{how.name} did not end {command}") from None
    wait_for_nobody(process.pid)
    return ended


def wait_for_nobody(group: int) -> None:
    """Wait until all processes of a group are gone."""
    for _ in range(600):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise SystemExit("processes go on")


def wrong(found: Sums, whole: Sums) -> list[str]:
    """Files that are neither as they should be nor hidden ones that nobody reads."""
    return [
        name
        for name, one in found.items()
        if whole.get(name) != one
        and name not in WHAT_EXISTS
        and not any(part.startswith(".") for part in Path(name).parts)
    ]


def try_programs(folder: Path, whole: Sums, n: int, rng: random.Random) -> list[str]:
    """Interrupt the programs of rules, and run them again."""
    problems, counts = list[str](), Counter[str]()
    for _ in range(n):
        line, seconds = rng.choice(list(PROGRAMS.items()))
        name, *arguments = line.split()
        command = [sys.executable, f"scripts/{name}.py", *arguments]
        for path in arguments:
            if rng.random() < 0.5 and not path.endswith("source.json"):  # else it is there before
                remove_output(folder, name, path)
        how = rng.choice(SIGNALS)
        counts[
            "ended before"
            if interrupted(command, folder, rng.uniform(0, seconds), how)
            else how.name
        ] += 1
        problems += [f"{name}, {how.name}: {one}" for one in wrong(sums(folder), whole)]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        problems += [f"{name}, after {how.name}: {one}" for one in differing(sums(folder), whole)]
    print(f"programs: {n} tried: {listed(counts)}")
    return problems


def remove_output(folder: Path, program: str, path: str) -> None:
    """Remove a file that a program writes."""
    outputs = {
        "index_probe": ("lfp.json",),
        "summarize_probe": ("envelope.zarr.zip", "channels.csv"),
        "draw_probe": (".png",),
        "write_viewer": ("viewer.py",),
    }[program]
    if path.endswith(outputs):
        shutil.rmtree(folder / path, ignore_errors=True)
        (folder / path).unlink(missing_ok=True)


def differing(found: Sums, whole: Sums) -> list[str]:
    """Files that differ, are missing or too many."""
    return [name for name in {**found, **whole} if found.get(name) != whole.get(name)]


def try_runs(folder: Path, whole: Sums, n: int, rng: random.Random) -> list[str]:
    """Interrupt Snakemake with all its jobs, or alone, and run it again."""
    problems, counts = list[str](), Counter[str]()
    for _ in range(n):
        command = [*SNAKEMAKE]
        if rng.random() < 0.7:
            shutil.rmtree(folder / "results")
        else:  # what is there is made again
            command += [
                "--forcerun",
                rng.choice(["index_probe", "summarize_probe", "write_viewer"]),
            ]
        how = rng.choice(SIGNALS)
        ended = interrupted(command, folder, rng.uniform(2, 25), how)
        counts["ended before" if ended else how.name] += 1
        problems += [f"Snakemake, {how.name}: {one}" for one in wrong(sums(folder), whole)]
        if how == signal.SIGKILL:  # as Snakemake asks for
            subprocess.run([*SNAKEMAKE, "--unlock"], cwd=folder, check=True, capture_output=True)
        done = subprocess.run(SNAKEMAKE, cwd=folder, check=False, capture_output=True, text=True)
        if done.returncode:
            problems.append(f"Snakemake after {how.name}: {done.stderr[-1000:]}")
        problems += [f"after {how.name}: {one}" for one in differing(sums(folder), whole)]
    print(f"runs of Snakemake: {n} tried: {listed(counts)}")
    return problems


def try_viewers(folder: Path, n: int, rng: random.Random) -> list[str]:
    """Interrupt the viewer, and one that writes marks; open it again."""
    problems, counts = list[str](), Counter[str]()
    marks = folder / "results/one/marks.csv"
    code = (
        "import sys; from pathlib import Path; from lfpscope.viewer.marks import add_mark\n"
        "for i in range(10_000): add_mark(Path(sys.argv[1]), i, i + 1, 'note')"
    )
    for _ in range(n):
        how = rng.choice(SIGNALS)
        counts[how.name] += 1
        viewer = [sys.executable, "results/one/viewer.py", "--port", "0", "--no-browser"]
        interrupted(viewer, folder, rng.uniform(0.5, 6), how)
        interrupted([sys.executable, "-c", code, str(marks)], folder, rng.uniform(0.5, 2), how)
        if marks.exists():
            lines = marks.read_text().splitlines()
            numbers = [float(line.split(",")[0]) for line in lines[1:]]
            if not all(line.count(",") == 4 for line in lines) or numbers != list(
                range(len(numbers))
            ):
                problems.append(f"marks after {how.name}: {lines[-1]}")
            marks.unlink()
        with subprocess.Popen(viewer, cwd=folder, stdout=subprocess.PIPE, text=True) as again:
            assert again.stdout is not None
            (address,) = re.findall(r"http://\S+", again.stdout.readline())
            with urllib.request.urlopen(address, timeout=60) as page:  # noqa: S310 - our own
                if page.status != 200:
                    problems.append(f"the viewer after {how.name}: status {page.status}")
            again.terminate()
    print(f"viewers: {n} tried: {listed(counts)}")
    return problems


def listed(counts: Counter[str]) -> str:
    """Counts in words."""
    return ", ".join(f"{n} {word}" for word, n in sorted(counts.items()))


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=60)
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--viewers", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    n = parser.parse_args()
    rng = random.Random(n.seed)  # noqa: S311 - no secrets here
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in PARTS:
            (shutil.copytree if (ROOT / part).is_dir() else shutil.copy2)(
                ROOT / part, folder / part
            )
        write_nwb(folder / "data/a.nwb", 0)
        write_nwb(folder / "data/b.nwb", 1)
        (folder / "config/sessions.tsv").write_text(
            "session\tsource\tlocation\none\tnwb\tdata/*.nwb\n"
        )
        subprocess.run(SNAKEMAKE, cwd=folder, check=True, capture_output=True)
        whole = sums(folder)
        problems = try_programs(folder, whole, n.programs, rng)
        problems += try_runs(folder, whole, n.runs, rng)
        problems += try_viewers(folder, n.viewers, rng)
    print(*problems, sep="\n")
    sys.exit(f"{len(problems)} files or runs not as they should be" if problems else 0)


if __name__ == "__main__":
    main()
