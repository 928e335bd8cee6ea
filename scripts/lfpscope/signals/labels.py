"""Which channels are good, dead, noisy or outside the brain, from their features.

A channel is compared with its neighbours in µm, never with a number of channels, and by how far its
level is from theirs in dB, so that neither unit nor gain of a file matters.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lfpscope.signals.features import decibels
from lfpscope.signals.neighbours import Positions, find_neighbours, relative_to_neighbours
from lfpscope.signals.surface import Surface, find_surfaces
from lfpscope.signals.thresholds import Thresholds
from lfpscope.typing import Floats, Mask

GOOD, DEAD, NOISY, OUTSIDE, UNKNOWN = LABELS = ("good", "dead", "noisy", "outside", "unknown")


DRIFTING, SATURATED, MAINS = FLAGS = ("drifting", "saturated", "mains")


COHERENT = 0.6  # usual similarity of neighbours below which it says nothing of a channel
QUIETER_DB = 6.0  # than its neighbours, an incoherent channel is dead rather than noisy
MOSTLY = 0.5  # of the samples
LEAST_DRIFT = 0.01  # of the variance: less cannot be told from none
ROUNDS = 3  # of comparing with the channels that are good so far


@dataclass(frozen=True)
class Features:
    """What is known of the channels of a probe, each an array over channels.

    Attributes
    ----------
    seconds : ndarray of float64
        Of valid windows.
    std : ndarray of float64
        V.
    flat_share : ndarray of float64
        Of the valid samples, in stretches of one value.
    bands : list of str
        Names of the bands of `levels`.
    levels : ndarray of float64, shape (n_bands, n_channels)
        Usual density of each band (the median over time), dB re 1 V²/Hz.
    hf : ndarray of float64
        Density near the upper end of the pass band, V²/Hz.
    similarity : ndarray of float64
        See `lfpscope.signals.similarity.Likeness`.
    line : ndarray of float64
        Mains over the frequencies beside it, dB.
    drift : ndarray of float64
        Share of the variance below 0.5 Hz.
    is_silent : ndarray of bool
        Without a signal in all of the recording.
    saturation : list of str
        When a channel is at a rail, in words; empty where it is not.
    """

    seconds: Floats
    std: Floats
    flat_share: Floats
    bands: list[str]
    levels: Floats
    hf: Floats
    similarity: Floats
    line: Floats
    drift: Floats
    is_silent: Mask
    saturation: list[str]


@dataclass(frozen=True)
class Labels:
    """What was found of each channel.

    Attributes
    ----------
    label : ndarray of str, shape (n_channels,)
        One of LABELS.
    flags, reason : list of str
        Names of FLAGS with a space between them; features, values and thresholds.
    surfaces : list of Surface
        Of the shanks where one is found.
    level_difference, hf_difference, drift_difference : ndarray of float64
        dB from the median of the good neighbours, shape (n_bands, n_channels) or (n_channels,);
        of high frequencies what goes beyond the difference in all bands.
    similarity_limit : ndarray of float64, shape (n_channels,)
        Similarity at or below which a channel is bad; NaN where its neighbours are not coherent.
    """

    label: npt.NDArray[np.str_]
    flags: list[str]
    reason: list[str]
    surfaces: list[Surface]
    level_difference: Floats
    hf_difference: Floats
    drift_difference: Floats
    similarity_limit: Floats


@dataclass(frozen=True)
class _Comparison:
    """Channels against their neighbours.

    Attributes
    ----------
    levels, overall : ndarray of float64, shape (n_bands, n_channels)
        dB from the median of the neighbours, and of all channels on the same side of the surface.
    hf, overall_hf : ndarray of float64, shape (n_channels,)
        High-frequency level in the same way, less what the channel is louder in all bands, dB.
    drop, overall_drop : ndarray of float64, shape (n_channels,)
        How far the similarity is below that of neighbours, and of all channels; NaN where these
        are not coherent.
    """

    levels: Floats
    overall: Floats
    hf: Floats
    overall_hf: Floats
    drop: Floats
    overall_drop: Floats


def label_channels(features: Features, positions: Positions, limits: Thresholds) -> Labels:
    """Label all channels of a probe, with the reasons.

    Channels are compared with neighbours that are good; which these are is found in a few rounds.
    """
    n = features.std.size
    is_known = features.seconds >= limits.least_s
    is_dead, reasons = _silent(features, limits)
    surfaces = find_surfaces(features.levels, positions, is_known & ~is_dead, limits)
    is_outside = is_known & ~is_dead & _above(surfaces, positions)
    wide = find_neighbours(positions, 2 * limits.radius_um)
    is_bad = is_dead
    for _ in range(ROUNDS):
        compared = _compare(features, positions, is_known & ~is_bad, is_outside, limits)
        judged = [_judge(i, features, compared, limits) for i in range(n)]
        is_bad = is_dead | np.array([one is not None for one in judged], dtype=np.bool_)
    label = np.full(n, GOOD, dtype="U8")
    for i, found in enumerate(judged):
        if is_dead[i]:
            label[i] = DEAD
        elif not is_known[i]:
            label[i], why = (
                UNKNOWN,
                f"{features.seconds[i]:.3g} s of windows < {limits.least_s:g} s",
            )
            reasons[i].append(why)
        elif is_outside[i] and (found is None or found[0] == DEAD):
            label[i] = OUTSIDE
            reasons[i].append(_why_outside(surfaces, int(positions.part[i]), limits))
        elif found is not None:
            label[i], why = found
            reasons[i].append(why)
        elif np.isnan(compared.levels[:, i]).all():
            label[i] = UNKNOWN
            reasons[i].append("no neighbour to compare with")
    drift = _drift(features, wide, is_known & ~is_bad & ~is_outside)
    flags = [_flags(i, features, drift, limits, reasons[i], is_known[i]) for i in range(n)]
    return Labels(
        label=label,
        flags=flags,
        reason=["; ".join(one) for one in reasons],
        surfaces=surfaces,
        level_difference=compared.levels,
        hf_difference=compared.hf,
        drift_difference=drift,
        similarity_limit=features.similarity + compared.drop - limits.similarity,
    )


def _silent(features: Features, limits: Thresholds) -> tuple[Mask, list[list[str]]]:
    """Channels without a signal, and why.

    Where most are so quiet, the unit is doubtful, not the channels: only those of one value are.
    """
    reasons: list[list[str]] = [[] for _ in range(features.std.size)]
    silent = features.is_silent & ~np.isnan(features.std)
    is_flat = features.flat_share >= MOSTLY
    varied = silent[~is_flat]
    if silent.size > 1 and np.count_nonzero(varied) > MOSTLY * varied.size:
        silent = silent & is_flat
    for i in np.flatnonzero(silent).tolist():
        std, flat = features.std[i] * 1e6, features.flat_share[i]
        is_quiet = std < limits.silent_uv
        said = f"SD {std:.2g} µV < {limits.silent_uv:g} µV"
        reasons[i].append(said if is_quiet else f"one value in {flat:.0%} of the samples")
    return np.asarray(silent), reasons


def _compare(
    features: Features, positions: Positions, use: Mask, is_outside: Mask, limits: Thresholds
) -> _Comparison:
    """Compare channels with those of their neighbours, and with all, that are to be used.

    Levels with those on the same side of the surface.
    """
    near = find_neighbours(positions, limits.radius_um)
    wide = find_neighbours(positions, 2 * limits.radius_um)
    both = np.concatenate([features.levels, decibels(features.hf)[np.newaxis]])
    inside = relative_to_neighbours(both, wide, use & ~is_outside)
    outside = relative_to_neighbours(both, wide, use & is_outside)
    local = np.where(is_outside, outside, inside)
    all_inside, all_outside = (
        both - _median(both, use & side) for side in (~is_outside, is_outside)
    )
    overall = np.where(is_outside, all_outside, all_inside)
    drop = -relative_to_neighbours(features.similarity, near, use & ~is_outside)
    # among channels that are not coherent one that is less so is not odd
    drop = np.where(features.similarity + drop >= COHERENT, drop, np.nan)
    usual = _median(features.similarity[np.newaxis], use & ~is_outside)[0]
    overall_drop = usual - features.similarity if usual >= COHERENT else np.full(drop.size, np.nan)
    hf, overall_hf = _beyond_level(local), _beyond_level(overall)
    return _Comparison(local[:-1], overall[:-1], hf, overall_hf, drop, overall_drop)


def _beyond_level(differences: Floats) -> Floats:
    """High frequencies, in the last row, as far as the channel is not louder in all bands."""
    if differences.shape[0] < 2:
        return np.asarray(differences[-1])
    return np.asarray(differences[-1] - np.maximum(differences[:-1].min(axis=0), 0))


def _median(values: Floats, use: Mask) -> Floats:
    """Median of each row over the channels to be used, as a column; NaN where there is none."""
    known = [row[use & ~np.isnan(row)] for row in values]
    return np.array([[np.median(row) if row.size else np.nan] for row in known])


def _judge(
    i: int, features: Features, compared: _Comparison, limits: Thresholds
) -> tuple[str, str] | None:
    """Label and reason of a bad channel; None for one that is not.

    Where neighbours are bad, the good one among them differs: what is called loud is louder than
    all channels too, by half as much.
    """
    hf, drop = compared.hf[i], compared.drop[i]
    level, overall = (
        one[~np.isnan(one)] for one in (compared.levels[:, i], compared.overall[:, i])
    )
    # near the reference, channels that are coherent are quiet
    quiet_db = limits.quiet_db * (2 if features.similarity[i] >= COHERENT else 1)
    if level.size and level.max() <= -quiet_db:
        return DEAD, f"power {_signed(level.max())} dB in all bands ≤ −{quiet_db:g} dB"
    # a block of dead channels, whose neighbours are dead too
    is_quiet = overall.size and overall.max() <= -quiet_db
    if is_quiet and compared.overall_drop[i] >= limits.similarity:
        return (
            DEAD,
            f"power {_signed(overall.max())} dB of the probe's in all bands ≤ −{quiet_db:g} dB",
        )
    is_loud = overall.size and overall.min() >= limits.loud_db / 2
    if is_loud and level.size and level.min() >= limits.loud_db:
        return NOISY, f"power {_signed(level.min())} dB in all bands ≥ +{limits.loud_db:g} dB"
    if hf >= limits.hf_db and compared.overall_hf[i] >= limits.hf_db / 2:
        return NOISY, f"high frequencies {_signed(hf)} dB ≥ +{limits.hf_db:g} dB"
    if drop >= limits.similarity:
        usual = features.similarity[i] + drop - limits.similarity
        said = f"similarity {features.similarity[i]:.2f} ≤ {usual:.2f}"
        is_quieter = any(one.size and np.median(one) < -QUIETER_DB for one in (level, overall))
        return (DEAD if is_quieter else NOISY), said
    return None


def _signed(number: float) -> str:
    return f"{number:+.1f}".replace("-", "−")


def _drift(features: Features, neighbours: list[npt.NDArray[np.int64]], use: Mask) -> Floats:
    """Power below 0.5 Hz against that of the neighbours, dB."""
    slow = decibels(np.maximum(features.drift, LEAST_DRIFT) * features.std**2)
    return relative_to_neighbours(slow, neighbours, use)


def _flags(
    i: int,
    features: Features,
    drift: Floats,
    limits: Thresholds,
    reason: list[str],
    is_known: bool,
) -> str:
    flags = []
    # without neighbours the share alone has to do
    drifts = is_known and features.drift[i] >= limits.drift_share
    if drifts and (drift[i] >= limits.drift_db or np.isnan(drift[i])):
        flags.append(DRIFTING)
        more = "" if np.isnan(drift[i]) else f", {_signed(drift[i])} dB ≥ +{limits.drift_db:g} dB"
        share = f"{features.drift[i]:.0%} of the variance below 0.5 Hz"
        reason.append(f"{share} ≥ {limits.drift_share:.0%}{more}")
    if features.saturation[i]:
        flags.append(SATURATED)
        reason.append(features.saturation[i])
    if features.line[i] >= limits.mains_db:
        flags.append(MAINS)
        reason.append(f"mains {_signed(features.line[i])} dB ≥ +{limits.mains_db:g} dB")
    return " ".join(flags)


def _above(surfaces: list[Surface], positions: Positions) -> Mask:
    above = np.zeros(positions.part.size, np.bool_)
    for one in surfaces:
        above |= (positions.part == one.part) & (positions.height > one.height)
    return above


def _why_outside(surfaces: list[Surface], part: int, limits: Thresholds) -> str:
    one = next(surface for surface in surfaces if surface.part == part)
    step = f"level from 1 to 45 Hz falls by {one.step_db:.1f} dB ≥ {limits.surface_db:g} dB"
    return f"above the surface: {step}"
