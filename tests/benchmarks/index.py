"""How fast a probe is indexed and opened: `uv run python tests/benchmarks/index.py`.

The file has the chunk grid of a real probe of 2.4 hours (10,715,666 samples × 93 channels in
chunks of one channel), with the same compressed chunk stored everywhere, and real timestamps.
"""

import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import numpy as np

from lfpscope.nwb.recording import read_clock, read_recording
from lfpscope.references.combine import combine_references
from lfpscope.references.open import open_references
from lfpscope.references.write import write_references
from lfpscope.sources.nwb import probes_in_file
from lfpscope.sources.sessions_table import SessionRow

N_SAMPLES, N_CHANNELS, CHUNK, TIMES_CHUNK = 10_715_666, 93, 41_859, 10_465
SERIES = "/acquisition/probe_0_lfp/probe_0_lfp_data"
REPEATS = 5


def main() -> None:
    """Print a table of what takes how long, and of what it may take."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "probe.nwb"
        write_probe(path)
        rows = [*indexing(path, folder), *opening(folder), *contiguous(folder)]
    print(
        f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; best of {REPEATS} runs"
    )
    width = max(len(what) for what, *_ in rows)
    for what, found, limit, unit in rows:
        verdict = "" if limit is None else f"  ≤ {limit:.3g} {'ok' if found <= limit else 'MISSED'}"
        print(f"{what:<{width}}  {found:8.3f} {unit}{verdict}")


def write_probe(path: Path) -> None:
    """Write a file of 24 MB with the chunk grid and the timestamps of a real one."""
    rng = np.random.default_rng(0)
    times = 13.58 + np.arange(N_SAMPLES) / 1249.9972 + rng.normal(0, 1e-7, N_SAMPLES)
    with h5py.File(path, "w") as nwb:
        table = nwb.create_group("general/extracellular_ephys/electrodes")
        table["id"] = np.arange(850_000_000, 850_000_000 + N_CHANNELS)
        table["probe_vertical_position"] = 40 * np.arange(N_CHANNELS)
        series = nwb.create_group(SERIES)
        series.attrs["neurodata_type"] = "ElectricalSeries"
        series["electrodes"] = np.arange(N_CHANNELS)
        series.create_dataset(
            "timestamps", data=times, chunks=(TIMES_CHUNK,), compression="gzip", compression_opts=1
        )
        data = series.create_dataset(
            "data", (N_SAMPLES, N_CHANNELS), "<f4", chunks=(CHUNK, 1), compression="gzip"
        )
        data[:CHUNK, :1] = np.ones((CHUNK, 1), "<f4")
        chunk = data.id.read_direct_chunk((0, 0))[1]
        for row in range(0, N_SAMPLES, CHUNK):
            for column in range(N_CHANNELS):
                data.id.write_direct_chunk((row, column), chunk)


def best(work: Callable[[], Any]) -> float:
    """Seconds of the fastest of some runs: what the machine can, not what else it does."""
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def indexing(path: Path, folder: Path) -> list[tuple[str, float, float | None, str]]:
    """Time the walk over the chunks, the references, and the clock."""
    with h5py.File(path) as nwb:
        data = nwb[SERIES]["data"]
        recording = read_recording(nwb, SERIES)
        clock = read_clock(nwb, recording)
        for i in range(6):
            write(nwb, recording, clock, f"p{i}", folder)
        bare = best(lambda: data.id.chunk_iter(lambda _chunk: None))

        def index() -> None:
            write(nwb, read_recording(nwb, SERIES), clock, "p0", folder)

        def read() -> None:
            read_clock(nwb, recording)

        tracemalloc.start()
        read()
        memory = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        return [
            ("bare chunk_iter over 23,808 chunks", bare, None, "s"),
            ("index without the clock", best(index), 2 * bare + 0.3, "s"),
            ("clock of 10,715,666 timestamps", best(read), 0.5, "s"),
            ("all that list_probes looks at", best(lambda: look(path)), None, "s"),
            ("memory for the clock", memory, 20.0, "MB"),
            ("lfp.json", (folder / "p0.json").stat().st_size / 1e6, 1.2, "MB"),
        ]


def look(path: Path) -> None:
    """Find the probes of a file, as list_probes does in another process."""
    (probe,) = probes_in_file(SessionRow("s", "nwb", str(path)), str(path))
    assert probe.status == "ok", probe.note


def write(nwb: h5py.File, recording: Any, clock: Any, probe: str, folder: Path) -> None:
    """Write references of one probe."""
    write_references(
        nwb,
        recording,
        clock,
        session="s",
        probe=probe,
        address=nwb.filename,
        path=folder / f"{probe}.json",
    )


OPEN = """
import sys, time
import dask.array, kerchunk.xarray_backend, xarray as xr
xr.open_dataset(sys.argv[2], engine="kerchunk").close()  # all imports, on a small one
read = []
sys.addaudithook(lambda event, found: event == "open" and read.append(str(found[0])))
seconds = []
for _ in range(5):
    start = time.perf_counter()
    xr.open_dataset(sys.argv[1], engine="kerchunk")
    seconds.append(time.perf_counter() - start)
