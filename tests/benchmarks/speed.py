"""How fast, against the published way and against the limit: prints the table of RESULTS.md.

    python tests/benchmarks/speed.py [--cache FOLDER] [--quick]

Every way runs in a process of its own; wall and CPU seconds and peak memory are the whole
process's, with imports, as the system counts them. Ways to be compared take turns, and medians are
shown. With --quick only the eighth of a probe is made and measured.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from probes import CHANNELS, CHUNK, FULL, SERIES, make_file

SCRIPTS = Path(__file__).parents[2] / "scripts"
DATA = f"{SERIES}/data"
SPAN = FULL // 80  # samples of all channels that are drawn one by one
VIEW = {"width": 1200, "height": 800}
GAIN = 12 / 250e-6  # pixels per volt, as draw_probe has it
Result = dict[str, Any]


# --- the ways, each in a process of its own -----------------------------------------------------


def bare(nwb: Path, threads: int) -> None:
    """The limit: read every chunk, inflate it, take its min and max; nothing else."""
    import deflate
    import numpy as np

    from lfpscope.references.open import open_references

    references = open_references(nwb.with_suffix(".json"))
    order = np.argsort(references.lfp.offsets.ravel())
    offsets = references.lfp.offsets.ravel()[order].tolist()
    sizes = references.lfp.sizes.ravel()[order].tolist()
    descriptor = os.open(nwb, os.O_RDONLY)

    def run(first: int) -> list[Any]:
        found = []
        for offset, size in zip(
            offsets[first : first + 64], sizes[first : first + 64], strict=True
        ):
            raw = deflate.zlib_decompress(os.pread(descriptor, size, offset), CHUNK * 4)
            x = np.frombuffer(raw, np.float32)
            found.append((x.min(), x.max()))
        return found

    with part("pass"), ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, range(0, len(offsets), 64)))


def ours(nwb: Path, threads: int) -> None:
    """What summarize_probe does; numba's imports at its first compiled function are imports."""
    import numpy as np

    from lfpscope.references.open import open_references
    from lfpscope.samples.packing import whole_counts
    from lfpscope.summary.channels import write_channels
    from lfpscope.summary.summarize import build_envelope

    references = open_references(nwb.with_suffix(".json"))
    whole_counts(np.zeros(1, np.float32), 1.0, np.zeros(1, np.int16))
    with part("pass"):
        summary = build_envelope(references, nwb.with_suffix(".zarr.zip"), threads=threads)
        write_channels(summary, nwb.with_suffix(".csv"))


def h5py_loop(nwb: Path, _: int) -> None:
    """Min and max with h5py, channel by channel."""
    import h5py

    with h5py.File(nwb) as file, part("pass"):
        data = file[DATA]
        for channel in range(CHANNELS):
            x = data[:, channel]
            x.min(), x.max()


def translate(nwb: Path, _: int) -> None:
    """The published way's first step: kerchunk translates the file."""
    from kerchunk.hdf import SingleHdf5ToZarr

    with part("pass"):
        refs = SingleHdf5ToZarr(str(nwb), inline_threshold=300).translate()
        nwb.with_suffix(".kerchunk.json").write_text(json.dumps(refs))


def published(nwb: Path, _: int, chunks: Any = None) -> None:
    """The published way's min and max: two passes of xarray over kerchunk's references."""
    import xarray as xr

    references = {"fo": str(nwb.with_suffix(".kerchunk.json")), "remote_protocol": "file"}
    with part("pass"):
        data = xr.open_dataset(
            f"reference://{SERIES}",
            engine="zarr",
            chunks=chunks,
            consolidated=False,
            mask_and_scale=False,
            drop_variables=["electrodes", "timestamps"],
            storage_options=references,
        )["data"]
        data.min(data.dims[0]).compute(), data.max(data.dims[0]).compute()


def published_dask(nwb: Path, threads: int) -> None:
    """The same with dask, chunk by chunk."""
    published(nwb, threads, chunks={})


