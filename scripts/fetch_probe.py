"""Have a probe's file where it belongs."""

from lfpscope.cli import run
from lfpscope.sources.fetch import fetch_probe

if __name__ == "__main__":
    run(fetch_probe)
