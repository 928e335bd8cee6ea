"""What lies under the cursor."""

from dataclasses import dataclass

import numpy as np

from lfpscope.clock.segments import Clock, Segment
from lfpscope.envelope.read import OpenProbe
from lfpscope.nwb.areas import is_area
from lfpscope.render.band_map import decibels, read_band_map
from lfpscope.signals.quantity import POTENTIAL, Quantity
from lfpscope.viewer.channel_selection import chosen_rows
from lfpscope.viewer.gaps import UNCERTAIN_TEXT
from lfpscope.viewer.grid import Grid
from lfpscope.viewer.shown_probe import axis_clock, transformed_for
from lfpscope.viewer.times import time_of
from lfpscope.viewer.view_state import State, band_of


@dataclass(frozen=True)
class Reading:
    """One sample, or the samples of one pixel column.

    Attributes
    ----------
    probe : str
        Its probe.
    seconds : float
        Axis time of the first sample.
    sample, row : int
        Index in the recording of the first sample, and the channel's.
    channel : int
        Electrode id.
    depth : float or None
        In the unit of its axis.
    unit, area : str
        Of the depth, and brain area, as the file names it.
    n_samples : int
        How many samples.
    low, high : float
        Of the samples, volts, as stored and scaled; NaN where there is no number.
    rms : float
        About the line of the block, volts; NaN for a single sample.
    band : str
        Power of the band that is drawn, in words; empty where none is.
    quantity : Quantity
        What the values are; `low`, `high` and `rms` are in its SI unit.
    why_none : str
        Why there is no number, where it is for a transform; else empty.
    is_uncertain : bool
        Whether some of the samples depend on how a filter continues the end of a segment.
    """

    probe: str
    seconds: float
    sample: int
    row: int
    channel: int
    depth: float | None
    unit: str
    area: str
    n_samples: int
    low: float
    high: float
    rms: float
    band: str = ""
    quantity: Quantity = POTENTIAL
    why_none: str = ""
    is_uncertain: bool = False

    def text(self, state: State) -> str:
        """In one line, for the reader."""
        parts = [time_of(state.timeline, self.seconds, 4), self.probe, f"channel {self.channel}"]
        parts += [] if self.depth is None else [f"{self.depth:g} {self.unit}".strip()]
        parts += [self.area] if is_area(self.area) else []
        parts += [*self._values(), self.band, UNCERTAIN_TEXT if self.is_uncertain else ""]
        return " · ".join(filter(None, parts))

    def _values(self) -> list[str]:
        none = f"no number: {self.why_none}" if self.why_none else "no number"
        if self.n_samples == 1:
            value = none if np.isnan(self.low) else self.quantity.values_text(self.low)
            return [f"sample {self.sample}", value]
        if np.isnan(self.low):
            return [f"{self.n_samples} samples", none]
        extremes = self.quantity.values_text(self.low, self.high)
        rms = "" if np.isnan(self.rms) else f"RMS {self.quantity.values_text(self.rms, form='.3g')}"
        return [f"{self.n_samples} samples", extremes, rms]  # an RMS of a summary alone


def channel_at(probe: OpenProbe, state: State, height: float) -> int | None:
    """Which channel lies at a height of the panel, 0 at the bottom and 1 at the top, if any."""
    channels = chosen_rows(probe, state).channels
    if not channels.size:
        return None
    row = int((1 - height) * channels.size)
    return int(channels[min(max(row, 0), channels.size - 1)])


def sample_at(clock: Clock, seconds: float) -> tuple[Segment, int] | None:
    """The segment and the sample nearest to a time; None in gaps and beyond the ends."""
    for segment in clock.valid:
        index = round((seconds - segment.t0) / segment.dt)
        if 0 <= index < segment.n_samples:
            return segment, segment.first_sample + index
    return None


