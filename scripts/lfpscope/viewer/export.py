"""A view as PNG, with a JSON beside it that says what it shows and renders it again."""

import itertools
import math
import sys
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from lfpscope.clock.timeline import Stretch, Timeline
from lfpscope.envelope.read import OpenProbe, time_range
from lfpscope.errors import UserError
from lfpscope.io.atomic import atomic
from lfpscope.io.tables import read_json, write_json
from lfpscope.render.areas import area_colours, area_names
from lfpscope.render.figure import note_boxes
from lfpscope.render.fonts import text_settings
from lfpscope.signals.transform import parse_transform
from lfpscope.viewer.channel_order import order_text, parse_order
from lfpscope.viewer.channel_selection import chosen_rows, shown_span
from lfpscope.viewer.depth_scale import Window, common_windows
from lfpscope.viewer.export_below import (
    BELOW_MAP,
    DRAWER,
    draw_drawer,
    draw_minimap,
    has_drawer,
    minimap_height,
)
from lfpscope.viewer.export_lane import SIZE, Lane
from lfpscope.viewer.export_panel import (
    COLUMN,
    DPI,
    RIGHT,
    Added,
    Frame,
    draw_added,
    draw_panel,
    head_height,
    new_axes,
)
from lfpscope.viewer.picture import Picture, common_gains, draw_probe, with_common_gain
from lfpscope.viewer.session_folder import SessionFolder, first_state, only_open
from lfpscope.viewer.shown_probe import axis_clock
from lfpscope.viewer.times import axis_title, time_of
from lfpscope.viewer.view_state import BUTTERFLY, TRACES, State

VERSION = 5
NOTHING_ADDED: Mapping[str, Added] = MappingProxyType({})
SETS, PAIRS = (
    ("hidden", "areas", "without"),
    ("modes", "bad", "left_out", "by_hand"),
)  # fields of a state
SUFFIXES = {".png": ["Software"], ".svg": ["Date"], ".pdf": ["CreationDate", "Producer", "Creator"]}
"""Formats, and the metadata that would differ from time to time."""
DRAWN_WITH = ("matplotlib", "numpy", "numba")
LEFT, BOTTOM = 164, 52  # pixels around the frames
ABOVE_LANE = 10  # pixels
MAX_PIXELS = 20_000  # of a saved view's width and height


