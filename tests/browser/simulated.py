"""As many probes as the Allen Institute recorded, simulated, and the gallery of them."""

import random
from pathlib import Path

import numpy as np
from matplotlib.pyplot import imsave
from PIL import Image

from lfpscope.doubts import Doubt
from lfpscope.render.thumbnail import COLUMNS, GAP, LEAST, LEVELS, LOWEST, ROWS, STEP
from lfpscope.site.gallery import write_gallery
from lfpscope.site.results import Figures, Result
from lfpscope.sources.probes_table import NOT_TAKEN, ProbeRow

SESSIONS, PROBES = 58, 6
HOSTILE = "<script>alert(1)</script> $$ \"quotes\" & 'more'"
DOUBTS = (
    Doubt("values", "unit 'uV': taken as volts after conversion, as NWB says"),
    Doubt("labels", f"depth is the column {HOSTILE}"),
    Doubt("missing", "8 of 16 channels have no depth"),
)
CODE_OF_HALF, CODE_OF_DOUBLE = (
    round(LEAST + (np.log10(share) - LOWEST) / STEP) for share in (0.5, 2.0)
)
AREAS = ["VISp", "VISl", "VISrl", "VISam", "VISpm", "CA1", "CA3", "DG", "SUB", "LP", "TH", "root"]


def simulate(number: int, chance: random.Random) -> Result:
    """A probe such as a run might find; every 40th could not be read."""
    session, probe = f"s{number // PROBES:02}", f"{810_755_797 + number}"
    row = ProbeRow(session, probe, "nwb", f"data/{probe}.nwb")
    if number % 40 == 7:
        return Result(row, "unreadable: truncated: <b>the file</b> ends early", "", None, {})
    figures = Figures(
        channels=chance.choice([48, 71, 93]),
        samples=10_715_666,
        rate=1250 + chance.uniform(-0.01, 0.01) if number % 5 else 2500.0,
        seconds=600.0 if number % PROBES == 2 else 8572.0,
        areas=chance.sample(AREAS, 4),
        gaps=int(number % 50 == 3),
        gap_seconds=3.75 * (number % 50 == 3),
        resets=int(number % 80 == 9),
        untimed=0,
        dead=int(number % 30 == 4),
        noisy=int(number % 45 == 2),
        outside=8 * (number % 3 == 1),
        drifting=int(number % 75 == 8),
        mains=int(number % 65 == 11),
        saturated=int(number % 60 == 5),
        damaged=0,
        nan=0,
        missing=0.002 * (number % 70 == 6),
        std=chance.uniform(20, 150),
        microvolts=chance.choice([200.0, 250.0, 500.0]),
        start=5.0 + 100.0 * (number % PROBES == 1),
    )
    doubts = tuple(doubt for i, doubt in enumerate(DOUBTS) if number % (20 * (i + 1)) == i)
    return Result(row, "", "", figures, {"size": 2_100_000_000}, doubts)


def simulate_all() -> list[Result]:
    """All of them."""
    chance = random.Random(1)  # noqa: S311, not for secrets
    return [simulate(number, chance) for number in range(SESSIONS * PROBES)]


def simulate_not_taken() -> list[Result]:
    """Two things that are no recordings which are read."""
    reasons = {"data/b.nwb": "a folder", f"data/{HOSTILE}.nwb": "only a TimeSeries"}
    rows = [
        ProbeRow("s00", "", "nwb", address, "", NOT_TAKEN, f"{address}: {reason}")
        for address, reason in reasons.items()
    ]
    return [Result(row, "", "", None, {}) for row in rows]


def write_page(results: list[Result], folder: Path) -> Path:
    """Write the page, with pictures of noise of the right sizes for each probe that has figures."""
    rng = np.random.default_rng(1)
    for name, shape in (("thumbnail.png", (180, 320)), ("overview.png", (1000, 1600))):
        # rows of noise that changes slowly: as hard to pack as a real picture
        imsave(folder / name, rng.random((shape[0] // 4, shape[1])).repeat(4, axis=0))
    # of the columns of a level, the first is a gap, the last is twice as loud as the brightest
    level = np.full((LEVELS, ROWS, COLUMNS), CODE_OF_HALF, np.uint8)
    for i in range(LEVELS):
        level[i, :, : 1 << i], level[i, :, COLUMNS - (1 << i) :] = GAP, CODE_OF_DOUBLE
    Image.fromarray(level.reshape(-1, COLUMNS)).save(folder / "thumbnail_levels.png")
    for result in results:
        if not result.is_taken:
            continue
        probe = folder / result.row.session / "probes" / result.row.probe
        probe.mkdir(parents=True)
        (folder / result.row.session / "viewer.py").touch()
        if result.figures:
            for name in ("overview.png", "thumbnail.png", "thumbnail_levels.png"):
                (probe / name).hardlink_to(folder / name)
    write_gallery(results, folder / "index.html", microvolts=250)
    return folder / "index.html"
