"""A session as a lazy xarray tree: sources checked, chunks decoded several at a time."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from lfpscope.addresses import is_remote
from lfpscope.blocks import Samples, Source
from lfpscope.references import References, open_session_references


def open_session(session: str | Path) -> xr.DataTree:
    """Open the references of a session as a lazy tree with a group for each probe.

    The same as ``xr.open_datatree`` gives, but each source is first compared with what was
    indexed, and `lfp` is decoded in parallel, with NaN where a chunk is damaged.

    Parameters
    ----------
    session : str or Path
        The folder of a session's results, or its ``session.json``.

    Returns
    -------
    DataTree
        Of each probe ``lfp(time, channel)`` in volts (counts where gains differ per channel:
        multiply by ``volts_per_count``), ``timestamps(time)`` in seconds, and what is known of the
        channels. Nothing is read before it is asked for.

    Raises
    ------
    UserError
        If the references are missing or not ours, or a source is missing or has changed.
    """
    path = Path(session)
    path = path / "session.json" if path.is_dir() else path
    references = open_session_references(path)
    tree = xr.open_datatree(
        "reference://", engine="zarr", decode_cf=False, storage_options=_options(path, references)
    )
    groups = {name: node.to_dataset(inherit=False) for name, node in tree.children.items()}
    for probe, one in references.items():
        groups[probe] = groups[probe].assign(lfp=_lazily(one, groups[probe].lfp))
    decoded = {f"/{name}": xr.decode_cf(group) for name, group in groups.items()}
    return xr.DataTree.from_dict({"/": tree.to_dataset(), **decoded}, name=tree.name)


def _options(path: Path, references: dict[str, References]) -> dict[str, Any]:
    schemes = {one.address.partition("://")[0] for one in references.values()}
    protocol = schemes.pop() if all(map(is_remote, schemes)) else "file"
    return {
        "fo": str(path),
        "remote_protocol": protocol,
        "remote_options": {"asynchronous": True, **({"anon": True} if protocol == "s3" else {})},
    }


def _lazily(references: References, stored: xr.DataArray) -> xr.Variable:
    """The LFP as zarr describes it, read by `Samples`."""
    array = indexing.LazilyIndexedArray(_Lfp(Samples(Source(references))))
    return xr.Variable(stored.dims, array, stored.attrs, stored.encoding)


class _Lfp(BackendArray):
    """Stored values, shape (time, channel), as xarray asks for them."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples
        self.shape = samples.source.references.layout.shape
        self.dtype = samples.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> npt.NDArray[Any]:
        support = indexing.IndexingSupport.OUTER
        found = indexing.explicit_indexing_adapter(key, self.shape, support, self._read)
        return np.asarray(found)

    def _read(self, key: tuple[Any, ...]) -> npt.NDArray[Any]:
        time, channel = key
        channels = np.arange(self.shape[1])[channel]
        first, stop, inside = _stretch(self.shape[0], time)
        if first == stop or not channels.size:
            return np.asarray(np.empty((stop - first, *channels.shape), self.dtype)[inside])
        block = self._samples.read(first, stop, np.atleast_1d(channels).tolist()).T[inside]
        return np.asarray(block if channels.ndim else block[..., 0])


def _stretch(n: int, time: Any) -> tuple[int, int, Any]:
    """First and stop of the samples to be read for an index, and the index inside of them."""
    if isinstance(time, slice):
        wanted = range(n)[time]
        first, stop = (min(wanted), max(wanted) + 1) if wanted else (0, 0)
        return first, stop, slice(None, None, wanted.step)
    first, stop = int(np.min(time)), int(np.max(time)) + 1
    return first, stop, time - first
