"""The results of one NWB file, made by a process of its own while the cell says how far it is."""

import atexit
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from lfpscope.errors import UserError
from lfpscope.ids import probe_id
from lfpscope.io.addresses import is_remote, open_address
from lfpscope.io.progress import read_progress
from lfpscope.notebook.cell_text import CellText
from lfpscope.notebook.process import LEFT_OUT, end, start
from lfpscope.result_files import CHANNELS, SESSION_REFERENCES, find_probe_folders
from lfpscope.version import VERSION

PAUSE_S = 0.1  # seconds between two looks at how far it is


class Maker:
    """The process that makes the results of a file.

    Parameters
    ----------
    address : str
        Of the file.
    folder : Path
        Of the session's results.
    """

    def __init__(self, address: str, folder: Path) -> None:
        with tempfile.NamedTemporaryFile(prefix="lfpscope-", delete=False) as errors:
            self._errors = Path(errors.name)
            program = "lfpscope.notebook.summarize_file"
            silent = {"stdout": subprocess.DEVNULL, "stderr": errors}
            self.process = start(program, address, str(folder), **silent)

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def lines(self) -> list[str]:
        """What it has printed."""
        try:
            return self._errors.read_text("utf-8", "replace").splitlines()
        except OSError:
            return []

    def error(self) -> str:
        """Why it has failed, in a line; empty where it has not."""
        code = self.process.poll()
        return (self.lines() or [f"it ended with exit code {code}"])[-1] if code else ""

    def close(self) -> None:
        """End it."""
        end(self.process)
        self._errors.unlink(missing_ok=True)


_makers: dict[Path, Maker] = {}


@atexit.register
def _end_makers() -> None:
    while _makers:
        _makers.popitem()[1].close()


def make_results(address: str, *, is_summary_needed: bool) -> Path:
    """Have a file indexed and summarised, in lfpscope's cache folder, unless that has been done.

    Parameters
    ----------
    address : str
        Path or address of the NWB file.
    is_summary_needed : bool
        Whether to wait for it; the file is summarised in any case.

    Returns
    -------
    Path
        The folder of the session's results.

    Raises
    ------
    UserError
        If it holds no LFP that can be read.
    """
    folder = _folder(address)
    while not _is_summarised(folder):
        maker = _makers.get(folder)
        if maker is None or not maker.is_alive:
            if maker:
                maker.close()
            folder.mkdir(parents=True, exist_ok=True)
            maker = _makers[folder] = Maker(address, folder)
        name = Path(urlsplit(address).path).name
        _wait(maker, folder, name, is_summary_needed=is_summary_needed)
        if not is_summary_needed:
            break
    return folder


def _wait(maker: Maker, folder: Path, name: str, *, is_summary_needed: bool) -> None:
    """Wait until the results are there that are needed, and say how far they are."""
    cell = CellText()
    try:
        while maker.is_alive and (is_summary_needed or not _is_indexed(folder)):
            cell.show(f"{name}: {_stage(folder)} …")
            time.sleep(PAUSE_S)
    finally:
        cell.show("")
    if error := maker.error():
        raise UserError(error)
    for line in maker.lines():
        if line.startswith(LEFT_OUT):
            print(line, file=sys.stderr)
    if maker.is_alive:
        threading.Thread(target=_tell_failure, args=[maker], daemon=True).start()


def _tell_failure(maker: Maker) -> None:
    """Say why a summary failed that nothing waits for, where the cell's output stands."""
    maker.process.wait()
    if error := maker.error():
        print(f"error: {error}", file=sys.stderr)


def _stage(folder: Path) -> str:
    if not _is_indexed(folder):
        return "is being indexed"
    stages = [read_progress(one) for one in find_probe_folders(folder)]
    return " · ".join(stage.text for stage in stages if stage) or "is being summarised"


def _folder(address: str) -> Path:
    with open_address(address) as file:
        made_of = json.dumps([address, file.identity(), VERSION], sort_keys=True)
    name = probe_id(Path(urlsplit(address).path if is_remote(address) else address))
    digest = hashlib.sha256(made_of.encode()).hexdigest()[:12]
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "lfpscope" / digest / name


def _is_indexed(folder: Path) -> bool:
    return (folder / SESSION_REFERENCES).exists()


def _is_summarised(folder: Path) -> bool:
    probes = find_probe_folders(folder)
    return _is_indexed(folder) and all((one / CHANNELS).exists() for one in probes)