def draw_samples(nwb: Path, _: int) -> None:
    """The published way's picture: Canvas.line over every sample, here of an eightieth."""
    import datashader
    import h5py
    import numpy as np
    import pandas as pd

    with h5py.File(nwb) as file:
        block = file[DATA][:SPAN].T
    y = block * GAIN + (np.arange(CHANNELS)[:, np.newaxis] + 0.5) * VIEW["height"] / CHANNELS
    y = np.concatenate([y, np.full((CHANNELS, 1), np.nan)], axis=1).ravel()
    table = pd.DataFrame({"x": np.tile(np.append(np.arange(SPAN), np.nan), CHANNELS), "y": y})
    canvas = datashader.Canvas(VIEW["width"], VIEW["height"], (0.0, float(SPAN)), (0.0, 800.0))
    canvas.line(table[:9], "x", "y", agg=datashader.any())  # compiles
    with part("pass"):
        canvas.line(table, "x", "y", agg=datashader.any())


def draw(nwb: Path, _: int) -> None:
    """draw_probe, and the same once more when everything is imported and compiled."""
    from lfpscope.envelope.read import OpenProbe
    from lfpscope.references.open import open_references
    from lfpscope.render.overviews import draw_probe
    from lfpscope.render.traces import trace_picture
    from lfpscope.render.view import read_view

    inputs = nwb.with_suffix(".json"), nwb.with_suffix(".zarr.zip")
    pictures = {"overview": nwb.with_suffix(".png"), "thumbnail": nwb.with_suffix(".small.png")}
    draw_probe(*inputs, **pictures)
    with part("pass"):
        draw_probe(*inputs, **pictures)
    with OpenProbe(open_references(inputs[0]), inputs[1]) as probe:
        clock = probe.references.clock
        view = read_view(probe, clock.t0, clock.t1, VIEW["width"])
        trace_picture(view, probe, VIEW["height"], pixels_per_volt=GAIN)  # compiles
        with part("lines"):
            trace_picture(view, probe, VIEW["height"], pixels_per_volt=GAIN)


def views(nwb: Path, _: int) -> None:
    """Views of any span at any place, cold and again; then a walk of 300 pans and zooms."""
    import numpy as np

    from lfpscope.envelope.read import OpenProbe
    from lfpscope.references.open import open_references
    from lfpscope.render.traces import trace_picture
    from lfpscope.render.view import read_view
    from lfpscope.samples.chunk_cache import CACHE

    inputs = open_references(nwb.with_suffix(".json")), nwb.with_suffix(".zarr.zip")
    clock = inputs[0].clock
    duration = clock.t1 - clock.t0
    rng = np.random.default_rng(0)

    def seconds(probe: OpenProbe, start: float, span: float) -> tuple[float, float]:
        before, cpu = time.perf_counter(), time.process_time()
        view = read_view(probe, start, start + span, VIEW["width"])
        trace_picture(view, probe, VIEW["height"], pixels_per_volt=GAIN)
        return time.perf_counter() - before, time.process_time() - cpu

    with OpenProbe(*inputs) as probe:
        for span in (duration, 1000.0, 60.0, 1.0):
            seconds(probe, clock.t0, span)  # compiles
    cold, warm = [], []
    for _ in range(60):
        span = duration * 10 ** rng.uniform(-4, 0)
        start = clock.t0 + rng.uniform(0, 1) * (duration - span)
        with OpenProbe(*inputs) as probe:
            cold.append(seconds(probe, start, span))
            warm.append(seconds(probe, start, span))
    walk, start, span = [], clock.t0, duration
    with OpenProbe(*inputs) as probe:
        for _ in range(300):
            middle = start + span * rng.uniform(0.3, 0.7)
            span = float(np.clip(span * rng.choice([0.5, 0.7, 1.0, 1.0, 1.4, 2.0]), 0.5, duration))
            start = float(np.clip(middle - span / 2, clock.t0, clock.t1 - span))
            walk.append(seconds(probe, start, span))
        cached = CACHE.n_bytes
    for name, times in (("cold", cold), ("warm", warm), ("walk", walk)):
        for share in (50, 95, 100):
            wall, cpu = 1000 * np.percentile(times, share, axis=0)
            note(f"{name} {share}", float(wall))
            note(f"{name} cpu {share}", float(cpu))
    note("cache", cached / 1e6)


def index(nwb: Path, _: int) -> None:
    """What index_probe does."""
    from lfpscope.nwb.file import open_nwb
    from lfpscope.nwb.recording import read_clock, read_recording
    from lfpscope.references.write import write_references

    with part("pass"), open_nwb(nwb) as file:
        recording = read_recording(file, SERIES)
        write_references(
            file,
            recording,
            read_clock(file, recording),
            session="demo-1",
            probe="100000011",
            address=str(nwb),
            path=nwb.with_suffix(".json"),
        )


