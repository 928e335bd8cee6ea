"""What the demo's probes are made from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Seconds = NDArray[np.float64]

PITCH = 40  # µm between the channels Allen keeps: every fourth of Neuropixels 1.0
OUTSIDE = "root"  # the acronym, in Allen's atlas, of what lies in no area: here, above the brain


@dataclass(frozen=True)
class Area:
    """A brain area along the probe: its acronym and how many µm of the probe lie in it."""

    acronym: str
    thickness: int


@dataclass(frozen=True)
class Gap:
    """Missing time: the clock jumps by `seconds` before `sample`; the samples go on."""

    sample: int
    seconds: float


@dataclass(frozen=True)
class Recipe:
    """All that decides the samples of one probe."""

    session: int  # seeds what the probes of a session share: behaviour, stimuli, theta
    probe: int  # seeds the rest
    label: str
    areas: tuple[Area, ...]  # from the tip upwards
    n_channels: int
    n_samples: int
    chunk: int
    timestamps_chunk: int
    start: float
    rate: float
    gap: Gap | None = None
    constant: tuple[int, ...] = ()  # dead channels that give one value
    detached: tuple[int, ...] = ()  # dead channels that give a trace of noise
    noisy: tuple[int, ...] = ()  # channels with an amplifier that hisses
    drifting: tuple[int, ...] = ()  # channels whose baseline wanders
    saturated: tuple[int, ...] = ()  # channels that are at a rail for a while
    mains: tuple[int, ...] = ()  # channels that pick up the hum of the room

    @property
    def positions(self) -> NDArray[np.int64]:
        """The channels' height above the tip, µm."""
        return PITCH // 2 + PITCH * np.arange(self.n_channels, dtype=np.int64)

    @property
    def locations(self) -> list[str]:
        """The acronym of each channel's area."""
        tops = np.cumsum([area.thickness for area in self.areas])
        acronyms = [area.acronym for area in self.areas] + [OUTSIDE]
        return [acronyms[i] for i in np.searchsorted(tops, self.positions, side="right")]

    @property
    def timestamps(self) -> Seconds:
        """The session time of every sample."""
        times = self.start + np.arange(self.n_samples) / self.rate
        if self.gap is not None:
            times[self.gap.sample :] += self.gap.seconds
        return times

    def span(self, prefix: str) -> tuple[int, int]:
        """Bottom and top of the first area whose acronym starts with `prefix`."""
        bottom = 0
        for area in self.areas:
            if area.acronym.startswith(prefix):
                return bottom, bottom + area.thickness
            bottom += area.thickness
        raise ValueError(f"no area {prefix} on {self.label}")

    def above_pyramidal_layer(self) -> Seconds:
        """Height of the channels above CA1's pyramidal layer, µm; dendrites are negative."""
        bottom, top = self.span("CA1")
        return self.positions.astype(np.float64) - (bottom + 0.72 * (top - bottom))

    def cortical_depth(self) -> Seconds:
        """Depth below the pia in units of the cortex's thickness: 0 is the pia, 1 the bottom."""
        bottom, top = self.span("VIS")
        return (top - self.positions.astype(np.float64)) / (top - bottom)

    def rng(self, step: int) -> np.random.Generator:
        """Random numbers of one step of this probe."""
        return np.random.default_rng([self.session, self.probe, step])
