"""Periods of one probe: files in, a table out."""

from collections import Counter
from pathlib import Path

from lfpscope.envelope.read import OpenProbe
from lfpscope.io.http import traffic
from lfpscope.periods.buckets import find_in_buckets
from lfpscope.periods.channels import find_good, find_hippocampal, find_largest
from lfpscope.periods.recording import find_damage, find_seams
from lfpscope.periods.ripples import find_probe_ripples
from lfpscope.periods.table import Period, write_periods
from lfpscope.periods.theta import find_theta, read_powers, why_no_theta
from lfpscope.references.open import open_references
from lfpscope.signals.ripples import BAND_HZ, N_SD, has_ripple_band
from lfpscope.typing import Mask

ARTEFACT_SHARE = 0.2
ARTEFACT_SD = 12.0
THETA_RATIO = 2.0


def find_periods(
    references: Path,
    envelope: Path,
    channels: Path,
    *,
    periods: Path,
    spectrum: Path | None = None,
    by_hand: Path | None = None,
    artefact_share: float = ARTEFACT_SHARE,
    artefact_sd: float = ARTEFACT_SD,
    theta_ratio: float = THETA_RATIO,
    ripple_sd: float = N_SD,
) -> None:
    """Find periods of a probe: gaps, damage, saturation, artefacts, theta, ripples.

    Parameters
    ----------
    references, envelope, channels
        Of the probe.
    periods
        Table to write.
    spectrum
        Of the probe; theta and ripples are found with it alone.
    by_hand
        Labels of channels that the user wrote.
    artefact_share
        Share of the channels that an artefact is seen on, at least.
    artefact_sd
        Robust standard deviations at which a channel's usual range ends.
    theta_ratio
        Ratio of 4–10 to 0.5–4 Hz power from which on it is theta.
    ripple_sd
        Standard deviations above the mean from which on it is a ripple.
    """
    with OpenProbe(open_references(references), envelope) as probe:
        found = [
            *find_seams(probe.references.clock),
            *find_damage(probe.references, probe.damaged),
            *find_in_buckets(probe, ~probe.dead, share=artefact_share, n_sd=artefact_sd),
        ]
        good = find_good(channels, by_hand, probe)
        if spectrum is not None:
            found += _from_spectrum(probe, spectrum, good, theta_ratio, ripple_sd, found)
    write_periods(periods, found)
    for kind, n in Counter(one.kind for one in found).items():
        print(f"{kind}: {n}")
    if spectrum is None:
        print("neither theta nor ripples are looked for: there is no spectrum")
    if asked := traffic():
        print(f"asked {asked}")


def _from_spectrum(
    probe: OpenProbe,
    spectrum: Path,
    good: Mask,
    theta_ratio: float,
    ripple_sd: float,
    known: list[Period],
) -> list[Period]:
    """Theta and ripples."""
    powers = read_powers(spectrum)
    if powers is None:
        print("neither theta nor ripples are looked for: the sampling rate is not known")
        return []
    found: list[Period] = []
    if why := why_no_theta(powers, good):
        print(f"theta is not looked for: {why}")
    else:
        found += find_theta(powers, probe.references.channels.id, good, theta_ratio)
    rate = 1 / probe.references.clock.dt
    if not has_ripple_band(rate):
        low, high = BAND_HZ
        print(f"ripples are not looked for: {rate:g} Hz is too low for {low:g} to {high:g} Hz")
        return found
    hippocampal = good & find_hippocampal(probe)
    if not hippocampal.any():
        print("ripples: no good channel is said to lie in CA1; bursts of their band anywhere")
    chosen = find_largest(powers.ripple, hippocampal if hippocampal.any() else good)
    if chosen.size:
        found += find_probe_ripples(probe, chosen, known, ripple_sd)
    return found
