"""How soon the viewer shows a session, how fast it follows, what it sends and what memory it holds.

    python tests/benchmarks/viewer.py [--cache FOLDER] [--moves 1000] [--no-browser]

Makes a session of six probes of the released size (one file, referred to six times), runs its
viewer.py as a user does, and measures from outside: start-up with Chromium, redraws over the
websocket, from the range event to the last picture's arrival, at 1200 × 800 pixels a probe.
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from bokeh.document import Document
from bokeh.document.events import ModelChangedEvent
from bokeh.protocol import Protocol
from bokeh.protocol.receiver import Receiver
from probes import FULL, make_file
from tornado.locks import Lock
from tornado.websocket import websocket_connect

from lfpscope.evoked.kinds import Kind
from lfpscope.references.open import open_references
from lfpscope.viewer.evoked_view import average_probe
from lfpscope.viewer.probe_slot import ProbeSlot
from lfpscope.viewer.script import copy_library, write_viewer

SCRIPTS = Path(__file__).parents[2] / "scripts"
CHROMIUM = "/usr/bin/chromium"
# no graphics card is there to be used, and nobody else is to be asked for anything
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
WINDOW = {"width": 1440, "height": 1000}
WIDTH, HEIGHT = 1200, 800
N_PROBES = 6
N_TABS = 20
PAUSE = 1  # second between pages, as nobody opens them without one
START, RATE = 13.58, 1249.9969812390361
SPAN = FULL / RATE
LIVE = 10.0  # seconds of a view that is transformed
PATIENCE = 120  # seconds for the first picture of a transform
# seconds of a view just below the finest bucket of 128; rounded times must not make it one above
BELOW = (WIDTH - 2) * 126.5 / RATE


# --- a session ----------------------------------------------------------------------------------


def make_session(folder: Path) -> Path:
    """Six probes of the released size that share one file; each has its own cache in the server."""
    nwb, session = folder / "full.nwb", folder / "six-probes"
    make_file(nwb, FULL)
    for i in range(N_PROBES):
        probe = session / "probes" / f"probe{'ABCDEF'[i]}"
        if not (probe / "envelope.zarr.zip").exists():
            probe.mkdir(parents=True, exist_ok=True)
            (probe / "source.json").write_text(json.dumps({"address": str(nwb)}))
            names = "--session", session.name, "--probe", probe.name
            outputs = "--references", "lfp.json", "--index", "index.json"
            run("index_probe.py", "source.json", *names, *outputs, cwd=probe)
            outputs = "--envelope", "envelope.zarr.zip", "--channels", "channels.csv"
            run("summarize_probe.py", "lfp.json", *outputs, cwd=probe)
    write_viewer(session=session.name, viewer=session / "viewer.py")
    copy_library(session.parent / "lfpscope")
    return session


def run(script: str, *arguments: str, cwd: Path) -> None:
    """Run one of the pipeline's programs."""
    command = [sys.executable, str(SCRIPTS / script), *arguments]
    subprocess.run(command, cwd=cwd, check=True, capture_output=True)


# --- start --------------------------------------------------------------------------------------


