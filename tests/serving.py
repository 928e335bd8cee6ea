"""A server of files on loopback, with ranges, a log of requests, and faults to switch on."""

import hashlib
import io
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
from moto.server import ThreadedMotoServer


@dataclass
class Served:
    """What a server gives, and what it was asked for."""

    folder: Path
    address: str = ""
    log: list[tuple[str, str, int]] = field(default_factory=list)  # path, range, bytes
    ranges: bool = True
    status: dict[str, int] = field(default_factory=dict)  # path → status instead of the file
    times: int = -1  # how often it fails so, or in a way below; −1 without end
    retry_after: str = "0"  # what a status comes with
    cut: float = 1.0  # of a body that is sent before the connection ends
    short: float = 1.0  # of a body that is sent, with the length of what is sent
    most: int = 1 << 40  # bytes that are sent of a range, whatever was asked for
    silent: float = 0.0  # seconds without a byte in the middle of a body
    instead: bytes = b""  # a body instead of the file's
    seconds: float = 0.0  # before an answer
    pace: float = 0.0  # seconds before each tenth of a body; no fault
    versions: bool = True  # whether ETags are sent
    closed: bool = False  # whether it has gone, for those who are still connected
    ticket: int = 0  # /signed/<ticket>/… is valid for this one only; /moved/… leads there
    etag: str = ""  # instead of the file's


Respond = Callable[["Served", BaseHTTPRequestHandler], None]


@contextmanager
def serve(folder: Path, respond: Respond | None = None, port: int = 0) -> Iterator[Served]:
    """Serve the files of a folder, or whatever a function of one's own answers."""
    served = Served(folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if served.closed:
                self.close_connection = True
                return
            with suppress(ConnectionError):  # who asked may have gone
                (respond or answer)(served, self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    served.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.closed = True
        server.shutdown()
        server.server_close()


@contextmanager
def serve_bucket(objects: dict[str, tuple[Path, str]]) -> Iterator[str]:
    """Serve a bucket ``lab`` as S3 does: for each key its file, and who may read it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id="some",
        aws_secret_access_key="body",  # noqa: S106 - for a server in this process
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="lab")
    for key, (file, access) in objects.items():
        client.upload_file(str(file), "lab", key, ExtraArgs={"ACL": access})
    try:
        yield endpoint
    finally:
        server.stop()


def answer(served: Served, request: BaseHTTPRequestHandler) -> None:
    path = request.path.split("?")[0].lstrip("/")
    wanted = request.headers.get("Range", "")
    fails = served.times != 0
    if fails:
        time.sleep(served.seconds)
    if path.startswith("moved/"):
        return refuse(request, 302, {"Location": f"/signed/{served.ticket}/{path[6:]}"})
    if path.startswith("signed/"):
        _, ticket, path = path.split("/", 2)
        if int(ticket) != served.ticket:
            return refuse(request, 403, {})
    status = served.status.get(path)
    if status and fails:
        served.times -= 1
        served.log.append((path, wanted, 0))
        return refuse(request, status, {"Retry-After": served.retry_after})
    file = served.folder / path
    if not file.is_file():
        return refuse(request, 404, {})
    version = served.etag or f'"{etag(file)}"'
    content = io.BytesIO(served.instead) if served.instead and fails else file.open("rb")
    size = content.seek(0, io.SEEK_END)
    ranged = wanted and served.ranges and request.headers.get("If-Range", version) == version
    start, stop = 0, size
    if ranged:
        first, last = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted).groups()
        start, stop = int(first), min(int(last or size) + 1, size, int(first) + served.most)
    with content:
        content.seek(start)
        body = content.read(max(0, stop - start))
    if fails:
        body = body[: int(len(body) * served.short)]
    served.log.append((path, wanted, len(body)))
    request.send_response(206 if ranged else 200)
    request.send_header("Content-Length", str(len(body)))
    if served.versions:
        request.send_header("ETag", version)
    if ranged:
        request.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
    request.end_headers()
    send(served, request, body, fails=fails)
    return None


def send(served: Served, request: BaseHTTPRequestHandler, body: bytes, *, fails: bool) -> None:
    if fails and (served.seconds or served.short < 1 or served.instead):
        served.times -= 1
    if fails and len(body) > 1 and (served.cut < 1 or served.silent):
        served.times -= 1
        request.wfile.write(body[: int(len(body) * (served.cut if served.cut < 1 else 0.5))])
        request.close_connection = True
        time.sleep(served.silent)
    elif served.pace:
        step = -(-len(body) // 10)
        for start in range(0, len(body), step):
            time.sleep(served.pace)
            request.wfile.write(body[start : start + step])
    else:
        request.wfile.write(body)


def refuse(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
    request.send_response(status)
    for name, value in (headers | {"Content-Length": "0"}).items():
        request.send_header(name, value)
    request.end_headers()


def etag(file: Path) -> str:
    status = file.stat()
    return hashlib.sha256(f"{status.st_size} {status.st_mtime_ns}".encode()).hexdigest()[:16]
