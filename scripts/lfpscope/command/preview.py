"""What is shown before the workflow is done: the start of each probe, then all of it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lfpscope.errors import UserError
from lfpscope.hdf5.isolation import IsolatedReader
from lfpscope.io.addresses import is_remote
from lfpscope.references.index import index_isolated
from lfpscope.references.open import open_references
from lfpscope.result_files import ENVELOPE, REFERENCES
from lfpscope.sources.nwb import nwb_probes
from lfpscope.sources.probes_table import OK, ProbeRow
from lfpscope.sources.sessions_table import SessionRow
from lfpscope.summary.summarize import build_envelope
from lfpscope.viewer.probe_slot import ProbeSlot

FIRST_SECONDS = 4.0
START, WHOLE = "start", "whole"


def list_probes(row: SessionRow) -> list[ProbeRow]:
    """Find the probes of a session that can be read.

    Raises
    ------
    UserError
        If there are none, with the reason of each file.
    """
    with IsolatedReader() as reader:
        found = nwb_probes(row, reader)
    readable = [one for one in found if one.status == OK]
    if not readable:
        raise UserError("\n".join(one.note for one in found))
    return readable


def show_start(slot: ProbeSlot, row: ProbeRow, folder: Path) -> None:
    """Index a probe, and have its first seconds shown."""
    start = folder / row.probe / START
    start.mkdir(parents=True, exist_ok=True)
    references = start / REFERENCES
    index_isolated(row.address, references, session=row.session, probe=row.probe, series=row.series)
    full = open_references(references)
    height = full.layout.chunks[0]
    rows = int(np.ceil(FIRST_SECONDS / full.clock.dt / height)) if full.clock.dt > 0 else 1
    build_envelope(full.first_rows(rows), start / ENVELOPE)
    slot.move(start, rows)
    slot.open()


def show_whole(slot: ProbeSlot, folder: Path) -> None:
    """Summarise a probe that was indexed, and have all of it shown."""
    start, whole = folder / slot.name / START, folder / slot.name / WHOLE
    whole.mkdir(parents=True, exist_ok=True)
    references = open_references(start / REFERENCES)
    (whole / REFERENCES).write_bytes((start / REFERENCES).read_bytes())
    build_envelope(references, whole / ENVELOPE)
    slot.move(whole)
    slot.open()


def is_quick(rows: Sequence[ProbeRow]) -> bool:
    """Whether probes can be read twice: they are on a disk."""
    return not any(is_remote(row.address) for row in rows)
