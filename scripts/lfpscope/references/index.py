"""A recording in its file → its references, in one step."""

import sys
import traceback
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

from lfpscope.cli import INTERRUPTED
from lfpscope.clock.doubts import clock_doubts, untimed_text
from lfpscope.doubts import sort_doubts
from lfpscope.errors import UserError, WriteError
from lfpscope.hdf5.isolation import IsolatedReader
from lfpscope.io.atomic import write_text
from lfpscope.io.http import traffic
from lfpscope.io.tables import read_json
from lfpscope.nwb.describe import describe
from lfpscope.nwb.file import reading
from lfpscope.nwb.recording import read_clock, read_recording
from lfpscope.nwb.series import choose_series
from lfpscope.references.write import write_references
from lfpscope.sources.status import OK, write_status


def index_recording(address: str, path: Path, *, session: str, probe: str, series: str = "") -> str:
    """Write references to the bytes of one recording.

    Parameters
    ----------
    address : str
        Path or address of the NWB file.
    path : Path
        The JSON to write.
    session, probe : str
        Ids under which the pipeline knows it.
    series : str
        Path of the series in the file; without it, the first that holds LFP.

    Returns
    -------
    str
        What was found, a few lines for a person to read.

    Raises
    ------
    UserError
        If the file or the series cannot be read, or not in place, or no sample has a time.
    """
    with reading(address) as nwb:
        recording = read_recording(nwb, series or choose_series(nwb)[0][0])
        clock = read_clock(nwb, recording)
        if not clock.valid:
            raise UserError(
                f"{nwb.filename}: {recording.series}/timestamps: {untimed_text(clock)}. "
                "Ask who wrote the file."
            )
        doubts = sort_doubts([*recording.doubts, *clock_doubts(clock)])
        recording = replace(recording, doubts=doubts)
        references = write_references(
            nwb, recording, clock, session=session, probe=probe, address=address, path=path
        )
    return describe(recording, clock, n_chunks=references.lfp.n_chunks)


def index_isolated(
    address: str,
    path: Path,
    *,
    session: str,
    probe: str,
    series: str = "",
    reader: IsolatedReader | None = None,
) -> str:
    """Write references as `index_recording`, in a process that damaged metadata may end."""
    index = partial(_index, session=session, probe=probe, series=series)
    with nullcontext(reader) if reader else IsolatedReader() as reader:
        return reader.call(address, index, address, path)


def _index(address: str, path: Path, *, session: str, probe: str, series: str) -> str:
    found = index_recording(address, path, session=session, probe=probe, series=series)
    asked = traffic()
    return f"{found}\nasked     {asked}" if asked else found


def index_probe(
    source: Path,
    *,
    session: str,
    probe: str,
    references: Path,
    index: Path,
    tries: int = 0,
    ended: int = 0,
) -> None:
    """Write references to the bytes of one recording, and print what was found in it.

    A probe that cannot be indexed leaves empty references, because Snakemake wants the file.

    Parameters
    ----------
    source : Path
        JSON that says where the file is, and which of its series to take; the one that holds LFP
        if it names none.
    session, probe : str
        Ids.
    references : Path
        Kerchunk JSON to write.
    index : Path
        JSON to write: whether that is done, else which rule failed and why.
    tries : int
        How often it failed before.
    ended : int
        The exit code with which this program has ended before it wrote anything.
    """
    if ended in (1, *INTERRUPTED):  # it could not write, or nothing is known of the probe
        sys.exit(ended)
    rule, reason = "", ""
    found = read_json(source)
    if found.get("status", OK) != OK:
        rule, reason = "fetch_probe", found["reason"]
    elif ended:
        rule = "index_probe"
        reason = (
            f"{found['address']}: its index ended with exit code {ended}; see its log, "
            f"index_probe/{session}/{probe}.log. The next run tries again."
        )
    else:
        ids = {"session": session, "probe": probe, "series": found.get("series", "")}
        try:
            print(index_isolated(found["address"], references, **ids))
        except WriteError:
            raise
        except (UserError, OSError) as error:
            rule, reason = "index_probe", str(error)
        except Exception as error:  # noqa: BLE001 - a fault of ours, which the log names
            traceback.print_exc()
            rule, reason = "index_probe", f"{found['address']}: cannot be indexed ({error!r})"
    if reason:
        print(f"error: {reason}")
        write_text(references, "")
    write_status(index, reason, tries, rule=rule)
