"""Results of one NWB file without a run of the pipeline: references, envelope, channels."""

import os
import sys
from pathlib import Path

from lfpscope.errors import UserError
from lfpscope.hdf5.isolation import IsolatedReader
from lfpscope.references.combine import combine_references
from lfpscope.references.index import index_isolated
from lfpscope.result_files import CHANNELS, ENVELOPE, REFERENCES, SESSION_REFERENCES, probe_folder
from lfpscope.sources.nwb import probes_in_file
from lfpscope.sources.probes_table import OK
from lfpscope.sources.sessions_table import SessionRow
from lfpscope.summary.probe import summarize_probe


def summarize_file(address: str, folder: Path) -> None:
    """Index and summarise each probe of a file.

    Parameters
    ----------
    address : str
        Path or address of the NWB file.
    folder : Path
        Of the session's results; ``session.json`` is written last.

    Raises
    ------
    UserError
        If it holds no LFP that can be read.
    """
    with IsolatedReader() as reader:
        row = SessionRow(folder.name, "nwb", address)
        rows = reader.call(address, probes_in_file, row, address)
    probes = [one for one in rows if one.status == OK]
    if not probes:
        raise UserError(rows[0].note)
    made = []
    for one in probes:
        results = probe_folder(folder.parent, folder.name, one.probe)
        results.mkdir(parents=True, exist_ok=True)
        references = results / REFERENCES
        index_isolated(address, references, session=folder.name, probe=one.probe, series=one.series)
        summarize_probe(
            references,
            envelope=results / ENVELOPE,
            channels=results / CHANNELS,
            threads=os.cpu_count() or 2,
        )
        made.append(references)
    combine_references(made, folder / SESSION_REFERENCES, session=folder.name)


if __name__ == "__main__":
    try:
        summarize_file(sys.argv[1], Path(sys.argv[2]))
    except (UserError, OSError) as error:
        sys.exit(str(error))
