"""List the probes of one of Allen's sessions. Runs in AllenSDK's own environment."""

from lfpscope.cli import run
from lfpscope.sources.allen.listing import list_allen_probes

if __name__ == "__main__":
    run(list_allen_probes)
