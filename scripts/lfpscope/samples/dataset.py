"""A session as a lazy xarray tree: sources checked, chunks decoded several at a time."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import fsspec
import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing
from zarr.storage import FsspecStore

from lfpscope.hdf5.layout import Layout, Refs
from lfpscope.io.addresses import is_remote
from lfpscope.io.s3 import s3_options
from lfpscope.references.model import ProbeReferences
from lfpscope.references.schema import read_session
from lfpscope.references.source_check import check_source
from lfpscope.result_files import BAD_CHANNELS, CHANNELS, SESSION_REFERENCES, probe_folder
from lfpscope.samples.channel_labels import read_labels
from lfpscope.samples.chunk_cache import Samples
from lfpscope.samples.chunk_reader import Source
from lfpscope.samples.time_index import TIME, ClockIndex
from lfpscope.typing import Array, Ints

Chunks = Literal["auto"] | Mapping[str, int] | None
# of a dask block: some hundred tasks for a probe, and the float64 copies that `std` makes are small
# enough for malloc to use their memory again; of 80 MB, two thirds of the time cleared new pages
BLOCK_BYTES = 24_000_000
TIME_ATTRIBUTES = {
    "long_name": "session time",
    "units": "s",
    "description": "by the clock's segments; `timestamps` are the times stored for each sample",
}


def open_session(session: str | Path, chunks: Chunks = None) -> xr.DataTree:
    """Open the references of a session as a lazy tree with a group for each probe.

    The same as ``xr.open_datatree`` gives, but each source is first compared with what was
    indexed, and `lfp` is decoded in parallel, with NaN where a chunk is damaged.

    Parameters
    ----------
    session : str or Path
        The folder of a session's results, or its ``session.json``.
    chunks : {} or "auto" or dict, optional
        For dask arrays: ``{}`` or "auto" makes blocks of all channels and about 20 MB, each decoded
        at once by this package's reader; a dict says so many samples and channels. Without it the
        arrays are lazy without dask.

    Returns
    -------
    DataTree
        Of each probe ``lfp(time, channel)`` in volts (counts where gains differ per channel:
        multiply by ``volts_per_count``), and what is known of the channels, with their
        ``label``, ``flags`` and ``reason`` once the pass has been made. ``time`` is session
        time by the clock, seconds: ``sel(time=slice(3600, 3610))`` selects by it, and see
        `ClockIndex`; ``timestamps(time)`` is what the file stores. Nothing is read before it is
        asked for. Where all probes agree also ``/stacked``, as zarr reads it.

    Raises
    ------
    UserError
        If the references are missing or not ours, or a source is missing or has changed.
    """
    path = Path(session)
    path = path / SESSION_REFERENCES if path.is_dir() else path
    references = read_session(path)
    for one in references.probes.values():
        check_source(one)
    groups = {"/": xr.Dataset(attrs=references.attributes)}
    for name, refs in references.groups.items():
        if name not in references.probes:  # all of them stacked
            groups[name] = xr.decode_cf(_open_group(refs, references.templates))
            continue
        one = references.probes[name]
        group = _open_group(refs, references.templates, one.address)
        group = xr.decode_cf(group.assign(lfp=_lazily(one, group.lfp)))
        group = group.assign_coords(xr.Coordinates.from_xindex(ClockIndex.of(one.clock)))
        group[TIME].attrs.update(TIME_ATTRIBUTES)
        group = _with_labels(group, path.parent, name)
        groups[name] = _chunked(group, one, chunks)
    tree = xr.DataTree.from_dict(groups)
    tree.encoding["source"] = str(path.absolute())
    return tree


def _with_labels(group: xr.Dataset, session: Path, probe: str) -> xr.Dataset:
    """Add what channels.csv and the user's own table say of the channels as coordinates."""
    table = probe_folder(session.parent, session.name, probe) / CHANNELS
    channels = group["channel"].to_numpy().tolist()
    labels = read_labels(table, session / BAD_CHANNELS, probe, channels)
    return group.assign_coords({name: ("channel", texts) for name, texts in labels.items()})


