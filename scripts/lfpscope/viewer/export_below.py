"""What stands below the panels of a saved picture: one channel alone, and the minimap."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lfpscope.envelope.read import OpenProbe
from lfpscope.render.spectrum_images import NO_WINDOW as WHITE
from lfpscope.render.ticks import frequency_ticks, shorten
from lfpscope.typing import Floats
from lfpscope.viewer.channel_drawer import APART, MARGIN
from lfpscope.viewer.channel_spectra import ChannelSpectra, read_spectra
from lfpscope.viewer.channel_trace import ChannelTrace, read_trace
from lfpscope.viewer.export_lane import SIZE
from lfpscope.viewer.export_panel import Frame, new_axes
from lfpscope.viewer.issues import find_issues
from lfpscope.viewer.minimap import ISSUES, MAX_LETTERS, ROW, heat_line
from lfpscope.viewer.mode_colours import palette_array
from lfpscope.viewer.spectra_row import PALETTE, UNIT, spectra_words
from lfpscope.viewer.style import ACCENT, INK, WRONG
from lfpscope.viewer.view_state import HEAT, State

TRACE, SPECTRA = 120, 110  # pixels: heights of the frames
ABOVE = 24  # pixels: above each, for a line of text
BELOW_SPECTRA = 44  # pixels, for the axis of the spectrum
DRAWER = ABOVE + TRACE + ABOVE + SPECTRA + BELOW_SPECTRA
BELOW_MAP = 8  # pixels
LINE: dict[str, Any] = {"color": INK, "linewidth": 0.75}
COLOURS = np.vstack([PALETTE, np.broadcast_to(WHITE, (1, 3))]).astype(np.uint8)


def has_drawer(probes: Sequence[OpenProbe], state: State) -> bool:
    """Tell whether one of some probes has the channel that a state shows alone."""
    return _channel_shown(probes, state) is not None


def minimap_height(n_probes: int) -> int:
    """Pixels, with the room below it."""
    return ROW * n_probes + BELOW_MAP


def draw_drawer(
    figure: Figure, probes: Sequence[OpenProbe], state: State, frame: Frame, results: Path
) -> None:
    """Draw the channel that is shown alone: its trace, spectrum and spectrogram.

    Parameters
    ----------
    figure : Figure
        Where.
    probes : sequence of OpenProbe
        Those shown.
    state : State
        Of the view.
    frame : Frame
        DRAWER pixels high.
    results : Path
        Folder with a folder of each probe.
    """
    found = _channel_shown(probes, state)
    if found is None:
        return
    probe, channel = found
    trace = read_trace(probe, state, frame.width, channel)
    bottom = frame.bottom + frame.height - ABOVE - TRACE
    axes = new_axes(figure, replace(frame, bottom=bottom, height=TRACE))
    _draw_trace(axes, trace, state, frame.width)
    spectra = read_spectra(probe, results / probe.references.probe, state, channel)
    place = replace(frame, bottom=frame.bottom + BELOW_SPECTRA, height=SPECTRA)
    _draw_spectra(figure, spectra, state, place)


def _channel_shown(probes: Sequence[OpenProbe], state: State) -> tuple[OpenProbe, int] | None:
    name, channel = state.channel or ("", 0)
    for probe in probes:
        if probe.references.probe == name and channel in probe.references.channels.id:
            return probe, channel
    return None


def _title(axes: Axes, text: str) -> None:
    above: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
    axes.annotate(text, (0, 1), (0, 5), **above, fontsize=SIZE, va="bottom", parse_math=False)


def _draw_trace(axes: Axes, trace: ChannelTrace, state: State, width: int) -> None:
    if trace.is_samples:
        dots = "." if trace.left.size * APART < width else ""
        axes.plot(trace.left, trace.low, **LINE, marker=dots, markersize=3)
    else:
        axes.fill_between(trace.left, trace.low, trace.high, step="post", **LINE)
    known = np.isfinite(trace.low)
    if known.any():
        low, high = float(trace.low[known].min()), float(trace.high[known].max())
        margin = MARGIN * (high - low) or 1.0
        axes.set_ylim(low - margin, high + margin)
    _prepare(axes, state)
    axes.set_ylabel(trace.unit, fontsize=SIZE, parse_math=False)
    _title(axes, trace.text)


def _prepare(axes: Axes, state: State) -> None:
    """Give axes the time of a page, whose labels stand below the lane."""
    axes.set_xlim(state.start, state.stop)
    axes.tick_params(bottom=False, labelbottom=False, labelsize=SIZE)
    for first, last in state.timeline.breaks:
        axes.axvspan(first, last, facecolor="white", edgecolor="black", linestyle="--")


def _draw_spectra(figure: Figure, spectra: ChannelSpectra, state: State, frame: Frame) -> None:
    low, high = (float(np.log10(edge)) for edge in spectra.edges)
    axes = new_axes(figure, frame)
    for one in spectra.spectrogram:
        colours = COLOURS[one.colours]
        look: dict[str, Any] = {"aspect": "auto", "origin": "lower", "interpolation": "nearest"}
        axes.imshow(colours, extent=(one.start, one.stop, low, high), **look)
    _prepare(axes, state)
    ticks = frequency_ticks(*spectra.edges)
    axes.set(ylim=(low, high))
    axes.set_yticks([float(np.log10(one)) for one in ticks], [f"{one:g}" for one in ticks])
    axes.set_ylabel("frequency (Hz)", fontsize=SIZE)
    _title(axes, spectra_words(spectra))
    if spectra.spectrogram:
        _draw_levels(figure, spectra.levels, frame)
    lines = new_axes(figure, replace(frame, left=8, width=frame.left - 82))
    for line, colour in ((spectra.recording, ACCENT), (spectra.view, INK)):
        lines.plot(line.level, np.log10(line.frequency), color=colour, linewidth=0.75)
    lines.set(ylim=(low, high), yticks=[])
    lines.tick_params(labelsize=SIZE)
    lines.set_xlabel(UNIT, fontsize=SIZE, parse_math=False)


def _draw_levels(figure: Figure, levels: tuple[float, float], frame: Frame) -> None:
    """Draw what the colours of a spectrogram stand for, as a bar."""
    axes = new_axes(figure, replace(frame, left=frame.left + frame.width + 8, width=12))
    look: dict[str, Any] = {"aspect": "auto", "origin": "lower"}
    axes.imshow(PALETTE[:, np.newaxis].astype(np.uint8), extent=(0, 1, *levels), **look)
    axes.set(xticks=[])
    axes.yaxis.tick_right()
    axes.tick_params(labelsize=SIZE)


def draw_minimap(
    axes: Axes, probes: Sequence[OpenProbe], state: State, whole: tuple[float, float]
) -> None:
    """Draw the complete recording: amplitude and issues of each probe, and what is shown of it."""
    everything = State(*whole, microvolts=1.0, timeline=state.timeline)
    n = len(probes)
    for row, probe in enumerate(probes):
        bottom = n - 1 - row
        pixels, t0, t1 = heat_line(probe, everything)
        extent = (t0, t1, bottom + ISSUES, bottom + 0.95)
        colours = palette_array(HEAT)[pixels]
        axes.imshow(colours, extent=extent, aspect="auto", interpolation="nearest")
        for issue in find_issues(probe, state.timeline):
            span = np.array([issue.start, issue.stop])
            axes.fill_between(span, bottom, bottom + ISSUES, color=WRONG, linewidth=1)
    for first, last in state.timeline.breaks:
        axes.axvspan(first, last, facecolor="white", edgecolor="black", linestyle="--")
    place = (state.start, 0), state.stop - state.start, max(n, 1)
    axes.add_patch(Rectangle(*place, facecolor=ACCENT, alpha=0.12))
    axes.add_patch(Rectangle(*place, fill=False, edgecolor=ACCENT, linewidth=1.5))
    names = [shorten(probe.references.probe, MAX_LETTERS) for probe in probes]
    axes.set_yticks(_middles(n).tolist(), names)
    axes.tick_params(left=False, bottom=False, labelbottom=False, labelsize=SIZE)
    axes.set(xlim=whole, ylim=(0, max(n, 1)))


def _middles(n: int) -> Floats:
    """Where the rows of the minimap have their names, from the top down."""
    return np.asarray(np.arange(n)[::-1] + (ISSUES + 0.95) / 2, np.float64)
