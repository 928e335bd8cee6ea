"""Compile the loops of the library in a folder of results."""

from lfpscope.cli import run
from lfpscope.viewer.compiled import compile_loops

if __name__ == "__main__":
    run(compile_loops)
