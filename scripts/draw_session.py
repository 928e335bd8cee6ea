"""Draw all probes of a session on one clock."""

from lfpscope.cli import run
from lfpscope.render.overviews import draw_session

if __name__ == "__main__":
    run(draw_session)
