"""Find the probes of one session."""

from lfpscope.cli import run
from lfpscope.sources.discover import list_session

if __name__ == "__main__":
    run(list_session)
