"""How soon a gallery of 348 probes is seen in Chromium, and how soon it answers.

Run it with `uv run python tests/benchmarks/gallery.py`; `--screenshots FOLDER` also takes pictures
of it at three widths.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, sync_playwright

sys.path.append(str(Path(__file__).parents[1] / "browser"))
from conftest import CHROMIUM, QUIET
from simulated import simulate_all, write_page

SIZES = ((1000, 800), (1440, 900), (2560, 1440))
RUNS = 5
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
# until the browser has drawn what came of it
ANSWER = """([name, value]) => new Promise((done) => {
    const start = performance.now()
    const field = document.getElementById("controls").elements[name]
    field.value = value
    field.dispatchEvent(new Event("input", {bubbles: true}))
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)))
})"""


def first_paint(browser: Browser, address: str, size: tuple[int, int]) -> float:
    """Milliseconds from the request to the first text or picture, in a browser without a cache."""
    page = browser.new_context(viewport={"width": size[0], "height": size[1]}).new_page()
    page.goto(address)
    page.wait_for_function(f"{PAINT} > 0")
    seen = float(page.evaluate(PAINT))
    page.context.close()
    return seen


def answers(browser: Browser, address: str) -> dict[str, float]:
    """Milliseconds until the page shows what was chosen."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(address)
    chosen = {"filter": ("area", "CA1"), "sort": ("sort", "std"), "search": ("search", "s03")}
    found = {what: float(page.evaluate(ANSWER, choice)) for what, choice in chosen.items()}
    page.close()
    return found


def take_screenshots(browser: Browser, address: str, folder: Path) -> None:
    """Save what is seen first at each width, and the page sorted and filtered."""
    folder.mkdir(parents=True, exist_ok=True)
    for width, height in SIZES:
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(address, wait_until="networkidle")
        page.screenshot(path=folder / f"{width}.png")
        page.goto(f"{address}#?sort=std&area=CA1")
        page.screenshot(path=folder / f"{width}_sorted.png")
        page.close()


def main() -> None:
    """Write the gallery, look at it, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--screenshots", type=Path)
    folder = parser.parse_args().screenshots
    results = simulate_all()
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        page = write_page(results, Path(name))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        print(f"{len(results)} probes, {page.stat().st_size / 1e3:.0f} kB of HTML")
        for size in SIZES:
            seen = [first_paint(browser, page.as_uri(), size) for _ in range(RUNS)]
            print(f"first paint at {size[0]} px: {median(seen):5.0f} ms, slowest {max(seen):.0f}")
        for what, took in answers(browser, page.as_uri()).items():
            print(f"{what:15}{took:12.0f} ms")
        if folder:
            take_screenshots(browser, page.as_uri(), folder)
        browser.close()


if __name__ == "__main__":
    main()
