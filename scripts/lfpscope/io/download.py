"""Files that are downloaded to be kept: each one complete and checked, or not there at all."""

import glob
import os
import re
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import requests

from lfpscope.errors import RESTORE, UserError
from lfpscope.io.atomic import fsync, fsync_folder, remove_abandoned, translate_os_errors
from lfpscope.io.http import (
    BUSY,
    CONNECT_TIMEOUT_S,
    TRIES,
    TryAgainError,
    file_version,
    refusal,
    retry,
)
from lfpscope.io.locks import file_lock
from lfpscope.io.progress import Progress
from lfpscope.io.tables import read_json, write_json

BLOCK = 1 << 16  # bytes; what a killed download loses at most
HDF5 = b"\x89HDF\r\n\x1a\n"


def download(
    address: str,
    path: Path,
    *,
    check: Callable[[Path], None],
    stall_seconds: float = 60.0,
    tries: int = TRIES,
) -> None:
    """Fetch a file, unless it is there already.

    What has come stands in ``<name>.part`` beside it and is resumed by the next try, or the next
    run, if the server says that the file is still the same. Several processes may ask for one
    file: the first one fetches it, the others wait for it. Where a file system has no locks, each
    fetches a part of its own, which no other run resumes; one of a killed process is removed by a
    download of that file after a day.

    Parameters
    ----------
    address : str
        An http or https address.
    path : Path
        Where the file shall be. A file that is there is never touched.
    check : callable
        Raises a `UserError` if a file is not the one that was wanted, or incomplete.
    stall_seconds : float
        Without a byte for so long, and a try has failed.
    tries : int
        How many there are in all.

    Raises
    ------
    UserError
        If the server refuses, if the file did not arrive completely in so many tries, if there
        is no room for it, or if the one that is there does not pass the check.
    """
    with translate_os_errors(path):
        if not path.exists():  # else no lock is wanted, and a cache of others may take none
            path.parent.mkdir(parents=True, exist_ok=True)
            with file_lock(path) as locked:
                if not path.exists():
                    remove_abandoned(path.parent.glob(f"{glob.escape(path.name)}.*.part*"))
                    own = "" if locked else f".{socket.gethostname()}-{os.getpid()}"
                    part = path.with_name(f"{path.name}{own}.part")
                    _fetch_complete(address, part, path, check, stall_seconds, tries)
                    return
    try:  # another process was quicker, or another day
        check(path)
    except UserError as error:
        raise UserError(
            f"{_problem(error)}. It is not replaced: delete it and run again to download it."
        ) from None


def size_at(address: str, *, stall_seconds: float = 60.0, tries: int = TRIES) -> int:
    """Ask a server how long a file is, in bytes, without fetching it.

    Raises
    ------
    UserError
        If the server refuses or does not say.
    """

    def ask() -> int:
        with requests.get(
            address,
            headers={"Accept-Encoding": "identity"},
            timeout=(CONNECT_TIMEOUT_S, stall_seconds),
            stream=True,  # the body is left on the server
        ) as answer:
            if answer.status_code == 200 and (size := _length(answer, 0)) is not None:
                return size
            if answer.status_code not in (200, *BUSY):
                raise refusal(address, answer.status_code)
            problem = f"status {answer.status_code} without a length"
            raise TryAgainError(problem, answer.headers)

    return retry(ask, tries, f"{address}: no length", "Look at the connection.")


def _fetch_complete(
    address: str,
    part: Path,
    path: Path,
    check: Callable[[Path], None],
    seconds: float,
    tries: int,
) -> None:
    """Fetch a part until it is complete and passes the check, and give it its name."""

    def fetch() -> None:
        _fetch(address, part, seconds)
        if problem := _keep(part, path, check):
            raise TryAgainError(problem)

    remedy = (
        "Look at the connection and run again; what has come so far is resumed where it can be."
    )
    try:
        retry(fetch, tries, f"{address}: did not arrive completely", remedy, is_logged=True)
    except OSError as error:
        raise UserError(
            f"{part}: {error.strerror}. Make room, or correct that, and run again."
        ) from None


