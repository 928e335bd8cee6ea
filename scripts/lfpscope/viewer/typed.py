"""What the user types into boxes of the header → another state."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from lfpscope.envelope.read import OpenProbe
from lfpscope.samples.channel_expression import check_expression, find_channels
from lfpscope.signals.transform import parse_transform
from lfpscope.viewer.channel_order import order_text, parse_order
from lfpscope.viewer.channel_selection import all_columns
from lfpscope.viewer.view_state import State, read_depths

TypedReader = Callable[[Sequence[OpenProbe], State, str], State]
"""Gets the probes, a state and a text."""


def type_channels(probes: Sequence[OpenProbe], state: State, text: str) -> State:
    """Show channels in a range of depths, or for which an expression is true.

    Raises
    ------
    ValueError
        If it is neither, or names columns that no probe has, in a line.
    """
    try:
        return replace(state, depths=read_depths(text), where="")
    except ValueError:
        pass
    problems = []
    for probe in probes:
        try:
            find_channels(text, all_columns(probe), probe.references.n_channels)
        except ValueError as error:
            problems.append(str(error))
    if problems and len(problems) == len(probes):
        raise ValueError(f"Not understood: {problems[0]}. Or write depths, as 500-1500.")
    return replace(state, depths=None, where=check_expression(text))


def type_order(probes: Sequence[OpenProbe], state: State, text: str) -> State:
    """Sort the rows by columns.

    Raises
    ------
    ValueError
        If it names no columns, or one that no probe has, in a line.
    """
    try:
        order = parse_order(text)
    except ValueError as error:
        raise ValueError(f"Not understood: {error}.") from None
    known = sorted(set().union(*(all_columns(probe) for probe in probes)))
    for key in order:
        if key.column not in known:
            raise ValueError(f"No column {key.column} (there are {', '.join(known)}).")
    return replace(state, sort=order_text(order))


def type_transform(_probes: Sequence[OpenProbe], state: State, text: str) -> State:
    """Transform the samples that are drawn.

    Raises
    ------
    ValueError
        If the transform cannot be understood, in a line.
    """
    try:
        found = parse_transform(text)
    except ValueError as error:
        raise ValueError(f"{text}: not understood: {error}.") from None
    return state.transformed(found.text, found.quantity.unit)
