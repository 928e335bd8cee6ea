"""Say what a run would cost."""

from lfpscope.cli import run
from lfpscope.sources.download_plan import plan

if __name__ == "__main__":
    run(plan)
