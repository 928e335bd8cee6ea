"""Write the references of one probe."""

from lfpscope.cli import run
from lfpscope.references.index import index_probe

if __name__ == "__main__":
    run(index_probe)
