"""A session's folder: its probes, opened once for all pages."""

import gc
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lfpscope.addresses import is_remote
from lfpscope.files import UserError
from lfpscope.viewer.state import State, round_scale

if TYPE_CHECKING:
    from lfpscope.envelope import Probe
    from lfpscope.viewer.page import Page

PROBES = "probes/*/lfp.json"  # in a session's folder
DEVIATIONS = 10  # standard deviations of a typical channel that the scale bar stands for at first


class Slot:
    """One probe of the session, open or with the reason why not.

    Parameters
    ----------
    folder : Path
        With its ``lfp.json`` and ``envelope.zarr.zip``.
    moved : (str, str), optional
        Start of the source's address, and what stands there now.

    Attributes
    ----------
    name : str
        The probe's id.
    """

    def __init__(self, folder: Path, moved: tuple[str, str] | None = None) -> None:
        self.folder = folder
        self.name = folder.name
        self._lock = threading.Lock()  # pages share the probe
        self._moved = moved
        self._probe: Probe | None = None
        self._seen = (0, 0)  # size and time of the source when it was checked

    def open(self) -> "Probe":
        """Open the probe, or check that an open one still is what it was.

        Raises
        ------
        UserError
            If its references, its envelope or its source are missing or have changed.
        """
        with self._lock:
            return self._open()

    def _open(self) -> "Probe":
        # imported late: the server answers before these are loaded
        from lfpscope.envelope import Probe
        from lfpscope.references import check_source, open_references

        if self._probe is None:
            references = open_references(self.folder / "lfp.json", moved=self._moved)
            self._probe = Probe(references, self.folder / "envelope.zarr.zip")
            self._seen = _size_and_time(references.address)
        elif self._seen != _size_and_time(self._probe.references.address):
            check_source(self._probe.references)
            self._seen = _size_and_time(self._probe.references.address)
        return self._probe


def _size_and_time(address: str) -> tuple[int, int]:
    """Size and time of a local file; of a remote one, whose every answer is checked, nothing."""
    try:
        status = Path(address).stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


class Session:
    """The probes of a session's folder.

    Opening loads libraries that take seconds, so it runs in a thread of its own.

    Parameters
    ----------
    folder : Path
        With ``probes/<probe>/lfp.json``.
    moved : (str, str), optional
        Start of the sources' addresses, and what stands there now.

    Attributes
    ----------
    slots : list of Slot
        Its probes.
    marks : Path
        The file of marks and bad channels.
    views : Path
        Folder of saved pictures.
    sizes : dict of (int, int)
        Of each probe's picture on the page seen last, pixels. On the next one it will have the same
        size, most likely, and can be drawn while the browser still loads the page.
    """

    def __init__(self, folder: Path, moved: tuple[str, str] | None = None) -> None:
        self.folder = folder
        self.name = folder.name
        self.marks = folder / "marks.csv"
        self.views = folder / "views"
        self.sizes: dict[str, tuple[int, int]] = {}
        found = sorted(folder.glob(PROBES))
        self.slots = [Slot(path.parent, moved) for path in found]
        self._loaded = threading.Event()
        self._getting_ready = threading.Lock()
        self._zooms = False  # the loops for samples are loaded
        self._spare: Page | None = None  # the next page, made ahead
        threading.Thread(target=self._load, daemon=True).start()

    def when_loaded(self, then: Callable[[], None]) -> None:
        """Call a function from another thread once the libraries are loaded."""

        def wait() -> None:
            self._loaded.wait()
            then()

        threading.Thread(target=wait, daemon=True).start()

    def _load(self) -> None:
        # all that is made now stays: to look through it for garbage takes half of the time to open
        # probes, and 0.1 s each time later on
        gc.disable()
        try:
            from lfpscope.viewer import page  # noqa: F401 - for later

            for probe in self._open()[:1]:
                _load_loops(probe, samples=False)
        finally:
            gc.freeze()
            gc.enable()
            self._loaded.set()  # if this failed, so will the page, and say why

    def take_page(self) -> "Page":
        """Return a page: the one made ahead, if the probes are what they were then."""
        from lfpscope.viewer.page import Page

        opened = self.open_probes()
        spare, self._spare = self._spare, None
        return spare if spare and spare.opened == opened else Page(self, opened)

    def get_ready(self) -> None:
        """Get ready for what follows a page: make the next one, load what it takes to zoom in.

        It takes a quarter of a second, or two the first time: to be run in a thread of its own.
        """
        from lfpscope.viewer.page import Page

        with self._getting_ready:
            if self._spare is None:
                self._spare = Page(self, self.open_probes())
            for probe in self._open()[:1]:
                if not (self._zooms or is_remote(probe.references.address)):
                    # whoever zooms in will be told; or the program has ended meanwhile
                    with suppress(OSError, UserError, RuntimeError):
                        _load_loops(probe, samples=True)
                        self._zooms = True

    def _open(self) -> "list[Probe]":
        return [one for one in self.open_probes().values() if not isinstance(one, UserError)]

    def open_probes(self) -> dict[str, "Probe | UserError"]:
        """All probes by name, open or with the reason why not."""
        return {slot.name: _open_or_why(slot) for slot in self.slots}


def _load_loops(probe: "Probe", *, samples: bool) -> None:
    """Draw a tiny picture, so that others need not wait until the compiled loops are loaded."""
    from lfpscope.viewer.render import draw_probe

    state = first_state([probe])
    bucket = probe.sizes[0] * probe.references.clock.dt
    draw_probe(probe, state.at(state.start, state.start + bucket) if samples else state, 16, 16)


def _open_or_why(slot: Slot) -> "Probe | UserError":
    try:
        return slot.open()
    except UserError as error:
        return error


def source_addresses(folder: Path) -> list[str]:
    """Addresses of the files that a session's probes refer to, as they were indexed."""
    from lfpscope.untrusted import read_probe_json

    found = {read_probe_json(path)["templates"]["u"] for path in folder.glob(PROBES)}
    return sorted(found)


@cache
def open_session(folder: Path, moved: tuple[str, str] | None = None) -> Session:
    """The session of a folder: the same one for all pages of this server."""
    return Session(folder, moved)


def first_state(probes: list["Probe"]) -> State:
    """Show the whole recording, at one gain that suits a typical channel of all probes."""
    import numpy as np

    clocks = [probe.references.clock for probe in probes if probe.references.clock.valid]
    start = min((clock.t0 for clock in clocks), default=0.0)
    stop = max((clock.t1 for clock in clocks), default=1.0)
    alive = [probe.std[~probe.dead & np.isfinite(probe.std)] for probe in probes]
    spread = np.concatenate(alive) if alive else np.empty(0)
    typical = float(np.median(spread)) if spread.size else 50e-6
    names = tuple(probe.references.probe for probe in probes)
    return State(start, stop, round_scale(DEVIATIONS * typical * 1e6), names)
