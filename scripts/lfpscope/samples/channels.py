"""Channels chosen by what is known of them."""

from collections.abc import Collection
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import xarray as xr

CHANNEL = "channel"
Object = TypeVar("Object", xr.DataArray, xr.Dataset)


def select_channels(data: Object, **columns: Any) -> Object:
    """Select channels by electrode id, area, depth and other columns.

    Parameters
    ----------
    data : DataArray or Dataset
        With a dimension ``channel`` and coordinates along it, as `open_session` gives them.
    **columns
        For each coordinate the value, a collection of values, or a slice from the lowest to the
        highest value, ends included: ``area="CA1"``, ``depth=slice(1500, 2500)``.

    Returns
    -------
    DataArray or Dataset
        Of all channels that fulfil each condition, in their order; lazy where `data` is.

    Raises
    ------
    KeyError
        If there is no such coordinate.
    """
    kept = np.ones(data.sizes[CHANNEL], dtype=np.bool_)
    for name, wanted in columns.items():
        if name not in data.coords or data[name].dims != (CHANNEL,):
            known = [key for key, one in data.coords.items() if one.dims == (CHANNEL,)]
            names = ", ".join(map(str, known))
            raise KeyError(f"channels have no {name!r} (expected one of {names}).")
        kept &= _matches(data[name].values, wanted)
    return data.isel({CHANNEL: np.flatnonzero(kept)})


def _matches(values: npt.NDArray[Any], wanted: Any) -> npt.NDArray[np.bool_]:
    if isinstance(wanted, slice):
        low = values >= wanted.start if wanted.start is not None else True
        high = values <= wanted.stop if wanted.stop is not None else True
        return np.asarray(np.ones(values.shape, np.bool_) & low & high)
    if isinstance(wanted, Collection) and not isinstance(wanted, str | bytes):
        return np.isin(values, np.asarray(list(wanted)))
    return np.asarray(values == wanted)
