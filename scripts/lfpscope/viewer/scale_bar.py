"""What the height of a trace, or a colour, stands for."""

import numpy as np
import numpy.typing as npt
from bokeh.models import BoxAnnotation, ColorBar, FixedTicker, Label, LinearColorMapper, Plot

from lfpscope.render.band_map import colour_range
from lfpscope.render.palettes import HEAT_COLOURS, SIGNED_COLOURS
from lfpscope.render.ticks import LINE
from lfpscope.signals.quantity import POTENTIAL
from lfpscope.viewer.auto_gain import BAR
from lfpscope.viewer.mode_colours import hex_colours
from lfpscope.viewer.picture import SHARES, Picture
from lfpscope.viewer.style import FONT, INK, RULE
from lfpscope.viewer.view_state import BUTTERFLY, HEAT, SIGNED, TRACES, band_of

MIN_LABELLED = 120  # pixels: a lower map is not covered by the name of its quantity
COLOURS = {SIGNED: SIGNED_COLOURS, HEAT: HEAT_COLOURS}


class ScaleBar:
    """The bar in the lower left corner and its label; for maps the colours at the right edge."""

    def __init__(self, plot: Plot) -> None:
        edges = {"left": 8, "right": 10, "bottom": 8, "top": 8 + BAR}
        units = {f"{edge}_units": "screen" for edge in edges}
        self._bar = BoxAnnotation(**edges, **units, fill_color=INK, fill_alpha=1, line_color=None)
        self._label = Label(
            x=15,
            y=8 + BAR / 2,
            x_units="screen",
            y_units="screen",
            text_font_size=FONT,
            text_baseline="middle",
            text_color=INK,
            background_fill_color="white",
            background_fill_alpha=0.85,
        )
        self._mode = TRACES
        self._mapper = LinearColorMapper(palette=["white"], low=0, high=1)
        self._ticker = FixedTicker(ticks=[])
        self._colours = ColorBar(
            color_mapper=self._mapper,
            ticker=self._ticker,
            visible=False,
            width=10,
            padding=0,
            margin=0,
            label_standoff=4,
            major_label_text_font_size=FONT,
            major_label_text_color=INK,
            bar_line_color=RULE,
        )
        self.hide()  # until there is a picture
        plot.add_layout(self._bar)
        plot.add_layout(self._label)
        plot.add_layout(self._colours, "right")

    def hide(self) -> None:
        """Hide all of it: there is no picture."""
        for one in (self._bar, self._label, self._colours):
            one.visible = False

    def show(self, picture: Picture, height: int) -> None:
        """Say what the bar, or the colours, of a picture of some height stand for."""
        mode = picture.mode
        self._bar.visible = mode == TRACES
        text, bottom = scale_text(picture), BAR if mode == TRACES else LINE
        if mode != TRACES:
            text = caption(picture)
            self._show_colours(picture)
        is_visible = mode == TRACES or height >= MIN_LABELLED
        self._label.update(text=f" {text} ", y=8 + bottom / 2, visible=is_visible)
        self._colours.visible = mode != TRACES

    def _show_colours(self, picture: Picture) -> None:
        low, high = colour_limits(picture)
        if picture.mode != self._mode:
            self._mapper.palette = hex_colours(map_colours(picture.mode))
        self._mode = picture.mode
        self._mapper.update(low=low, high=high)
        ticks = colour_ticks(picture)
        self._colours.major_label_overrides = dict(ticks)
        self._ticker.ticks = list(ticks)


def map_colours(mode: str) -> npt.NDArray[np.uint8]:
    """Colours of a map from its lower to its upper end, shape (n_colours, 3)."""
    return COLOURS[HEAT if band_of(mode) else mode]


def caption(picture: Picture) -> str:
    """What the traces or the colours of a picture stand for."""
    band, quantity = band_of(picture.mode), picture.quantity
    if band:
        return f"{band} power (dB re 1 µV²)"
    if picture.mode == HEAT:
        is_plain = quantity == POTENTIAL
        return "amplitude (RMS)" if is_plain else f"amplitude (RMS) of {quantity.name}"
    text = f"{quantity.name}{',' if ', ' in quantity.name else ''} about its median"
    return f"{text}, {quantity.signs}" if picture.mode == SIGNED and quantity.signs else text


def colour_limits(picture: Picture) -> tuple[float, float]:
    """Lower and upper end of the colours of a map: as its gain, of a band's power dB re 1 µV²."""
    if band_of(picture.mode):
        return colour_range(picture.microvolts)
    high = SHARES[picture.mode] * picture.microvolts
    return (-high if picture.mode == SIGNED else 0.0), high


def colour_ticks(picture: Picture) -> dict[float, str]:
    """Where the ends and the middle of the colours lie, and what they stand for."""
    low, high = colour_limits(picture)
    if band_of(picture.mode):
        return {one: decibel_text(one) for one in (low, (low + high) / 2, high)}
    sign, text = "+" if picture.mode == SIGNED else "", picture.quantity.text(high)
    texts = {low: f"−{text}", 0.0: "0", high: f"{sign}{text}"}
    return texts | {0.0: "0"}  # which may be the lower end


def decibel_text(level: float) -> str:
    """A level, for a label."""
    return f"{level:.0f} dB".replace("-", "−")


def scale_text(picture: Picture) -> str:
    """What the bar or the colours stand for, in words."""
    if band_of(picture.mode):
        low, high = map(decibel_text, colour_limits(picture))
        return f"{caption(picture)}, {low} to {high}"
    text = picture.quantity.text(SHARES.get(picture.mode, 1.0) * picture.microvolts)
    if picture.mode in (TRACES, BUTTERFLY):
        return f"bar {text}" if picture.mode == TRACES else "one zero line, coloured by depth"
    return f"{caption(picture)}, " + (
        f"−{text} to {text}" if picture.mode == SIGNED else f"0 to {text}"
    )
