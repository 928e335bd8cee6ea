"""Averages around intervals: seconds, against a bare pass over the probe's chunks.

    python tests/benchmarks/evoked.py [--cache FOLDER] [--quick]

The session is like one of Allen's Brain Observatory: 61,166 presentations of 10 kinds on a probe
of full size; and of it the 150 flashes alone. Every way runs in a process of its own; seconds are
those of the pass alone, with the processor time of all threads beside them. With --quick the probe
is an eighth as long.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from probes import CHANNELS, FULL, SERIES, make_file

RATE = 1250.0
KINDS = {  # presentations, seconds from one to the next
    "gabors": (3645, 0.25),
    "flashes": (150, 2.0),
    "drifting_gratings": (630, 3.0),
    "natural_movie_three": (30_000, 1 / 30),
    "natural_movie_one": (14_000, 1 / 30),
    "natural_scenes": (5950, 0.25),
    "static_gratings": (6000, 0.25),
    "dot_motion": (495, 1.5),
    "drifting_gratings_contrast": (281, 1.5),
    "spontaneous": (15, 60.0),
}
LIMITS = {"all kinds": "1.5 × bare + 2 s, 700 MB", "flashes": "1 s", "CSD": "5 ms"}


def onsets(seconds: float) -> dict[str, list[float]]:
    """Presentations of each kind, one kind after the other, as many as fit."""
    scale = min(1.0, seconds / sum(n * step for n, step in KINDS.values()))
    found, start = {}, 20.0
    for name, (n, step) in KINDS.items():
        found[name] = [start + i * step * scale for i in range(n)]
        start += n * step * scale
    return found


def measure(work: Callable[[], object], rounds: int = 1) -> dict[str, float]:
    """Wall and processor seconds of a function, and the process's peak memory."""
    wall, before = time.perf_counter(), time.process_time()
    for _ in range(rounds):
        work()
    return {
        "wall": (time.perf_counter() - wall) / rounds,
        "cpu": (time.process_time() - before) / rounds,
        "MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    }


def bare(references: Path, threads: int) -> dict[str, float]:
    """Read and inflate every chunk; nothing else."""
    import os
    from concurrent.futures import ThreadPoolExecutor

    import deflate

    from lfpscope.references.open import open_references

    r = open_references(references)
    table = r.lfp
    n_bytes = r.layout.chunks[0] * r.layout.chunks[1] * 4
    places = sorted(zip(table.offsets.ravel().tolist(), table.sizes.ravel().tolist(), strict=True))
    descriptor = os.open(r.address, os.O_RDONLY)

    def run(first: int) -> None:
        for offset, size in places[first : first + 64]:
            deflate.zlib_decompress(os.pread(descriptor, size, offset), n_bytes)

    def work() -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(run, range(0, len(places), 64)))

    return measure(work)


def averages(references: Path, threads: int, *names: str) -> dict[str, float]:
    """Average some kinds, or all."""
    from lfpscope.evoked.averages import average_intervals
    from lfpscope.evoked.kinds import Kind
    from lfpscope.references.open import open_references

    r = open_references(references)
    found = onsets(r.clock.t1 - r.clock.t0 - 40)
    kinds = [Kind(name, tuple(found[name])) for name in names or found]
    average_intervals(r, [Kind("warm", (r.clock.t0 + 1,))])  # loops are compiled or loaded
    return measure(lambda: average_intervals(r, kinds, threads=threads))


def density() -> dict[str, float]:
    """CSD of an average of 93 channels."""
    import numpy as np

    from lfpscope.signals.csd import csd

    values = np.random.default_rng(0).normal(size=(CHANNELS, 1250))
    depth = 20 + 40.0 * np.arange(CHANNELS)
    csd(values, depth)
    return measure(lambda: csd(values, depth), rounds=50)


def run(*arguments: str) -> dict[str, float]:
    """Run a way in a process of its own."""
    command = [sys.executable, __file__, "--way", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir(), "lfpscope"))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--way", nargs="*")
    arguments = parser.parse_args()
    if arguments.way:
        way, *rest = arguments.way
        if way == "csd":
            print(json.dumps(density()))
        elif way == "bare":
            print(json.dumps(bare(Path(rest[0]), int(rest[1]))))
        else:
            print(json.dumps(averages(Path(rest[0]), int(rest[1]), *rest[2:])))
        return
    from lfpscope.references.index import index_recording

    parts = 1 if arguments.quick else 8
    nwb = arguments.cache / f"eighths_{parts}.nwb"
    nwb.parent.mkdir(parents=True, exist_ok=True)
    make_file(nwb, FULL * parts // 8)
    references = nwb.with_suffix(".json")
    if not references.exists():
        index_recording(str(nwb), references, session="demo-1", probe="100000011", series=SERIES)
    where = [str(references), arguments.threads]
    rows = {
        "bare": run("bare", *where),
        "all kinds": run("averages", *where),
        "flashes": run("averages", *where, "flashes"),
        "CSD": run("csd"),
    }
    for name, found in rows.items():
        seconds = f"{found['wall']:8.3f} s   {found['cpu']:8.3f} s CPU   {found['MB']:5.0f} MB"
        print(f"{name:10} {seconds}   limit: {LIMITS.get(name, '')}")


if __name__ == "__main__":
    main()
