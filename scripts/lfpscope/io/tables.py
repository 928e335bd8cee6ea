"""JSON and tables of text."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lfpscope.errors import UserError
from lfpscope.io.atomic import atomic, write_text


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically: compact, keys in the order given, no NaN."""
    write_text(path, json.dumps(content, separators=(",", ":"), allow_nan=False))


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises
    ------
    UserError
        If the file is missing or is not JSON.
    """
    try:
        return parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file. Run the pipeline to make it.") from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}. Correct that and run again.") from None
    except ValueError as error:
        raise UserError(f"{path}: not JSON ({error}). Delete it and run again.") from None


def parse_json(text: str) -> Any:
    """Parse JSON.

    Raises
    ------
    ValueError
        If it is not JSON, or names a key of an object twice: readers differ in which one counts.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for i, (key, _) in enumerate(pairs) if key in dict(pairs[:i]))
        raise ValueError(f"the key {twice[:80]!r} twice")
    return found


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a table atomically: comma separated where the name ends in .csv, else by tabs."""
    with atomic(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        delimiter = "," if path.suffix == ".csv" else "\t"
        writer = csv.DictWriter(file, columns, delimiter=delimiter, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_table(path: Path) -> list[dict[str, str]]:
    """Read a table that `write_table` wrote.

    Raises
    ------
    UserError
        If the file is missing.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            delimiter = "," if path.suffix == ".csv" else "\t"
            return list(csv.DictReader(file, delimiter=delimiter))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file. Run the pipeline to make it.") from None
