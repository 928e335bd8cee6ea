"""Spectra and channel quality: whole processes, against the bare pass and scipy channel by channel.

    python tests/benchmarks/spectrum.py [--cache FOLDER] [--quick]

Seconds and peak memory are the whole process's, with imports; programs run with what they have
compiled. h5py with scipy.signal.welch takes one channel in SHARE, and its seconds are multiplied.
With --quick the probe is an eighth as long.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import speed
from probes import CHANNELS, FULL, RATE, SERIES, make_file

SHARE = 8  # one channel of so many is transformed by scipy
LIMITS = {
    "with ÷ bare": "≤ 2.4",
    "without ÷ bare": "≤ 1.6",
    "scipy ÷ with": "≥ 8",
    "peak MB": "≤ 500",
    "derived %": "≤ 5",
    "draw_spectrum s": "≤ 4",
    "draw_probe s": "≤ 4",
}
WELCH = """
import sys
import h5py
from scipy.signal import welch

path, series, share, rate = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
with h5py.File(path) as file:
    data = file[series]["data"]
    for channel in range(0, data.shape[1], share):
        welch(data[:, channel], rate, "hann", nperseg=4096, detrend="constant")
"""


def run(command: Sequence[str | Path]) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak MB of a program."""
    environment = os.environ | {"PYTHONPATH": str(speed.SCRIPTS)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryFile() as errors:
        before = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *map(str, command)],
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=environment,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - before
        process.returncode = os.waitstatus_to_exitcode(status)
        if status:
            errors.seek(0)
            raise SystemExit(f"{command}: {errors.read().decode()}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e3


def programs(nwb: Path, folder: Path) -> dict[str, list[str | Path]]:
    """Commands by their names, in the order in which they can run."""
    references, scripts = nwb.with_suffix(".json"), speed.SCRIPTS
    envelope, spectrum = folder / "envelope.zarr.zip", folder / "spectrum.zarr.zip"
    channels, overview = folder / "channels.csv", folder / "overview.png"
    summarize = [scripts / "summarize_probe.py", references, "--envelope", envelope]
    summarize += ["--channels", channels]
    pictures = ["--overview", overview, "--thumbnail", folder / "thumbnail.png"]
    small = ["--picture", folder / "spectrum.png", "--thumbnail", folder / "spectrum_small.png"]
    return {
        "bare": [Path(speed.__file__), "--way", "bare", nwb, "2"],
        "without": summarize,
        "with": [*summarize, "--spectrum", spectrum],
        "draw_spectrum": [scripts / "draw_spectrum.py", references, spectrum, *small],
        "draw_probe": [
            *(scripts / "draw_probe.py", references, envelope, "--channels", channels),
            *pictures,
        ],
    }


def show(nwb: Path, times: int) -> None:
    """Measure by turns, and print the tables."""
    with tempfile.TemporaryDirectory() as folder:
        commands = programs(nwb, Path(folder))
        for command in commands.values():
            run(command)  # compiles
        rounds = [{name: run(one) for name, one in commands.items()} for _ in range(times)]
        derived = sum(one.stat().st_size for one in Path(folder).iterdir())
    speed.head("program", "wall s", "CPU s", "peak MB")
    middle = {}
    for name in commands:
        middle[name] = sorted(one[name] for one in rounds)[times // 2]
        wall, cpu, memory = middle[name]
        speed.show(name, wall, cpu, round(memory))
    n = len(range(0, CHANNELS, SHARE))
    wall, cpu, memory = run(["-c", WELCH, nwb, SERIES, str(SHARE), str(RATE)])
    whole = wall * CHANNELS / n
    speed.show(f"h5py + scipy, {n} of {CHANNELS} channels", wall, cpu, round(memory))
    found = {
        "with ÷ bare": middle["with"][0] / middle["bare"][0],
        "without ÷ bare": middle["without"][0] / middle["bare"][0],
        "scipy ÷ with": whole / middle["with"][0],
        "peak MB": max(memory for _, _, memory in middle.values()),
        "derived %": 100 * derived / nwb.stat().st_size,
        "draw_spectrum s": middle["draw_spectrum"][0],
        "draw_probe s": middle["draw_probe"][0],
    }
    speed.head("", "found", "to reach")
    for name, value in found.items():
        speed.show(name, value, LIMITS[name])
    print(f"\nscipy: {whole:.1f} s for all channels, extrapolated from {n}")


def main() -> None:
    """Make what is missing, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "lfpscope")
    parser.add_argument("--quick", action="store_true", help="only an eighth of a probe")
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    eighths = 1 if arguments.quick else 8
    nwb = arguments.cache / f"eighths_{eighths}.nwb"
    # in a process of its own: a child's peak memory begins with that of its parent
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        pool.submit(make_file, nwb, FULL * eighths // 8).result()
    speed.measure("index", nwb)
    show(nwb, times=1 if arguments.quick else 3)


if __name__ == "__main__":
    main()
