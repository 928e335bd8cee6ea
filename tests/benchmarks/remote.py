"""What a file on a server costs: `uv run python tests/benchmarks/remote.py [--latency MS]`.

The file has the chunk grid of a real probe of 2.4 hours, with the same compressed chunk stored
everywhere, and real timestamps; the server is on loopback and waits before each answer.
"""

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from index import SERIES, write_contiguous, write_probe
from probes import CHUNK, DISTINCT, make_file
from probes import SERIES as SHORT

sys.path.insert(0, str(Path(__file__).parents[1]))

from serving import Served, serve

from lfpscope.nwb.file import open_nwb
from lfpscope.nwb.recording import read_clock, read_recording
from lfpscope.references.index import index_recording
from lfpscope.references.open import open_references
from lfpscope.references.write import write_references
from lfpscope.samples.chunk_cache import Samples
from lfpscope.samples.chunk_reader import Source
from lfpscope.summary.summarize import build_envelope


def main() -> None:
    """Print requests, bytes and seconds of each step, and what they may be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=20, help="milliseconds")
    latency = parser.parse_args().latency / 1000
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "served").mkdir()
        write_probe(folder / "served/probe.nwb")
        make_file(folder / "served/short.nwb", DISTINCT * CHUNK)
        with serve(folder / "served") as served:
            served.seconds = latency
            index_it(served, folder)
            read_it(served, folder)
            index_contiguous(served, folder)


def show(what: str, most: str, served: Served, step: Callable[[], object]) -> None:
    """Print what a step asks of the server."""
    served.log.clear()
    start = time.perf_counter()
    step()
    seconds, megabytes = time.perf_counter() - start, sum(n for *_, n in served.log) / 1e6
    print(f"{what:34}{len(served.log):6} requests {megabytes:8.2f} MB {seconds:7.2f} s  {most}")


def index(address: str, folder: Path) -> None:
    """Do what `index_probe` does."""
    index_recording(address, folder / "lfp.json", session="s", probe="p", series=SERIES)


def index_it(served: Served, folder: Path) -> None:
    """Index a full probe, with the clock of all its timestamps."""
    address = f"{served.address}/probe.nwb"
    what = "index of 23,808 chunks and 10,715,666 timestamps"
    most = "≤ 600 requests and ≤ 6 MB, and the timestamps'"
    show(what, most, served, lambda: index(address, folder))


def read_it(served: Served, folder: Path) -> None:
    """Look at and summarise a file of 4½ minutes with signals in it."""
    address, path = f"{served.address}/short.nwb", folder / "lfp.json"
    with open_nwb(address) as nwb:
        recording = read_recording(nwb, f"/{SHORT}")
        clock = read_clock(nwb, recording)
        write_references(nwb, recording, clock, session="s", probe="p", address=address, path=path)
    references = open_references(path)
    sizes = references.lfp.sizes
    most = f"≤ {sizes[3:5].sum() / 1e6:.2f} MB"
    with Source(references) as source:
        samples = Samples(source)
        first = 4 * CHUNK - 5000  # on both sides of an edge between chunks
        show("8 s of 93 channels", most, served, lambda: samples.read(first, first + 10_000))
        samples.close()
    most, envelope = f"≤ {1.02 * sizes.sum() / 1e6:.2f} MB", folder / "envelope.zarr.zip"
    show("summary", most, served, lambda: build_envelope(references, envelope, threads=4))


def index_contiguous(served: Served, folder: Path) -> None:
    """Index contiguous files of several sizes, which are holes."""
    for gigabytes in (1, 10, 100):
        write_contiguous(served.folder / f"{gigabytes}.nwb", gigabytes)
        address = f"{served.address}/{gigabytes}.nwb"
        show(
            f"index {gigabytes} GB of contiguous data",
            "any size alike",
            served,
            partial(index, address, folder),
        )


if __name__ == "__main__":
    main()
