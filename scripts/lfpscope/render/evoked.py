"""Averages over intervals as pictures: LFP and CSD over depth and time, and some channels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from lfpscope.doubts import Doubt
from lfpscope.evoked.files import Stored
from lfpscope.formatting import count_text
from lfpscope.nwb.electrodes import Channels
from lfpscope.render.areas import area_colours, is_area
from lfpscope.render.drawing import GREY
from lfpscope.render.figure import (
    QUIET,
    Box,
    draw_heading,
    fit_text,
    label_rows,
    make_heading,
    new_axes,
    new_figure,
    save,
    text_settings,
)
from lfpscope.render.rows import Rows, arrange_rows
from lfpscope.signals.csd import FORMULA, SIGMA_S_PER_M, csd

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

STOPS = ("#08306b", "#2171b5", "#6baed6", "#c6dbef", "#ffffff", "#fcbba1", "#fb6a4a", "#cb181d")
SIGNED = LinearSegmentedColormap.from_list("signed", [*STOPS, "#67000d"])(
    np.linspace(0, 1, 255), bytes=True
)[:, :3]
"""From negative, blue, over white to positive, red."""
SINKS = "sinks negative, blue"
LEFT, RIGHT, TOP, BOTTOM = 190, 120, 70, 50  # pixels around the pictures
NAMES = RIGHT - 15  # for names of channels beside the lines
BAR, BETWEEN, TITLE = 80, 24, 34  # of a colour bar, between panels, above a row of panels
ROW, LOW_ROW, MANY = 300, 220, 4  # height of a row of panels; lower where there are more
N_LINES = 5  # channels drawn as lines
LIMIT_QUANTILE = 0.998  # of the values: a few may be beyond the ends of the colours
MIN_SHARE = 0.9  # of the trials: a channel with fewer is not in the CSD
FAR_STEPS = 4.0  # usual distances of contacts: across a larger one there is no CSD


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
        What was not averaged.
    """

    session: str
    probe: str
    channels: Channels
    bad: Mask
    kinds: list[Stored]
    doubts: Sequence[Doubt] = ()
    remarks: Sequence[str] = ()

    @property
    def rows(self) -> Rows:
        """Channels from the top of the picture down."""
        return arrange_rows(self.channels)


# --- numbers --------------------------------------------------------------------------------------


def about_baseline(one: Stored) -> Floats:
    """Average about its baseline; as it is where there is no baseline."""
    baseline = np.where(np.isfinite(one.baseline), one.baseline, 0.0)
    return one.mean - baseline[:, np.newaxis]


def csd_of(probe: EvokedProbe, one: Stored, smoothing: Smoothing) -> tuple[Floats | None, str]:
    """CSD of an average in A/m³, or None and why there is none."""
    depth, axis = probe.channels.columns.get("depth"), probe.channels.depth_axis
    if depth is None or axis is None:
        return None, "no CSD: the file has no depth"
    if axis.unit != "µm":
        return None, "no CSD: the unit of the depth is not known"
    few = one.n < MIN_SHARE * one.n.max(initial=0)
    step_ms = float(one.time[-1] - one.time[0]) / max(1, one.time.size - 1) * 1e3
    found = csd(
        one.mean,
        depth,
        column=contact_columns(probe.channels),
        bad=probe.bad | few,
        smooth_um=smoothing.um,
        smooth_ms=smoothing.ms,
        step_ms=step_ms,
    )
    if not np.isfinite(found).any():
        return None, "no CSD: fewer than three contacts in a column"
    return found, ""


def contact_columns(channels: Channels) -> npt.NDArray[np.int64]:
    """Number of the column of contacts of each channel: of one block, x, and stretch of depth."""
    depth = channels.columns["depth"]
    across = channels.columns.get("across", np.full(depth.size, np.nan))
    column = np.full(depth.size, -1, dtype=np.int64)
    n = 0
    for block in arrange_rows(channels).blocks:
        members = np.zeros(depth.size, dtype=np.bool_)
        members[arrange_rows(channels).channels[block.first : block.stop]] = True
        for x in np.unique(across[members]):
            same = members & ((across == x) | (np.isnan(across) & np.isnan(x)))
            levels = np.unique(depth[same & np.isfinite(depth)])
            steps = np.diff(levels)
            far = steps > FAR_STEPS * np.median(steps) if steps.size else steps
            for part in np.split(levels, np.flatnonzero(far) + 1):
                column[same & np.isin(depth, part)] = n
                n += 1
    return column


def round_limit(values: Sequence[Floats]) -> float:
    """End of the colours: the next of 1, 2, 5, 10 … above nearly all values."""
    finite = [np.abs(one[np.isfinite(one)]) for one in values]
    most = max((float(np.quantile(one, LIMIT_QUANTILE)) for one in finite if one.size), default=0)
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


