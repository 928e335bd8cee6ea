"""Neuropixels LFP, seen in place: references, one-pass envelopes, exact drawing."""

from importlib import import_module
from typing import Any

__all__ = ["open_session"]


def __getattr__(name: str) -> Any:
    """Load what users import from here when they do: xarray alone takes more than a second."""
    if name == "open_session":
        return import_module("lfpscope.opening").open_session
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
