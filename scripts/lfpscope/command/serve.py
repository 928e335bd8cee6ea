"""One server for a folder of results: the gallery, its pictures, and a viewer for each session."""

import argparse
import html
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

from bokeh.document import Document
from bokeh.models import Div
from tornado.web import RequestHandler, StaticFileHandler

from lfpscope.command.first_references import first_folder
from lfpscope.result_files import find_probe_folders
from lfpscope.viewer.app import Pages, fill_document, serve
from lfpscope.viewer.page_pool import open_session

GALLERY = "index.html"
# what the gallery links to; nothing that begins with a point
FILES = r"/((?!static/)[^./][^/]*(?:/[^./][^/]*)*\.(?:html|png|json|csv|tsv|txt))"
OPENERS = Path(__file__).with_name("gallery_links.js")
LISTING = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>lfpscope</title>
<meta http-equiv="refresh" content="3"><style>body {font: 15px sans-serif; margin: 2em}</style>
</head><body><h1>$n sessions</h1><ul>$items</ul>
<p>The run goes on: the gallery of all probes stands here when it ends.</p></body></html>""")


def serve_results(
    results: Path,
    sessions: Iterable[str],
    arguments: argparse.Namespace,
    started: Callable[[], object] = lambda: None,
) -> None:
    """Serve the gallery and the viewers of a folder of results until the user ends it.

    Parameters
    ----------
    results : Path
        The folder.
    sessions : iterable of str
        Ids of its sessions. A single one is opened itself, of several the gallery.
    arguments : Namespace
        Of `add_server_options`.
    started : callable
        Called once the server answers.
    """
    names = list(sessions)
    pages: Pages = {f"/{quote(name)}": partial(fill_session, results / name) for name in names}
    known = {"results": results, "sessions": names}
    files: list[tuple[str, type[RequestHandler], dict[str, Any]]] = [
        (r"/(?:index\.html)?", Gallery, known),
        (FILES, StaticFileHandler, {"path": str(results)}),
    ]
    path = quote(names[0]) if len(names) == 1 else ""

    def warm() -> None:
        if len(names) == 1:
            _open(results / names[0])
        started()

    serve(results, pages, arguments, what=str(results), path=path, files=files, started=warm)


def fill_session(folder: Path, document: Document) -> None:
    """Fill the page of a session, if it is indexed by now."""
    if _probe_folders(folder):
        fill_document(document, _open(folder))
    else:
        name = html.escape(folder.name)
        text = f"Session {name} is not indexed yet. Load this page again in a moment."
        document.add_root(Div(text=text, margin=20))


def _open(folder: Path) -> Any:
    return open_session(folder, None, first_folder(folder.parent, folder.name))


def _probe_folders(folder: Path) -> list[Path]:
    return find_probe_folders(first_folder(folder.parent, folder.name) or folder)


class Gallery(RequestHandler):
    """Gives the gallery, in which each session is a link to its viewer; before, a list."""

    def initialize(self, results: Path, sessions: list[str]) -> None:
        """Take the folder and its sessions."""
        self._results, self._sessions = results, sessions

    def get(self) -> None:
        """Answer."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        page = self._results / GALLERY
        self.finish(_with_links(page) if page.is_file() else self._listing())

    def _listing(self) -> str:
        items = "".join(self._item(name) for name in self._sessions)
        return LISTING.substitute(n=len(self._sessions), items=items)

    def _item(self, name: str) -> str:
        n = len(_probe_folders(self._results / name))
        text = html.escape(name)
        link = f'<a href="{quote(name)}">{text}</a>' if n else text
        return f"<li>{link}: {f'{n} probes indexed' if n else 'not indexed yet'}</li>"


def _with_links(page: Path) -> str:
    text = page.read_text("utf-8")
    script = OPENERS.read_text("utf-8")
    return text.replace("</body>", f"<script>{script}</script>\n</body>")
