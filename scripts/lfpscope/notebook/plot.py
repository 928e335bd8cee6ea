"""A view as a figure of matplotlib, drawn as the viewer draws it."""

import io
from collections.abc import Iterable
from dataclasses import replace

from matplotlib.figure import Figure

from lfpscope.errors import UserError
from lfpscope.notebook.sessions import Shown, find_session, view_fields
from lfpscope.viewer.export import describe_view, draw_figure
from lfpscope.viewer.export_lane import Lane
from lfpscope.viewer.marks import bad_channels
from lfpscope.viewer.session_folder import SessionFolder, first_state, only_open
from lfpscope.viewer.state_query import from_query

SIZE = (900, 420)  # pixels of each probe's frame


class ViewFigure(Figure):
    """A figure that a notebook shows without pyplot."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()


def plot(
    session: Shown,
    t: tuple[float, float] | None = None,
    probes: str | Iterable[str] | None = None,
    mode: str | None = None,
    size: tuple[int, int] = SIZE,
) -> Figure:
    """Draw a view of a session: the pixels that the viewer shows, with axes and doubts.

    Parameters
    ----------
    session : str or Path or DataTree
        The folder of a session's results, what `open_session` returned, or an NWB file, which is
        indexed and summarised on the first call.
    t : (float, float), optional
        Session time, seconds; without it the complete recording.
    probes : str or iterable of str, optional
        Those that are drawn, one below the other; without it all.
    mode : str, optional
        "traces", "signed", "heat" or the power of a band, "power theta"; without it what suits
        the zoom.
    size : (int, int)
        Width and height of each probe's frame, pixels.

    Returns
    -------
    Figure
        Of matplotlib. A cell that ends with it shows it; ``savefig("view.pdf")`` saves it.

    Raises
    ------
    UserError
        If there is no such session, probe or mode, or a source is missing or has changed.
    """
    folder = SessionFolder(find_session(session))
    fields = view_fields(folder.folder, t, probes, mode)
    opened = folder.open_probes()
    for error in opened.values():
        if isinstance(error, UserError):
            raise error
    try:
        state, _ = from_query(fields, first_state(only_open(opened)))
        tables = folder.read_tables(state.timeline)
        state = replace(state, bad=bad_channels(tables.marks))
        lane = Lane.of(tables.lane.lines, tables.lane.blocks(state.start, state.stop, size[0]))
        return draw_figure(folder, describe_view(folder, state, *size, lane), kind=ViewFigure)
    finally:
        for probe in only_open(opened):
            probe.close()
