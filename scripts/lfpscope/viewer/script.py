"""Write `viewer.py`, the program that shows a session, and the library for all of them."""

import ctypes
import os
import re
import shutil
from importlib.metadata import requires
from pathlib import Path

from lfpscope.errors import UserError
from lfpscope.io.atomic import translate_os_errors, write_text
from lfpscope.version import VERSION

VERSION_FILE = "VERSION"  # a file in the copy of the library
AT_FDCWD, RENAME_EXCHANGE = -100, 2  # of Linux: fcntl.h, linux/fs.h
PACKAGE = Path(__file__).parents[1]
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
    "scipy",
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
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
# the library lies beside the session's folder, or in it where the session was moved
sys.path[:0] = [str(one) for one in (FOLDER, FOLDER.parent) if (one / "lfpscope").is_dir()]
if not find_spec("lfpscope"):
    sys.exit(
        f"error: {{FOLDER.parent / 'lfpscope'}}: the viewer's library is missing. "
        "Copy the folder lfpscope from the folder of results to there, or into the session's."
    )

app = import_module("lfpscope.viewer.app")

if __name__ == "__main__":
    app.main(FOLDER)
elif __name__.startswith("bokeh_app"):  # bokeh serve --show viewer.py
    app.serve_document(FOLDER)
'''


def write_viewer(*, session: str, viewer: Path) -> None:
    """Write the program that shows a session.

    Parameters
    ----------
    session : str
        Its id.
    viewer : Path
        The program to write. It finds the probes in its own folder, wherever that is moved, and
        the library in its own folder, in the one above, or installed.
    """
    dependencies = "\n".join(f'#     "{pin}",' for pin in _pins())
    write_text(viewer, SCRIPT.format(dependencies=dependencies, session=session))


def copy_library(library: Path) -> None:
    """Copy the library for all viewers in a folder of results.

    There is a library at every moment, so that a viewer may be started meanwhile, and whatever
    ends this leaves the old one or the new one.

    Parameters
    ----------
    library : Path
        The folder to write, a copy of this package with its version in the file `VERSION`.
    """
    part = library.with_name(f".{library.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        with translate_os_errors(library):
            # without what Python and numba have compiled
            unwanted = shutil.ignore_patterns("__pycache__")
            shutil.copytree(PACKAGE, part, ignore=unwanted)
            (part / VERSION_FILE).write_text(f"{VERSION}\n")
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


def _pins() -> list[str]:
    """Return the exact versions of `PACKAGES`, for each Python that can run the viewer."""
    pinned = PACKAGE.parents[1] / "envs" / "pipeline.txt"
    # beside a clone's scripts; an installed package knows the same
    lines = pinned.read_text().splitlines() if pinned.exists() else requires("lfpscope") or []
    found = (re.match(r"([\w-]+)==", line) for line in lines)
    return sorted(
        re.sub(r" *; *", " ; ", match.string).replace('"', "'")
        for match in found
        if match and match[1] in PACKAGES
    )


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
