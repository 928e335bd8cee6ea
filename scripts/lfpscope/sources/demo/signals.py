"""The demo's signals: LFP as a physiologist knows it, made from a seed.

One step is one function. A step is either a background (noise of its own on every channel) or a
source: a waveform in time, times a profile along the depth. Amplitudes are in microvolts, times
in seconds of the session's clock, positions in µm above the tip of the probe. There is no matrix
product anywhere: its last bits would depend on the number of threads, and so would the rounding
to whole counts. Equal recipes therefore give equal samples.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lfpscope.sources.demo.recipes import OUTSIDE, PITCH, Recipe

Floats = NDArray[np.float32]
Seconds = NDArray[np.float64]
Sources = Iterator[tuple[NDArray[np.float64], Floats | NDArray[np.float64]]]

HORIZON = 240.0  # seconds of the session's clock in which anything happens

# Standard deviation of the 1/f background, µV. The acronyms of cortical areas begin with VIS
BACKGROUND = {"CA1": 52.0, "DG": 44.0, "TH": 17.0, "LP": 21.0, "LGd": 23.0, "APN": 15.0}
BACKGROUND |= {"VIS": 40.0, "cc": 22.0, OUTSIDE: 6.0}
SENSOR_NOISE = 3.5  # µV, of each channel's own amplifier

# of the channels with a fault: µV, Hz, seconds of the session's clock
HISS = 40.0
WANDER, WANDER_S = 250.0, 61.0  # amplitude and cycle of the baseline
RAIL, AT_RAIL = 1200.0, (128.0, 132.0)
HUM = {60.03: 14.0, 180.09: 5.0}  # a little beside 60 Hz, so that no stimulus is in step with it


@dataclass(frozen=True)
class Events:
    """What happens to the mouse in a session: the same for all probes, in session time."""

    session: int

    flash_seconds = 0.25
    grating_seconds = 2.0
    flashes: ClassVar[Seconds] = np.arange(24.0, 64.0, 2.0)
    gratings: ClassVar[Seconds] = np.arange(78.0, 126.0, 3.0)

    def rng(self, step: int) -> np.random.Generator:
        """Random numbers of one step of this session; no probe's seed has only two parts."""
        return np.random.default_rng([self.session, step])

    @cached_property
    def clock(self) -> Seconds:
        """A coarse grid for what changes slowly; each probe interpolates to its own clock."""
        return np.arange(0.0, HORIZON, 0.02)

    @cached_property
    def bouts(self) -> list[tuple[float, float]]:
        """Start and stop of the bouts of running."""
        rng, bouts, now = self.rng(0), [], 4.0
        while now < HORIZON:
            start = now + rng.uniform(14, 24)
            now = start + rng.uniform(12, 22)
            bouts.append((start, now))
        return bouts

    @cached_property
    def running(self) -> Seconds:
        """From 0 (rest) to 1 (running) on the grid; a change takes about a second."""
        running = np.zeros_like(self.clock)
        for start, stop in self.bouts:
            running += _step_up(self.clock - start) - _step_up(self.clock - stop)
        return running

    @cached_property
    def theta(self) -> tuple[Seconds, Seconds]:
        """Phase and amplitude of theta on the grid: about 7 Hz, waxing, waning, strong in a run."""
        n = self.clock.size
        wander = noise(self.rng(1), n, 50.0, lambda f: np.exp(-((f / 0.5) ** 2)))
        waxing = noise(self.rng(2), n, 50.0, lambda f: np.exp(-((f / 0.6) ** 2)))
        frequency = 6.6 + 0.9 * self.running + 0.25 * wander
        amplitude = (0.13 + 0.87 * self.running) * np.clip(0.8 + 0.22 * waxing, 0.2, 1.3)
        return 2 * np.pi * np.cumsum(frequency) * 0.02, amplitude

    @cached_property
    def ripples(self) -> Seconds:
        """Times of the sharp-wave ripples: at rest only, never two within a quarter second."""
        rng = self.rng(3)
        times = np.cumsum(0.25 + rng.exponential(1.0, size=int(HORIZON)))
        return times[np.interp(times, self.clock, self.running) < 0.1]

    @cached_property
    def movements(self) -> Seconds:
        """Times of the movement artefacts: a jerk as the second and third bout begin."""
        return np.array([start - 0.5 for start, _ in self.bouts[1:3]])


