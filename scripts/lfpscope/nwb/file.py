"""Open NWB files for reading; where one cannot be read, name the cause and the remedy."""

import codecs
import errno
import os
import re
import stat
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import h5py

from lfpscope.errors import RESTORE, UserError, why_not_opened
from lfpscope.hdf5.remote_file import Blocks
from lfpscope.io.addresses import is_remote
from lfpscope.io.http import RemoteFile

T = TypeVar("T")

UPLOAD = "Correct the location, or put a complete file there."
CONVERT = (
    "Export it to an NWB file in HDF5 with NWBHDF5IO.export of pynwb, and give the path of that."
)
WRONG_PLACE = "NWB files are HDF5; correct the location."

POINTERS = {
    b"version https://git-lfs.github.com/spec/": ("a Git LFS pointer", "git lfs pull"),
    b"/annex/objects/": ("a git-annex pointer", "git annex get"),
    b"../.git/annex/": ("a git-annex pointer", "git annex get"),
}
"""First bytes of small files that stand for a large one which was not fetched."""

PACKED = {
    b"\x1f\x8b": "compressed with gzip",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ\x00": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"PK\x03\x04": "a zip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a rar archive",
}
TAR_MARK = slice(257, 262)  # where a tar archive says "ustar"
MEMBERS_OF_ZARR = ("zarr.json", ".zgroup", ".zattrs", ".zmetadata")
KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
MAX_CHARACTER_BYTES = 4
START_BYTES = 512  # of a file that is not HDF5, to see what it is


def open_nwb(address: str | Path) -> h5py.File:
    """Open an NWB file for reading.

    Parameters
    ----------
    address : str or Path
        A path, or an https or s3 address.

    Raises
    ------
    UserError
        If it is missing, not HDF5, truncated, or cannot be read: with its cause and a remedy.
    """
    if is_remote(str(address)):
        return _open_remote(RemoteFile(str(address)))
    path = Path(address)
    try:
        _check_is_file(path)
        return _open_local(path)
    except OSError as error:
        raise UserError(f"{path}: {_why_unreadable(path, error)}") from None


@contextmanager
def reading(address: str | Path) -> Iterator[h5py.File]:
    """Open an NWB file and read from it; whatever goes wrong is an error of the file's.

    Raises
    ------
    UserError
        As `open_nwb`, and if it cannot be read: with the name of the object and what failed. The
        traceback is printed, for the log.
    """
    with open_nwb(address) as nwb:
        try:
            yield nwb
        except UserError:
            raise
        except Exception as error:
            traceback.print_exc()
            raise UserError(why_not_read(str(address), error)) from error


def read_or_remark(file: str, read: Callable[[], T]) -> tuple[T | None, str]:
    """Read one object of a file; None where it cannot be read, with a remark that says why."""
    try:
        return read(), ""
    except UserError as error:
        return None, f"left out: {error}"
    except Exception as error:  # noqa: BLE001 - damaged metadata give h5py anything to say
        traceback.print_exc()  # in the log, where it may be ours
        return None, f"left out: {why_not_read(file, error)}"


def why_not_read(address: str, error: Exception) -> str:
    """Say which object of a file could not be read, why, and what to do.

    Parameters
    ----------
    address : str
        Of the file.
    error : Exception
        What was raised; damaged metadata make h5py raise nearly anything.
    """
    where = f"{address}: {name}" if (name := _object_of(error)) else address
    cause = " ".join(str(error.args[0] if error.args else type(error).__name__).split())
    if isinstance(error, MemoryError):
        return f"{where}: too little memory to read it. Run again with more memory."
    if isinstance(error, OSError | RuntimeError | KeyError):  # what h5py makes of HDF5's errors
        return f"{where}: cannot be read (HDF5: {cause.rstrip('.')}). {RESTORE}"
    return f"{where}: cannot be read ({cause.rstrip('.')}). See the traceback in the log."


def _object_of(error: Exception) -> str:
    """Name of the HDF5 object on which a call failed: the one of its innermost frame that has one.

    HDF5's own errors do not name it.
    """
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        for value in frame.f_locals.values():
            if isinstance(value, h5py.Group | h5py.Dataset) and value and value.name != "/":
                return str(value.name)
    return ""


# --- opening ------------------------------------------------------------------------------------


