"""Small files with one series, stored in any way, and how every reader sees them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import xarray as xr

from lfpscope.references.index import index_recording
from lfpscope.references.model import ProbeReferences
from lfpscope.references.open import open_references
from lfpscope.references.schema import write_probe
from lfpscope.samples.chunk_cache import Samples
from lfpscope.samples.chunk_reader import Source

Data = npt.NDArray[Any]
Write = Callable[[h5py.Group], None]

SERIES = "/acquisition/lfp"

FILTERS = {
    "none": {},
    "gzip": {"compression": "gzip", "compression_opts": 9},
    "gzip_0": {"compression": "gzip", "compression_opts": 0},
    "shuffle": {"shuffle": True},
    "shuffle_gzip": {"compression": "gzip", "shuffle": True},
    "fletcher32": {"fletcher32": True},
    "gzip_fletcher32": {"compression": "gzip", "fletcher32": True},
    "shuffle_gzip_fletcher32": {"compression": "gzip", "shuffle": True, "fletcher32": True},
}


def noise(shape: tuple[int, ...], dtype: str = "<f4", seed: int = 0) -> Data:
    rng = np.random.default_rng(seed)
    return rng.integers(1, 120, shape).cumsum(0).astype(dtype)


def write_series(path: Path, write: Write, mode: str = "w", **options: Any) -> Path:
    """Write the smallest file with an ElectricalSeries; `write` adds what it is about."""
    with h5py.File(path, mode, **options) as nwb:
        series = nwb.create_group(SERIES)
        series.attrs["neurodata_type"] = "ElectricalSeries"
        write(series)
        if "timestamps" not in series and "starting_time" not in series:
            series["starting_time"] = 10.0
            series["starting_time"].attrs["rate"] = 1250.0
    return path


def index(path: Path) -> ProbeReferences:
    """Write references and open them."""
    references = path.with_suffix(".json")
    index_recording(str(path), references, session="s", probe="p", series=SERIES)
    return opened(references)


def opened(path: Path) -> ProbeReferences:
    """Open references, which hold all that is in their file: they give it again."""
    references, again = open_references(path), path.with_suffix(".again")
    write_probe(again, references)
    assert again.read_bytes() == path.read_bytes()
    again.unlink()
    return references


def as_engines_read(references: Path) -> Iterator[xr.Dataset]:
    """The references as xarray opens them: kerchunk's engine, and zarr's."""
    plain = {"chunks": None}
    with xr.open_dataset(str(references), engine="kerchunk", open_dataset_options=plain) as ds:
        yield ds
    target = {"fo": str(references), "remote_protocol": "file"}
    options = target | {"remote_options": {"asynchronous": True}}
    with xr.open_dataset(
        "reference://", engine="zarr", consolidated=False, chunks=None, storage_options=options
    ) as ds:
        yield ds


def as_samples_read(references: ProbeReferences, n: int | None = None) -> Data:
    """The first n samples as our own reader decodes them, time first, in stored units."""
    source = Source(references)
    try:
        return Samples(source).read(0, n or references.n_samples).T
    finally:
        source.close()


def assert_read_as(path: Path, stored: Data) -> ProbeReferences:
    """Check that every reader gives the samples that h5py gave, time first."""
    references = index(path)
    np.testing.assert_array_equal(as_samples_read(references), stored)
    for dataset in as_engines_read(references.file):
        np.testing.assert_array_equal(dataset.lfp.values, stored)
        assert dataset.lfp.dtype == stored.dtype.newbyteorder("=")
    return references


def dataset(data: Data, **how: Any) -> Write:
    """Return what writes these data, in this way."""
    return lambda series: series.create_dataset("data", data=data, **how) and None


def create_with_filters(
    series: h5py.Group, data: Data, set_filters: Callable[[Any], None]
) -> h5py.Dataset:
    """Create a dataset with filters in an order that h5py's high level does not make."""
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((64, 3))
    set_filters(plist)
    space = h5py.h5s.create_simple(data.shape)
    kind = h5py.h5t.py_create(data.dtype, logical=True)
    stored = h5py.Dataset(h5py.h5d.create(series.id, b"data", kind, space, plist))
    stored[:] = data
    return stored


def checksum_first(plist: Any) -> None:
    plist.set_fletcher32()
    plist.set_shuffle()
    plist.set_deflate(4)
