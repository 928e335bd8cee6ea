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


def cold(slot: Slot, whole: State, probe: Probe) -> list[float]:
    """Milliseconds for views just below the finest bucket, each of chunks not yet decoded."""
    span = (WIDTH - 2) * (probe.sizes[0] - 1) * probe.references.clock.dt
    times = []
    for start in np.linspace(whole.start, max(whole.start, whole.stop - span), 5):
        fresh = Slot(slot.folder)
        fresh.open()
        times.append(1e3 * timed([fresh], whole.at(start, min(start + span, whole.stop)))[0])
        fresh.open().close()
    return times


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
        one = [timed(session.slots[:1], state) for state in views]
        report(f"{mode}: one probe", [1e3 * seconds for seconds, _ in one], "ms")
        every = [timed(session.slots, state)[0] for state in views[: arguments.moves // 4]]
        report(f"{mode}: all probes", [1e3 * seconds for seconds in every], "ms")
        report(f"{mode}: sent, one probe", [sent(p) / 1e3 for _, ps in one for p in ps], "kB")
    report(
        "cold, just below the finest bucket, one probe",
        cold(session.slots[0], whole, probes[0]),
        "ms",
    )
    print(f"memory at most {memory():.0f} MB")


if __name__ == "__main__":
    main()