def _chunked(group: xr.Dataset, references: ProbeReferences, chunks: Chunks) -> xr.Dataset:
    """Hand the LFP to dask, in blocks that the reader decodes at once."""
    if chunks is None:
        return group
    blocks = block_shape(references.layout, group.lfp.dtype.itemsize)
    sizes = dict(zip(group.lfp.dims, blocks, strict=True))
    return group.assign(lfp=group.lfp.chunk(chunks if chunks and chunks != "auto" else sizes))


def block_shape(layout: Layout, itemsize: int) -> tuple[int, int]:
    """Samples and channels of a dask block: all channels of as many rows of chunks as fit.

    Where one row of chunks is larger than a block, some of its channels, all of a chunk's time.
    """
    (height, width), (n_samples, n_channels) = layout.chunks, layout.shape
    rows = BLOCK_BYTES // (height * n_channels * itemsize)
    if rows:
        return min(rows * height, n_samples), n_channels
    columns = max(1, BLOCK_BYTES // (height * width * itemsize))
    return min(height, n_samples), min(columns * width, n_channels)


def _open_group(refs: Refs, templates: dict[str, str], address: str = "") -> xr.Dataset:
    """Open one group as zarr reads it, from the address, or from all of one kind."""
    address = address or next(iter(templates.values()))
    protocol = address.partition("://")[0] if is_remote(address) else "file"
    files = fsspec.filesystem(
        "reference",
        fo={"version": 1, "templates": templates, "refs": refs},
        remote_protocol=protocol,
        remote_options={"asynchronous": True, **(s3_options() if protocol == "s3" else {})},
        asynchronous=True,
        skip_instance_cache=True,  # it would hash all references
    )
    store: Any = FsspecStore(files, path="", read_only=True)
    return xr.open_dataset(store, engine="zarr", consolidated=False, chunks=None, decode_cf=False)


def _lazily(references: ProbeReferences, stored: xr.DataArray) -> xr.Variable:
    """The LFP as zarr describes it, read by `Samples`."""
    array = indexing.LazilyIndexedArray(_Lfp(references))
    return xr.Variable(stored.dims, array, stored.attrs, stored.encoding)


class _Lfp(BackendArray):
    """Stored values, shape (time, channel), as xarray asks for them."""

    def __init__(self, references: ProbeReferences) -> None:
        self._references = references
        self._samples = Samples(Source(references))
        self.shape = references.layout.shape
        self.dtype = self._samples.dtype

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._references,)  # in another process the source is opened again

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Array:
        support = indexing.IndexingSupport.OUTER
        found = indexing.explicit_indexing_adapter(key, self.shape, support, self._read)
        return np.asarray(found)

    def _read(self, key: tuple[Any, ...]) -> Array:
        time, channel = map(_numbers, key, self.shape)
        block = self._block(np.atleast_1d(time), np.atleast_1d(channel))
        return block.reshape(time.shape + channel.shape)

    def _block(self, times: Ints, channels: Ints) -> Array:
        """Samples of some times, in one go where they follow each other.

        Else chunk by chunk: a few from all over the recording are not to bring in the rest.
        """
        if times.size and channels.size and (np.diff(times) == 1).all():
            first, stop = int(times[0]), int(times[-1]) + 1
            return self._samples.read(first, stop, channels.tolist()).T
        block = np.empty((times.size, channels.size), self.dtype)
        rows = times // self._references.layout.chunks[0]
        for row in np.unique(rows).tolist() if channels.size else ():
            here = rows == row
            first, stop = int(times[here].min()), int(times[here].max()) + 1
            samples = self._samples.read(first, stop, channels.tolist())
            block[here] = samples[:, times[here] - first].T
        return block


def _numbers(key: Any, n: int) -> Ints:
    """Numbers that an index picks out of n; a slice without listing all, of which are millions."""
    if isinstance(key, slice):
        return np.arange(*key.indices(n))
    return np.asarray(np.arange(n)[key])
