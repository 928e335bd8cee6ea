"""What the user types into boxes of the header → another state."""

from dataclasses import replace

from lfpscope.signals.transform import parse_transform
from lfpscope.viewer.view_state import State, read_depths


def type_depths(state: State, text: str) -> State:
    """Show a range of depths.

    Raises
    ------
    ValueError
        If it is none, in a line.
    """
    try:
        return replace(state, depths=read_depths(text))
    except ValueError:
        raise ValueError(f"{text}: no range of depths. Write 500-1500.") from None


def type_transform(state: State, text: str) -> State:
    """Transform the samples that are drawn.

    Raises
    ------
    ValueError
        If the transform cannot be understood, in a line.
    """
    try:
        return replace(state, transform=parse_transform(text).text)
    except ValueError as error:
        raise ValueError(f"{text}: not understood: {error}.") from None
