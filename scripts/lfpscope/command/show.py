"""Recordings shown while the workflow makes their files."""

import atexit
import logging
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from lfpscope.command.preview import is_quick, list_probes, show_start, show_whole
from lfpscope.command.recordings import write_sessions
from lfpscope.command.server import serve
from lfpscope.command.workflow import log_of, start_workflow
from lfpscope.errors import UserError
from lfpscope.result_files import ENVELOPE, SESSION_REFERENCES, probe_folder
from lfpscope.sources.probes_table import ProbeRow
from lfpscope.sources.sessions_table import SessionRow
from lfpscope.viewer.page_pool import PagePool, open_session
from lfpscope.viewer.probe_slot import ProbeSlot
from lfpscope.viewer.session_folder import SessionFolder

OWN = ".lfpscope"  # folder in the results, of what is not the workflow's
LOOK_S = 0.5  # from one look at the workflow to the next
STEPS = re.compile(rb"^(\d+) of (\d+) steps", re.MULTILINE)
LAST = re.compile(rb"^(Done\.|Not all is done)", re.MULTILINE)


def show_recordings(
    rows: Sequence[SessionRow],
    results: Path,
    *,
    port: int | None,
    open_browser: bool,
    verbose: bool,
) -> None:
    """Show sessions: their first seconds at once, then all, then what the workflow makes.

    Parameters
    ----------
    rows : sequence of SessionRow
        What is to be shown.
    results : Path
        Folder of results.
    port, open_browser
        Of the server, see `serve`.
    verbose : bool
        Whether to print all that Snakemake says.

    Raises
    ------
    UserError
        If none of the first session's files can be read.
    """
    print(f"results: {results}", flush=True)
    logging.getLogger("bokeh").setLevel(logging.ERROR)
    sessions = _prepare_folder(results, rows)
    first = _Recording(rows[0], results)
    recordings = {rows[0].session: first}

    def open_pool(row: SessionRow) -> PagePool:
        if row.session not in recordings:
            one = recordings[row.session] = _Recording(row, results)
            threading.Thread(target=one.preview, daemon=True).start()
        return recordings[row.session].pool

    pools = {row.session: partial(open_pool, row) for row in rows}
    behind = partial(_run_behind, first, sessions, results, recordings, verbose)
    threading.Thread(target=behind, daemon=True).start()
    has_gallery = (results / "index.html").is_file()
    serve(results, pools, port=port, open_browser=open_browser, has_gallery=has_gallery)


def show_results(results: Path, *, port: int | None, open_browser: bool) -> None:
    """Show what the workflow has made: the gallery, and a viewer for each session.

    Raises
    ------
    UserError
        If there is no session.
    """
    results = results.absolute()
    folders = [file.parent for file in sorted(results.glob(f"*/{SESSION_REFERENCES}"))]
    if not folders:
        raise UserError(f"{results}: no session in it is complete. Run the workflow again.")
    pools = {folder.name: partial(open_session, folder) for folder in folders}
    has_gallery = (results / "index.html").is_file()
    serve(results, pools, port=port, open_browser=open_browser, has_gallery=has_gallery)


def make_results(rows: Sequence[SessionRow], results: Path) -> None:
    """Run the workflow to its end.

    Raises
    ------
    UserError
        If it fails before anything can be shown.
    """
    print(f"results: {results}", flush=True)
    sessions = _prepare_folder(results, rows)
    process = _start(sessions, results, verbose=False)
    _follow(process, results)


class _Recording:
    """A session that is shown before the workflow is done.

    Attributes
    ----------
    pool : PagePool
        Its pages.
    probes : list of ProbeRow
        Found in its files; none if the workflow has made all already.
    """

    def __init__(self, row: SessionRow, results: Path) -> None:
        self._results, self._own = results, results / OWN / row.session
        self.probes: list[ProbeRow] = []
        folder = results / row.session
        if (folder / SESSION_REFERENCES).is_file():
            self.pool = open_session(folder)
            return
        self.probes = list_probes(row)
        session = SessionFolder(folder)
        session.slots = [
            ProbeSlot(probe_folder(results, row.session, one.probe)) for one in self.probes
        ]
        self.pool = PagePool(session)

    @property
    def _slots(self) -> list[tuple[ProbeSlot, ProbeRow]]:
        return list(zip(self.pool.session.slots, self.probes, strict=False))

    def preview(self) -> None:
        """Show the first seconds of each probe, and all of it where that is quick."""
        for slot, row in self._slots:
            self._try(slot, partial(show_start, slot, row, self._own))
        for slot, _ in self._slots if is_quick(self.probes) else ():
            if not isinstance(slot.known, UserError):
                self._try(slot, partial(show_whole, slot, self._own))

    def take_results(self) -> None:
        """Show what the workflow has made of each probe, as soon as it is there."""
        for slot, row in self._slots:
            folder = probe_folder(self._results, row.session, row.probe)
            if slot.folder != folder and (folder / ENVELOPE).is_file():
                slot.move(folder)
                with suppress(UserError):
                    slot.open()

    @staticmethod
    def _try(slot: ProbeSlot, step: Callable[[], None]) -> None:
        try:
            step()
        except (UserError, OSError) as error:
            slot.known = UserError(str(error))
            print(f"error: {error}", file=sys.stderr)


def _run_behind(
    first: _Recording,
    sessions: Path,
    results: Path,
    recordings: dict[str, _Recording],
    verbose: bool,
) -> None:
    """Show the first session, then run the workflow and show what it makes."""
    first.preview()
    process = _start(sessions, results, verbose=verbose)

    def look() -> None:
        for one in list(recordings.values()):
            one.take_results()

    _follow(process, results, look)


def _prepare_folder(results: Path, rows: Sequence[SessionRow]) -> Path:
    sessions = results / OWN / "sessions.tsv"
    sessions.parent.mkdir(parents=True, exist_ok=True)
    write_sessions(sessions, rows)
    return sessions


def _start(sessions: Path, results: Path, *, verbose: bool) -> "subprocess.Popen[bytes]":
    cache_folder = results / OWN / "cache"
    process = start_workflow(sessions, results, cache_folder, verbose=verbose)
    atexit.register(process.terminate)
    return process


def _follow(
    process: "subprocess.Popen[bytes]", results: Path, look: Callable[[], None] = lambda: None
) -> None:
    """Say how far the workflow is, and at its end what it said last."""
    log, begin, said = log_of(results), time.monotonic(), b""
    while process.poll() is None:
        time.sleep(LOOK_S)
        look()
        steps = STEPS.findall(log.read_bytes()) if log.is_file() else []
        if steps and steps[-1] != said:
            said = steps[-1]
            n, of = map(int, said)
            left = (time.monotonic() - begin) / n * (of - n)
            end = "\r" if sys.stderr.isatty() else "\n"
            print(f"{n} of {of} steps, about {left:.0f} s left  ", end=end, file=sys.stderr)
    look()
    content = log.read_bytes() if log.is_file() else b""
    found = LAST.search(content)
    if found:
        print(content[found.start() :].decode("utf-8", "replace").strip(), flush=True)
    elif process.returncode:
        last = content.decode("utf-8", "replace").strip().splitlines()[-1:]
        print(f"error: {' '.join(last)} (all of it: {log})", file=sys.stderr)
