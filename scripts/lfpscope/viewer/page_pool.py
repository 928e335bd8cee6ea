"""Pages made ahead, in threads: what a page needs is loaded and opened before it is shown."""

import gc
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lfpscope.errors import UserError
from lfpscope.io.addresses import is_remote
from lfpscope.viewer.session_folder import Opened, SessionFolder, first_state, only_open

if TYPE_CHECKING:
    from lfpscope.envelope.read import OpenProbe
    from lfpscope.viewer.page import Page

PATIENCE = 1.0  # seconds that a page waits for probes; those that take longer come later


class PagePool:
    """Makes the pages of one session.

    Parameters
    ----------
    session : SessionFolder
        Its probes are opened in the background, as are the libraries that draw them.
    """

    def __init__(self, session: SessionFolder) -> None:
        self.session = session
        self._loaded = threading.Event()
        self._taking, self._preparing = threading.Lock(), threading.Lock()
        self._zooms = False  # the loops for samples are loaded
        self._spare: Page | None = None  # the next page, made ahead
        threading.Thread(target=self._load, daemon=True).start()

    def _load(self) -> None:
        # all that is made now stays: to look through it for garbage takes half of the time to open
        # probes, and 0.1 s each time later on
        gc.disable()
        try:
            from lfpscope.viewer import page  # noqa: F401 - for later

            self.session.refresh(PATIENCE)
            # the first view of a probe without an envelope compiles what it needs, often nothing
            for probe in [one for one in self._open() if one.is_summarised][:1]:
                _load_loops(probe, samples=False)
        finally:
            gc.freeze()
            gc.enable()
            self._loaded.set()  # if this failed, so will the page, and say why

    def take_page(self) -> "Page":
        """Return a page: the one made ahead, if the probes are what they were then.

        To be called from a thread of its own: it may wait, and it reads intervals and marks.
        """
        self._loaded.wait()
        self.session.refresh(PATIENCE)
        opened = self.session.known_probes()
        with self._taking:
            spare, self._spare = self._spare, None
        page = spare if spare and _same(spare.opened, opened) else self._make(opened)
        page.tables = self.session.read_tables(page.timeline)
        return page

    def prepare(self) -> None:
        """Get ready for what follows a page: make the next one, load what it takes to zoom in.

        It takes a quarter of a second, or two the first time: to be run in a thread of its own.
        """
        with self._preparing:
            if self._spare is None:
                spare = self._make(self.session.known_probes())
                with self._taking:
                    self._spare = spare
            for probe in self._open()[:1]:
                if not (self._zooms or is_remote(probe.references.address)):
                    # a user who zooms in will be told; or the program has ended meanwhile
                    with suppress(OSError, UserError, RuntimeError):
                        _load_loops(probe, samples=True)
                        self._zooms = True

    def _make(self, opened: Opened) -> "Page":
        from lfpscope.viewer.page import Page

        return Page(self.session, opened, on_complete=self.prepare)

    def _open(self) -> "list[OpenProbe]":
        return only_open(self.session.known_probes())


def _same(some: Opened, others: Opened) -> bool:
    """Tell whether probes are the same ones, and errors say the same."""

    def identities(opened: Opened) -> dict[str, int | str]:
        return {k: str(v) if isinstance(v, UserError) else id(v) for k, v in opened.items()}

    return identities(some) == identities(others)


def _load_loops(probe: "OpenProbe", *, samples: bool) -> None:
    """Draw a tiny picture, so that others need not wait until the compiled loops are loaded."""
    from lfpscope.viewer.picture import draw_probe

    state = first_state([probe])
    bucket = probe.sizes[0] * probe.references.clock.dt
    draw_probe(probe, state.at(state.start, state.start + bucket) if samples else state, 16, 16)


@cache
def open_session(
    folder: Path, moved: tuple[str, str] | None = None, first: Path | None = None
) -> PagePool:
    """The pages of a folder's session: the same pool for all tabs of this server."""
    return PagePool(SessionFolder(folder, moved, first))
