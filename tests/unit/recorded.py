"""Arrays made into probes: an HDF5 file, its references and its envelope."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from scipy.stats import siegelslopes

from lfpscope.envelope.read import OpenProbe
from lfpscope.references.index import index_recording
from lfpscope.references.model import ProbeReferences
from lfpscope.references.open import open_references
from lfpscope.summary.channels import Summary
from lfpscope.summary.summarize import build_envelope

SERIES = "acquisition/lfp"
RATE = 1250.0


def index(
    folder: Path,
    data: npt.NDArray[Any],
    *,
    chunks: tuple[int, int] | None,
    times: npt.NDArray[np.float64] | None = None,
    damaged: tuple[tuple[int, int], ...] = (),
) -> ProbeReferences:
    """Write samples (time, channel) to a file, corrupt some chunks, and open references to it."""
    path = folder / "probe.nwb"
    with h5py.File(path, "w") as nwb:
        series = nwb.create_group(SERIES)
        series.attrs["neurodata_type"] = "ElectricalSeries"
        options = {} if chunks is None else {"chunks": chunks, "compression": "gzip"}
        stored = series.create_dataset("data", data=data, **options)
        if times is None:
            series["starting_time"] = 10.0
            series["starting_time"].attrs["rate"] = RATE
        else:
            series["timestamps"] = times
        places = [
            stored.id.get_chunk_info_by_coord((row * chunks[0], column * chunks[1]))
            for row, column in damaged
            if chunks is not None
        ]
    with path.open("r+b") as file:
        for place in places:
            file.seek(place.byte_offset + place.size // 2)
            file.write(bytes(8))
    references = folder / "lfp.json"
    index_recording(str(path), references, session="session", probe="probe", series=SERIES)
    return open_references(references)


def summarise(
    references: ProbeReferences, *, bucket: int = 128, threads: int = 2
) -> tuple[Summary, Path]:
    """Build the envelope beside the references."""
    envelope = references.file.with_name("envelope.zarr.zip")
    return build_envelope(references, envelope, bucket=bucket, threads=threads), envelope


def probe(references: ProbeReferences, *, bucket: int = 128) -> OpenProbe:
    """Build the envelope and open it."""
    return OpenProbe(references, summarise(references, bucket=bucket)[1])


def walk(n_samples: int, n_channels: int, *, step: float, seed: int = 0) -> npt.NDArray[Any]:
    """Noise that wanders, as LFP does, in whole counts of a step."""
    rng = np.random.default_rng(seed)
    slow = np.cumsum(rng.normal(0, 4, (n_samples, n_channels)), axis=0)
    slow -= 0.98 * np.maximum.accumulate(slow, axis=0) * rng.uniform(0.2, 1, n_channels)
    return np.rint(slow + rng.normal(0, 8, slow.shape)) * step


def baseline(x: npt.NDArray[np.float64], block: int, bucket: int) -> npt.NDArray[np.float64]:
    """Lines through the means of the buckets of blocks of a channel, in steps of a bucket.

    Of least squares, or where the means jump of repeated medians.
    """
    line = np.full(x.size, np.nan)
    for start in range(0, x.size, block):
        part = x[start : start + block]
        buckets = np.arange(part.size) // bucket
        there = np.unique(buckets[~np.isnan(part)])
        if there.size == 0:
            continue
        means = [np.nanmean(part[buckets == k]) for k in there]
        n = [np.count_nonzero(~np.isnan(part[buckets == k])) for k in there]
        if jumps(means):
            apart = max(1, there.size // 32)
            slope, at_zero = siegelslopes(means[::apart], there[::apart])[:2]
            line[start : start + block] = at_zero + slope * buckets
            continue
        fit = np.polynomial.Polynomial.fit(
            there, means, min(1, there.size - 1), w=np.sqrt(n), domain=[0, buckets[-1] + 1]
        )
        line[start : start + block] = fit(buckets)
    return line


def jumps(means: list[float]) -> bool:
    """Whether one difference is more than six times the mean of the others."""
    differences = np.sort(np.abs(np.diff(means)))
    return len(means) >= 8 and differences[-1] > 6 * differences[:-1].mean()
