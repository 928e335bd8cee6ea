"""Addresses: the bytes of a file on disk, at an https address, or in an S3 bucket, read in place.

An address that others may see is always the stable one: where a server redirects to a signed
address for a few minutes, as DANDI's does, the signed one stays in memory.
"""

import errno
import os
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, Self
from weakref import finalize

from lfpscope.io.files import UserError, why_not_opened

if TYPE_CHECKING:
    import requests

CONNECT_SECONDS, SILENT_SECONDS = 10, 60  # without a byte, and a try has failed
TRIES = 5
LONGEST_PAUSE = 60.0  # seconds between tries, whatever a server asks for
BUSY = (429, 500, 502, 503, 504)  # that a later try may mend
CONNECTIONS = 16  # kept open to one server

Identity = dict[str, Any]


class Bytes(Protocol):
    """A file whose bytes can be read from several threads."""

    @property
    def address(self) -> str:
        """Where it is."""

    @property
    def size(self) -> int:
        """Its length in bytes."""

    def identity(self) -> Identity:
        """Return what tells it from another file: size, and time or ETag."""

    def read(self, offset: int, size: int) -> bytes:
        """Read bytes; fewer come back only at the end of the file."""

    def close(self) -> None:
        """Let go of it."""


def is_remote(address: str) -> bool:
    """Tell whether an address is not a path.

    >>> is_remote("s3://bucket/key"), is_remote("data/probe.nwb")
    (True, False)
    """
    return bool(re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", address))


def open_address(address: str) -> "LocalFile | RemoteFile":
    """Open what lies at an address.

    Parameters
    ----------
    address : str
        A path, or an http, https or s3 address.

    Raises
    ------
    UserError
        If it is not there, cannot be read, or cannot be read in pieces.
    """
    return RemoteFile(address) if is_remote(address) else LocalFile(address)


class LocalFile:
    """A file on disk; closed once nobody has it any more, too."""

    def __init__(self, address: str) -> None:
        self.address = address
        try:
            self._descriptor = os.open(Path(address), os.O_RDONLY)
        except OSError as error:
            why = why_not_opened(Path(address), error.errno or errno.EIO)
            raise UserError(f"{address}: {why}") from None
        self._close = finalize(self, os.close, self._descriptor)
        self.size = os.fstat(self._descriptor).st_size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._close()

    def identity(self) -> Identity:
        """Return size and time of modification."""
        status = os.fstat(self._descriptor)
        return {"size": status.st_size, "mtime_ns": status.st_mtime_ns}

    def read(self, offset: int, size: int) -> bytes:
        """Read bytes; fewer come back only at the end of the file.

        Raises
        ------
        UserError
            If the disk does not give them.
        """
        try:
            return os.pread(self._descriptor, size, offset)
        except OSError as error:
            raise UserError(
                f"{self.address}: byte {offset}: {error.strerror}. Check the disk."
            ) from None


class RemoteFile:
    """A file on a server that serves ranges of bytes.

    Every answer is checked: that it is the range that was asked for, of a file with the size and
    the ETag that it had when it was opened.

    Attributes
    ----------
    address : str
        The stable one.
    size : int
        In bytes.

    Raises
    ------
    UserError
        If it is not there, may not be read, or only as a whole.
    """

    def __init__(self, address: str) -> None:
        import requests  # 0.1 s, and only for remote files
        from requests.adapters import HTTPAdapter

        self.address = address
        self._session = requests.Session()
        adapter = HTTPAdapter(pool_maxsize=CONNECTIONS, pool_block=True)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        self._url = _url(address)
        answer = self._ask(0, 1)
        total = answer.headers["Content-Range"].rpartition("/")[2]
        if not total.isdigit():
            raise UserError(
                f"{address}: the server does not say how long the file is. Download it."
            )
        self.size = int(total)
        self._etag = file_version(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def identity(self) -> Identity:
        """Return size and ETag, or time of modification where the server gives no ETag."""
        return {"size": self.size, "etag": self._etag}

    def read(self, offset: int, size: int) -> bytes:
        """Read bytes; fewer come back only at the end of the file.

        Raises
        ------
        UserError
            If the server does not give them, after some tries, or the file has changed.
        """
        stop = min(offset + size, self.size)
        if stop <= offset:
            return b""
        answer = self._ask(offset, stop)
        total = answer.headers["Content-Range"].rpartition("/")[2]
        etag = file_version(answer)
        if total != str(self.size) or etag != self._etag:
            raise UserError(
                f"{self.address}: the file has changed while it was read: {total} bytes with ETag "
                f"{etag or 'none'}, {self.size} with {self._etag or 'none'} before. Run again."
            )
        return answer.content

    def _ask(self, offset: int, stop: int) -> "requests.Response":
        """Ask for a range until it comes, whole."""
        import requests

        problem = ""
        headers: Mapping[str, str] = {}
        renewed = False
        for attempt in range(TRIES):
            if attempt:
                time.sleep(pause(attempt, headers))
            headers = {}
            try:
                _count(requests=1)
                answer = self._session.get(
                    self._url,
                    headers={"Range": f"bytes={offset}-{stop - 1}", "Accept-Encoding": "identity"},
                    timeout=(CONNECT_SECONDS, SILENT_SECONDS),
                    stream=True,  # a server that ignores the range would send all of it
                )
                with answer:
                    headers = answer.headers
                    if answer.status_code in (401, 403) and not renewed:
                        # a signed address may have expired: ask for another
                        self._url, renewed = _url(self.address), True
                        problem = f"status {answer.status_code}"
                        continue
                    problem = self._refuse(answer, offset, stop)
                    if not problem and len(answer.content) == _range_length(answer):
                        _count(bytes=len(answer.content))
                        return answer
                    problem = (
                        problem or f"{len(answer.content)} bytes of {_range_length(answer)} came"
                    )
            except requests.RequestException as error:
                problem = reason(error)
        raise UserError(
            f"{self.address}: bytes {offset} to {stop} did not come in {TRIES} tries: {problem}. "
            "Look at the connection and run again."
        )

    def _refuse(self, answer: "requests.Response", offset: int, stop: int) -> str:
        """Say what is wrong with an answer that another try may mend; raise for any other."""
        status = answer.status_code
        if status == 206:
            there = re.match(r"bytes (\d+)-(\d+)/(\d*)", answer.headers.get("Content-Range", ""))
            last = min(stop, int(there[3] or stop)) - 1 if there else 0
            if there is None or (int(there[1]), int(there[2])) != (offset, last):
                raise UserError(
                    f"{self.address}: asked for bytes {offset} to {stop - 1}, the server sent "
                    f"{answer.headers.get('Content-Range', 'no Content-Range')}. Download the file."
                )
            # later requests go straight to where this one was redirected
            self._url = answer.url
            return ""
        if status in BUSY:
            return f"status {status}"
        if status == 200:
            kind = answer.headers.get("Content-Type", "unknown")
            raise UserError(
                f"{self.address}: the server sends the whole file or a page (status 200, {kind}), "
                "expected a range of bytes (206). Download it and give its path."
            )
        raise refusal(self.address, status)


_traffic = {"requests": 0, "bytes": 0}  # of this process
_lock = Lock()


def _count(**more: int) -> None:
    with _lock:
        for name, number in more.items():
            _traffic[name] += number


def traffic() -> str:
    """What this process has asked of servers so far, for a log; empty where nothing."""
    n_requests, megabytes = _traffic["requests"], _traffic["bytes"] / 1e6
    return f"{n_requests} requests, {megabytes:.2f} MB" if n_requests else ""


def _range_length(answer: "requests.Response") -> int:
    """Length of the range that an answer holds, by its header."""
    there = re.match(r"bytes (\d+)-(\d+)/", answer.headers["Content-Range"])
    return int(there[2]) - int(there[1]) + 1 if there else 0


def file_version(answer: "requests.Response") -> str:
    """Return what changes whenever a file on a server does; empty where the server has none.

    A weak ETag stands for the same content, not for the same bytes.
    """
    etag = answer.headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else answer.headers.get("Last-Modified", "")


def refusal(address: str, status: int) -> UserError:
    """Return the error for a status that no other try changes."""
    if status in (401, 403):
        for_s3 = "; for s3, credentials are taken from AWS_ACCESS_KEY_ID and so on"
        remedy = f"Check the address{for_s3 * address.startswith('s3:')}."
        return UserError(f"{address}: access denied (status {status}). {remedy}")
    what = "no such file" if status in (404, 410) else "refused"
    return UserError(f"{address}: {what} (status {status}). Correct the location.")


def pause(attempt: int, headers: Mapping[str, str]) -> float:
    """Seconds before the next try: what the server asks for, else twice as long each time."""
    asked = headers.get("Retry-After", "")
    seconds = float(asked) if asked.isdigit() else 0.25 * 2**attempt
    return min(seconds, LONGEST_PAUSE)


def reason(error: Exception) -> str:
    """Return the innermost of nested errors in a line, without the address, which may be signed."""
    inner: BaseException = error
    while inner.__context__ is not None:
        inner = inner.__context__
    return re.sub(r"\s+", " ", f"{type(inner).__name__}: {inner}").partition("http")[0][:200]


def _url(address: str) -> str:
    """Return the http or https address to ask; for s3, signed where there are credentials."""
    scheme, _, rest = address.partition("://")
    if scheme in ("http", "https"):
        return address
    if scheme != "s3":
        raise UserError(
            f"{address}: scheme {scheme}; expected a path, https:// or s3://. Correct it."
        )
    import botocore.session
    from botocore import UNSIGNED
    from botocore.config import Config

    bucket, _, key = rest.partition("/")
    session = botocore.session.get_session()
    signed = session.get_credentials() is not None
    style = {} if not os.environ.get("AWS_ENDPOINT_URL") else {"addressing_style": "path"}
    config = Config(signature_version="s3v4" if signed else UNSIGNED, s3=style)
    client = session.create_client(
        "s3",
        config=config,
        region_name=session.get_config_variable("region") or "us-east-1",
    )
    url: str = client.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=3600
    )
    return url


def s3_options() -> dict[str, Any]:
    """Options with which s3fs reads as we do: anonymously where there are no credentials."""
    import botocore.session

    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    anonymous = botocore.session.get_session().get_credentials() is None
    return {"anon": anonymous} | ({"endpoint_url": endpoint} if endpoint else {})


# --- a remote file for HDF5 -----------------------------------------------------------------------


class Blocks:
    """A remote file as HDF5 wants it: readable and seekable, with a cache of its metadata.

    HDF5 walks the index of the chunks node by node. When it reads a node that points to others,
    these are fetched at once, in parallel.
    """

    BLOCK, MOST_KEPT = 4096, 1 << 16

    def __init__(self, remote: RemoteFile) -> None:
        self.remote = remote
        self._at = 0
        self._blocks: dict[int, bytes] = {}

    def __repr__(self) -> str:
        return self.remote.address  # what h5py takes for the file's name

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a byte."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.remote.size}[whence]
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        """Return where it stands."""
        return self._at

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer from where it stands."""
        raw = self._read(self._at, len(buffer))
        buffer[: len(raw)] = raw
        self._at += len(raw)
        self._fetch_children(raw)
        return len(raw)

    def read(self, size: int) -> bytes:
        """Read from where it stands."""
        raw = self._read(self._at, size)
        self._at += len(raw)
        return raw

    def _read(self, offset: int, size: int) -> bytes:
        if size > self.MOST_KEPT:  # samples, not metadata
            return self.remote.read(offset, size)
        stop = min(offset + size, self.remote.size)
        first, last = offset // self.BLOCK, -(-stop // self.BLOCK)
        self._fetch(range(first, last))
        raw = b"".join(self._blocks[i] for i in range(first, last))
        return raw[offset - first * self.BLOCK : stop - first * self.BLOCK]

    def _fetch(self, blocks: range) -> None:
        """Have blocks in the cache; those that lack and touch come with one request."""
        for run in _runs(i for i in blocks if i not in self._blocks):
            raw = self.remote.read(run.start * self.BLOCK, len(run) * self.BLOCK)
            for i in run:
                start = (i - run.start) * self.BLOCK
                self._blocks[i] = raw[start : start + self.BLOCK]

    def _fetch_children(self, node: bytes) -> None:
        """Fetch the nodes below one of an index of chunks, a B-tree of version 1.

        The form is in the HDF5 File Format Specification, III.A.1: a head of 24 bytes, then keys
        and addresses in turn.
        """
        if node[:4] != b"TREE" or node[4] != 1 or node[5] == 0:
            return
        n_children = int.from_bytes(node[6:8], "little")
        for n_axes in range(2, 5):  # HDF5 reads whole nodes; their size tells that of the keys
            key = 8 + 8 * n_axes
            n_most, rest = divmod(len(node) - 24 - key, key + 8)
            if rest == 0 and n_most >= n_children:
                break
        else:
            return
        places = [24 + key + i * (key + 8) for i in range(n_children)]
        starts = [int.from_bytes(node[place : place + 8], "little") for place in places]
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(lambda start: self._read(start, len(node)), starts))


def _runs(numbers: Iterator[int]) -> Iterator[range]:
    """Group rising numbers into ranges without holes."""
    run: range | None = None
    for number in numbers:
        if run is not None and number == run.stop:
            run = range(run.start, number + 1)
        else:
            if run is not None:
                yield run
            run = range(number, number + 1)
    if run is not None:
        yield run
