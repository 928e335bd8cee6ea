"""session.json → an xarray tree whose sources are checked, and whose chunks decode as fast as ours.

Plain xarray opens the same file (see README); it does not notice when a source was replaced.
"""

from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import numpy.typing as npt
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing
from zarr.storage import FsspecStore

from lfpscope.addresses import is_remote, s3_options
from lfpscope.blocks import Samples, Source
from lfpscope.files import parse_json
from lfpscope.layout import Refs
from lfpscope.references import References, check_source, references_of_probe
from lfpscope.untrusted import read_session_json, split_groups

Block = npt.NDArray[Any]
Key = slice | int | npt.NDArray[np.int64]


def open_session(path: str | Path) -> xr.DataTree:
    """Open a session's recordings, after checking that every source is still the same file.

    Parameters
    ----------
    path : str or Path
        ``session.json``, or the folder that holds it.

    Returns
    -------
    xarray.DataTree
        A group per probe, with ``lfp(time, channel)`` in volts, read when it is used; NaN where a
        chunk is damaged or missing. ``timestamps`` and what is known of the channels are its
        coordinates. Where all probes agree there is also ``/stacked``, as zarr reads it.

    Raises
    ------
    UserError
        If the file is missing or not ours, or a source is missing or has changed: what changed,
        and what to run.
    """
    file = Path(path)
    file = file / "session.json" if file.is_dir() else file
    content = read_session_json(file)
    refs, templates = content["refs"], content["templates"]
    groups, root = split_groups(refs), parse_json(refs[".zattrs"])
    tree = {"/": xr.Dataset(attrs=root)}
    for probe, name in zip(root["probes"], templates, strict=True):
        references = references_of_probe(
            file, groups[probe], templates[name], content["provenance"][probe]
        )
        check_source(references)
        # zarr needs not know where the samples are, which takes it half a second
        known = {key: ref for key, ref in groups[probe].items() if not _is_chunk_of_lfp(key)}
        tree[probe] = _with_volts(_open_group(known, templates), references)
    if "stacked" in groups:
        tree["stacked"] = _open_group(groups["stacked"], templates)
    return xr.DataTree.from_dict(tree)


def _is_chunk_of_lfp(key: str) -> bool:
    return key.startswith("lfp/") and not key.startswith("lfp/.")


def _open_group(refs: Refs, templates: dict[str, str]) -> xr.Dataset:
    """Open one group as zarr reads it."""
    address = next(iter(templates.values()))
    protocol = address.partition("://")[0] if is_remote(address) else "file"
    remote = {"asynchronous": True} | (s3_options() if protocol == "s3" else {})
    files = fsspec.filesystem(
        "reference",
        fo={"version": 1, "templates": templates, "refs": refs},
        remote_protocol=protocol,
        remote_options=remote,
        asynchronous=True,
        skip_instance_cache=True,  # it would hash all references
    )
    store = FsspecStore(files, path="", read_only=True)
    return xr.open_dataset(store, engine="zarr", consolidated=False, chunks=None)  # type: ignore[arg-type]


def _with_volts(dataset: xr.Dataset, references: References) -> xr.Dataset:
    """Put our own reader in the place of zarr's."""
    stored = dataset["lfp"]
    lazy = indexing.LazilyIndexedArray(_Volts(references))
    variable = xr.Variable(stored.dims, lazy, stored.attrs | {"units": "V"})
    height, width = references.layout.chunks
    variable.encoding["preferred_chunks"] = {"time": height, "channel": width}
    return dataset.assign(lfp=variable)


class _Volts(BackendArray):
    """Samples in volts, (time, channel), as xarray asks for them."""

    def __init__(self, references: References) -> None:
        self.references = references
        stored = references.layout.dtype.newbyteorder("=")
        self.shape = references.layout.shape
        self.dtype = stored if stored.kind == "f" else np.dtype(np.float64)
        self._samples = Samples(Source(references))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.references,)  # in another process the source is opened anew

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        support = indexing.IndexingSupport.OUTER
        return indexing.explicit_indexing_adapter(key, self.shape, support, self._read)

    def _read(self, key: tuple[Key, Key]) -> Block:
        rows, columns = (np.arange(n)[one] for n, one in zip(self.shape, key, strict=True))
        block = self._volts(np.atleast_1d(rows), np.atleast_1d(columns))
        return block.reshape(np.shape(rows) + np.shape(columns))

    def _volts(self, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]) -> Block:
        block = np.empty((rows.size, columns.size), self.dtype)
        if not block.size:
            return block
        scale, add = self.references.scale[columns], self.references.add
        # one stretch, or only what is wanted of each row of chunks
        together = bool((np.diff(rows) == 1).all())
        parts = np.zeros_like(rows) if together else rows // self.references.layout.chunks[0]
        for part in np.unique(parts).tolist():
            here = np.flatnonzero(parts == part)
            first, stop = int(rows[here].min()), int(rows[here].max()) + 1
            samples = self._samples.read(first, stop, columns.tolist()).T
            stored = samples if together else samples[rows[here] - first]
            same = add == 0 and bool((scale == 1).all())
            block[here] = stored if same else stored * scale + add
        return block
