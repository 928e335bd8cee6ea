"""The command `lfpscope` in a terminal, and installed where there is no clone."""

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from commands import run, running

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "rules", "scripts", "config", "envs", "profiles")

pytestmark = pytest.mark.slow


@pytest.fixture
def recordings(write_nwb: Callable[..., Path], tmp_path: Path) -> Path:
    """Return a folder with two recordings of one name, and what is none."""
    folder = tmp_path / "my data"
    write_nwb(folder / "daß é.nwb")
    write_nwb(folder / "below" / "daß é.nwb", channels=3)
    write_nwb(folder / "spikes.nwb", neurodata_type="SpikeEventSeries")
    (folder / "text.nwb").write_text("not HDF5")
    return folder


def tree(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def test_check_prints_what_is_found_and_makes_nothing(recordings: Path, tmp_path: Path) -> None:
    before = tree(tmp_path)
    missing = recordings / "none.nwb"
    done = run("check", recordings, missing, cache=tmp_path / "cache", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("3000 × 4 channels") == 1
    assert done.stdout.count("3000 × 3 channels") == 1
    not_taken = [line for line in done.stdout.splitlines() if line.startswith("not taken: ")]
    assert [any(name in line for line in not_taken) for name in ("text", "spikes", "none")] == [
        True
    ] * 3
    assert len(not_taken) == 3
    assert tree(tmp_path) == before


def test_nothing_to_show_is_an_error_of_a_line_each(tmp_path: Path) -> None:
    (tmp_path / "text.nwb").write_text("not HDF5")
    done = run("text.nwb", "none.nwb", "--no-browser", cache=tmp_path / "cache", folder=tmp_path)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert ["none.nwb" in lines[0], "text.nwb" in lines[1], len(lines)] == [True, True, 2]


def test_results_where_a_file_is(write_nwb: Callable[..., Path], tmp_path: Path) -> None:
    nwb = write_nwb(tmp_path / "a.nwb")
    done = run(nwb, "--results", nwb, cache=tmp_path / "cache")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {nwb}: File exists")


def test_help_has_examples(tmp_path: Path) -> None:
    done = run("--help", cache=tmp_path)
    assert done.returncode == 0
    assert "lfpscope mouse-07.nwb" in done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Return the command of a wheel that is installed in an environment of its own.

    What it depends on is taken from this environment, in which it is known to fit.
    """
    folder = tmp_path_factory.mktemp("wheel")
    for part in (*PARTS, "pyproject.toml", "README.md", "LICENSE"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
        copy(ROOT / part, folder / part)
    subprocess.run(["uv", "build", "--quiet", "--wheel", "--out-dir", folder, folder], check=True)
    subprocess.run(["uv", "venv", "--python", sys.executable, folder / "venv"], check=True)
    (wheel,) = folder.glob("*.whl")
    python = folder / "venv" / "bin" / "python"
    subprocess.run(["uv", "pip", "install", "--python", python, "--no-deps", wheel], check=True)
    (packages,) = (folder / "venv").glob("lib/python*/site-packages")
    # the clone is not named in it: its own .pth is not read there
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return (str(folder / "venv" / "bin" / "lfpscope"),)


@pytest.mark.workflow
def test_a_wheel_works_without_a_clone(
    installed: tuple[str, ...], write_nwb: Callable[..., Path], tmp_path: Path
) -> None:
    nwb, cache = write_nwb(tmp_path / "data" / "a.nwb"), tmp_path / "cache"
    at = {"cache": cache, "command": installed, "folder": tmp_path}
    done = run("check", nwb, **at)
    assert "3000 × 4 channels" in done.stdout, done.stderr
    with running(nwb, "--no-browser", "--port=0", "--no-token", **at) as program:
        page = requests.get(program.address(), timeout=60)
        assert page.status_code == 200
        assert "a · LFP" in page.content.decode()
        program.wait_for(r"^\[\d+/\d+\] index_probe a/a")
        (results,) = (cache / "lfpscope").glob("a-*")
        assert str(results) in program.output
        with running(nwb, "--no-browser", "--port=0", **at) as second:
            second.wait_for("another run makes these results")
        assert program.end() == 143
    snakefile = Path(installed[0]).parents[1] / "share" / "lfpscope" / "Snakefile"
    log = next((results / ".snakemake" / "log").iterdir()).read_text()
    assert str(snakefile) in log
    assert str(ROOT / "scripts") not in log
    assert tree(tmp_path / "data") == {nwb}
