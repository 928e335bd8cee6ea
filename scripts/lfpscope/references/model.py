"""References of probes and sessions, as the rest of the package has them.

Their files are kerchunk's JSON, version 1, with Zarr version 2 metadata
(https://fsspec.github.io/kerchunk/spec.html); `lfpscope.references.schema` reads and writes them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.clock.segments import Clock
from lfpscope.doubts import Doubt
from lfpscope.hdf5.chunk_table import ChunkTable
from lfpscope.hdf5.layout import Layout, Refs
from lfpscope.io.byte_source import Identity
from lfpscope.nwb.electrodes import Channels

Checksum = tuple[int, int, int]
"""Offset, length and CRC-32 of some bytes."""


@dataclass(frozen=True)
class Provenance:
    """The source as it was when it was indexed.

    Attributes
    ----------
    address : str
        Where it was.
    identity : dict
        Its size, and modification time or ETag, as `lfpscope.io.byte_source` has them.
    checksums : tuple of (int, int, int)
        Offset, length and CRC-32 of its start and of some of its chunks.
    versions : dict
        Of the packages that read it.
    """

    address: str
    identity: Identity
    checksums: tuple[Checksum, ...]
    versions: dict[str, str]

    @property
    def size(self) -> int:
        """Bytes."""
        return int(self.identity["size"])

    def to_json(self) -> dict[str, Any]:
        """Return it as it stands in JSON."""
        return {
            "address": self.address,
            **self.identity,
            "crc32": [list(checksum) for checksum in self.checksums],
            "versions": self.versions,
        }


@dataclass(frozen=True, kw_only=True)
class ProbeHeader:
    """What the references of a probe say beside its channels and chunks.

    Attributes
    ----------
    file : Path
        The JSON.
    address : str
        Where the bytes are.
    session, probe, series : str
        Where the recording belongs.
    clock : Clock
        Sample index ↔ seconds, made from all timestamps.
    doubts : tuple of Doubt
        What is uncertain about it, as far as indexing could see.
    provenance : Provenance
        The source as it was when it was indexed.
    """

    file: Path
    address: str
    session: str
    probe: str
    series: str
    clock: Clock
    doubts: tuple[Doubt, ...]
    provenance: Provenance


@dataclass(frozen=True, kw_only=True)
class ProbeReferences(ProbeHeader):
    """References of one probe.

    Attributes
    ----------
    lfp : ChunkTable
        Of the data, (time, channel).
    timestamps : ChunkTable
        Of the times of all samples; numbers of samples where the source stores none.
    time_scale, time_offset : float
        ``seconds = stored * time_scale + time_offset``.
    channels : Channels
        Electrode ids, depth, area and so on.
    scale : ndarray of float64, shape (n_channels,)
        Volts per stored unit of each channel.
    add : float
        Volts at a stored zero.
    has_channel_scales : bool
        Whether the source stores a scale for each channel.
    """

    lfp: ChunkTable
    timestamps: ChunkTable
    time_scale: float = 1.0
    time_offset: float = 0.0
    channels: Channels
    scale: npt.NDArray[np.float64]
    add: float
    has_channel_scales: bool = False

    @property
    def layout(self) -> Layout:
        """Layout of the data."""
        return self.lfp.layout

    @property
    def n_samples(self) -> int:
        """Samples per channel."""
        return self.layout.shape[0]

    @property
    def n_channels(self) -> int:
        """Channels."""
        return self.layout.shape[1]

    def describe_chunk(self, row: int, column: int) -> str:
        """Describe a chunk: its probe, channels, time and offset in the file."""
        first, left = row * self.layout.chunks[0], column * self.layout.chunks[1]
        last = min(first + self.layout.chunks[0], self.n_samples) - 1
        ids = self.channels.id[left : left + self.layout.chunks[1]]
        channels = f"channel {ids[0]}" if ids.size == 1 else f"channels {ids[0]} to {ids[-1]}"
        start, stop = self.clock.seconds(first), self.clock.seconds(last)
        time = f"{start:.3f} to {stop:.3f} s" if start <= stop else f"samples {first} to {last}"
        offset = int(self.lfp.offsets[row, column])
        at = f"byte {offset}" if offset >= 0 else "in no byte"
        return f"probe {self.probe}, {channels}, {time}, {at} of {self.address}"


@dataclass(frozen=True)
class SessionReferences:
    """References of all probes of a session.

    Attributes
    ----------
    attributes : dict
        Of the root: id of the session, ids of its probes, and whether they are stacked.
    probes : dict
        References of each probe.
    groups : dict
        Of each probe, and of the array of all of them, references for Zarr's readers. Chunks of
        the probes' LFP are left out: Zarr takes 0.25 s to list them, and does not read them.
    templates : dict
        What stands for each address in these.
    """

    attributes: dict[str, Any]
    probes: dict[str, ProbeReferences]
    groups: dict[str, Refs]
    templates: dict[str, str]
