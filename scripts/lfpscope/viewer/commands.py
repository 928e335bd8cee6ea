"""What the keys of a page do, and how the help writes them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lfpscope.viewer.keyboard import Key
from lfpscope.viewer.view_state import State

Change = Callable[[State], State]


@dataclass(frozen=True)
class Command:
    """A key, how the help writes it, its meaning, and how it changes what the page shows.

    One without a change does something beyond the state, by the name of its meaning.
    """

    key: str
    written: str
    meaning: str
    change: Change | None = None


COMMANDS = (
    Command("ArrowRight", "→", "a page on", lambda s: s.page(1)),
    Command("ArrowLeft", "←", "a page back", lambda s: s.page(-1)),
    Command("Shift+ArrowRight", "Shift →", "a tenth of a page on", lambda s: s.page(0.1)),
    Command("Shift+ArrowLeft", "Shift ←", "a tenth of a page back", lambda s: s.page(-0.1)),
    Command("+", "+", "zoom in", lambda s: s.zoom(0.5)),
    Command("-", "−", "zoom out", lambda s: s.zoom(2)),
    Command("0", "0", "whole recording"),
    Command("ArrowUp", "↑", "larger traces, stronger colours"),
    Command("ArrowDown", "↓", "smaller traces, weaker colours"),
    Command("g", "g", "gain that suits the view"),
    Command("w", "w", "channels wider apart", lambda s: s.wider(1)),
    Command("c", "c", "channels closer", lambda s: s.wider(-1)),
    Command("h", "h", "traces, signed map or amplitude"),
    Command("a", "a", "the one of them that suits the zoom"),
    Command("y", "y", "butterfly: all over one zero line"),
    Command("n", "n", "next interval of the kind chosen"),
    Command("p", "p", "previous interval"),
    Command("N", "Shift n", "next block of intervals"),
    Command("P", "Shift p", "previous block of intervals"),
    Command("m", "m", "mark this range"),
    Command("u", "u", "take the last mark in this range away"),
    Command("b", "b", "channel under the cursor is bad, or not"),
    Command("e", "e", "averages around intervals: LFP, CSD, one channel"),
    Command("f", "f", "spectra by depth, coherence"),
    Command("i", "i", "list of periods and marks; a click goes there"),
    Command("l", "l", "column of the channels: amplitude, labels"),
    Command("x", "x", "hide channels that are bad, or show them", lambda s: s.toggle_bad()),
    Command("o", "o", "probe under the cursor large, others small; again: all alike"),
    Command("d", "d", "one scale of depth for all probes", lambda s: s.toggle_depths()),
    Command("s", "s", "save picture"),
    Command("Backspace", "Backspace", "the view before"),
    Command("Shift+ArrowDown", "Shift ↓", "channel below, of one shown alone"),
    Command("Shift+ArrowUp", "Shift ↑", "channel above, of one shown alone"),
    Command("Escape", "Esc", "close message, help and channel"),
    Command("?", "?", "this help"),
)
"""All keys, in the order in which the help lists them."""


def bind_keys(apply: Callable[[Change], None], acts: Mapping[str, Callable[[], None]]) -> list[Key]:
    """Connect the commands with a page.

    Parameters
    ----------
    apply : callable
        Changes what the page shows.
    acts : mapping of callable
        What the commands without a change do, by key.
    """

    def act(command: Command) -> Callable[[], None]:
        change = command.change
        return acts[command.key] if change is None else lambda: apply(change)

    return [Key(one.key, one.written, one.meaning, act(one)) for one in COMMANDS]
