"""The program that makes a view on demand, in a process of its own: no rule, and no cyclopts."""

import json
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np

from lfpscope.envelope.read import OpenProbe
from lfpscope.errors import UserError
from lfpscope.io.progress import noted_in
from lfpscope.references.open import open_references
from lfpscope.references.schema import read_header
from lfpscope.summary.view import build_view, transform_probe

MOST_BYTES = 4_000_000_000  # of views that are kept, of all recordings; the oldest go


def make_asked_view(given: str) -> None:
    """Make a view as `lfpscope.viewer.asked_views.AskedView` describes it in JSON."""
    asked = json.loads(given)
    file = Path(asked["references"])
    references = open_references(file, moved=(read_header(file).address, asked["address"]))
    with (
        OpenProbe(references, Path(asked["envelope"])) as probe,
        noted_in(Path(asked["progress"])),
    ):
        marked = np.isin(np.arange(references.n_channels), asked["marked"])
        build_view(transform_probe(probe, asked["transform"], marked), Path(asked["view"]))
    bound_folder(Path(asked["view"]).parents[1])


def bound_folder(folder: Path, most: int = MOST_BYTES) -> None:
    """Remove the oldest views in the folders of a folder until the rest take no more bytes."""
    found = []
    for path in folder.glob("*/*.zarr.zip"):
        with suppress(OSError):
            status = path.stat()
            found.append((status.st_mtime, status.st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found)[:-1]:
        if total <= most:
            return
        with suppress(OSError):
            path.unlink()
        total -= size


if __name__ == "__main__":
    try:
        make_asked_view(sys.argv[1])
    except UserError as error:
        sys.exit(str(error))
