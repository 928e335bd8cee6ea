"""From `lfpscope FILE` to the screen: `uv run python tests/benchmarks/command.py [--samples N]`.

Starts the command for a probe of the released size, and Chromium as soon as the address is
printed, and prints when two seconds of samples and when the whole recording are on the page:
with nothing compiled before, again with what that has compiled, a second time with the results of
the first, and for the file on a server that waits 20 ms before each answer.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, sync_playwright
from probes import FULL, make_file

sys.path.insert(0, str(Path(__file__).parents[1]))

from serving import serve

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
LATENCY_S = 0.02
PATIENCE_MS = 600_000


def main() -> None:
    """Print seconds since the call, and what they may be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=FULL, help="of the probe")
    parser.add_argument("--cache", type=Path, help="folder where the probe's file is kept")
    arguments = parser.parse_args()
    with TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        file = (arguments.cache or folder) / f"command-{arguments.samples}.nwb"
        file.parent.mkdir(parents=True, exist_ok=True)
        make_file(file, arguments.samples)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        first, second = folder / "first", folder / "second"
        measure("nothing compiled", "≤ 5, 18 s", page, folder, str(file), first)
        measure("compiled", "≤ 2.5, 12 s", page, folder, str(file), second)
        measure("second call", "≤ 2.5 s", page, folder, str(file), second, is_second=True)
        with serve(file.parent) as served:
            served.seconds = LATENCY_S
            address = f"{served.address}/{file.name}"
            measure("https, 20 ms", "≤ 5 s", page, folder, address, folder / "third")
        browser.close()


def measure(
    what: str,
    most: str,
    page: Page,
    folder: Path,
    file: str,
    results: Path,
    *,
    is_second: bool = False,
) -> None:
    """Print when samples, and when the whole recording, were on the page."""
    start = time.perf_counter()
    with running(file, results, folder / "compiled") as address:
        page.goto(address)
        badge = page.locator(".badge:visible").first
        words = {} if is_second else {"samples": "every sample"}
        for name, text in (words | {"whole recording": "envelope"}).items():
            badge.filter(has_text=text).wait_for(timeout=PATIENCE_MS)
            seconds = time.perf_counter() - start
            print(f"{what:20}{name:18}{seconds:7.2f} s   {most}", flush=True)
        page.goto("about:blank")


@contextmanager
def running(file: str, results: Path, compiled: Path) -> Iterator[str]:
    """Run the command, and yield the address that it prints."""
    command = [sys.executable, "-m", "lfpscope", file, "--results", str(results)]
    command += ["--no-browser", "--port", "0"]
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment = kept | {"NUMBA_CACHE_DIR": str(compiled)}
    log = results.with_name(f"{results.name}.log")
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
        ) as process,
    ):
        assert process.stdout is not None
        try:
            found = (re.search(r"http://\S+\?token=\S+", line) for line in process.stdout)
            yield next(match[0] for match in found if match)
        finally:
            process.send_signal(signal.SIGTERM)


if __name__ == "__main__":
    main()
