"""Ranges of bytes of a file on a server."""

import re
import sys
import time
from collections.abc import Callable, Mapping
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, Self, TypeVar

from lfpscope.errors import UserError
from lfpscope.io.byte_source import Identity
from lfpscope.io.s3 import readable_url

if TYPE_CHECKING:
    import requests

Answer = TypeVar("Answer")

CONNECT_TIMEOUT_S, STALL_TIMEOUT_S = 10, 60  # without a byte, and a try has failed
TRIES = 5
MAX_PAUSE_S = 60.0  # seconds between tries, whatever a server asks for
BUSY = (429, 500, 502, 503, 504)  # that a later try may not meet
CONNECTIONS = 16  # kept open to one server


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
        self._url = readable_url(address)
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
        """Ask for a range until all of it comes."""
        has_new_url = False

        def ask() -> "requests.Response":
            nonlocal has_new_url
            _count(requests=1)
            answer = self._session.get(
                self._url,
                headers={"Range": f"bytes={offset}-{stop - 1}", "Accept-Encoding": "identity"},
                timeout=(CONNECT_TIMEOUT_S, STALL_TIMEOUT_S),
                stream=True,  # a server that ignores the range would send all of it
            )
            with answer:
                if answer.status_code in (401, 403) and not has_new_url:
                    # a signed address may have expired: ask for another
                    self._url, has_new_url = readable_url(self.address), True
                    raise TryAgainError(f"status {answer.status_code}", answer.headers)
                self._check(answer, offset, stop)
                n_bytes, n_expected = len(answer.content), _range_length(answer)
                if n_bytes != n_expected:
                    raise TryAgainError(f"{n_bytes} bytes of {n_expected} came", answer.headers)
            _count(bytes=n_bytes)
            return answer

        what = f"{self.address}: bytes {offset} to {stop} did not come"
        return retry(ask, TRIES, what, "Look at the connection and run again.")

    def _check(self, answer: "requests.Response", offset: int, stop: int) -> None:
        """Check that an answer is the range that was asked for."""
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
            return
        if status in BUSY:
            raise TryAgainError(f"status {status}", answer.headers)
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


def reason(error: Exception) -> str:
    """Return the innermost of nested errors in a line, without the address, which may be signed."""
    inner: BaseException = error
    while inner.__context__ is not None:
        inner = inner.__context__
    return re.sub(r"\s+", " ", f"{type(inner).__name__}: {inner}").partition("http")[0][:200]


# --- tries --------------------------------------------------------------------------------------


class TryAgainError(Exception):
    """What failed may succeed in another try; with the headers of a server's answer, if any."""

    def __init__(self, problem: str, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__(problem)
        self.headers = headers


def retry(
    ask: Callable[[], Answer], tries: int, what: str, remedy: str, *, is_logged: bool = False
) -> Answer:
    """Ask a server until it answers.

    urllib3's Retry repeats a request as it is; here an answer that is cut short counts as a failed
    try as well, and the next one may resume, or ask at another signed address.

    Parameters
    ----------
    ask : callable
        Returns the answer, or raises `TryAgainError` or an error of requests.
    tries : int
        How many at most.
    what, remedy : str
        Start and end of the message if none succeeds.
    is_logged : bool
        Whether failed tries are printed.

    Raises
    ------
    UserError
        If no try succeeds.
    """
    import requests

    problem = ""
    for attempt in range(1, tries + 1):
        headers: Mapping[str, str] = {}
        try:
            return ask()
        except TryAgainError as error:
            problem, headers = str(error), error.headers
        except requests.RequestException as error:
            problem = reason(error)
        if attempt < tries:
            if is_logged:
                print(f"{what}: {problem}; trying again", file=sys.stderr)
            time.sleep(_pause(attempt, headers))
    raise UserError(f"{what} in {tries} tries: {problem}. {remedy}")


def _pause(attempt: int, headers: Mapping[str, str]) -> float:
    """Seconds before the next try: what the server asks for, else twice as long each time."""
    asked = headers.get("Retry-After", "")
    seconds = float(asked) if asked.isdigit() else 0.25 * 2**attempt
    return min(seconds, MAX_PAUSE_S)
