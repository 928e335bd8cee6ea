"""One page: panels on one clock, redrawn when the range or the window changes."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from bokeh.document import Document
from bokeh.models import (
    BoxZoomTool,
    Column,
    CustomAction,
    CustomJS,
    Div,
    GlobalInlineStyleSheet,
    GridPlot,
    PanTool,
    Range1d,
    Row,
    Tool,
    Toolbar,
    WheelZoomTool,
)

from lfpscope.files import UserError
from lfpscope.viewer.panels import Panel, error_panel, time_axis
from lfpscope.viewer.render import Picture, draw
from lfpscope.viewer.session import Session, first_state
from lfpscope.viewer.state import State
from lfpscope.viewer.worker import Worker

STYLE = """
:root { --bokeh-base-font: "DejaVu Sans", Helvetica, Arial, sans-serif; --bokeh-font-size: 13px; }
body { margin: 0; background: white; color: #222222; }
"""


@dataclass(frozen=True)
class Request:
    """Pictures to be drawn: of which state, and how large each probe's is."""

    state: State
    sizes: dict[str, tuple[int, int]]


class Page:
    """The models, the state and the worker of one browser tab.

    Parameters
    ----------
    document : Document
        To be filled.
    session : Session
        Loaded.
    """

    def __init__(self, document: Document, session: Session) -> None:
        self._document = document
        self._session = session
        probes = session.open_probes()
        opened = [probe for probe in probes.values() if not isinstance(probe, UserError)]
        self.state = first_state(opened)
        self._range = self._shared_range()
        self._tools = navigation(self._range)
        self.panels: dict[str, Panel] = {}
        self._settling = False
        self._turns = deque(session.slots)
        self._worker = Worker(self._draw)
        document.add_root(self._layout(probes))
        document.on_session_destroyed(lambda _: self._worker.stop())

    def _shared_range(self) -> Range1d:
        start, stop = self.state.start, self.state.stop
        shared = Range1d(start, stop, reset_start=start, reset_end=stop, name="time")
        # start and end change one after the other: wait until both have
        shared.on_change("start", self._changed)
        shared.on_change("end", self._changed)
        return shared

    def _layout(self, probes: dict[str, Any]) -> Column:
        rows: list[Any] = []
        for name, probe in probes.items():
            if isinstance(probe, UserError):
                rows.append(error_panel(name, probe))
                continue
            panel = Panel(probe, self._range, self._tools)
            panel.figure.on_change("inner_width", self._changed)
            panel.figure.on_change("inner_height", self._changed)
            self.panels[name] = panel
            rows.append(panel.layout)
        if not probes:
            rows.append(Div(text="No probe has been indexed in this folder yet."))
        return Column(
            self._head(),
            Column(*rows, sizing_mode="stretch_both", margin=0),
            time_axis(self._range, self._tools),
            sizing_mode="stretch_both",
            margin=(4, 8, 4, 8),
            stylesheets=[GlobalInlineStyleSheet(css=STYLE)],
        )

    def _head(self) -> Row:
        bar = Toolbar(tools=self._tools, logo=None)
        return Row(
            GridPlot(toolbar=bar, toolbar_location="above", width=160),
            sizing_mode="stretch_width",
            margin=0,
        )

    def _changed(self, _name: str, _old: Any, _new: Any) -> None:
        if not self._settling:
            self._settling = True
            self._document.add_next_tick_callback(self._settled)

    def _settled(self) -> None:
        self._settling = False
        self.state = self.state.at(self._range.start, self._range.end)
        for panel in self.panels.values():
            panel.fit()
        sizes = {name: panel.size for name, panel in self.panels.items()}
        self._worker.submit(Request(self.state, sizes))

    def _draw(self, request: Request, stale: Callable[[], bool]) -> None:
        """Draw probe after probe, in the worker's thread.

        A newer request goes on with the next probe, so that none starves while the view moves.
        """
        for _ in range(len(self._turns)):
            slot = self._turns[0]
            self._turns.rotate(-1)
            width, height = request.sizes.get(slot.name, (0, 0))
            if width > 0 and height > 0:
                picture = draw(slot, request.state, width, height)
                show = partial(self._show, slot.name, request.state, picture)
                self._document.add_next_tick_callback(show)
            if stale():
                return

    def _show(self, name: str, state: State, picture: Picture | UserError) -> None:
        self.panels[name].show(picture, state.microvolts)


def navigation(x_range: Range1d) -> list[Tool]:
    """Pan, zoom and reset in time."""
    whole = CustomJS(
        args={"range": x_range},
        code="range.setv({start: range.reset_start, end: range.reset_end})",
    )
    return [
        PanTool(dimensions="width"),
        BoxZoomTool(dimensions="width"),
        WheelZoomTool(dimensions="width"),
        # Bokeh's own reset works only in the toolbar of a single plot
        CustomAction(icon="reset", description="Whole recording", callback=whole),
    ]
