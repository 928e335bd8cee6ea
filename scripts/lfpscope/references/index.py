"""A recording in its file → its references, in one step."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from lfpscope.clock.doubts import clock_doubts, untimed_text
from lfpscope.doubts import sort_doubts
from lfpscope.errors import UserError
from lfpscope.hdf5.isolation import Apart
from lfpscope.io.http import traffic
from lfpscope.nwb.describe import describe
from lfpscope.nwb.recording import choose_series, index_clock, read_recording, reading
from lfpscope.references.write import write_references


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
        clock, exact = index_clock(nwb, recording)
        if exact and not clock.valid:
            raise UserError(
                f"{nwb.filename}: {recording.series}/timestamps: {untimed_text(clock)}. "
                "Ask who wrote the file."
            )
        if exact:
            doubts = sort_doubts([*recording.doubts, *clock_doubts(clock)])
            recording = replace(recording, doubts=doubts)
        n_chunks = write_references(
            nwb,
            recording,
            clock,
            session=session,
            probe=probe,
            address=address,
            path=path,
            clock_is_exact=exact,
        )
    return describe(recording, clock, n_chunks=n_chunks, exact=exact)


def index_apart(address: str, path: Path, *, session: str, probe: str, series: str = "") -> str:
    """Write references as `index_recording`, in a process that damaged metadata may end."""
    index = partial(_index, session=session, probe=probe, series=series)
    with Apart() as apart:
        return apart.read(address, index, address, path)


def _index(address: str, path: Path, *, session: str, probe: str, series: str) -> str:
    found = index_recording(address, path, session=session, probe=probe, series=series)
    asked = traffic()
    return f"{found}\nasked     {asked}" if asked else found
