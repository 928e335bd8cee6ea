"""Keys of a page, and their list under `?`."""

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bokeh.models import ColumnDataSource, CustomJS, Div, Range1d

from lfpscope.viewer.style import KEYS

LISTEN = Path(__file__).with_name("keyboard.js").read_text("utf-8")
GESTURES = {
    "wheel": "zoom in time",
    "Shift wheel": "move in time",
    "wheel at the depths": "zoom in depth",
    "drag": "move in time",
    "click": "show this channel alone; again, or Esc, to close",
    "click an area": "only this area, again for all",
    "Shift click an area": "all others; its grey name adds it",
    "drag at the depths, Shift drag": "show these depths",
    "click a probe's name": "large, others small; again: all alike",
    "click a name below": "hide these intervals, or show them",
    "click below": "go there; drag to move, at its edges to stretch",
}


@dataclass(frozen=True)
class Key:
    """A key, how the help writes it, and what it does."""

    name: str
    written: str
    meaning: str
    act: Callable[[], None]


class Keyboard:
    """Keys that work wherever the cursor is, except while somebody types.

    Parameters
    ----------
    keys : sequence of Key
        All of them.
    """

    def __init__(self, keys: Sequence[Key]) -> None:
        self._keys = {key.name: key for key in keys}
        self.pressed = ColumnDataSource({"key": [""]}, name="keys")
        self.pressed.on_change("data", self._act)
        known = {key.written: key.meaning for key in keys}
        entries = "".join(
            f"<span><{tag}>{html.escape(written)}</{tag}> {meaning}</span>"
            for tag, some in (("kbd", known), ("b", GESTURES))
            for written, meaning in some.items()
        )
        self.help = Div(
            text=f"<div>{entries}</div>",
            visible=False,
            sizing_mode="stretch_width",
            stylesheets=[KEYS],
        )

    def listen(self, time: Range1d, screen: ColumnDataSource) -> CustomJS:
        """Script that listens in the browser; to be run when a plot of a time is laid out.

        It sets the `screen`, too: how many of its pixels make one of the page.
        """
        args = {"pressed": self.pressed, "known": list(self._keys), "time": time, "screen": screen}
        return CustomJS(args=args, code=LISTEN)

    def _act(self, _name: str, _old: Any, new: dict[str, list[str]]) -> None:
        key = self._keys.get(new["key"][0].split(" ")[0])
        if key is not None:
            key.act()
        if new["key"][0]:
            # once the page has settled: so the browser knows that all before it has been done
            self.pressed.document.add_next_tick_callback(self._done)

    def _done(self) -> None:
        self.pressed.data = {"key": [""]}
