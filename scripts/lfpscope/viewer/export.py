"""A view as PNG, with a JSON beside it that says what it shows and renders it again."""

import itertools
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from lfpscope.clock.timeline import Stretch, Timeline
from lfpscope.envelope.read import OpenProbe, time_range
from lfpscope.errors import UserError
from lfpscope.io.atomic import atomic
from lfpscope.io.tables import read_json, write_json
from lfpscope.nwb.areas import is_area
from lfpscope.render.areas import area_colours
from lfpscope.render.figure import note_boxes
from lfpscope.render.fonts import text_settings
from lfpscope.render.ticks import Run, shorten
from lfpscope.signals.transform import parse_transform
from lfpscope.viewer.auto_gain import BAR
from lfpscope.viewer.channel_selection import bad_channels, chosen_rows
from lfpscope.viewer.export_lane import Lane
from lfpscope.viewer.facts import axis_label, count_channels, first_doubt
from lfpscope.viewer.labels import (
    area_labels,
    area_runs,
    block_edges,
    block_names,
    channel_marks,
    row_ticks,
)
from lfpscope.viewer.picture import Picture, axis_clock, common_gains, draw_probe, palette_array
from lfpscope.viewer.scale_bar import colour_limits, colour_ticks, map_colours, scale_text
from lfpscope.viewer.session_folder import SessionFolder
from lfpscope.viewer.style import STRIP, WRONG
from lfpscope.viewer.times import axis_title, time_of
from lfpscope.viewer.view_state import TRACES, State

VERSION = 3
SETS, PAIRS = ("hidden", "areas", "without"), ("modes", "bad", "left_out")  # fields of a state
SUFFIXES = {".png": ["Software"], ".svg": ["Date"], ".pdf": ["CreationDate", "Producer", "Creator"]}
"""Formats, and the metadata that would differ from time to time."""
MARKERS = {"x": "x", "triangle": "^", "circle_x": "o"}
DRAWN_WITH = ("matplotlib", "numpy", "numba")
LEFT, RIGHT, TOP, BOTTOM, BETWEEN = 164, 100, 44, 52, 44  # pixels around the frames
SIZE = 9.75  # points: 13 pixels at 96 to the inch, as on the page
ABOVE_LANE = 10  # pixels
DPI = 96
LETTER = 9  # pixels, of a capital
MAX_PIXELS = 20_000  # of a saved view's width and height


def save_view(
    session: SessionFolder,
    state: State,
    width: int,
    height: int,
    folder: Path,
    *,
    lane: Lane | None = None,
    suffix: str = ".png",
) -> Path:
    """Write a view as picture and JSON under a name that says which time it shows.

    Parameters
    ----------
    session : SessionFolder
        Whose.
    state : State
        What it shows.
    width, height : int
        Of each probe's frame, pixels.
    folder : Path
        Where.
    lane : Lane, optional
        Intervals and marks below.
    suffix : str
        One of SUFFIXES.

    Returns
    -------
    Path
        The picture. The JSON has the same name.
    """
    view = describe_view(session, state, width, height, lane or Lane())
    folder.mkdir(parents=True, exist_ok=True)
    picture = _take_name(folder, f"{state.start:.3f}-{state.stop:.3f}", suffix)
    try:
        write_json(picture.with_suffix(".json"), view)
        draw_view(session, view, picture)
    except BaseException:
        for path in (picture, picture.with_suffix(".json")):
            path.unlink(missing_ok=True)
        raise
    return picture


def _take_name(folder: Path, stem: str, suffix: str) -> Path:
    """Make an empty file under the first name that is free: no other tab gets the same one."""
    for i in itertools.count(1):
        path = folder / (f"{stem}{suffix}" if i == 1 else f"{stem}-{i}{suffix}")
        if path.with_suffix(".json").exists():
            continue
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            continue
        return path
    raise AssertionError


def describe_view(
    session: SessionFolder, state: State, width: int, height: int, lane: Lane
) -> dict[str, Any]:
    """Everything it takes to render a view again, and to know what it was made from."""
    plain = asdict(state) | {name: sorted(getattr(state, name)) for name in (*SETS, *PAIRS)}
    return {
        "lfpscope_view": VERSION,
        "session": session.name,
        "width": width,
        "height": height,
        "state": plain,
        "lane": asdict(lane),
        "probes": [_describe_probe(probe, state) for probe in _shown(session, state)],
        "versions": _versions(),
    }


