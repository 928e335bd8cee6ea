"""Averages around intervals for a panel: from ``evoked.zarr.zip`` where it has them, else live."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lfpscope.envelope.read import OpenProbe
from lfpscope.errors import UserError
from lfpscope.evoked.averages import Evoked, average_intervals
from lfpscope.evoked.files import Stored, read_evoked
from lfpscope.evoked.kinds import Kind, choose_kinds, invalid_times
from lfpscope.io.tables import read_table
from lfpscope.periods.table import artefact_times, read_periods
from lfpscope.render.evoked_maps import (
    NOT_SMOOTHED,
    EvokedProbe,
    Scales,
    about_baseline,
    choose_scales,
    csd_of,
    describe_trials,
    is_bad,
    signed_picture,
)
from lfpscope.result_files import BAD_CHANNELS, CHANNELS, EVOKED_AVERAGES, INTERVALS, PERIODS
from lfpscope.samples.channel_labels import read_labels_by_hand
from lfpscope.typing import Floats, Mask

THREADS = 4  # that decode chunks of a live average
MAX_WIDTH = 800  # pixels of a map
# columns of intervals.csv that are no condition
NO_CONDITION = frozenset({"start", "stop", "name", "table", "tags", "index", "stimulus_name"})
WINDOWS = {"−100 … 300 ms": (-0.1, 0.3), "−250 … 750 ms": (-0.25, 0.75), "−1 … 2 s": (-1.0, 2.0)}
"""Seconds of a trial about the onset, as the panel offers them."""

Rows = tuple[Mapping[str, str], ...]


@dataclass(frozen=True)
class EvokedView:
    """What a panel shows of one probe.

    Attributes
    ----------
    probe : EvokedProbe
        Its channels, those that are bad, and the average.
    scales : Scales
        Ends of the colours, of all probes.
    lfp, csd : ndarray of uint8, shape (n_rows, width, 3)
        Colours of the maps, the top row first; of no rows where there is no CSD.
    why : str
        Why there is no CSD; empty where there is one.
    source : str
        What the average was made of, in words.
    """

    probe: EvokedProbe
    scales: Scales
    lfp: npt.NDArray[np.uint8]
    csd: npt.NDArray[np.uint8]
    why: str
    source: str

    @property
    def average(self) -> Stored:
        """The average that is shown."""
        return self.probe.kinds[0]

    @property
    def text(self) -> str:
        """Number of trials, those dropped by reason, and what they were read from."""
        return f"{self.probe.probe} · {describe_trials(self.average)} · {self.source}"


@dataclass(frozen=True)
class ChannelAverage:
    """Average of one channel: µV about its baseline, its standard error, and which one it is."""

    milliseconds: Floats
    mean: Floats
    sem: Floats
    text: str


def offer_kinds(session: Path) -> dict[str, Kind]:
    """Kinds of intervals of a session, each followed by its conditions, by name."""
    path = session / INTERVALS
    if not path.is_file():
        return {}
    rows = read_rows(path, path.stat().st_mtime_ns)
    columns = sorted({name for name in rows[0] if name not in NO_CONDITION}) if rows else []
    chosen = choose_kinds([dict(row) for row in rows], conditions=columns)
    return {kind.name: kind for kind in chosen.kinds}


@lru_cache(2)
def read_rows(path: Path, _stamp: int) -> Rows:
    """Rows of ``intervals.csv``, read again once the file has changed."""
    return tuple(read_table(path))


def average_probe(
    probe: OpenProbe, folder: Path, kind: Kind, seconds: tuple[float, float]
) -> tuple[EvokedProbe, str]:
    """Average one kind of intervals on a probe, and say what was read for it.

    Parameters
    ----------
    probe : OpenProbe
        Whose samples.
    folder : Path
        Of the probe's results.
    kind : Kind
        Which intervals.
    seconds : (float, float)
        Window about their onsets.
    """
    found = _stored(probe, folder, kind, seconds)
    source = "precomputed"
    if found is None:
        begin = time.perf_counter()
        found = _live(probe, folder, kind, seconds)
        source = f"computed from samples in {time.perf_counter() - begin:.1f} s"
    references = probe.references
    bad = _bad(probe, folder)
    return EvokedProbe(
        references.session, references.probe, references.channels, bad, [found]
    ), source


def _stored(
    probe: OpenProbe, folder: Path, kind: Kind, seconds: tuple[float, float]
) -> Stored | None:
    """The average that the pipeline made of the same intervals, if it is as long."""
    path = folder / EVOKED_AVERAGES
    if not path.is_file():
        return None
    for one in read_evoked(path, probe.references).kinds:
        step = float(one.time[1] - one.time[0]) if one.time.size > 1 else 0.0
        is_same = (one.name, one.condition) == (kind.name, kind.condition)
        if is_same and one.time[0] <= seconds[0] + step and one.time[-1] >= seconds[1] - step:
            here = (one.time >= seconds[0] - step / 2) & (one.time <= seconds[1] + step / 2)
            return replace(one, time=one.time[here], mean=one.mean[:, here], sem=one.sem[:, here])
    return None


def _live(probe: OpenProbe, folder: Path, kind: Kind, seconds: tuple[float, float]) -> Stored:
    references = probe.references
    intervals = folder.parents[1] / INTERVALS
    rows = [dict(row) for row in read_rows(intervals, intervals.stat().st_mtime_ns)]
    names = {references.probe, *map(str, references.channels.columns.get("group", []))}
    table = folder / PERIODS
    (found,) = average_intervals(
        references,
        [kind],
        seconds=seconds,
        excluded=invalid_times(rows, names),
        artefacts=artefact_times(read_periods(table)) if table.is_file() else (),
        limits=probe.limits,
        threads=THREADS,
    )
    return stored_form(found)


def stored_form(found: Evoked) -> Stored:
    """Give an average the form in which it would be read."""
    kind, average = found.kind, found.average
    parts = average.time, average.mean, average.sem, average.n, average.baseline, average.dropped
    return Stored(kind.name, kind.condition, kind.duration, *parts)


def _bad(probe: OpenProbe, folder: Path) -> Mask:
    """Channels that no CSD can use, by hand or as the pipeline found them."""
    by_hand = read_labels_by_hand(folder.parents[1] / BAD_CHANNELS, probe.references.probe)
    path = folder / CHANNELS
    if not path.is_file():
        return np.asarray(probe.dead, dtype=np.bool_)
    return np.array([is_bad(row, by_hand) for row in read_table(path)], dtype=np.bool_)


def view_averages(found: Sequence[tuple[EvokedProbe, str]]) -> list[EvokedView]:
    """Draw the averages of one kind on some probes at one scale.

    Raises
    ------
    UserError
        If no probe has a complete trial.
    """
    if not any(probe.kinds[0].n.any() for probe, _ in found):
        raise UserError("no complete trial of this kind on any probe")
    scales = choose_scales([(probe, probe.kinds[0]) for probe, _ in found], NOT_SMOOTHED)
    return [_view(probe, source, scales) for probe, source in found]


def _view(probe: EvokedProbe, source: str, scales: Scales) -> EvokedView:
    one, rows = probe.kinds[0], probe.rows.channels
    width = min(MAX_WIDTH, one.time.size)
    microvolts = np.where(probe.bad[:, np.newaxis], np.nan, about_baseline(one)) * 1e6
    lfp = signed_picture(microvolts[rows], scales.microvolts, width)
    density, why = csd_of(probe, one, NOT_SMOOTHED)
    csd = np.empty((0, width, 3), np.uint8)
    if density is not None:
        csd = signed_picture(density[rows], scales.density, width)
    return EvokedView(probe, scales, lfp, csd, why, source)


def channel_average(view: EvokedView, row: int) -> ChannelAverage:
    """Average of the channel in a row of the maps."""
    one, channels = view.average, view.probe.channels
    channel = int(view.probe.rows.channels[row])
    words = [f"channel {channels.id[channel]}"]
    depth, area = (channels.columns.get(name) for name in ("depth", "area"))
    if depth is not None and np.isfinite(depth[channel]):
        words.append(
            f"{depth[channel]:g} {channels.depth_axis.unit if channels.depth_axis else ''}"
        )
    words += [str(area[channel])] if area is not None and str(area[channel]) else []
    words.append(f"n {int(one.n[channel])} · mean ± SEM, µV")
    if view.probe.bad[channel]:
        words.append("bad channel, not in the CSD")
    mean = about_baseline(one)[channel] * 1e6
    return ChannelAverage(one.time * 1e3, mean, one.sem[channel] * 1e6, " · ".join(words))
