"""What was named on the command line → rows of a table of sessions."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from lfpscope.errors import UserError
from lfpscope.ids import probe_id
from lfpscope.io.addresses import is_remote
from lfpscope.result_files import PROBES, RESERVED, SESSION_REFERENCES
from lfpscope.sources.sessions_table import SessionRow, check_row, find_files

DEMO = ("demo-1", "demo-2")
ALLEN = re.compile(r"(probe_\d+_lfp|session_\d+)\.nwb")
# of DANDI's names, what the files of one session share
DANDI = re.compile(r"(sub-[^_]+_ses-[^_.]+)[_.].*nwb")


@dataclass(frozen=True)
class Inputs:
    """What was named.

    Attributes
    ----------
    rows : tuple of SessionRow
        A session each, with the absolute paths or the addresses of its files.
    problems : tuple of str
        What could not be taken, and why: a line each.
    """

    rows: tuple[SessionRow, ...]
    problems: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        """The table of sessions, for a run of the workflow."""
        text = io.StringIO()
        lines = csv.writer(text, "excel-tab", lineterminator="\n")
        lines.writerow(("session", "source", "location"))
        lines.writerows((row.session, row.source, row.location) for row in self.rows)
        return text.getvalue()


def is_results(folder: Path) -> bool:
    """Tell whether a folder holds the results of a run."""
    return (folder / PROBES).is_file() or any(folder.glob(f"*/{SESSION_REFERENCES}"))


def find_inputs(names: Sequence[str]) -> Inputs:
    """Find the sessions in files, folders, globs and addresses.

    A file is a session; so are, together, the files of one folder that are named as Allen's or as
    one session of DANDI's. What cannot be taken is a problem, and the others go on.
    """
    rows: list[SessionRow] = []
    problems: list[str] = []
    for name in names:
        try:
            found = [_row(location) for location in _locations(name)]
        except UserError as error:
            problems.append(str(error))
            continue
        for row in found:
            try:
                check_row(row)
            except UserError as error:
                problems.append(str(error))
            else:
                rows.append(row)
    once = {row.location: row for row in rows}.values()
    return Inputs(tuple(_unique(list(once))), tuple(problems))


def demo_inputs() -> Inputs:
    """The sessions of the demo."""
    return Inputs(tuple(SessionRow(name, "demo") for name in DEMO))


def _locations(name: str) -> list[str]:
    """Locations of the sessions in what was named: paths, globs or addresses."""
    if is_remote(name):
        return [name]
    path = Path(name).expanduser()
    try:
        if path.is_dir() and path.suffix != ".nwb":
            files = sorted(path.rglob("*.nwb"))
            if not files:
                raise UserError(f"{name}: no *.nwb file in this folder. Name another, or files.")
        else:
            row = SessionRow("x", "nwb", name, where=name)
            files = [Path(file) for file in find_files(row)]
    except OSError as error:
        raise UserError(f"{name}: {error.strerror}. Name another folder.") from None
    files = [file.absolute() for file in files]
    return list(dict.fromkeys(_location(file, files) for file in files))


def _location(file: Path, files: Sequence[Path]) -> str:
    """Location of the session that a file belongs to, of all files that were named."""
    together = [one for one in files if one.parent == file.parent]
    if len(together) > 1 and all(ALLEN.fullmatch(one.name) for one in together):
        return _glob(file.parent / "*.nwb", together, file)
    dandi = DANDI.fullmatch(file.name)
    if dandi:
        same = [one for one in together if one.name.startswith(f"{dandi[1]}_")]
        if len(same) > 1:
            return _glob(file.parent / f"{dandi[1]}_*.nwb", same, file)
    return str(file)


def _glob(pattern: Path, wanted: Sequence[Path], file: Path) -> str:
    """A pattern, if it stands for the wanted files and no others; else the file alone."""
    try:
        found = find_files(SessionRow("x", "nwb", str(pattern)))
    except UserError:
        return str(file)
    return str(pattern) if found == sorted(map(str, wanted)) else str(file)


def _row(location: str) -> SessionRow:
    if not location.isprintable():
        shown = ascii(location)
        raise UserError(f"{shown}: a name with characters that no table can hold. Rename it.")
    path = Path(location)
    if path.name == "*.nwb":
        path = path.parent
    elif path.name.endswith("_*.nwb"):
        path = path.with_name(path.name.removesuffix("_*.nwb"))
    return SessionRow(_as_id(path), "nwb", location, where=location)


def _as_id(path: Path) -> str:
    name = probe_id(path)
    return f"{name}-1" if name in RESERVED else name


def _unique(rows: Sequence[SessionRow]) -> list[SessionRow]:
    """Give rows of one id ids of their own: with the folder's name, else with a checksum."""
    for longer in (_with_folder, _with_checksum):
        names = [row.session.casefold() for row in rows]
        rows = [
            replace(row, session=longer(row)) if names.count(name) > 1 else row
            for row, name in zip(rows, names, strict=True)
        ]
    return list(rows)


def _with_folder(row: SessionRow) -> str:
    return _as_id(Path(f"{Path(row.location).parent.name}.{row.session}.nwb"))


def _with_checksum(row: SessionRow) -> str:
    return f"{row.session[:60]}-{checksum([row.location])}"


def checksum(texts: Iterable[str]) -> str:
    """Eight letters that stand for texts."""
    return sha256("\n".join(texts).encode("utf-8", "surrogateescape")).hexdigest()[:8]
