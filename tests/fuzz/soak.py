"""The viewer under thousands of moves and many reconnections, while its source goes away and back.

    python tests/fuzz/soak.py [--moves 2000] [--reconnections 20] [--seed 0]

Chromium moves about in a session of two probes. With each new connection the page must show one and
the same picture, byte for byte; while the source of a probe is renamed, an error in its place; and
when it is back, the picture again. The server's memory is read from the kernel. Prints a table;
the exit code is 1 where something is wrong.
"""

import argparse
import random
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from conftest import CHROMIUM, PROBES, QUIET, make_session

FIXED = "t=40-42"
DRAWN = """(probe) => {
    const page = window.Bokeh?.documents[0]
    const picture = page?.get_model_by_name("picture " + probe)
    return picture?.data.image.length && picture.tags[0]?.startsWith("t=40.000000-42.000000&")
}"""
PICTURE = """(probe) => {
    const {data} = Bokeh.documents[0].get_model_by_name("picture " + probe)
    return data.image.length ? Array.from(data.image[0]).join(" ") : ""
}"""
MOVE = """([start, stop]) => {
    Bokeh.documents[0].get_model_by_name("time").setv({start: start, end: stop})
}"""


@dataclass
class Soak:
    """What was done and what was found."""

    moves: int = 0
    connections: int = 0
    same: int = 0
    named: int = 0
    wrong: int = 0


def megabytes(process: int) -> float:
    """Memory that a process holds."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.findall(r"^VmRSS:\s+(\d+)", status, re.MULTILINE)[0]) / 1024


def shown(page: Page, probe: str) -> str:
    """The picture of a probe in the fixed range, once it is drawn."""
    page.wait_for_function(DRAWN, arg=probe, timeout=90_000)
    return str(page.evaluate(PICTURE, probe))


def wander(page: Page, n: int, rng: random.Random) -> None:
    """Move n times, sometimes faster than the server draws."""
    for _ in range(n):
        span = 144 * 10 ** rng.uniform(-4, 0)
        start = 5 + rng.uniform(0, 144 - span)
        page.evaluate(MOVE, [start, start + span])
        page.wait_for_timeout(rng.choice([5, 20, 80]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moves", type=int, default=2000)
    parser.add_argument("--reconnections", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng, soak = random.Random(arguments.seed), Soak()  # noqa: S311 - no secrets here
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        session = make_session(Path(folder))
        command = [sys.executable, str(session / "viewer.py"), "--port", "0", "--no-browser"]
        command.append("--no-token")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            (address,) = re.findall(r"http://\S+", server.stdout.readline())
            try:
                memory = run(browser, address, session, server.pid, arguments, rng, soak)
                alive = server.poll() is None
            finally:
                server.terminate()
    growth = memory[-1] / memory[len(memory) // 4]
    print(f"{soak.moves} moves, {soak.connections} connections")
    print(
        f"the same picture {soak.same}, the missing source named {soak.named}, wrong {soak.wrong}"
    )
    print(f"server's memory {' '.join(f'{one:.0f}' for one in memory)} MB")
    sys.exit(int(soak.wrong > 0 or not alive or growth > 1.15))


def run(
    browser: Browser,
    address: str,
    session: Path,
    process: int,
    arguments: argparse.Namespace,
    rng: random.Random,
    soak: Soak,
) -> list[float]:
    """Connect over and over; return the server's memory after each connection."""
    first, memory = "", list[float]()
    source = session.parent / "data" / f"{PROBES[0]}.nwb"
    away = source.with_suffix(".away")
    for i in range(arguments.reconnections + 1):
        page = browser.new_page(viewport={"width": 1000, "height": 700})
        page.goto(f"{address}?{FIXED}")
        picture = shown(page, PROBES[0])
        first = first or picture
        soak.same += picture == first
        soak.wrong += picture != first
        soak.connections += 1
        n = arguments.moves // (arguments.reconnections + 1) + 1
        wander(page, n // 2, rng)
        if i % 4 == 1:
            source.rename(away)
            wander(page, 5, rng)
            page.get_by_text("No such file or directory, but").first.wait_for(timeout=60_000)
            empty = page.evaluate(PICTURE, PROBES[0]) == ""
            soak.named += empty
            soak.wrong += not empty
            away.rename(source)
        wander(page, n - n // 2, rng)
        soak.moves += n + 5 * (i % 4 == 1)
        page.evaluate(MOVE, [40, 42])
        again = shown(page, PROBES[0])
        soak.same += again == first
        soak.wrong += again != first
        page.close()
        memory.append(megabytes(process))
        print(f"connection {i + 1}: {soak.moves} moves, {memory[-1]:.0f} MB", flush=True)
    return memory


if __name__ == "__main__":
    main()
