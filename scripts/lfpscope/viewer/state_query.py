"""The fields of an address → a state; `State.to_query` is the way back."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from urllib.parse import unquote

from lfpscope.samples.channel_expression import check_expression
from lfpscope.signals.transform import parse_transform
from lfpscope.viewer.channel_order import order_text, parse_order
from lfpscope.viewer.view_state import (
    AUTO,
    COMMON,
    HIDDEN,
    SPACINGS,
    State,
    is_mode,
    read_depths,
    read_pair,
    round_scale,
)


def from_query(query: Mapping[str, str], default: State) -> tuple[State, list[str]]:
    """Read an address.

    Parameters
    ----------
    query : mapping of str
        Its fields; those that are not ours are left alone.
    default : State
        For what it does not say.

    Returns
    -------
    state : State
        What it says, as far as it can be understood.
    doubts : list of str
        Fields that could not be understood.
    """
    readers = {
        "t": _read_times,
        "transform": _read_transform,  # before the gain, which is in its unit
        "gain": _read_gain,
        "probes": _read_probes,
        "mode": _read_mode,
        "areas": _read_areas,
        "every": _read_every,
        "depths": _read_depths,
        "bad": _read_bad,
        "spacing": _read_spacing,
        "scale": _read_scale,
        "channel": _read_channel,
        "where": _read_where,
        "sort": _read_sort,
        "without": _read_without,
        "large": _read_large,
    }
    state, doubts = default, []
    for name, reader in readers.items():
        if name in query:
            try:
                state = reader(state, query[name])
            except ValueError:
                doubts.append(f"{name}={query[name]}")
    return state, doubts


def _read_times(state: State, text: str) -> State:
    return state.at(*read_pair(text))


def _read_gain(state: State, text: str) -> State:
    if text == AUTO:
        return replace(state, is_auto=True)
    if not 0 < float(text) < math.inf:
        raise ValueError(text)
    return state.scaled(round_scale(float(text)))


def _read_probes(state: State, text: str) -> State:
    shown = frozenset[str]() if text == "-" else _known(text, state.probes)
    return replace(state, hidden=frozenset(state.probes) - shown)


def _read_mode(state: State, text: str) -> State:
    if is_mode(text):
        return state.drawn_as(text)
    for one in text.split(","):
        name, _, mode = one.partition(":")
        if name not in state.probes or not is_mode(mode):
            raise ValueError(text)
        state = state.drawn_as(mode, name)
    return state


def _known(text: str, names: Iterable[str]) -> frozenset[str]:
    found = frozenset(text.split(","))
    if not found <= set(names):
        raise ValueError(text)
    return found


def _read_areas(state: State, text: str) -> State:
    return replace(state, areas=frozenset(unquote(one) for one in text.split(",") if one))


def _read_every(state: State, text: str) -> State:
    if int(text) < 1:
        raise ValueError(text)
    return replace(state, every=int(text))


def _read_bad(state: State, text: str) -> State:
    if text != HIDDEN:
        raise ValueError(text)
    return replace(state, hides_bad=True)


def _read_scale(state: State, text: str) -> State:
    if text != COMMON:
        raise ValueError(text)
    return replace(state, shares_depths=True)


def _read_spacing(state: State, text: str) -> State:
    if not 0 <= int(text) <= SPACINGS[-1]:
        raise ValueError(text)
    return replace(state, spacing=int(text))


def _read_channel(state: State, text: str) -> State:
    name, _, channel = text.partition(":")
    if name not in state.probes:
        raise ValueError(text)
    return replace(state, channel=(name, int(channel)))


def _read_where(state: State, text: str) -> State:
    return replace(state, where=check_expression(text) if text.strip() else "")


def _read_sort(state: State, text: str) -> State:
    return replace(state, sort=order_text(parse_order(text)))


def _read_large(state: State, text: str) -> State:
    if text not in state.probes:
        raise ValueError(text)
    return replace(state, large=text)


def _read_without(state: State, text: str) -> State:
    return replace(state, without=frozenset(unquote(line) for line in text.split(",") if line))


def _read_transform(state: State, text: str) -> State:
    found = parse_transform(text)
    return state.transformed(found.text, found.quantity.unit)


def _read_depths(state: State, text: str) -> State:
    return replace(state, depths=read_depths(text))
