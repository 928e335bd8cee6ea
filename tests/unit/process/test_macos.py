"""What Linux has and macOS has not: the same work where the system answers as macOS does."""

import errno
import os
import platform
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import recorded

from lfpscope.io import byte_source
from lfpscope.io.atomic import atomic
from lfpscope.io.byte_source import LocalFile
from lfpscope.memory import return_free_memory, share_arenas

MAX_READ = 1000  # bytes, for 2^31 − 1 of macOS


@pytest.fixture
def macos(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no /proc, refuse reads that are too long, and answer by the other name."""
    pread, read_text = os.pread, Path.read_text

    def pread_some(descriptor: int, size: int, offset: int) -> bytes:
        if size > MAX_READ:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return pread(descriptor, size, offset)

    def read_text_of(path: Path, *arguments: str, **options: str) -> str:
        if path.parts[:2] == ("/", "proc"):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return read_text(path, *arguments, **options)

    monkeypatch.setattr(os, "pread", pread_some)
    monkeypatch.setattr(byte_source, "MAX_READ", MAX_READ)
    monkeypatch.setattr(Path, "read_text", read_text_of)
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platform, "system", lambda: "Darwin")


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 2000, 2999, 4000])
@pytest.mark.usefixtures("macos")
def test_long_reads(tmp_path: Path, size: int) -> None:
    content = bytes(np.random.default_rng(0).integers(0, 256, 3000, np.uint8))
    (tmp_path / "a").write_bytes(content)
    with LocalFile(str(tmp_path / "a")) as file:
        assert file.read(10, size) == content[10 : 10 + size]


@pytest.mark.usefixtures("macos")
def test_files_have_the_permissions_of_the_umask_at_the_start(tmp_path: Path) -> None:
    with atomic(tmp_path / "a") as part:
        part.write_text("x")
    umask = os.umask(0o022)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o666 & ~umask


@pytest.mark.usefixtures("macos")
def test_what_another_process_writes_is_not_taken_for_abandoned(tmp_path: Path) -> None:
    write = (
        "import sys; from pathlib import Path; from lfpscope.io.atomic import atomic\n"
        "with atomic(Path(sys.argv[1])) as part: part.write_text('other'); print(); input()"
    )
    command = [sys.executable, "-c", write, tmp_path / "a"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with atomic(tmp_path / "a") as part:
            part.write_text("own")
        assert (tmp_path / "a").read_text() == "own"
        other.communicate("\n", timeout=60)
    assert other.returncode == 0
    assert (tmp_path / "a").read_text() == "other"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.slow
def test_a_probe_has_the_same_envelope(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    data = np.random.default_rng(0).normal(0, 50, (4000, 3)).astype(np.float32)
    references = recorded.index(tmp_path, data, chunks=(1000, 1))
    _, expected = recorded.summarise(references)
    linux = expected.read_bytes()
    request.getfixturevalue("macos")
    share_arenas(2)
    return_free_memory()
    _, envelope = recorded.summarise(references)
    assert envelope.read_bytes() == linux
