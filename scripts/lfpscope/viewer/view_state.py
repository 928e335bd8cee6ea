"""What a page shows, as plain data, and its form in the address bar."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from lfpscope.clock.timeline import Timeline

SHORTEST = 1e-3  # seconds that a page shows at least
PAGE = 0.9  # of a page that a step moves, so that the eye finds its place again
STEPS = [float(f"{factor}e{power}") for power in range(-3, 7) for factor in (1, 2, 5)]
SPACINGS = (0, 8, 16, 32, 64)  # pixels from channel to channel; 0 for what fits
TRACES, HEAT = "traces", "heat"
WITHOUT_BREAKS = Timeline(())


@dataclass(frozen=True)
class State:
    """What one page shows.

    Attributes
    ----------
    start, stop : float
        Axis time, seconds: session time where `timeline` has no break.
    microvolts : float
        The gain: what the scale bar stands for.
    probes : tuple of str
        All probes of the session that can be shown, in their order.
    hidden, heat : frozenset of str
        Those that are not shown, and those that are shown as heat map.
    areas : frozenset of str
        Brain areas whose channels are shown; all if empty.
    every : int
        Of these channels, every n-th is shown.
    depths : (float, float) or None
        And only those between these depths, in the unit of their axis.
    spacing : int
        Pixels from one channel to the next; 0 for what fits the window.
    timeline : Timeline
        Of all probes of the session.
    bad : frozenset of (str, int)
        Probe and electrode id of channels that were marked as bad: they are drawn grey.
    """

    start: float
    stop: float
    microvolts: float
    probes: tuple[str, ...] = ()
    hidden: frozenset[str] = frozenset()
    heat: frozenset[str] = frozenset()
    areas: frozenset[str] = frozenset()
    every: int = 1
    depths: tuple[float, float] | None = None
    spacing: int = 0
    timeline: Timeline = WITHOUT_BREAKS
    bad: frozenset[tuple[str, int]] = frozenset()

    @property
    def pieces(self) -> list[tuple[float, float]]:
        """Session times of what the page shows: a pair for each stretch of the timeline."""
        return session_pieces(self.timeline, self.start, self.stop)

    @property
    def shown(self) -> tuple[str, ...]:
        """Probes on the page."""
        return tuple(name for name in self.probes if name not in self.hidden)

    def at(self, start: float, stop: float) -> "State":
        """Show another range: never empty, and in the right order."""
        start, stop = sorted([start, stop])
        middle, half = (start + stop) / 2, max(stop - start, SHORTEST) / 2
        return replace(self, start=middle - half, stop=middle + half)

    def page(self, pages: float) -> "State":
        """Move on, or back, by pages."""
        by = pages * PAGE * (self.stop - self.start)
        return self.at(self.start + by, self.stop + by)

    def zoom(self, factor: float) -> "State":
        """Show `factor` times as much time, about the same middle."""
        middle, half = (self.start + self.stop) / 2, (self.stop - self.start) / 2 * factor
        return self.at(middle - half, middle + half)

    def around(self, start: float, stop: float) -> "State":
        """Show a stretch in the middle: wholly, and large enough to be seen."""
        half, span = (self.stop - self.start) / 2, stop - start
        if span > 0:
            half = min(max(half, 0.55 * span), 10 * span)
        return self.at((start + stop) / 2 - half, (start + stop) / 2 + half)

    def louder(self, steps: int) -> "State":
        """Make traces larger by steps of the scale 1, 2, 5, 10 …, or smaller."""
        at = STEPS.index(round_scale(self.microvolts)) - steps
        return replace(self, microvolts=STEPS[min(max(at, 0), len(STEPS) - 1)])

    def wider(self, steps: int) -> "State":
        """Put channels farther apart by steps, or nearer together."""
        nearest = min(SPACINGS, key=lambda one: abs(one - self.spacing))
        at = SPACINGS.index(nearest) + steps
        return replace(self, spacing=SPACINGS[min(max(at, 0), len(SPACINGS) - 1)])

    def to_query(self) -> str:
        """For the address bar: what is behind the question mark."""
        fields = {"t": f"{self.start:.6f}-{self.stop:.6f}", "gain": f"{self.microvolts:g}"}
        if self.hidden:
            fields["probes"] = ",".join(self.shown)
        if self.heat:
            heat = HEAT if self.heat >= set(self.probes) else ",".join(sorted(self.heat))
            fields["mode"] = heat
        if self.areas:
            fields["areas"] = ",".join(sorted(self.areas))
        if self.every > 1:
            fields["every"] = str(self.every)
        if self.depths:
            fields["depths"] = depths_text(self.depths)
        if self.spacing:
            fields["spacing"] = str(self.spacing)
        return urlencode(fields, safe=",")


def session_pieces(timeline: Timeline, start: float, stop: float) -> list[tuple[float, float]]:
    """Session times of a range of axis time: a pair for each stretch that it touches."""
    if not timeline.breaks:
        return [(start, stop)]
    return [
        (one.start + max(start, one.at) - one.at, one.start + min(stop, one.end) - one.at)
        for one in timeline.stretches
        if start < one.end and stop > one.at
    ]


def from_query(query: Mapping[str, str], default: State) -> tuple[State, list[str]]:
    """Read an address.

    Parameters
    ----------
    query : mapping of str
        Its fields; those that are not ours are left alone.
    default : State
        For what it does not say.

    Returns
    -------
    state : State
        What it says, as far as it can be understood.
    doubts : list of str
        Fields that could not be understood.
    """
    readers = {
        "t": _read_times,
        "gain": _read_gain,
        "probes": _read_probes,
        "mode": _read_mode,
        "areas": _read_areas,
        "every": _read_every,
        "depths": _read_depths,
        "spacing": _read_spacing,
    }
    state, doubts = default, []
    for name, reader in readers.items():
        if name in query:
            try:
                state = reader(state, query[name])
            except ValueError:
                doubts.append(f"{name}={query[name]}")
    return state, doubts


NUMBER = r"(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)"


def _read_times(state: State, text: str) -> State:
    return state.at(*_read_pair(text))


def _read_pair(text: str) -> tuple[float, float]:
    match = re.fullmatch(f"{NUMBER}-{NUMBER}", text)
    if match is None or not all(math.isfinite(float(one)) for one in match.groups()):
        raise ValueError(text)
    return float(match[1]), float(match[2])


def _read_gain(state: State, text: str) -> State:
    if not 0 < float(text) < math.inf:
        raise ValueError(text)
    return replace(state, microvolts=round_scale(float(text)))


def _read_probes(state: State, text: str) -> State:
    return replace(state, hidden=frozenset(state.probes) - _known(text, state.probes))


def _read_mode(state: State, text: str) -> State:
    everything = {HEAT: frozenset(state.probes), TRACES: frozenset[str]()}
    heat = everything[text] if text in everything else _known(text, state.probes)
    return replace(state, heat=heat)


def _known(text: str, names: Iterable[str]) -> frozenset[str]:
    found = frozenset(text.split(","))
    if not found <= set(names):
        raise ValueError(text)
    return found


def _read_areas(state: State, text: str) -> State:
    return replace(state, areas=frozenset(name for name in text.split(",") if name))


def _read_every(state: State, text: str) -> State:
    if int(text) < 1:
        raise ValueError(text)
    return replace(state, every=int(text))


def _read_spacing(state: State, text: str) -> State:
    if not 0 <= int(text) <= SPACINGS[-1]:
        raise ValueError(text)
    return replace(state, spacing=int(text))


def _read_depths(state: State, text: str) -> State:
    return replace(state, depths=read_depths(text))


def read_depths(text: str) -> tuple[float, float] | None:
    """Lowest and highest depth, µm, from "500-1500"; None from nothing, for all.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if not text.strip():
        return None
    low, high = sorted(_read_pair(text.strip().replace(" ", "").replace("–", "-")))
    return low, high


def depths_text(depths: tuple[float, float] | None) -> str:
    """Depths as `read_depths` reads them."""
    return "" if depths is None else "{:g}-{:g}".format(*depths)


# --- numbers and words --------------------------------------------------------------------------


def round_scale(microvolts: float) -> float:
    """The nearest of 1, 2, 5, 10, 20, 50 … µV."""
    if not microvolts > 0:
        return 100.0
    return min(STEPS, key=lambda step: abs(math.log(step / microvolts)))


def read_time(text: str) -> float:
    """Session time, seconds, from "62.5", "1:02.5" or "0:01:02.5".

    Raises
    ------
    ValueError
        If it is none of these.
    """
    if not re.fullmatch(r"[-−]?(\d+:){0,2}\d+(\.\d*)?", text.strip()):
        raise ValueError(text)
    sign = -1 if text.strip()[0] in "-−" else 1
    seconds = 0.0
    for part in text.strip().lstrip("-−").split(":"):
        seconds = seconds * 60 + float(part)
    return sign * seconds