class Server:
    """A viewer that runs, and where it answers."""

    def __init__(self, process: subprocess.Popen[str], begin: float, address: str) -> None:
        self.process, self.begin, self.address = process, begin, address

    def megabytes(self, key: str = "VmRSS") -> float:
        """Memory that the server holds now, or held at most (VmHWM)."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{key}:\s+(\d+)", text)[1]) / 1024  # type: ignore[index]


@contextmanager
def serving(session: Path, cache: Path | None = None) -> Iterator[Server]:
    """Run viewer.py; what it keeps of transformed recordings lies in a folder, if one is given."""
    begin = time.perf_counter()
    environment = os.environ | ({} if cache is None else {"XDG_CACHE_HOME": str(cache)})
    command = [sys.executable, str(session / "viewer.py"), "--port", "0", "--no-browser"]
    command.append("--no-token")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            found = re.search(r"http://\S+", process.stdout.readline())  # type: ignore[union-attr]
            yield Server(process, begin, found[0])  # type: ignore[index]
        finally:
            process.terminate()


def measure_start(session: Path, ratio: float) -> None:
    """From the launch to an answer and to all pictures in Chromium; a page opened later; redraws.

    Pages opened later find Bokeh's scripts in the browser's memory, as any user's do. In the first
    of three launches the library's copy has not been compiled yet.
    """
    from playwright.sync_api import sync_playwright

    answers, firsts, laters, redraws, floors = [], [], [], [], []
    with (
        sync_playwright() as playwright,
        tempfile.TemporaryDirectory() as profile,
        # with a folder of its own, as any user's browser
        playwright.chromium.launch_persistent_context(
            profile,
            executable_path=CHROMIUM,
            args=FLAGS,
            viewport=WINDOW,
            device_scale_factor=ratio,
        ) as browser,
    ):
        for _ in range(3):
            with serving(session) as server:
                urllib.request.urlopen(server.address).read()  # noqa: S310 - our own server
                answers.append(1e3 * (time.perf_counter() - server.begin))
                page = browser.new_page()
                open_page(page, server.address, DRAWN)
                firsts.append(1e3 * (time.perf_counter() - server.begin))
                for _ in range(5):
                    time.sleep(PAUSE)
                    later = browser.new_page()
                    laters.append(open_page(later, server.address, DRAWN))
                    later.close()
                redraws += [
                    page.evaluate(REDRAW, [start, stop]) for start, stop in views(20, seed=2)
                ]
                page.close()
        with bare_page() as address:
            for _ in range(6):
                page = browser.new_page()
                floors.append(open_page(page, address, BARE))
                page.close()
    row("launch → the page answers", answers, "ms", 4000)
    row("launch → all six pictures in Chromium", firsts, "ms", 8000)
    row("a page opened later → all six pictures", laters, "ms", 1000)
    row("a page of as many empty Bokeh plots, opened again", floors[1:], "ms")
    row("6 probes in Chromium, range set → all pictures there", redraws, "ms")


def open_page(page: Any, address: str, ready: str) -> float:
    """Milliseconds until a page is ready."""
    begin = time.perf_counter()
    page.goto(address)
    page.wait_for_function(ready, polling=20)
    return 1e3 * (time.perf_counter() - begin)


DRAWN = f"""(window.Bokeh?.documents[0]
    ? [...Bokeh.documents[0].all_models].filter(
        (m) => m.name?.startsWith("picture ") && m.data.image.length).length
    : 0) == {N_PROBES}"""

REDRAW = """([start, end]) => new Promise((done) => {
    const page = Bokeh.documents[0], begin = performance.now()
    const pictures = [...page.all_models].filter((m) => m.name?.startsWith("picture "))
    const before = pictures.map((m) => m.tags[0])
    page.get_model_by_name("time").setv({start, end})
    const look = () => pictures.every((m, i) => m.tags[0] && m.tags[0] != before[i])
        ? done(performance.now() - begin) : setTimeout(look, 1)
    look()
})"""

BARE = "window.Bokeh?.index && [...Bokeh.index].length && [...Bokeh.index][0].has_finished()"

BARE_PAGE = f"""
import logging

from bokeh.models import Column, LinearAxis, Plot, Range1d, Row
from bokeh.server.server import Server
from bokeh.settings import settings

settings.perform_document_validation = False  # it would warn that nothing is in them
logging.getLogger("bokeh.server.views.ws").setLevel(logging.ERROR)

def plot(**place):
    plot = Plot(x_range=Range1d(), y_range=Range1d(), toolbar_location=None, **place)
    plot.add_layout(LinearAxis(), "left")
    return plot

def fill(document):
    wide = {{"sizing_mode": "stretch_both"}}
    rows = [Row(plot(width=92), plot(**wide), **wide) for _ in range({N_PROBES})]
    rows += [plot(height=48, sizing_mode="stretch_width") for _ in range(2)]
    document.add_root(Column(*rows, **wide))