def choose_scales(probes: Sequence[EvokedProbe], smoothing: Smoothing) -> Scales:
    """Choose one scale for all kinds of some probes."""
    pairs = [(probe, one) for probe in probes for one in probe.kinds]
    volts = [about_baseline(one)[~probe.bad] * 1e6 for probe, one in pairs]
    densities = [csd_of(probe, one, smoothing)[0] for probe, one in pairs]
    return Scales(round_limit(volts), round_limit([one for one in densities if one is not None]))


# --- pictures -------------------------------------------------------------------------------------


def signed_picture(values: Floats, limit: float, width: int) -> npt.NDArray[np.uint8]:
    """Colours of values (row, time) from −limit to limit; grey where there is no number.

    Several samples in a pixel are averaged.
    """
    n = values.shape[1]
    if n > width:
        starts = np.arange(width) * n // width
        values = np.add.reduceat(values, starts, axis=1) / np.diff([*starts.tolist(), n])
    known = np.isfinite(values)
    codes = np.rint((np.clip(np.where(known, values, 0) / limit, -1, 1) + 1) * 127)
    picture = SIGNED[codes.astype(np.int64)]
    picture[~known] = GREY
    return np.asarray(picture, dtype=np.uint8)


def draw_evoked(
    probe: EvokedProbe, path: Path, *, width: int = 1600, smoothing: Smoothing = Smoothing()
) -> None:
    """Draw the averages of a probe: a row of LFP, CSD and some channels for each kind."""
    with text_settings():
        scales = choose_scales([probe], smoothing)
        row = ROW if len(probe.kinds) <= MANY else LOW_ROW
        heading = make_heading(
            f"session {probe.session} · probe {probe.probe} · averages around onsets",
            _caption(probe, smoothing),
            probe.doubts,
            width,
        )
        top = TOP + heading.shift
        figure = new_figure(width, top + len(probe.kinds) * (row + TITLE + BETWEEN) + BOTTOM)
        draw_heading(figure, heading)
        room = width - LEFT - RIGHT - 2 * BAR - BETWEEN
        lfp, lines = round(room * 0.37), round(room * 0.26)
        for i, one in enumerate(probe.kinds):
            y = top + TITLE + i * (row + TITLE + BETWEEN)
            boxes = [
                Box(LEFT, y, lfp, row),
                Box(LEFT + lfp + BAR, y, lfp, row),
                Box(LEFT + 2 * (lfp + BAR) + BETWEEN, y, lines, row),
            ]
            _draw_kind(figure, boxes, probe, one, scales, smoothing)
        save(figure, path)


def _caption(probe: EvokedProbe, smoothing: Smoothing) -> list[str]:
    parts = [
        "LFP: mean over trials, about the mean before the onset",
        f"CSD {FORMULA} of that mean, σ {SIGMA_S_PER_M:g} S/m, {smoothing}, {SINKS}",
        "lines: mean ± SEM",
    ]
    if bad := int(probe.bad.sum()):
        parts.append(f"{count_text(bad, 'channel')} left out of the CSD, in grey")
    return [*parts, *probe.remarks]


def _draw_kind(
    figure: Figure,
    boxes: Sequence[Box],
    probe: EvokedProbe,
    one: Stored,
    scales: Scales,
    smoothing: Smoothing,
) -> None:
    """Draw one row: LFP, CSD and lines."""
    _title(figure, boxes[0], one, boxes[-1].left + boxes[-1].width - boxes[0].left)
    volts = np.where(probe.bad[:, np.newaxis], np.nan, about_baseline(one)) * 1e6
    axes = _draw_map(figure, boxes[0], probe, one, volts, scales.microvolts)
    label_rows(figure, axes, boxes[0], probe.channels, probe.rows, _colours([probe]))
    _draw_bar(figure, boxes[0], scales.microvolts, "LFP (µV)")
    density, why = csd_of(probe, one, smoothing)
    if density is None:
        _say(figure, boxes[1], why)
    else:
        _draw_map(figure, boxes[1], probe, one, density, scales.density)
        _draw_bar(figure, boxes[1], scales.density, "CSD (A/m³)")
    _draw_lines(figure, boxes[2], probe, one)


def _title(figure: Figure, box: Box, one: Stored, room: int) -> None:
    """Name a kind, its number of trials, and those that were dropped."""
    low, high = (int(n) for n in (one.n.min(), one.n.max()))
    parts = [one.name, f"n {high}" if low == high else f"n {low} to {high} by channel"]
    dropped = {reason: int(n.max(initial=0)) for reason, n in one.dropped.items()}
    parts += [f"{n} dropped: {reason}" for reason, n in dropped.items() if n]
    axes = new_axes(figure, Box(box.left, box.top - TITLE, room, TITLE))
    axes.axis("off")
    text = fit_text(" · ".join(parts), 11, room)
    axes.text(0, 0.35, text, fontsize=11, fontweight="bold", va="center")


