"""Combine the references of a session's probes."""

from lfpscope.cli import run
from lfpscope.references.combine import combine_session

if __name__ == "__main__":
    run(combine_session)
