"""A probe as a recording of SpikeInterface, which reads chunks as it asks for samples.

SpikeInterface 0.103 to 0.105 asks for Zarr 2, of which nothing is needed here: install this package
beside it with ``pip install --no-deps``, and numba, deflate, h5py, numcodecs, requests, botocore.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from lfpscope.clock.segments import Segment
from lfpscope.errors import UserError
from lfpscope.interop.recording_folder import open_probe
from lfpscope.samples.chunk_cache import Samples
from lfpscope.samples.chunk_reader import Source
from lfpscope.typing import Array

try:
    from spikeinterface.core import BaseRecording, BaseRecordingSegment
except ImportError:
    raise UserError(
        "spikeinterface is not installed. Install it: pip install spikeinterface."
    ) from None


RATE_TOLERANCE = 1e-3  # by which the rate of segments may differ


class ReferencedRecording(BaseRecording):  # type: ignore[misc]
    """The LFP of one probe, read from its NWB file by the references of the pipeline.

    Each stretch of samples whose clock runs evenly is a segment, with its session time; stretches
    without a time are left out. Samples are as stored, with gains and offsets to µV. Channels have
    ``location`` (across the probe and depth, µm) and ``brain_area`` where the file says them.

    Parameters
    ----------
    session : str or Path
        The folder of a session's results.
    probe : str
        Its id.
    """

    def __init__(self, session: str | Path, probe: str) -> None:
        references = open_probe(session, probe)
        clock, channels = references.clock, references.channels
        samples = Samples(Source(references))
        BaseRecording.__init__(self, 1 / clock.dt, channels.id, samples.dtype)
        for one in clock.valid:
            if abs(one.dt - clock.dt) > RATE_TOLERANCE * clock.dt:
                raise UserError(
                    f"{references.file}: segments of {1 / clock.dt:g} and {1 / one.dt:g} Hz "
                    "(expected one sampling rate). Use lfpscope.open_session."
                )
            self.add_recording_segment(_Segment(samples, one))
        self.set_channel_gains(references.scale * 1e6)
        self.set_channel_offsets(np.full(channels.id.size, references.add * 1e6))
        columns = channels.columns
        if "depth" in columns and channels.depth_axis and channels.depth_axis.unit == "µm":
            across = columns.get("across", np.zeros(channels.id.size))
            self.set_channel_locations(np.stack([across, columns["depth"]], axis=1))
        if "area" in columns:
            self.set_property("brain_area", columns["area"])
        self._kwargs = {"session": str(Path(session).absolute()), "probe": probe}


class _Segment(BaseRecordingSegment):  # type: ignore[misc]
    def __init__(self, samples: Samples, clock: Segment) -> None:
        BaseRecordingSegment.__init__(self, sampling_frequency=1 / clock.dt, t_start=clock.t0)
        self._samples, self._first, self._n = samples, clock.first_sample, clock.n_samples

    def get_num_samples(self) -> int:
        return self._n

    def get_traces(
        self,
        start_frame: int | None = None,
        end_frame: int | None = None,
        channel_indices: slice | Iterable[int] | None = None,
    ) -> Array:
        first, stop, _ = slice(start_frame, end_frame).indices(self._n)
        everything: Any = np.arange(self._samples.source.references.n_channels)
        wanted = everything if channel_indices is None else everything[channel_indices]
        return self._samples.read(self._first + first, self._first + stop, wanted.tolist()).T
