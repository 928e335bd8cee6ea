"""What malloc keeps of memory that is no longer used; of glibc's only, others do without."""

import ctypes
import sys

M_ARENA_MAX = -8  # of malloc.h


def share_arenas(n: int) -> None:
    """Let all threads share a few of malloc's arenas.

    Else it makes one for each thread, and each keeps much of what was freed in it.
    """
    if mallopt := _malloc_function("mallopt"):
        mallopt(M_ARENA_MAX, n)


def return_free_memory() -> None:
    """Return to the system what was freed between blocks that are still used."""
    if trim := _malloc_function("malloc_trim"):
        trim(0)


def _malloc_function(name: str) -> "ctypes._NamedFuncPointer | None":
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
