"""A sheet over the panels, with a line of controls; time axis and minimap stay below it."""

import html
from collections.abc import Callable, Sequence
from typing import Any

from bokeh.models import Button, Column, Row
from bokeh.models.dom import HTML

from lfpscope.viewer.style import CONTROL, text_line

LINE = ":host { flex: none; align-items: center; gap: 8px; }"


class Overlay:
    """The sheet.

    Parameters
    ----------
    controls : sequence
        Widgets of its first line.
    name : str
        Class of its element.
    closed : callable
        Called when its button is pressed.

    Attributes
    ----------
    layout : Column
        To be put on the page.
    """

    def __init__(self, controls: Sequence[Any], name: str, closed: Callable[[], None]) -> None:
        close = Button(label="close", name=f"close {name}", stylesheets=[CONTROL], margin=0)
        close.on_click(closed)
        self._text = HTML("")
        self._body = Row(sizing_mode="stretch_both", margin=0)
        line = Row(*controls, close, stylesheets=[LINE], sizing_mode="stretch_width", margin=0)
        self.layout = Column(
            line,
            text_line(self._text, margin=(2, 0, 0, 0)),
            self._body,
            sizing_mode="stretch_both",
            css_classes=[name],
            margin=0,
        )

    def say(self, text: str, *, is_wrong: bool = False) -> None:
        """Write a line below the controls."""
        mark = ' class="wrong" style="white-space: nowrap"' if is_wrong else ""
        words = html.escape(text)
        self._text.html = f'<div class="heading"><span{mark} title="{words}">{words}</span></div>'

    def show(self, columns: Sequence[Any]) -> None:
        """Put columns side by side."""
        self._body.children = list(columns)
