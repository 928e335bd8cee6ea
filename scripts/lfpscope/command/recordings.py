"""What is named on the command line → rows of a table of sessions."""

import glob
import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lfpscope.errors import UserError
from lfpscope.hdf5.isolation import IsolatedReader
from lfpscope.ids import MAX_LENGTH, replace_other_characters
from lfpscope.io.addresses import is_remote
from lfpscope.io.tables import write_table
from lfpscope.nwb.file import open_nwb
from lfpscope.sources.sessions_table import COLUMNS, SessionRow

NWB = ".nwb"


def find_sessions(names: Sequence[str]) -> list[SessionRow]:
    """Find the recordings that files, folders, globs and addresses name.

    Each file is a session. Files that make up a folder and started at the same moment, as the
    probes of one recording do, are one session together.

    Raises
    ------
    UserError
        If one of them names nothing.
    """
    addresses = [name for name in names if is_remote(name)]
    files = [file for name in names if not is_remote(name) for file in _files(name)]
    folders: dict[Path, list[Path]] = {}
    for file in dict.fromkeys(files):
        folders.setdefault(file.parent, []).append(file)
    rows: list[SessionRow] = []
    with IsolatedReader() as reader:
        for folder, members in folders.items():
            if _are_one_recording(folder, members, reader):
                location = f"{glob.escape(str(folder))}/*{NWB}"
                rows.append(_row(folder.name, location, rows))
            else:
                for one in members:
                    rows.append(_row(one.stem, str(one), rows))
    for address in dict.fromkeys(addresses):
        rows.append(_row(Path(unquote(urlsplit(address).path)).stem, address, rows))
    return rows


def _files(name: str) -> list[Path]:
    path = Path(name).expanduser().absolute()
    if path.is_dir():
        files = sorted(path.glob(f"*{NWB}")) or sorted(path.rglob(f"*{NWB}"))
        if not files:
            raise UserError(f"{name}: no NWB files in this folder. Name another, or a file.")
        return files
    if path.exists():
        return [path]
    matches = sorted(Path(one).absolute() for one in glob.glob(str(path), recursive=True))  # noqa: PTH207 - of an absolute path
    if not matches:
        raise UserError(f"{name}: no such file or folder. Correct the path.")
    return matches


def _are_one_recording(folder: Path, files: Sequence[Path], reader: IsolatedReader) -> bool:
    if len(files) < 2 or len(files) != len(list(folder.glob(f"*{NWB}"))):
        return False
    starts = {_start(file, reader) for file in files}
    return len(starts) == 1 and starts != {""}


def _start(file: Path, reader: IsolatedReader) -> str:
    try:
        return reader.call(str(file), session_start, str(file))
    except (UserError, OSError):
        return ""


def session_start(file: str) -> str:
    """Read when the session of an NWB file started; empty where it does not say."""
    with open_nwb(file) as nwb:
        if "session_start_time" not in nwb:
            return ""
        value = nwb["session_start_time"][()]
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _row(name: str, location: str, others: Iterable[SessionRow]) -> SessionRow:
    stem = re.sub(r"^[^A-Za-z0-9]+", "", replace_other_characters(name))[: MAX_LENGTH - 4]
    taken = {one.session for one in others}
    ids = [stem or "session", *(f"{stem or 'session'}-{i}" for i in range(2, len(taken) + 3))]
    return SessionRow(next(one for one in ids if one not in taken), "nwb", location)


def write_sessions(path: Path, rows: Sequence[SessionRow]) -> None:
    """Write a table of sessions."""
    columns = COLUMNS[:3]
    write_table(path, columns, ({name: getattr(row, name) for name in columns} for row in rows))


def results_name(rows: Sequence[SessionRow]) -> str:
    """Name the folder of results of some sessions: the same for the same files."""
    digest = sha256("\n".join(f"{row.session}\t{row.location}" for row in rows).encode())
    return f"{rows[0].session}-{digest.hexdigest()[:8]}"
