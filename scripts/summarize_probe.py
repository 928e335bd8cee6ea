"""Summarise one probe in a single pass over its chunks."""

from lfpscope.cli import run
from lfpscope.summary.probe import summarize_probe

if __name__ == "__main__":
    run(summarize_probe)
