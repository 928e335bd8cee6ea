"""The two tables: sessions, as the user writes them, and the probes found in them.

The Snakefile reads them each time it starts, so this imports nothing but the standard library.
"""

import csv
import glob
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from pathlib import Path

from lfpscope.files import UserError, read_table, write_table

NO_LFP = "no LFP"  # status of a probe without: it is whole as it is
ADDRESSES = re.compile(r"\s+(?=[a-z0-9]+://)")  # what is between several
SECRETS = re.compile(  # a password, or what signed addresses of Amazon, Google and Azure have
    r"(?i)://[^/\s]*@|[?&](X-(Amz|Goog)-|AWSAccessKeyId=|GoogleAccessId=|Sig(nature)?=|(\w+_)?token=)"
)
SCHEMES = ("https", "http", "s3")  # of addresses that can be read in place


@dataclass(frozen=True)
class Session:
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
    """

    session: str
    source: str
    location: str = ""
    probes: tuple[str, ...] = ()
    series: str = ""
    where: str = ""


@dataclass(frozen=True)
class Probe:
    """A row of the table of probes.

    Attributes
    ----------
    session, probe : str
        Ids.
    source : str
        As in the sessions table.
    address : str
        Where its bytes are, or will be once fetched.
    series : str
        Path of the series in the file; empty where the file has one only.
    status : str
        ``ok``, ``unreadable``, or ``no LFP`` where there is none to be had.
    note : str
        Why it is unreadable, or what was found and what is odd about it; one line.
    """

    session: str
    probe: str
    source: str
    address: str
    series: str = ""
    status: str = "ok"
    note: str = ""


def read_rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Read the sessions table as it stands: where each row is, and its cells that are not empty.

    Empty lines and lines that start with ``#`` are left out.

    Raises
    ------
    UserError
        If the file is missing or not a table.
    """
    try:
        lines = enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1)
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such file. Give the table of sessions: --config sessions=FILE."
        ) from None
    except OSError as error:
        raise UserError(f"{str(path)[:200]}: {error.strerror}. Give another table.") from None
    except ValueError as error:
        raise UserError(f"{path}: not text in UTF-8: {error}. Mend it.") from None
    numbered = [(n, line) for n, line in lines if line.strip() and not line.startswith("#")]
    cells = [_cells(line, f"{path}, line {n}") for n, line in numbered]
    if not cells or "session" not in cells[0]:
        raise UserError(
            f"{path}: no column `session`. The first line names the columns, with tabs between: "
            "session, source, location, and where needed probes and series."
        )
    for (number, _), row in zip(numbered[1:], cells[1:], strict=True):
        where = f"{path}, line {number}"
        if len(row) > len(cells[0]):
            raise UserError(
                f"{where}: {len(row)} cells for {len(cells[0])} columns. Put one tab between cells."
            )
        yield where, {name: cell for name, cell in zip(cells[0], row, strict=False) if cell}


def _cells(line: str, where: str) -> list[str]:
    try:
        (row,) = csv.reader([line], "excel-tab", strict=True)
    except csv.Error as error:
        raise UserError(f"{where}: {error}. Write quotes in pairs, or none.") from None
    return [cell.strip() for cell in row]


def read_sessions(path: Path) -> list[Session]:
    """Read the sessions table and check what a schema cannot.

    Raises
    ------
    UserError
        If a session is there twice, or its source or location is none that can be read.
    """
    sessions: dict[str, Session] = {}
    for where, row in read_rows(path):
        session = Session(
            session=row.get("session", ""),
            source=row.get("source", ""),
            location=row.get("location", ""),
            probes=tuple(p.strip() for p in row.get("probes", "").split(",") if p.strip()),
            series=row.get("series", ""),
            where=where,
        )
        before = sessions.setdefault(session.session, session)
        if before is not session:
            raise UserError(
                f"{where}: session {session.session!r} is already in {before.where}. "
                "Give each session one row; a glob in `location` takes in several files."
            )
        check_source(session)
    if not sessions:
        raise UserError(f"{path}: no sessions. Give each one a row below the names of the columns.")
    return list(sessions.values())


def check_source(session: Session) -> None:
    """Check that this version can read what a row points at."""
    where, location = session.where, session.location
    if session.source == "demo" and location:
        raise UserError(f"{where}: a demo has no location. Leave it empty, or use source nwb.")
    if session.source == "allen" and location:
        raise UserError(
            f"{where}: an allen session has no location. Leave it empty, use source nwb, or give "
            "a copy of AllenSDK's cache: allen.mirror in the configuration."
        )
    if session.source == "nwb" and not location:
        raise UserError(f"{where}: source nwb needs a location: the path or glob of NWB files.")
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", location)
    if scheme and scheme[1] not in SCHEMES:
        raise UserError(
            f"{where}: {location}: scheme {scheme[1]}; expected a path or glob of files on disk, "
            "https:// or s3://."
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


def check_secrets(address: str, where: str) -> None:
    """Check that an address holds nothing secret, because it will be stored."""
    if SECRETS.search(address):
        raise UserError(
            f"{where}: an address with a password, a token or a signature, which would be stored. "
            "Give it without; credentials are taken from the environment, or ~/.netrc."
        )


def find_files(session: Session) -> list[str]:
    """Files that a row's location names, sorted; none for the demo and Allen's.

    A path that exists is taken as it is; anything else is a glob, in which ``**`` stands for any
    depth of folders. Both start from the working directory.

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
    if location.is_dir():
        raise IsADirectoryError
    if location.is_file():
        return [str(location)]
    found = sorted(glob.glob(str(location), recursive=True))  # noqa: PTH207, Path.glob refuses "/"
    # a link that leads nowhere, as git-annex leaves them, is a file that is missing, not none
    return [str(Path(name)) for name in found if Path(name).is_file() or Path(name).is_symlink()]


def kept_at(address: str, cache: Path) -> Path | None:
    """Where the file at an http or https address is kept, once fetched; None for any other.

    An address that is no path on a disk as it stands gets a checksum, so that no two share a file.

    >>> print(kept_at("https://lab.org/mouse7/a.nwb", Path("cache")))
    cache/https/lab.org/mouse7/a.nwb
    >>> print(kept_at("https://api.dandiarchive.org/api/assets/1f-2a/download/", Path("cache")))
    cache/https/api.dandiarchive.org/api/assets/1f-2a/download
    """
    scheme, _, rest = address.partition("://")
    if scheme not in ("http", "https"):
        return None
    rest = re.sub("/download/$", "/download", rest)  # assets of DANDI
    parts = [re.sub(r"[^A-Za-z0-9._-]", "_", part)[:100] for part in rest.split("/")]
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


def write_probes(path: Path, probes: Iterable[Probe]) -> None:
    """Write the table of probes."""
    write_table(path, [field.name for field in fields(Probe)], map(asdict, probes))


def read_probes(path: Path) -> list[Probe]:
    """Read the table of probes."""
    return [Probe(**row) for row in read_table(path)]