def read_values(
    probe: OpenProbe, state: State, seconds: float, height: float, grid: Grid | None = None
) -> Reading | None:
    """Read what is drawn under the cursor; None where there is no channel or no sample.

    Parameters
    ----------
    probe : OpenProbe
        Whose.
    state : State
        What the page shows.
    seconds : float
        Axis time.
    height : float
        Of the panel, 0 at the bottom and 1 at the top.
    grid : Grid, optional
        Of the picture on the page; without one the nearest sample is read.
    """
    row = channel_at(probe, state, height)
    if row is None:
        return None
    probe, _ = transformed_for(probe, state)
    if grid is not None and not grid.shows_samples:
        pieces = grid.samples_at(seconds)
        if not pieces:
            return None
        low, high, rms = _read_pieces(probe, pieces, grid.step, row)
    else:
        nearest = sample_at(axis_clock(probe, state.timeline), seconds)
        if nearest is None:
            return None
        segment, sample = nearest
        pieces = [(segment, sample, sample + 1)]
        stored = probe.stored(sample, sample + 1, [row])[0, 0]
        low = high = float(stored * probe.references.scale[row] + probe.references.add)
        rms = float("nan")
    segment, sample, _ = pieces[0]
    channels = probe.references.channels
    depth, area = (channels.columns.get(name) for name in ("depth", "area"))
    return Reading(
        probe=probe.references.probe,
        seconds=segment.t0 + (sample - segment.first_sample) * segment.dt,
        sample=sample,
        row=row,
        channel=int(channels.id[row]),
        depth=None if depth is None or np.isnan(depth[row]) else float(depth[row]),
        unit="" if channels.depth_axis is None else channels.depth_axis.unit,
        area="" if area is None else str(area[row]),
        n_samples=sum(stop - first for _, first, stop in pieces),
        low=low,
        high=high,
        rms=rms,
        band=_band_power(probe, state, row, seconds, grid),
        quantity=probe.quantity,
        why_none=probe.why_no_number(row),
        is_uncertain=any(touches_end(*piece, probe.uncertain) for piece in pieces),
    )


def touches_end(segment: Segment, first: int, stop: int, uncertain: int) -> bool:
    """Whether one of some samples lies so near an end of its segment that it is uncertain."""
    begin, end = segment.first_sample + uncertain, segment.stop_sample - uncertain
    return uncertain > 0 and (first < begin or stop > end)


def _band_power(probe: OpenProbe, state: State, row: int, seconds: float, grid: Grid | None) -> str:
    """Power of the band that is drawn in the pixel column at a time; empty where none is."""
    band = band_of(dict(state.modes).get(probe.references.probe, ""))
    if not band or grid is None:
        return ""
    clock = axis_clock(probe, state.timeline)
    found = read_band_map(probe, clock, band, grid.t0, grid.t1, grid.width)
    pixel = int((seconds - grid.t0) / (grid.t1 - grid.t0) * grid.width)
    power = found.power[row, min(max(pixel, 0), grid.width - 1)]
    if np.isnan(power):
        return f"{found.band}: no window"
    level, rms = float(decibels(power)), float(np.sqrt(power)) * 1e6
    return f"{found.band}: {level:.1f} dB re 1 µV² (RMS {rms:.3g} µV) in {found.drawn_from}"


def _read_pieces(
    probe: OpenProbe, pieces: list[tuple[Segment, int, int]], step: int, row: int
) -> tuple[float, float, float]:
    """Lowest and highest value, and RMS, of one channel in samples of some segments, volts."""
    low, high, squares, n = np.nan, np.nan, 0.0, 0
    for segment, first, stop in pieces:
        columns = probe.columns(segment, first, stop, step)
        volts = probe.volts(columns.values[1:3])[:, row]
        low, high = np.fmin(low, np.fmin.reduce(volts[0])), np.fmax(high, np.fmax.reduce(volts[1]))
        amplitude = probe.amplitude(columns)
        squares += float(amplitude.squares[row].sum())
        n += int(amplitude.n[row].sum())
    return float(low), float(high), float(np.sqrt(squares / n)) if n else float("nan")
