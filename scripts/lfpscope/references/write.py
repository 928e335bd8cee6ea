"""Write the references of one recording."""

import zlib
from importlib.metadata import version
from pathlib import Path

import h5py
import numpy as np

from lfpscope.clock.segments import Clock
from lfpscope.hdf5.chunk_index import read_chunk_table
from lfpscope.hdf5.chunk_table import ChunkTable
from lfpscope.hdf5.values import number
from lfpscope.io.addresses import is_remote, open_address
from lfpscope.io.byte_source import Bytes
from lfpscope.nwb.electrodes import Channels
from lfpscope.nwb.recording import Recording
from lfpscope.nwb.timestamps import starting_time, time_scale, times_layout
from lfpscope.references.model import Checksum, ProbeReferences, Provenance
from lfpscope.references.schema import write_probe
from lfpscope.references.variables import counted_samples
from lfpscope.version import VERSION

LOCAL_CHUNKS = 32  # whose checksums tell a replaced file from a touched one
REMOTE_CHUNKS = 4  # where an ETag tells, and a copy on disk must still be known again
HEAD_BYTES = 2048  # the superblock, and the root group behind it
CHECKED_BYTES = 1 << 20  # of each: those into contiguous data may be large


def write_references(
    nwb: h5py.File,
    recording: Recording,
    clock: Clock,
    *,
    session: str,
    probe: str,
    address: str,
    path: Path,
) -> ProbeReferences:
    """Write the references of one recording.

    Parameters
    ----------
    nwb : h5py.File
        The open file.
    recording : Recording
        Which series, with its channels and units.
    clock : Clock
        Its segments.
    session, probe : str
        Ids under which the pipeline knows it.
    address : str
        Where readers shall find the bytes.
    path : Path
        The JSON to write.

    Raises
    ------
    UserError
        If the layout of the data or of the timestamps cannot be read in place.
    """
    lfp = read_chunk_table(nwb[recording.series]["data"], recording.layout)
    timestamps, scale, offset = _timestamps(nwb, recording)
    columns = recording.channels.columns.copy()
    gains = columns.pop("channel_conversion", np.ones(recording.n_channels))
    references = ProbeReferences(
        file=path,
        address=address,
        session=session,
        probe=probe,
        series=recording.series,
        clock=clock,
        doubts=recording.doubts,
        provenance=_provenance(address, lfp),
        lfp=lfp,
        timestamps=timestamps,
        time_scale=scale,
        time_offset=offset,
        channels=Channels(recording.channels.id, columns, recording.channels.depth_axis),
        scale=gains * recording.conversion,
        add=recording.offset,
        has_channel_scales="channel_conversion" in recording.channels.columns,
    )
    write_probe(path, references)
    return references


def _timestamps(nwb: h5py.File, recording: Recording) -> tuple[ChunkTable, float, float]:
    """Return the times as the file stores them, else numbers of samples; scale and offset."""
    group = nwb[recording.series]
    if "timestamps" in group:
        stored = group["timestamps"]
        return read_chunk_table(stored, times_layout(stored)), time_scale(group), 0.0
    rate = number(group["starting_time"].attrs["rate"])
    return counted_samples(recording.n_samples), 1.0 / rate, starting_time(group)


def _provenance(address: str, lfp: ChunkTable) -> Provenance:
    n = REMOTE_CHUNKS if is_remote(address) else LOCAL_CHUNKS
    with open_address(address) as source:
        versions = {"lfpscope": VERSION, "h5py": version("h5py")}
        return Provenance(address, source.identity(), _checksums(source, lfp, n), versions)


def _checksums(source: Bytes, lfp: ChunkTable, n: int) -> tuple[Checksum, ...]:
    """Checksums of the file's start and of the starts of n chunks.

    Of the first and the last chunk, and of others at random, the same ones each time.
    """
    is_stored = lfp.offsets >= 0
    offsets, sizes = lfp.offsets[is_stored], np.minimum(lfp.sizes[is_stored], CHECKED_BYTES)
    starts = sorted(zip(offsets.tolist(), sizes.tolist(), strict=True))
    order = np.random.default_rng(len(starts)).permutation(len(starts)).tolist()
    picked = sorted(list(dict.fromkeys([*range(len(starts))[:: len(starts) - 1 or 1], *order]))[:n])
    noted = [(0, min(source.size, HEAD_BYTES)), *(starts[i] for i in picked)]
    return tuple((*start, zlib.crc32(source.read(*start))) for start in noted)
