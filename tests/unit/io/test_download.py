"""Files fetched to be kept: good under their name, or not there, whatever the server does."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import pytest
from serving import Served, serve

from lfpscope.errors import UserError
from lfpscope.io import http
from lfpscope.io.download import download, size_at
from lfpscope.nwb.file import open_nwb

FETCH = """
import sys
from pathlib import Path
from lfpscope.io.download import download
from lfpscope.nwb.file import open_nwb

download(sys.argv[1], Path(sys.argv[2]), check=lambda path: open_nwb(path).close())
"""


@pytest.fixture
def nwb(tmp_path: Path, write_nwb: Callable[..., Path]) -> Path:
    return write_nwb(tmp_path / "served/a.nwb", samples=60_000)


@pytest.fixture
def served(nwb: Path) -> Iterator[Served]:
    with serve(nwb.parent) as server:
        yield server


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache/session/a.nwb"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_PAUSE_S", 0.05)


def check(path: Path) -> None:
    with open_nwb(path) as file:
        if "acquisition/LFP/lfp" not in file:
            raise UserError(f"{path}: no LFP.")


def fetch(served: Served, path: Path, name: str = "a.nwb", tries: int = 3) -> None:
    download(f"{served.address}/{name}", path, check=check, stall_seconds=0.5, tries=tries)


def start_fetch(served: Served, path: Path, before: str = "") -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", before + FETCH, f"{served.address}/a.nwb", str(path)]
    scripts = str(Path(__file__).parents[3] / "scripts")
    return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": scripts})


def ranges(served: Served) -> list[str]:
    return [wanted for _, wanted, _ in served.log]


# --- what a server may do -------------------------------------------------------------------------


def cut(served: Served) -> None:
    served.cut = 0.5


def short(served: Served) -> None:
    served.short = 0.7


def error(served: Served) -> None:
    served.status["a.nwb"] = 500


def busy(served: Served) -> None:
    served.status["a.nwb"], served.retry_after = 503, "120"


def html(served: Served) -> None:
    served.instead = b"<!DOCTYPE html>\n<html><title>Back soon</title></html>"


def json(served: Served) -> None:
    served.instead = b'{"success": false, "msg": "no such record"}'


def silence(served: Served) -> None:
    served.silent = 1.0


def no_answer(served: Served) -> None:
    served.seconds = 1.0


def wrong_file(served: Served) -> None:
    other = served.folder / "other.nwb"
    with h5py.File(other, "w") as file:
        file["units"] = [1, 2, 3]
    served.instead = other.read_bytes()


def bit_flip(served: Served) -> None:
    content = bytearray((served.folder / "a.nwb").read_bytes())
    content[8] ^= 0xFF  # in the superblock; in samples, the summary finds it
    served.instead = bytes(content)


FAULTS = [
    (cut, "bytes of|IncompleteRead"),
    (short, "truncated"),
    (error, "status 500"),
    (busy, "status 503"),
    (html, "a page instead of an HDF5 file: '<!DOCTYPE html>"),
    (json, "a page instead of an HDF5 file: .*no such record"),
    (silence, "timed out"),
    (no_answer, "timed out"),
    (wrong_file, "no LFP"),
    (bit_flip, "its HDF5 header cannot be read"),
]


@pytest.mark.parametrize("fault", [fault for fault, _ in FAULTS])
def test_a_fault_on_the_first_try(
    served: Served, nwb: Path, path: Path, fault: Callable[[Served], None]
) -> None:
    fault(served)
    served.times = 1
    fetch(served, path)
    assert path.read_bytes() == nwb.read_bytes()
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(("fault", "reason"), FAULTS)
def test_a_fault_on_every_try(
    served: Served, path: Path, fault: Callable[[Served], None], reason: str
) -> None:
    fault(served)
    served.ranges = False  # a cut connection would be resumed until the file is complete
    with pytest.raises(UserError, match=rf"a.nwb: did not arrive completely in 3.*({reason})"):
        fetch(served, path)
    assert not path.exists()


@pytest.mark.parametrize(
    ("status", "message"),
    [(403, "access denied"), (404, "no such file"), (410, "no such file"), (418, "refused")],
)
def test_a_refusal_is_final(served: Served, path: Path, status: int, message: str) -> None:
    served.status["a.nwb"] = status
    with pytest.raises(UserError, match=rf"/a.nwb: {message} \(status {status}\)"):
        fetch(served, path)
    assert len(served.log) == 1


def test_slow_is_no_fault(served: Served, nwb: Path, path: Path) -> None:
    served.pace = 0.1  # a second in all, twice as long as may pass without a byte
    fetch(served, path, tries=1)
    assert path.read_bytes() == nwb.read_bytes()


def test_nobody_there(path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/a.nwb"
    with pytest.raises(UserError, match=r"did not arrive completely in 2 tries.*refused"):
        download(address, path, check=check, tries=2)


# --- resuming -------------------------------------------------------------------------------------


def test_a_cut_connection_is_resumed(served: Served, nwb: Path, path: Path) -> None:
    served.cut, served.times = 0.6, 2
    fetch(served, path)
    assert path.read_bytes() == nwb.read_bytes()
    assert ranges(served)[0] == ""
    assert all(wanted.startswith("bytes=") for wanted in ranges(served)[1:])
    assert sum(size for *_, size in served.log) < 2 * nwb.stat().st_size


def test_a_file_that_has_changed_starts_anew(served: Served, nwb: Path, path: Path) -> None:
    served.cut, served.times = 0.6, 1
    with pytest.raises(UserError):
        fetch(served, path, tries=1)
    content = nwb.read_bytes()
    with h5py.File(nwb, "r+") as file:
        file.attrs["version"] = "another"
    assert nwb.read_bytes() != content
    fetch(served, path)
    assert path.read_bytes() == nwb.read_bytes()


@pytest.mark.parametrize("lacks", ["ranges", "versions"])
def test_a_server_that_cannot_resume_starts_anew(
    served: Served, nwb: Path, path: Path, lacks: str
) -> None:
    setattr(served, lacks, False)
    served.cut, served.times = 0.6, 1
    fetch(served, path)
    assert path.read_bytes() == nwb.read_bytes()
    assert [size for *_, size in served.log] == [nwb.stat().st_size] * 2


def test_a_part_of_another_file_is_not_resumed(
    served: Served, nwb: Path, path: Path, write_nwb: Callable[..., Path]
) -> None:
    write_nwb(served.folder / "b.nwb", samples=60_000, seed=1)
    served.cut, served.times = 0.6, 1
    with pytest.raises(UserError):
        fetch(served, path, "b.nwb", tries=1)
    fetch(served, path)
    assert path.read_bytes() == nwb.read_bytes()
    assert ranges(served) == ["", ""]


def test_a_killed_download_is_resumed(served: Served, nwb: Path, path: Path) -> None:
    served.pace = 0.2
    process = start_fetch(served, path)
    part = path.with_name("a.nwb.part")
    while not part.exists() or part.stat().st_size < nwb.stat().st_size / 3:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    left = part.stat().st_size
    assert not path.exists()

    served.pace = 0
    fetch(served, path)
    assert ranges(served) == ["", f"bytes={left}-"]
    assert path.read_bytes() == nwb.read_bytes()
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.slow
def test_six_at_once_fetch_it_once(served: Served, nwb: Path, path: Path) -> None:
    served.pace = 0.2
    processes = [start_fetch(served, path) for _ in range(6)]
    assert [process.wait(timeout=60) for process in processes] == [0] * 6
    assert len(served.log) == 1
    assert path.read_bytes() == nwb.read_bytes()
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.slow
def test_six_at_once_without_locks(
    served: Served, nwb: Path, path: Path, nolock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.pace = 0.1
    monkeypatch.setenv("LD_PRELOAD", str(nolock))
    processes = [start_fetch(served, path) for _ in range(6)]
    assert [process.wait(timeout=60) for process in processes] == [0] * 6
    assert path.read_bytes() == nwb.read_bytes()
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.slow
def test_what_a_killed_download_left_where_there_are_no_locks(
    served: Served, nwb: Path, path: Path, nolock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.pace = 0.2
    monkeypatch.setenv("LD_PRELOAD", str(nolock))
    process = start_fetch(served, path)
    while not (left := list(path.parent.glob("a.nwb.*.part"))) or not left[0].stat().st_size:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)

    served.pace = 0
    served.status["a.nwb"], served.times = 404, 1
    assert start_fetch(served, path).wait(timeout=60) == 1
    assert left[0].exists()  # it may be another computer's that is still at it
    for one in path.parent.iterdir():
        os.utime(one, (time.time() - 2 * 24 * 3600,) * 2)
    assert start_fetch(served, path).wait(timeout=60) == 0
    # the lock is held, but by nobody that flock tells of
    assert {one.name for one in path.parent.iterdir()} <= {"a.nwb", "a.nwb.lock"}
    assert path.read_bytes() == nwb.read_bytes()


def test_a_disk_that_is_full(served: Served, nwb: Path, path: Path) -> None:
    """A real limit: the kernel refuses bytes beyond RLIMIT_FSIZE as it does on a full disk."""
    half = nwb.stat().st_size // 2
    limit = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({half}, {half}))\n"
    ignore = "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    process = start_fetch(served, path, limit + ignore)
    assert process.wait(timeout=60) == 1
    assert not path.exists()
    fetch(served, path)
    assert ranges(served) == ["", f"bytes={half}-"]
    assert path.read_bytes() == nwb.read_bytes()


# --- what is there --------------------------------------------------------------------------------


def test_a_good_file_is_not_touched(served: Served, nwb: Path, path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(nwb.read_bytes())
    before = path.stat()
    fetch(served, path)
    assert path.stat() == before
    assert not served.log


def test_a_file_in_a_folder_that_takes_none(served: Served, nwb: Path, path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(nwb.read_bytes())
    path.with_name(f"{path.name}.lock").mkdir()  # nor any lock, as in a cache of others
    fetch(served, path)
    assert not served.log


def test_a_bad_file_is_named_and_not_touched(served: Served, nwb: Path, path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(nwb.read_bytes()[:10_000])
    with pytest.raises(UserError, match=r"a\.nwb: truncated: the file") as bad:
        fetch(served, path)
    remedy = "It is not replaced: delete it and run again to download it."
    assert str(bad.value).split(". ")[1:] == [remedy]
    assert path.stat().st_size == 10_000
    assert not served.log


# --- how long -------------------------------------------------------------------------------------


def test_length_of_a_file_that_stays_where_it_is(served: Served, nwb: Path) -> None:
    served.status["a.nwb"], served.times = 503, 1
    assert size_at(f"{served.address}/a.nwb") == nwb.stat().st_size


def test_length_that_nobody_says(served: Served) -> None:
    served.status["a.nwb"] = 404
    with pytest.raises(UserError, match=r"a.nwb: no such file \(status 404\)"):
        size_at(f"{served.address}/a.nwb")
