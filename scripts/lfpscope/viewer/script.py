"""Write `viewer.py`, the program that shows a session, and the library beside it."""

import ctypes
import os
import re
import shutil
from importlib.metadata import requires
from pathlib import Path

import lfpscope
from lfpscope.errors import UserError
from lfpscope.io.atomic import write_text, writing

AT_FDCWD, RENAME_EXCHANGE = -100, 2  # of Linux: fcntl.h, linux/fs.h
PACKAGES = (
    "bokeh",
    "botocore",
    "deflate",
    "h5py",
    "matplotlib",
    "numba",
    "numcodecs",
    "numpy",
    "requests",
    "tornado",
    "tqdm",
)
"""What the viewer imports, of all that the pipeline has installed."""

SCRIPT = '''\
# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = [
{dependencies}
# ]
# ///
"""Shows session {session} in a browser: python viewer.py --help."""

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))  # the library lies beside this program

from lfpscope.viewer import app  # noqa: E402

if __name__ == "__main__":
    app.main(FOLDER)
elif __name__.startswith("bokeh_app"):  # bokeh serve --show viewer.py
    app.serve_document(FOLDER)
'''


def write_viewer(session: str, viewer: Path, library: Path) -> None:
    """Write the program that shows a session, with the library it needs beside it.

    Parameters
    ----------
    session : str
        Its id.
    viewer : Path
        The program to write. It finds the probes in its own folder, wherever that is moved.
    library : Path
        Folder to write: a copy of this package.
    """
    dependencies = "\n".join(f'#     "{pin}",' for pin in _pins())
    write_text(viewer, SCRIPT.format(dependencies=dependencies, session=session))
    _copy_package(library)


def _pins() -> list[str]:
    """Return the exact versions of `PACKAGES`, for each Python that can run the viewer."""
    pinned = Path(lfpscope.__file__).parents[2] / "envs" / "pipeline.txt"
    # beside a clone's scripts; an installed package knows the same
    lines = pinned.read_text().splitlines() if pinned.exists() else requires("lfpscope") or []
    found = (re.match(r"([\w-]+)==", line) for line in lines)
    return sorted(
        re.sub(r" *; *", " ; ", match.string).replace('"', "'")
        for match in found
        if match and match[1] in PACKAGES
    )


def _copy_package(library: Path) -> None:
    """Copy this package completely or not at all, without what Python compiled from it.

    There is a library at every moment, so that a viewer may be started meanwhile, and whatever
    ends this leaves the old one or the new one.
    """
    part = library.with_name(f".{library.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        with writing(library):
            shutil.copytree(
                Path(lfpscope.__file__).parent, part, ignore=shutil.ignore_patterns("__pycache__")
            )
            if library.exists():
                exchange(part, library)
            else:
                part.rename(library)
    except shutil.Error as error:  # a list: file, copy, why
        raise UserError(
            f"{library}: cannot be written: {error.args[0][0][2]}. Make room and run again."
        ) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def exchange(one: Path, other: Path) -> None:
    """Exchange the names of two folders, on Linux at once; elsewhere one after the other."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    names = os.fsencode(one), os.fsencode(other)
    if rename and rename(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE) == 0:
        return
    aside = other.with_name(f".{other.name}.old")  # a file system that cannot: some of networks
    shutil.rmtree(aside, ignore_errors=True)
    other.rename(aside)
    one.rename(other)
    aside.rename(one)