def open_lazily(nwb: Path, _: int) -> None:
    """Open lfp.json with xarray."""
    import xarray as xr

    with part("pass"):
        xr.open_dataset(str(nwb.with_suffix(".json")), engine="kerchunk").close()


def scheduler(nwb: Path, threads: int) -> None:
    """Decode every chunk: with a pool of threads, and with dask's threaded scheduler."""
    from lfpscope.references.open import open_references
    from lfpscope.samples.chunk_reader import Source, submit_chunks

    references = open_references(nwb.with_suffix(".json"))
    rows = range(references.layout.grid[0])

    class Collect:
        """Looks like a pool, and makes a dask graph."""

        def __init__(self) -> None:
            self.graph: dict[str, Any] = {}

        def submit(self, run: Callable[..., Any], places: Sequence[Any]) -> str:
            key = f"run-{len(self.graph)}"
            self.graph[key] = (run, (tuple, [tuple(place) for place in places]))
            return key

    with Source(references) as source:
        for _ in range(3):
            with part("pool"), ThreadPoolExecutor(threads) as pool:
                for future in submit_chunks(pool, source, rows, lambda *_: None):
                    future.result()
            with part("dask"):
                from dask.threaded import get

                collect = Collect()
                submit_chunks(collect, source, rows, lambda *_: None)  # type: ignore[arg-type]
                get(collect.graph, list(collect.graph), num_workers=threads)


WAYS: dict[str, Callable[[Path, int], None]] = {
    way.__name__: way
    for way in (
        bare,
        ours,
        h5py_loop,
        translate,
        published,
        published_dask,
        draw_samples,
        draw,
        views,
        index,
        open_lazily,
        scheduler,
    )
}


# --- measuring ----------------------------------------------------------------------------------

NOTES: Result = {}


