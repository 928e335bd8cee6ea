"""The command `lfpscope` in a process of its own, as a user runs it."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

COMMAND = (sys.executable, "-m", "lfpscope")
HERE = Path()
PATIENCE_S = 300  # for a machine that does much else


class Program:
    """A program that runs, and what it has printed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.lines = process, list[str]()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, ""))

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until it has printed something."""
        end = time.monotonic() + PATIENCE_S
        while not (found := re.search(pattern, self.output, re.MULTILINE)):
            assert self.process.poll() is None, self.output
            assert time.monotonic() < end, self.output
            time.sleep(0.05)
        return found

    def address(self) -> str:
        return self.wait_for(r"http://\S+(?=.*Ctrl-C)")[0]

    def end(self) -> int:
        """End it as a shell or a scheduler does."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)


@contextmanager
def running(
    *arguments: str | Path,
    cache: Path,
    command: Sequence[str] = COMMAND,
    folder: Path | None = None,
) -> Iterator[Program]:
    """Run the command until the end of a block."""
    with subprocess.Popen(
        [*command, *map(str, arguments)],
        cwd=folder,
        env=environment(cache),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        try:
            yield Program(process)
        finally:
            process.terminate()


def run(
    *arguments: str | Path,
    cache: Path,
    command: Sequence[str] = COMMAND,
    folder: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [*command, *map(str, arguments)],
        cwd=folder,
        env=environment(cache),
        text=True,
        capture_output=True,
        check=False,
        timeout=PATIENCE_S,
    )


def environment(cache: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"XDG_CACHE_HOME": str(cache)}


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
