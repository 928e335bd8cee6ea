"""The workflow behind the page: the same rules, run by Snakemake in a process of its own."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from lfpscope.errors import UserError
from lfpscope.io.locks import try_lock

PACKAGE = Path(__file__).parents[1]
SESSIONS = "sessions.tsv"  # in the folder of results
LOCK = ".lfpscope.lock"
PATIENCE_S = 20  # for Snakemake to end its jobs


def workflow_folder() -> Path:
    """Folder of the Snakefile: of the clone, or of what was installed with the package.

    Raises
    ------
    UserError
        If there is none.
    """
    clone = PACKAGE.parents[1]
    if (clone / "Snakefile").is_file():
        return clone
    with suppress(PackageNotFoundError):
        for file in files("lfpscope") or []:
            if file.parts[-2:] == ("lfpscope", "Snakefile"):
                return Path(str(file.locate())).resolve().parent
    raise UserError(
        f"{PACKAGE}: the workflow is not installed beside it. Install the package `lfpscope`, or "
        "run it in a clone."
    )


class Run:
    """A run of the workflow, in the background.

    Parameters
    ----------
    results : Path
        Folder of results, in which Snakemake works.
    table : str
        The table of sessions.
    cache : Path
        Folder for files that are simulated or downloaded.
    arguments : sequence of str
        More of Snakemake's, such as ``--verbose``.
    """

    def __init__(self, results: Path, table: str, cache: Path, *arguments: str) -> None:
        self._results, self._table, self._cache = results, table, cache
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None

    def start(self) -> bool:
        """Start it; False if another one works in this folder already."""
        self._lock = os.open(self._results / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        if try_lock(self._lock) is False:
            os.close(self._lock)
            self._lock = None
            return False
        sessions = self._results / SESSIONS
        if not sessions.is_file() or sessions.read_text("utf-8") != self._table:
            sessions.write_text(self._table, "utf-8")
        command = [sys.executable, "-m", "snakemake", "--snakefile"]
        command += [str(workflow_folder() / "Snakefile"), "--directory", str(self._results)]
        # the lock above is the one that counts: Snakemake's own outlives a run that was killed
        command += [
            "--nolock",
            *self._arguments,
            "--config",
            f"sessions={sessions}",
            f"results={self._results}",
        ]
        command += [f"cache={self._cache}"]
        # a group of its own, ended by us together with its jobs; it holds the lock too, for it goes
        # on if this process is killed
        self._process = subprocess.Popen(  # noqa: S603
            command, start_new_session=True, pass_fds=(self._lock,)
        )
        return True

    @property
    def is_going(self) -> bool:
        """Whether it has started and not ended."""
        return self._process is not None and self._process.poll() is None

    def wait(self) -> int:
        """Wait for its end; returns its exit code."""
        return self._process.wait() if self._process else 0

    def stop(self) -> None:
        """End it and its jobs; what is finished stays."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            for number in (signal.SIGINT, signal.SIGKILL):
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(PATIENCE_S)
                    break
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
