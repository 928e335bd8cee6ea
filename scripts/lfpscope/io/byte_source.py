"""A file whose bytes are read by ranges."""

import errno
import os
from pathlib import Path
from typing import Any, Protocol, Self
from weakref import finalize

from lfpscope.errors import UserError, why_not_opened

Identity = dict[str, Any]


class Bytes(Protocol):
    """A file whose bytes can be read from several threads."""

    @property
    def address(self) -> str:
        """Where it is."""

    @property
    def size(self) -> int:
        """Its length in bytes."""

    def identity(self) -> Identity:
        """Return what tells it from another file: size, and time or ETag."""

    def read(self, offset: int, size: int) -> bytes:
        """Read bytes; fewer come back only at the end of the file."""

    def close(self) -> None:
        """Release it."""


# of one call of the system: Linux returns up to 2 GB, macOS refuses more
MAX_READ = 1 << 30


class LocalFile:
    """A file on disk; closed once nobody has it any more, too."""

    def __init__(self, address: str) -> None:
        self.address = address
        try:
            self._descriptor = os.open(Path(address), os.O_RDONLY)
        except OSError as error:
            why = why_not_opened(Path(address), error.errno or errno.EIO)
            raise UserError(f"{address}: {why}") from None
        self._close = finalize(self, os.close, self._descriptor)
        self.size = os.fstat(self._descriptor).st_size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._close()

    def identity(self) -> Identity:
        """Return size and time of modification."""
        status = os.fstat(self._descriptor)
        return {"size": status.st_size, "mtime_ns": status.st_mtime_ns}

    def read(self, offset: int, size: int) -> bytes:
        """Read bytes; fewer come back only at the end of the file.

        Raises
        ------
        UserError
            If the disk does not give them.
        """
        try:
            first = os.pread(self._descriptor, min(size, MAX_READ), offset)
            if size <= MAX_READ or len(first) < MAX_READ:
                return first
            return first + self.read(offset + MAX_READ, size - MAX_READ)
        except OSError as error:
            raise UserError(
                f"{self.address}: byte {offset}: {error.strerror}. Check the disk."
            ) from None
