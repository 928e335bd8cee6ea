import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from lfpscope.files import UserError, atomic, read_json, read_table, write_json, write_table


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
from lfpscope.files import write_json
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
write_json(Path({str(path)!r}), list(range(10000)))
"""
    scripts = Path(__file__).parents[2] / "scripts"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(scripts)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "File too large" in done.stderr
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_atomic_file_is_readable_by_whom_the_umask_allows(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with atomic(tmp_path / "a.txt") as part:
            part.write_text("x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640


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
