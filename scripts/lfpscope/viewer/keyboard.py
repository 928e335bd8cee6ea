"""Keys of a page, and their list under `?`."""

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bokeh.models import ColumnDataSource, CustomJS, Div

from lfpscope.viewer.state import State
from lfpscope.viewer.style import KEYS

if TYPE_CHECKING:
    from lfpscope.viewer.page import Page


@dataclass(frozen=True)
class Key:
    """A key, how the help writes it, and what it does."""

    name: str
    written: str
    meaning: str
    act: Callable[[], None]


def page_keys(page: "Page") -> list[Key]:
    """All keys, in the order in which the help lists them."""

    def move(change: Callable[[State], State]) -> Callable[[], None]:
        return lambda: page.apply(change(page.state))

    return [
        Key("ArrowRight", "→", "a page on", move(lambda s: s.page(1))),
        Key("ArrowLeft", "←", "a page back", move(lambda s: s.page(-1))),
        Key("Shift+ArrowRight", "Shift →", "a tenth of a page on", move(lambda s: s.page(0.1))),
        Key("Shift+ArrowLeft", "Shift ←", "a tenth of a page back", move(lambda s: s.page(-0.1))),
        Key("+", "+", "zoom in", move(lambda s: s.zoom(0.5))),
        Key("-", "−", "zoom out", move(lambda s: s.zoom(2))),
        Key("0", "0", "whole recording", page.show_whole),
        Key("ArrowUp", "↑", "larger traces", move(lambda s: s.louder(1))),
        Key("ArrowDown", "↓", "smaller traces", move(lambda s: s.louder(-1))),
        Key("w", "w", "channels wider apart", move(lambda s: s.wider(1))),
        Key("c", "c", "channels closer", move(lambda s: s.wider(-1))),
        Key("h", "h", "heat maps or traces", page.toggle_heat),
        Key("n", "n", "next interval", lambda: page.go_to_interval(1)),
        Key("p", "p", "previous interval", lambda: page.go_to_interval(-1)),
        Key("m", "m", "mark this range", page.mark_range),
        Key("u", "u", "take the last mark in this range away", page.unmark_range),
        Key("b", "b", "channel under the cursor is bad, or not", page.toggle_bad),
        Key("s", "s", "save picture", page.save_picture),
        Key("?", "?", "this help", page.toggle_help),
    ]


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
if (window.lfpscopeListens) return
window.lfpscopeListens = true
let presses = 0
document.addEventListener("keydown", (event) => {
  const target = event.composedPath()[0]
  const types = ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName)
  const key = event.shiftKey && event.key.length > 1 ? "Shift+" + event.key : event.key
  if (types || event.ctrlKey || event.metaKey || event.altKey || !known.includes(key)) return
  event.preventDefault()
  presses += 1
  pressed.data = {key: [key + " " + presses]}
})
"""
