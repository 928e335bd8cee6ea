"""What a page shows, as plain data, and its form in the address bar."""

import math
import re
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from lfpscope.clock.timeline import Timeline

SHORTEST = 1e-3  # seconds that a page shows at least
ONSET = 0.25  # of a page that lies before the start of an interval
PAGE = 0.9  # of a page that a step moves, so that the eye finds its place again
STEPS = [float(f"{factor}e{power}") for power in range(-3, 7) for factor in (1, 2, 5)]
SPACINGS = (0, 8, 16, 32, 64)  # pixels from channel to channel; 0 for what fits
TRACES, SIGNED, HEAT, BUTTERFLY = "traces", "signed", "heat", "butterfly"
MODES = {TRACES: "traces", SIGNED: "signed map", HEAT: "amplitude", BUTTERFLY: "butterfly"}
"""How a probe is drawn, in words."""
POWER = "power "  # before the name of a band: a mode of its own
COARSE = 0.02  # seconds in a pixel: from there on the amplitude is drawn unless a mode was chosen
AUTO = "auto"  # gain
HIDDEN = "hidden"  # bad channels
COMMON = "common"  # scale of depth
NO_AREA = "no area"  # of channels for which the file names none, among the areas
WITHOUT_BREAKS = Timeline(())


def is_mode(text: str) -> bool:
    """Whether a probe can be drawn so: one of MODES, or the power of some band."""
    return text in MODES or (text.startswith(POWER) and len(text) > len(POWER))


def band_of(mode: str) -> str:
    """Name of the band whose power a mode shows; empty for the others."""
    return mode.removeprefix(POWER) if mode.startswith(POWER) else ""


