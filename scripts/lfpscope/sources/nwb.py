"""NWB files of the user's: which recordings they hold, and under which ids."""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import h5py

from lfpscope.errors import UserError
from lfpscope.hdf5.isolation import IsolatedReader
from lfpscope.ids import MAX_LENGTH, as_id, checksum, probe_id
from lfpscope.io.addresses import is_remote
from lfpscope.nwb.file import open_nwb, why_not_read
from lfpscope.nwb.recording import read_recording
from lfpscope.nwb.series import NoSeriesError, choose_series, find_left_out, find_series
from lfpscope.sources.probes_table import NO_LFP, NOT_TAKEN, OK, UNREADABLE, ProbeRow
from lfpscope.sources.sessions_table import SessionRow, find_files, is_zarr


def nwb_probes(session: SessionRow, reader: IsolatedReader) -> list[ProbeRow]:
    """Find the probes of a session in its files.

    A file that cannot be read is a probe whose status says so, so that the others go on. One
    without any recording, such as Allen's session file, has no LFP beside files that have some.

    Raises
    ------
    UserError
        If the location matches nothing.
    """
    found: list[ProbeRow] = []
    for file in find_files(session):
        try:
            found += _probes_at(session, file, reader)
        except UserError as error:
            found.append(_unreadable(session, probe_id(_path(file)), file, "", error))
    found = unique_ids(found)
    if all(probe.status in (NO_LFP, NOT_TAKEN) for probe in found):
        return [replace(probe, status=UNREADABLE) for probe in found]
    return found


def _path(file: str) -> Path:
    return Path(urlsplit(file).path if is_remote(file) else file)


def _probes_at(session: SessionRow, file: str, reader: IsolatedReader) -> list[ProbeRow]:
    probe = probe_id(_path(file))
    if not _is_text(file):
        note = f"{file!r}: expected a name in UTF-8, which tables can hold. Rename it."
        return [_row(session, probe, ascii(file), "", UNREADABLE, note)]
    if not is_remote(file) and Path(file).is_dir():
        what = "NWB in Zarr is not read yet" if is_zarr(Path(file)) else "files in it are not read"
        return [_row(session, probe, file, "", NOT_TAKEN, f"{file}: a folder: {what}")]
    return reader.call(file, probes_in_file, session, file)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def probes_in_file(session: SessionRow, file: str) -> list[ProbeRow]:
    """Find the probes in one NWB file, and what might be taken for one."""
    path = _path(file)
    try:
        with open_nwb(file) as nwb:
            chosen, reason = _choose(nwb, session.series)
            # a pattern leaves out what it does not match on purpose
            others = [] if session.series and chosen else find_left_out(nwb, chosen)
            rows = [_recording(session, file, nwb, series, chosen, reason) for series in chosen]
            rows += [
                _row(session, probe_id(path, series), file, series, NOT_TAKEN, f"{series}: {why}")
                for series, why in others
            ]
            return rows or [_row(session, probe_id(path), file, "", NO_LFP, reason)]
    except UserError as error:
        return [_unreadable(session, probe_id(path), file, "", error)]
    except Exception as error:  # noqa: BLE001 - damaged metadata give h5py anything to say
        traceback.print_exc()  # in the log, where it may be ours
        return [_unreadable(session, probe_id(path), file, "", error)]


def _choose(nwb: h5py.File, pattern: str) -> tuple[list[str], str]:
    """Find the series that hold LFP; none, with the reason, where others can be named instead."""
    try:
        return choose_series(nwb, pattern)
    except NoSeriesError as error:
        return [], str(error)
    except UserError as error:
        if not find_series(nwb):
            raise
        return [], str(error)


def _recording(
    session: SessionRow, file: str, nwb: h5py.File, series: str, chosen: Sequence[str], reason: str
) -> ProbeRow:
    probe = probe_id(_path(file), series if len(chosen) > 1 else "")
    try:
        recording = read_recording(nwb, series)
    except UserError as error:
        return _unreadable(session, probe, file, series, error)
    note = "; ".join([reason, *(doubt.text for doubt in recording.doubts)])
    return _row(session, probe, file, series, OK, note)


def _row(
    session: SessionRow, probe: str, file: str, series: str, status: str, note: str
) -> ProbeRow:
    return ProbeRow(session.session, probe, "nwb", file, series, status, " ".join(note.split()))


def _unreadable(
    session: SessionRow, probe: str, file: str, series: str, error: Exception
) -> ProbeRow:
    message = str(error) if isinstance(error, UserError) else why_not_read(file, error)
    if is_remote(file):
        message += " The next run tries again."
    return _row(session, probe, file, series, UNREADABLE, message)


# --- ids ----------------------------------------------------------------------------------------


def unique_ids(probes: Sequence[ProbeRow]) -> list[ProbeRow]:
    """Give probes of one id ids of their own, which depend on nothing but their file and series.

    First by what holds their series or their file, then by a checksum of both paths.
    """
    return _rename(_rename(probes, _longer_id), _checked_id)


def _rename(
    probes: Sequence[ProbeRow], new: Callable[[ProbeRow, Sequence[ProbeRow]], str]
) -> list[ProbeRow]:
    """Rename those that share an id, on disks too that take upper and lower case for the same."""
    same: dict[str, list[ProbeRow]] = {}
    for probe in probes:
        same.setdefault(probe.probe.casefold(), []).append(probe)
    groups = (same[probe.probe.casefold()] for probe in probes)
    return [
        replace(probe, probe=new(probe, group)) if len(group) > 1 else probe
        for probe, group in zip(probes, groups, strict=True)
    ]


def _longer_id(probe: ProbeRow, group: Sequence[ProbeRow]) -> str:
    path = _path(probe.address)
    if sum(other.address == probe.address for other in group) > 1:
        return probe_id(path, ".".join(probe.series.split("/")[-2:]))
    return as_id(f"{path.parent.name}.{probe.probe}")


def _checked_id(probe: ProbeRow, _: Sequence[ProbeRow]) -> str:
    return f"{probe.probe[: MAX_LENGTH - 7]}-{checksum(_place(probe))}"


def _place(probe: ProbeRow) -> str:
    return f"{probe.address}:{probe.series}"
