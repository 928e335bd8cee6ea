import errno
import os
import platform
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir

import pytest

from lfpscope.errors import UserError
from lfpscope.io.atomic import atomic
from lfpscope.io.locks import file_lock
from lfpscope.io.tables import read_json, read_table, write_json, write_table
from lfpscope.viewer.marks import read_marks

SCRIPTS = Path(__file__).parents[3] / "scripts"
DAY_S = 24 * 3600


def test_atomic_gives_the_file_its_name_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    with atomic(path) as part:
        part.write_text("whole")
        assert not path.exists()
        assert part.parent == path.parent
    assert path.read_text() == "whole"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_atomic_keeps_the_earlier_file_when_the_block_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("earlier")

    def fail_in_the_middle() -> None:
        with atomic(path) as part:
            part.write_text("half")
            raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        fail_in_the_middle()
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_atomic_leaves_nothing_half_written_when_the_disk_is_full(tmp_path: Path) -> None:
    """A real limit: the kernel refuses bytes beyond RLIMIT_FSIZE as it does on a full disk."""
    path = tmp_path / "a.txt"
    path.write_text("earlier")
    code = f"""
import resource, signal
from pathlib import Path
from lfpscope.io.tables import write_json
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
write_json(Path({str(path)!r}), list(range(10000)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "File too large" in done.stderr
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "fails"), [(errno.EINVAL, False), (errno.ENOTSUP, False), (errno.EIO, True)]
)
def test_a_folder_that_cannot_be_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, fails: bool
) -> None:
    """Some network and FUSE file systems answer so; none can be mounted here."""
    sync = os.fsync

    def refuse_folders(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    try:
        write_json(tmp_path / "a.json", 1)
        failed = False
    except UserError:
        failed = True
    assert failed == fails
    assert read_json(tmp_path / "a.json") == 1


# --- what other processes leave, and what they still write --------------------------------------


def run(code: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(SCRIPTS)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


WRITER = """
import sys
from pathlib import Path
from lfpscope.io.atomic import atomic
with atomic(Path(sys.argv[1])) as part:
    part.write_text("slow")
    print(part, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process in the middle of writing a.txt, in a PID namespace of its own."""
    command = ["unshare", "-p", "-f", "--mount-proc", sys.executable]
    if subprocess.run([*command, "-c", ""], capture_output=True, check=False).returncode:
        command = [sys.executable]
    with subprocess.Popen(
        [*command, "-c", WRITER, tmp_path / "a.txt"],
        env=os.environ | {"PYTHONPATH": str(SCRIPTS)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())


def test_a_part_that_is_still_written_is_kept(
    tmp_path: Path, writer: tuple[subprocess.Popen[str], Path]
) -> None:
    process, part = writer
    os.utime(part, (0, 0))  # however long ago it was changed
    write_json(tmp_path / "a.txt", "quick")
    assert part.read_text() == "slow"
    process.communicate("")
    assert process.returncode == 0
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.txt": "slow"}


@pytest.mark.parametrize("host", [platform.node(), "elsewhere"])
@pytest.mark.parametrize("locks", [True, False])
@pytest.mark.parametrize("age_s", [60, 2 * DAY_S])
def test_an_abandoned_part(
    tmp_path: Path, nolock: Path, host: str, locks: bool, age_s: int
) -> None:
    """Removed where no lock is held on it, or after a day where locks do not reach."""
    part = tmp_path / f".a.txt.{host}.7.x.part"
    part.touch()
    os.utime(part, (time.time() - age_s,) * 2)
    code = (
        "import sys; from pathlib import Path; from lfpscope.io.atomic import write_text; "
        "write_text(Path(sys.argv[1]), '')"
    )
    environment = {} if locks else {"LD_PRELOAD": str(nolock)}
    assert run(code, tmp_path / "a.txt", **environment).returncode == 0
    certain = locks and host == platform.node()
    assert part.exists() == (age_s < DAY_S and not certain)


# --- locks --------------------------------------------------------------------------------------

MARK = "import sys; from lfpscope.viewer.marks import *; add_mark(Path(sys.argv[1]), [(1, 2)], 'a')"


def test_one_at_a_time(tmp_path: Path) -> None:
    path, others = tmp_path / "marks.csv", []
    with file_lock(path) as locked:
        assert locked
        command = [sys.executable, "-c", MARK, path]
        others = [
            subprocess.Popen(
                command, env=os.environ | {"PYTHONPATH": str(SCRIPTS)}, stderr=subprocess.PIPE
            )
            for _ in range(3)
        ]
        for other in others:
            assert other.stderr is not None
            assert b"marks.csv: another process has locked it; waiting" in other.stderr.readline()
        assert not path.exists()
    for other in others:
        other.communicate()
        assert other.returncode == 0
    assert len(read_marks(path)) == 3
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_without_locks(tmp_path: Path, nolock: Path) -> None:
    """Marks are written there as downloads are; threads of one process wait for each other."""
    code = """
import sys
from concurrent.futures import ThreadPoolExecutor
from lfpscope.viewer.marks import *
with ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda i: add_mark(Path(sys.argv[1]), [(i, i)], ""), range(40)))
"""
    done = run(code, tmp_path / "marks.csv", LD_PRELOAD=str(nolock))
    assert done.returncode == 0, done.stderr
    assert "marks.csv: no lock (No locks available); continuing without" in done.stderr
    assert len(read_marks(tmp_path / "marks.csv")) == 40


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_lock_that_another_user_left(tmp_path: Path) -> None:
    """In a shared folder, with permissions that do not let other users write to it."""
    path, lock = tmp_path / "marks.csv", tmp_path / "marks.csv.lock"
    lock.touch(0o444)
    shared = Path(gettempdir())
    for folder in (tmp_path, *tmp_path.parents):
        if shared in folder.parents:
            folder.chmod(0o777)
    code = MARK.replace("add_mark(", "import os; os.setuid(65534); add_mark(")
    done = run(code, path)
    assert done.returncode == 0, done.stderr
    assert len(read_marks(path)) == 1


def test_json_is_compact_and_keeps_the_order_of_keys(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": [1.5, None]})
    assert (tmp_path / "a.json").read_text() == '{"b":1,"a":[1.5,null]}'
    assert read_json(tmp_path / "a.json") == {"b": 1, "a": [1.5, None]}


def test_json_refuses_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", [float("nan")])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", "[1, 2", "<html>"])
def test_reading_what_is_not_json_says_so(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(UserError, match=r"a\.json: not JSON"):
        read_json(tmp_path / "a.json")


def test_reading_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.json: no such file"):
        read_json(tmp_path / "a.json")
    with pytest.raises(UserError, match=r"a\.tsv: no such file"):
        read_table(tmp_path / "a.tsv")


@pytest.mark.parametrize(
    ("name", "text"), [("a.csv", 'x,y\n1,"a,b"\n2,\n'), ("a.tsv", "x\ty\n1\ta,b\n2\t\n")]
)
def test_tables_come_back_as_they_were(tmp_path: Path, name: str, text: str) -> None:
    write_table(tmp_path / name, ["x", "y"], [{"x": 1, "y": "a,b"}, {"x": 2, "y": ""}])
    assert (tmp_path / name).read_text() == text
    assert read_table(tmp_path / name) == [{"x": "1", "y": "a,b"}, {"x": "2", "y": ""}]
