"""A thread that saves the pictures of a page."""

from collections.abc import Callable
from functools import partial

from bokeh.document import Document

from lfpscope.errors import UserError
from lfpscope.viewer.session_folder import SessionFolder
from lfpscope.viewer.view_state import State
from lfpscope.viewer.worker import Worker


class Savings:
    """Saves views beside the session.

    Parameters
    ----------
    document : Document
        Of the page.
    session : SessionFolder
        Whose.
    say : callable
        Shows a message.
    """

    def __init__(
        self, document: Document, session: SessionFolder, say: Callable[[str], None]
    ) -> None:
        self._document, self._session, self._say = document, session, say
        self._worker = Worker(self._save)

    def submit(self, state: State, width: int, height: int) -> None:
        """Save a view with frames of so many pixels."""
        if state.shown and width:
            self._worker.submit((state, width, height))

    def stop(self) -> None:
        """End the thread once it has saved what it is at."""
        self._worker.stop()

    def _save(self, view: tuple[State, int, int], _stale: Callable[[], bool]) -> None:
        from lfpscope.viewer.export import save_view  # matplotlib: not before the first picture

        try:
            png = save_view(self._session, *view, self._session.views)
        except (UserError, OSError) as error:
            text = f"The picture could not be saved: {error}"
        else:
            text = f"Saved as {png}, with {png.with_suffix('.json').name} beside it."
        self._document.add_next_tick_callback(partial(self._say, text))
