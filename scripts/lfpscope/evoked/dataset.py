"""Averages of a probe as one xarray dataset."""

from pathlib import Path

import numpy as np
import xarray as xr

from lfpscope.evoked.files import read_evoked
from lfpscope.references.open import open_references


def open_evoked(probe: str | Path) -> xr.Dataset:
    """Open the averages of a probe.

    Parameters
    ----------
    probe : str or Path
        The folder of a probe's results.

    Returns
    -------
    Dataset
        ``mean`` and ``sem`` (kind, channel, time) and ``baseline`` (kind, channel) in volts, where
        the baseline is not subtracted from the mean; ``n`` and ``dropped`` (kind, channel) trials;
        ``duration`` (kind) of the intervals and ``time`` from their onset in seconds; and what is
        known of the channels as coordinates. Without any average there are no kinds.

    Raises
    ------
    UserError
        If the files are missing, damaged, or do not belong together.

    Examples
    --------
    >>> evoked = lfpscope.open_evoked("results/demo-1/probes/100000011")  # doctest: +SKIP
    >>> flashes = evoked["mean"].sel(kind="flashes")  # doctest: +SKIP
    >>> density = lfpscope.signals.csd(flashes, column=flashes.across)  # doctest: +SKIP
    """
    folder = Path(probe)
    references = open_references(folder / "lfp.json")
    kinds = read_evoked(folder / "evoked.zarr.zip", references).kinds
    channels, n = references.channels, references.n_channels
    known = {
        name: ("channel", values)
        for name, values in channels.columns.items()
        if name != "channel_conversion"
    }
    time = kinds[0].time if kinds else np.empty(0)
    both, each = ("kind", "channel", "time"), ("kind", "channel")
    shape, volts = (len(kinds), n, time.size), {"units": "V"}
    dropped = [sum(one.dropped.values(), np.zeros(n, dtype=np.int64)) for one in kinds]
    return xr.Dataset(
        {
            "mean": (both, np.reshape([one.mean for one in kinds], shape), volts),
            "sem": (both, np.reshape([one.sem for one in kinds], shape), volts),
            "baseline": (each, np.reshape([one.baseline for one in kinds], shape[:2]), volts),
            "n": (each, np.reshape([one.n for one in kinds], shape[:2]).astype(np.int64)),
            "dropped": (each, np.reshape(dropped, shape[:2]).astype(np.int64)),
            "duration": ("kind", np.array([one.duration for one in kinds]), {"units": "s"}),
        },
        coords={
            "kind": np.array([one.name for one in kinds], dtype=str),
            "time": ("time", time, {"units": "s", "long_name": "time from the onset"}),
            "channel": channels.id,
            **known,
        },
        attrs={"session": references.session, "probe": references.probe},
    )
