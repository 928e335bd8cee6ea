"""The viewer in a notebook's cell."""

import atexit
import html
import json
import os
import re
import secrets
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lfpscope.errors import UserError
from lfpscope.notebook.process import end, start
from lfpscope.notebook.sessions import Shown, find_session, to_query, view_fields

HEIGHT = 640  # pixels
FRAME = (Path(__file__).with_name("frame.html")).read_text("utf-8")


class Server:
    """A viewer's server in a process of its own, which ends with this one.

    Not in this process: what the kernel computes would stop the viewer, and Bokeh's other servers
    would be guarded as this one is.

    Parameters
    ----------
    folder : Path
        Of the session's results.

    Attributes
    ----------
    port : int
        One that was free.
    secret : str
        The path below which it answers.
    """

    def __init__(self, folder: Path) -> None:
        self.secret = secrets.token_urlsafe(24)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        self._process = start("lfpscope.notebook.serve", str(folder), self.secret, **pipes)
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        self._printed = self._process.stdout
        said = []
        for line in self._printed:
            said.append(line)
            if match := re.search(r"http://[^/]+:(\d+)/", line):
                self.port = int(match[1])
                break
        else:
            raise UserError(f"{folder}: the viewer did not start: {''.join(said).strip()}")

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """End it."""
        end(self._process)
        self._printed.close()


_servers: dict[Path, Server] = {}


@atexit.register
def _close_servers() -> None:
    while _servers:
        _servers.popitem()[1].close()


@dataclass(frozen=True)
class View:
    """The viewer, shown where a cell ends with it.

    Attributes
    ----------
    folder : Path
        Of the session's results.
    query : str
        What it shows, as the viewer's address says it.
    height : int
        Pixels.
    """

    folder: Path
    query: str = ""
    height: int = HEIGHT
    _server: Server = field(repr=False, kw_only=True)

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it. Those who know it may see the session."""
        return f"http://localhost:{self._server.port}/{self._path}"

    @property
    def _path(self) -> str:
        return f"{self._server.secret}/{self.query and f'?{self.query}'}"

    def close(self) -> None:
        """End the server, and with it all views of this session."""
        _servers.pop(self.folder, None)
        self._server.close()

    def _repr_html_(self) -> str:
        # behind JupyterHub the kernel knows where the browser finds it; elsewhere the page does
        values = {
            "port": self._server.port,
            "path": self._path,
            "base": os.environ.get("JUPYTERHUB_SERVICE_PREFIX", ""),
        }
        return (
            FRAME.replace("ID", f"lfpscope-{secrets.token_hex(8)}")
            .replace("HEIGHT", str(self.height))
            .replace("URL", html.escape(self.url))
            .replace("VALUES", json.dumps(values))
        )


def view(
    session: Shown,
    t: tuple[float, float] | None = None,
    probes: str | Iterable[str] | None = None,
    mode: str | None = None,
    height: int = HEIGHT,
) -> View:
    """Show the viewer in a cell of JupyterLab, Notebook 7 or VS Code, or behind JupyterHub.

    Its server runs in a process of its own at a free port, once for each session, and ends with the
    kernel. Where the browser cannot reach that port, as behind JupyterHub, jupyter-server-proxy
    must be installed beside Jupyter.

    Parameters
    ----------
    session : str or Path or DataTree
        The folder of a session's results, what `open_session` returned, or an NWB file, which is
        indexed and summarised on the first call. The viewer is there once it is indexed; until
        it is summarised it shows samples, and how long that takes.
    t : (float, float), optional
        Session time, seconds, to begin with; without it the complete recording, or two seconds
        of one that is not summarised yet.
    probes : str or iterable of str, optional
        Those that are shown; without it all.
    mode : str, optional
        "traces", "signed" or "heat"; without it what suits the zoom.
    height : int
        Of the frame, pixels.

    Raises
    ------
    UserError
        If there is no such session, probe or mode, or the server does not start.
    """
    folder = find_session(session, is_summary_needed=False)
    query = to_query(view_fields(folder, t, probes, mode))
    server = _servers.get(folder)
    if server is None or not server.is_alive:
        server = _servers[folder] = Server(folder)
    return View(folder, query, height, _server=server)