def counts(recipe: Recipe, microvolts_per_count: float) -> NDArray[np.int16]:
    """Make the samples of a probe.

    Parameters
    ----------
    recipe : Recipe
        The probe.
    microvolts_per_count : float
        The grid on which the samples lie.

    Returns
    -------
    array of int16, channel x time
        Samples as the probe's converter would give them.
    """
    times = recipe.timestamps
    events = Events(recipe.session)
    samples = background(recipe)
    for profile, waveform in sources(recipe, events, times):
        single = waveform.astype(np.float32)
        for channel in np.flatnonzero(np.abs(profile) > 0.05).tolist():
            samples[channel] += np.float32(profile[channel]) * single
    add_faults(recipe, times, samples)
    samples /= np.float32(microvolts_per_count)
    return np.rint(samples, out=samples).astype(np.int16)


def add_faults(recipe: Recipe, times: Seconds, samples: Floats) -> None:
    """Give some channels the fault that the recipe has for them."""
    samples[list(recipe.constant)] = 0
    for channel in recipe.detached:
        samples[channel] = 0.1 * recipe.rng(9).standard_normal(times.size, dtype=np.float32)
    for channel in recipe.noisy:
        samples[channel] += HISS * recipe.rng(10).standard_normal(times.size, dtype=np.float32)
    for channel in recipe.drifting:
        samples[channel] += (WANDER * np.sin(2 * np.pi * times / WANDER_S)).astype(np.float32)
    for channel in recipe.mains:
        hum = sum(size * np.sin(2 * np.pi * hertz * times) for hertz, size in HUM.items())
        samples[channel] += np.asarray(hum, np.float32)
    start, stop = AT_RAIL
    for channel in recipe.saturated:
        pushed = 3 * RAIL * _step_up(8 * (times - start)) * _step_up(8 * (stop - times))
        samples[channel] = np.minimum(samples[channel] + pushed.astype(np.float32), RAIL)


def sources(recipe: Recipe, events: Events, times: Seconds) -> Sources:
    """Yield profile (µV per channel) and waveform (per sample) of all that is shared in depth."""
    yield from theta(recipe, events, times)
    yield from ripples(recipe, events, times)
    yield from slow_waves(recipe, events, times)
    yield from gamma(recipe, events, times)
    yield from evoked(recipe, events, times)
    yield movement(recipe, events, times)
    yield drift(recipe, times)


