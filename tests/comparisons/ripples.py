"""Ripples beside `ripple_detection.Kay_ripple_detector`: the demo's, and weak ones in noise.

Both are given the band as it is filtered here; the other tool once more its own, made for 1500 Hz.
At other rates its design calls `scipy.signal.remez` with an argument that scipy 1.14 refuses.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from ripple_detection import Kay_ripple_detector, filter_ripple_band

from lfpscope.signals import bandpass
from lfpscope.signals.filter import half_length
from lfpscope.signals.ripples import BAND_HZ, find_ripples, trace_ripples, trace_step
from lfpscope.sources.demo.nwb_writer import VOLTS_PER_COUNT, demo_probes, demo_recipe
from lfpscope.sources.demo.signals import Events, counts

Values = npt.NDArray[np.float64]
FILTERS = {"the same": 0.97, "its own": 0.80}  # and how much of what one finds both must find
WEAK_S, WEAK_RATE = 600.0, 1500.0


def main() -> None:
    """Compare, print, and fail where both find too little in common."""
    for what, x, rate, planted in recordings():
        half = half_length(rate, *BAND_HZ)
        inside = slice(half, x.shape[1] - half)
        times = np.arange(x.shape[1]) / rate
        bands = {"the same": bandpass(x, rate, *BAND_HZ).T}
        if rate == WEAK_RATE:
            bands["its own"] = filter_ripple_band(x.T, sampling_frequency=rate)
        step = trace_step(rate)
        trace = trace_ripples(x, rate)[::step]
        for n_sd in (2.0, 3.0):
            found, _ = find_ripples(trace, step / rate, n_sd)
            ours = (found - [0, 1]) * step / rate
            for name, band in bands.items():
                theirs = detect(times[inside], band[inside], rate, n_sd)
                report(f"{what}, {n_sd:g} SD, filter: {name}", ours, theirs, planted, FILTERS[name])


def recordings() -> Iterator[tuple[str, Values, float, Values]]:
    """Samples of eight channels, V, their rate, and the times of planted ripples, s."""
    for probe in demo_probes("demo-1"):
        recipe = demo_recipe("demo-1", probe)
        in_ca1 = np.flatnonzero(np.array(recipe.locations) == "CA1")[-8:]
        planted = Events(recipe.session).ripples - recipe.start
        planted = planted[(planted > 0.1) & (planted < recipe.n_samples / recipe.rate - 0.1)]
        yield probe, counts(recipe, VOLTS_PER_COUNT * 1e6)[in_ca1] * 1e-6, recipe.rate, planted
    rng = np.random.default_rng(0)
    x = 10e-6 * rng.normal(size=(8, int(WEAK_S * WEAK_RATE)))
    x += 10e-6 * rng.normal(size=x.shape[1])  # what all channels share
    planted = np.cumsum(rng.uniform(1.0, 3.0, size=290))
    for at in planted:
        t = np.arange(x.shape[1])[int((at - 0.2) * WEAK_RATE) : int((at + 0.2) * WEAK_RATE)]
        burst = np.exp(-0.5 * ((t / WEAK_RATE - at) / rng.uniform(0.01, 0.03)) ** 2)
        x[:, t] += rng.uniform(2e-6, 25e-6) * burst * np.sin(t * rng.uniform(0.65, 1.0))
    yield "weak ripples", x, WEAK_RATE, planted


def detect(times: Values, band: Values, rate: float, n_sd: float) -> Values:
    """Start and stop of what the other tool finds; the animal's speed is not known."""
    table = Kay_ripple_detector(times, band, np.zeros(times.size), rate, zscore_threshold=n_sd)
    return table[["start_time", "end_time"]].to_numpy()


def report(what: str, ours: Values, theirs: Values, planted: Values, least: float) -> None:
    """Print what both find, what one alone does, and how far starts are apart."""
    here, there = overlapping(ours, theirs), overlapping(theirs, ours)
    apart = np.abs(ours[here, :1] - theirs[:, 0]).min(axis=1)
    print(
        f"{what}: {len(ours)} here, {len(theirs)} there; only here {(~here).sum()}, "
        f"only there {(~there).sum()}; starts {1e3 * np.median(apart):.2g} ms apart (median); "
        f"of {planted.size} planted {n_inside(planted, ours)} here, {n_inside(planted, theirs)} "
        "there"
    )
    assert here.mean() >= least, what
    assert there.mean() >= least, what


def overlapping(these: Values, those: Values) -> npt.NDArray[np.bool_]:
    """Which of these share a time with one of those."""
    found = [bool(((those[:, 0] <= stop) & (those[:, 1] >= start)).any()) for start, stop in these]
    return np.array(found, np.bool_)


def n_inside(times: Values, spans: Values) -> int:
    """How many times lie in a span."""
    return int(sum(((spans[:, 0] <= t) & (t <= spans[:, 1])).any() for t in times))


if __name__ == "__main__":
    main()
