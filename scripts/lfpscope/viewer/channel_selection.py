"""Which channels of a probe a page shows."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lfpscope.envelope.read import OpenProbe
from lfpscope.nwb.areas import is_area
from lfpscope.render.rows import Rows, arrange_rows
from lfpscope.samples.channel_expression import find_channels
from lfpscope.typing import Array, Mask
from lfpscope.viewer.channel_order import order_text, parse_order, sort_rows
from lfpscope.viewer.channel_table import is_voltage, measured_columns
from lfpscope.viewer.depth_scale import DepthSpan, depth_span
from lfpscope.viewer.view_state import NO_AREA, State

KEPT = 24  # selections: what is shown now and before, of six probes
UNITS = {"depth_um": "µm", "across": "µm", "line_noise_db": "dB"}
Labels = frozenset[tuple[int, str]]
"""Electrode ids and their labels by hand."""


@dataclass(frozen=True)
class _Choice:
    """What of a state chooses the channels of one probe."""

    areas: frozenset[str]
    depths: tuple[float, float] | None
    every: int
    hidden: frozenset[int]
    where: str
    sort: str
    labels: Labels


def chosen_rows(probe: OpenProbe, state: State) -> Rows:
    """Rows that a page shows, from the top down; none where no channel is as chosen."""
    return _select(probe, _choice(probe, state))


def shown_span(probe: OpenProbe, state: State) -> DepthSpan | str:
    """Depths that the rows of a page cover; or why they have no scale."""
    return depth_span(probe.references.channels, chosen_rows(probe, state))


def order_words(probe: OpenProbe, state: State) -> str:
    """What the rows are sorted by, and what of it the probe has not; empty where by depth."""
    known = _measured(probe).keys() | columns_of(probe).keys()
    order = parse_order(state.sort)
    found = [key for key in order if key.column in known]
    words = [f"sorted by {order_text(found).replace(',', ', ')}"] if found else []
    missing = [key.column for key in order if key.column not in known]
    words += [f"NOT sorted by {', '.join(missing)}: no such column"] if missing else []
    return "; ".join(words)


def all_columns(probe: OpenProbe, labels: Labels = frozenset()) -> dict[str, Array]:
    """Columns of the electrodes, and of ``channels.csv``; labels by hand count before those."""
    columns = _measured(probe) | columns_of(probe)
    by_hand = dict(labels)
    if by_hand:
        found = columns.get("label", np.full(probe.references.n_channels, "unknown"))
        ids = probe.references.channels.id.tolist()
        pairs = zip(ids, found.tolist(), strict=True)
        columns["label"] = np.array([by_hand.get(one, label) for one, label in pairs])
    return columns


@lru_cache(KEPT)  # read when a page is made; its event loop finds it here
def _measured(probe: OpenProbe) -> dict[str, Array]:
    references = probe.references
    return measured_columns(references.file.parent, references.channels.id.tolist())


def left_out_areas(probe: OpenProbe, state: State) -> list[tuple[str, int, int]]:
    """Areas whose channels are left out only for their area, in the order of the rows.

    Returns
    -------
    list of (str, int, int)
        Name, how many rows that are shown lie above, and how many channels it has there.
    """
    if not state.areas:
        return []
    rows = chosen_rows(probe, replace(state, areas=frozenset()))
    names = areas_of(probe)[rows.channels]
    above = np.cumsum(np.isin(names, sorted(state.areas)))
    places = zip(names.tolist(), above.tolist(), strict=True)
    counted = Counter(place for place in places if place[0] not in state.areas)
    return [(name, row, n) for (name, row), n in counted.items()]


def choosable_areas(probes: Iterable[OpenProbe]) -> list[str]:
    """Areas of some probes in alphabetical order; NO_AREA where channels have none beside them."""
    found = set[str]().union(*(areas_of(probe).tolist() for probe in probes))
    return [*sorted(found - {NO_AREA}), *(found & {NO_AREA} if len(found) > 1 else ())]


def drop_unknown_areas(state: State, known: Iterable[str]) -> tuple[State, list[str]]:
    """Choose only areas that are known, and return what an address says of the others."""
    unknown = state.areas - set(known)
    doubts = [f"areas={','.join(sorted(unknown))}"] if unknown else []
    return replace(state, areas=state.areas - unknown), doubts


def columns_of(probe: OpenProbe) -> dict[str, Array]:
    """Columns of the electrodes by name, and their ids as `channel`."""
    channels = probe.references.channels
    return {"channel": channels.id, **{str(name): one for name, one in channels.columns.items()}}


def bad_channels(probe: OpenProbe, state: State) -> npt.NDArray[np.bool_]:
    """Tell which channels, in the order of the file, were marked as bad."""
    ids = [channel for name, channel in state.bad if name == probe.references.probe]
    return np.isin(probe.references.channels.id, ids)


def _choice(probe: OpenProbe, state: State) -> _Choice:
    name = probe.references.probe
    bad = state.bad | state.left_out if state.hides_bad else ()
    return _Choice(
        areas=state.areas,
        depths=state.depths,
        every=state.every,
        hidden=frozenset(channel for one, channel in bad if one == name),
        where=state.where,
        sort=state.sort,
        labels=frozenset((channel, label) for one, channel, label in state.by_hand if one == name),
    )


@lru_cache(KEPT)  # once per choice: the axis, the picture and the cursor ask for it
def _select(probe: OpenProbe, choice: _Choice) -> Rows:
    channels = probe.references.channels
    columns = channels.columns
    keep = np.ones(probe.references.n_channels, np.bool_)
    if choice.hidden:
        keep &= ~np.isin(channels.id, sorted(choice.hidden))
    if choice.areas:
        keep &= _in_areas(probe, choice.areas)
    if choice.depths:
        depth = columns.get("depth", np.nan)
        keep &= (choice.depths[0] <= depth) & (depth <= choice.depths[1])
    if choice.where:
        try:
            keep &= find_channels(choice.where, all_columns(probe, choice.labels), keep.size)
        except ValueError:  # of another probe's column: no channel of this one
            keep[:] = False
    rows = arrange_rows(channels)
    rows = rows.only(keep[rows.channels])
    rows = rows.only(np.arange(rows.channels.size) % choice.every == 0)
    if not choice.sort:
        return rows
    found = all_columns(probe, choice.labels)
    titles = {name: f"{name} ({unit})" for name in found if (unit := _unit(name))}
    return sort_rows(rows, parse_order(choice.sort), found, channels, titles)


def _unit(column: str) -> str:
    return "µV" if is_voltage(column) else UNITS.get(column, "")


def _in_areas(probe: OpenProbe, areas: frozenset[str]) -> Mask:
    """Tell which channels lie in some areas."""
    return np.isin(areas_of(probe), sorted(areas))


def areas_of(probe: OpenProbe) -> npt.NDArray[np.str_]:
    """Area of each channel; NO_AREA where the file names none."""
    stored = probe.references.channels.columns.get("area")
    names = [""] * probe.references.n_channels if stored is None else stored.tolist()
    return np.array([name if is_area(name) else NO_AREA for name in names])
