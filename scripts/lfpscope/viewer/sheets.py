"""Sheets over the panels, each made when it is opened first."""

from collections.abc import Callable, Mapping
from typing import Protocol

from bokeh.models import Column

from lfpscope.viewer.style import ACCENT
from lfpscope.viewer.view_state import State

SHEET = f"""
:host {{
  position: absolute; left: 0; top: 30px; z-index: 3;
  width: 100% !important; height: calc(100% - var(--below)) !important;
  padding: 6px 8px; background: white; border: 1px solid {ACCENT}; box-sizing: border-box;
}}
"""
AROUND = 64  # pixels: the title above a sheet, the reading below it, and margins


class Sheet(Protocol):
    """What stands on one."""

    layout: Column

    def want(self, state: State) -> None:
        """Show what belongs to a state."""

    def stop(self) -> None:
        """End its threads."""


def sheet_place() -> Column:
    """Where sheets are shown: over the panels, above the time axis."""
    return Column(margin=0, visible=False, name="sheet")


def reach_down(place: Column, below: int) -> None:
    """Have sheets end so many pixels above the lines of text at the bottom of the page."""
    place.stylesheets = [SHEET, f":host {{ --below: {AROUND + below}px }}"]


class Sheets:
    """Opens and closes sheets; one is open at a time.

    Parameters
    ----------
    makers : mapping of callable
        Makes each sheet, by name.
    place : Column
        See `sheet_place`.
    """

    def __init__(self, makers: Mapping[str, Callable[[], Sheet]], place: Column) -> None:
        self._makers, self._place = makers, place
        self._made: dict[str, Sheet] = {}
        self._open = ""

    def toggle(self, name: str, state: State) -> None:
        """Open a sheet, or close it if it is open."""
        self._open = "" if self._open == name else name
        if not self._open:
            self._place.visible = False
            return
        if name not in self._made:
            self._made[name] = self._makers[name]()
        self._place.update(children=[self._made[name].layout], visible=True)
        self.want(state)

    def close(self) -> None:
        """Close what is open."""
        self._open, self._place.visible = "", False

    def want(self, state: State) -> None:
        """Have the open sheet follow the page."""
        if self._open:
            self._made[self._open].want(state)

    def stop(self) -> None:
        """End the threads of all sheets."""
        for sheet in self._made.values():
            sheet.stop()
