"""Open references: read them, and check them against their sources."""

from dataclasses import replace
from pathlib import Path

from lfpscope.references.model import ProbeReferences
from lfpscope.references.schema import read_probe
from lfpscope.references.source_check import check_source


def open_references(path: Path, *, moved: tuple[str, str] | None = None) -> ProbeReferences:
    """Open the references of one probe, after checking that its source is still the same file.

    Parameters
    ----------
    path : Path
        The JSON.
    moved : (str, str), optional
        If the address starts with the first, the source now lies under the second instead.

    Raises
    ------
    UserError
        If the JSON is missing or not ours, or its source is missing or has changed.
    """
    references = read_probe(path)
    if moved and references.address.startswith(moved[0]):
        address = moved[1] + references.address.removeprefix(moved[0])
        references = replace(references, address=address)
    check_source(references)
    return references
