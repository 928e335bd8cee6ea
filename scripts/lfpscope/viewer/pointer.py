"""What the mouse does to a probe beyond Bokeh's events: boxes over depths, clicks on its name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bokeh.models import ColumnDataSource, CustomJS

from lfpscope.viewer.style import ABOVE, ACCENT, BELOW

LISTEN = Path(__file__).with_name("pointer.js").read_text("utf-8")
Drawn = Callable[[str, float, float], None]
"""Gets a probe, and two heights of its panel: 0 at the bottom and 1 at the top."""


def depth_classes(probe: str) -> list[str]:
    """Classes of a plot beside or in which depths of a probe are chosen."""
    return ["depths", f"probe-{probe}"]


class Pointer:
    """Listens to all panels; Bokeh's own boxes would be drawn in one plot only.

    Parameters
    ----------
    left : int
        Pixels of the depth axis.
    """

    def __init__(self, left: int) -> None:
        self._left = left
        empty: dict[str, list[Any]] = {"probe": [], "low": [], "high": [], "box": []}
        self._drawn = ColumnDataSource(empty, name="depth box")
        self._clicked = ColumnDataSource({"probe": []}, name="clicked probe")

    def listen(self) -> CustomJS:
        """Script that listens in the browser; to be run when a plot is laid out."""
        sources = {"drawn": self._drawn, "clicked": self._clicked}
        look = {"left": self._left, "above": ABOVE, "below": BELOW, "colour": ACCENT}
        return CustomJS(args=sources | look, code=LISTEN)

    def on_draw(self, act: Drawn) -> None:
        """Have a function called with each box."""

        def drawn(_name: str, _old: Any, new: dict[str, list[Any]]) -> None:
            act(new["probe"][0], new["low"][0], new["high"][0])

        self._drawn.on_change("data", drawn)

    def on_name(self, act: Callable[[str], None]) -> None:
        """Have a function called with each probe whose name is clicked."""

        def clicked(_name: str, _old: Any, new: dict[str, list[str]]) -> None:
            if new["probe"]:
                act(new["probe"][0])

        self._clicked.on_change("data", clicked)
