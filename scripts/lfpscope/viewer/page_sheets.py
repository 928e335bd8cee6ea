"""What a page can open beside its panels: sheets over them, and columns of channels."""

from collections.abc import Callable

from bokeh.document import Document

from lfpscope.clock.timeline import Span
from lfpscope.viewer.channel_column import ByHand, ChannelColumns, LeftOut
from lfpscope.viewer.lanes import PageLanes
from lfpscope.viewer.page_layout import PageLayout
from lfpscope.viewer.page_views import PageViews
from lfpscope.viewer.period_list import PeriodList
from lfpscope.viewer.session_folder import SessionFolder
from lfpscope.viewer.sheets import Sheet, Sheets
from lfpscope.viewer.view_state import State

EVOKED, SPECTRA, LISTS, COLUMNS = "e", "f", "i", "l"  # their keys


class PageExtras:
    """Sheets and columns of a page; each is made when it is opened first.

    Parameters
    ----------
    document, session, layout
        Of the page.
    left_out : callable
        Gets channels that are dead or noisy, and labels by hand, see `ChannelColumns`.
    go_to : callable
        Shows a stretch of axis time.
    draw_again : callable
        Has a probe drawn whose files have changed.

    Attributes
    ----------
    views : PageViews
        Transformed recordings that are made on demand.
    lanes : PageLanes
        Below the intervals.
    """

    def __init__(
        self,
        document: Document,
        session: SessionFolder,
        layout: PageLayout,
        left_out: Callable[[LeftOut, ByHand], None],
        go_to: Callable[[Span | None], None],
        draw_again: Callable[[str], None],
    ) -> None:
        self.views = PageViews(document, layout.panels, draw_again)
        self.lanes = PageLanes(document, session, layout)
        of_page = document, session, layout.plots
        self._sheets = Sheets(
            {
                EVOKED: self._make_evoked,
                LISTS: lambda: PeriodList(document, session, go_to, self.close),
                SPECTRA: self._make_spectra,
            },
            layout.sheet,
        )
        self._of_page, self._layout, self._left_out = of_page, layout, left_out
        self._columns: ChannelColumns | None = None

    def toggle(self, name: str, state: State) -> None:
        """Open a sheet or the columns, or close them."""
        if name != COLUMNS:
            self._sheets.toggle(name, state)
            return
        self._columns = self._columns or self._make_columns()
        self._columns.toggle(state)

    def _make_evoked(self) -> Sheet:
        # matplotlib: not before the sheet is opened
        from lfpscope.viewer.evoked_panel import EvokedPanel

        return EvokedPanel(*self._of_page, self.close)

    def _make_spectra(self) -> Sheet:
        from lfpscope.viewer.spectrum_panel import SpectrumPanel

        return SpectrumPanel(*self._of_page, self.close)

    def _make_columns(self) -> ChannelColumns:
        layout = self._layout
        place = layout.panels, layout.below
        return ChannelColumns(*self._of_page, *place, self._left_out, layout.show_message)

    def close(self) -> None:
        """Close the sheet that is open."""
        self._sheets.close()

    def want(self, state: State) -> None:
        """Have what is open follow the page; read labels of channels where the page needs them."""
        self.lanes.want(state)
        self._sheets.want(state)
        if state.needs_labels and self._columns is None:
            self._columns = self._make_columns()
        if self._columns is not None:
            self._columns.want(state)

    def stop(self) -> None:
        """End all threads."""
        self._sheets.stop()
        self.views.stop()
        self.lanes.stop()
        if self._columns is not None:
            self._columns.stop()


def toggles(
    extras: Callable[[], PageExtras], state: Callable[[], State]
) -> dict[str, Callable[[], None]]:
    """What the keys of sheets and columns do, on a page that is still being made."""

    def toggle(key: str) -> Callable[[], None]:
        return lambda: extras().toggle(key, state())

    return {key: toggle(key) for key in (EVOKED, SPECTRA, LISTS, COLUMNS)}
