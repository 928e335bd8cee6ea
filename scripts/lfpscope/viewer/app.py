"""The viewer's server and its command line. Light to import: the page must answer soon."""

import argparse
import errno
import html
import logging
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bokeh
from bokeh.application import Application
from bokeh.application.handlers.function import FunctionHandler
from bokeh.document import Document
from bokeh.io import curdoc
from bokeh.models import Div
from bokeh.server.server import Server
from bokeh.server.views.ws import WSHandler
from tornado.web import RequestHandler

from lfpscope.errors import UserError
from lfpscope.memory import share_arenas
from lfpscope.viewer.access import ANY_ORIGIN, FRAMES, Guard, install, is_guarded
from lfpscope.viewer.options import PORT, add_server_options
from lfpscope.viewer.page_pool import PagePool, open_session
from lfpscope.viewer.session_folder import SessionFolder, source_addresses

if TYPE_CHECKING:
    from lfpscope.viewer.page import Page

Pages = Mapping[str, Callable[[Document], None]]
ANY_ADDRESS = {"", "0.0.0.0", "::"}  # noqa: S104 - what is refused without a name
# addresses of scripts are relative: a proxy may cut what is before them. Parts of Bokeh that no
# page needs are left out: the browser would take longer to read them than to build the page
TEMPLATE = """
{% block js_resources %}
<script>{{ connection }}</script>
<script src="static/js/bokeh.min.js?v={{ version }}"></script>
<script src="static/js/bokeh-widgets.min.js?v={{ version }}"></script>
{% endblock %}
"""
ONE_ONLY = (
    "bokeh serve knows a program by its file's name, so it cannot show these {} sessions at once. "
    "Start each by itself: python viewer.py."
)
CONNECTION = (Path(__file__).with_name("connection.js")).read_text("utf-8")
AGAIN = """
{% block resources %}{% endblock %}
{% block body %}<body><script>location.reload()</script></body>{% endblock %}
"""


def main(folder: Path) -> None:
    """Run the program `viewer.py` of a session's folder."""
    try:
        arguments = _arguments()
        if arguments.render:
            _render(folder, _moved(folder, arguments.data), *arguments.render)
        else:
            _serve(folder, arguments)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


def serve_document(folder: Path) -> None:
    """Fill the document that ``bokeh serve`` is making.

    It runs this program for the first time when a page is asked for, and by then nobody has
    checked by whom: the first page is empty, and loads itself again.
    """
    programs = [name for name in sys.orig_argv if Path(name).name == "viewer.py"]
    if len(programs) > 1:
        curdoc().add_root(Div(text=ONE_ONLY.format(len(programs)), margin=20))
    elif not is_guarded():
        _prepare()
        guard = Guard(folder, has_token="--no-token" not in sys.argv)
        install(guard)
        if guard.token:
            print(f"session {folder.name}: add ?token={guard.token} to the address", flush=True)
        curdoc().template = AGAIN
    else:
        fill_document(curdoc(), open_session(folder))


def fill_document(document: Document, pool: PagePool) -> None:
    """Fill a new page; as long as libraries are loading it says so."""
    document.template = TEMPLATE
    document.template_variables.update(connection=CONNECTION, version=bokeh.__version__)
    document.title = f"{pool.session.name} · LFP"
    name = html.escape(pool.session.name)
    document.add_root(Div(text=f"Opening session {name} …", margin=20))
    arguments = document.session_context.request.arguments
    show_page(document, pool, {k: v[0].decode("utf-8", "replace") for k, v in arguments.items()})


def show_page(
    document: Document, pool: PagePool, query: dict[str, str], before: "Page | None" = None
) -> None:
    """Have a page made in a thread, and shown instead of what the document holds.

    Parameters
    ----------
    document : Document
        Of the tab.
    pool : PagePool
        Makes the page.
    query : dict of str
        Fields of the address.
    before : Page, optional
        In whose place it comes; then it shows what that one shows by then.
    """

    def build() -> None:
        try:
            page = pool.take_page()
        except Exception as error:
            call(partial(_say_why, document, error))
            raise
        call(partial(fill, page))

    def call(act: Callable[[], None]) -> None:
        context = document.session_context
        if not (context and context.destroyed):  # the tab was closed meanwhile
            document.add_next_tick_callback(act)

    def fill(page: "Page") -> None:
        asked = before.own_query() if before else query
        if before:
            before.close()
        document.clear()
        try:
            page.open(document, asked, renew=partial(show_page, document, pool, query))
        except Exception as error:
            _say_why(document, error)
            raise

    threading.Thread(target=build, daemon=True).start()


def _say_why(document: Document, error: Exception) -> None:
    document.clear()
    text = f"The page cannot be built: {html.escape(repr(error))}"
    document.add_root(Div(text=text, margin=20))


@cache  # once
def _prepare() -> None:
    share_arenas(2)  # 0.3 GB less after some dozens of moves of six probes
    _send_at_once()


