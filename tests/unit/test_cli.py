import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"

PROGRAM = """
import sys
sys.path.insert(0, {scripts!r})
from pathlib import Path
from lfpscope.errors import UserError
from lfpscope.cli import run

def show(path: Path, *, times: int = 1, more: list[Path] | None = None) -> None:
    '''Show a path.

    Parameters
    ----------
    path
        What to show.
    times
        How often.
    more
        Further paths.
    '''
    if str(path) == "bad":
        raise UserError("bad: this is no path. Give another.")
    if str(path) == "ours":
        raise KeyError("ours")
    if str(path) == "disk":
        raise OSError(28, "No space left on device")
    print(str(path) * times, *(more or []))

run(show)
"""


def run(tmp_path: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    file = tmp_path / "show.py"
    file.write_text(PROGRAM.format(scripts=str(SCRIPTS)))
    return subprocess.run(
        [sys.executable, file, *arguments], capture_output=True, text=True, check=False
    )


def test_arguments_come_from_annotations(tmp_path: Path) -> None:
    assert run(tmp_path, "ab", "--times", "2").stdout == "abab\n"


def test_an_option_of_a_list_takes_all_behind_it(tmp_path: Path) -> None:
    assert run(tmp_path, "a", "--more", "b", "c d", "--times", "2").stdout == "aa b c d\n"


def test_help_comes_from_the_docstring(tmp_path: Path) -> None:
    text = run(tmp_path, "--help").stdout
    assert "Show a path." in text
    assert "How often." in text


def test_the_users_mistake_is_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, "bad")
    assert done.returncode == 1
    assert done.stderr == "error: bad: this is no path. Give another.\n"


@pytest.mark.parametrize(
    ("argument", "last"), [("ours", "KeyError"), ("disk", "error: [Errno 28]")]
)
def test_any_other_error_keeps_its_traceback(tmp_path: Path, argument: str, last: str) -> None:
    done = run(tmp_path, argument)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith(last)


def test_unknown_arguments_are_refused(tmp_path: Path) -> None:
    done = run(tmp_path, "ab", "--tmies", "2")
    assert done.returncode == 2
    assert "--tmies" in done.stdout + done.stderr
