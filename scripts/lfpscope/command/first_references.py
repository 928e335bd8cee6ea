"""The references that a page opens until a run has summarised their probes.

The run indexes files again: one that Snakemake has not made itself it makes again, and deletes it
before. So the first references lie in a folder of their own.
"""

import shutil
from pathlib import Path

from lfpscope.errors import UserError
from lfpscope.result_files import ENVELOPE, PROBES, find_probe_folders, probe_folder
from lfpscope.sources.probes_table import OK, read_probes

FIRST = ".first"
"""Folder of first references, in the folder of results."""


def is_summarised(results: Path, session: str) -> bool:
    """Tell whether a run has listed a session's probes and summarised each that it could read."""
    try:
        listed = read_probes(results / session / PROBES)
    except (UserError, OSError):
        return False
    probes = [one for one in listed if one.status == OK]
    folders = [probe_folder(results, session, one.probe) for one in probes]
    return bool(probes) and all((folder / ENVELOPE).exists() for folder in folders)


def first_folder(results: Path, session: str) -> Path | None:
    """Folder with the first references of a session, if they are still needed."""
    folder = results / FIRST / session
    needed = bool(find_probe_folders(folder)) and not is_summarised(results, session)
    return folder if needed else None


def forget(results: Path) -> None:
    """Remove all first references."""
    shutil.rmtree(results / FIRST, ignore_errors=True)
