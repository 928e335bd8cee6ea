"""Bring the running speed and the like of a session into one file."""

from lfpscope.cli import run
from lfpscope.envelope.behavior import list_behavior

if __name__ == "__main__":
    run(list_behavior)
