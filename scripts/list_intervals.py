"""Bring the intervals of a session into one table."""

from pathlib import Path

from lfpscope.cli import program
from lfpscope.errors import UserError
from lfpscope.hdf5.isolation import Apart
from lfpscope.nwb.intervals import intervals_in_file, write_intervals


def list_intervals(*files: str, intervals: Path) -> None:
    """Bring stimuli, epochs and trials from a session's NWB files into one table.

    Parameters
    ----------
    files
        Paths or addresses; what cannot be read in one is left out, and named.
    intervals
        Table to write, in the order of time; empty where there are none.
    """
    found = []
    with Apart() as apart:
        for file in files:
            try:
                here, remarks = apart.read(file, intervals_in_file, file)
            except UserError as error:
                print(f"left out: {error}")
            else:
                n = sum(table.start.size for table in here)
                print(f"{file}: {n} intervals", *remarks, sep="\n")
                found += here
    write_intervals(intervals, found)


if __name__ == "__main__":
    program(list_intervals)
