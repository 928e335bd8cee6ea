"""What is drawn of a probe: as recorded or transformed, and what must be made first."""

from functools import lru_cache

import numpy as np

from lfpscope.clock.segments import Clock
from lfpscope.clock.timeline import Timeline
from lfpscope.envelope.read import OpenProbe
from lfpscope.envelope.transformed import transformed
from lfpscope.formatting import duration_text
from lfpscope.result_files import ENVELOPE
from lfpscope.signals.quantity import POTENTIAL
from lfpscope.signals.transform import parse_transform
from lfpscope.viewer.asked_views import AskedView
from lfpscope.viewer.channel_selection import bad_channels
from lfpscope.viewer.view_state import State, band_of

KEPT = 12  # clocks: of six probes in two timelines


@lru_cache(KEPT)
def axis_clock(probe: OpenProbe, timeline: Timeline) -> Clock:
    """The clock of a probe in axis time."""
    return timeline.clock(probe.references.clock)


def transformed_for(probe: OpenProbe, state: State) -> tuple[OpenProbe, str]:
    """Return the probe that a state shows, and what is done to its samples or why it is not."""
    if not state.transform:
        return probe, ""
    wanted, seconds = parse_transform(state.transform), state.stop - state.start
    try:
        found = transformed(probe, wanted, bad_channels(probe, state))
    except ValueError as error:
        return probe, f"AS RECORDED, not {state.transform}: {error}"
    # stored spectra are those of the recording
    band = band_of(dict(state.modes).get(probe.references.probe, ""))
    if band and found.quantity.unit != POTENTIAL.unit:
        return probe, f"AS RECORDED: {band} is of the potential, not of {state.transform}"
    most = found.live_seconds if band else found.most_seconds
    if seconds > most:
        if probe.is_summarised and not band:  # it is made meanwhile
            return probe, f"AS RECORDED, not yet {state.transform}"
        what = f"{band} of {state.transform}" if band else state.transform
        return probe, f"AS RECORDED: {what} is shown of {duration_text(most)} at most"
    return found, found.description


def asked_view(probe: OpenProbe, state: State) -> AskedView | None:
    """Return the view that a state needs, where it is to be made first."""
    name = probe.references.probe
    if not (state.transform and probe.is_summarised) or band_of(dict(state.modes).get(name, "")):
        return None
    marked = bad_channels(probe, state)
    try:
        found = transformed(probe, parse_transform(state.transform), marked)
    except ValueError:
        return None
    if state.stop - state.start <= found.most_seconds:
        return None
    file = probe.references.file
    return AskedView(
        str(file),
        str(file.with_name(ENVELOPE)),
        probe.references.address,
        state.transform,
        tuple(np.flatnonzero(marked).tolist()),
        str(found.asked_path),
    )