def _describe_probe(probe: OpenProbe, state: State) -> dict[str, Any]:
    references = probe.references
    pieces = time_range(axis_clock(probe, state.timeline), state.start, state.stop)
    return {
        "probe": references.probe,
        "series": references.series,
        "source": references.provenance.to_json(),
        "samples": [[first, stop] for _, first, stop in pieces],
        "channels": references.channels.id[chosen_rows(probe, state).channels].tolist(),
        "volts_per_count": sorted(set(references.scale.tolist())),
    }


def _shown(session: SessionFolder, state: State) -> list[OpenProbe]:
    opened = session.open_probes()
    probes = [opened[name] for name in state.shown if name in opened]
    for probe in probes:
        if isinstance(probe, UserError):
            raise probe
    return [probe for probe in probes if not isinstance(probe, UserError)]


def render_view(session: SessionFolder, view: Path, png: Path) -> None:
    """Draw a saved view again: the same bytes from the same source and the same versions.

    Raises
    ------
    UserError
        If `view` is missing or not a saved view, or the source is not the one it was made from.
    """
    if not view.exists():
        raise UserError(f"{view}: no such file. The viewer's key s saves a view.")
    content = read_json(view)
    version = content.get("lfpscope_view") if isinstance(content, dict) else None
    if version is None:
        raise UserError(f"{view}: not a view saved by this viewer.")
    if version != VERSION:
        raise UserError(f"{view}: version {version!r}, expected {VERSION}.")
    try:
        state = _read_view(content)
        Lane(**content["lane"])
        sources = {one["probe"]: one["source"] for one in content["probes"]}
        identities = {name: (one["size"], one["crc32"]) for name, one in sources.items()}
        versions = dict(content["versions"])
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{view}: not a view saved by this viewer ({error!r}).") from None
    for probe in _shown(session, state):
        here = probe.references.provenance.to_json()
        if identities.get(probe.references.probe) != (here["size"], here["crc32"]):
            raise UserError(f"{view}: made from another file than {here['address']}.")
    now = _versions()
    if versions != now:
        print(f"made with {versions}, now drawn with {now}: bytes may differ", file=sys.stderr)
    draw_view(session, content, png)


def _read_view(content: dict[str, Any]) -> State:
    """State of a saved view, if it can be drawn.

    Raises
    ------
    LookupError, TypeError, ValueError, AttributeError
        If it cannot.
    """
    state = read_state(content)
    sizes = content["width"], content["height"]
    if not all(type(size) is int and 0 < size <= MAX_PIXELS for size in sizes):
        raise ValueError(f"width and height {sizes}")
    numbers = (state.start, state.stop, state.microvolts, state.every, *(state.depths or ()))
    if not all(type(n) in (int, float) and math.isfinite(n) for n in numbers):
        raise ValueError(f"numbers {numbers}")
    if not (state.start < state.stop and state.microvolts > 0 and state.every >= 1):
        raise ValueError(f"range {state.start} to {state.stop}, scale {state.microvolts}")
    return state


def _versions() -> dict[str, str]:
    return {name: version(name) for name in DRAWN_WITH}


def read_state(content: dict[str, Any]) -> State:
    """State of a saved view."""
    plain = dict(content["state"])
    for name in SETS:
        plain[name] = frozenset(plain.get(name, ()))
    for name in PAIRS:
        plain[name] = frozenset((probe, what) for probe, what in plain.get(name, ()))
    plain["probes"] = tuple(plain["probes"])
    plain["transform"] = parse_transform(plain.get("transform", "")).text
    plain["channel"] = None if plain["channel"] is None else tuple(plain["channel"])
    low_high = plain["depths"]
    plain["depths"] = None if low_high is None else (low_high[0], low_high[1])
    timeline = plain["timeline"]
    stretches = tuple(Stretch(**stretch) for stretch in timeline["stretches"])
    epochs = tuple((start, stop) for start, stop in timeline["epochs"])
    plain["timeline"] = Timeline(stretches, epochs)
    return State(**plain)


