"""One channel of a view, in the unit of what is shown."""

from dataclasses import dataclass

import numpy as np

from lfpscope.envelope.read import OpenProbe
from lfpscope.nwb.areas import is_area
from lfpscope.render.view import Part, read_view
from lfpscope.signals.quantity import POTENTIAL, Quantity
from lfpscope.typing import Floats
from lfpscope.viewer.shown_probe import axis_clock, transformed_for
from lfpscope.viewer.view_state import State


@dataclass(frozen=True)
class ChannelTrace:
    """What one channel does in the time that a page shows.

    Attributes
    ----------
    text : str
        Which channel, and its statistics.
    left, right : ndarray of float64, shape (n,)
        Edges of pixel columns, axis time; equal where a column is one sample.
    low, high : ndarray of float64, shape (n,)
        Lowest and highest value from the sample before a column to its last one, in `unit`; NaN
        where there is no number, and between segments.
    unit : str
        Of the values.
    """

    text: str
    left: Floats
    right: Floats
    low: Floats
    high: Floats
    unit: str = POTENTIAL.unit

    @property
    def is_samples(self) -> bool:
        """Whether each column is one sample."""
        return bool((self.left == self.right).all())


def read_trace(probe: OpenProbe, state: State, width: int, channel: int) -> ChannelTrace:
    """Read one channel of what a page shows, in at most some pixels' width.

    Parameters
    ----------
    probe : OpenProbe
        Whose.
    state : State
        What the page shows.
    width : int
        Pixels.
    channel : int
        Electrode id.
    """
    recorded, (probe, done) = probe, transformed_for(probe, state)
    clock = axis_clock(probe, state.timeline)
    view = read_view(probe, state.start, state.stop, width, clock)
    row = int(np.flatnonzero(probe.references.channels.id == channel)[0])
    parts = [_columns(part, probe, row) for part in view.parts]
    columns = np.concatenate(parts, axis=1) if parts else np.empty((4, 0))
    words = _describe(recorded, row, columns[2:], probe.quantity)
    text = f"{words} · {done}" if done else words
    left, right, low, high = columns
    return ChannelTrace(text, left, right, low, high, probe.quantity.unit)


def _columns(part: Part, probe: OpenProbe, row: int) -> Floats:
    """Left, right, low and high of the columns of a segment, and a gap after them."""
    columns, segment = part.columns, part.columns.segment
    first, low, high, last = probe.volts(columns.values)[:, row] / probe.quantity.si
    if columns.step > 1:  # a line leads from each column to the next
        low[1:], high[1:] = np.fmin(low[1:], last[:-1]), np.fmax(high[1:], last[:-1])
    starts = columns.first_sample + np.arange(first.size) * columns.step - segment.first_sample
    left = segment.t0 + starts * segment.dt
    right = left + (columns.step * segment.dt if columns.step > 1 else 0.0)
    stacked = np.stack([left, right, low, high])
    return np.concatenate([stacked, [[left[-1]], [right[-1]], [np.nan], [np.nan]]], axis=1)


def _describe(probe: OpenProbe, row: int, shown: Floats, quantity: Quantity) -> str:
    channels = probe.references.channels
    words = [probe.references.probe, f"channel {channels.id[row]}"]
    depth, area = (channels.columns.get(name) for name in ("depth", "area"))
    if depth is not None and np.isfinite(depth[row]):
        unit = "" if channels.depth_axis is None else channels.depth_axis.unit
        words.append(f"{depth[row]:g} {unit}".strip())
    words += [str(area[row])] if area is not None and is_area(str(area[row])) else []
    if np.isfinite(shown).any():
        words.append(f"here {np.nanmin(shown):.1f} … {np.nanmax(shown):.1f} {quantity.unit}")
    elif quantity.formula:
        words.append(f"no {quantity.name} here: at the end of a column, left out, or no depth")
    mean, std = probe.mean[row] * 1e6, probe.std[row] * 1e6
    recording = "of the recording" if quantity == POTENTIAL else "as recorded"
    words.append(f"{recording}: mean {mean:.1f} µV, SD {std:.1f} µV")
    words += ["dead"] if probe.dead[row] else []
    words += ["saturated"] if probe.saturated[row] else []
    return " · ".join(words)
