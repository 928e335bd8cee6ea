"""Compare what was made of one probe with its file."""

from lfpscope.cli import run
from lfpscope.verify.probe import verify_probe

if __name__ == "__main__":
    run(verify_probe)
