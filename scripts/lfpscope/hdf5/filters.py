"""HDF5 filters as codecs."""

import h5py

from lfpscope.errors import UserError
from lfpscope.hdf5.layout import CHECKSUM_BYTES, COMPRESSORS, REPACK, Codec

BLOSC = ("blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd")  # as the filter numbers them


def codecs_of(dataset: h5py.Dataset, where: str) -> tuple[Codec, ...]:
    """Codecs of the filters of a dataset, in the order in which they were applied."""
    plist = dataset.id.get_create_plist()
    filters = [plist.get_filter(i) for i in range(plist.get_nfilters())]
    codecs = [_codec(filter_[0], filter_[2], dataset.dtype.itemsize) for filter_ in filters]
    known = [codec for codec in codecs if codec]
    if len(known) < len(filters) or not _can_be_undone(known):
        names = ", ".join(f"{f[3].decode(errors='replace')[:40]} (filter {f[0]})" for f in filters)
        raise UserError(
            f"{where}: stored with {names}; gzip, zstd, bzip2, blosc, shuffle and fletcher32 "
            f"can be read in place. {REPACK}"
        )
    return tuple(known)


def _codec(number: int, values: tuple[int, ...], itemsize: int) -> Codec | None:
    """Codec that undoes an HDF5 filter, by the filter's registered number; None if there is none.

    lzf (32000), lz4 (32004), bitshuffle (32008) and blosc2 (32026) frame their blocks in ways
    of their own that no codec of numcodecs reads.
    """
    if number == h5py.h5z.FILTER_DEFLATE:
        return {"id": "zlib", "level": values[0]}
    if number == h5py.h5z.FILTER_SHUFFLE:
        return {"id": "shuffle", "elementsize": itemsize}
    if number == h5py.h5z.FILTER_FLETCHER32:
        return {"id": "fletcher32"}
    if number == 307:
        return {"id": "bz2", "level": values[0] if values else 9}
    if number == 32015:
        return {"id": "zstd", "level": values[0] if values else 3}
    if number == 32001:
        name = BLOSC[values[6]] if len(values) > 6 and values[6] < len(BLOSC) else "blosclz"
        level, shuffle = values[4:6] if len(values) > 5 else (5, 1)
        codec = {"id": "blosc", "cname": name, "clevel": level, "shuffle": shuffle, "blocksize": 0}
        return None if name == "snappy" else codec
    return None


def _can_be_undone(codecs: list[Codec]) -> bool:
    """Check for one compressor at most, and for a shuffle of whole elements."""
    names = [codec["id"] for codec in codecs]
    n_compressors = sum(name in COMPRESSORS for name in names)
    if "shuffle" not in names:
        return n_compressors <= 1
    shuffle = names.index("shuffle")
    before = CHECKSUM_BYTES * shuffle  # nothing but checksums may come before it
    whole = before % codecs[shuffle]["elementsize"] == 0
    only_checksums = set(names[:shuffle]) <= {"fletcher32"}
    return n_compressors <= 1 and names.count("shuffle") == 1 and only_checksums and whole
