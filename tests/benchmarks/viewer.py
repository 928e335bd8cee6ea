"""How long the viewer's server takes for a redraw, how many bytes it sends, what memory it holds.

    python tests/benchmarks/viewer.py results/demo-1 [--moves 1000]

Draws random views of a session's probes at 1200 × 800 pixels each, without a browser: from the
request to the picture that would be sent, compressed as the websocket compresses it.
"""

import argparse
import resource
import statistics
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from lfpscope.blocks import CACHE
from lfpscope.envelope import Probe
from lfpscope.files import UserError
from lfpscope.viewer.render import Picture, compile_drawing, draw
from lfpscope.viewer.session import Session, Slot, first_state
from lfpscope.viewer.state import State

WIDTH, HEIGHT = 1200, 800


def moves(whole: State, n: int, seed: int = 0) -> Iterator[State]:
    """Views of all zooms, at random places."""
    rng = np.random.default_rng(seed)
    span = whole.stop - whole.start
    for _ in range(n):
        here = span * 10 ** rng.uniform(-4, 0)
        start = whole.start + rng.uniform(0, span - here)
        yield whole.at(start, start + here)


def timed(slots: list[Slot], state: State) -> tuple[float, list[Picture]]:
    """Seconds until all pictures of a state are drawn, and the pictures."""
    begin = time.perf_counter()
    pictures = [draw(slot, state, WIDTH, HEIGHT) for slot in slots]
    seconds = time.perf_counter() - begin
    return seconds, [picture for picture in pictures if isinstance(picture, Picture)]


def sent(picture: Picture) -> int:
    """Bytes on the wire, as the websocket deflates them."""
    return len(zlib.compress(picture.pixels.tobytes(), 1))


def report(name: str, values: list[float], unit: str) -> None:
    p95 = float(np.percentile(values, 95))
    print(f"{name:48} median {statistics.median(values):8.1f}  p95 {p95:8.1f} {unit}")


def memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cold(session: Session, views: list[State], n: int) -> list[float]:
    """Milliseconds for views of n probes of whose chunks none is decoded yet."""
    times = []
    for state in views:
        for slot in session.slots:
            CACHE.forget(slot.open())
            CACHE.forget(slot.open()._samples)
        times.append(1e3 * timed(session.slots[:n], state)[0])
    return times


def just_below(whole: State, probe: Probe) -> list[State]:
    """Views a little shorter than what the envelope draws."""
    span = (WIDTH - 2) * (probe.sizes[0] - 1) * probe.references.clock.dt
    starts = np.linspace(whole.start, max(whole.start, whole.stop - span), 20)
    return [whole.at(start, min(start + span, whole.stop)) for start in starts]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("session", type=Path, help="results/<session>")
    parser.add_argument("--moves", type=int, default=200)
    arguments = parser.parse_args()
    session = Session(arguments.session)
    compile_drawing()
    probes = [p for p in session.open_probes().values() if not isinstance(p, UserError)]
    whole = first_state(probes)
    for state in moves(whole, 10, seed=1):  # compiles and warms up
        timed(session.slots, state)
    print(f"{len(probes)} probes, {WIDTH} × {HEIGHT} pixels each, {arguments.moves} views")
    for mode in ("traces", "heat map"):
        heat = frozenset(whole.probes) if mode == "heat map" else frozenset[str]()
        views = [replace(state, heat=heat) for state in moves(whole, arguments.moves)]
        size: list[float] = []
        for n in (1, len(probes)):
            first, again = [], []
            for state in views if n == 1 else views[: arguments.moves // 4]:
                first.append(1e3 * timed(session.slots[:n], state)[0])
                seconds, pictures = timed(session.slots[:n], state)
                again.append(1e3 * seconds)
                size += [sent(picture) / 1e3 for picture in pictures]
            report(f"{mode}: {n} probes, somewhere else", first, "ms")
            report(f"{mode}: {n} probes, warm", again, "ms")
        report(f"{mode}: sent, a probe", size, "kB")
    below = just_below(whole, probes[0])
    report("just below the finest bucket: 1 probe, cold", cold(session, below, 1), "ms")
    print(f"memory at most {memory():.0f} MB")


if __name__ == "__main__":
    main()