server = Server({{"/": fill}}, port=0)
server.start()
print(f"http://localhost:{{server.port}}/", flush=True)
server.io_loop.start()
"""


@contextmanager
def bare_page() -> Iterator[str]:
    """Serve a page of as many plots as ours, with nothing in them: what Bokeh itself takes."""
    command = [sys.executable, "-c", BARE_PAGE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip()  # type: ignore[union-attr]
        finally:
            process.terminate()


# --- redraws ------------------------------------------------------------------------------------


class Page:
    """A page of the viewer as the server sees it: a websocket that gets pictures."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._protocol = Protocol()
        self._receiver = Receiver(self._protocol)
        self.write_lock = Lock()  # that Bokeh's messages ask for

    async def open(self, probes: list[str], transform: str = "", seconds: float = SPAN - 1) -> None:
        """Open the page, and say that each probe's frame is 1200 × 800 pixels."""
        asked = {"probes": ",".join(probes), "transform": transform}
        asked["t"] = f"{START + 1}-{START + 1 + seconds}"
        address = f"{self._server.address}?{urllib.parse.urlencode(asked)}"
        get = urllib.request.urlopen  # of our own server
        html = await asyncio.to_thread(lambda: get(address).read().decode())
        token = json.loads(re.search(r'"token":("[^"]+")', html)[1])  # type: ignore[index]
        self._socket = await websocket_connect(
            self._server.address.replace("http", "ws") + "ws",
            subprotocols=["bokeh", token],
            compression_options={},
            max_message_size=1 << 28,
        )
        self._socket.protocol.set_nodelay(True)  # as browsers do
        while True:  # until the page has been filled
            await self._message("ACK", "PATCH-DOC")
            await self._protocol.create("PULL-DOC-REQ").send(self)
            reply = await self._message("PULL-DOC-REPLY")
            document = Document()
            reply.push_to_document(document)
            # a page that was asked for while the probes were opened is replaced
            if all(document.get_model_by_name(f"picture {probe}") for probe in probes):
                break
        self._document = document
        self._range = document.get_model_by_name("time")
        self._pictures = {
            document.get_model_by_name(f"picture {probe}").id: probe for probe in probes
        }
        figures = list(document.select({"name": "traces"}))
        for figure in figures:
            await self._change((figure, "inner_width", WIDTH), (figure, "inner_height", HEIGHT))
        await self.show(START + 2, START + 1 + seconds)

    async def write_message(
        self,
        message: Any,
        binary: bool = False,
        locked: bool = True,  # noqa: ARG002 - Bokeh gives it; one socket needs no lock here
    ) -> None:
        """Send a part of a message; Bokeh's messages call this."""
        await self._socket.write_message(message, binary)

    async def _change(self, *changes: tuple[Any, str, Any]) -> None:
        events = [ModelChangedEvent(self._document, *change) for change in changes]
        await self._protocol.create("PATCH-DOC", events).send(self)

    async def _message(self, *kinds: str) -> Any:
        while True:
            message = await self._receiver.consume(await self._socket.read_message())
            if message is not None and message.msgtype in kinds:
                return message

    async def arrived(self) -> tuple[str, str]:
        """Wait for a picture that is final; whose it is, and of which view."""
        while True:
            message = await self._message("PATCH-DOC")
            for event in message.content["events"]:
                of = event.get("model", {}).get("id")
                if of in self._pictures and event.get("attr") == "tags" and event["new"]:
                    return self._pictures[of], event["new"][0]

    async def ask(self, start: float, stop: float) -> None:
        """Send a range event."""
        await self._change((self._range, "start", start), (self._range, "end", stop))

    async def show(self, start: float, stop: float) -> float:
        """Milliseconds from a range event to the last probe's picture of it."""
        begin = time.perf_counter()
        await self.ask(start, stop)
        await self.wait_for(start, stop)
        return 1e3 * (time.perf_counter() - begin)

    async def wait_for(self, start: float, stop: float) -> int:
        """Wait until every probe's picture is of this range; how many arrived meanwhile."""
        missing, n = set(self._pictures.values()), 0
        while missing:
            probe, query = await self.arrived()
            n += 1
            if query.startswith(f"t={start:.6f}-{stop:.6f}&"):
                missing.discard(probe)
        return n

    @property
    def received(self) -> int:
        """Bytes that came over the wire so far."""
        return int(self._socket.protocol._wire_bytes_in)

    def close(self) -> None:
        """Close the page."""
        self._socket.close()


