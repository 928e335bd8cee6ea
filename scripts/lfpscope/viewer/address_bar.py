"""The browser's address bar and its history: each view that rested has an entry."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from bokeh.models import ColumnDataSource, CustomJS

REST_S = 1.0  # seconds without a change, after which another view is an entry of its own


class AddressBar:
    """Says in the address bar what the page shows; going back there is going back here.

    Attributes
    ----------
    roots : tuple
        To be added to the document.
    """

    def __init__(self) -> None:
        self._source = ColumnDataSource({"query": [""], "is_new": [False]}, name="address")
        self._visited = ColumnDataSource({"query": [""]}, name="visited")
        args = {"source": self._source, "visited": self._visited}
        self._source.js_on_change("data", CustomJS(args=args, code=FOLLOW))
        self.roots = self._source, self._visited
        self._changed_at = float("inf")  # the first view is no new entry

    def show(self, query: str) -> None:
        """Say another query in the address bar."""
        now = time.monotonic()
        if query != self._source.data["query"][0]:
            is_new = now - self._changed_at > REST_S
            self._changed_at = now
            self._source.data = {"query": [query], "is_new": [is_new]}

    def on_visit(self, visit: Callable[[dict[str, str]], None]) -> None:
        """Have a function called with the fields of an address that somebody went back to."""

        def act(_name: str, _old: Any, new: dict[str, list[str]]) -> None:
            self._changed_at = float("inf")  # what follows is this entry, perhaps written otherwise
            visit(dict(parse_qsl(new["query"][0])))

        self._visited.on_change("data", act)


FOLLOW = """
const before = window.lfpscopeVisited  // of a page that this one has taken the place of
window.lfpscopeVisited = visited
if (!before) {
  window.addEventListener("popstate", () => {
    window.lfpscopeVisited.data = {query: [location.search.slice(1)]}
  })
}
const [query] = source.data.query
const depth = window.history.state?.lfpscope ?? 0
if (location.search.slice(1) == query) return
if (source.data.is_new[0]) window.history.pushState({lfpscope: depth + 1}, "", "?" + query)
else window.history.replaceState({lfpscope: depth}, "", "?" + query)
"""
