"""The last look over all results: which probes are whole, and which are not and why."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lfpscope.files import read_table, write_table
from lfpscope.results import read_problems
from lfpscope.sources.tables import NO_LFP, Probe, read_probes

COLUMNS = ["session", "probe", "samples", "channels", "damaged", "dead", "saturated"]


def check_results(probes: Path, checked: Path) -> list[str]:
    """Check every probe; write one row for each if all are whole.

    Parameters
    ----------
    probes : Path
        The table of probes, in the folder of results.
    checked : Path
        The table to write: session, probe, samples, channels, how many samples are damaged, and
        how many channels are dead or saturated.

    Returns
    -------
    list of str
        What is not whole, one line for each probe; nothing if `checked` was written.
    """
    rows, problems = [], []
    for probe in read_probes(probes):
        name = f"{probe.session}/{probe.probe}"
        if probe.status == NO_LFP:
            continue
        if probe.status != "ok":
            problems.append(f"{name}: {probe.status}: {probe.note}")
            continue
        folder = probes.parent / probe.session / "probes" / probe.probe
        row = _row(probe, read_table(folder / "channels.csv"))
        if row["damaged"]:
            log = f"logs/summarize_probe/{name}.log"
            problems.append(f"{name}: damaged: {row['damaged']} samples do not decode; see {log}")
        if differs := read_problems(folder / "verified.json"):
            log = f"logs/verify_probe/{name}.log"
            problems.append(f"{name}: not as in its file: {differs[0]}; see {log}")
        rows.append(row)
    if not problems:
        write_table(checked, COLUMNS, rows)
    return problems


def _row(probe: Probe, channels: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "session": probe.session,
        "probe": probe.probe,
        "samples": max(int(channel["n_samples"]) for channel in channels),
        "channels": len(channels),
        "damaged": sum(int(channel["n_damaged"]) for channel in channels),
        "dead": _count(channel["dead"] for channel in channels),
        "saturated": _count(channel["saturated"] for channel in channels),
    }


def _count(flags: Iterable[str]) -> int:
    return sum(flag.lower() in ("1", "true") for flag in flags)
