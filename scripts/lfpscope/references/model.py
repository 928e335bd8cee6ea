"""References of one probe, opened for reading.

The format is kerchunk's JSON, version 1, with Zarr version 2 metadata
(https://fsspec.github.io/kerchunk/spec.html).
"""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.clock.segments import Clock
from lfpscope.doubts import Doubt
from lfpscope.hdf5.describe_layout import describe_layout as describe_layout
from lfpscope.hdf5.layout import Layout as Layout
from lfpscope.nwb.electrodes import Channels, DepthAxis


@dataclass(frozen=True)
class References:
    """References of one probe, opened for reading by `lfpscope.samples.chunk_reader`.

    Attributes
    ----------
    file : Path
        The JSON.
    address : str
        Where the bytes are.
    layout : Layout
        Of the data, (time, channel).
    offsets, sizes : ndarray of int64, shape of the chunk grid
        Where each chunk lies; an offset of −1 where it is missing.
    inlined : dict
        Bytes of the chunks that the JSON itself holds, by grid position.
    scale : ndarray of float64, shape (n_channels,)
        Volts per stored unit of each channel.
    add : float
        Volts at a stored zero.
    clock : Clock
        Sample index ↔ seconds.
    clock_is_exact : bool
        Whether it was made from all timestamps. Where not, the envelope holds the one that was.
    channels : Channels
        Electrode ids, depth, area and so on.
    session, probe, series : str
        Where the recording belongs.
    provenance : dict
        Address, size, modification time and checksums of the source when it was indexed.
    doubts : tuple of Doubt
        What is uncertain about it, as far as indexing could see.
    """

    file: Path
    address: str
    layout: Layout
    offsets: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    inlined: dict[tuple[int, int], bytes]
    scale: npt.NDArray[np.float64]
    add: float
    clock: Clock
    clock_is_exact: bool
    channels: Channels
    session: str
    probe: str
    series: str
    provenance: dict[str, Any]
    doubts: tuple[Doubt, ...] = ()

    @property
    def n_samples(self) -> int:
        """Samples per channel."""
        return self.layout.shape[0]

    @property
    def n_channels(self) -> int:
        """Channels."""
        return self.layout.shape[1]

    @property
    def places(self) -> int:
        """CRC-32 of where the chunks lie: a file of other samples has them elsewhere."""
        return zlib.crc32(self.sizes.tobytes(), zlib.crc32(self.offsets.tobytes()))

    def describe_chunk(self, row: int, column: int) -> str:
        """Words for a chunk: its probe, channels, time and place in the file."""
        first, left = row * self.layout.chunks[0], column * self.layout.chunks[1]
        last = min(first + self.layout.chunks[0], self.n_samples) - 1
        ids = self.channels.id[left : left + self.layout.chunks[1]]
        channels = f"channel {ids[0]}" if ids.size == 1 else f"channels {ids[0]} to {ids[-1]}"
        start, stop = self.clock.seconds(first), self.clock.seconds(last)
        time = f"{start:.3f} to {stop:.3f} s" if start <= stop else f"samples {first} to {last}"
        offset = int(self.offsets[row, column])
        place = f"byte {offset}" if offset >= 0 else "in no byte"
        return f"probe {self.probe}, {channels}, {time}, {place} of {self.address}"


def depth_axis_of(attributes: dict[str, Any]) -> DepthAxis:
    """Read the depth axis from the attributes of the depth variable."""
    unit = "" if attributes["units"] == "unknown" else attributes["units"].replace("um", "µm")
    is_downward = attributes["positive"] == "down"
    return DepthAxis(attributes["column"], attributes["long_name"], unit, is_downward)
