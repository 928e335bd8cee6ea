"""A small session with its viewer, a server for it, and Chromium to look at it."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from lfpscope.sources.demo import nwb_writer
from lfpscope.viewer.compiled import compile_loops
from lfpscope.viewer.script import copy_library, write_viewer
from lfpscope.viewer.style import LEFT, RIGHT

SCRIPTS = Path(__file__).parents[2] / "scripts"
CHROMIUM = Path("/usr/bin/chromium")
# Bokeh keeps models that have left the page in `all_models` until nothing has changed for 30 s
MODELS = """
window.pageModels = () =>
    [...new Set(Bokeh.documents[0].roots().flatMap((root) => [...root.references()]))]
window.pageModel = (name) => {
    const found = pageModels().filter((model) => model.name == name)
    if (found.length > 1) throw new Error(`${found.length} models are named ${name}`)
    return found[0]
}
"""
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
)
PROBES = ("100000021", "100000022")  # the second one's clock has a gap
INTERVALS = """start,stop,name
20,28,spontaneous
30,31,flash <b>
33,34,flash <b>
61,69,drifting gratings
"""


def program(name: str, *arguments: str | Path) -> None:
    subprocess.run([sys.executable, SCRIPTS / name, *arguments], check=True)


def make_session(folder: Path, n_channels: int = 24) -> Path:
    """Make a session of two probes as the pipeline does, but thinner."""
    session = folder / "demo-2"
    for probe in PROBES:
        nwb, results = folder / "data" / f"{probe}.nwb", session / "probes" / probe
        recipe = replace(
            nwb_writer.demo_recipe("demo-2", probe),
            n_channels=n_channels,
            n_samples=160_000,
            constant=(5,),
            detached=(),
        )
        nwb_writer.write_nwb("demo-2", probe, recipe, nwb)
        results.mkdir(parents=True)
        source, references = results / "source.json", results / "lfp.json"
        source.write_text(f'{{"address": "{nwb}"}}')
        names = ("--session", "demo-2", "--probe", probe)
        outputs = ("--references", references, "--index", results / "index.json")
        program("index_probe.py", source, *names, *outputs)
        envelope, channels = results / "envelope.zarr.zip", results / "channels.csv"
        outputs = ("--envelope", envelope, "--channels", channels)
        program("summarize_probe.py", references, *outputs)
    (session / "intervals.csv").write_text(INTERVALS)
    write_viewer(session="demo-2", viewer=session / "viewer.py")
    copy_library(session.parent / "lfpscope")
    compile_loops(session.parent, compiled=session.parent / "lfpscope/COMPILED")
    return session


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the session's results; tests that change it make a copy."""
    return make_session(tmp_path_factory.mktemp("viewer"))


@pytest.fixture(scope="session")
def serve() -> Callable[..., AbstractContextManager[str]]:
    """Return a function that runs a session's viewer.py."""
    return _serving


@contextmanager
def _serving(session: Path, *arguments: str) -> Iterator[str]:
    """Run viewer.py, by default without a token, and yield its address."""
    command = [sys.executable, str(session / "viewer.py"), "--port", "0", "--no-browser"]
    arguments = arguments or ("--no-token",)
    with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = re.search(r"http://\S+", server.stdout.readline())
            assert address, "the viewer did not print its address"
            yield address[0]
        finally:
            server.terminate()


