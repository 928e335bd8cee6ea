"""Views that a probe cannot have, such as of a band beyond half its sampling rate.

A file stands in for such a view: the run goes on, and says at its end what is missing.
"""

from contextlib import closing
from pathlib import Path

from lfpscope.envelope.zarr_zip import Store, StoreWriter
from lfpscope.io.atomic import atomic
from lfpscope.result_files import VIEWS

REASON = "no_view"  # attribute of such a file


def write_refusal(view: Path, reason: str) -> None:
    """Write why there is no view, instead of it."""
    with atomic(view) as part, StoreWriter(part) as store:
        store.group("", {REASON: reason})


def read_refusals(folder: Path) -> dict[str, str]:
    """Read by the name of a view why a probe does not have it.

    Parameters
    ----------
    folder : Path
        Of the results of the probe.
    """
    found: dict[str, str] = {}
    for path in sorted((folder / VIEWS).glob("*.zarr.zip")):
        with closing(Store(path)) as store:
            if reason := store.attributes().get(REASON):
                found[path.name.removesuffix(".zarr.zip")] = str(reason)
    return found
