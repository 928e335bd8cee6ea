"""A line of text in a notebook's cell, updated where it stands."""

import sys
from contextlib import suppress
from typing import Any


class CellText:
    """A line that says what a cell waits for; nowhere else than in a notebook is it shown."""

    def __init__(self) -> None:
        self._shown = ""
        self._display: Any = None

    def show(self, text: str) -> None:
        """Show a text; an empty one removes it."""
        if text == self._shown or not _is_notebook():
            return
        self._shown = text
        # an empty text would leave an empty line
        content = {"text/plain": text} if text else {"text/html": ""}
        if self._display is None:
            from IPython.display import display

            self._display = display(content, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._display.update(content, raw=True)


def _is_notebook() -> bool:
    """Tell whether this is the kernel of a notebook; IPython is not imported for that."""
    ipython = sys.modules.get("IPython")
    shell = None
    with suppress(AttributeError):
        shell = ipython.get_ipython() if ipython else None
    return hasattr(shell, "kernel")
