"""Draw spectra and channel quality of one probe."""

from lfpscope.cli import run
from lfpscope.render.spectra import draw_spectrum

if __name__ == "__main__":
    run(draw_spectrum)
