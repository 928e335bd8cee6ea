"""Draw the complete recording of one probe."""

from lfpscope.cli import run
from lfpscope.render.overviews import draw_probe

if __name__ == "__main__":
    run(draw_probe)
