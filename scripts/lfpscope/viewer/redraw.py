"""Which pictures of a page are to be drawn, and when: the latest of each probe, in its turn."""

import sys
import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bokeh.document import Document

from lfpscope.errors import UserError
from lfpscope.viewer.picture import Picture, common_gains, draw, sketch, with_common_gain
from lfpscope.viewer.probe_slot import ProbeSlot
from lfpscope.viewer.view_state import State
from lfpscope.viewer.worker import Worker


@dataclass(frozen=True)
class Request:
    """A picture of a probe that is wanted: of which state, how large, and its how many-th.

    One pixel of its width and height is `ratio` pixels of the screen.
    """

    state: State
    width: int
    height: int
    ratio: float = 1.0
    number: int = 0


Requests = dict[str, Request]
"""Of each probe on the page."""


class Pictures:
    """Has the pictures of a page drawn, in threads of its own.

    Parameters
    ----------
    document : Document
        Of the page.
    slots : sequence of ProbeSlot
        The probes.
    show : callable
        Gets a probe's name, its picture or the reason why there is none, and of which state.
    """

    def __init__(
        self,
        document: Document,
        slots: Sequence[ProbeSlot],
        show: Callable[[str, Picture | UserError, State], None],
    ) -> None:
        self._document, self._show = document, show
        self._turns = deque(slots)
        self._slots = slots
        self._requests: Requests = {}  # the last one of each probe
        self._submitted: Requests = {}  # of those that are shown
        self._drawn: Requests = {}
        self._finished: dict[str, Picture] = {}
        self._shown: dict[str, float] = {}  # of each probe, which request's picture
        self._pictures = Worker(self._draw)
        self._sketches = Worker(self._sketch)

    def want(self, state: State, sizes: Mapping[str, tuple[int, int]], ratio: float = 1.0) -> None:
        """Ask for the pictures of a state, instead of what is still to be drawn.

        Parameters
        ----------
        state : State
            What they show.
        sizes : mapping of (int, int)
            Width and height of each probe's, pixels; zero where it is not known yet.
        ratio : float
            Pixels of the screen in each of these.
        """
        for name, (width, height) in sizes.items():
            last = self._requests.get(name, Request(state, 0, 0))
            wanted = replace(last, state=state, width=width, height=height, ratio=ratio)
            if wanted != last:
                self._requests[name] = replace(wanted, number=last.number + 1)
        shown = {name: self._requests[name] for name in state.shown if all(sizes.get(name, (0, 0)))}
        self._submitted = shown
        self._sketches.submit(shown)
        self._pictures.submit(shown)

    def draw_again(self, name: str) -> None:
        """Have a probe drawn again though its request is the same: its files are not."""
        if name in self._submitted:
            last = self._requests[name]
            self._requests[name] = replace(last, number=last.number + 1)
            self._submitted = self._submitted | {name: self._requests[name]}
            self._pictures.submit(self._submitted)

    def stop(self) -> None:
        """End the threads once they have done what they are at."""
        self._pictures.stop()
        self._sketches.stop()

    def _sketch(self, requests: Requests, stale: Callable[[], bool]) -> None:
        """Draw from the envelope what takes time to read, in a thread of its own."""
        for slot in self._slots:
            request = requests.get(slot.name)
            picture = request and sketch(slot, request.state, request.width, request.height)
            if request and picture:
                # what the samples give of the same request comes after it, and stays
                self._hand_over(slot.name, request, picture, request.number - 0.5)
            if stale():
                return

    def _draw(self, requests: Requests, stale: Callable[[], bool]) -> None:
        """Draw probe after probe, in the worker's thread.

        Newer requests go on with the next probe, so that none starves while the view moves.
        """
        for _ in range(len(self._turns)):
            slot = self._turns[0]
            self._turns.rotate(-1)
            request = requests.get(slot.name)
            if request and request != self._drawn.get(slot.name):
                picture = _draw_or_why(slot, request)
                if isinstance(picture, Picture):  # an error may be gone the next time
                    self._drawn[slot.name] = request
                    self._finished[slot.name] = picture
                self._hand_over(slot.name, request, picture, request.number)
            if stale():
                return
        self._share_gain(requests, stale)

    def _share_gain(self, requests: Requests, stale: Callable[[], bool]) -> None:
        """Draw again what has a gain of its own, so that probes can be compared."""
        finished = {n: self._finished[n] for n in requests if n in self._finished}
        gains = common_gains(finished.values())
        for slot in self._slots:
            request, picture = requests.get(slot.name), finished.get(slot.name)
            if request is None or picture is None or stale():
                continue
            if shared := with_common_gain(request.state, picture, gains):
                name = slot.name
                again = _draw_or_why(slot, replace(request, state=shared))
                if isinstance(again, Picture):
                    self._finished[name] = again
                # replaces the one before, in whatever order the two are shown
                self._hand_over(name, request, again, request.number + 0.25)

    def _hand_over(
        self, name: str, request: Request, picture: Picture | UserError, number: float
    ) -> None:
        """Have a picture shown by the page's own thread, unless a later one is shown by then."""

        def show() -> None:
            if number >= self._shown.get(name, 0):
                self._shown[name] = number
                self._show(name, picture, request.state)

        self._document.add_next_tick_callback(show)


def _draw_or_why(slot: ProbeSlot, request: Request) -> Picture | UserError:
    """Draw, or name what nobody thought of as well: the other probes are still to be drawn."""
    try:
        return draw(slot, request.state, request.width, request.height, request.ratio)
    except Exception as error:  # noqa: BLE001 - shown on the page, and in full by the server
        traceback.print_exc(file=sys.stderr)
        return UserError(f"probe {slot.name}: cannot be drawn: {error!r}")
