"""Write the gallery of all probes."""

from lfpscope.cli import run
from lfpscope.site.pages import write_gallery

if __name__ == "__main__":
    run(write_gallery)