class part:  # noqa: N801 - used like a function
    """Measures wall and CPU seconds of a part of a process; of several, the shortest."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        wall, cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu
        NOTES[self.name] = min(NOTES.get(self.name, wall), wall)
        NOTES[f"{self.name} cpu"] = min(NOTES.get(f"{self.name} cpu", cpu), cpu)


def note(name: str, value: float) -> None:
    """Keep a figure."""
    NOTES[name] = value


def measure(way: str, nwb: Path, threads: int = 2) -> Result:
    """Run one way in a process of its own; returns wall, CPU, memory and its own notes."""
    with tempfile.TemporaryFile("w+") as notes, tempfile.TemporaryFile("w+") as errors:
        environment = os.environ | {"PYTHONPATH": str(SCRIPTS)}
        command = [sys.executable, __file__, "--way", way, str(nwb), str(threads)]
        before = time.perf_counter()
        process = subprocess.Popen(command, stdout=notes, stderr=errors, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - before
        process.returncode = os.waitstatus_to_exitcode(status)
        notes.seek(0)
        errors.seek(0)
        if status:
            raise SystemExit(f"{way}: {errors.read()}")
        return {
            "wall": wall,
            "cpu": usage.ru_utime + usage.ru_stime,
            "memory": usage.ru_maxrss / 1e3,
            **json.loads(notes.read()),
        }


def median(results: Sequence[Result]) -> Result:
    """The median of each figure."""
    return {name: statistics.median(result[name] for result in results) for name in results[0]}


def take_turns(ways: Sequence[str], nwb: Path, times: int) -> dict[str, Result]:
    """Measure several ways by turns."""
    rounds = [{way: measure(way, nwb) for way in ways} for _ in range(times)]
    return {way: median([one[way] for one in rounds]) for way in ways}


def show(*cells: Any) -> None:
    """Print a row of a table."""
    texts = [f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in cells]
    print("| " + " | ".join(texts) + " |", flush=True)


def head(*names: str) -> None:
    """Print the head of a table."""
    print()
    show(*names)
    show(*("---" for _ in names))


# --- the tables ---------------------------------------------------------------------------------


def show_ways(nwb: Path, samples: int, *, published_too: bool) -> None:
    """One pass in all ways."""
    results = take_turns(["bare", "ours"], nwb, 3)
    results["h5py_loop"] = measure("h5py_loop", nwb)
    if published_too:
        for way in ("translate", "published", "published_dask"):
            results[way] = measure(way, nwb)
    limit = results["bare"]
    raw = samples * CHANNELS * 4 / 1e6
    print(f"\n{samples} samples × {CHANNELS} channels, {raw:.0f} MB raw")
    head(
        "way", "wall s", "CPU s", "peak MB", "pass s", "pass CPU s", "raw MB/s", "whole CPU ÷ bare"
    )
    for way, r in results.items():
        speed = round(raw / r["pass"])
        ratio = r["cpu"] / limit["pass cpu"]
        show(way, r["wall"], r["cpu"], round(r["memory"]), r["pass"], r["pass cpu"], speed, ratio)
    one, all_ = results["ours"], limit
    print(
        f"\nwhole process ÷ bare pass: wall {one['wall'] / all_['pass']:.2f}, "
        f"CPU {one['cpu'] / all_['pass cpu']:.2f}; pass ÷ bare pass: "
        f"wall {one['pass'] / all_['pass']:.2f}, CPU {one['pass cpu'] / all_['pass cpu']:.2f}"
    )
    size = {suffix: nwb.with_suffix(suffix).stat().st_size for suffix in (".json", ".zarr.zip")}
    size[".csv"] = nwb.with_suffix(".csv").stat().st_size
    share = 100 * sum(size.values()) / nwb.stat().st_size
    print(f"derived: {share:.2f} % of the source; lfp.json {size['.json'] / 1e6:.2f} MB")


def show_rest(nwb: Path) -> None:
    """Index, open, draw and views."""
    head("step", "wall s", "CPU s", "peak MB", "work s", "work CPU s")
    for way in ("index", "open_lazily", "draw", "draw_samples"):
        r = measure(way, nwb)
        show(way, r["wall"], r["cpu"], round(r["memory"]), r["pass"], r["pass cpu"])
        if way == "draw":
            show("its traces", "", "", "", r["lines"], r["lines cpu"])
            lines = r["lines cpu"]
        if way == "draw_samples":
            print(f"\nevery sample of a full probe ÷ our traces: {80 * r['pass cpu'] / lines:.0f}")
    r = measure("views", nwb)
    head("views, ms", "median", "p95", "slowest")
    for name in ("cold", "warm", "walk"):
        for clock in ("", "cpu "):
            show(f"{name} {clock}", *(round(r[f"{name} {clock}{n}"]) for n in (50, 95, 100)))
    print(f"\ndecoded chunks cached: {r['cache']:.0f} MB; peak {r['memory']:.0f} MB")
    r = measure("scheduler", nwb)
    print(f"pool {r['pool cpu']:.2f} s CPU, dask {r['dask cpu']:.2f} s CPU (with its import once)")


def show_scaling(files: dict[int, Path]) -> None:
    """Length, threads and probes."""
    head("eighths of a probe", "threads", "wall s", "CPU s", "peak MB", "pass CPU s per eighth")
    for eighths, nwb in files.items():
        for threads in (1, 2):
            r = measure("ours", nwb, threads)
            per_eighth = r["pass cpu"] / eighths
            show(eighths, threads, r["wall"], r["cpu"], round(r["memory"]), per_eighth)
    head("probes at once, a thread each", "wall s", "CPU s", "raw MB/s")
    eighths, nwb = max(files.items())
    for n in (1, 2):
        before = time.perf_counter()
        with ThreadPoolExecutor(n) as pool:
            results = list(pool.map(lambda _: measure("ours", nwb, 1), range(n)))
        wall = time.perf_counter() - before
        raw = n * FULL * eighths / 8 * CHANNELS * 4 / 1e6
        show(n, wall, sum(r["cpu"] for r in results), round(raw / wall))


def main() -> None:
    """Make what is missing, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "lfpscope")
    parser.add_argument("--quick", action="store_true", help="only an eighth of a probe")
    parser.add_argument("--way", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        way, nwb, threads = arguments.way
        WAYS[way](Path(nwb), int(threads))
        print(json.dumps(NOTES))
        return
    sizes = [1] if arguments.quick else [1, 2, 4, 8]
    arguments.cache.mkdir(parents=True, exist_ok=True)
    files = {n: arguments.cache / f"eighths_{n}.nwb" for n in sizes}
    for eighths, nwb in files.items():
        # in a process of its own: a child's peak memory begins with that of its parent
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            pool.submit(make_file, nwb, FULL * eighths // 8).result()
        measure("index", nwb)
    measure("ours", files[1])  # compiles
    for eighths in sorted({1, max(sizes)}):
        show_ways(files[eighths], FULL * eighths // 8, published_too=eighths == 1)
    show_rest(files[max(sizes)])
    show_scaling(files)


if __name__ == "__main__":
    main()
