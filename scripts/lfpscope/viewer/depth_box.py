"""A box that is drawn over depths, beside a picture or with Shift in it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bokeh.models import ColumnDataSource, CustomJS

from lfpscope.viewer.style import ABOVE, ACCENT, BELOW

LISTEN = Path(__file__).with_name("depth_box.js").read_text("utf-8")
Drawn = Callable[[str, float, float], None]
"""Gets a probe, and two heights of its panel: 0 at the bottom and 1 at the top."""


def depth_classes(probe: str) -> list[str]:
    """Classes of a plot beside or in which depths of a probe are chosen."""
    return ["depths", f"probe-{probe}"]


class DepthBox:
    """Boxes over depths of all panels; Bokeh's own would be drawn in one plot only.

    Parameters
    ----------
    left : int
        Pixels of the depth axis.
    """

    def __init__(self, left: int) -> None:
        self._left = left
        empty: dict[str, list[Any]] = {"probe": [], "low": [], "high": [], "box": []}
        self._drawn = ColumnDataSource(empty, name="depth box")

    def listen(self) -> CustomJS:
        """Script that listens in the browser; to be run when a plot is laid out."""
        args = {"drawn": self._drawn, "left": self._left, "above": ABOVE, "below": BELOW}
        return CustomJS(args=args | {"colour": ACCENT}, code=LISTEN)

    def on_draw(self, act: Drawn) -> None:
        """Have a function called with each box."""

        def drawn(_name: str, _old: Any, new: dict[str, list[Any]]) -> None:
            act(new["probe"][0], new["low"][0], new["high"][0])

        self._drawn.on_change("data", drawn)
