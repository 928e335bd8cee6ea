"""Which channels of a probe a page shows."""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lfpscope.envelope.read import OpenProbe
from lfpscope.render.rows import Rows, arrange_rows
from lfpscope.samples.channel_expression import find_channels
from lfpscope.typing import Array
from lfpscope.viewer.view_state import State

KEPT = 24  # selections: what is shown now and before, of six probes


def chosen_rows(probe: OpenProbe, state: State) -> Rows:
    """Rows that a page shows, from the top down; none where no channel is as chosen."""
    hidden = _hidden(probe, state)
    return _select(probe, state.areas, state.depths, state.every, hidden, state.where)


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


def _hidden(probe: OpenProbe, state: State) -> frozenset[int]:
    """Ids of a probe's channels that are bad, where these are not shown."""
    bad = state.bad | state.left_out if state.hides_bad else ()
    return frozenset(channel for name, channel in bad if name == probe.references.probe)


@lru_cache(KEPT)  # once per choice: the axis, the picture and the cursor ask for it
def _select(
    probe: OpenProbe,
    areas: frozenset[str],
    depths: tuple[float, float] | None,
    every: int,
    hidden: frozenset[int],
    where: str,
) -> Rows:
    columns = probe.references.channels.columns
    keep = np.ones(probe.references.n_channels, np.bool_)
    if hidden:
        keep &= ~np.isin(probe.references.channels.id, sorted(hidden))
    if areas:
        keep &= np.isin(columns.get("area", ""), sorted(areas))
    if depths:
        depth = columns.get("depth", np.nan)
        keep &= (depths[0] <= depth) & (depth <= depths[1])
    if where:
        try:
            keep &= find_channels(where, columns_of(probe), keep.size)
        except ValueError:  # of another probe's column: no channel of this one
            keep[:] = False
    rows = arrange_rows(probe.references.channels)
    rows = rows.only(keep[rows.channels])
    return rows.only(np.arange(rows.channels.size) % every == 0)
