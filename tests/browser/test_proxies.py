"""Real proxies before the viewer, which cut their path off an address or leave it in."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import Tab

pytestmark = pytest.mark.browser

# a browser finds every name below it on its own machine; the server must be told of it
NAME = "lab.localhost"
NGINX = """
daemon off;
pid nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection upgrade;
    server {
        listen 127.0.0.1:{port};
        location /lfp/ { proxy_pass http://127.0.0.1:{cut}/; }
        location {prefix}/ { proxy_pass http://127.0.0.1:{kept}; }
        location = /favicon.ico { return 204; }
    }
}
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def nginx(folder: Path, **values: str) -> Iterator[None]:
    """Run nginx with its configuration and all that it writes in a folder."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        missing = "nginx is missing: apt-get install nginx-light"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    text = re.sub(r"{(\w+)}", lambda name: values[name[1]], NGINX)
    (folder / "nginx.conf").write_text(text)
    command = [program, "-p", folder, "-c", "nginx.conf", "-e", "stderr"]
    with subprocess.Popen(command) as server:
        try:
            wait_for_port(int(values["port"]), server)
            yield
        finally:
            server.terminate()


def wait_for_port(port: int, server: "subprocess.Popen[bytes]") -> None:
    while server.poll() is None:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"{server.args!r} has ended")


@contextmanager
def jupyter(folder: Path) -> Iterator[str]:
    """Run Jupyter's server with jupyter-server-proxy, and yield the address that opens it."""
    own = {f"JUPYTER_{name}_DIR": f"{folder}/{name}" for name in ("CONFIG", "RUNTIME", "DATA")}
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--port=0"]
    command += ["--ServerApp.base_url=/user/me/", "--ServerApp.ip=127.0.0.1"]
    with subprocess.Popen(
        command, cwd=folder, env=os.environ | own, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stderr is not None
            found = (re.search(r"http://127\S+token=\w+", line) for line in server.stderr)
            yield next(match[0] for match in found if match)
        finally:
            server.terminate()


Serve = Callable[..., AbstractContextManager[str]]
OpenTab = Callable[..., Tab]


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where Jupyter's server answers, with its token."""
    with jupyter(tmp_path_factory.mktemp("jupyter")) as address:
        yield address


@pytest.fixture(scope="module")
def port() -> int:
    """Where nginx answers."""
    return free_port()


@pytest.fixture(scope="module")
def cut(serve: Serve, session: Path, port: int) -> Iterator[str]:
    """A viewer that was not told of a prefix."""
    with serve(session, "--allow-websocket-origin", f"{NAME}:{port}") as address:
        yield address


@pytest.fixture(scope="module")
def kept(serve: Serve, session: Path, port: int) -> Iterator[str]:
    """A viewer that was told of its prefix, as jupyter-server-proxy has it."""
    own = f"{free_port()}"
    told = ("--port", own, "--prefix", f"/user/me/proxy/absolute/{own}")
    with serve(session, *told, "--allow-websocket-origin", f"{NAME}:{port}") as address:
        yield address


@pytest.fixture(scope="module")
def front(
    cut: str, kept: str, port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Where nginx answers for both, by a name that is not one of loopback."""
    viewers = {"cut": f"{urlsplit(cut).port}", "kept": f"{urlsplit(kept).port}"}
    prefix = urlsplit(kept).path.rstrip("/")
    with nginx(tmp_path_factory.mktemp("nginx"), port=f"{port}", prefix=prefix, **viewers):
        yield f"http://{NAME}:{port}"


def check_page(tab: Tab, address: str) -> None:
    """See that the page hides its token, draws, and obeys keys and buttons."""
    tab.wait_for("every sample", 1)
    assert tab.page.url.startswith(f"{address.partition('?')[0]}?t=20")
    assert "token" not in tab.page.url
    tab.press("ArrowRight")
    tab.wait_for_range(20.9, 21.9)
    tab.page.get_by_role("button", name="◀", exact=True).first.click()
    tab.wait_for_range(20, 21)
    tab.settle()
    assert tab.ink("100000021") > 0


def test_nginx_cuts_a_path(open_tab: OpenTab, front: str, cut: str) -> None:
    address = f"{front}/lfp/?{urlsplit(cut).query}&t=20-21"
    check_page(open_tab(address), address)


def test_nginx_leaves_a_path_in(open_tab: OpenTab, front: str, kept: str) -> None:
    viewer = urlsplit(kept)
    address = f"{front}{viewer.path}?{viewer.query}&t=20-21"
    check_page(open_tab(address), address)


def enter(open_tab: OpenTab, notebooks: str) -> tuple[Tab, str]:
    """Show Jupyter its own token; return the tab, and where Jupyter answers."""
    home, _, token = notebooks.partition("?")
    return open_tab(f"{home}api/status?{token}"), home


def test_jupyter_cuts_a_path(open_tab: OpenTab, notebooks: str, cut: str) -> None:
    tab, home = enter(open_tab, notebooks)
    viewer = urlsplit(cut)
    address = f"{home}proxy/{viewer.port}/?{viewer.query}&t=20-21"
    tab.page.goto(address)
    check_page(tab, address)


def test_jupyter_leaves_a_path_in(open_tab: OpenTab, notebooks: str, kept: str) -> None:
    tab, home = enter(open_tab, notebooks)
    viewer = urlsplit(kept)
    address = f"{home.removesuffix('/user/me/')}{viewer.path}?{viewer.query}&t=20-21"
    tab.page.goto(address)
    check_page(tab, address)