def _check_is_file(path: Path) -> None:
    """Check that HDF5 would open a regular file: it waits for the writer of a named pipe."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        if any((path / name).exists() for name in MEMBERS_OF_ZARR):
            raise UserError(f"{path}: a Zarr folder: NWB in Zarr is not read. {CONVERT}")
        raise UserError(f"{path}: a folder, expected an NWB file. Give the path of the file.")
    if not stat.S_ISREG(mode):
        kind = KINDS.get(stat.S_IFMT(mode), "no regular file")
        raise UserError(f"{path}: {kind}, expected an NWB file. Correct the location.")


def _open_local(path: Path) -> h5py.File:
    """Open a file under HDF5's lock; without one on a disk that has none.

    Source files are only read, so that the lock only finds programs that write.
    """
    try:
        return h5py.File(path, "r")
    except BlockingIOError:  # a program that writes has the lock
        raise
    except OSError as error:
        # "unable to lock file", or "file locking flag values don't match" where it is open already
        if "lock" not in _cause(error):
            raise
        return h5py.File(path, "r", locking=False)


def _open_remote(remote: RemoteFile) -> h5py.File:
    try:
        return h5py.File(Blocks(remote), "r")
    except OSError as error:
        start = remote.read(0, START_BYTES)
        why = _why_not_hdf5(error, start, UPLOAD)
        raise UserError(f"{remote.address}: {why}") from None


# --- why it does not open -----------------------------------------------------------------------


def _why_unreadable(path: Path, error: OSError) -> str:
    """Cause and remedy for a local file."""
    if error.errno == errno.EAGAIN:
        return "another program is writing it: try again once that has closed it."
    if error.errno and "lock" in _cause(error):
        return (
            f"its disk has no file locks ({os.strerror(error.errno)}), which "
            "HDF5_USE_FILE_LOCKING asks for. Unset this variable."
        )
    if error.errno:
        return why_not_opened(path, error.errno)
    try:
        with path.open("rb") as file:
            start = file.read(START_BYTES)
    except OSError as unread:
        return why_not_opened(path, unread.errno or errno.EIO)
    return _why_not_hdf5(error, start, RESTORE)


def _why_not_hdf5(error: OSError, start: bytes, restore: str) -> str:
    """Cause and remedy where HDF5 does not accept the content of a file."""
    cause = _cause(error)
    truncated = re.search(r"truncated file: eof = (\d+).*?stored_eof = (\d+)", cause)
    if truncated:
        found, expected = (f"{int(n):,}".replace(",", " ") for n in truncated.groups())
        return f"truncated: the file ends at byte {found} of {expected}. {restore}"
    if "signature not found" in cause:
        return _describe_content(start, restore)
    if "h5clear" in cause:
        return (
            "it was not closed by the program that wrote it, or is still being written. Once no "
            "program writes it, run `h5clear -s` (of hdf5-tools) on a copy, and give the path of "
            "the copy."
        )
    return (
        f"its HDF5 header cannot be read ({cause}): it is damaged, or its writer was killed. "
        f"{restore}"
    )


def _describe_content(start: bytes, restore: str) -> str:
    """Say what a file is that is not HDF5, by its first bytes, and what to do."""
    for mark, (kind, command) in POINTERS.items():
        if start.startswith(mark):
            return f"{kind}: the file itself was not fetched. Run `{command}` in its repository."
    packed = [kind for mark, kind in PACKED.items() if start.startswith(mark)]
    if start[TAR_MARK] == b"ustar":
        packed = ["a tar archive"]
    if packed:
        return f"{packed[0]}, not an HDF5 file. Unpack it, and give the path of what was inside."
    if not start:
        return f"an empty file. {restore}"
    if not any(start):
        return f"not an HDF5 file: it starts with {len(start)} zero bytes. {restore}"
    if _text(start).lstrip().startswith("<"):
        return f"a web page, not an HDF5 file: it starts with {_shown(start)}. {restore}"
    kind = "a text file, not an HDF5 file" if _is_text(start) else "not an HDF5 file"
    return f"{kind}: it starts with {_shown(start)}. {WRONG_PLACE}"


def _shown(start: bytes) -> str:
    return repr(" ".join(_text(start)[:60].split())) if _is_text(start) else repr(start[:16])


def _is_text(start: bytes) -> bool:
    n_lost = len(start.removeprefix(codecs.BOM_UTF8)) - len(_text(start).encode())
    is_readable = all(char.isprintable() or char.isspace() for char in _text(start))
    return is_readable and n_lost < MAX_CHARACTER_BYTES  # the last character may be cut


def _text(start: bytes) -> str:
    return start.decode("utf-8-sig", errors="ignore")


def _cause(error: OSError) -> str:
    """HDF5's own words in a line, without h5py's around them and without the address."""
    inner = re.search(r"\((.*)\)", str(error), re.DOTALL)
    return " ".join((inner[1] if inner else str(error)).split())
