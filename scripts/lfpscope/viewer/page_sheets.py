"""Which sheets a page has."""

from bokeh.document import Document

from lfpscope.viewer.evoked_panel import EvokedPanel
from lfpscope.viewer.page_layout import PageLayout
from lfpscope.viewer.session_folder import SessionFolder
from lfpscope.viewer.sheets import Sheets
from lfpscope.viewer.spectrum_panel import SpectrumPanel

EVOKED, SPECTRA = "evoked", "spectra"


def make_sheets(document: Document, session: SessionFolder, layout: PageLayout) -> Sheets:
    """Make the sheets of a page; each is made when it is opened first."""
    place = document, session, layout.plots
    sheets = Sheets(
        {
            EVOKED: lambda: EvokedPanel(*place, sheets.close),
            SPECTRA: lambda: SpectrumPanel(*place, sheets.close),
        },
        layout.sheet,
    )
    return sheets
