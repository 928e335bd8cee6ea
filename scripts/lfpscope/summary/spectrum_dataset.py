"""Spectra and channel quality as an xarray dataset."""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from zarr.storage import ZipStore

from lfpscope.envelope.zarr_zip import Store

NAME = "spectrum.zarr.zip"


def open_spectrum(path: str | Path) -> xr.Dataset:
    """Open spectra and channel quality of a probe as a lazy dataset.

    Parameters
    ----------
    path : str or Path
        A ``spectrum.zarr.zip``, or the folder of a probe's results.

    Returns
    -------
    Dataset
        ``psd(channel, frequency)`` in V²/Hz; ``power(channel, time, band)`` and
        ``named_power(channel, time, named_band)`` in dB re 1 V², NaN without a window;
        ``n_windows(channel, time)``; ``coherence(compared, other, coherence_band)``; with channel
        ids, depth, area, label and flags, the bands' edges in Hz, and the first and last session
        time of each time bin in seconds. Empty where no rate is known.

    Raises
    ------
    UserError
        If the file is missing or damaged.
    """
    path = Path(path)
    path = path / NAME if path.is_dir() else path
    store = Store(path)  # says what is wrong with the file
    try:
        attributes, quality = store.attributes(), store.attributes("quality")
        labels = np.array(quality["labels"])[store.read("quality/label")]
        compared = store.read("quality/compared")
    except (LookupError, TypeError, ValueError) as error:
        raise store.damaged(error) from None
    finally:
        store.close()
    dataset: xr.Dataset = xr.open_dataset(
        ZipStore(path, mode="r"),  # type: ignore[arg-type] # a store of zarr, as its engine takes
        engine="zarr",
        consolidated=False,
        chunks=None,
    )
    coordinates: dict[str, Any] = {
        "label": ("channel", labels),
        "flags": ("channel", np.array(quality["flags"])),
        "compared": dataset["channel"].to_numpy()[compared],
        "other": dataset["channel"].to_numpy()[compared],
        "coherence_band": attributes["coherence_bands"],
    }
    if attributes["areas"]:
        coordinates["area"] = ("channel", np.array(attributes["areas"]))
    if "time_start" in dataset:
        coordinates["time"] = ("time", dataset["time_start"].to_numpy(), {"units": "s"})
        coordinates["named_band"] = attributes["named_bands"]
        coordinates["band"] = dataset["band_low"].to_numpy()
    dataset = dataset.assign_coords(coordinates)
    known = {"depth", "band_low", "band_high", "named_band_low", "named_band_high"}
    known |= {"time_start", "time_stop", "coherence_low", "coherence_high"}
    dataset = dataset.set_coords(sorted(known & set(dataset.variables)))
    dataset.attrs = {key: attributes[key] for key in ("session", "probe")}
    order = ("channel", "compared", "other", "time", ...)
    return dataset.transpose(*order, missing_dims="ignore")
