"""What a cell names → the folder of a session's results, made in a cache for an NWB file."""

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlencode

import xarray as xr

from lfpscope.clock.timeline import Timeline, make_timeline
from lfpscope.errors import UserError
from lfpscope.io.addresses import is_remote
from lfpscope.notebook.file_results import make_results
from lfpscope.references.schema import read_header
from lfpscope.result_files import REFERENCES, SESSION_REFERENCES, find_probe_folders
from lfpscope.viewer.view_state import MODES, POWER, WITHOUT_BREAKS, is_mode

Shown = str | Path | xr.DataTree
"""The folder of a session's results, a session that is open, or an NWB file."""


def find_session(shown: Shown, *, is_summary_needed: bool = True) -> Path:
    """Find the folder of a session's results.

    Parameters
    ----------
    shown : str or Path or DataTree
        That folder or its ``session.json``, what `open_session` returned, or an NWB file or its
        address: what is derived from that is made on the first call, in lfpscope's cache folder.
    is_summary_needed : bool
        Whether to wait for a file's summary, not only until it is indexed.

    Raises
    ------
    UserError
        If it is none of these, or the file holds no LFP that can be read.
    """
    if isinstance(shown, xr.DataTree):
        shown = str(shown.encoding.get("source", ""))
        if not shown:
            raise UserError("a session that lfpscope.open_session did not open. Name its folder.")
    if is_remote(str(shown)):
        return make_results(str(shown), is_summary_needed=is_summary_needed)
    path = Path(shown).absolute()
    folder = path.parent if path.name == SESSION_REFERENCES else path
    if find_probe_folders(folder):
        return folder
    if path.is_file():
        return make_results(str(path), is_summary_needed=is_summary_needed)
    raise UserError(
        f"{shown}: neither a session's results nor an NWB file. Name the folder in which "
        "session.json is, or the file."
    )


def view_fields(
    folder: Path,
    t: tuple[float, float] | None,
    probes: str | Iterable[str] | None,
    mode: str | None,
) -> dict[str, str]:
    """Say a view as the viewer's address does.

    Parameters
    ----------
    folder : Path
        Of the session's results.
    t : (float, float), optional
        Session time, seconds; without it the complete recording.
    probes : str or iterable of str, optional
        Those that are shown; without it all.
    mode : str, optional
        "traces", "signed" or "heat"; without it what suits the zoom.

    Raises
    ------
    UserError
        If there is no such probe or mode, or the time is not a range.
    """
    fields: dict[str, str] = {}
    if t is not None:
        start, stop = (_timeline(folder).to_axis(float(one)) for one in t)
        if not start < stop:
            raise UserError(f"t = {t}: no range of seconds (expected start before stop).")
        fields["t"] = f"{start:.6f}-{stop:.6f}"
    if probes is not None:
        wanted = [probes] if isinstance(probes, str) else [str(one) for one in probes]
        known = [one.name for one in find_probe_folders(folder)]
        if not wanted or not set(wanted) <= set(known):
            raise UserError(f"probes = {wanted}: expected some of {', '.join(known)}.")
        fields["probes"] = ",".join(wanted)
    if mode is not None:
        if not is_mode(mode):
            modes = ", ".join([*MODES, f"{POWER}theta"])
            raise UserError(f"mode = {mode!r}: expected one of {modes}.")
        fields["mode"] = mode
    return fields


def to_query(fields: dict[str, str]) -> str:
    """For the address: what is behind the question mark."""
    return urlencode(fields, safe=",:")


def _timeline(folder: Path) -> Timeline:
    """The time axis of all probes, as the viewer has it."""
    clocks = [read_header(one / REFERENCES).clock for one in find_probe_folders(folder)]
    clocks = [clock for clock in clocks if clock.valid]
    return make_timeline(clocks) if clocks else WITHOUT_BREAKS