def views(n: int, seed: int = 0) -> Iterator[tuple[float, float]]:
    """Time ranges of all zooms, at random places."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        span = SPAN * 10 ** rng.uniform(-4, 0)
        start = START + rng.uniform(0, SPAN - span)
        yield round(start, 6), round(start + span, 6)


async def measure_redraws(server: Server, probes: list[str], n: int) -> None:
    """Redraws of some probes: warm and elsewhere, and their bytes."""
    page = Page(server)
    await page.open(probes)
    many = f"{len(probes)} probe{'s' * (len(probes) > 1)}"
    elsewhere, warm, sizes = [], [], []
    for start, stop in views(n):
        before = page.received
        elsewhere.append(await page.show(start, stop))
        sizes.append((page.received - before) / len(probes) / 1e3)
        by = 0.05 * (stop - start)
        warm.append(await page.show(round(start + by, 6), round(stop + by, 6)))
    row(f"{many}, moved by a twentieth (warm)", warm, "ms", 50 if len(probes) == 1 else 200)
    row(f"{many}, somewhere else", elsewhere, "ms")
    row(f"{many}, on the wire for each", sizes, "kB", 300)
    page.close()


async def measure_cold(server: Server, probe: str) -> None:
    """Views just below the finest bucket, at places where nothing has been read."""
    page = Page(server)
    await page.open([probe])
    times = [
        await page.show(round(start, 6), round(start + BELOW, 6))
        for start in np.linspace(START + 100, START + SPAN - BELOW - 100, 20)
    ]
    row("1 probe, just below the envelope, cold", times, "ms", 150)
    page.close()


async def measure_flood(server: Server, probes: list[str]) -> None:
    """Thirty range events a second for ten seconds: how long after the last its picture comes."""
    page = Page(server)
    await page.open(probes)

    async def move() -> float:
        begin = time.perf_counter()
        for i in range(300):
            await page.ask(START + 100 + i, START + 160 + i)
            await asyncio.sleep(max(0.0, begin + (i + 1) / 30 - time.perf_counter()))
        return time.perf_counter()

    last, n = await asyncio.gather(move(), page.wait_for(START + 399, START + 459))
    late = 1e3 * (time.perf_counter() - last)
    row(f"30 events/s for 10 s, 6 probes: the last of {n} pictures", [late], "ms", 400)
    page.close()


async def measure_transforms(server: Server, probe: Path, n: int) -> None:
    """What a transform adds to a view of 10 s that is moved by a twentieth."""
    has_depth = open_references(probe / "lfp.json").channels.depth_axis is not None
    plain = 0.0
    for transform in ("", "1-100Hz", "median", "csd"):
        if transform == "csd" and not has_depth:
            print("csd of 10 s: left out, the file has no depth")
            continue
        page = Page(server)
        try:
            await asyncio.wait_for(page.open([probe.name], transform, seconds=LIVE), PATIENCE)
        except TimeoutError:
            print(f"{transform} of 10 s: left out, no picture of it within {PATIENCE} s")
            continue
        times = []
        for i in range(n):
            start = round(START + 200 + 0.05 * LIVE * i, 6)
            times.append(await page.show(start, round(start + LIVE, 6)))
        page.close()
        if not transform:
            plain = statistics.median(times)
        name = f"{transform or 'as recorded'}: 10 s moved by a twentieth, above that as recorded"
        row(name, [one - plain for one in times], "ms", 30 if transform else None)


async def measure_filtered(server: Server, probes: list[Path], cache: Path) -> None:
    """A complete recording band-passed, and how another probe's page follows meanwhile."""
    page, other = Page(server), Page(server)
    await other.open([probes[1].name])
    await page.open([probes[0].name], "4-10Hz", seconds=LIVE)
    moves, times = views(10_000, seed=3), []
    begin = time.perf_counter()
    await page.ask(START + 1, START + SPAN)
    while not any(cache.rglob("*.zarr.zip")):
        times.append(await other.show(*next(moves)))
        await asyncio.sleep(0.1)
    row("complete recording, 4-10 Hz", [time.perf_counter() - begin], "s", 12)
    row("meanwhile another page, somewhere else", times, "ms", 250)
    page.close()
    other.close()


