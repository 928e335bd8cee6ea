"""Neuropixels LFP, seen in place: references, one-pass envelopes, exact drawing."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lfpscope.evoked.dataset import open_evoked
    from lfpscope.samples.dataset import open_session
    from lfpscope.summary.spectrum_dataset import open_spectrum

__all__ = ["open_evoked", "open_session", "open_spectrum"]


def __getattr__(name: str) -> object:
    # xarray takes 1.6 s to import, and most programs do without
    if name == "open_session":
        from lfpscope.samples.dataset import open_session

        return open_session
    if name == "open_spectrum":
        from lfpscope.summary.spectrum_dataset import open_spectrum

        return open_spectrum
    if name == "open_evoked":
        from lfpscope.evoked.dataset import open_evoked

        return open_evoked
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