@text_settings()
def draw_view(session: SessionFolder, view: dict[str, Any], path: Path) -> None:
    """Draw a described view, in the format that the name of the file says."""
    figure = draw_figure(session, view)
    suffix = path.suffix if path.suffix in SUFFIXES else ".png"
    # no date and no version inside: equal pictures are equal bytes
    with atomic(path) as part, mpl.rc_context({"svg.hashsalt": "lfpscope"}):
        figure.savefig(part, format=suffix[1:], metadata=dict.fromkeys(SUFFIXES[suffix]))


def draw_figure(
    session: SessionFolder, view: dict[str, Any], kind: type[Figure] = Figure
) -> Figure:
    """Draw a described view as a figure of some kind."""
    lane = Lane(**view["lane"])
    state, width, height = read_state(view), view["width"], view["height"]
    probes = _shown(session, state)
    total = (
        LEFT + width + RIGHT,
        TOP + (height + BETWEEN) * len(probes) - BETWEEN + ABOVE_LANE + lane.height + BOTTOM,
    )
    figure = kind(figsize=(total[0] / DPI, total[1] / DPI), dpi=DPI, facecolor="white")
    pictures = [draw_probe(probe, state, width, height) for probe in probes]
    if state.is_auto:
        gains = common_gains(pictures)
        pictures = [
            one
            if one.microvolts == gains[one.mode]
            else draw_probe(probe, state.scaled(gains[one.mode]), width, height)
            for probe, one in zip(probes, pictures, strict=True)
        ]
    for i, (probe, picture) in enumerate(zip(probes, pictures, strict=True)):
        top = TOP + i * (height + BETWEEN)
        here = (LEFT, total[1] - top - height, width, height)
        axes = _draw_probe(figure, probe, state, picture, here)
        axes.tick_params(bottom=False, labelbottom=False)
        if picture.mode == TRACES:
            lane.draw_onsets(axes)
    axes = _axes(figure, (LEFT, BOTTOM, width, lane.height))
    lane.draw(axes, state.stop - state.start, width)
    _draw_times(axes, state)
    note_boxes(figure)
    return figure


def _axes(figure: Figure, place: Sequence[float]) -> Axes:
    width, height = figure.get_size_inches() * DPI
    left, bottom, wide, high = place
    return figure.add_axes((left / width, bottom / height, wide / width, high / height))