assert sys.argv[1] in read
print(min(seconds), sum(path.endswith(".nwb") for path in read))
"""
OPEN_TREE = """
import sys, time
import dask.array, xarray as xr
def opened(path):
    options = dict(fo=path, remote_protocol="file", remote_options={"asynchronous": True})
    return xr.open_datatree("reference://", engine="zarr", storage_options=options)
opened(sys.argv[2])
seconds = []
for _ in range(3):
    start = time.perf_counter()
    tree = opened(sys.argv[1])
    seconds.append(time.perf_counter() - start)
    assert len(tree.groups) == 8, tree.groups
print(min(seconds))
"""


def opening(folder: Path) -> list[tuple[str, float, float | None, str]]:
    """Time xarray, in processes of their own, after their imports."""
    probes = [folder / f"p{i}.json" for i in range(6)]
    combine_references(probes, folder / "six.json", session="s")
    small = write_small(folder)
    combine_references([small], folder / "small_session.json", session="s")
    flat, n_read = run(OPEN, folder / "p0.json", small)
    (six,) = run(OPEN_TREE, folder / "six.json", folder / "small_session.json")
    ours = best(lambda: open_references(folder / "p0.json"))
    return [
        ("xr.open_dataset(lfp.json)", flat, 0.3, "s"),
        ("data chunks read by it", n_read, 0.0, ""),
        ("xr.open_datatree(session.json of six)", six, 1.0, "s"),
        ("open_references(lfp.json)", ours, None, "s"),
    ]


def write_small(folder: Path) -> Path:
    """Write a probe of a thousand samples, and its references."""
    with h5py.File(folder / "small.nwb", "w") as nwb:
        series = nwb.create_group(SERIES)
        series["data"] = np.ones((1000, 2), "<f4")
        series["starting_time"] = 0.0
        series["starting_time"].attrs["rate"] = 1250.0
        recording = read_recording(nwb, SERIES)
        nwb.flush()
        write(nwb, recording, read_clock(nwb, recording), "small", folder)
    return folder / "small.json"


def run(program: str, *arguments: Path) -> list[float]:
    """Run a program in a process of its own; return the numbers that it prints."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [float(number) for number in printed.split()]


def write_contiguous(path: Path, gigabytes: int) -> None:
    """Write a file of one hole: 384 channels of int16, at a rate."""
    with h5py.File(path, "w") as nwb:
        series = nwb.create_group(SERIES)
        data = series.create_dataset("data", (gigabytes * 1_302_083, 384), "<i2")
        data[-1] = 1
        series["starting_time"] = 0.0
        series["starting_time"].attrs["rate"] = 2500.0


def contiguous(folder: Path) -> list[tuple[str, float, float | None, str]]:
    """Time the whole index of contiguous data of several sizes, which are holes in their files."""
    rows: list[tuple[str, float, float | None, str]] = []
    for gigabytes in (1, 10, 100, 1000):
        path = folder / f"{gigabytes}.nwb"
        write_contiguous(path, gigabytes)
        with h5py.File(path) as nwb:

            def index(nwb: h5py.File = nwb) -> None:
                recording = read_recording(nwb, SERIES)
                write(nwb, recording, read_clock(nwb, recording), "contiguous", folder)

            seconds = best(index)
        size = (folder / "contiguous.json").stat().st_size / 1e6
        limit = 0.5 if gigabytes <= 100 else None  # 100 GB are 14 hours of 384 channels
        rows.append((f"index contiguous data of {gigabytes} GB", seconds, limit, "s"))
        rows.append(("its lfp.json", size, None, "MB"))
    return rows


if __name__ == "__main__":
    main()
