"""Keys of a page, and their list under `?`."""

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bokeh.models import ColumnDataSource, CustomJS, Div

from lfpscope.viewer.style import KEYS


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
        entries = "".join(
            f"<span><kbd>{html.escape(key.written)}</kbd> {key.meaning}</span>" for key in keys
        )
        self.help = Div(
            text=f"<div>{entries}</div>",
            visible=False,
            sizing_mode="stretch_width",
            stylesheets=[KEYS],
        )

    def listen(self) -> CustomJS:
        """Script that listens in the browser; to be run when a plot has been laid out."""
        return CustomJS(args={"pressed": self.pressed, "known": list(self._keys)}, code=LISTEN)

    def _act(self, _name: str, _old: Any, new: dict[str, list[str]]) -> None:
        key = self._keys.get(new["key"][0].split(" ")[0])
        if key is not None:
            key.act()
        if new["key"][0]:
            # once the page has settled: so the browser knows that all before it has been done
            self.pressed.document.add_next_tick_callback(self._done)

    def _done(self) -> None:
        self.pressed.data = {"key": [""]}


# each press differs from the one before, so that a key pressed twice is two changes
LISTEN = """
const before = window.lfpscopeKeys  // of a page that this one has taken the place of
window.lfpscopeKeys = pressed
if (before) return
let presses = 0
document.addEventListener("keydown", (event) => {
  const target = event.composedPath()[0]
  const types = ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName)
  const key = event.shiftKey && event.key.length > 1 ? "Shift+" + event.key : event.key
  if (types || event.ctrlKey || event.metaKey || event.altKey || !known.includes(key)) return
  event.preventDefault()
  presses += 1
  window.lfpscopeKeys.data = {key: [key + " " + presses]}
})
"""
