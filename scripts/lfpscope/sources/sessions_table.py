"""The table of sessions, checked row by row.

The Snakefile reads them each time it starts, so this imports nothing but the standard library.
A table that is malformed is an error; a row that is wrong has its problem noted, so that the other
sessions go on.
"""

import csv
import glob
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from lfpscope.errors import UserError
from lfpscope.ids import MAX_LENGTH, demo_number, is_id, replace_other_characters
from lfpscope.io.secrets import check_secrets
from lfpscope.result_files import RESERVED

COLUMNS = ("session", "source", "location", "probes", "series")  # of the sessions table


ADDRESSES = re.compile(r"\s+(?=[a-z0-9]+://)")  # what is between several
SCHEMES = ("https", "http", "s3")  # of addresses that can be read in place


@dataclass(frozen=True)
class SessionRow:
    """A row of the sessions table.

    Attributes
    ----------
    session : str
        Its id.
    source : str
        ``allen``, ``demo`` or ``nwb``.
    location : str
        Path or glob of NWB files, or https and s3 addresses with spaces
        between; empty for the others.
    probes : tuple of str
        Ids of the probes to keep; empty for all.
    series : str
        Pattern for the series to take; empty for the usual choice.
    where : str
        File and line, for error messages.
    problem : str
        Why the row cannot be used, in a line; empty where it can.
    """

    session: str
    source: str
    location: str = ""
    probes: tuple[str, ...] = ()
    series: str = ""
    where: str = ""
    problem: str = ""


def read_sessions(path: Path) -> list[SessionRow]:
    """Read the sessions table. A row that is wrong has its problem noted.

    Empty lines and lines that start with ``#`` are left out.

    Raises
    ------
    UserError
        If the file is missing, no table, or its ids are not unique names of folders.
    """
    lines = _lines(path)
    columns = _columns(path, lines[0][1] if lines else "")
    sessions: dict[str, SessionRow] = {}
    for number, line in lines[1:]:
        session = _session(columns, line, f"{path}, line {number}")
        before = sessions.setdefault(session.session, session)
        if before is not session:
            raise UserError(
                f"{session.where}: session {session.session!r} is already in {before.where}. "
                "Give each session one row; a glob in `location` takes in several files."
            )
    if not sessions:
        raise UserError(f"{path}: no sessions. Give each one a row below the names of the columns.")
    return list(sessions.values())