def background(recipe: Recipe) -> Floats:
    """1/f noise alike on neighbouring channels, as loud as its area, and the amplifiers' noise."""
    reach = 8  # channels; beyond it the weights are nothing
    away = np.arange(-reach, reach + 1) * PITCH
    weights = np.exp(-0.5 * (away / 110.0) ** 2)
    weights = (weights / np.sqrt(np.sum(weights**2))).astype(np.float32)
    rows = noise(
        recipe.rng(0),
        recipe.n_samples,
        recipe.rate,
        lambda f: f / (f + 0.1) / (1 + (f / 3.0) ** 2) ** 0.45,
        rows=recipe.n_channels + 2 * reach,
    )
    loud = np.array([BACKGROUND["VIS" if a[:3] == "VIS" else a] for a in recipe.locations])
    loud = np.convolve(np.pad(loud, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
    own = recipe.rng(1)
    samples = np.empty((recipe.n_channels, recipe.n_samples), np.float32)
    for channel, sample in enumerate(samples):
        sample[:] = SENSOR_NOISE * own.standard_normal(sample.size, dtype=np.float32)
        for k, weight in enumerate(weights):
            sample += np.float32(loud[channel]) * weight * rows[channel + k]
    return samples


def theta(recipe: Recipe, events: Events, times: Seconds) -> Sources:
    """Theta: its phase turns by half a cycle from the pyramidal layer to the fissure below."""
    height = recipe.above_pyramidal_layer()
    amplitude = np.interp(
        height,
        [-1600, -1000, -700, -400, -300, -130, 0, 120, 300, 600, 1200],
        [0, 12, 60, 175, 210, 100, 100, 90, 35, 18, 10],
    )
    shift = np.pi * np.interp(height, [-260, -60], [1, 0])
    phase, strength = (np.interp(times, events.clock, grid) for grid in events.theta)
    # a cycle is not a sine: it falls faster than it rises
    yield amplitude * np.cos(shift), strength * (np.cos(phase) + 0.18 * np.cos(2 * phase - 1.2))
    yield amplitude * np.sin(shift), strength * np.sin(phase)


def ripples(recipe: Recipe, events: Events, times: Seconds) -> Sources:
    """Ripples in CA1's pyramidal layer, on a sharp wave that is negative in the dendrites below."""
    height = recipe.above_pyramidal_layer()
    rng = events.rng(4)
    ripple, wave = np.zeros_like(times), np.zeros_like(times)
    for time in events.ripples:
        strength, hertz = rng.uniform(0.5, 1.2), rng.uniform(150, 190)
        _place(ripple, times, time, _ripple(hertz), gain=strength)
        _place(wave, times, time, lambda t: _bump(t, 0, 0.025), gain=strength)
    yield 130 * np.exp(-0.5 * (height / 45) ** 2), ripple
    profile = np.interp(
        height, [-700, -450, -200, -70, 0, 120, 350, 700], [0, -40, -290, 0, 90, 60, 15, 0]
    )
    yield profile, wave


def slow_waves(recipe: Recipe, events: Events, times: Seconds) -> Sources:
    """1 to 4 Hz, large at rest: turning over within the cortex, even over the hippocampus."""
    at_rest = 1 - 0.75 * np.interp(times, events.clock, events.running)
    band = _band(2.0, 1.0)
    cortex = np.interp(
        recipe.cortical_depth(), [-0.2, 0, 0.2, 0.4, 0.7, 1, 1.3], [0, 45, 25, -25, -75, -50, 0]
    )
    height = recipe.above_pyramidal_layer()
    hippocampus = np.interp(height, [-1200, -500, -200, 100, 300], [0, 45, 55, 25, 0])
    for step, profile in ((2, cortex), (3, hippocampus)):
        yield profile, at_rest * noise(recipe.rng(step), times.size, recipe.rate, band)


def gamma(recipe: Recipe, events: Events, times: Seconds) -> Sources:
    """Gamma: in the cortex strong under gratings, in the hippocampus nested in theta."""
    drive = np.full(times.size, 0.45)
    for onset in events.gratings:
        _place(
            drive,
            times,
            onset + events.grating_seconds / 2,
            lambda t: 1.3 * _step_up(4 * (t + 0.9)) * _step_up(4 * (1.0 - t)),
            reach=2.0,
        )
    cortex = np.interp(
        recipe.cortical_depth(), [-0.1, 0.1, 0.3, 0.5, 0.8, 1.1], [0, 8, 14, 12, 5, 0]
    )
    phase, strength = (np.interp(times, events.clock, grid) for grid in events.theta)
    height = recipe.above_pyramidal_layer()
    hippocampus = np.interp(height, [-900, -500, -300, -100, 0, 150], [0, 17, 19, 6, 8, 0])
    yield cortex, drive * noise(recipe.rng(4), times.size, recipe.rate, _band(48, 7))
    nested = strength * (1 + np.cos(phase - 0.6))
    yield hippocampus, nested * noise(recipe.rng(5), times.size, recipe.rate, _band(75, 12))


def evoked(recipe: Recipe, events: Events, times: Seconds) -> Sources:
    """What flashes and gratings evoke: a sink in layer 4 after 60 ms, sources above and below."""
    rng = events.rng(5)
    cortex, thalamus = np.zeros_like(times), np.zeros_like(times)
    for onsets, duration, strength in (
        (events.flashes, events.flash_seconds, 1.0),
        (events.gratings, events.grating_seconds, 0.65),
    ):
        for onset in onsets:
            trial = strength * rng.uniform(0.75, 1.25)
            for time, part in ((onset, trial), (onset + duration, 0.4 * trial)):
                _place(cortex, times, time, _response, gain=part)
                _place(thalamus, times, time - 0.02, _response, gain=part)
    profile = np.interp(
        recipe.cortical_depth(),
        [-0.5, -0.2, 0, 0.12, 0.22, 0.42, 0.62, 0.78, 1, 1.3, 1.7],
        [0, 40, 120, 70, -60, -230, -70, 35, 60, 20, 0],
    )
    yield profile, cortex
    if "LGd" in recipe.locations:
        bottom, top = recipe.span("LGd")
        middle, half = (bottom + top) / 2, (top - bottom) / 2
        yield -45 * np.exp(-(((recipe.positions - middle) / half) ** 2)), thalamus


def movement(recipe: Recipe, events: Events, times: Seconds) -> tuple[Seconds, Seconds]:
    """A jerk of the animal: the same on all channels, inside the brain and above it."""
    rng = events.rng(6)
    jerks = np.zeros_like(times)
    for time in events.movements:
        for hertz in rng.uniform(2, 30, size=10):
            _place(jerks, times, time, _swing(hertz, rng.uniform(0, 2 * np.pi)))
    gains = 1 + 0.06 * recipe.rng(6).standard_normal(recipe.n_channels)
    return 420 * gains, jerks


def drift(recipe: Recipe, times: Seconds) -> tuple[Seconds, Seconds]:
    """A few µV over a minute, as the high-pass filter at 0.1 Hz leaves them."""
    gains = 4 + 3 * np.sin(recipe.positions / 700)
    return gains, np.sin(2 * np.pi * times / 47)


def noise(
    rng: np.random.Generator,
    n: int,
    rate: float,
    spectrum: Callable[[Floats], ArrayLike],
    rows: int | None = None,
) -> Floats:
    """Noise of standard deviation 1 whose amplitude follows `spectrum` (of Hz)."""
    frequencies = np.fft.rfftfreq(n, 1 / rate).astype(np.float32)
    shape = np.asarray(spectrum(frequencies), np.float32)
    shape[0] = 0
    # a white signal's transform is white; scaled so that the inverse has variance 1
    shape *= np.float32(n / 2 / np.sqrt(np.sum(shape.astype(float) ** 2)))
    made = np.empty((rows or 1, n), np.float32)
    for row in made:
        white = rng.standard_normal(2 * frequencies.size, dtype=np.float32).view(np.complex64)
        row[:] = np.fft.irfft(white * shape, n)
    return made if rows else made[0]


def _band(centre: float, width: float) -> Callable[[Floats], Floats]:
    return lambda f: np.exp(-0.5 * ((f - centre) / width) ** 2)


def _bump(t: Seconds, centre: float, width: float) -> Seconds:
    return np.exp(-0.5 * ((t - centre) / width) ** 2)


def _step_up(t: Seconds) -> Seconds:
    return 0.5 + 0.5 * np.tanh(2 * t)


def _response(t: Seconds) -> Seconds:
    """A response of unit size: peak at 60 ms, rebound at 115 ms, a slow tail."""
    return _bump(t, 0.06, 0.014) - 0.45 * _bump(t, 0.115, 0.028) + 0.2 * _bump(t, 0.24, 0.05)


def _ripple(hertz: float) -> Callable[[Seconds], Seconds]:
    """About 80 ms of an oscillation."""
    return lambda t: _bump(t, 0, 0.02) * np.sin(2 * np.pi * hertz * t)


def _swing(hertz: float, phase: float) -> Callable[[Seconds], Seconds]:
    """One part of a jerk of 0.7 s; slow parts are large."""
    return lambda t: (
        hertz**-0.7
        * np.sin(2 * np.pi * hertz * t + phase)
        * _step_up(20 * (t + 0.35))
        * _step_up(12 * (0.35 - t))
    )


def _place(
    waveform: Seconds,
    times: Seconds,
    time: float,
    shape: Callable[[Seconds], Seconds],
    gain: float = 1.0,
    reach: float = 0.7,
) -> None:
    """Add an event to a waveform: `shape` of the time since `time`, right across a gap too."""
    near = slice(*np.searchsorted(times, [time - reach, time + reach]))
    waveform[near] += gain * shape(times[near] - time)
