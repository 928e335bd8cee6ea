"""How a step ended, where its failure must not stop others: a small JSON beside its results.

The step ends with exit code 0 then, and what comes after it leaves out what is not complete. The
Snakefile reads these files each time it starts, so this imports nothing but the standard library.
"""

from pathlib import Path
from typing import Any

from lfpscope.errors import UserError
from lfpscope.io.tables import read_json, write_json

OK, FAILED = "ok", "failed"


def write_status(path: Path, reason: str, tries: int, **more: Any) -> None:
    """Write how a step ended.

    Parameters
    ----------
    path : Path
        The JSON to write: ``status``, ``reason``, ``tries``.
    reason : str
        Why it failed, in a line; empty where it did not.
    tries : int
        How often it had failed before. The rule has the same number as a parameter, so that what
        has failed once more is tried again by the next run, and what is complete is not.
    **more
        Further keys.
    """
    status = FAILED if reason else OK
    write_json(path, {"status": status, "reason": reason, "tries": tries + bool(reason), **more})


def read_tries(path: Path) -> int:
    """Read how often a step has failed; 0 where it has not run or its file is damaged."""
    try:
        return int(read_json(path).get("tries", 0))
    except (UserError, AttributeError, TypeError, ValueError):
        return 0


def has_failed(path: Path) -> bool:
    """Tell whether a step has failed, or its file is damaged."""
    try:
        return bool(read_json(path)["status"] != OK)
    except (UserError, LookupError, TypeError):
        return True
