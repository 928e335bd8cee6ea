"""Transformed recordings that a page asks for: made by a process beside the viewer, then kept.

All methods run in the event loop, and none of them waits.
"""

import atexit
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from lfpscope.io.progress import read_progress

PACKAGE = Path(__file__).parents[2]
NICENESS = 10  # of the process: pages come first


@dataclass(frozen=True)
class AskedView:
    """A transformed recording that is to be made.

    Attributes
    ----------
    references, envelope : str
        Files of the probe.
    address : str
        Where its source is now.
    transform : str
        What is done.
    marked : tuple of int
        Indices of channels that the user marked as bad.
    view : str
        The file to write.
    """

    references: str
    envelope: str
    address: str
    transform: str
    marked: tuple[int, ...]
    view: str

    @property
    def progress(self) -> Path:
        """Folder in which its process notes how far it has come."""
        return Path(f"{self.view}.{os.getpid()}")


class Makers:
    """The processes of a server: one at a time makes what its pages ask for."""

    def __init__(self) -> None:
        self._wanted: dict[int, Mapping[str, AskedView]] = {}  # by page
        self._made: tuple[AskedView, subprocess.Popen[str]] | None = None
        self._failed: dict[AskedView, str] = {}

    def want(self, page: int, views: Mapping[str, AskedView]) -> None:
        """Set what a page wants, by probe; what no page wants any more is given up."""
        self._wanted.pop(page, None)
        if views:
            self._wanted[page] = views
        asked = [one for views in self._wanted.values() for one in views.values()]
        self._failed = {one: why for one, why in self._failed.items() if one in asked}
        if self._made and self._made[0] not in asked:
            self._end()
        self.look()

    def look(self) -> None:
        """Note that the process has ended, and start the next one."""
        if self._made and (code := self._made[1].poll()) is not None:
            asked, process = self._made
            if code:
                lines = (process.stderr.read() if process.stderr else "").strip().splitlines()
                self._failed[asked] = lines[-1] if lines else f"exit code {code}"
            self._end()
        asked_of = (one for views in self._wanted.values() for one in views.values())
        following = (one for one in asked_of if one not in self._failed and not is_made(one))
        if self._made is None and (first := next(following, None)):
            self._made = first, _start(first)

    def describe(self, asked: AskedView) -> str:
        """How far it has come, or why it cannot be made."""
        if asked in self._failed:
            return f"{asked.transform} cannot be made: {self._failed[asked]}"
        if self._made is None or asked != self._made[0]:
            return f"{asked.transform} waits"
        stage = read_progress(asked.progress)
        return stage.text if stage else f"{asked.transform} is being made"

    def stop(self) -> None:
        """Give up everything: the server ends."""
        self._wanted.clear()
        self._end()

    def _end(self) -> None:
        """End the process, and remove what it noted."""
        if self._made is None:
            return
        asked, process = self._made
        self._made = None
        process.kill()
        process.wait()  # it is dead: this takes no time
        if process.stderr:
            process.stderr.close()
        shutil.rmtree(asked.progress, ignore_errors=True)


MAKERS = Makers()
atexit.register(MAKERS.stop)


def is_made(asked: AskedView) -> bool:
    """Whether the file is there."""
    return Path(asked.view).is_file()


def _start(asked: AskedView) -> "subprocess.Popen[str]":
    with suppress(OSError):  # the process says it
        asked.progress.mkdir(parents=True, exist_ok=True)
    paths = [str(PACKAGE), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    given = asdict(asked) | {"progress": str(asked.progress)}
    command = [sys.executable, "-m", "lfpscope.summary.asked_view", json.dumps(given)]
    process = subprocess.Popen(  # noqa: S603
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with suppress(OSError, AttributeError):  # ended already, or not of this system
        os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
    return process
