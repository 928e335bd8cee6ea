"""The one kind of error that a user can fix."""

import errno
import os
import resource
from pathlib import Path

RESTORE = "Download it again, or restore it from a copy."
"""Remedy for a damaged file that may be the only one of its kind, or a downloaded one."""


class UserError(Exception):
    """Something the user can fix: what was expected, what was found, where, and what to do.

    Programs print it as one line, without a traceback.
    """


def why_not_opened(path: Path, number: int) -> str:
    """Cause and remedy where the system does not open a file for reading, by its error number."""
    if number == errno.ENOENT and path.is_symlink():
        target = path.readlink()
        if ".git/annex/objects" in target.as_posix():
            return (
                "its content was not fetched by git-annex. Run `git annex get` in its repository."
            )
        return f"a link to {target}, which does not exist. Correct the link, or the location."
    match number:
        case errno.ENOENT:
            return (
                "no such file. Correct the location in sessions.tsv; where it was made or fetched, "
                "run with --forcerun fetch_probe."
            )
        case errno.EACCES | errno.EPERM:
            return "no permission to read it. Change its permissions, or those of its folder."
        case errno.EMFILE | errno.ENFILE:
            limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            return f"too many open files (limit {limit}). Raise the limit with `ulimit -n`."
        case errno.ENOTDIR | errno.ENAMETOOLONG | errno.ELOOP:
            return f"{os.strerror(number)}. Correct the location."
    return f"the disk does not return it ({os.strerror(number)}). Check the disk."


class WriteError(UserError):
    """A disk or a folder that does not take what is written: the fault of no recording."""
