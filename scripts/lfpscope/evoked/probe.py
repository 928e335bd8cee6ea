"""Averages around the intervals of one probe: files in, files out."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lfpscope.envelope.read import OpenProbe
from lfpscope.errors import UserError
from lfpscope.evoked.averages import average_intervals as average
from lfpscope.evoked.averages import size_of
from lfpscope.evoked.files import write_evoked, write_responses
from lfpscope.evoked.kinds import MAX_KINDS, choose_kinds, invalid_times
from lfpscope.evoked.response import TEST
from lfpscope.formatting import bytes_text
from lfpscope.hdf5.isolation import IsolatedReader
from lfpscope.io.http import traffic
from lfpscope.io.tables import read_table
from lfpscope.nwb.stored_csd import StoredCsd, read_stored_csd
from lfpscope.periods.table import artefact_times, read_periods
from lfpscope.references.open import open_references


def average_intervals(
    references: Path,
    envelope: Path,
    intervals: Path,
    periods: Path,
    *,
    evoked: Path,
    responses: Path,
    before: float = 0.25,
    after: float = 0.75,
    kinds: int = MAX_KINDS,
    conditions: Annotated[tuple[str, ...], Parameter(consume_multiple=True)] = (),
    threads: int = 2,
) -> None:
    """Average a probe's LFP around all kinds of intervals.

    Parameters
    ----------
    references, envelope
        Of the probe.
    intervals
        Table of the session's intervals.
    periods
        Table of the probe's periods: trials that touch an artefact are left out.
    evoked
        Averages to write, a .zarr.zip.
    responses
        Table to write: latency, peak, sign and n of each channel and kind.
    before, after
        Seconds of a trial before and after its onset.
    kinds
        Names of intervals at most; those with most intervals are taken.
    conditions
        Columns of the table: each value of theirs has an average of its own.
    threads
        How many decode at once.
    """
    rows = read_table(intervals)
    chosen = choose_kinds(rows, n_kinds=kinds, conditions=conditions)
    with OpenProbe(open_references(references), envelope) as probe:
        n_bytes = size_of(probe.references, len(chosen.kinds), before + after)
        print(f"{len(chosen.kinds)} averages, about {bytes_text(n_bytes)}", flush=True)
        columns = probe.references.channels.columns
        names = {probe.references.probe, *columns.get("group", [])}
        found = average(
            probe.references,
            chosen.kinds,
            seconds=(-before, after),
            excluded=invalid_times(rows, names),
            artefacts=artefact_times(read_periods(periods)),
            limits=probe.limits,
            threads=threads,
        )
    csd, remark = stored_csd(probe.references.address)
    remarks = [*chosen.remarks, *filter(None, [remark])]
    write_evoked(evoked, found, probe.references, remarks, csd)
    write_responses(responses, found, probe.references)
    for one in found:
        dropped = {reason: int(n.max()) for reason, n in one.average.dropped.items()}
        print(f"{one.kind.name}: {one.average.n.max()} trials, dropped: {dropped or 'none'}")
    print(f"p: {TEST}", *remarks, sep="\n")
    if asked := traffic():
        print(f"asked {asked}")


def stored_csd(file: str) -> tuple[StoredCsd | None, str]:
    """Read the CSD that a file stores, in another process; and a remark."""
    try:
        with IsolatedReader() as reader:
            found, remark = reader.call(file, read_stored_csd, file)
    except UserError as error:
        return None, f"stored CSD left out: {error}"
    return found, found.remark if found else remark
