"""Write the viewer of a session."""

from pathlib import Path

from lfpscope import viewer as viewers
from lfpscope.cli import program


def write_viewer(*, session: str, viewer: Path, library: Path) -> None:
    """Write the program that shows a session, with the library it needs beside it.

    Parameters
    ----------
    session
        Its id.
    viewer
        Program to write.
    library
        Folder to write: a copy of the lfpscope package.
    """
    viewers.write_viewer(session, viewer, library)


if __name__ == "__main__":
    program(write_viewer)
