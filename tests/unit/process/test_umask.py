"""Permissions of files that are written: the umask belongs to the process, not to a thread."""

import os
import stat
import threading
from pathlib import Path

from lfpscope.io.atomic import atomic


def test_atomic_file_is_readable_by_whom_the_umask_allows(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with atomic(tmp_path / "a.txt") as part:
            part.write_text("x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640


def test_atomic_leaves_the_umask_of_other_threads_alone(tmp_path: Path) -> None:
    before = os.umask(0o077)

    def make_files() -> None:
        for i in range(50):
            with atomic(tmp_path / "a.txt") as part:
                part.write_text(f"{i}")

    thread = threading.Thread(target=make_files)
    thread.start()
    modes, i = set(), 0
    try:
        while thread.is_alive():  # ends after 50 files
            (tmp_path / f"other{i}").touch()
            modes.add(stat.S_IMODE((tmp_path / f"other{i}").stat().st_mode))
            i += 1
    finally:
        thread.join(60)
        os.umask(before)
    assert modes == {0o600}
