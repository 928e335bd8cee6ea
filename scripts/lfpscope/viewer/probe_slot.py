"""One probe of a session, opened once for all pages, and opened again when its files change."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lfpscope.errors import UserError
from lfpscope.result_files import ENVELOPE, REFERENCES

if TYPE_CHECKING:
    from lfpscope.envelope.read import OpenProbe

FIRST_PAUSE, MAX_PAUSE_S = 1.0, 60.0  # seconds between attempts; it doubles with each
QUICK = 0.5  # seconds that an attempt may take for a page to wait for it
Stamp = tuple[tuple[int, int, int], ...]
"""Inode, size and time of each file; zeros where there is none."""


class ProbeSlot:
    """One probe, open or with the reason why not.

    Opening reads files, or asks a server that may be silent for a minute: only threads of their
    own do it. The event loop looks at `known`.

    Parameters
    ----------
    folder : Path
        With its ``lfp.json`` and ``envelope.zarr.zip``.
    moved : (str, str), optional
        Start of the source's address, and what stands there now.
    first : Path, optional
        References to open until there is an envelope, instead of those in the folder: a run that
        goes on may still replace these.

    Attributes
    ----------
    name : str
        The probe's id.
    known : OpenProbe or UserError
        The probe if it is open, else why it is not, as the last attempt has found.
    """

    def __init__(
        self, folder: Path, moved: tuple[str, str] | None = None, first: Path | None = None
    ) -> None:
        self.folder, self.name, self._moved, self._first = folder, folder.name, moved, first
        self.known: OpenProbe | UserError = UserError("is being opened …")
        self._opening = threading.Lock()  # pages share the probe
        self._counting = threading.Lock()
        self._probe: OpenProbe | None = None
        self._seen: Stamp = ()  # of its files when it was opened
        self._users: Counter[OpenProbe] = Counter()
        self._attempting = threading.Lock()
        self._pause, self._due, self._took = FIRST_PAUSE, 0.0, 0.0  # seconds

    def open(self) -> "OpenProbe":
        """Return the probe, opened again if its files are not those that it was opened from.

        Raises
        ------
        UserError
            If its references, its envelope or its source are missing or do not belong together.
        """
        with self._opening:
            return self._open()

    @contextmanager
    def use(self) -> Iterator["OpenProbe"]:
        """Open the probe, and keep it from being closed meanwhile."""
        with self._opening:
            probe = self._open()
            with self._counting:
                self._users[probe] += 1
        try:
            yield probe
        finally:
            with self._counting:
                self._users[probe] -= 1
                if not self._users[probe]:
                    del self._users[probe]
                    if probe is not self._probe:
                        probe.close()

    def try_again(self) -> None:
        """Start an attempt to open it in a thread, unless the last one failed just before."""
        if time.monotonic() >= self._due:
            self._start()

    @property
    def awaits_summary(self) -> bool:
        """Whether it is open without an envelope."""
        return self._probe is not None and not self._probe.is_summarised

    @property
    def is_outdated(self) -> bool:
        """Whether it was opened without an envelope, and has one by now."""
        return self.awaits_summary and (self.folder / ENVELOPE).exists()

    def refresh(self) -> bool:
        """Start to open what is not open as its files are; tell whether that is worth a wait.

        An attempt that took long before, at a server that does not answer, will take long again.
        """
        probe = self._probe
        if probe is not None and self._seen == self._stamp(probe.references.address):
            return False
        if self._took > QUICK:
            self.try_again()
            return False
        return self._start()

    @property
    def is_busy(self) -> bool:
        """Whether an attempt goes on."""
        return self._attempting.locked()

    def _start(self) -> bool:
        started = self._attempting.acquire(blocking=False)
        if started:
            threading.Thread(target=self._attempt, daemon=True).start()
        return started

    def _attempt(self) -> None:
        begin = time.monotonic()
        try:
            with suppress(UserError):
                self.open()
        finally:
            failed = isinstance(self.known, UserError)
            self._pause = min(self._pause * 2, MAX_PAUSE_S) if failed else FIRST_PAUSE
            self._took = time.monotonic() - begin
            self._due = begin + self._took + self._pause
            self._attempting.release()

    def _open(self) -> "OpenProbe":
        # imported late: the server answers before these are loaded
        from lfpscope.envelope.unsummarised import open_probe
        from lfpscope.references.open import open_references

        if self._probe is not None and self._seen == self._stamp(self._probe.references.address):
            return self._probe
        self._drop()
        try:
            results = self._stamp()
            references = open_references(self._references, moved=self._moved)
            source = _stamp(Path(references.address))
            self._probe = open_probe(references, self.folder / ENVELOPE)
        except OSError as error:
            self.known = UserError(f"probe {self.name}: {error}")
            raise self.known from None
        except UserError as error:
            self.known = error
            raise
        self._seen, self.known = (*results, source), self._probe
        return self._probe

    @property
    def _references(self) -> Path:
        if self._first and not (self.folder / ENVELOPE).exists():
            return self._first
        return self.folder / REFERENCES

    def _drop(self) -> None:
        """Close the probe, now or when its last user has done."""
        with self._counting:
            probe, self._probe = self._probe, None
            if probe is not None and not self._users[probe]:
                del self._users[probe]
                probe.close()

    def _stamp(self, *addresses: str) -> Stamp:
        """Stamp of the results, and of a local source; a server's every answer is checked."""
        results = (self._references, self.folder / ENVELOPE)
        return tuple(_stamp(path) for path in (*results, *map(Path, addresses)))


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0, 0
    return status.st_ino, status.st_size, status.st_mtime_ns
