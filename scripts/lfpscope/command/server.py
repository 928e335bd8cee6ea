"""One server for the pages of several sessions, and for the gallery."""

import mimetypes
import webbrowser
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from bokeh.document import Document
from tornado.web import HTTPError, RedirectHandler, RequestHandler

from lfpscope.viewer.access import Guard, install
from lfpscope.viewer.app import fill_document, make_server, prepare, with_token
from lfpscope.viewer.page_pool import PagePool

FILES = "/files/"
SERVED = {".html", ".png", ".csv", ".tsv", ".json"}  # of the results


class ResultFiles(RequestHandler):
    """Sends the gallery, and the pictures and tables that it leads to."""

    def initialize(self, results: Path) -> None:
        """Take the folder of results."""
        self._results = results.resolve()

    def get(self, name: str) -> None:
        """Send a file in one piece, so that a policy is sent with a page."""
        path = (self._results / name).resolve()
        if not path.is_relative_to(self._results) or path.suffix not in SERVED:
            raise HTTPError(404)
        try:
            content = path.read_bytes()
        except OSError:
            raise HTTPError(404) from None
        self.set_header("Content-Type", mimetypes.guess_type(path.name)[0] or "text/plain")
        self.finish(content)


def serve(
    results: Path,
    pools: Mapping[str, Callable[[], PagePool]],
    *,
    port: int | None,
    open_browser: bool,
    has_gallery: bool,
) -> None:
    """Serve sessions until the user ends it.

    Parameters
    ----------
    results : Path
        The folder of results.
    pools : mapping of callable
        By the session's id: gives the pages of a session, the same each time.
    port : int, optional
        Any that is free, if none is named.
    open_browser : bool
        Whether to open the gallery, or the session if there is one alone.
    has_gallery : bool
        Whether there is one.
    """
    prepare()
    guard = Guard(results, files=FILES)
    install(guard)

    def fill(session: str, document: Document) -> None:
        fill_document(document, pools[session]())

    pages = {f"/{session}": partial(fill, session) for session in pools}
    first = f"{FILES}index.html" if has_gallery and len(pools) > 1 else next(iter(pages))
    patterns: list[tuple[Any, ...]] = [(f"{FILES}(.*)", ResultFiles, {"results": results})]
    if first.startswith(FILES):
        patterns.append(("/?", RedirectHandler, {"url": first[1:]}))
    server = make_server(pages, port=port, extra_patterns=patterns, use_index=False)
    server.start()
    address = f"http://localhost:{server.port}{first}"
    print(f"{with_token(guard.token, address)} (end with Ctrl-C)", flush=True)
    if open_browser:
        server.io_loop.add_callback(webbrowser.open, with_token(guard.ticket(), address))
    try:
        server.io_loop.start()
    except KeyboardInterrupt:
        server.stop()