def _draw_probe(
    figure: Figure,
    probe: OpenProbe,
    state: State,
    picture: Picture,
    frame: tuple[int, int, int, int],
) -> Axes:
    left, bottom, width, height = frame
    axes = _axes(figure, frame)
    # columns may be wider than a pixel; what lies beyond the range asked for is cut off
    extent = (picture.t0, picture.t1, 0.0, 1.0)
    colours = palette_array(picture.mode)[picture.pixels]
    axes.imshow(colours, extent=extent, aspect="auto", interpolation="nearest")
    axes.set(xlim=(state.start, state.stop), ylim=(0, 1))
    for first, last in state.timeline.breaks:
        axes.axvspan(first, last, facecolor="white", edgecolor="black", linestyle="--")
    rows = chosen_rows(probe, state)
    channels = probe.references.channels
    ticks = row_ticks(channels, rows, height)
    axes.set_yticks(ticks.places, ticks.labels)
    axes.tick_params(labelsize=SIZE)
    for edge in block_edges(rows):
        axes.axhline(edge, color="black", linewidth=0.8)
    names = block_names(rows)
    for top, name in zip(names["y"], names["text"], strict=True):
        box = {"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 1.5}
        where: dict[str, Any] = {"xytext": (-6, -4), "textcoords": "offset points"}
        where |= {"xycoords": "axes fraction", "ha": "right", "va": "top"}
        axes.annotate(name, (1, top), **where, fontsize=SIZE, bbox=box, parse_math=False)
    _head(axes, probe, state, picture, width)
    axes.set_ylabel(axis_label(channels, height), fontsize=SIZE, parse_math=False)
    runs = area_runs(channels, rows)
    strip = _draw_areas(figure, runs, rows.channels.size, _area_colours(probe), frame)
    marked = (probe.dead, probe.saturated, bad_channels(probe, state))
    ids = channels.id[rows.channels]
    marks = channel_marks(ids, *(one[rows.channels] for one in marked))
    for y, marker in zip(marks["y"], marks["marker"], strict=True):
        look: dict[str, Any] = {"color": WRONG, "markersize": 5, "markerfacecolor": "white"}
        strip.plot(86.5, y, MARKERS[marker], **look)
    if picture.mode == TRACES:
        bar = _axes(figure, (left + 8, bottom + 8, 2, BAR))
        bar.set_facecolor("black")
        bar.set(xticks=[], yticks=[])
    else:
        _draw_colours(figure, picture, (left + width + 8, bottom, 12, height))
    return axes


def _draw_colours(figure: Figure, picture: Picture, frame: tuple[int, int, int, int]) -> None:
    """Draw what the colours stand for, as a bar."""
    axes = _axes(figure, frame)
    colours = map_colours(picture.mode)[:, np.newaxis]
    low, high = colour_limits(picture.mode, picture.microvolts)
    axes.imshow(colours, extent=(0, 1, low, high), aspect="auto", origin="lower")
    ticks = colour_ticks(picture.mode, picture.microvolts)
    axes.set(xticks=[], ylim=(low, high))
    axes.set_yticks(list(ticks), list(ticks.values()))
    axes.yaxis.tick_right()
    axes.tick_params(labelsize=SIZE)


def _draw_times(axes: Axes, state: State) -> None:
    """Label the times below the lane of intervals."""
    axes.set(xlim=(state.start, state.stop))
    decimals = int(np.clip(2 - np.floor(np.log10(state.stop - state.start)), 0, 6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda t, _: time_of(state.timeline, t, decimals)))
    axes.xaxis.set_major_locator(MaxNLocator(8))
    axes.set_xlabel(axis_title(state.timeline) or "session time", fontsize=SIZE)
    axes.tick_params(labelsize=SIZE)


def _head(axes: Axes, probe: OpenProbe, state: State, picture: Picture, width: int) -> None:
    """Say above the picture what it shows, and what is uncertain."""
    scale = scale_text(picture.mode, picture.microvolts)
    references = probe.references
    n_shown, n_bad = chosen_rows(probe, state).channels.size, int(bad_channels(probe, state).sum())
    facts = [references.session, references.probe]
    done = [picture.transform] if picture.transform else []
    facts += [count_channels(references.n_channels, n_shown), *done, picture.drawn_from, scale]
    facts += [f"{n_bad} marked bad (grey)"] if n_bad else []
    # names and doubts may hold a $, which would begin a formula
    above: dict[str, Any] = {"fontsize": SIZE, "parse_math": False, "va": "bottom"}
    above |= {"xycoords": "axes fraction", "textcoords": "offset points"}
    axes.annotate(" · ".join(facts), (0, 1), (0, 6), **above)
    doubt = shorten(first_doubt(probe), width // LETTER)
    axes.annotate(doubt, (0, 1), (0, 20), color=WRONG, **above)


def _area_colours(probe: OpenProbe) -> dict[str, str]:
    areas = probe.references.channels.columns.get("area", np.empty(0, str))
    return area_colours(sorted(filter(is_area, set(areas.tolist()))))


def _draw_areas(
    figure: Figure,
    runs: list[Run],
    n: int,
    colours: dict[str, str],
    frame: tuple[int, int, int, int],
) -> Axes:
    _, bottom, _, height = frame
    strip = _axes(figure, (0, bottom, STRIP, height))
    strip.axis("off")
    strip.set(xlim=(0, STRIP), ylim=(0, 1))
    for name, first, stop in runs:
        strip.fill_between([68, 80], 1 - stop / n, 1 - first / n, color=colours[name], linewidth=0)
    named = area_labels(runs, n, height)
    for y, text in zip(named["y"], named["text"], strict=True):
        strip.text(64, y, text, ha="right", va="center", fontsize=SIZE, parse_math=False)
    return strip
