"""Neuropixels LFP, seen in place: references, one-pass envelopes, exact drawing."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lfpscope import signals as signals
    from lfpscope.evoked.dataset import open_evoked
    from lfpscope.notebook.plot import plot
    from lfpscope.notebook.view import view
    from lfpscope.samples.channels import select_channels
    from lfpscope.samples.dataset import open_session
    from lfpscope.summary.spectrum_dataset import open_spectrum

__all__ = ["open_evoked", "open_session", "open_spectrum", "plot", "select_channels", "view"]

MODULES = {
    "open_evoked": "lfpscope.evoked.dataset",
    "open_session": "lfpscope.samples.dataset",
    "open_spectrum": "lfpscope.summary.spectrum_dataset",
    "plot": "lfpscope.notebook.plot",
    "select_channels": "lfpscope.samples.channels",
    "view": "lfpscope.notebook.view",
}
"""Where each name is. xarray takes 1.6 s to import, and most programs do without."""


def __getattr__(name: str) -> Any:
    if name == "signals":  # a module
        return import_module("lfpscope.signals")
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(MODULES[name]), name)