def _lines(path: Path) -> list[tuple[int, str]]:
    """Lines of the sessions table with their numbers, without empty ones and remarks."""
    name = str(path)[:200]
    if path.suffix == ".nwb" or path.is_dir() or any(c in name for c in "*?"):
        raise UserError(
            f"{name}: expected a table of sessions, found the path of recordings. Write a table "
            "with the columns session, source and location, tabs between, and in it a row: an id, "
            "nwb, and this path."
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(
            f"{name}: no such file. Give the table of sessions: --config sessions=FILE."
        ) from None
    except OSError as error:
        raise UserError(f"{name}: {error.strerror}. Give another table.") from None
    except ValueError as error:
        raise UserError(f"{name}: not text in UTF-8: {error}. Save it as UTF-8.") from None
    lines = enumerate(re.split("\r\n|\n|\r", text), start=1)
    return [(n, line) for n, line in lines if line.strip() and not line.startswith("#")]


def _columns(path: Path, line: str) -> list[str]:
    columns = [cell.strip() for cell in line.split("\t")]
    missing = [name for name in ("session", "source") if name not in columns]
    unknown = [name for name in columns if name and name not in COLUMNS]
    twice = {name for name in columns if name and columns.count(name) > 1}
    if missing or unknown or twice:
        problem = (
            f"no column `{missing[0]}`"
            if missing
            else f"unknown column {unknown[0][:80]!r}"
            if unknown
            else f"the column {min(twice)} twice"
        )
        raise UserError(
            f"{path}: {problem}. The first line names the columns, with tabs between: "
            "session, source, location, and where needed probes and series."
        )
    return columns


def _session(columns: Sequence[str], line: str, where: str) -> SessionRow:
    """Read a row; all that is wrong with it but its id is noted in it."""
    problem = ""
    try:
        (cells,) = csv.reader([line], "excel-tab", strict=True)
    except csv.Error as error:
        cells = line.split("\t")
        problem = f"{where}: {error}. Write quotes in pairs, or none."
    if len(cells) > len(columns):
        problem = (
            f"{where}: {len(cells)} cells for {len(columns)} columns. Put one tab between cells."
        )
    row = {name: cell.strip() for name, cell in zip(columns, cells, strict=False)}
    session = SessionRow(
        session=row.get("session", ""),
        source=row.get("source", ""),
        location=row.get("location", ""),
        probes=tuple(p.strip() for p in row.get("probes", "").split(",") if p.strip()),
        series=row.get("series", ""),
        where=where,
    )
    _check_id(session)
    try:
        check_row(session)
    except UserError as error:
        problem = problem or str(error)
    # what is wrong may be a secret, which is not to be stored
    return replace(session, location="", problem=problem) if problem else session


def _check_id(session: SessionRow) -> None:
    """Check that the id of a session can name a folder of results."""
    name = session.session
    if not is_id(name) or name in RESERVED:
        raise UserError(
            f"{session.where}: session is {name[:MAX_LENGTH]!r}; expected an id, which names the "
            f"folder of its results: at most {MAX_LENGTH} letters, digits and ._- with a letter or "
            "digit first, and not the name of what lies beside it. Rename it."
        )


def check_row(session: SessionRow) -> None:
    """Check that this version can read what a row points at.

    Raises
    ------
    UserError
        If it cannot.
    """
    check = {"demo": _check_demo, "allen": _check_allen, "nwb": _check_nwb}.get(session.source)
    if check is None:
        raise UserError(
            f"{session.where}: source is {session.source[:80]!r}; expected allen, demo, or nwb for "
            "files on disk or on a server. Correct it."
        )
    check(session)
    wrong = [probe for probe in session.probes if not is_id(probe)]
    if wrong:
        raise UserError(
            f"{session.where}: probes names {wrong[0][:80]!r}; expected ids of the probes to keep, "
            "with commas between. Take them from probes.tsv."
        )


def _check_demo(session: SessionRow) -> None:
    if session.location:
        raise UserError(
            f"{session.where}: a demo has no location. Leave it empty, or use source nwb."
        )
    if demo_number(session.session) is None:
        raise UserError(
            f"{session.where}: session is {session.session!r}; expected demo-1, demo-2 and so on, "
            "as demo sessions are named. Rename it, or give it another source."
        )


def _check_allen(session: SessionRow) -> None:
    if session.location:
        raise UserError(
            f"{session.where}: an allen session has no location. Leave it empty, use source nwb, "
            "or give a copy of AllenSDK's cache: allen.mirror in the configuration."
        )
    if not re.fullmatch(r"[1-9][0-9]*", session.session):
        raise UserError(
            f"{session.where}: session is {session.session!r}; expected the number that Allen "
            "gives the session. Correct it."
        )


def _check_nwb(session: SessionRow) -> None:
    where, location = session.where, session.location
    if not location:
        raise UserError(
            f"{where}: source nwb needs a location: the path or glob of NWB files. Give it."
        )
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", location)
    if scheme and scheme[1] not in SCHEMES:
        raise UserError(
            f"{where}: {location}: scheme {scheme[1]}; expected a path or glob of files on disk, "
            "https:// or s3://. Correct the location."
        )
    check_secrets(location, where)
    addresses = ADDRESSES.split(location) if scheme else []
    for address in addresses:
        if not re.match(r"\w+://[^/\s]+/.*[^/\s]", address):
            raise UserError(f"{where}: {address}: an address without a file. Correct it.")
    if scheme and "*" in location:
        raise UserError(
            f"{where}: {location}: servers do not list their files, so no `*` in an address. "
            "Name each one, with spaces between."
        )


def find_files(session: SessionRow) -> list[str]:
    """Files and folders that a row's location names, sorted; none for the demo and Allen's.

    A path that exists is taken as it is. Else it is a glob in which only ``*``, ``?`` and ``**``
    are special, and only if nothing matches that, one with ``[ ]`` too. Both start from the
    working directory.

    Raises
    ------
    UserError
        If there is none.
    """
    if session.source != "nwb":
        return []
    if "://" in session.location:
        return ADDRESSES.split(session.location)
    try:
        files = _files_at(Path(session.location).expanduser())
    except IsADirectoryError:
        raise UserError(
            f"{session.where}: {session.location} is a folder. Name the files in it: "
            f"{session.location}/*.nwb, or {session.location}/**/*.nwb with folders below."
        ) from None
    except (OSError, ValueError, RuntimeError) as error:  # no name that a disk can have
        raise UserError(
            f"{session.where}: location {session.location[:80]!r} cannot be looked up: {error}. "
            "Correct the location."
        ) from None
    if not files:
        raise UserError(
            f"{session.where}: no file matches {session.location} (from {Path.cwd()}). "
            "Correct the location."
        )
    return files


def _files_at(location: Path) -> list[str]:
    if location.is_dir() and not is_zarr(location):
        raise IsADirectoryError
    if location.exists() or location.is_symlink():
        return [str(location)]
    brackets_as_they_are = re.sub(r"\[", "[[]", str(location))
    found = _glob(brackets_as_they_are) or _glob(str(location))
    there, above = set(found), {folder for path in found for folder in path.parents}
    stores = {folder for folder in above & there if is_zarr(folder)}
    # inside a Zarr store nothing is a recording of its own, and other folders are on the way to one
    taken = (path for path in found if path in stores or path not in above or not path.is_dir())
    return [str(path) for path in taken if stores.isdisjoint(path.parents)]


def _glob(pattern: str) -> list[Path]:
    # a link that leads nowhere, as git-annex leaves them, is a file that is missing, not none
    found = glob.glob(pattern, recursive=True)  # noqa: PTH207, Path.glob refuses "/"
    return sorted(map(Path, found))


def is_zarr(path: Path) -> bool:
    """Tell whether a folder is a Zarr store."""
    return any((path / name).is_file() for name in (".zgroup", ".zattrs", "zarr.json"))


def fingerprint(paths: Iterable[str]) -> str:
    """Checksum of names, sizes and times of files on disk; addresses count by name alone.

    Instead of the files themselves as inputs: Snakemake would take braces in their names for
    wildcards, and refuses times that are ahead of its clock.
    """
    states = "\n".join(map(_state, paths))
    return sha256(states.encode("utf-8", "surrogateescape")).hexdigest()[:12]


def _state(path: str) -> str:
    try:
        found = Path(path).stat()
    except (OSError, ValueError):  # not there, or on a server
        return path
    return f"{path}\t{found.st_size}\t{found.st_mtime_ns}"


def cached_path(address: str, cache: Path) -> Path | None:
    """Where the file at an http or https address is kept, once fetched; None for any other.

    An address that is no path on a disk as it stands gets a checksum, so that no two share a file.

    >>> print(cached_path("https://lab.org/mouse7/a.nwb", Path("cache")))
    cache/https/lab.org/mouse7/a.nwb
    >>> print(cached_path("https://api.dandiarchive.org/api/assets/1f-2a/download/", Path("cache")))
    cache/https/api.dandiarchive.org/api/assets/1f-2a/download
    """
    scheme, _, rest = address.partition("://")
    if scheme not in ("http", "https"):
        return None
    rest = re.sub("/download/$", "/download", rest)  # assets of DANDI
    parts = [replace_other_characters(part)[:MAX_LENGTH] for part in rest.split("/")]
    parts = ["_" if part in ("", ".", "..") else part for part in parts]
    path = Path(cache, scheme, *parts)
    if "/".join(parts) == rest:
        return path
    return path.with_name(f"{path.stem}-{sha256(address.encode()).hexdigest()[:8]}{path.suffix}")


def files_of_session(addresses: Iterable[str]) -> list[str]:
    """Files that may say what happened in a session: those given, and Allen's own beside them.

    >>> files_of_session(["s3://bucket/session_7/probe_1_lfp.nwb"])
    ['s3://bucket/session_7/probe_1_lfp.nwb', 's3://bucket/session_7/session_7.nwb']
    """
    files = list(addresses)
    beside = [re.sub(r"(session_\d+)/probe_\d+_lfp\.nwb$", r"\1/\1.nwb", file) for file in files]
    there = (file for file in beside if "://" in file or Path(file).is_file())
    return list(dict.fromkeys([*files, *there]))
