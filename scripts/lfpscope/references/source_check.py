"""Whether a source is still the one that was indexed."""

import zlib
from pathlib import Path

import h5py

from lfpscope.errors import UserError
from lfpscope.io.addresses import is_remote, open_address
from lfpscope.references.model import ProbeReferences


def check_source(references: ProbeReferences) -> None:
    """Check that the source is the file that was indexed.

    Size and modification time or ETag are compared; where only the time differs, or a server
    gives neither, checksums of sampled chunks decide.

    Raises
    ------
    UserError
        If it is missing or has changed: what changed, and what to run.
    """
    address, then = references.address, references.provenance.identity
    where = (
        "Put the file back, or correct sessions.tsv and run again; where it was made or fetched, "
        "with --forcerun fetch_probe. A viewer finds moved files with --data OLD=NEW."
    )
    if not is_remote(address) and not Path(address).exists():
        raise UserError(
            f"{address}: No such file or directory, but {references.file} refers to it. {where}"
        )
    again = _index_again(references)
    with open_address(address) as source:
        now = source.identity()
        if now["size"] != then["size"]:
            raise UserError(f"{address}: {now['size']} bytes, {then['size']} when indexed. {again}")
        # who wrote the references may not have anything else on this disk shown as LFP
        if not is_remote(address) and not h5py.is_hdf5(address):
            raise UserError(f"{address}: not an HDF5 file. {again}")
        same = now == {name: then.get(name) for name in now}
        if same and now.get("etag") != "":  # a server that gives none tells too little
            return
        if not same and "etag" in now and "etag" in then:
            raise UserError(f"{address}: ETag {now['etag']}, {then.get('etag')} before. {again}")
    check_checksums(references)


def check_checksums(references: ProbeReferences) -> None:
    """Check that the chunks whose checksums were noted are still what they were.

    Raises
    ------
    UserError
        If one is not: the source was replaced by another of its size.
    """
    with open_address(references.address) as source:
        for offset, size, crc in references.provenance.checksums:
            if zlib.crc32(source.read(offset, size)) != crc:
                what = f"the chunk at byte {offset}" if offset else "its start"
                raise UserError(
                    f"{references.address}: {what} has changed. {_index_again(references)}"
                )


def _index_again(references: ProbeReferences) -> str:
    """Say what to do about a source that is not what it was."""
    # forced: Snakemake sees no change on a server, nor one that kept or turned back the time
    again = "Run the pipeline again with --forcerun fetch_probe"
    return f"{again}: {references.file} describes an older file."