def _keep(part: Path, path: Path, check: Callable[[Path], None]) -> str:
    """Give a part its name, or remove it and say why it does not pass the check."""
    try:
        check(part)
    except UserError as error:
        part.unlink(missing_ok=True)
        _note(part).unlink(missing_ok=True)
        return _problem(error)
    fsync(part)
    if path.exists():  # without locks: another process was quicker
        part.unlink()
    else:
        part.replace(path)
    fsync_folder(path.parent)
    _note(part).unlink(missing_ok=True)
    return ""


def _problem(error: UserError) -> str:
    """Return what is wrong with a file, without the remedy for one that is not downloaded here."""
    return str(error).removesuffix(RESTORE).rstrip(" .")


def _fetch(address: str, part: Path, seconds: float) -> None:
    """Fetch what a part lacks."""
    note = _read_note(part, address)
    start = part.stat().st_size if note and part.is_file() else 0
    if start and start == note["size"]:
        return  # killed before the check
    asked = {"Accept-Encoding": "identity"}
    if start:
        asked |= {"Range": f"bytes={start}-", "If-Range": note["version"]}
    with requests.get(
        address, headers=asked, timeout=(CONNECT_TIMEOUT_S, seconds), stream=True
    ) as answer:
        status = answer.status_code
        if status in BUSY:
            raise TryAgainError(f"status {status}", answer.headers)
        if status not in (200, 206, 416):
            raise refusal(address, status)
        if status != 200 and not _continues(answer, start, note):
            part.unlink(missing_ok=True)
            problem = f"the server did not resume at byte {start}: status {status}"
            raise TryAgainError(problem, answer.headers)
        total = _length(answer, start if status == 206 else 0)
        if status == 200:  # the whole file: it has changed, or the server serves no ranges
            part.unlink(missing_ok=True)
            start = 0
            note = {"address": address, "version": file_version(answer), "size": total}
            write_json(_note(part), note)
        if problem := _append(answer, part, start, total):
            raise TryAgainError(problem, answer.headers)


def _append(answer: requests.Response, part: Path, start: int, total: int | None) -> str:
    """Write an answer's body to a part, from its start on; say what is wrong with it."""
    with (
        translate_os_errors(part),
        part.open("r+b" if start else "wb") as file,
        Progress("fetched", total, start) as bar,
    ):
        file.seek(start)
        for block in answer.iter_content(BLOCK):
            if not file.tell() and (page := _page(block)):
                return f"the server sent a page instead of an HDF5 file: {page}"
            file.write(block)
            bar.update(len(block))
        size = file.tell()
    return "" if total in (None, size) else f"{size} bytes of {total} came"


def _page(block: bytes) -> str:
    """Start of a page of HTML, XML or JSON, which servers send with status 200 for an error."""
    if block.startswith(HDF5) or block.lstrip()[:1] not in (b"<", b"{", b"["):
        return ""
    return repr(re.sub(r"\s+", " ", block[:80].decode(errors="replace")))


def _continues(answer: requests.Response, start: int, note: Mapping[str, Any]) -> bool:
    """Tell whether an answer goes on where a part ends, with the same file."""
    expected = rf"bytes {start}-\d+/{note.get('size')}"
    same = file_version(answer) in ("", note.get("version"))
    return same and bool(re.fullmatch(expected, answer.headers.get("Content-Range", "")))


def _length(answer: requests.Response, start: int) -> int | None:
    """Length of the whole file; None where the server does not say."""
    length = answer.headers.get("Content-Length", "")
    return start + int(length) if length.isdigit() else None


def _note(part: Path) -> Path:
    """Where it is noted what a part is a part of."""
    return part.with_name(f"{part.name}.json")


def _read_note(part: Path, address: str) -> dict[str, Any]:
    """Read what a part is a part of; nothing where it cannot be resumed."""
    path = _note(part)
    note: dict[str, Any] = read_json(path) if path.is_file() else {}
    return note if note.get("address") == address and note.get("version") else {}
