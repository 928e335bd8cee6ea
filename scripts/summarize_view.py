"""Make an envelope of transformed samples of one probe."""

from lfpscope.cli import run
from lfpscope.summary.view import summarize_view

if __name__ == "__main__":
    run(summarize_view)
