"""The last look over all results: which probes are whole, and which are not and why."""

from pathlib import Path
from typing import Any

from lfpscope.files import write_table
from lfpscope.results import Figures, read_results
from lfpscope.sources.tables import Probe

COLUMNS = ["session", "probe", "samples", "channels", "damaged", "dead", "saturated"]


def check_results(probes: Path, checked: Path) -> list[str]:
    """Check every probe; write one row for each that has LFP if all are whole.

    Parameters
    ----------
    probes : Path
        The table of probes, in the folder of results.
    checked : Path
        The table to write: session, probe, samples, channels, how many values are damaged, and
        how many channels are dead or saturated.

    Returns
    -------
    list of str
        What is not whole, one line for each probe; nothing if `checked` was written.
    """
    results = read_results(probes)
    problems = [result.line for result in results if result.problem]
    if not problems:
        rows = (_row(result.row, result.figures) for result in results if result.figures)
        write_table(checked, COLUMNS, rows)
    return problems


def _row(probe: Probe, figures: Figures) -> dict[str, Any]:
    return {
        "session": probe.session,
        "probe": probe.probe,
        **{name: getattr(figures, name) for name in COLUMNS[2:]},
    }
