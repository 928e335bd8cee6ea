"""Check that every probe is complete, and say what is uncertain."""

from lfpscope.cli import run
from lfpscope.site.check_run import check_run

if __name__ == "__main__":
    run(check_run)
