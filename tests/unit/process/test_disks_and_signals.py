"""Disks that are full, folders that may not be written: one line, and nothing half-written."""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lfpscope.errors import UserError
from lfpscope.io.atomic import atomic, write_text
from lfpscope.io.download import download
from lfpscope.sources.demo import nwb_writer

SCRIPTS = Path(__file__).parents[3] / "scripts"
MOST = 1500  # bytes of a file, for the kernel to refuse more


@dataclass(frozen=True)
class Disk:
    """A file system of a few megabytes, in memory."""

    folder: Path

    def fill(self) -> None:
        with (self.folder / "filler").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                return

    def make_read_only(self) -> None:
        subprocess.run(["mount", "-o", "remount,ro", self.folder], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system may be mounted here")
    yield Disk(folder)
    subprocess.run(["umount", folder], check=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, write_nwb: Callable[..., Path]) -> Path:
    """Return a folder with a session, as far as a run makes it."""
    folder = tmp_path_factory.mktemp("made")
    nwb = write_nwb(folder / "a.nwb")
    (folder / "sessions.tsv").write_text(f"session\tsource\tlocation\none\tnwb\t{nwb}\n")
    for name in PROGRAMS:
        run(name, folder, folder / "results")
    return folder


ONE = "results/one/probes/a"
PROGRAMS = {
    "list_session": "one --source nwb --location a.nwb --cache cache "
    "--probes OUT/one/probes.tsv --listing OUT/one/listing.json",
    "list_probes": "results/one/probes.tsv --probes OUT/probes.tsv",
    "fetch_probe": "a.nwb --source nwb --session one --probe a "
    "--checked OUT/one/probes/a/source.json",
    "index_probe": f"{ONE}/source.json --session one --probe a "
    "--references OUT/one/probes/a/lfp.json --index OUT/one/probes/a/index.json",
    "summarize_probe": f"{ONE}/lfp.json --envelope OUT/one/probes/a/envelope.zarr.zip "
    "--channels OUT/one/probes/a/channels.csv",
    "verify_probe": f"{ONE}/lfp.json {ONE}/envelope.zarr.zip "
    "--verified OUT/one/probes/a/verified.json",
    "combine_session": f"{ONE}/lfp.json --session one --combined OUT/one/session.json",
    "write_viewer": "--session one --viewer OUT/one/viewer.py",
    "copy_library": "OUT/lfpscope",
}
DRAW = (
    f"{ONE}/lfp.json {ONE}/envelope.zarr.zip "
    "--overview OUT/one/probes/a/overview.png --thumbnail OUT/one/probes/a/thumbnail.png"
)


def command(name: str, out: Path) -> list[str]:
    arguments = PROGRAMS[name].replace("OUT", str(out)).split()
    return [sys.executable, str(SCRIPTS / f"{name}.py"), *arguments]


def run(name: str, folder: Path, out: Path) -> None:
    subprocess.run(command(name, out), cwd=folder, check=True, capture_output=True)


def refusal(name: str, folder: Path, out: Path, **how: object) -> str:
    """What a program says when it fails: one line behind whatever it said before."""
    done = subprocess.run(
        command(name, out), cwd=folder, capture_output=True, text=True, check=False, **how
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "filler"
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_full_disk(made: Path, disk: Disk, name: str) -> None:
    shutil.copytree(made / "results", disk.folder / "results")
    before = contents(disk.folder)
    disk.fill()
    message = refusal(name, made, disk.folder / "results")
    assert message.startswith(f"error: {disk.folder}/results/")
    assert re.search("cannot be written: .*No space left on device.*Make room", message)
    assert contents(disk.folder) == before


def test_a_disk_too_small_for_the_demo(disk: Disk) -> None:
    """HDF5 itself would end the process where the disk is full."""
    recipe = replace(
        nwb_writer.demo_recipe("demo-1", "100000011"), n_channels=4, n_samples=12_000, detached=()
    )
    disk.fill()
    path = disk.folder / "demo.nwb"
    with pytest.raises(UserError, match=rf"^{path}: cannot be written: No space left on device"):
        nwb_writer.write_nwb("demo-1", "100000011", replace(recipe, constant=()), path)
    assert [one.name for one in disk.folder.iterdir()] == ["filler"]


@pytest.mark.slow
def test_a_disk_that_fills_up(made: Path, disk: Disk) -> None:
    """There is room for the program, and not for the library beside it."""
    shutil.copytree(made / "results", disk.folder / "results")
    before = contents(disk.folder)
    disk.fill()
    os.truncate(disk.folder / "filler", (disk.folder / "filler").stat().st_size - 100_000)
    message = refusal("copy_library", made, disk.folder / "results")
    assert message.startswith(f"error: {disk.folder}/results/lfpscope: cannot be written: ")
    assert "No space left on device" in message
    assert contents(disk.folder) == before


@pytest.mark.slow
@pytest.mark.parametrize("name", ["index_probe", "summarize_probe"])
def test_a_folder_that_may_only_be_read(made: Path, disk: Disk, name: str) -> None:
    shutil.copytree(made / "results", disk.folder / "results")
    before = contents(disk.folder)
    disk.make_read_only()
    message = refusal(name, made, disk.folder / "results")
    assert "cannot be written: Read-only file system. Make room, or write elsewhere" in message
    assert contents(disk.folder) == before


def test_a_folder_of_somebody_else(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0o555)
    user = os.getuid()
    try:
        if user == 0:  # who may write everywhere
            os.seteuid(65534)
        refused = rf"^{folder}/a\.txt: cannot be written: Permission"
        with pytest.raises(UserError, match=refused):
            write_text(folder / "a.txt", "x")
        with pytest.raises(UserError, match=refused):
            download("http://127.0.0.1:9/a.txt", folder / "a.txt", check=print)
    finally:
        os.seteuid(user)
    assert not list(folder.iterdir())


@pytest.mark.slow
def test_pictures_need_no_room_for_temporary_files(made: Path, disk: Disk, tmp_path: Path) -> None:
    disk.fill()
    program = [
        sys.executable,
        str(SCRIPTS / "draw_probe.py"),
        *DRAW.replace("OUT", str(tmp_path)).split(),
    ]
    where = {"TMPDIR": str(disk.folder), "MPLCONFIGDIR": str(disk.folder)}
    subprocess.run(program, cwd=made, env=os.environ | where, check=True, capture_output=True)
    assert (tmp_path / "one/probes/a/overview.png").is_file()


@pytest.mark.slow
def test_what_the_kernel_refuses_in_the_middle(made: Path, tmp_path: Path) -> None:
    """Bytes beyond a limit, as on a full disk; the earlier file stays."""
    path = tmp_path / "one/probes/a/lfp.json"
    path.parent.mkdir(parents=True)
    path.write_text("earlier")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (MOST, MOST))

    message = refusal("index_probe", made, tmp_path, preexec_fn=limit)
    assert message.startswith(f"error: {path}: cannot be written: File too large.")
    assert contents(tmp_path) == {"one/probes/a/lfp.json": b"earlier"}


def test_a_disk_that_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("earlier")
    with pytest.raises(UserError, match=rf"^{path}: cannot be written: Input/output error"):
        fail_while_writing(path)
    assert contents(tmp_path) == {"a.txt": b"earlier"}


def fail_while_writing(path: Path) -> None:
    with atomic(path) as part:
        part.write_text("half")
        Path("/proc/self/mem").read_bytes()  # where nothing is mapped


# --- what a killed process leaves ---------------------------------------------------------------


def test_the_next_writer_sweeps_up(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    code = """
import os, signal, sys
from pathlib import Path
from lfpscope.io.atomic import atomic
with atomic(Path(sys.argv[1])) as part:
    part.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    where = os.environ | {"PYTHONPATH": str(SCRIPTS)}
    killed = subprocess.run([sys.executable, "-c", code, path], env=where, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1
    with atomic(path) as part, atomic(path) as other:  # both are written, and both are kept
        other.write_text("first")
        part.write_text("whole")
    assert contents(tmp_path) == {"a.txt": b"whole"}


def summarize_interrupted(folder: Path, out: Path, how: signal.Signals) -> tuple[int, str]:
    """Interrupt the summary while it writes; its exit code and messages, 0 if it was too late."""
    probe = out / "one/probes/a"
    (probe / "envelope.zarr.zip").write_text("earlier")
    with subprocess.Popen(
        command("summarize_probe", out),
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        # a parent may ignore it, as a shell in the background does
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        stop = time.monotonic() + 120
        while process.poll() is None and not list(probe.glob(".envelope*.part")):
            assert time.monotonic() < stop, "it neither writes nor ends"
            time.sleep(0.001)
        process.send_signal(how)
        try:
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
        return process.returncode, said


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_in_the_middle(made: Path, tmp_path: Path, how: signal.Signals) -> None:
    folder = tmp_path / "one/probes/a"
    folder.mkdir(parents=True)
    tries = (summarize_interrupted(made, tmp_path, how) for _ in range(10))
    code, said = next((one for one in tries if one[0]), (0, "always too late"))
    assert code == {signal.SIGINT: 130}.get(how, -how), said
    assert "Traceback" not in said
    assert {name for name in contents(tmp_path) if "/." not in name} == {
        "one/probes/a/envelope.zarr.zip"
    }
    assert (folder / "envelope.zarr.zip").read_text() == "earlier"
    run("summarize_probe", made, tmp_path)
    for name in ("envelope.zarr.zip", "channels.csv"):
        assert (folder / name).read_bytes() == (made / ONE / name).read_bytes()
    assert len(list(folder.iterdir())) == 2