def _send_at_once() -> None:
    """Let Bokeh's websockets send each part of a message at once; it has no setting for that.

    TCP would keep the next small part back until the browser has acknowledged the one before,
    which takes 40 ms.
    """
    opened = WSHandler.open

    def open_at_once(handler: WSHandler) -> None:
        handler.set_nodelay(True)
        opened(handler)

    WSHandler.open = open_at_once


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="viewer.py", description="Show a session in a browser.")
    add_server_options(parser)
    parser.add_argument(
        "--data", metavar="OLD=NEW", help="the NWB files were moved from OLD… to NEW…"
    )
    parser.add_argument(
        "--render", nargs=2, type=Path, metavar=("VIEW.json", "OUT.png"), help="draw a saved view"
    )
    return parser.parse_args()


def _moved(folder: Path, data: str | None) -> tuple[str, str] | None:
    if data is None:
        return None
    old, equals, new = data.partition("=")
    if not (old and equals and new):
        raise UserError(f"--data {data}: expected OLD=NEW, the starts of the files' addresses.")
    addresses = source_addresses(folder)
    if not any(address.startswith(old) for address in addresses):
        raise UserError(
            f"--data {data}: no file of this session has an address that starts with {old}. "
            f"They are {', '.join(addresses) or 'none'}."
        )
    return old, new


def _render(folder: Path, moved: tuple[str, str] | None, view: Path, png: Path) -> None:
    from lfpscope.viewer.export import render_view  # slow to import, and not needed to serve

    render_view(SessionFolder(folder, moved), view, png)


def _serve(folder: Path, arguments: argparse.Namespace) -> None:
    moved = _moved(folder, arguments.data)
    pages: Pages = {"/": lambda document: fill_document(document, open_session(folder, moved))}
    serve(
        folder,
        pages,
        arguments,
        what=f"session {folder.name}",
        started=lambda: open_session(folder, moved),
    )


def serve(
    folder: Path,
    pages: Pages,
    arguments: argparse.Namespace,
    *,
    what: str,
    path: str = "",
    files: Sequence[tuple[str, type[RequestHandler], dict[str, Any]]] = (),
    started: Callable[[], object] = lambda: None,
) -> None:
    """Serve pages until the user ends it.

    Parameters
    ----------
    folder : Path
        Of the session, or of the results of several.
    pages : mapping of callable
        Fills the document of a page, by its path.
    arguments : Namespace
        Of `add_server_options`.
    what : str
        What is printed before the address.
    path : str
        Of the page that is opened first, without a slash in front.
    files : sequence
        What else may be asked for: patterns of paths, and who answers.
    started : callable
        Called once the server answers.
    """
    if arguments.address in ANY_ADDRESS and not arguments.allow_websocket_origin:
        raise UserError(
            f"--address {arguments.address} lets other machines read this session. Say which "
            "address their browsers will show: --allow-websocket-origin HOST:PORT."
        )
    # that a tab was closed before its picture was drawn is no news
    logging.getLogger("bokeh.server.views.ws").setLevel(logging.ERROR)
    _prepare()
    names = {arguments.address} - ANY_ADDRESS
    paths = [pattern for pattern, *_ in files]
    frames = ANY_ORIGIN if arguments.any_frame else FRAMES
    guard = Guard(folder, names, has_token=not arguments.no_token, files=paths, frames=frames)
    install(guard)
    server = _server(pages, arguments, files)
    server.start()
    address = _address(arguments, server) + path
    print(f"{what}: {_with(guard.token, address)} (end with Ctrl-C)", flush=True)
    started()
    if not arguments.no_browser:
        server.io_loop.add_callback(webbrowser.open, _with(guard.ticket(), address))
    try:
        server.io_loop.start()
    except KeyboardInterrupt:
        server.stop()


def _address(arguments: argparse.Namespace, server: Server) -> str:
    """Return where a browser finds the page."""
    host = f"[{arguments.address}]" if ":" in arguments.address else arguments.address
    host = f"{host}:{server.port}"
    if arguments.address in ANY_ADDRESS:
        host = arguments.allow_websocket_origin[0]
    return f"http://{host}{server.prefix}/"


def _with(token: str, address: str) -> str:
    return f"{address}?token={token}" if token else address


def _server(pages: Pages, arguments: argparse.Namespace, files: Sequence[Any]) -> Server:
    make = partial(
        Server,
        {name: Application(FunctionHandler(fill)) for name, fill in pages.items()},
        extra_patterns=list(files),
        use_index=False,
        address=arguments.address,
        allow_websocket_origin=arguments.allow_websocket_origin,
        prefix=arguments.prefix,
        websocket_compression_level=1,
        websocket_compression_mem_level=8,
    )
    try:
        return make(port=PORT if arguments.port is None else arguments.port)
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise UserError(
                f"--address {arguments.address}: {error.strerror or error}. Name an address of "
                "this machine, or none for localhost."
            ) from None
        if arguments.port is not None:
            raise UserError(
                f"port {arguments.port}: {error.strerror}. Name another, or none for any."
            ) from None
        return make(port=0)
