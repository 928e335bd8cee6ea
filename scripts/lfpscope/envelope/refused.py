"""Views that a probe cannot have, such as of a band beyond half its sampling rate.

A file stands in for such a view: the run goes on, and says at its end what is missing.
"""

from contextlib import closing
from pathlib import Path

from lfpscope.envelope.zarr_zip import Store, StoreWriter
from lfpscope.errors import UserError
from lfpscope.io.atomic import atomic
from lfpscope.result_files import VIEWS

REASON = "no_view"  # attribute of such a file


def write_refusal(view: Path, reason: str) -> None:
    """Write why there is no view, instead of it."""
    with atomic(view) as part, StoreWriter(part) as store:
        store.group("", {REASON: reason})


def read_refusals(folder: Path) -> dict[str, str]:
    """Read by the name of a view why a probe does not have it, damaged files included.

    Parameters
    ----------
    folder : Path
        Of the results of the probe.
    """
    found: dict[str, str] = {}
    for path in sorted((folder / VIEWS).glob("*.zarr.zip")):
        if reason := _read_reason(path):
            found[path.name.removesuffix(".zarr.zip")] = reason
    return found


def _read_reason(view: Path) -> str:
    """Read why a file is no view; empty if it is one."""
    try:
        with closing(Store(view)) as store:
            return str(store.attributes().get(REASON, ""))
    except UserError as error:
        return str(error)