@dataclass(frozen=True)
class State:
    """What one page shows.

    Attributes
    ----------
    start, stop : float
        Axis time, seconds: session time where `timeline` has no break.
    microvolts : float
        The gain: what the scale bar stands for, in µV or `gain_unit`.
    is_auto : bool
        Whether the gain follows what is shown instead.
    channel : (str, int) or None
        Probe and electrode id of the channel that is shown alone, too.
    where : str
        And only those for which this expression is true, see `find_channels`; all if empty.
    sort : str
        Columns that the rows are sorted by, see `sort_rows`; by depth if empty.
    shares_depths : bool
        Whether a unit of depth is as high in the panels of all probes, see `common_windows`.
    by_hand : frozenset of (str, int, str)
        Probe, electrode id and label of channels labelled by hand, once that has been read.
    transform : str
        What is done to the samples before they are drawn, see `parse_transform`.
    probes : tuple of str
        All probes of the session that can be shown, in their order.
    hidden : frozenset of str
        Those that are not shown.
    modes : frozenset of (str, str)
        Probes and how the user wants them drawn; the others are drawn as suits the zoom.
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
    hides_bad : bool
        Whether these, and channels labelled dead or noisy, are not shown.
    left_out : frozenset of (str, int)
        Probe and electrode id of channels labelled dead or noisy, once that has been read.
    without : frozenset of str
        Lines of the lane of intervals that are not shown.
    large : str
        The probe that is large while the others are small; empty where all are alike.
    gain_unit : str
        Of the gain, see `Quantity`; what is drawn in another unit has a gain that follows it.
    """

    start: float
    stop: float
    microvolts: float
    probes: tuple[str, ...] = ()
    hidden: frozenset[str] = frozenset()
    modes: frozenset[tuple[str, str]] = frozenset()
    areas: frozenset[str] = frozenset()
    every: int = 1
    depths: tuple[float, float] | None = None
    spacing: int = 0
    timeline: Timeline = WITHOUT_BREAKS
    bad: frozenset[tuple[str, int]] = frozenset()
    is_auto: bool = False
    channel: tuple[str, int] | None = None
    transform: str = ""
    where: str = ""
    hides_bad: bool = False
    left_out: frozenset[tuple[str, int]] = frozenset()
    without: frozenset[str] = frozenset()
    large: str = ""
    gain_unit: str = "µV"
    sort: str = ""
    by_hand: frozenset[tuple[str, int, str]] = frozenset()
    shares_depths: bool = False

    @property
    def pieces(self) -> list[tuple[float, float]]:
        """Session times of what the page shows: a pair for each stretch of the timeline."""
        return session_pieces(self.timeline, self.start, self.stop)

    @property
    def shown(self) -> tuple[str, ...]:
        """Probes on the page."""
        return tuple(name for name in self.probes if name not in self.hidden)

    @property
    def needs_labels(self) -> bool:
        """Whether labels of channels decide what is shown, or in which order."""
        return self.hides_bad or "label" in self.sort or "label" in self.where

    def is_small(self, probe: str) -> bool:
        """Whether a probe makes room for another one."""
        return self.large in self.shown and probe != self.large

    def enlarge(self, probe: str) -> "State":
        """Make a probe the large one, or all alike if it is."""
        return replace(self, large="" if self.large == probe else probe)

    def mode(self, probe: str, width: int) -> str:
        """How a probe is drawn in a picture of some pixels' width: see `is_mode`.

        Unless one was chosen: where a pixel holds a good part of a cycle of theta, its amplitude,
        else the potential with its sign.
        """
        coarse = self.stop - self.start > COARSE * width
        return dict(self.modes).get(probe, HEAT if coarse else SIGNED)

    def drawn_as(self, mode: str | None, *probes: str) -> "State":
        """Draw probes in a mode whatever the zoom, or as suits it; all if none is named."""
        changed = probes or self.probes
        kept = {(name, one) for name, one in self.modes if name not in changed}
        return replace(
            self, modes=frozenset(kept | {(name, mode) for name in changed if mode is not None})
        )

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

    def around(self, middle: float) -> "State":
        """Show a time in the middle."""
        half = (self.stop - self.start) / 2
        return self.at(middle - half, middle + half)

    def long(self, seconds: float) -> "State":
        """Show so many seconds, about the same middle."""
        return self.zoom(seconds / (self.stop - self.start))

    @property
    def onset(self) -> float:
        """Where the start of an interval stands on the page: a quarter of it lies before."""
        return self.start + ONSET * (self.stop - self.start)

    def from_onset(self, start: float, stop: float) -> "State":
        """Show an interval from its start on: completely, and large enough to be seen."""
        length, span = self.stop - self.start, stop - start
        if span > 0:
            length = min(max(length, 1.1 / (1 - ONSET) * span), 20 * span)
        return self.at(start - ONSET * length, start + (1 - ONSET) * length)

    def inside(self, start: float, stop: float) -> "State":
        """Show the same length as near as possible within a range, at most all of it."""
        length = min(self.stop - self.start, stop - start)
        begin = min(max(self.start, start), stop - length)
        return self.at(begin, begin + length)

    def louder(self, steps: int) -> "State":
        """Make traces larger by steps of the scale 1, 2, 5, 10 …, or smaller."""
        at = STEPS.index(round_scale(self.microvolts)) - steps
        return self.scaled(STEPS[min(max(at, 0), len(STEPS) - 1)])

    def scaled(self, microvolts: float) -> "State":
        """Draw at a gain that stays."""
        return replace(self, microvolts=microvolts, is_auto=False)

    def transformed(self, transform: str, unit: str) -> "State":
        """Transform samples to a unit: a gain that was chosen for another one is kept no longer."""
        is_auto = self.is_auto or unit != self.gain_unit
        return replace(self, transform=transform, gain_unit=unit, is_auto=is_auto)

    def wider(self, steps: int) -> "State":
        """Put channels farther apart by steps, or nearer together."""
        nearest = min(SPACINGS, key=lambda one: abs(one - self.spacing))
        at = SPACINGS.index(nearest) + steps
        return replace(self, spacing=SPACINGS[min(max(at, 0), len(SPACINGS) - 1)])

    def choose_area(self, area: str) -> "State":
        """Show one area, or all if it was the only one."""
        return replace(self, areas=frozenset[str]() if self.areas == {area} else frozenset({area}))

    def toggle_area(self, area: str, all_areas: frozenset[str]) -> "State":
        """Leave one area out of those shown, or show it too; all where none or each is left."""
        areas = (self.areas or all_areas) ^ {area}
        return replace(self, areas=frozenset[str]() if areas == all_areas else areas)

    def toggle_line(self, line: str) -> "State":
        """Hide a line of the lane of intervals, or show it."""
        return replace(self, without=self.without ^ {line})

    def toggle_bad(self) -> "State":
        """Hide channels that are bad, or show them."""
        return replace(self, hides_bad=not self.hides_bad)

    def toggle_depths(self) -> "State":
        """Draw all probes at one scale of depth, or each as high as its panel."""
        return replace(self, shares_depths=not self.shares_depths)

    def show_alone(self, channel: tuple[str, int] | None) -> "State":
        """Show a channel alone, too, or none."""
        return replace(self, channel=channel)

    def zoom_depths(self, factor: float, at: float, whole: tuple[float, float]) -> "State":
        """Show `factor` times as much depth, and what lies at one depth where it is."""
        low, high = (at + (edge - at) * factor for edge in self.depths or whole)
        low, high = max(round(low, 1), whole[0]), min(round(high, 1), whole[1])
        return replace(self, depths=None if (low, high) == whole else (low, high))

    def to_query(self) -> str:
        """For the address bar: what is behind the question mark."""
        fields = {"t": f"{self.start:.6f}-{self.stop:.6f}"}
        fields["gain"] = AUTO if self.is_auto else f"{self.microvolts:g}"
        if self.hidden:
            fields["probes"] = ",".join(self.shown) or "-"  # an empty field would get lost
        if self.modes:
            fields["mode"] = self._modes_text()
        if self.areas:
            # some labs' names have commas
            names = (area.replace("%", "%25").replace(",", "%2C") for area in sorted(self.areas))
            fields["areas"] = ",".join(names)
        if self.every > 1:
            fields["every"] = str(self.every)
        if self.depths:
            fields["depths"] = depths_text(self.depths)
        if self.hides_bad:
            fields["bad"] = HIDDEN
        if self.spacing:
            fields["spacing"] = str(self.spacing)
        if self.shares_depths:
            fields["scale"] = COMMON
        if self.channel:
            fields["channel"] = "{}:{}".format(*self.channel)
        if self.transform:
            fields["transform"] = self.transform
        if self.where:
            fields["where"] = self.where
        if self.sort:
            fields["sort"] = self.sort
        if self.large:
            fields["large"] = self.large
        if self.without:
            fields["without"] = ",".join(quote(line, safe="") for line in sorted(self.without))
        return urlencode(fields, safe=",:")

    def _modes_text(self) -> str:
        """One mode of all probes, or of each that has one."""
        modes = {mode for _, mode in self.modes}
        if len(modes) == 1 and len(self.modes) == len(self.probes):
            return modes.pop()
        return ",".join(f"{name}:{mode}" for name, mode in sorted(self.modes))


def session_pieces(timeline: Timeline, start: float, stop: float) -> list[tuple[float, float]]:
    """Session times of a range of axis time: a pair for each stretch that it touches."""
    if not timeline.breaks:
        return [(start, stop)]
    return [
        (one.start + max(start, one.at) - one.at, one.start + min(stop, one.end) - one.at)
        for one in timeline.stretches
        if start < one.end and stop > one.at
    ]


NUMBER = r"(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)"


def read_pair(text: str) -> tuple[float, float]:
    """Two finite numbers with a dash between them.

    Raises
    ------
    ValueError
        If it is something else.
    """
    match = re.fullmatch(f"{NUMBER}-{NUMBER}", text)
    if match is None or not all(math.isfinite(float(one)) for one in match.groups()):
        raise ValueError(text)
    return float(match[1]), float(match[2])


def read_depths(text: str) -> tuple[float, float] | None:
    """Lowest and highest depth, µm, from "500-1500"; None from nothing, for all.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if not text.strip():
        return None
    low, high = sorted(read_pair(text.strip().replace(" ", "").replace("–", "-")))
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
