"""A row below the channel shown alone: its spectrum, and its spectrogram in the page's time."""

import html
from typing import Any

import numpy as np
from bokeh.models import (
    ColorBar,
    Column,
    CrosshairTool,
    FixedTicker,
    Image,
    Line,
    LinearAxis,
    LinearColorMapper,
    Plot,
    Range1d,
    Row,
)
from bokeh.models.dom import HTML

from lfpscope.render.spectrum_images import COLOURS, NO_WINDOW
from lfpscope.render.ticks import frequency_ticks
from lfpscope.viewer import channel_spectra
from lfpscope.viewer.channel_spectra import ChannelSpectra
from lfpscope.viewer.mode_colours import hex_colours
from lfpscope.viewer.models import Plots, hover_names
from lfpscope.viewer.style import ACCENT, FONT, INK, RULE, STRIP, borders, quiet_axis, text_line

HEIGHT, BELOW = 150, 40  # pixels, and of these what lies below the frames
LABELS = 66  # pixels left of the spectrogram, for frequencies
UNIT = "dB re 1 µV²/Hz"
PALETTE = COLOURS[np.linspace(0, len(COLOURS) - 1, channel_spectra.NO_WINDOW).round().astype(int)]


class SpectraRow:
    """The models of the row.

    Parameters
    ----------
    plots : Plots
        Makes its plots.

    Attributes
    ----------
    layout : Column
        To be put below the trace.
    plot : Plot
        Of the spectrogram, whose frame lies below that of the trace.
    """

    def __init__(self, plots: Plots) -> None:
        self._text = HTML("")
        self._levels, self._frequencies = Range1d(0, 1), Range1d(0, 1)
        names = ("spectrum of the view", "spectrum of the recording")
        self._lines = [plots.source({"x": [], "y": [], "hertz": []}, name=name) for name in names]
        self._images = plots.source(_no_images(), name="spectrogram")
        self._colours = LinearColorMapper(palette=hex_colours(PALETTE), low=0, high=1)
        self._axis = LinearAxis(ticker=FixedTicker(ticks=[]), axis_label="frequency (Hz)")
        self.plot = self._draw_spectrogram(plots)
        line = text_line(self._text, css_classes=["channel-spectra"])
        row = Row(self._draw_spectra(plots), self.plot, sizing_mode="stretch_width", margin=0)
        self.layout = Column(line, row, sizing_mode="stretch_width", margin=0)

    def _draw_spectra(self, plots: Plots) -> Plot:
        """Frequency upwards, as in the spectrogram; the recording's is coloured."""
        size: dict[str, Any] = {"width": STRIP + plots.left - LABELS, "height": HEIGHT}
        frame = borders(4, 4) | {"min_border_bottom": BELOW}
        plot = plots.plot(self._levels, self._frequencies, **size, **frame)
        view, recording = self._lines
        looks = ((recording, ACCENT, "the recording"), (view, INK, "shown here"))
        for source, colour, name in looks:
            line = plots.layer(plot, source, Line(x="x", y="y", line_color=colour))
            words = f"{name}: @x{{0.0}} {UNIT} at @hertz{{0.0}} Hz"
            plot.add_tools(hover_names(words, line))
        axis = LinearAxis(axis_label=UNIT)
        axis.ticker.desired_num_ticks = 3
        quiet_axis(axis)
        plot.add_layout(axis, "below")
        return plot

    def _draw_spectrogram(self, plots: Plots) -> Plot:
        frame = borders(LABELS) | {"min_border_bottom": BELOW}
        look = {"height": HEIGHT, "sizing_mode": "stretch_width", "css_classes": ["moves"]}
        plot = plots.plot(plots.time, self._frequencies, plots.lane_tools, **look, **frame)
        indices = LinearColorMapper(palette=hex_colours(np.vstack([PALETTE, NO_WINDOW])))
        indices.update(low=-0.5, high=channel_spectra.NO_WINDOW + 0.5)
        edges = {"x": "x", "dw": "dw", "y": "y", "dh": "dh"}
        plots.layer(plot, self._images, Image(image="image", color_mapper=indices, **edges))
        quiet_axis(self._axis)
        plot.add_layout(self._axis, "left")
        text = {"major_label_text_font_size": FONT, "major_label_text_color": INK}
        bar: dict[str, Any] = {"width": 10, "padding": 0, "margin": 0, "label_standoff": 4, **text}
        plot.add_layout(ColorBar(color_mapper=self._colours, bar_line_color=RULE, **bar), "right")
        plot.add_tools(CrosshairTool(overlay=plots.cursor))
        plots.add_breaks(plot)
        return plot

    def show(self, spectra: ChannelSpectra) -> None:
        """Show the spectra of a channel."""
        low, high = (float(np.log10(edge)) for edge in spectra.edges)
        dark, bright = spectra.levels
        self._text.html = f"<span>{html.escape(spectra_words(spectra))}</span>"
        ticks = frequency_ticks(*spectra.edges)
        places = [float(np.log10(tick)) for tick in ticks]
        self._frequencies.update(start=low, end=high)
        labels = {place: f"{tick:g}" for place, tick in zip(places, ticks, strict=True)}
        self._axis.major_label_overrides = labels
        self._axis.ticker.ticks = places
        self._colours.update(low=dark, high=bright)
        self._images.data = {
            "image": [one.colours for one in spectra.spectrogram],
            "x": [one.start for one in spectra.spectrogram],
            "dw": [one.stop - one.start for one in spectra.spectrogram],
            "y": [low] * len(spectra.spectrogram),
            "dh": [high - low] * len(spectra.spectrogram),
        }
        lines = spectra.view, spectra.recording
        for source, line in zip(self._lines, lines, strict=True):
            source.data = {
                "x": line.level,
                "y": np.log10(line.frequency),
                "hertz": line.frequency,
            }
        levels = np.concatenate([spectra.view.level, spectra.recording.level])
        if levels.size:
            self._levels.update(start=float(levels.min()) - 2, end=float(levels.max()) + 2)


def _no_images() -> dict[str, list[Any]]:
    return {"image": [], "x": [], "dw": [], "y": [], "dh": []}


def spectra_words(spectra: ChannelSpectra) -> str:
    """How spectra were made, and what their colours stand for."""
    dark, bright = spectra.levels
    colours = f"dark to bright {dark:g} to {bright:g} {UNIT}".replace("-", "−")
    words = [spectra.text, *([colours] if spectra.spectrogram else [])]
    return " · ".join([*words, "spectrum: black of what is shown, blue of the recording"])
