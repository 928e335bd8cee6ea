"""Have a session's own file of Allen's in the cache."""

from lfpscope.cli import run
from lfpscope.sources.allen.files import fetch_session

if __name__ == "__main__":
    run(fetch_session)
