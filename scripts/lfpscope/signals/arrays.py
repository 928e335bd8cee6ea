"""NumPy arrays and xarray objects in one form: channels first, time last."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from lfpscope.clock.fit import clock_from_rate, clock_from_timestamps
from lfpscope.clock.segments import Clock
from lfpscope.typing import Floats

if TYPE_CHECKING:  # xarray takes 1.6 s to import
    import xarray as xr

Signal = TypeVar("Signal", npt.NDArray[Any], "xr.DataArray")
"""Samples: an array of shape (channel, time), or a DataArray with these dimensions."""

CHANNEL, TIME = "channel", "time"


def unpack(signal: Signal) -> tuple[Floats, Callable[..., Signal]]:
    """Return samples as float64 (channel, time), and what gives results the form of the input.

    Raises
    ------
    ValueError
        If the signal has other dimensions.
    """
    if not hasattr(signal, "dims"):
        values = np.asarray(signal, dtype=np.float64)
        if values.ndim != 2:
            raise ValueError(f"signal of shape {values.shape} (expected channel × time)")
        return values, lambda result, **_: result
    if set(signal.dims) != {CHANNEL, TIME}:
        raise ValueError(f"signal of dimensions {signal.dims} (expected {CHANNEL} and {TIME})")
    labelled: Any = signal
    ordered = labelled.transpose(CHANNEL, TIME)

    def pack(result: Floats, **attributes: str) -> Any:
        packed = ordered.copy(data=result).transpose(*labelled.dims)
        packed.attrs = dict(labelled.attrs) | attributes
        return packed

    return np.asarray(ordered.values, dtype=np.float64), pack


def coordinate(signal: Any, name: str, given: npt.ArrayLike | None) -> Floats | None:
    """Return a coordinate of the channels: as given, or the one of that name of a DataArray."""
    if given is not None:
        return np.asarray(given, dtype=np.float64)
    if hasattr(signal, "coords") and name in signal.coords:
        return np.asarray(signal.coords[name].values, dtype=np.float64)
    return None


def clock_of(signal: Any, n_samples: int, times: npt.ArrayLike | None, rate: float | None) -> Clock:
    """Clock of samples from a rate, from times, or from those of a DataArray.

    Raises
    ------
    ValueError
        If there is none of them, or they do not fit.
    """
    if rate is not None:
        return clock_from_rate(n_samples, rate=rate, start=0.0)
    if times is None and hasattr(signal, "coords"):
        named = [signal.coords[name] for name in ("timestamps", "time") if name in signal.coords]
        times = named[0].values if named else None
    if times is None:
        raise ValueError("neither times nor rate (expected one of them)")
    stamps = np.asarray(times, dtype=np.float64)
    if stamps.shape != (n_samples,):
        raise ValueError(f"times of shape {stamps.shape} (expected ({n_samples},))")
    return clock_from_timestamps([stamps])
