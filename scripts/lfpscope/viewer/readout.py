"""What lies under the cursor."""

from dataclasses import dataclass

import numpy as np

from lfpscope.areas import is_area
from lfpscope.envelope import Probe
from lfpscope.formatting import time_text
from lfpscope.viewer.render import chosen_channels
from lfpscope.viewer.state import State


@dataclass(frozen=True)
class Reading:
    """One sample.

    Attributes
    ----------
    probe : str
        Its probe.
    seconds : float
        Session time of the sample.
    sample, row : int
        Its index in the recording, and the channel's.
    channel : int
        Electrode id.
    depth : float or None
        µm from the tip.
    area : str
        Brain area, as the file names it.
    volts : float
        As stored and scaled; NaN where there is no number.
    """

    probe: str
    seconds: float
    sample: int
    row: int
    channel: int
    depth: float | None
    area: str
    volts: float

    def text(self) -> str:
        """In one line, for the reader."""
        value = "no number" if np.isnan(self.volts) else f"{self.volts * 1e6:.3f} µV"
        parts = [time_text(self.seconds, 4), self.probe, f"channel {self.channel}"]
        parts += [] if self.depth is None else [f"{self.depth:g} µm"]
        parts += [self.area] if is_area(self.area) else []
        return " · ".join([*parts, f"sample {self.sample}", value])


def channel_at(probe: Probe, state: State, height: float) -> int:
    """Which channel lies at a height of the panel, 0 at the bottom and 1 at the top."""
    channels = chosen_channels(probe, state)
    row = int((1 - height) * channels.size)
    return int(channels[min(max(row, 0), channels.size - 1)])


def sample_at(probe: Probe, seconds: float) -> int | None:
    """The sample nearest to a session time; None in gaps and beyond the ends."""
    for segment in probe.references.clock.valid:
        index = round((seconds - segment.t0) / segment.dt)
        if 0 <= index < segment.n_samples:
            return segment.first_sample + index
    return None


def read_sample(probe: Probe, state: State, seconds: float, height: float) -> Reading | None:
    """Read the sample under the cursor; None where the clock has none."""
    row, sample = channel_at(probe, state, height), sample_at(probe, seconds)
    if sample is None:
        return None
    references = probe.references
    depth, area = (references.channels.columns.get(name) for name in ("depth", "area"))
    stored = probe.stored(sample, sample + 1, [row])[0, 0]
    return Reading(
        probe=references.probe,
        seconds=references.clock.seconds(sample),
        sample=sample,
        row=row,
        channel=int(references.channels.id[row]),
        depth=None if depth is None or np.isnan(depth[row]) else float(depth[row]),
        area="" if area is None else str(area[row]),
        volts=float(stored * references.scale[row] + references.add),
    )
