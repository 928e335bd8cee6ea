"""What is uncertain about a clock."""

from itertools import pairwise

import numpy as np

from lfpscope.clock.fit import FINEST_DOUBTED, accuracy_text
from lfpscope.clock.segments import PLAUSIBLE_RATES, Clock, Segment
from lfpscope.doubts import Doubt, sort_doubts
from lfpscope.formatting import duration_text, time_text

SLOW_WAVE_S = 0.5  # of a recording in shorter pieces, the means take slow waves away


def clock_doubts(clock: Clock) -> list[Doubt]:
    """Say what is uncertain about a clock of which all timestamps were read."""
    if not clock.valid:
        return [Doubt("values", untimed_text(clock))]
    doubts = [*_note_doubts(clock), *rate_doubts(1 / clock.dt)]
    if clock.resets():
        doubts.append(Doubt("values", _resets_text(clock)))
    doubts += _short_doubts(clock)
    untimed = clock.n_samples - sum(segment.n_samples for segment in clock.valid)
    if untimed:
        doubts.append(Doubt("missing", f"{untimed} samples have no usable time"))
    return list(sort_doubts(doubts))


def _short_doubts(clock: Clock) -> list[Doubt]:
    """Doubt amplitudes where gaps cut most of a recording into pieces shorter than slow waves."""
    n_samples = np.array([segment.n_samples for segment in clock.valid])
    is_short = n_samples * clock.dt < SLOW_WAVE_S
    if n_samples.size < 2 or n_samples[is_short].sum() < n_samples.sum() / 2:
        return []
    usual = accuracy_text(float(np.median(n_samples[is_short])) * clock.dt)
    words = (
        f"gaps cut it into {n_samples.size} pieces of about {usual}: amplitudes lack slower waves"
    )
    return [Doubt("values", words)]


def untimed_text(clock: Clock) -> str:
    """Say that no sample has a time, and why."""
    why = next((f": {segment.note}" for segment in clock.segments if segment.note), "")
    return f"no sample has a usable time{why}"


def rate_doubts(rate: float) -> list[Doubt]:
    """Doubt a sampling rate in Hz that LFP does not have."""
    lowest, highest = PLAUSIBLE_RATES
    if lowest <= rate <= highest:
        return []
    question = ""
    if 1 < rate < lowest:
        question = ". Are the timestamps milliseconds?"
    elif rate <= 1:
        question = ". Are the timestamps counts of samples, or ticks?"
    return [Doubt("values", f"implausible rate for LFP: {rate:.3g} Hz{question}")]


def _note_doubts(clock: Clock) -> list[Doubt]:
    """Doubt timestamps that are coarse or uneven, once for each reason."""
    worst: dict[str, Segment] = {}
    for segment in clock.valid:
        reason = segment.note.split(":")[0].split(" for ")[0]
        if reason not in worst or segment.residual > worst[reason].residual:
            worst[reason] = segment
    notes = [segment.note for reason, segment in worst.items() if reason]
    uneven = worst.get("")
    if uneven and uneven.residual > max(FINEST_DOUBTED, uneven.dt):
        away = accuracy_text(uneven.residual)
        notes.append(f"timestamps are up to {away} from an even clock")
    return [Doubt("values", note) for note in notes]


def _resets_text(clock: Clock) -> str:
    before, after = next(
        (before, after)
        for before, after in pairwise(clock.valid)
        if before.t1 - after.t0 > before.dt / 2
    )
    first = sum(s.n_samples * s.dt for s in clock.valid if s.stop_sample <= before.stop_sample)
    n = len(clock.resets())
    times = "1 time: after" if n == 1 else f"{n} times: the first after"
    restart = time_text(after.t0, 3 if after.t0 % 1 else 0)
    return f"the clock is reset {times} {duration_text(first)} it restarts at {restart}"
