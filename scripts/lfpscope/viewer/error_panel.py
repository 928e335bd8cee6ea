"""What stands on a page instead of a probe that is not open."""

import html

from bokeh.models import Div

from lfpscope.errors import UserError
from lfpscope.viewer.style import HEADING


def error_panel(name: str, error: UserError) -> Div:
    """Instead of a probe that is not open."""
    panel = Div(sizing_mode="stretch_width", margin=(4, 0), stylesheets=[HEADING])
    show_error(panel, name, error)
    return panel


def show_error(panel: Div, name: str, error: UserError) -> None:
    """Say why a probe is not open."""
    text = f'<b>{html.escape(name)}</b> · <span class="wrong">{html.escape(str(error))}</span>'
    if panel.text != text:
        panel.text = text
