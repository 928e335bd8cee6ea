"""Periods of one probe: files in, a table out."""

from collections import Counter
from pathlib import Path

import numpy as np

from lfpscope.envelope.read import OpenProbe
from lfpscope.io.http import traffic
from lfpscope.io.tables import read_table
from lfpscope.periods.buckets import find_in_buckets
from lfpscope.periods.recording import find_damage, find_seams
from lfpscope.periods.ripples import find_probe_ripples
from lfpscope.periods.table import ARTEFACT, Period, write_periods
from lfpscope.periods.theta import find_theta, largest, read_powers
from lfpscope.references.open import open_references
from lfpscope.signals.ripples import BAND_HZ, N_SD, has_ripple_band
from lfpscope.summary.labels_by_hand import read_labels_by_hand
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
        good = _good_channels(channels, by_hand, probe)
        if spectrum is not None:
            found += _from_spectrum(probe, spectrum, good, theta_ratio, ripple_sd, found)
    write_periods(periods, found)
    print(*(f"{kind}: {n}" for kind, n in Counter(one.kind for one in found).items()), sep="\n")
    if asked := traffic():
        print(f"asked {asked}")


def _good_channels(table: Path, by_hand: Path | None, probe: OpenProbe) -> Mask:
    """Channels that are good, or of which nothing is known; what the user wrote counts."""
    labels = np.array([row["label"] for row in read_table(table)])
    if by_hand is not None:
        given = read_labels_by_hand(by_hand, probe.references.probe)
        for i, channel in enumerate(probe.references.channels.id.tolist()):
            labels[i] = given.get(channel, labels[i])
    return np.isin(labels, ("good", "unknown")) & ~probe.dead


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
    found = list(find_theta(powers, probe.references.channels.id, good, theta_ratio))
    rate = 1 / probe.references.clock.dt
    if not has_ripple_band(rate):
        print(f"ripples are not looked for: {rate:g} Hz are too few for {BAND_HZ[1]:g} Hz")
        return found
    artefacts = [(one.start, one.stop) for one in known if one.kind == ARTEFACT]
    chosen = largest(powers.ripple, good)
    if chosen.size:
        found += find_probe_ripples(probe, chosen, artefacts, ripple_sd)
    return found
