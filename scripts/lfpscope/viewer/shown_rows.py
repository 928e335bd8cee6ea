"""What lies at the heights of a panel: channels, depths, areas."""

import numpy as np
import numpy.typing as npt

from lfpscope.envelope.read import OpenProbe
from lfpscope.nwb.areas import is_area
from lfpscope.render.rows import Rows
from lfpscope.viewer.channel_selection import chosen_rows
from lfpscope.viewer.labels import has_depth
from lfpscope.viewer.readout import channel_at
from lfpscope.viewer.view_state import State


class ShownRows:
    """The rows of a panel; heights go from 0 at the bottom to 1 at the top.

    Parameters
    ----------
    probe : OpenProbe
        Open.
    """

    def __init__(self, probe: OpenProbe) -> None:
        self.probe, self._name = probe, probe.references.probe
        self._rows = Rows(np.empty(0, np.int64), ())

    def channels_between(self, low: float, high: float) -> list[int]:
        """Electrode ids between two heights of the panel, 0 at the bottom and 1 at the top."""
        return [int(one) for one in self.probe.references.channels.id[self._between(low, high)]]

    def depths_between(self, low: float, high: float) -> tuple[float, float] | None:
        """Lowest and highest depth between two heights; None where rows are in no such order."""
        if self.sorted_by:
            return None
        depths = self.probe.references.channels.columns.get("depth", np.empty(0))
        here = depths[self._between(low, high)] if depths.size else depths
        known = here[np.isfinite(here)]
        return (float(known.min()), float(known.max())) if known.size else None

    def _between(self, low: float, high: float) -> npt.NDArray[np.int64]:
        channels = self._rows.channels
        n = channels.size
        first, last = (max(min(int((1 - height) * n), n - 1), 0) for height in (high, low))
        return channels[first : last + 1]

    @property
    def sorted_by(self) -> str:
        """What its rows follow; empty where that is the depth."""
        return self._rows.column

    @property
    def depth_range(self) -> tuple[float, float] | None:
        """Lowest and highest depth of the channels; None where none is known."""
        channels = self.probe.references.channels
        if not has_depth(channels):
            return None
        depths = channels.columns["depth"]
        return float(np.nanmin(depths)), float(np.nanmax(depths))

    def depth_at(self, state: State, height: float) -> float | None:
        """Depth of the channel at a height; None where it is not known, or rows follow others."""
        if self.sorted_by:
            return None
        depths = self.probe.references.channels.columns.get("depth")
        row = channel_at(self.probe, state, height)
        depth = np.nan if depths is None or row is None else depths[row]
        return float(depth) if np.isfinite(depth) else None

    def electrode_at(self, state: State, height: float) -> tuple[str, int] | None:
        """Probe and electrode id at a height of the panel; None where no channel is shown."""
        row = channel_at(self.probe, state, height)
        return None if row is None else (self._name, int(self.probe.references.channels.id[row]))

    def electrode_beside(self, state: State, channel: int, step: int) -> tuple[str, int] | None:
        """Probe and electrode id of the channel some rows below one that is shown, if there is."""
        shown = self.probe.references.channels.id[chosen_rows(self.probe, state).channels].tolist()
        at = shown.index(channel) + step if channel in shown else 0
        return (self._name, int(shown[min(max(at, 0), len(shown) - 1)])) if shown else None

    def area_at(self, state: State, height: float) -> str:
        """Brain area at a height of the panel; empty where the file names none."""
        areas = self.probe.references.channels.columns.get("area")
        row = channel_at(self.probe, state, height)
        area = "" if areas is None or row is None else str(areas[row])
        return area if is_area(area) else ""

    def n_channels(self, state: State) -> int:
        """How many channels a state shows."""
        return chosen_rows(self.probe, state).channels.size
