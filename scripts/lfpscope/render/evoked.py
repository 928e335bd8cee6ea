"""Averages over intervals of one probe as a picture: LFP, CSD and some channels."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lfpscope.evoked.files import Stored
from lfpscope.nwb.areas import is_area
from lfpscope.render.depth_labels import label_rows
from lfpscope.render.evoked_maps import (
    NOT_SMOOTHED,
    EvokedProbe,
    Smoothing,
    about_baseline,
    choose_scales,
    colours_of,
    csd_of,
    describe_dropped,
    describe_maps,
    describe_trials,
    draw_bar,
    draw_map,
    label_time,
    mark_onset,
    round_limit,
    save_note,
    say,
    stored_on_channels,
)
from lfpscope.render.figure import (
    Box,
    draw_heading,
    fit_text,
    make_heading,
    new_axes,
    new_figure,
    save,
)
from lfpscope.render.fonts import text_settings

LEFT, RIGHT, TOP, BOTTOM = 190, 120, 70, 50  # pixels around the pictures
NAMES = RIGHT - 15  # for names of channels beside the lines
BAR, BETWEEN, TITLE = 80, 24, 34  # of a colour bar, between panels, above a row of panels
ROW, LOW_ROW, MANY = 300, 220, 4  # height of a row of panels; lower where there are more
HIGH_ROW = 400  # where a pixel for each channel makes it so high
MAX_ROWS = 40  # averages in a picture; of conditions there may be hundreds
N_LINES = 5  # channels drawn as lines


def draw_averages(
    probe: EvokedProbe, path: Path, *, width: int = 1600, smoothing: Smoothing = NOT_SMOOTHED
) -> None:
    """Draw the averages of a probe: a row of LFP, CSD and some channels for each kind.

    Where there is none, the picture is a line that says so.
    """
    with text_settings():
        shown, left_out = choose_rows(probe)
        if not shown:
            why = "; ".join(left_out) or "no intervals with an onset, nothing to average"
            save_note(path, f"probe {probe.probe}: {why}")
            return
        row = ROW if len(shown) <= MANY else LOW_ROW
        row = max(row, min(probe.channels.id.size, HIGH_ROW))
        heading = make_heading(
            f"session {probe.session} · probe {probe.probe} · averages around onsets",
            [
                *describe_maps([probe], smoothing),
                "lines: mean ± SEM, colours of each row by its bar",
                *left_out,
                *probe.remarks,
            ],
            probe.doubts,
            width,
        )
        top = TOP + heading.shift
        stored = stored_on_channels(probe)
        n_rows = len(shown) + (stored is not None)
        figure = new_figure(width, top + n_rows * (row + TITLE + BETWEEN) + BOTTOM)
        draw_heading(figure, heading)
        room = width - LEFT - RIGHT - 2 * BAR - BETWEEN
        lfp, lines = round(room * 0.37), round(room * 0.26)
        for i, one in enumerate(shown):
            y = top + TITLE + i * (row + TITLE + BETWEEN)
            boxes = [
                Box(LEFT, y, lfp, row),
                Box(LEFT + lfp + BAR, y, lfp, row),
                Box(LEFT + 2 * (lfp + BAR) + BETWEEN, y, lines, row),
            ]
            _draw_kind(figure, boxes, probe, one, smoothing)
        if stored is not None:
            y = top + TITLE + len(shown) * (row + TITLE + BETWEEN)
            boxes = [Box(LEFT, y, lfp, row), Box(LEFT + lfp + BAR, y, lfp, row)]
            _draw_stored(figure, boxes, probe, shown, stored, smoothing)
        save(figure, path)


def choose_rows(probe: EvokedProbe) -> tuple[list[Stored], list[str]]:
    """Choose the averages that are drawn, and say which are not: without a trial, or too many."""
    some = [one for one in probe.kinds if one.n.max(initial=0) > 0]
    none = [one for one in probe.kinds if not one.n.max(initial=0)]
    left_out = [f"{one.name}: no complete trial ({describe_dropped(one)})" for one in none]
    if len(some) > MAX_ROWS:
        left_out.append(f"{len(some) - MAX_ROWS} more averages in evoked.zarr.zip")
    return some[:MAX_ROWS], left_out


def _draw_kind(
    figure: Figure,
    boxes: Sequence[Box],
    probe: EvokedProbe,
    one: Stored,
    smoothing: Smoothing,
) -> None:
    """Draw one row: LFP, CSD and lines."""
    scales = choose_scales([(probe, one)], smoothing)
    _title(figure, boxes[0], one, boxes[-1].left + boxes[-1].width - boxes[0].left)
    volts = np.where(probe.bad[:, np.newaxis], np.nan, about_baseline(one)) * 1e6
    axes = draw_map(figure, boxes[0], probe, one, volts, scales.microvolts)
    label_rows(figure, axes, boxes[0], probe.channels, probe.rows, colours_of([probe]))
    draw_bar(figure, boxes[0], scales.microvolts, "LFP (µV)")
    density, why = csd_of(probe, one, smoothing)
    if density is None:
        say(figure, boxes[1], why)
    else:
        draw_map(figure, boxes[1], probe, one, density, scales.density)
        draw_bar(figure, boxes[1], scales.density, "CSD (A/m³)")
    _draw_lines(figure, boxes[2], probe, one)


def _draw_stored(
    figure: Figure,
    boxes: Sequence[Box],
    probe: EvokedProbe,
    shown: Sequence[Stored],
    stored: Stored,
    smoothing: Smoothing,
) -> None:
    """Draw the file's own CSD, and beside it ours of the same time, each with its own colours."""
    ours = next((one for one in shown if "flash" in one.name.lower()), shown[0])
    density, why = csd_of(probe, ours, smoothing)
    maps = [("CSD stored in the file", stored, stored.mean)]
    if density is not None:
        maps.append((f"ours, {ours.name}", ours, density))
    for box, (name, one, values) in zip(boxes, maps, strict=False):
        here = (one.time >= stored.time[0]) & (one.time <= stored.time[-1])
        cut = replace(one, time=one.time[here])
        limit = round_limit([values[:, here]])
        head = new_axes(figure, Box(box.left, box.top - TITLE, box.width, TITLE))
        head.axis("off")
        head.text(0, 0.35, fit_text(name, 11, box.width), fontsize=11, va="center")
        axes = draw_map(figure, box, probe, cut, values[:, here], limit)
        if box is boxes[0]:
            label_rows(figure, axes, box, probe.channels, probe.rows, colours_of([probe]))
        draw_bar(figure, box, limit, "CSD (A/m³)")
    if density is None:
        say(figure, boxes[1], why)


