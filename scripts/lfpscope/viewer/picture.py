"""A state → pictures. Slow to import (numba); the server loads it in a thread."""

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt

from lfpscope.envelope.read import OpenProbe, time_range
from lfpscope.envelope.transformed import Stamp, stamp_of_transform
from lfpscope.errors import UserError
from lfpscope.formatting import duration_text
from lfpscope.render.band_map import colour_shares, read_band_map
from lfpscope.render.butterfly import NOBODY, butterfly_picture
from lfpscope.render.heatmap import HEAT_SHARE, amplitude, heat_picture
from lfpscope.render.signed import SIGNED_SHARE, signed_picture, signed_values
from lfpscope.render.smooth_lines import is_smooth, smooth_picture
from lfpscope.render.traces import trace_picture
from lfpscope.render.view import View, read_view
from lfpscope.signals.quantity import POTENTIAL, Quantity
from lfpscope.viewer.asked_views import AskedView
from lfpscope.viewer.auto_gain import BAR, suitable_gain, traces_sizes
from lfpscope.viewer.channel_selection import bad_channels, chosen_rows
from lfpscope.viewer.grid import Grid, read_grid
from lfpscope.viewer.probe_slot import ProbeSlot
from lfpscope.viewer.shown_probe import asked_view, axis_clock, transformed_for
from lfpscope.viewer.view_state import BUTTERFLY, HEAT, SIGNED, State, band_of

EVERY_SAMPLE = "every sample"
NONE_CHOSEN = "no channel of this probe is among those chosen"
KEPT = 12  # pictures: of six probes the first view, for pages opened later, and the one before
LOOKS_KEPT = 6  # what is drawn of a session's probes, for another gain
SHARES = {SIGNED: SIGNED_SHARE, HEAT: HEAT_SHARE}
"""Of the gain, the upper end of the colours."""
FLAPS = 5  # of a butterfly's height is what is large
POWER_ROOM = 2.0  # 6 of 30 dB above what is usual: steps of the gain are up to 8 dB


@dataclass(frozen=True)
class Picture:
    """What a panel shows.

    Attributes
    ----------
    mode : str
        TRACES, SIGNED, HEAT, or the power of a band.
    microvolts : float
        The gain that it was drawn with, in the unit of its quantity.
    pixels : ndarray of uint8, shape (height, width)
        Indices into the mode's palette, the top row first.
    t0, t1 : float
        Session time of its left and right edge, seconds.
    drawn_from : str
        "every sample", or "envelope of so many".
    n_bytes : int
        Of the chunks in the source file that hold the samples drawn; 0 for an envelope.
    seconds : float
        That it took.
    grid : Grid
        Which samples lie in which of its pixels.
    final : bool
        False where it stands in for samples that are still to be read.
    transform : str
        What was done to the samples, or why it was not; empty where nothing was asked for.
    awaits : AskedView or None
        What must be made before it shows what was asked for.
    owners : ndarray of int16, shape (height, width), or None
        Of a butterfly, which row each pixel shows; see `butterfly_picture`.
    quantity : Quantity
        What it shows.
    uncertain_s : float
        So much at each end of a segment depends on how a filter continues it, seconds.
    """

    mode: str
    microvolts: float
    pixels: npt.NDArray[np.uint8]
    t0: float
    t1: float
    drawn_from: str
    n_bytes: int
    seconds: float
    grid: Grid
    final: bool = True
    transform: str = ""
    awaits: AskedView | None = None
    owners: npt.NDArray[np.int16] | None = None
    quantity: Quantity = POTENTIAL
    uncertain_s: float = 0.0

    @property
    def gain_kind(self) -> tuple[str, str]:
        """Pictures of one kind can be drawn at one gain."""
        return self.mode, self.quantity.unit

    def badge(self) -> str:
        """What the picture was drawn from, in words."""
        if not self.final:
            return f"{self.drawn_from} · samples are being read"
        return " · ".join([*([self.transform] if self.transform else []), *self.source()])

    def source(self) -> list[str]:
        """What it was drawn from, and what of that is uncertain."""
        if not self.uncertain_s:
            return [self.drawn_from]
        ends = f"first and last {duration_text(self.uncertain_s)} of each segment"
        return [self.drawn_from, f"{ends} uncertain (hatched)"]

    def cost(self) -> str:
        """What that cost, in words."""
        size = f"{_size_text(self.n_bytes)} of the file, " if self.n_bytes else ""
        return f"{size}{self.seconds * 1e3:.0f} ms"


def _size_text(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.1f} MB" if n_bytes >= 1e5 else f"{n_bytes / 1e3:.1f} kB"


