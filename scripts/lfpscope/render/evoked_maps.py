"""Averages over intervals as maps over depth and time: colours, scales, CSD."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lfpscope.doubts import Doubt
from lfpscope.envelope.read import OpenProbe
from lfpscope.evoked.files import Stored, read_evoked
from lfpscope.formatting import count_text
from lfpscope.io.tables import read_table
from lfpscope.nwb.areas import is_area
from lfpscope.nwb.electrodes import Channels
from lfpscope.nwb.stored_csd import StoredCsd
from lfpscope.references.open import open_references
from lfpscope.render.areas import area_colours
from lfpscope.render.figure import QUIET, Box, new_axes, new_figure, save, text_width
from lfpscope.render.palettes import GREY, SIGNED_COLOURS
from lfpscope.render.rows import Rows, arrange_rows
from lfpscope.samples.channel_labels import read_labels_by_hand
from lfpscope.samples.contacts import contact_columns, why_no_distances
from lfpscope.signals.csd import FORMULA, SIGMA_S_PER_M, TOO_FEW, csd
from lfpscope.signals.epochs import (
    ARTEFACT,
    DAMAGED,
    EXCLUDED,
    GAP,
    NAN,
    OTHER_RATE,
    OUTSIDE,
    TWICE,
)
from lfpscope.typing import Floats, Mask

BAD_LABELS = ("dead", "noisy")
SINKS = "sinks negative, blue"
MIN_LIMIT_SEM = 4.0  # standard errors that the colours of the LFP reach at least
MAX_SAMPLES, MAX_CHANNELS = 0.998, 0.97  # others may be beyond the ends of the colours
STORED_DEPTH = "probe_vertical_position"  # on which the contacts of Allen's CSD lie
MAX_REACH_UM = 20.0  # of a channel's depth among those contacts
MIN_SHARE = 0.9  # of the trials: a channel with fewer is not in the CSD
WHY_DROPPED = {
    OUTSIDE: "beyond the recording",
    GAP: "at a gap or a clock reset",
    TWICE: "at a time that is there twice",
    OTHER_RATE: "at another sampling rate",
    EXCLUDED: "in invalid times",
    ARTEFACT: "with an artefact",
    NAN: "with NaN",
    DAMAGED: "with damaged chunks",
}


@dataclass(frozen=True)
class Smoothing:
    """Widths of Gaussians over depth and time; 0 for none."""

    um: float = 0.0
    ms: float = 0.0

    def __str__(self) -> str:
        parts = [f"{self.um:g} µm"] * bool(self.um) + [f"{self.ms:g} ms"] * bool(self.ms)
        return f"smoothed by {' and '.join(parts)} (SD)" if parts else "not smoothed"


@dataclass(frozen=True)
class EvokedProbe:
    """Averages of one probe, as they are drawn.

    Attributes
    ----------
    session, probe : str
        Ids.
    channels : Channels
        What is known of them.
    bad : ndarray of bool, shape (n_channels,)
        Channels that are left out of the CSD, and drawn in grey.
    kinds : list of Stored
        Averages.
    doubts : sequence of Doubt
        What is uncertain about the recording.
    remarks : sequence of str
        What was not averaged, and how the file's own CSD was converted.
    stored : StoredCsd or None
        The CSD that the NWB file stores.
    """

    session: str
    probe: str
    channels: Channels
    bad: Mask
    kinds: list[Stored]
    doubts: Sequence[Doubt] = ()
    remarks: Sequence[str] = ()
    stored: StoredCsd | None = None

    @property
    def rows(self) -> Rows:
        """Channels from the top of the picture down."""
        return arrange_rows(self.channels)


NOT_SMOOTHED = Smoothing()


def open_probe(
    references: Path,
    envelope: Path,
    channels: Path,
    evoked: Path,
    by_hand: Path | None = None,
) -> EvokedProbe:
    """Read what is drawn of a probe.

    Parameters
    ----------
    references, envelope, channels, evoked : Path
        ``lfp.json``, ``envelope.zarr.zip``, ``channels.csv`` and ``evoked.zarr.zip``.
    by_hand : Path, optional
        ``bad_channels.tsv`` of the session, whose labels count before those of the channels.
    """
    with OpenProbe(open_references(references), envelope) as probe:
        r, doubts = probe.references, probe.doubts
    found = read_evoked(evoked, r)
    known = read_labels_by_hand(by_hand, r.probe) if by_hand else {}
    found_bad = [is_bad(row, known) for row in read_table(channels)]
    bad = np.array(found_bad, dtype=np.bool_)
    return EvokedProbe(
        r.session, r.probe, r.channels, bad, found.kinds, doubts, found.remarks, found.csd
    )


def is_bad(row: dict[str, str], by_hand: Mapping[int, str]) -> bool:
    """Tell whether a row of ``channels.csv`` is of a channel that no CSD can use."""
    if label := by_hand.get(int(row["channel"])):
        return label in BAD_LABELS
    return row.get("dead") == "1" or row.get("label") in BAD_LABELS


# --- numbers --------------------------------------------------------------------------------------


def about_baseline(one: Stored) -> Floats:
    """Average about its baseline; as it is where there is no baseline."""
    baseline = np.where(np.isfinite(one.baseline), one.baseline, 0.0)
    return one.mean - baseline[:, np.newaxis]


def csd_of(probe: EvokedProbe, one: Stored, smoothing: Smoothing) -> tuple[Floats | None, str]:
    """CSD of an average about its baseline in A/m³, or None and why there is none.

    Without the baseline: what differs between channels all the time are offsets of amplifiers.
    """
    if why := why_no_distances(probe.channels):
        return None, f"no CSD: {why}"
    few = one.n < MIN_SHARE * one.n.max(initial=0)
    step_ms = float(one.time[-1] - one.time[0]) / max(1, one.time.size - 1) * 1e3
    found = csd(
        about_baseline(one),
        probe.channels.columns["depth"],
        column=contact_columns(probe.channels),
        bad=probe.bad | few,
        smooth_um=smoothing.um,
        smooth_ms=smoothing.ms,
        step_ms=step_ms,
    )
    if not np.isfinite(found).any():
        return None, f"no CSD: {TOO_FEW}"
    return found, ""


def stored_on_channels(probe: EvokedProbe) -> Stored | None:
    """The file's own CSD at the depths of the channels, as the mean of one; None where none fits.

    Of the contacts between half-way points to the neighbouring channels the mean is taken.
    """
    stored, axis = probe.stored, probe.channels.depth_axis
    if stored is None or axis is None or axis.column != STORED_DEPTH or not stored.depth_um.size:
        return None
    depth = probe.channels.columns["depth"]
    levels = np.unique(depth[np.isfinite(depth)])
    middles = np.concatenate([[-np.inf], (levels[1:] + levels[:-1]) / 2, [np.inf]])
    density = np.full((depth.size, stored.time.size), np.nan)
    for level, low, high in zip(levels, middles[:-1], middles[1:], strict=True):
        reach = min(MAX_REACH_UM, max(level - low, high - level))
        near = (stored.depth_um >= max(low, level - reach)) & (
            stored.depth_um < min(high, level + reach)
        )
        if near.any():
            density[depth == level] = stored.density[near].mean(axis=0)
    none = np.zeros(depth.size)
    return Stored(
        "stored", ("", ""), 0.0, stored.time, density, density, none.astype(np.int64), none, {}
    )


def round_limit(values: Sequence[Floats]) -> float:
    """End of the colours: the next of 1, 2, 5, 10 … above nearly all values of nearly all rows."""
    rows = [np.abs(one[np.isfinite(one).any(axis=1)]) for one in values]
    ends = [
        float(np.quantile(np.nanquantile(one, MAX_SAMPLES, axis=1), MAX_CHANNELS))
        for one in rows
        if one.size
    ]
    most = max(ends, default=0.0)
    if not most > 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(most))
    return float(next(power * f for f in (1, 2, 5, 10) if power * f >= most * (1 - 1e-9)))


@dataclass(frozen=True)
class Scales:
    """Ends of the colours.

    Attributes
    ----------
    microvolts : float
        Of the LFP.
    density : float
        Of the CSD, A/m³.
    """

    microvolts: float
    density: float


def choose_scales(pairs: Sequence[tuple[EvokedProbe, Stored]], smoothing: Smoothing) -> Scales:
    """Choose one scale for averages of some probes.

    That of the LFP does not end below some standard errors: an average without a response shall
    not look like one.
    """
    volts, densities = [], []
    for probe, one in pairs:
        volts.append(about_baseline(one)[~probe.bad] * 1e6)
        errors = one.sem[~probe.bad][np.isfinite(one.sem[~probe.bad])]
        if errors.size:
            volts.append(np.full((1, 1), MIN_LIMIT_SEM * float(np.median(errors)) * 1e6))
        density, _ = csd_of(probe, one, smoothing)
        densities += [] if density is None else [density]
    return Scales(round_limit(volts), round_limit(densities))


# --- maps -----------------------------------------------------------------------------------------


def signed_picture(values: Floats, limit: float, width: int) -> npt.NDArray[np.uint8]:
    """Colours of values (row, time) from −limit to limit; grey where there is no number.

    Several samples in a pixel are averaged.
    """
    n = values.shape[1]
    if n > width:
        starts = np.arange(width) * n // width
        values = np.add.reduceat(values, starts, axis=1) / np.diff([*starts.tolist(), n])
    known = np.isfinite(values)
    share = np.clip(np.where(known, values, 0) / limit, -1, 1)
    codes = np.rint((share + 1) * (len(SIGNED_COLOURS) // 2))
    picture = SIGNED_COLOURS[codes.astype(np.int64)]
    picture[~known] = GREY
    return np.asarray(picture, dtype=np.uint8)


def draw_map(
    figure: Figure, box: Box, probe: EvokedProbe, one: Stored, values: Floats, limit: float
) -> Axes:
    """Draw values of channels over time, the rows as in all pictures of the probe."""
    axes = new_axes(figure, box)
    picture = signed_picture(values[probe.rows.channels], limit, box.width)
    half = (one.time[-1] - one.time[0]) / max(1, one.time.size - 1) / 2 * 1e3
    extent = (one.time[0] * 1e3 - half, one.time[-1] * 1e3 + half, box.height, 0)
    axes.imshow(picture, extent=extent, aspect="auto", interpolation="nearest")
    mark_onset(axes, one)
    axes.set_yticks([])
    label_time(axes)
    return axes


def label_time(axes: Axes) -> None:
    """Label the time axis of a map or of lines."""
    axes.tick_params(labelsize=9, color="#888888")
    axes.set_xlabel("time from onset (ms)", fontsize=9, labelpad=1)
    for spine in axes.spines.values():
        spine.set_color("#888888")
        spine.set_linewidth(0.8)


def mark_onset(axes: Axes, one: Stored) -> None:
    """Draw a line at the onset, and a broken one at the usual end."""
    axes.axvline(0, color="black", linewidth=0.9)
    if 0 < one.duration < one.time[-1]:
        axes.axvline(one.duration * 1e3, color="black", linewidth=0.8, linestyle=(0, (4, 3)))


def draw_bar(figure: Figure, box: Box, limit: float, title: str) -> None:
    """Draw the colours to the right of a map."""
    axes = new_axes(figure, Box(box.left + box.width + 8, box.top, 10, min(box.height, 200)))
    axes.imshow(SIGNED_COLOURS[::-1, np.newaxis], aspect="auto", extent=(0, 1, -limit, limit))
    axes.set_xticks([])
    axes.set_yticks([-limit, 0, limit], [f"−{limit:g}", "0", f"{limit:g}"])
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    axes.set_ylabel(title, fontsize=9, labelpad=-4)
    axes.tick_params(labelsize=9)


def say(figure: Figure, box: Box, words: str) -> None:
    """Write a few words where a map would be."""
    axes = new_axes(figure, box)
    axes.axis("off")
    axes.text(0.5, 0.5, words, ha="center", va="center", fontsize=10, color=QUIET)


def save_note(path: Path, words: str) -> None:
    """Write a picture of one line of text."""
    figure = new_figure(round(text_width(words, 10.5)) + 40, 40)
    figure.text(0.5, 0.5, words, ha="center", va="center", fontsize=10.5, color=QUIET)
    save(figure, path)


def colours_of(probes: Sequence[EvokedProbe]) -> dict[str, str]:
    """Colours of the areas of some probes."""
    areas = [probe.channels.columns.get("area", np.empty(0, dtype=str)) for probe in probes]
    return area_colours({name for some in areas for name in map(str, some) if is_area(name)})


def describe_maps(probes: Sequence[EvokedProbe], smoothing: Smoothing) -> list[str]:
    """Say in parts what LFP and CSD of some probes are, and how they were made."""
    parts = [
        "LFP: mean over trials, about the mean before the onset",
        f"CSD {FORMULA} of that mean, σ {SIGMA_S_PER_M:g} S/m, {smoothing}, {SINKS}",
    ]
    if bad := sum(int(probe.bad.sum()) for probe in probes):
        parts.append(f"{count_text(bad, 'channel')} left out of the CSD, in grey")
    return parts


def describe_trials(one: Stored) -> str:
    """Name a kind, its number of trials, and those that were dropped."""
    low, high = int(one.n.min()), int(one.n.max())
    parts = [one.name, f"n {high}" if low == high else f"n {low} to {high} by channel"]
    return " · ".join([*parts, *filter(None, [describe_dropped(one)])])


def describe_dropped(one: Stored) -> str:
    """How many trials were dropped, and why; empty where none was."""
    counts = {reason: int(n.max(initial=0)) for reason, n in one.dropped.items()}
    return " · ".join(f"{n} dropped, {WHY_DROPPED[reason]}" for reason, n in counts.items() if n)
