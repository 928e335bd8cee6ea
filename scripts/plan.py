"""Say what a run would cost."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lfpscope.cli import program
from lfpscope.sources.download_plan import describe_plans, plan_sessions
from lfpscope.sources.probes_table import read_probes

Paths = Annotated[list[Path] | None, Parameter(consume_multiple=True)]


def plan(
    probes: Path,
    *,
    cache: Path,
    keep: bool = False,
    listed: Paths = None,
    stall_seconds: float = 60.0,
    tries: int = 5,
) -> None:
    """Print what is to be fetched, what is there, and how much room there is. Nothing is fetched.

    Parameters
    ----------
    probes
        Table of probes.
    cache
        Folder in which files that are made or fetched are kept.
    keep
        Whether files at http and https addresses are fetched into it.
    listed
        What AllenSDK says of the probes of Allen's sessions: a table in each one's folder.
    stall_seconds
        Without a byte for so long, and a try has failed.
    tries
        How often each server is asked.
    """
    tables = {table.parent.name: table for table in listed or []}
    rows = read_probes(probes)
    plans = plan_sessions(rows, tables, cache, keep=keep, stall_seconds=stall_seconds, tries=tries)
    print(describe_plans(plans, cache))


if __name__ == "__main__":
    program(plan)