@pytest.fixture
def bokeh_serve(session: Path) -> Iterator[str]:
    """Where `bokeh serve` shows the session."""
    command = [sys.executable, "-m", "bokeh", "serve", "--port", "0", str(session / "viewer.py")]
    command += ["--args", "--no-token"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            found = (re.search(r"running at: (\S+)", line) for line in server.stderr)
            yield next(match[1] for match in found if match)
        finally:
            server.terminate()


@pytest.fixture(scope="session")
def address(session: Path) -> Iterator[str]:
    """Where the session's viewer answers."""
    with _serving(session) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        missing = f"{CHROMIUM} is missing: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@dataclass
class Tab:
    """A browser's tab with the viewer in it."""

    page: Page
    complaints: list[str]

    def evaluate(self, script: str) -> Any:
        return self.page.evaluate(script)

    @property
    def range(self) -> tuple[float, float]:
        """Session time at the left and right edge."""
        time = "pageModel('time')"
        start, stop = self.evaluate(f"[{time}.start, {time}.end]")
        return start, stop

    def wait_for_range(self, start: float, stop: float) -> None:
        self.page.wait_for_function(
            """([start, stop]) => {
                const time = pageModel("time")
                return Math.abs(time.start - start) < 1e-5 && Math.abs(time.end - stop) < 1e-5
            }""",
            arg=[start, stop],
        )

    def move_to(self, start: float, stop: float, *, settle: bool = True) -> None:
        time = "pageModel('time')"
        self.evaluate(f"{time}.setv({{start: {start}, end: {stop}}})")
        if settle:
            self.settle()

    def short_address(self) -> str:
        """What the address bar says behind the question mark, times without useless zeros."""
        query = self.page.url.partition("?")[2]
        return re.sub(r"(\.\d*?)0+(?=[-&])", lambda match: match[1].rstrip("."), query)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.settle()

    def source(self, name: str) -> dict[str, list[Any]]:
        """Columns of a data source, by its name."""
        script = """(name) => {
            const source = pageModel(name)
            return Object.fromEntries(
                Object.entries(source.data).map(([key, column]) => [key, Array.from(column)]))
        }"""
        return dict(self.page.evaluate(script, name))

    def reading(self) -> str:
        """The line that says what is under the cursor."""
        return self.page.locator(".reading span").inner_text()

    def message(self) -> str:
        return self.page.locator(".message .bk-clearfix").inner_text()

    def badge(self, probe: int = 0) -> str:
        return self.page.locator(".badge:visible").nth(probe).inner_text()

    def wait_for(self, text: str, probe: int = 0) -> None:
        """Wait until a probe's badge says so."""
        badge = self.page.locator(".badge:visible").nth(probe)
        badge.filter(has_text=text).wait_for(timeout=90_000)

    def ink(self, probe: str) -> float:
        """Share of a probe's picture that is neither paper nor gap."""
        return float(
            self.evaluate(
                f"""(() => {{
                    const source = pageModel("picture {probe}")
                    const pixels = Array.from(source.data.image[0])
                    return pixels.filter((pixel) => pixel > 1).length / pixels.length
                }})()"""
            )
        )

    def texts(self) -> list[str]:
        """Names of brain areas on the page."""
        return list(
            self.evaluate(
                """pageModels()
                    .filter((model) => model.type == "ColumnDataSource" && model.data.text)
                    .flatMap((model) => [...model.data.text])"""
            )
        )

    def wheel(self, notches: int, x: float = 0.5) -> None:
        """Turn the wheel over the first probe; forward zooms in."""
        self.page.mouse.move(*self.point(x))
        for _ in range(abs(notches)):
            self.page.mouse.wheel(0, -100 if notches > 0 else 100)
            self.page.wait_for_timeout(30)
        self.settle()

    def point(self, x: float, y: float = 0.5, probe: int = 0) -> tuple[float, float]:
        """A place in a probe's frame, as shares of its width and height."""
        box = self.page.locator(".bk-Plot.traces").nth(probe).bounding_box()
        assert box is not None
        left, right = box["x"] + LEFT, box["x"] + box["width"] - RIGHT
        return left + x * (right - left), box["y"] + y * box["height"]

    def drag(self, start: float, stop: float) -> None:
        self.page.mouse.move(*self.point(start))
        self.page.mouse.down()
        self.page.mouse.move(*self.point((start + stop) / 2))
        self.page.mouse.move(*self.point(stop))
        self.page.mouse.up()

    def choose(self, option: str, other: str) -> None:
        """Choose another option of the menu that has this one."""
        menu = self.page.locator("select").filter(has_text=option)
        menu.select_option(label=other)
        menu.evaluate("(element) => element.blur()")
        self.settle()

    def tool(self, icon: str) -> None:
        self.page.locator(f".bk-tool-icon-{icon}").first.click()

    def settle(self) -> None:
        """Wait until what was asked for has been done and drawn."""
        self.page.wait_for_timeout(100)  # the browser's own part
        # the server answers in turn: it empties the key, one that does nothing as well
        keys = "pageModel('keys').data"
        self.page.wait_for_function(f"() => !{keys}.key[0]")
        self.evaluate(f"{keys} = {{key: ['none']}}")
        self.page.wait_for_function(f"() => !{keys}.key[0]")
        self.page.wait_for_function(
            """() => {
                const [query] = pageModel("address").data.query
                const [, start, end] = new URLSearchParams(query).get("t").match(/^(-?[^-]+)-(.+)$/)
                const time = pageModel("time")
                if (Math.abs(time.start - start) > 1e-5 || Math.abs(time.end - end) > 1e-5) {
                    return false
                }
                const pictures = pageModels().filter((m) => m.name?.startsWith("picture "))
                return pictures.every(({tags, data}) => tags[0] == query || !data.image.length)
            }"""
        )


@pytest.fixture
def open_tab(browser: Browser) -> Iterator[Callable[..., Tab]]:
    """Return a function that opens the viewer in a new tab.

    No tab may complain, nor ask for anything but its own server's.
    """
    tabs: list[Tab] = []

    def open_tab(address: str, width: int = 1000, height: int = 800, ratio: float = 1) -> Tab:
        size: Any = {"width": width, "height": height}
        page = browser.new_page(viewport=size, device_scale_factor=ratio)
        page.add_init_script(MODELS)
        page.set_default_timeout(90_000)  # for a machine that does much else
        tab = Tab(page, [])
        page.on("pageerror", lambda error: tab.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                tab.complaints.append(message.text)
                if message.type in ("error", "warning")
                else None
            ),
        )
        own = (f"//{urlsplit(address).netloc}/", "data:", "blob:")

        def asks(url: str) -> None:
            if not url.removeprefix("http:").removeprefix("ws:").startswith(own):
                tab.complaints.append(f"asks for {url}")

        page.on("request", lambda request: asks(request.url))
        page.on("websocket", lambda socket: asks(socket.url))
        page.goto(address)
        tabs.append(tab)
        return tab

    yield open_tab
    for tab in tabs:
        tab.page.close()
        assert tab.complaints == []
