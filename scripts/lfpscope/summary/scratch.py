"""Room for what the pass has found and not written yet."""

import math
import mmap
import os
from pathlib import Path
from tempfile import TemporaryFile
from typing import cast
from weakref import WeakSet

import numpy as np
import numpy.typing as npt

from lfpscope.io.atomic import translate_os_errors
from lfpscope.typing import Array

FILE_BYTES = 64 << 20  # of a temporary file, or more for an array that is larger
ALIGNED = 64  # bytes


class Scratch:
    """Arrays in memory, or in temporary files where they are too large together.

    Parameters
    ----------
    folder : Path, optional
        Where the files are, which have no name and end with the process; without it arrays are in
        memory.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder, self._free = folder, memoryview(b"")
        self._files: WeakSet[mmap.mmap] = WeakSet()

    def full(self, shape: tuple[int, ...], value: float, dtype: npt.DTypeLike) -> Array:
        """Make an array that is filled with a value."""
        if self._folder is None:
            return np.full(shape, value, dtype)
        dtype = np.dtype(dtype)
        array = np.frombuffer(self._take(math.prod(shape) * dtype.itemsize), dtype).reshape(shape)
        if value != 0:  # new files are zero
            array[...] = value
        return array

    def release(self) -> None:
        """Leave what files hold to the system, which keeps it in memory or on disk as it likes."""
        for file in self._files:
            file.madvise(mmap.MADV_DONTNEED)

    def _take(self, n_bytes: int) -> memoryview:
        if n_bytes > len(self._free):
            self._free = self._new_file(max(n_bytes, FILE_BYTES))
        taken = self._free[:n_bytes]
        self._free = self._free[-(-n_bytes // ALIGNED) * ALIGNED :]
        return taken

    def _new_file(self, n_bytes: int) -> memoryview:
        folder = cast("Path", self._folder)
        with translate_os_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=folder) as file:
                file.truncate(n_bytes)
                if hasattr(os, "posix_fallocate"):  # a full disk is an error here, not a signal
                    os.posix_fallocate(file.fileno(), 0, n_bytes)
                mapped = mmap.mmap(file.fileno(), n_bytes)
        self._files.add(mapped)
        return memoryview(mapped)
