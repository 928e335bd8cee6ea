"""What is said of a probe beside its picture: channels, sampling rate, issues, doubts."""

import html

from lfpscope.doubts import sort_doubts
from lfpscope.envelope.read import Probe
from lfpscope.nwb.electrodes import Channels
from lfpscope.render.ticks import shorten
from lfpscope.viewer.labels import has_depth
from lfpscope.viewer.times import find_seams

LETTER = 7.5  # pixels, about


def first_doubt(probe: Probe) -> str:
    """The most important doubt about a recording, and how many more there are; empty if none."""
    doubts = sort_doubts(probe.doubts)
    more = f" (+ {len(doubts) - 1} more)" if len(doubts) > 1 else ""
    return f"! {doubts[0].text}{more}" if doubts else ""


def doubts_html(probe: Probe) -> str:
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


def probe_facts(probe: Probe, n_shown: int, n_bad: int) -> str:
    """Channels, rate, and what is not as it should be."""
    references = probe.references
    facts = [count_channels(references.n_channels, n_shown), f"{1 / references.clock.dt:.6g} Hz"]
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


def axis_label(channels: Channels, height: int) -> str:
    """What depths are, as far as the panel is high enough for it."""
    axis = channels.depth_axis
    label = axis.label if axis and has_depth(channels) else "channel"
    most = int(height / LETTER)
    return shorten(label, most) if most >= len("channel") else ""
