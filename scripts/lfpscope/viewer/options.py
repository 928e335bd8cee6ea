"""Options of every server of viewers. Imports next to nothing: they are read first."""

import argparse
import re

from lfpscope.errors import UserError

PORT, MAX_PORT = 5006, 65535
ORIGIN = re.compile(r"[\w.*-]+(:\d{1,5})?", re.ASCII)


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of every server of viewers."""
    parser.add_argument("--port", type=_port, help=f"default {PORT}, or any that is free")
    parser.add_argument("--address", default="localhost", help="default %(default)s")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    parser.add_argument(
        "--allow-websocket-origin",
        action="append",
        type=_origin,
        metavar="HOST[:PORT]",
        help="a name of this server as it stands in the browser's address bar; for proxies too",
    )
    parser.add_argument(
        "--prefix", default="", metavar="/PATH", help="of all addresses, if a proxy leaves it in"
    )
    parser.add_argument(
        "--no-token", action="store_true", help="show the session to everybody who can get here"
    )
    parser.add_argument(
        "--any-frame", action="store_true", help="any page may show the viewer in a frame"
    )


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_PORT):
        raise UserError(f"--port {text}: no port (expected 0 to {MAX_PORT}). Name another.")
    return int(text)


def _origin(text: str) -> str:
    if not ORIGIN.fullmatch(text):
        raise UserError(
            f"--allow-websocket-origin {text}: no name of a server (expected HOST or HOST:PORT). "
            "Write it as in the browser's address bar, without http:// and path."
        )
    return text.lower()