def measure_evoked(probe: Path) -> None:
    """The average of 150 flashes, none of which has been read."""
    onsets = tuple(np.linspace(START + 60, START + SPAN - 60, 150).tolist())
    with tempfile.TemporaryDirectory() as session, ProbeSlot(probe).use() as opened:
        rows = [f"{onset},{onset + 0.25},flashes" for onset in onsets]
        Path(session, "intervals.csv").write_text("\n".join(["start,stop,name", *rows]) + "\n")
        begin = time.perf_counter()
        folder = Path(session, "probes", probe.name)  # without averages of the pipeline
        average_probe(opened, folder, Kind("flashes", onsets, 0.25), (-0.1, 0.3))
        row("average of 150 flashes, cold", [time.perf_counter() - begin], "s", 1.5)


async def measure_tabs(server: Server, probes: list[str]) -> None:
    """Many tabs that are moved at once: how long until the last one has its pictures."""
    pages = [Page(server) for _ in range(N_TABS)]
    for page in pages:
        await page.open(probes)
    moves = list(views(N_TABS, seed=2))
    times = await asyncio.gather(
        *(page.show(*move) for page, move in zip(pages, moves, strict=True))
    )
    name = f"{N_TABS} tabs of {len(probes)} probes moved at once: the last"
    row(name, [max(times)], "ms", 3000)
    for page in pages:
        page.close()


async def measure_memory(server: Server, probes: list[str], n: int) -> None:
    """What the server holds in the course of many moves of all probes."""
    page = Page(server)
    await page.open(probes)
    held = []
    for i, (start, stop) in enumerate(views(n, seed=1)):
        await page.show(start, stop)
        if (i + 1) % max(1, n // 5) == 0:
            held.append(server.megabytes())
    page.close()
    course = ", ".join(f"{one:.0f}" for one in held)
    print(f"memory after fifths of {n} moves of 6 probes: {course} MB; ≤ 1000")
    print(f"memory at most: {server.megabytes('VmHWM'):.0f} MB")


def row(name: str, values: list[float], unit: str, most: float | None = None) -> None:
    """Print median, 95th percentile and what is to be reached."""
    p95 = float(np.percentile(values, 95))
    aim = "" if most is None else f"  ≤ {most:.0f}: {'yes' if p95 <= most else 'NO'}"
    print(
        f"{name:58} median {statistics.median(values):7.0f}  p95 {p95:7.0f} {unit}{aim}", flush=True
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, help="keep the session here")
    parser.add_argument("--moves", type=int, default=1000, help="for the memory")
    parser.add_argument("--views", type=int, default=100, help="for the redraws")
    parser.add_argument("--no-browser", action="store_true", help="leave start-up out")
    words = "pixels of the screen in one of the page, in the browser"
    parser.add_argument("--ratio", type=float, default=1.0, help=words)
    arguments = parser.parse_args()
    folder = arguments.cache or Path(tempfile.mkdtemp(prefix="lfpscope-"))
    session = make_session(folder)
    probes = sorted(path.name for path in (session / "probes").iterdir())
    try:
        if not arguments.no_browser:
            measure_start(session, arguments.ratio)
        with serving(session) as server:
            asyncio.run(measure_cold(server, probes[-1]))
            asyncio.run(measure_redraws(server, probes[:1], arguments.views))
            asyncio.run(measure_redraws(server, probes, arguments.views // 2))
            asyncio.run(measure_flood(server, probes))
            asyncio.run(measure_tabs(server, probes[:2]))
            asyncio.run(measure_transforms(server, session / "probes" / probes[0], 20))
        measure_evoked(session / "probes" / probes[1])
        with (
            tempfile.TemporaryDirectory() as cache,
            serving(session, Path(cache)) as server,
        ):
            two = [session / "probes" / one for one in probes[:2]]
            asyncio.run(measure_filtered(server, two, Path(cache)))
        with serving(session) as server:
            asyncio.run(measure_memory(server, probes, arguments.moves))
    finally:
        if arguments.cache is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