def _draw_map(
    figure: Figure, box: Box, probe: EvokedProbe, one: Stored, values: Floats, limit: float
) -> Axes:
    """Draw values of channels over time, the rows as in all pictures of the probe."""
    axes = new_axes(figure, box)
    picture = signed_picture(values[probe.rows.channels], limit, box.width)
    half = (one.time[-1] - one.time[0]) / max(1, one.time.size - 1) / 2 * 1e3
    extent = (one.time[0] * 1e3 - half, one.time[-1] * 1e3 + half, box.height, 0)
    axes.imshow(picture, extent=extent, aspect="auto", interpolation="nearest")
    _mark_onset(axes, one)
    axes.set_yticks([])
    _label_time(axes)
    return axes


def _label_time(axes: Axes) -> None:
    axes.tick_params(labelsize=9, color="#888888")
    axes.set_xlabel("time from onset (ms)", fontsize=9, labelpad=1)
    for spine in axes.spines.values():
        spine.set_color("#888888")
        spine.set_linewidth(0.8)


def _mark_onset(axes: Axes, one: Stored) -> None:
    """Draw a line at the onset, and a broken one at the usual end."""
    axes.axvline(0, color="black", linewidth=0.9)
    if 0 < one.duration < one.time[-1]:
        axes.axvline(one.duration * 1e3, color="black", linewidth=0.8, linestyle=(0, (4, 3)))


def _draw_bar(figure: Figure, box: Box, limit: float, title: str) -> None:
    """Draw the colours to the right of a map."""
    axes = new_axes(figure, Box(box.left + box.width + 8, box.top, 10, min(box.height, 200)))
    axes.imshow(SIGNED[::-1, np.newaxis], aspect="auto", extent=(0, 1, -limit, limit))
    axes.set_xticks([])
    axes.set_yticks([-limit, 0, limit], [f"−{limit:g}", "0", f"{limit:g}"])
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    axes.set_ylabel(title, fontsize=9, labelpad=-4)
    axes.tick_params(labelsize=9)


def _say(figure: Figure, box: Box, words: str) -> None:
    axes = new_axes(figure, box)
    axes.axis("off")
    axes.text(0.5, 0.5, words, ha="center", va="center", fontsize=10, color=QUIET)


def pick_lines(probe: EvokedProbe, one: Stored) -> list[int]:
    """Pick the channel of the largest response in each of some equal parts of the rows."""
    order = probe.rows.channels
    strength = np.abs(about_baseline(one)[:, one.time >= 0]).max(axis=1, initial=0)
    strength = np.where(probe.bad | ~np.isfinite(strength), -1, strength)
    parts = np.array_split(order, min(N_LINES, order.size))
    best = [int(part[strength[part].argmax()]) for part in parts]
    return [channel for channel in best if strength[channel] >= 0]


def _draw_lines(figure: Figure, box: Box, probe: EvokedProbe, one: Stored) -> None:
    """Draw the mean of some channels with its standard error, from the top down."""
    axes = new_axes(figure, box)
    channels, time = pick_lines(probe, one), one.time * 1e3
    volts, sem = about_baseline(one) * 1e6, one.sem * 1e6
    largest = max((float(np.nanmax(np.abs(volts[c]))) for c in channels), default=0.0) or 1.0
    step = 1.3 * largest
    for i, channel in enumerate(channels):
        line, error = volts[channel] - i * step, np.nan_to_num(sem[channel])
        axes.fill_between(time, line - error, line + error, color="#b9c3dc", linewidth=0)
        axes.plot(time, line, color="#26355d", linewidth=1)
        axes.axhline(-i * step, color="#cccccc", linewidth=0.6, zorder=0)
        place: dict[str, Any] = {"ha": "left", "va": "center", "fontsize": 8.5}
        axes.text(time[-1] + 0.02 * (time[-1] - time[0]), -i * step, _name(probe, channel), **place)
    axes.set(xlim=(time[0], time[-1]), ylim=(-(len(channels) - 0.4) * step, 0.9 * step))
    _mark_onset(axes, one)
    axes.set_yticks([])
    _label_time(axes)
    bar = round_limit([np.array([largest / 2])])
    x = time[0] + 0.03 * (time[-1] - time[0])
    low = -(len(channels) - 0.5) * step
    axes.plot([x, x], [low, low + bar], color="black", linewidth=2, solid_capstyle="butt")
    axes.text(x, low + bar / 2, f"  {bar:g} µV", va="center", fontsize=8.5)


def _name(probe: EvokedProbe, channel: int) -> str:
    columns = probe.channels.columns
    parts = [f"channel {probe.channels.id[channel]}"]
    if "depth" in columns and np.isfinite(columns["depth"][channel]):
        unit = probe.channels.depth_axis.unit if probe.channels.depth_axis else ""
        parts = [f"{columns['depth'][channel]:g} {unit}".strip()]
    if "area" in columns and is_area(str(columns["area"][channel])):
        parts.append(str(columns["area"][channel]))
    return fit_text(" ".join(parts), 8.5, NAMES)


def _colours(probes: Sequence[EvokedProbe]) -> dict[str, str]:
    areas = [probe.channels.columns.get("area", np.empty(0, dtype=str)) for probe in probes]
    return area_colours({name for some in areas for name in map(str, some) if is_area(name)})
