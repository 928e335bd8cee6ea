"""Pure functions of arrays or xarray objects, shape (channel, time): no files, no pipeline."""

from typing import TYPE_CHECKING

from lfpscope.signals.csd import csd

if TYPE_CHECKING:
    from lfpscope.signals.epochs import average
    from lfpscope.signals.filter import bandpass
    from lfpscope.signals.psd import welch
    from lfpscope.signals.reference import rereference

__all__ = ["average", "bandpass", "csd", "rereference", "welch"]

MODULES = {
    "average": "lfpscope.signals.epochs",
    "bandpass": "lfpscope.signals.filter",
    "rereference": "lfpscope.signals.reference",
    "welch": "lfpscope.signals.psd",
}


def __getattr__(name: str) -> object:
    # average compiles its loop with numba, which takes a second to import
    if name in MODULES:
        import importlib

        return getattr(importlib.import_module(MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
