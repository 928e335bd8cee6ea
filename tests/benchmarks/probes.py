"""Probe files of any length in Allen's layout, for the benchmarks.

Compressing 4 GB at gzip's level 9 would take 20 minutes. So 4½ minutes of signal are made by the
demo source, compressed once, and their chunks stored over and over; each time round the channels
change places, so that no later stage meets the same samples twice in a row.
"""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from lfpscope.io.atomic import atomic
from lfpscope.sources.demo import nwb_writer

FULL = 10_715_666  # samples of a released probe
CHANNELS = 93
CHUNK = 41_859  # samples, one channel
DISTINCT = 8  # chunks along time
ROTATION = 37  # channels that they move at each repetition
RATE = 1249.9969812390361
SERIES = "acquisition/probe_100000011_lfp/probe_100000011_lfp_data"


def make_file(path: Path, n_samples: int) -> None:
    """Make a probe file, if it is not there yet."""
    if path.exists():
        return
    recipe = replace(
        nwb_writer.demo_recipe("demo-1", "100000011"),
        n_samples=DISTINCT * CHUNK,
        chunk=CHUNK,
        rate=RATE,
    )
    with atomic(path) as part:
        nwb_writer.write_nwb("demo-1", "100000011", recipe, part)
        with h5py.File(part) as file:
            data = file[SERIES]["data"].id
            chunks = [
                [data.read_direct_chunk((row * CHUNK, column)) for column in range(CHANNELS)]
                for row in range(DISTINCT)
            ]
        nwb_writer.write_nwb(
            "demo-1", "100000011", replace(recipe, n_samples=5_000, chunk=5_000), part
        )
        _lengthen(part, n_samples, chunks)


def _lengthen(path: Path, n_samples: int, chunks: list[list[tuple[int, bytes]]]) -> None:
    """Give a file's series other samples: the chunks, over and over."""
    gzip = {"compression": "gzip", "compression_opts": 9}
    with h5py.File(path, "r+") as file:
        series = file[SERIES]
        attributes = {name: dict(series[name].attrs) for name in ("data", "timestamps")}
        del series["data"], series["timestamps"]
        shape = (n_samples, CHANNELS)
        data = series.create_dataset("data", shape, np.float32, chunks=(CHUNK, 1), **gzip)
        for row in range(-(-n_samples // CHUNK)):  # all channels of a stretch of time together
            again, place = divmod(row, DISTINCT)
            for column in range(CHANNELS):
                mask, content = chunks[place][(column + ROTATION * again) % CHANNELS]
                data.id.write_direct_chunk((row * CHUNK, column), content, mask)
        times = 13.58 + np.arange(n_samples) / RATE
        series.create_dataset("timestamps", data=times, chunks=(10_465,), **gzip)
        for name, values in attributes.items():
            series[name].attrs.update(values)
