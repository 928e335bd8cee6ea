"""Transformed recordings that one page waits for, and what its panels say of them meanwhile."""

from collections.abc import Callable, Mapping
from contextlib import suppress

from bokeh.document import Document

from lfpscope.errors import UserError
from lfpscope.viewer.asked_views import MAKERS, AskedView, is_made
from lfpscope.viewer.panel import Panel
from lfpscope.viewer.picture import Picture
from lfpscope.viewer.view_state import State

LOOK_MS = 500  # milliseconds between looks at how far they have come


class PageViews:
    """What one page has asked for.

    Parameters
    ----------
    document : Document
        Of the page.
    panels : mapping of Panel
        Of its probes.
    draw_again : callable
        Has a probe drawn whose view has been made.
    """

    def __init__(
        self,
        document: Document,
        panels: Mapping[str, Panel],
        draw_again: Callable[[str], None],
    ) -> None:
        self._document, self._panels, self._draw_again = document, panels, draw_again
        self._views: dict[str, AskedView] = {}
        self._drawn: set[AskedView] = set()  # once each, even if it turns out to be of no use
        self._watch = document.add_periodic_callback(self._look, LOOK_MS)

    def show(self, name: str, picture: Picture | UserError, state: State) -> None:
        """Ask for what a picture that is shown waits for; give up what no picture waits for."""
        asked = picture.awaits if isinstance(picture, Picture) else None
        before = self._views.get(name)
        if asked is None and before and before.transform == state.transform:
            return  # seen at close zoom meanwhile
        if asked == before:
            return
        self._views.pop(name, None)
        if asked and asked not in self._drawn:
            self._views[name] = asked
        MAKERS.want(id(self), dict(self._views))
        self._note()

    def stop(self) -> None:
        """Give up what was asked for."""
        MAKERS.want(id(self), {})

    def unwatch(self) -> None:
        """Look no more: the document goes on with another page."""
        with suppress(ValueError):  # if it has ended before
            self._document.remove_periodic_callback(self._watch)

    def _look(self) -> None:
        if not self._views:
            return
        MAKERS.look()
        for name, asked in list(self._views.items()):
            if is_made(asked):
                del self._views[name]
                self._drawn.add(asked)
                self._draw_again(name)
        MAKERS.want(id(self), dict(self._views))
        self._note()

    def _note(self) -> None:
        """Say in each heading how far the view of its probe has come."""
        for name, panel in self._panels.items():
            panel.note(MAKERS.describe(self._views[name]) if name in self._views else "")
