"""numba without SciPy's BLAS and cffi, which take a third of the time until a loop can run.

The first compiled loop runs 0.37 s after the start instead of 0.55 s (0.46 s of CPU instead of
0.75 s; AMD EPYC, numba 0.68), in every program of every probe. numba imports both when it loads
the first compiled function, and goes on without them where they are missing. The loops here use
neither; other modules can still import them.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _missing(*names: str) -> Iterator[None]:
    """Let imports of modules that are not imported yet fail."""
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type] # None: see importlib
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


with _missing("scipy.linalg", "cffi"):
    import numba as numba

    for looks in ("numba.np.arraymath", "numba.core.typing.cffi_utils"):
        importlib.import_module(looks)
