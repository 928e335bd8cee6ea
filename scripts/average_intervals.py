"""Average a probe's LFP around all kinds of intervals."""

from lfpscope.cli import run
from lfpscope.evoked.probe import average_intervals

if __name__ == "__main__":
    run(average_intervals)