def save_view(
    session: SessionFolder,
    state: State,
    width: int,
    height: int,
    folder: Path,
    *,
    lane: Lane | None = None,
    added: Mapping[str, Added] = NOTHING_ADDED,
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
    added : mapping of str to Added
        Boxes and columns of channels of some probes.
    suffix : str
        One of SUFFIXES.

    Returns
    -------
    Path
        The picture. The JSON has the same name.
    """
    view = describe_view(session, state, width, height, lane or Lane(), added)
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
    session: SessionFolder,
    state: State,
    width: int,
    height: int,
    lane: Lane,
    added: Mapping[str, Added] = NOTHING_ADDED,
) -> dict[str, Any]:
    """Everything it takes to render a view again, and to know what it was made from."""
    whole = first_state(only_open(session.open_probes()))
    plain = asdict(state) | {name: sorted(getattr(state, name)) for name in (*SETS, *PAIRS)}
    return {
        "lfpscope_view": VERSION,
        "session": session.name,
        "width": width,
        "height": height,
        "state": plain,
        "whole": [whole.start, whole.stop],
        "lane": asdict(lane),
        "added": {name: asdict(one) for name, one in added.items() if name in state.shown},
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
        Lane.from_json(content["lane"])
        _read_added(content)
        read_whole(content)
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
        plain[name] = frozenset(map(tuple, plain.get(name, ())))
    plain["probes"] = tuple(plain["probes"])
    plain["sort"] = order_text(parse_order(plain.get("sort", "")))
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
    lane, added = Lane.from_json(view["lane"]), _read_added(view)
    state, width, height = read_state(view), view["width"], view["height"]
    probes, head = _shown(session, state), head_height(state)
    drawer = DRAWER * has_drawer(probes, state)
    below = BOTTOM + minimap_height(len(probes))  # the lane
    beside = COLUMN * any(one.values for one in added.values())
    panels = (head + height) * len(probes)
    total = (
        LEFT + width + RIGHT + beside,
        panels + drawer + ABOVE_LANE + lane.height + below,
    )
    figure = kind(figsize=(total[0] / DPI, total[1] / DPI), dpi=DPI, facecolor="white")
    windows = _windows(probes, state, width, height)
    colours = area_colours(area_names(probes))
    for i, (probe, picture) in enumerate(_draw_pictures(probes, state, width, height, windows)):
        here = Frame(LEFT, total[1] - (i + 1) * (head + height), width, height)
        name = probe.references.probe
        axes = draw_panel(figure, probe, state, picture, here, windows[name], colours)
        draw_added(figure, axes, added.get(name, Added()), here, windows[name])
        if picture:
            lane.draw_onsets(axes, shaded=picture.mode == TRACES)
    place = Frame(LEFT, below + lane.height + ABOVE_LANE, width, DRAWER)
    draw_drawer(figure, probes, state, place, session.folder / "probes")
    axes = new_axes(figure, Frame(LEFT, below, width, lane.height))
    lane.draw(axes, state.stop - state.start, width)
    _draw_times(axes, state)
    axes = new_axes(figure, Frame(LEFT, BELOW_MAP, width, below - BOTTOM - BELOW_MAP))
    draw_minimap(axes, probes, state, read_whole(view))
    note_boxes(figure)
    return figure


def _windows(probes: list[OpenProbe], state: State, width: int, height: int) -> dict[str, Window]:
    """Where the rows of each probe lie in its panel."""
    names = [probe.references.probe for probe in probes]
    found = dict.fromkeys(names, Window())
    if state.shares_depths:
        spans = {
            name: shown_span(probe, state)
            for name, probe in zip(names, probes, strict=True)
            if state.mode(name, width) != BUTTERFLY
        }
        found |= common_windows(spans, dict.fromkeys(names, height))
    return found


def _draw_pictures(
    probes: list[OpenProbe], state: State, width: int, height: int, windows: dict[str, Window]
) -> list[tuple[OpenProbe, Picture | None]]:
    """Draw each probe at the gain that those of its mode share; None where no channel is shown."""
    heights = {probe: round(height / windows[probe.references.probe].length) for probe in probes}
    pictures = {
        probe: draw_probe(probe, state, width, heights[probe])
        for probe in probes
        if chosen_rows(probe, state).channels.size
    }
    gains = common_gains(pictures.values())
    for probe, one in pictures.items():
        if shared := with_common_gain(state, one, gains):
            pictures[probe] = draw_probe(probe, shared, width, heights[probe])
    return [(probe, pictures.get(probe)) for probe in probes]


def read_whole(content: dict[str, Any]) -> tuple[float, float]:
    """Axis time of the complete recording.

    Raises
    ------
    LookupError, TypeError, ValueError
        If it is none.
    """
    start, stop = content["whole"]
    if not (math.isfinite(start) and math.isfinite(stop) and start < stop):
        raise ValueError(f"whole {start} to {stop}")
    return start, stop


def _read_added(content: dict[str, Any]) -> dict[str, Added]:
    return {name: Added(**one) for name, one in content["added"].items()}


def _draw_times(axes: Axes, state: State) -> None:
    """Label the times below the lane of intervals."""
    axes.set(xlim=(state.start, state.stop))
    decimals = int(np.clip(2 - np.floor(np.log10(state.stop - state.start)), 0, 6))
    axes.set_xticks(state.timeline.ticks(state.start, state.stop, 7))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda t, _: time_of(state.timeline, t, decimals)))
    unit = "h:min:s" if time_of(state.timeline, state.stop).count(":") == 2 else "min:s"
    axes.set_xlabel(axis_title(state.timeline) or f"session time ({unit})", fontsize=SIZE)
    axes.tick_params(labelsize=SIZE)
