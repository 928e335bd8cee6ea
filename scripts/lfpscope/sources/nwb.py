"""NWB files of the user's: which recordings they hold, and under which ids."""

import re
import traceback
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from lfpscope.addresses import is_remote
from lfpscope.apart import Apart
from lfpscope.files import UserError
from lfpscope.layout import chunk_references
from lfpscope.nwb_file import why_not_read
from lfpscope.recording import (
    NoSeriesError,
    choose_series,
    open_nwb,
    read_clock,
    read_recording,
)
from lfpscope.sources.tables import NO_LFP, Probe, Session, find_files


def nwb_probes(session: Session, apart: Apart) -> list[Probe]:
    """Find the probes of a session in its files.

    A file that cannot be read is a probe whose status says so, so that the others go on. One
    without any recording, such as Allen's session file, has no LFP beside files that have some.

    Raises
    ------
    UserError
        If the location matches nothing.
    """
    found: list[Probe] = []
    for file in find_files(session):
        try:
            found += apart.read(file, probes_in_file, session, file)
        except UserError as error:
            found.append(_unreadable(session, probe_id(_path(file)), file, "", error))
    if all(probe.status == NO_LFP for probe in found):
        return [replace(probe, status="unreadable") for probe in found]
    return found


def _path(file: str) -> Path:
    return Path(urlsplit(file).path if is_remote(file) else file)


def probes_in_file(session: Session, file: str) -> list[Probe]:
    """Find the probes in one NWB file."""
    path = _path(file)
    try:
        with open_nwb(file) as nwb:
            chosen, reason = choose_series(nwb, session.series)
            probes = []
            for series in chosen:
                probe = probe_id(path, series if len(chosen) > 1 else "")
                try:
                    recording = read_recording(nwb, series)
                    if not is_remote(file):  # over a network it would cost minutes
                        chunk_references(nwb[series]["data"], recording.layout, "lfp")
                        read_clock(nwb, recording)
                except UserError as error:
                    probes.append(_unreadable(session, probe, file, series, error))
                else:
                    note = "; ".join([reason, *(doubt.text for doubt in recording.doubts)])
                    probes.append(Probe(session.session, probe, "nwb", file, series, "ok", note))
            return probes
    except NoSeriesError as error:
        return [Probe(session.session, probe_id(path), "nwb", file, "", NO_LFP, str(error))]
    except UserError as error:
        return [_unreadable(session, probe_id(path), file, "", error)]
    except Exception as error:  # noqa: BLE001 - damaged metadata give h5py anything to say
        traceback.print_exc()  # in the log, where it may be ours
        return [_unreadable(session, probe_id(path), file, "", error)]


def _unreadable(session: Session, probe: str, file: str, series: str, error: Exception) -> Probe:
    message = str(error) if isinstance(error, UserError) else why_not_read(file, error)
    if is_remote(file):  # of which Snakemake sees nothing
        message += " Then run with --forcerun list_probes."
    note = " ".join(message.split())
    return Probe(session.session, probe, "nwb", file, series, "unreadable", note)


def probe_id(path: Path, series: str = "") -> str:
    """Id of a probe: the file's stem, or DANDI's id, and the series where there are several.

    >>> probe_id(Path("sub-1/probe_810755797_lfp.nwb"))
    '810755797'
    >>> probe_id(Path("my file.nwb"), "/acquisition/LF 0")
    'my_file.LF_0'
    """
    stem = path.parent.name if path.name == "download" else path.stem  # assets of DANDI
    allen = re.fullmatch(r"probe_(\d+)_lfp", stem)
    parts = [allen[1] if allen else stem, *([series.rsplit("/", 1)[-1]] if series else [])]
    name = re.sub(r"[^A-Za-z0-9._-]", "_", ".".join(parts))
    # "stacked" is the group of all probes in session.json
    return name if name[0].isalnum() and name != "stacked" else f"x{name}"