def draw(
    slot: ProbeSlot, state: State, width: int, height: int, ratio: float = 1.0
) -> Picture | UserError:
    """Draw what a page shows of one probe, or say why that cannot be done.

    Parameters
    ----------
    slot, state
        Of what.
    width, height : int
        Pixels of the page.
    ratio : float
        Pixels of the screen in one of the page.
    """
    try:
        with slot.use() as probe:
            if not chosen_rows(probe, state).channels.size:
                return UserError(NONE_CHOSEN)
            labels = stamp_of_transform(probe) if state.transform else ()
            return _drawn(probe, state, width, height, ratio, labels)
    except UserError as error:
        return error
    except OSError as error:
        return UserError(f"probe {slot.name}: {error}")


@lru_cache(KEPT)
def _drawn(
    probe: OpenProbe, state: State, width: int, height: int, ratio: float, _labels: Stamp
) -> Picture:
    return draw_probe(probe, state, width, height, ratio)


def sketch(slot: ProbeSlot, state: State, width: int, height: int) -> Picture | None:
    """Draw from the envelope what is to be drawn from samples that must first be read.

    None where there is nothing to wait for, or too little time for a bucket.
    """
    try:
        with slot.use() as probe:
            return _sketched(probe, state, width, height)
    except (UserError, OSError):
        return None  # what draws from samples says why


def _sketched(probe: OpenProbe, state: State, width: int, height: int) -> Picture | None:
    name = probe.references.probe
    if not chosen_rows(probe, state).channels.size:
        return None
    if state.transform or band_of(state.mode(name, width)):  # no sketch of something else
        return None
    clock, bucket = axis_clock(probe, state.timeline), probe.sizes[0]
    n_samples = math.ceil((state.stop - state.start) / clock.dt)
    pieces = list(time_range(clock, state.start, state.stop))
    if not bucket <= n_samples < bucket * width or not pieces:
        return None
    if all(probe.at_hand(first, stop) for _, first, stop in pieces):
        return None
    state = state.drawn_as(state.mode(name, width), name)  # its columns are wider
    # two columns more: a view is snapped outward
    return replace(draw_probe(probe, state, n_samples // bucket + 2, height), final=False)


def draw_probe(
    probe: OpenProbe, state: State, width: int, height: int, ratio: float = 1.0
) -> Picture:
    """Draw what a page shows of an open probe; for the numbers see `draw`."""
    begin = time.perf_counter()
    # the gain changes more often than what is drawn with it: all probes come to share one
    plain = replace(state, microvolts=0.0, is_auto=False, gain_unit="")
    look = _look(probe, plain, width, ratio)
    probe, view, mode, channels = look.probe, look.view, look.mode, look.channels
    n_rows = round(height * ratio)
    if band_of(mode):
        picture = _draw_power(view, probe, state, (mode, height, n_rows), (channels, look.grey))
        return replace(picture, seconds=time.perf_counter() - begin, transform=look.done)
    values, grey, quantity = look.values, look.grey, probe.quantity
    microvolts = state.microvolts
    if is_auto(state, quantity):
        live = ~grey[channels]
        sizes = traces_sizes(view, probe, channels) if values is None else np.abs(values)
        sizes = sizes[live] / quantity.si
        spacing = height / (FLAPS if mode == BUTTERFLY else max(1, channels.size))
        microvolts = suitable_gain(sizes, mode, spacing)
    volts, owners = microvolts * quantity.si, None
    if mode == BUTTERFLY:
        front = _front(probe, state)
        gain = BAR * ratio / volts
        pixels, owners = butterfly_picture(
            view, probe, n_rows, pixels_per_volt=gain, channels=channels, grey=grey, front=front
        )
    elif values is None:
        gain = BAR * ratio / volts
        smooth = is_smooth(view, ratio)
        draw_traces = partial(smooth_picture, ratio=ratio) if smooth else trace_picture
        pixels = draw_traces(
            view, probe, n_rows, pixels_per_volt=gain, channels=channels, grey=grey
        )
    else:
        draw_map = {SIGNED: signed_picture, HEAT: heat_picture}[mode]
        limit = SHARES[mode] * volts
        pixels = draw_map(
            view, probe, n_rows, volts=limit, channels=channels, grey=grey, values=values
        )
    n_bytes = stored_bytes(probe, state) if view.drawn_from == EVERY_SAMPLE else 0
    seconds = time.perf_counter() - begin
    grid = read_grid(view)
    return Picture(
        mode,
        microvolts,
        pixels,
        view.t0,
        view.t1,
        view.drawn_from,
        n_bytes,
        seconds,
        grid,
        transform=look.done,
        awaits=look.awaits,
        quantity=quantity,
        uncertain_s=probe.uncertain * probe.references.clock.dt,
        owners=owners,
    )


def is_auto(state: State, quantity: Quantity) -> bool:
    """Whether the gain follows what is shown: also where a state's gain is of another quantity."""
    return state.is_auto or state.gain_unit != quantity.unit


def _front(probe: OpenProbe, state: State) -> int:
    """Index of the channel that is shown alone, too; that of none if it is another probe's."""
    name, channel = state.channel or ("", 0)
    found = np.flatnonzero(probe.references.channels.id == channel)
    return int(found[0]) if name == probe.references.probe and found.size else NOBODY


@dataclass(frozen=True)
class _Look:
    """What is drawn of a state, whatever the gain.

    Attributes
    ----------
    probe : OpenProbe
        As recorded or transformed.
    view : View
        Its time range.
    mode : str
        How it is drawn.
    values : ndarray of float, shape (n_channels, view.width), or None
        Of a map, volts.
    channels : ndarray of int
        Which, from the top down.
    grey : ndarray of bool
        Of all channels, the dead and bad ones.
    done : str
        What was done to the samples, or why it was not.
    awaits : AskedView or None
        As of `Picture`.
    """

    probe: OpenProbe
    view: View
    mode: str
    values: npt.NDArray[np.float64] | None
    channels: npt.NDArray[np.int64]
    grey: npt.NDArray[np.bool_]
    done: str
    awaits: AskedView | None


def _look(probe: OpenProbe, state: State, width: int, ratio: float) -> _Look:
    labels = stamp_of_transform(probe) if state.transform else ()
    return _read_look(probe, state, width, ratio, labels)


@lru_cache(LOOKS_KEPT)
def _read_look(probe: OpenProbe, state: State, width: int, ratio: float, _labels: Stamp) -> _Look:
    name = probe.references.probe
    awaits = asked_view(probe, state)
    probe, done = transformed_for(probe, state)
    clock = axis_clock(probe, state.timeline)
    view = read_view(probe, state.start, state.stop, round(width * ratio), clock)
    channels = chosen_rows(probe, state).channels
    grey = probe.dead | bad_channels(probe, state)
    mode = state.mode(name, width)
    if mode == HEAT and not probe.is_summarised:  # amplitude is known from the summary
        mode = SIGNED
    values = None if band_of(mode) else _values(view, probe, mode, channels)
    return _Look(probe, view, mode, values, channels, grey, done, awaits)


def _draw_power(
    view: View,
    probe: OpenProbe,
    state: State,
    look: tuple[str, float, int],
    rows: tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]],
) -> Picture:
    """Draw the power of a band, in decibels, where other maps show microvolts."""
    (mode, height, n_rows), (channels, grey) = look, rows
    clock = axis_clock(probe, state.timeline)
    found = read_band_map(probe, clock, band_of(mode), view.t0, view.t1, view.width)
    microvolts = state.microvolts
    if is_auto(state, POTENTIAL):
        live = POWER_ROOM * found.rms[channels][~grey[channels]] / POTENTIAL.si
        microvolts = suitable_gain(live, HEAT, height / max(1, channels.size))
    shares = colour_shares(found.power[channels], microvolts)
    pixels = heat_picture(
        view, probe, n_rows, volts=1.0, channels=channels, grey=grey, values=shares
    )
    n_bytes = stored_bytes(probe, state) if found.is_live else 0
    words = f"{found.band} · {found.drawn_from}"
    return Picture(mode, microvolts, pixels, view.t0, view.t1, words, n_bytes, 0.0, read_grid(view))


