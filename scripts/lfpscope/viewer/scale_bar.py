"""What the height of a trace, or a colour, stands for."""

from bokeh.models import BoxAnnotation, Label, Plot

from lfpscope.formatting import voltage_text
from lfpscope.render.heatmap import HEAT_SHARE
from lfpscope.render.ticks import LINE
from lfpscope.viewer.picture import BAR
from lfpscope.viewer.style import FONT, INK
from lfpscope.viewer.view_state import HEAT, TRACES


class ScaleBar:
    """The bar in the lower left corner and its label; for heat maps the label alone."""

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
        plot.add_layout(self._bar)
        plot.add_layout(self._label)

    def show(self, mode: str, microvolts: float) -> None:
        """Say what the bar stands for, or what the brightest colour does."""
        self._bar.visible = mode == TRACES
        text = voltage_text(microvolts)
        if mode == HEAT:
            text = heat_scale(microvolts)
        self._label.update(text=f" {text} ", y=8 + (BAR / 2 if mode == TRACES else LINE / 2))


def heat_scale(microvolts: float) -> str:
    """What the colours of a heat map mean, in words."""
    return f"amplitude (RMS), brightest at {voltage_text(HEAT_SHARE * microvolts)}"
