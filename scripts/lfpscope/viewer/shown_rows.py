"""What lies at the heights of a panel: channels, depths, areas."""

import numpy as np
import numpy.typing as npt

from lfpscope.envelope.read import OpenProbe
from lfpscope.nwb.areas import is_area
from lfpscope.render.rows import Rows
from lfpscope.viewer.channel_selection import chosen_rows
from lfpscope.viewer.depth_scale import Window
from lfpscope.viewer.labels import has_depth
from lfpscope.viewer.picture import Picture
from lfpscope.viewer.readout import channel_at
from lfpscope.viewer.view_state import State

NEAR = 4  # pixel columns beside the mouse in which a line is looked for


class ShownRows:
    """The rows of a panel; heights go from 0 at the bottom to 1 at the top.

    Parameters
    ----------
    probe : OpenProbe
        Open.

    Attributes
    ----------
    shown : Picture or None
        What is on the page now.
    window : Window
        Heights of its edges.
    """

    def __init__(self, probe: OpenProbe) -> None:
        self.probe, self._name = probe, probe.references.probe
        self._rows = Rows(np.empty(0, np.int64), ())
        self.shown: Picture | None = None
        self._is_butterfly = False  # asked for
        self.window = Window()

    def channels_between(self, low: float, high: float) -> list[int]:
        """Electrode ids between two heights of the panel, 0 at the bottom and 1 at the top."""
        return [int(one) for one in self.probe.references.channels.id[self._between(low, high)]]

    def depths_between(self, low: float, high: float) -> tuple[float, float] | None:
        """Lowest and highest depth between two heights; None where rows are in no such order."""
        if self.lacks_depths:
            return None
        depths = self.probe.references.channels.columns.get("depth", np.empty(0))
        here = depths[self._between(low, high)] if depths.size else depths
        known = here[np.isfinite(here)]
        return (float(known.min()), float(known.max())) if known.size else None

    def _between(self, low: float, high: float) -> npt.NDArray[np.int64]:
        channels = self._rows.channels
        if self._is_butterfly:
            return channels
        n = channels.size
        first, last = (max(min(int((1 - height) * n), n - 1), 0) for height in (high, low))
        return channels[first : last + 1]

    @property
    def lacks_depths(self) -> str:
        """Why no depths can be chosen here; empty where they can."""
        if self._is_butterfly:
            return "Channels lie over one another here: depths are chosen in other modes."
        column = self._rows.column
        return f"The rows follow {column}: depths are chosen where they follow these." * bool(
            column
        )

    def row_height(self, seconds: float, height: float) -> float | None:
        """Height of the row that is shown at a place: of a butterfly that of the nearest line."""
        if not 0 <= height <= 1:
            return None
        if self.shown is None or self.shown.owners is None:
            return height
        row = nearest_owner(self.shown, seconds, height)
        return None if row is None else 1 - (row + 0.5) / max(1, self._rows.channels.size)

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
        if self.lacks_depths:
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


def nearest_owner(picture: Picture, seconds: float, height: float) -> int | None:
    """Row whose line lies nearest to a place of a butterfly; None where there is none near."""
    owners = picture.owners
    if owners is None:
        return None
    n_rows, width = owners.shape
    column = int((seconds - picture.t0) / (picture.t1 - picture.t0) * width)
    first = max(column - NEAR, 0)
    near = owners[:, first : max(column + NEAR + 1, 0)]
    rows, columns = np.nonzero(near >= 0)
    if not rows.size:
        return None
    away = np.hypot(rows + 0.5 - (1 - height) * n_rows, columns + first - column)
    nearest = int(away.argmin())
    return int(near[rows[nearest], columns[nearest]])
