"""Completion of column names and values in boxes of the header, in the browser alone."""

from collections.abc import Sequence
from pathlib import Path

from bokeh.models import CustomJS

from lfpscope.envelope.read import OpenProbe
from lfpscope.samples.channel_labels import LABELS
from lfpscope.viewer.channel_selection import all_columns
from lfpscope.viewer.style import ACCENT

LISTEN = Path(__file__).with_name("completion.js").read_text("utf-8")
MAX_VALUES = 100  # of a column


def column_values(probes: Sequence[OpenProbe]) -> dict[str, list[str]]:
    """Columns of some probes by name, with the values of those that hold texts."""
    found: dict[str, set[str]] = {"label": set(LABELS)}
    for probe in probes:
        for name, column in all_columns(probe).items():
            texts = set(column.tolist()) if column.dtype.kind in "OSU" else set()
            found.setdefault(name, set()).update(map(str, texts - {""}))
    return {name: sorted(found[name])[:MAX_VALUES] for name in sorted(found)}


def completion(probes: Sequence[OpenProbe]) -> CustomJS:
    """Script that completes in the browser; to be run when a plot is laid out."""
    values = column_values(probes)
    args = {"columns": list(values), "values": values, "colour": ACCENT}
    return CustomJS(args=args, code=LISTEN)
