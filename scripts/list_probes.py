"""Bring the probes of all sessions into one table."""

from lfpscope.cli import run
from lfpscope.sources.probes_table import list_probes

if __name__ == "__main__":
    run(list_probes)
