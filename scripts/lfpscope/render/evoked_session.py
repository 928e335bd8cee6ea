"""Averages over intervals of all probes of a session, side by side, each kind at one scale."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from lfpscope.evoked.files import Stored
from lfpscope.formatting import count_text, natural_key
from lfpscope.render.depth_labels import label_rows
from lfpscope.render.evoked_maps import (
    NOT_SMOOTHED,
    EvokedProbe,
    Scales,
    Smoothing,
    about_baseline,
    choose_scales,
    colours_of,
    csd_of,
    describe_maps,
    describe_trials,
    draw_bar,
    draw_map,
    save_note,
    say,
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

MAX_KINDS = 6  # with most trials; the pictures of the probes have the others
LABELS, MAP, RIGHT, TOP, BOTTOM = 190, 220, 90, 96, 50  # pixels
MAP_HEIGHT, BETWEEN, TITLE = 200, 44, 30


def draw_session_averages(
    probes: Sequence[EvokedProbe],
    path: Path,
    *,
    session: str,
    width: int = 1600,
    smoothing: Smoothing = NOT_SMOOTHED,
) -> None:
    """Draw LFP and CSD of all probes: a column for each probe, two rows for each kind."""
    ordered = sorted(probes, key=lambda probe: natural_key(probe.probe))
    shown = [probe for probe in ordered if any(one.n.max(initial=0) for one in probe.kinds)]
    with text_settings():
        if not shown:
            save_note(path, f"session {session}: no complete trial around any interval")
            return
        names, more = choose_names(shown)
        scales = {name: choose_scales(_averages(shown, name), smoothing) for name in names}
        width = max(width, len(shown) * (LABELS + MAP) + RIGHT)
        parts = [count_text(len(shown), "probe"), *describe_maps(shown, smoothing), *more]
        heading = make_heading(f"session {session} · averages around onsets", parts, (), width)
        top = TOP + heading.shift
        each = 2 * (MAP_HEIGHT + BETWEEN) + TITLE
        figure = new_figure(width, top + len(names) * each + BOTTOM - BETWEEN)
        draw_heading(figure, heading)
        step = (width - RIGHT) // len(shown)
        for column, probe in enumerate(shown):
            left = column * step + LABELS
            _name_probe(figure, Box(left, top - 24, step - LABELS, 20), probe)
            for row, name in enumerate(names):
                box = Box(left, top + TITLE + row * each, step - LABELS - 14, MAP_HEIGHT)
                _draw_kind(figure, box, probe, name, scales[name], smoothing, shown)
        for row, name in enumerate(names):
            bar = Box(width - RIGHT - 14, top + TITLE + row * each, 0, MAP_HEIGHT)
            draw_bar(figure, bar, scales[name].microvolts, "LFP (µV)")
            lower = replace(bar, top=bar.top + MAP_HEIGHT + BETWEEN)
            draw_bar(figure, lower, scales[name].density, "CSD (A/m³)")
        save(figure, path)


def choose_names(probes: Sequence[EvokedProbe]) -> tuple[list[str], list[str]]:
    """Choose the kinds with most trials, conditions apart, and say how many are left out."""
    n: dict[str, int] = {}
    for probe in probes:
        for one in probe.kinds:
            if not one.condition[0] and one.n.max(initial=0):
                n[one.name] = max(n.get(one.name, 0), int(one.n.max(initial=0)))
    ranked = sorted(n, key=lambda name: -n[name])[:MAX_KINDS]
    left = len(n) - len(ranked)
    more = [f"{count_text(left, 'kind')} more in the pictures of the probes"] if left else []
    return [name for name in n if name in ranked], more


def _averages(probes: Sequence[EvokedProbe], name: str) -> list[tuple[EvokedProbe, Stored]]:
    """Averages of one kind on all probes that have it."""
    return [(probe, one) for probe in probes for one in probe.kinds if one.name == name]


def _name_probe(figure: Figure, box: Box, probe: EvokedProbe) -> None:
    axes = new_axes(figure, box)
    axes.axis("off")
    text = fit_text(f"probe {probe.probe}", 11, box.width)
    axes.text(0, 0.5, text, fontsize=11, fontweight="bold", va="center")


def _draw_kind(
    figure: Figure,
    box: Box,
    probe: EvokedProbe,
    name: str,
    scales: Scales,
    smoothing: Smoothing,
    probes: Sequence[EvokedProbe],
) -> None:
    """Draw LFP and, below, CSD of one kind on one probe."""
    found = [pair for pair in _averages([probe], name) if pair[1].n.max(initial=0)]
    if not found:
        say(figure, box, f"{name}: no complete trial")
        return
    one, colours = found[0][1], colours_of(probes)
    title = new_axes(figure, Box(box.left, box.top - 20, box.width, 18))
    title.axis("off")
    text = fit_text(describe_trials(one), 9.5, box.width)
    title.text(0, 0.5, text, fontsize=9.5, va="center")
    volts = np.where(probe.bad[:, np.newaxis], np.nan, about_baseline(one)) * 1e6
    axes = draw_map(figure, box, probe, one, volts, scales.microvolts)
    label_rows(figure, axes, box, probe.channels, probe.rows, colours)
    axes.set_xlabel("")
    lower = Box(box.left, box.top + box.height + BETWEEN, box.width, box.height)
    density, why = csd_of(probe, one, smoothing)
    if density is None:
        say(figure, lower, why)
        return
    axes = draw_map(figure, lower, probe, one, density, scales.density)
    label_rows(figure, axes, lower, probe.channels, probe.rows, colours)
