"""Who gets in, and what becomes of a page whose server is out of reach."""

import asyncio
import re
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
import requests
from conftest import CHROMIUM, QUIET
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
T = TypeVar("T")
RANGE = "Bokeh.documents[0].get_model_by_name('time')"


class Forwarder:
    """Forwards connections to a port, until it is cut."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.port = 0
        self.start()

    def start(self) -> None:
        self.port = self._call(self._listen())

    def cut(self, *, stop: bool) -> None:
        """Cut all connections, and take no others if it is to stop."""
        self._call(self._cut(stop))

    def close(self) -> None:
        self.cut(stop=True)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    def __enter__(self) -> "Forwarder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", self.port)
        return int(self._server.sockets[0].getsockname()[1])

    async def _cut(self, stop: bool) -> None:
        if stop:
            self._server.close()
        for writer in [*self._open]:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            there, to = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, to}
        await asyncio.gather(self._pump(reader, to), self._pump(there, writer))
        self._open -= {writer, to}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while some := await reader.read(1 << 16):
                writer.write(some)
                await writer.drain()
        writer.close()


@contextmanager
def running(session: Path, *arguments: str) -> Iterator[str]:
    """Run viewer.py and yield the address that it prints."""
    command = [sys.executable, str(session / "viewer.py"), "--no-browser", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            assert server.stdout is not None
            address = re.search(r"http://\S+", server.stdout.readline())
            assert address
            yield address[0]
        finally:
            server.terminate()


def status(address: str, **headers: str) -> int:
    answer = requests.get(address, headers=headers, allow_redirects=False, timeout=60)
    return answer.status_code


WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    # {"session_id": "mine", "session_expiry": 9999999999}
    "Sec-WebSocket-Protocol": "bokeh, "
    "eyJzZXNzaW9uX2lkIjogIm1pbmUiLCAic2Vzc2lvbl9leHBpcnkiOiA5OTk5OTk5OTk5fQ",
}


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "10.0.0.1", "", "[x"])
def test_other_names_lead_nowhere(address: str, host: str) -> None:
    port = urlsplit(address).port
    for path in ("", "?t=20-40", "ws", "static/js/bokeh.min.js", "favicon.ico", "ping", "nothing"):
        assert status(f"{address}{path}", Host=f"{host}:{port}") in (400, 403), path
    origin = {"Host": f"{host}:{port}", "Origin": f"http://{host}:{port}"}
    assert status(f"{address}ws", **WEBSOCKET, **origin) in (400, 403)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9", "[::1]:65000", "LOCALHOST:80"])
def test_loopback_has_any_port(address: str, host: str) -> None:
    assert status(address, Host=host) == 200


def test_a_websocket_needs_a_page(address: str) -> None:
    assert status(f"{address}ws", **WEBSOCKET) == 403
    for path in ("?bokeh-session-id=mine", "autoload.js?bokeh-autoload-element=1", "metadata"):
        assert status(address + path) in (403, 404)


def test_a_name_that_the_server_was_told_is_its_own(session: Path) -> None:
    told = ("--port", "0", "--no-token", "--allow-websocket-origin", "lab-server:5006")
    with running(session, *told) as address:
        assert status(address, Host="lab-server:5006") == 200
        assert status(address, Host="lab-server:5007") == 403
        assert status(address) == 200


def test_a_rebound_name_is_refused_in_a_browser(address: str) -> None:
    port = urlsplit(address).port
    rules = "--host-resolver-rules=MAP evil.example 127.0.0.1"
    command = [CHROMIUM, "--headless", *QUIET, rules, "--dump-dom", f"http://evil.example:{port}/"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "403: This server was not told that evil.example" in done.stdout


def find(server: subprocess.Popen[str], pattern: str) -> str:
    """Read what a server says until a pattern is found, and return its group."""
    assert server.stdout is not None
    return next(match[1] for line in server.stdout if (match := re.search(pattern, line)))


@contextmanager
def bokeh_serve(*programs: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "bokeh", "serve", "--port", "0", *map(str, programs)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        try:
            yield server
        finally:
            server.kill()  # it may be compiling, and deaf


def test_bokeh_serve_refuses_other_names_and_asks_for_a_token(session: Path) -> None:
    with bokeh_serve(session / "viewer.py") as server:
        address = find(server, r"running at: (\S+)")
        empty = requests.get(address, headers={"Host": "evil.example"}, timeout=60)
        assert "demo-2" not in empty.text  # nobody was there to refuse it
        token = find(server, r"\?token=(\S+)")
        assert status(address, Host="evil.example") == 403
        assert status(f"{address}/ws", **WEBSOCKET) == 403
        assert status(address) == 403
        with requests.Session() as visitor:  # keeps cookies
            entered = visitor.get(f"{address}?token={token}", timeout=60)
            assert "token" not in entered.url
            assert "demo-2" in entered.text


def test_bokeh_serve_says_that_it_cannot_show_several(lone: Page, session: Path) -> None:
    with bokeh_serve(session / "viewer.py", session / ".." / session.name / "viewer.py") as server:
        lone.goto(find(server, r"running at: (\S+)"))
        lone.get_by_text("cannot show these 2 sessions at once").wait_for()


def test_the_token_opens_the_page_and_is_seen_no_more(browser: Browser, session: Path) -> None:
    with running(session, "--port", "0") as address:
        plain, _, token = address.partition("?token=")
        assert len(token) > 20
        assert [status(plain), status(f"{plain}?token={token[:-1]}_")] == [403, 403]
        assert status(f"{plain}ws", **WEBSOCKET) == 403
        page = browser.new_page()
        page.goto(f"{address}&t=20-21")
        view = wait_for_view(page, 20, 21)
        assert token not in view + page.content()
        page.reload()
        wait_for_view(page, 20, 21)
        page.close()


def wait_for_view(page: Page, start: float, stop: float) -> str:
    """Wait until a page shows a range and a key works; return its address."""
    ready = f"""Bokeh.documents[0]?.get_model_by_name('time') &&
        Math.abs({RANGE}.start - {start}) + Math.abs({RANGE}.end - {stop}) < 1e-5"""
    page.wait_for_function(ready, timeout=90_000)
    page.wait_for_function(f"location.search.includes('t={start}')", timeout=90_000)
    return page.url


@pytest.fixture
def lone(browser: Browser) -> Iterator[Page]:
    """A page that may complain."""
    page = browser.new_page(viewport={"width": 1000, "height": 800})
    yield page
    page.close()


def is_alive(page: Page, start: float, stop: float) -> bool:
    """Whether key and button work, and nothing is said of a connection."""
    wait_for_view(page, start, stop)
    step = 0.9 * (stop - start)
    page.keyboard.press("ArrowRight")
    wait_for_view(page, start + step, stop + step)
    page.get_by_role("button", name="◀", exact=True).first.click()
    wait_for_view(page, start, stop)
    told = page.locator(".connection").count() + page.get_by_text("onnection was lost").count()
    return told == 0


@pytest.mark.parametrize("seconds", [0, 25])
def test_a_page_survives_a_cut(lone: Page, address: str, seconds: float) -> None:
    with Forwarder(urlsplit(address).port or 0) as forwarder:
        lone.goto(f"http://localhost:{forwarder.port}/?t=20-22")
        wait_for_view(lone, 20, 22)
        lone.keyboard.press("ArrowRight")
        wait_for_view(lone, 21.8, 23.8)
        forwarder.cut(stop=seconds > 0)
        if seconds:
            lone.get_by_text("connection lost: waiting for the server").wait_for()
            lone.wait_for_timeout(1000 * seconds)
            forwarder.start()
            lone.locator(".connection").wait_for(state="detached")
        else:
            lone.wait_for_event("load")
        assert is_alive(lone, 21.8, 23.8)


def test_a_page_survives_a_restart_with_its_token(lone: Page, session: Path) -> None:
    with running(session, "--port", "0") as address:
        port = f"{urlsplit(address).port}"
        lone.goto(f"{address}&t=20-22")
        wait_for_view(lone, 20, 22)
    lone.get_by_text("connection lost: waiting for the server").wait_for()
    with running(session, "--port", port):
        lone.locator(".connection").wait_for(state="detached")
        assert is_alive(lone, 20, 22)
