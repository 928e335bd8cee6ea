"""Processes that a kernel starts, and that end with it."""

import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[2]
END_S = 5.0  # seconds that a process may take to end
LEFT_OUT = "left out: "
"""What a line of a program begins with that says which probe cannot be shown, and why."""


def start(module: str, *arguments: str, **output: Any) -> subprocess.Popen[str]:
    """Start a module of this package as a program.

    Parameters
    ----------
    module : str
        Its name. It calls `end_with_kernel`.
    *arguments : str
        Of the program.
    **output
        Where `subprocess.Popen` sends what it prints.
    """
    paths = [str(PACKAGE), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.Popen(  # noqa: S603
        command, env=environment, text=True, stdin=subprocess.PIPE, **output
    )


def end(process: subprocess.Popen[str]) -> None:
    """End a process that `start` has started."""
    if process.stdin:
        with suppress(OSError):
            process.stdin.close()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def end_with_kernel() -> None:
    """In the program: end it when the kernel that started it has ended, or closes its input."""

    def wait() -> None:
        while os.read(0, 1):  # not sys.stdin: Python cannot end while a thread reads that
            pass
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()
