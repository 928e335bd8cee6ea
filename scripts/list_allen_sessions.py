"""Write a table of Allen's sessions."""

from lfpscope.cli import run
from lfpscope.sources.allen.listing import list_allen_sessions

if __name__ == "__main__":
    run(list_allen_sessions)
