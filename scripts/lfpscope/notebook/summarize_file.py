"""Results of one NWB file without a run of the pipeline: references, envelope, channels."""

import os
import sys
from pathlib import Path

from lfpscope.errors import UserError
from lfpscope.io.locks import file_lock
from lfpscope.notebook.process import LEFT_OUT, end_with_kernel
from lfpscope.references.combine import combine_references
from lfpscope.references.first_look import Look, look_at
from lfpscope.result_files import CHANNELS, ENVELOPE, REFERENCES, SESSION_REFERENCES, probe_folder
from lfpscope.sources.sessions_table import SessionRow
from lfpscope.summary.probe import summarize_probe


def summarize_file(address: str, folder: Path) -> None:
    """Index each probe of a file, then summarise each.

    Parameters
    ----------
    address : str
        Path or address of the NWB file.
    folder : Path
        Of the session's results; ``session.json`` is written when all probes are indexed.

    Raises
    ------
    UserError
        If it holds no LFP that can be read.
    """
    if not (folder / SESSION_REFERENCES).exists():
        _index(address, folder)
    for probe in sorted(folder.glob(f"probes/*/{REFERENCES}")):
        results = probe.parent
        if not (results / CHANNELS).exists():
            summarize_probe(
                probe,
                envelope=results / ENVELOPE,
                channels=results / CHANNELS,
                threads=os.cpu_count() or 2,
            )


def _index(address: str, folder: Path) -> None:
    row = SessionRow(folder.name, "nwb", address)
    found = list(look_at(row, folder.parent, folder.parent))
    problems = [one.problem for one in found if one.problem]
    if len(problems) == len(found):
        raise UserError(problems[0])
    for problem in problems:
        print(f"{LEFT_OUT}{problem}", file=sys.stderr, flush=True)
    references = [_references(one, folder) for one in found if not one.problem]
    combine_references(references, folder / SESSION_REFERENCES, session=folder.name)


def _references(look: Look, folder: Path) -> Path:
    return probe_folder(folder.parent, look.row.session, look.row.probe) / REFERENCES


if __name__ == "__main__":
    end_with_kernel()
    to_make = Path(sys.argv[2])
    try:
        with file_lock(to_make.parent / "made"):  # another kernel may make the same
            summarize_file(sys.argv[1], to_make)
    except (UserError, OSError) as error:
        sys.exit(str(error))
