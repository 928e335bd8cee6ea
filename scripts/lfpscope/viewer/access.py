"""Who may see a session: those who know its token, at names that the server was told."""

import base64
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from bokeh.protocol.exceptions import ProtocolError
from bokeh.server.contexts import ApplicationContext
from bokeh.server.tornado import BokehTornado
from bokeh.server.util import check_allowlist
from bokeh.settings import settings
from bokeh.util.token import get_session_id
from tornado.httputil import HTTPHeaders, HTTPServerRequest, parse_cookie
from tornado.web import OutputTransform, RequestHandler

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
KEY_BYTES = 32
Answer = dict[str, Any]  # status, text, location and cookie of a response
# what Bokeh's scripts need: they make functions of text, and styles and pictures in the page
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-eval' {hashes}; style-src 'self' "
    "'unsafe-inline'; img-src 'self' data: blob:; font-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self' {frames}"
)
# a notebook on this machine may show the page in a frame
FRAMES = " ".join(f"{s}://{h}:*" for s in ("http", "https") for h in ("localhost", "127.0.0.1"))
ANY_ORIGIN = "*"
INLINE = re.compile(rb'<script(?: type="text/javascript")?>(.*?)</script>', re.DOTALL)


class Guard:
    """Decides what a server answers to a request, before Bokeh sees it.

    A page needs the token, or the cookie that the token was exchanged for; a websocket needs a
    page that was given by this server. Neither is given at a name that the server was not told:
    any web page could otherwise have its own name lead here (DNS rebinding).

    Parameters
    ----------
    folder : Path
        Of the session. The cookie is valid for it only, and still after a restart.
    names : iterable of str
        Host names that are its own, beside those of loopback.
    has_token : bool
        Whether one is asked for.
    files : iterable of str
        Patterns of paths beside pages, which are given to those who may see a page.
    frames : str
        Pages of which origins may show it in a frame, as CSP writes them.

    Attributes
    ----------
    token : str
        What belongs behind the address; empty if none is asked for.
    """

    def __init__(
        self,
        folder: Path,
        names: Iterable[str] = (),
        *,
        has_token: bool = True,
        files: Iterable[str] = (),
        frames: str = FRAMES,
    ) -> None:
        self.frames = frames
        self.token = secrets.token_urlsafe(24) if has_token else ""
        self._tickets: set[str] = set()
        self._files = [re.compile(pattern) for pattern in files]
        self._names = LOOPBACK | {name.lower() for name in names}
        realm = os.fsencode(folder)
        self._cookie = (
            f"lfpscope-{hashlib.sha256(realm).hexdigest()[:8]}",
            hmac.digest(_own_key(), realm, "sha256").hex(),
        )

    def ticket(self) -> str:
        """Return a token for one visit: other users can see a browser's command line."""
        ticket = secrets.token_urlsafe(24) if self.token else ""
        self._tickets |= {ticket} - {""}
        return ticket

    def answer(self, server: BokehTornado, request: HTTPServerRequest) -> Answer | None:
        """Return what to answer, or None to let Bokeh do so."""
        token = _take_token(request)
        # neither is Bokeh to put the cookie into the page
        has_cookie = self._has_cookie(parse_cookie(request.headers.pop("Cookie", "")))
        prefix = server.prefix
        if not self._is_own(server, request.host):
            return _refuse(
                f"This server was not told that {request.host} is its name. "
                f"Start it with --allow-websocket-origin {request.host}."
            )
        if request.path == f"{prefix}/ping":
            return {"status": 204}
        if request.path.startswith(f"{prefix}/static/") or request.path == "/favicon.ico":
            return None
        open_page = partial(self._open, request, token, has_cookie)
        for name, application in server.applications.items():
            page = prefix + name.rstrip("/")
            if request.path == f"{page}/ws":
                has_page = _has_page(application, request)
                return None if has_page else _refuse("The page of this websocket has ended.")
            if request.path in (page, f"{page}/"):
                return open_page(page if name != "/" else f"{page}/")
        if request.path == f"{prefix}/":  # where Bokeh lists several programs
            return open_page(request.path)
        path = request.path.removeprefix(prefix)
        if any(pattern.fullmatch(path) for pattern in self._files):
            return open_page(request.path)
        return {"status": 404, "text": "404: there is no such page.\n"}

    def _is_own(self, server: BokehTornado, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            return False
        told = settings.allowed_ws_origin() or server.websocket_origins
        return name in self._names or check_allowlist(host.lower(), told)

    def _open(
        self, request: HTTPServerRequest, token: str | None, has_cookie: bool, page: str
    ) -> Answer | None:
        """Answer a request for a page, which has one address only."""
        own_id = "Bokeh-Session-Id" in request.headers
        if own_id or {"bokeh-session-id", "bokeh-token"} & request.arguments.keys():
            return _refuse("A page is named by its server, not by who asks for it.")
        address = _relative(request.path, page) + (request.query and f"?{request.query}")
        if self.token and token is not None and self._is_token(token):
            return {"status": 302, "location": address, "cookie": self._cookie}
        if self.token and not has_cookie:
            return _refuse(
                "This viewer asks for its token. Open the address that it printed when it was "
                "started, with ?token=… in it."
            )
        if token is not None or request.path != page:
            return {"status": 302, "location": address}
        return None

    def _is_token(self, token: str) -> bool:
        for ticket in self._tickets:
            if _equal(ticket, token):
                self._tickets.remove(ticket)
                return True
        return _equal(self.token, token)

    def _has_cookie(self, cookies: dict[str, str]) -> bool:
        name, value = self._cookie
        return _equal(value, cookies.get(name, ""))


def install(guard: Guard) -> None:
    """Have all of Bokeh's servers in this process ask a guard first.

    Bokeh has no setting for that: its list of origins is not asked about a request whose origin
    has the name that it was sent to, and its login leaves out scripts and ``bokeh serve``.
    """
    find = BokehTornado.find_handler
    policy = partial(Policy, frames=guard.frames)

    def find_allowed(server: BokehTornado, request: HTTPServerRequest, **kwargs: Any) -> Any:
        if policy not in server.transforms:
            server.add_transform(policy)
        answer = guard.answer(server, request)
        if answer is None:
            return find(server, request, **kwargs)
        return server.get_handler_delegate(request, Responder, answer)

    BokehTornado.find_handler = find_allowed


def is_guarded() -> bool:
    """Whether a guard has been installed."""
    return "find_handler" in vars(BokehTornado)


class Responder(RequestHandler):
    """Sends the answer of a guard."""

    def initialize(
        self,
        status: int,
        text: str = "",
        location: str = "",
        cookie: tuple[str, str] | None = None,
    ) -> None:
        """Take what is to be sent."""
        self._answer = status, text, location, cookie

    def prepare(self) -> None:
        """Send it, whatever the method."""
        status, text, location, cookie = self._answer
        self.set_status(status)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        if location:
            self.set_header("Location", location)
        if cookie:  # no path: then it is the page's, as the browser sees it
            self.set_cookie(*cookie, path="", httponly=True, samesite="Lax")
        self.finish(text or None)


class Policy(OutputTransform):
    """Forbids the browser to ask any other server, and to run what is no script of the page."""

    def __init__(self, request: HTTPServerRequest, frames: str = FRAMES) -> None:
        super().__init__(request)
        self._frames = frames

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Add headers; called by Tornado."""
        if finishing and headers.get("Content-Type", "").startswith("text/"):
            digests = (hashlib.sha256(script).digest() for script in INLINE.findall(chunk))
            hashes = " ".join(f"'sha256-{base64.b64encode(d).decode()}'" for d in digests)
            headers["Content-Security-Policy"] = POLICY.format(hashes=hashes, frames=self._frames)
            headers["Cache-Control"] = "no-store"
        headers["Referrer-Policy"] = "no-referrer"
        headers["X-Content-Type-Options"] = "nosniff"
        # a page that may show this one in a frame asks first whether it is reached
        site = "cross-origin" if self._frames == ANY_ORIGIN else "same-site"
        headers["Cross-Origin-Resource-Policy"] = site
        return status_code, headers, chunk


def _refuse(reason: str) -> Answer:
    return {"status": 403, "text": f"403: {reason}\n"}


def _take_token(request: HTTPServerRequest) -> str | None:
    """Take the token out of a request, so that neither log nor page gets it."""
    tokens = request.arguments.pop("token", None)
    if tokens is None:
        return None
    rest = [(k, v) for k, v in parse_qsl(request.query, keep_blank_values=True) if k != "token"]
    request.query = urlencode(rest)
    request.uri = request.path + (request.query and f"?{request.query}")
    return tokens[-1].decode("utf-8", "replace")


def _relative(path: str, page: str) -> str:
    """Return where a page lies as seen from a path: a proxy may have cut what is before it."""
    name = page.rstrip("/").rpartition("/")[2]
    if path == page:
        return name if not page.endswith("/") else "./"
    return f"../{name}" if path.endswith("/") else f"{name}/"


def _has_page(application: ApplicationContext, request: HTTPServerRequest) -> bool:
    """Whether a websocket names a page of this server that is still alive."""
    try:
        _, token = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
        application.get_session(get_session_id(token.strip()))
    except (ProtocolError, ValueError, KeyError, TypeError):
        return False
    return True


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _own_key() -> bytes:
    """Return a key that only this user can read, the same each time if there is a home for it."""
    try:
        state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        path = Path(state) / "lfpscope" / "viewer.key"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileExistsError):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(KEY_BYTES))
        key, is_private = path.read_bytes(), not path.stat().st_mode & 0o077
    except (OSError, RuntimeError):  # no home
        return secrets.token_bytes(KEY_BYTES)
    return key if is_private and len(key) == KEY_BYTES else secrets.token_bytes(KEY_BYTES)
