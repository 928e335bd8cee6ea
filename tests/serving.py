"""A server of files on loopback, with ranges, a log of requests, and faults to switch on."""

import hashlib
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Served:
    """What a server gives, and what it was asked for."""

    folder: Path
    address: str = ""
    log: list[tuple[str, str, int]] = field(default_factory=list)  # path, range, bytes
    ranges: bool = True
    status: dict[str, int] = field(default_factory=dict)  # path → status instead of the file
    times: int = -1  # how often it fails so; −1 for ever
    cut: float = 1.0  # of a body that is sent before the connection ends
    seconds: float = 0.0  # before an answer
    ticket: int = 0  # /signed/<ticket>/… is valid for this one only; /moved/… leads there
    etag: str = ""  # instead of the file's


@contextmanager
def serve(folder: Path) -> Iterator[Served]:
    """Serve the files of a folder."""
    served = Served(folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer(served, self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()


def answer(served: Served, request: BaseHTTPRequestHandler) -> None:
    path = request.path.split("?")[0].lstrip("/")
    wanted = request.headers.get("Range", "")
    time.sleep(served.seconds)
    if path.startswith("moved/"):
        return refuse(request, 302, {"Location": f"/signed/{served.ticket}/{path[6:]}"})
    if path.startswith("signed/"):
        _, ticket, path = path.split("/", 2)
        if int(ticket) != served.ticket:
            return refuse(request, 403, {})
    status = served.status.get(path)
    if status and served.times:
        served.times -= 1
        served.log.append((path, wanted, 0))
        return refuse(request, status, {"Retry-After": "0"})
    file = served.folder / path
    if not file.is_file():
        return refuse(request, 404, {})
    size = file.stat().st_size
    start, stop = 0, size
    if wanted and served.ranges:
        first, last = re.fullmatch(r"bytes=(\d+)-(\d+)", wanted).groups()
        start, stop = int(first), min(int(last) + 1, size)
    with file.open("rb") as stored:
        stored.seek(start)
        body = stored.read(stop - start)
    served.log.append((path, wanted, len(body)))
    request.send_response(206 if wanted and served.ranges else 200)
    request.send_header("Content-Length", str(len(body)))
    request.send_header("ETag", served.etag or f'"{etag(file)}"')
    if wanted and served.ranges:
        request.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
    request.end_headers()
    if served.cut < 1 and served.times and len(body) > 1:
        served.times -= 1
        request.wfile.write(body[: int(len(body) * served.cut)])
        request.close_connection = True
        return None
    request.wfile.write(body)
    return None


def refuse(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
    request.send_response(status)
    for name, value in (headers | {"Content-Length": "0"}).items():
        request.send_header(name, value)
    request.end_headers()


def etag(file: Path) -> str:
    status = file.stat()
    return hashlib.sha256(f"{status.st_size} {status.st_mtime_ns}".encode()).hexdigest()[:16]
