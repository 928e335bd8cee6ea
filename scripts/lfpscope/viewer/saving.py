"""A thread that saves the pictures of a page, and hands them to the browser."""

import base64
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from bokeh.document import Document
from bokeh.models import ColumnDataSource, CustomJS

from lfpscope.errors import UserError
from lfpscope.viewer.lane_curves import Strip
from lfpscope.viewer.session_folder import SessionFolder
from lfpscope.viewer.view_state import State
from lfpscope.viewer.worker import Worker

DOWNLOAD = """
const link = document.createElement("a")
link.href = source.data.href[0]
link.download = source.data.name[0]
link.click()
"""
Below = tuple[Sequence[str], Mapping[str, Any], Sequence[Strip]]
"""Names of the lines of intervals, their blocks, and the curves below them."""
TYPES = {".png": "image/png", ".svg": "image/svg+xml", ".pdf": "application/pdf"}


def download_source() -> ColumnDataSource:
    """A source whose content the browser saves as a file whenever it changes."""
    source = ColumnDataSource({"name": [""], "href": [""]}, name="download")
    source.js_on_change("data", CustomJS(args={"source": source}, code=DOWNLOAD))
    return source


def added_columns(document: Document, probe: str) -> dict[str, Any]:
    """What a page has on a probe's picture and beside it, as `Added` takes it."""
    boxes = document.get_model_by_name(f"boxes {probe}")
    rows = document.get_model_by_name(f"column {probe}")  # None where the column is closed
    names = ("start", "stop", "bottom", "top", "name")
    added = {name: list(boxes.data[name]) for name in names} if boxes else {}
    if rows:
        known = [value if math.isfinite(value) else None for value in rows.data["value"]]
        measure = document.get_model_by_name("measure").value
        added |= {"measure": measure, "values": known, "labels": list(rows.data["label"])}
    return added


class Savings:
    """Saves views beside the session, and has the browser download them.

    Parameters
    ----------
    document : Document
        Of the page.
    session : SessionFolder
        Whose.
    download : ColumnDataSource
        See `download_source`.
    say : callable
        Shows a message.
    """

    def __init__(
        self,
        document: Document,
        session: SessionFolder,
        download: ColumnDataSource,
        say: Callable[[str], None],
    ) -> None:
        self._document, self._session, self._say = document, session, say
        self._download = download
        self._worker = Worker(self._save)

    def submit(
        self,
        state: State,
        size: tuple[int, int],
        below: Below,
        suffix: str,
    ) -> None:
        """Save a view with frames of some width and height, pixels, and what is below them."""
        if state.shown and size[0]:
            added = {name: added_columns(self._document, name) for name in state.shown}
            lines, blocks, curves = below
            kept = list(lines), dict(blocks), list(curves)
            self._worker.submit((state, size, kept, added, suffix))

    def stop(self) -> None:
        """End the thread once it has saved what it is at."""
        self._worker.stop()

    def _save(
        self,
        view: tuple[State, tuple[int, int], Below, dict[str, Any], str],
        _stale: Callable[[], bool],
    ) -> None:
        # matplotlib: not before the first picture
        from lfpscope.viewer.export import save_view
        from lfpscope.viewer.export_lane import Lane
        from lfpscope.viewer.export_panel import Added

        state, size, below, columns, suffix = view
        of_page: dict[str, Any] = {
            "lane": Lane.of(*below),
            "added": {name: Added(**one) for name, one in columns.items()},
        }
        folder = self._session.views
        try:
            path = save_view(self._session, state, *size, folder, **of_page, suffix=suffix)
            content = base64.b64encode(path.read_bytes()).decode()
        except (UserError, OSError) as error:
            text = f"The picture could not be saved: {error}"
        else:
            text = f"Saved as {path}, with {path.with_suffix('.json').name} beside it."
            name = f"{self._session.name}-{path.name}"
            file = {"name": [name], "href": [f"data:{TYPES[suffix]};base64,{content}"]}
            self._document.add_next_tick_callback(lambda: self._download.update(data=file))
        self._document.add_next_tick_callback(partial(self._say, text))
