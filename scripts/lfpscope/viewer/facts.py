"""What is said of a probe beside its picture: channels, sampling rate, issues, doubts."""

import html
import math
from collections import Counter
from contextlib import suppress

import numpy as np

from lfpscope.doubts import sort_doubts
from lfpscope.envelope.read import OpenProbe
from lfpscope.errors import UserError
from lfpscope.formatting import duration_text
from lfpscope.nwb.electrodes import Channels
from lfpscope.render.rows import Rows
from lfpscope.render.ticks import shorten
from lfpscope.result_files import CHANNELS
from lfpscope.samples.channel_labels import read_labels
from lfpscope.viewer.labels import has_depth
from lfpscope.viewer.times import find_seams, time_of
from lfpscope.viewer.view_state import State

LETTER = 7.5  # pixels, about


def first_doubt(probe: OpenProbe) -> str:
    """The most important doubt about a recording, and how many more there are; empty if none."""
    doubts = sort_doubts(probe.doubts)
    more = f" (+ {len(doubts) - 1} more)" if len(doubts) > 1 else ""
    return f"! {doubts[0].text}{more}" if doubts else ""


def doubts_html(probe: OpenProbe) -> str:
    """The most important doubt about a recording, and all of them on hover."""
    first = html.escape(first_doubt(probe))
    if not first:
        return ""
    everything = html.escape("\n".join(one.text for one in sort_doubts(probe.doubts)))
    everything = everything.replace("\n", "&#10;")
    return f'<span class="wrong doubt" title="{everything}">{first}</span>'


def count_channels(n: int, n_shown: int) -> str:
    """How many channels there are, and are shown."""
    return f"{n} channels" if n_shown == n else f"{n_shown} of {n} channels"


def session_facts(name: str, n_probes: int, n_open: int, whole: State) -> str:
    """Session, its length and when it was, as HTML."""
    first, last = (time_of(whole.timeline, at, 1) for at in (whole.start, whole.stop))
    facts = [f"{n_probes} probe{'s' if n_probes != 1 else ''}"]
    if n_open:
        facts += [f"{duration_text(whole.stop - whole.start)}, from {first} to {last}"]
        facts += [whole.timeline.date_text] if whole.timeline.is_unix else []
    return f'<span class="facts"><b>{html.escape(name)}</b> · {" · ".join(facts)}</span>'


def range_text(state: State, width: int) -> str:
    """Which time a page shows, and how much of it in a pixel."""
    length = state.stop - state.start
    decimals = min(max(2 - math.floor(math.log10(length)), 0), 6)
    first, last = (time_of(state.timeline, at, decimals) for at in (state.start, state.stop))
    scale = f" · {duration_text(length / width)} in a pixel" if width else ""
    return f"{first} to {last} · {duration_text(length)}{scale}"


def quality_facts(probe: OpenProbe) -> list[str]:
    """How strong a typical channel is, and how many the summary found noisy or outside."""
    references, labels = probe.references, list[str]()
    live = probe.std[~probe.dead & np.isfinite(probe.std)]
    facts = [f"median SD {np.median(live) * 1e6:.3g} µV"] if live.size else []
    with suppress(UserError, OSError):  # a table that is broken says nothing
        ids = references.channels.id.tolist()
        found = read_labels(references.file.parent / CHANNELS, None, references.probe, ids)
        labels = found.get("label", [])
    n = Counter(labels)
    return facts + [f"{n[one]} {one}" for one in ("noisy", "outside") if n[one]]


def probe_facts(
    probe: OpenProbe, n_shown: int, n_bad: int, quality: list[str], order: str = ""
) -> str:
    """Channels, their order, rate, what `quality_facts` found, and what is not as it should be."""
    references = probe.references
    facts = [count_channels(references.n_channels, n_shown), *([order] if order else [])]
    facts += [f"{1 / references.clock.dt:.6g} Hz"]
    facts += quality
    clock = references.clock
    found = [stop - start for (start, stop), _ in find_seams(clock, drawn_by=clock)]
    resets = sum(seconds < 0 for seconds in found)
    issues = [
        (int(probe.dead.sum()), "dead (×)", "dead (×)"),
        (int(probe.saturated.sum()), "saturated (△)", "saturated (△)"),
        (n_bad, "marked bad (⊗)", "marked bad (⊗)"),
        (resets, "clock reset", "clock resets"),
        (len(found) - resets, "gap in the clock", "gaps in the clock"),
        (len(probe.damaged), "damaged chunk", "damaged chunks"),
    ]
    facts += [f"{n} {one if n == 1 else many}" for n, one, many in issues if n]
    return " · ".join(facts)


def axis_label(channels: Channels, rows: Rows, height: int) -> str:
    """What the labels of some rows are, as far as the panel is high enough for it."""
    axis = channels.depth_axis
    label = rows.column or (axis.label if axis and has_depth(channels) else "channel")
    most = int(height / LETTER)
    return shorten(label, most) if most >= len("channel") else ""
