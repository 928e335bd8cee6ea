"""List which probes of a session are indexed, and why others are not."""

from lfpscope.cli import run
from lfpscope.references.indexed import index_session

if __name__ == "__main__":
    run(index_session)
