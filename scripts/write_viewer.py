"""Write the viewer of a session."""

from lfpscope.cli import run
from lfpscope.viewer.script import write_viewer

if __name__ == "__main__":
    run(write_viewer)
