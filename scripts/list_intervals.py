"""Bring the intervals of a session into one table."""

from lfpscope.cli import run
from lfpscope.nwb.intervals import list_intervals

if __name__ == "__main__":
    run(list_intervals)