def _title(figure: Figure, box: Box, one: Stored, room: int) -> None:
    """Name a kind, its number of trials, and those that were dropped."""
    axes = new_axes(figure, Box(box.left, box.top - TITLE, room, TITLE))
    axes.axis("off")
    text = fit_text(describe_trials(one), 11, room)
    axes.text(0, 0.35, text, fontsize=11, fontweight="bold", va="center")


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
    mark_onset(axes, one)
    axes.set_yticks([])
    label_time(axes)
    bar = round_limit([np.array([[largest / 2]])])
    x = time[0] + 0.03 * (time[-1] - time[0])
    low = -(len(channels) - 0.5) * step
    axes.plot([x, x], [low, low + bar], color="black", linewidth=2, solid_capstyle="butt")
    paper = {"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 1}
    shift = 0.02 * (time[-1] - time[0])
    axes.text(x + shift, low + bar / 2, f"{bar:g} µV", va="center", fontsize=8.5, bbox=paper)


def _name(probe: EvokedProbe, channel: int) -> str:
    columns = probe.channels.columns
    parts = [f"channel {probe.channels.id[channel]}"]
    if "depth" in columns and np.isfinite(columns["depth"][channel]):
        unit = probe.channels.depth_axis.unit if probe.channels.depth_axis else ""
        parts = [f"{columns['depth'][channel]:g} {unit}".strip()]
    if "area" in columns and is_area(str(columns["area"][channel])):
        parts.append(str(columns["area"][channel]))
    return fit_text(" ".join(parts), 8.5, NAMES)
