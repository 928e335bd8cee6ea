"""Copy the library for all viewers in a folder of results."""

from lfpscope.cli import run
from lfpscope.viewer.script import copy_library

if __name__ == "__main__":
    run(copy_library)
