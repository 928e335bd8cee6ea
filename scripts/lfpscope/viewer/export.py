"""A view as PNG, with a JSON beside it that says what it shows and renders it again."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from lfpscope.areas import area_colour, area_runs, is_area
from lfpscope.envelope import Probe, time_range
from lfpscope.files import UserError, atomic, read_json, write_json
from lfpscope.formatting import time_text, voltage_text
from lfpscope.viewer.labels import area_labels, channel_ticks
from lfpscope.viewer.render import BAR, HEAT_SHARE, PALETTES, chosen_channels, draw_probe
from lfpscope.viewer.session import Session
from lfpscope.viewer.state import HEAT, TRACES, State

VERSION = 1
DRAWN_WITH = ("matplotlib", "numpy", "numba")
LEFT, RIGHT, TOP, BOTTOM, BETWEEN = 164, 24, 34, 44, 30  # pixels around the frames
SIZE = 9.75  # points: 13 pixels at 96 to the inch, as on the page
DPI = 96


def save_view(session: Session, state: State, width: int, height: int, folder: Path) -> Path:
    """Write a view as PNG and JSON under a name that says which time it shows.

    Parameters
    ----------
    session : Session
        Whose.
    state : State
        What it shows.
    width, height : int
        Of each probe's frame, pixels.
    folder : Path
        Where.

    Returns
    -------
    Path
        The PNG. The JSON has the same name.
    """
    view = describe_view(session, state, width, height)
    stem = f"{state.start:.3f}-{state.stop:.3f}"
    names = (stem, *(f"{stem}-{i}" for i in range(2, 1000)))
    png = next(p for p in (folder / f"{name}.png" for name in names) if not p.exists())
    write_json(png.with_suffix(".json"), view)
    draw_view(session, view, png)
    return png


def describe_view(session: Session, state: State, width: int, height: int) -> dict[str, Any]:
    """Everything it takes to render a view again, and to know what it was made from."""
    plain = asdict(state) | {
        name: sorted(getattr(state, name)) for name in ("hidden", "heat", "areas")
    }
    return {
        "lfpscope_view": VERSION,
        "session": session.name,
        "width": width,
        "height": height,
        "state": plain,
        "probes": [_describe_probe(probe, state) for probe in _shown(session, state)],
        "versions": _versions(),
    }


def _describe_probe(probe: Probe, state: State) -> dict[str, Any]:
    references = probe.references
    pieces = time_range(references.clock, state.start, state.stop)
    return {
        "probe": references.probe,
        "series": references.series,
        "source": references.provenance,
        "samples": [[first, stop] for _, first, stop in pieces],
        "channels": references.channels.id[chosen_channels(probe, state)].tolist(),
        "volts_per_count": sorted(set(references.scale.tolist())),
        "microvolts": state.microvolts,
    }


def _shown(session: Session, state: State) -> list[Probe]:
    opened = session.open_probes()
    probes = [opened[name] for name in state.shown if name in opened]
    for probe in probes:
        if isinstance(probe, UserError):
            raise probe
    return [probe for probe in probes if not isinstance(probe, UserError)]


def render_view(session: Session, view: Path, png: Path) -> None:
    """Draw a saved view again: the same bytes from the same source and the same versions.

    Raises
    ------
    UserError
        If `view` is missing or not a saved view, or the source is not the one it was made from.
    """
    if not view.exists():
        raise UserError(f"{view}: no such file. The viewer's key s saves a view.")
    content = read_json(view)
    try:
        state, known = read_state(content), {one["probe"]: one for one in content["probes"]}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{view}: not a view saved by this viewer ({error!r}).") from None
    if content["lfpscope_view"] != VERSION:
        raise UserError(f"{view}: version {content['lfpscope_view']}, expected {VERSION}.")
    for probe in _shown(session, state):
        source, here = known[probe.references.probe]["source"], probe.references.provenance
        if (source["size"], source["crc32"]) != (here["size"], here["crc32"]):
            raise UserError(f"{view}: made from another file than {here['address']}.")
    then, now = content["versions"], _versions()
    if then != now:
        print(f"made with {then}, now drawn with {now}: bytes may differ", file=sys.stderr)
    draw_view(session, content, png)


def _versions() -> dict[str, str]:
    return {name: version(name) for name in DRAWN_WITH}


def read_state(content: dict[str, Any]) -> State:
    """State of a saved view."""
    plain = dict(content["state"])
    for name in ("hidden", "heat", "areas"):
        plain[name] = frozenset(plain[name])
    plain["probes"] = tuple(plain["probes"])
    plain["depths"] = None if plain["depths"] is None else tuple(plain["depths"])
    return State(**plain)


def draw_view(session: Session, view: dict[str, Any], png: Path) -> None:
    """Draw a described view."""
    state, width, height = read_state(view), view["width"], view["height"]
    probes = _shown(session, state)
    total = (
        LEFT + width + RIGHT,
        TOP + (height + BETWEEN) * len(probes) - BETWEEN + BOTTOM,
    )
    figure = Figure(figsize=(total[0] / DPI, total[1] / DPI), dpi=DPI, facecolor="white")
    for i, probe in enumerate(probes):
        top = TOP + i * (height + BETWEEN)
        here = (LEFT, total[1] - top - height, width, height)
        axes = _draw_probe(figure, probe, state, here)
        axes.tick_params(labelbottom=i == len(probes) - 1)
    with atomic(png) as part:
        # no date and no version inside: equal pictures are equal bytes
        figure.savefig(part, format="png", metadata={"Software": None})


def _axes(figure: Figure, place: Sequence[float]) -> Axes:
    width, height = figure.get_size_inches() * DPI
    left, bottom, wide, high = place
    return figure.add_axes((left / width, bottom / height, wide / width, high / height))


def _draw_probe(
    figure: Figure, probe: Probe, state: State, place: tuple[int, int, int, int]
) -> Axes:
    left, bottom, width, height = place
    picture = draw_probe(probe, state, width, height)
    axes = _axes(figure, place)
    # columns may be wider than a pixel; what lies beyond the range asked for is cut off
    extent = (picture.t0, picture.t1, 0.0, 1.0)
    colours = PALETTES[picture.mode][picture.pixels]
    axes.imshow(colours, extent=extent, aspect="auto", interpolation="nearest")
    axes.set(xlim=(state.start, state.stop), ylim=(0, 1))
    decimals = int(np.clip(2 - np.floor(np.log10(state.stop - state.start)), 0, 6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda t, _: time_text(t, decimals)))
    axes.xaxis.set_major_locator(MaxNLocator(8))
    channels = chosen_channels(probe, state)
    columns = probe.references.channels.columns
    depth, areas = columns.get("depth"), columns.get("area")
    ids = probe.references.channels.id[channels]
    rows, labels = channel_ticks(None if depth is None else depth[channels], ids, height)
    axes.set_yticks([1 - (row + 0.5) / channels.size for row in rows], labels)
    axes.tick_params(labelsize=SIZE)
    scale = f"bar {voltage_text(state.microvolts)}"
    if picture.mode == HEAT:
        scale = f"heat map, brightest at {voltage_text(HEAT_SHARE * state.microvolts)}"
    heading = (
        f"{probe.references.session} · {probe.references.probe} · {picture.drawn_from} · {scale}"
    )
    axes.set_title(heading, loc="left", fontsize=SIZE, pad=6)
    _draw_areas(figure, [] if areas is None else list(area_runs(areas[channels])), place)
    if picture.mode == TRACES:
        bar = _axes(figure, (left + 8, bottom + 8, 2, BAR))
        bar.set_facecolor("black")
        bar.set(xticks=[], yticks=[])
    return axes


def _draw_areas(
    figure: Figure, runs: list[tuple[str, int, int]], place: tuple[int, int, int, int]
) -> None:
    _, bottom, _, height = place
    strip = _axes(figure, (0, bottom, LEFT, height))
    strip.axis("off")
    strip.set(xlim=(0, LEFT), ylim=(0, 1))
    n = max((stop for _, _, stop in runs), default=1)
    for name, first, stop in runs:
        if is_area(name):
            colour = area_colour(name)
            strip.fill_between([78, 92], 1 - stop / n, 1 - first / n, color=colour, linewidth=0)
    named = area_labels(runs, n, height)
    for y, text in zip(named["y"], named["text"], strict=True):
        strip.text(72, y, text, ha="right", va="center", fontsize=SIZE)