def _values(
    view: View, probe: OpenProbe, mode: str, channels: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64] | None:
    """Volts that a map shows, channel by pixel column; None for traces."""
    if mode == SIGNED:
        return signed_values(view, probe, channels)
    return amplitude(view, probe)[channels] if mode == HEAT else None


def common_gains(pictures: Iterable[Picture]) -> dict[tuple[str, str], float]:
    """Gain that pictures of one kind share, where it follows what is shown: the largest."""
    gains: dict[tuple[str, str], float] = {}
    for one in pictures:
        gains[one.gain_kind] = max(one.microvolts, gains.get(one.gain_kind, 0.0))
    return gains


def with_common_gain(
    state: State, picture: Picture, gains: Mapping[tuple[str, str], float]
) -> State | None:
    """State with the gain that a picture is to share; None where it has it, or has a chosen one."""
    gain = gains[picture.gain_kind]
    if not is_auto(state, picture.quantity) or gain == picture.microvolts:
        return None
    return replace(state.scaled(gain), gain_unit=picture.quantity.unit)


def stored_bytes(probe: OpenProbe, state: State) -> int:
    """Size in the source file of the chunks that hold a view's samples."""
    height, sizes = probe.references.layout.chunks[0], probe.references.lfp.sizes
    rows: set[int] = set()
    clock = axis_clock(probe, state.timeline)
    for _, first, stop in time_range(clock, state.start, state.stop):
        rows |= set(range(first // height, -(-stop // height)))
    return int(sizes[sorted(rows)].sum())
