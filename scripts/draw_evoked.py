"""Draw what intervals evoke on a probe: LFP and CSD over depth and time."""

from lfpscope.cli import run
from lfpscope.render.evoked_files import draw_evoked

if __name__ == "__main__":
    run(draw_evoked)
