"""What other packages are given of a probe."""

from pathlib import Path

from lfpscope.references.model import ProbeReferences
from lfpscope.references.open import open_references
from lfpscope.result_files import REFERENCES, find_probe_folders


def open_probe(session: str | Path, probe: str) -> ProbeReferences:
    """Open the references of a probe of a session.

    Parameters
    ----------
    session : str or Path
        The folder of its results.
    probe : str
        Its id.

    Raises
    ------
    KeyError
        If the session has no such probe.
    UserError
        If its references are missing, or its source is missing or has changed.
    """
    folders = {one.name: one for one in find_probe_folders(Path(session))}
    if probe not in folders:
        raise KeyError(f"{session}: no probe {probe} (expected one of {', '.join(folders)}).")
    return open_references(folders[probe] / REFERENCES)
