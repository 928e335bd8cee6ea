"""NWB files cut off and with a bit flipped: right, named or refused, and never plausible and wrong.

    python tests/fuzz/nwb_files.py [--cut 200] [--metadata 200] [--data 200] [--seed 0]

Each corrupted file goes the way of a user's: its probes are listed, and of each that can be read
the references, the envelope and the pictures are made, and verified. Then every sample, the clock
and the channels are compared with those of the whole file. Where they differ, that must have been
named, or be what HDF5 reads from the corrupted file: where a format has no checksum, nothing shows
it.
"""

import argparse
import random
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import numpy.typing as npt
from guard import NAMED, RIGHT, STORED, Outcome, WrongError, finish, refused, run_all

from lfpscope.envelope.read import OpenProbe
from lfpscope.errors import UserError
from lfpscope.hdf5.isolation import IsolatedReader
from lfpscope.references.index import index_recording
from lfpscope.references.open import open_references
from lfpscope.render.overviews import draw_probe
from lfpscope.sources.demo import nwb_writer
from lfpscope.sources.nwb import nwb_probes, probes_in_file
from lfpscope.sources.probes_table import ProbeRow as Row
from lfpscope.sources.sessions_table import SessionRow
from lfpscope.summary.channels import Summary, write_channels
from lfpscope.summary.summarize import build_envelope
from lfpscope.verify import checks

N_SAMPLES, N_CHANNELS = 12_000, 4

checks.CHECKS.pop("kerchunk")  # a process of its own each time; here every sample is compared


class Corrupt(NamedTuple):
    """Which file, and how it is corrupted: cut at a byte, or one bit of a byte is another."""

    base: str
    offset: int
    bit: int  # −1 where it is cut

    def apply(self, content: bytes) -> bytes:
        if self.bit < 0:
            return content[: self.offset]
        corrupted = bytearray(content)
        corrupted[self.offset] ^= 1 << self.bit
        return bytes(corrupted)


@dataclass(frozen=True)
class Told:
    """What the library tells of a probe: the samples in volts, their times, and the channels."""

    note: str
    volts: npt.NDArray[np.float64]
    seconds: npt.NDArray[np.float64]
    channels: dict[str, list[Any]]


# --- the files ----------------------------------------------------------------------------------


def as_allens(path: Path) -> None:
    """Write a file in the layout of Allen's: gzip, a channel to a chunk, specifications cached."""
    recipe = nwb_writer.demo_recipe("demo-1", "100000011")
    recipe = replace(recipe, n_channels=N_CHANNELS, n_samples=N_SAMPLES, constant=(), detached=())
    nwb_writer.write_nwb("demo-1", "100000011", recipe, path)


def as_small(path: Path, **how: Any) -> None:
    """Write a file with little but the series and its electrodes: most bytes matter."""
    with h5py.File(path, "w", libver=how.pop("libver", None)) as nwb:
        table = nwb.create_group("general/extracellular_ephys/electrodes")
        table["id"] = np.arange(100, 100 + N_CHANNELS)
        table["rel_y"] = 20.0 * np.arange(N_CHANNELS)
        table["location"] = np.array([b"CA1", b"CA1", b"DG", b"TH"])
        series = nwb.create_group("acquisition/lfp")
        series.attrs["neurodata_type"] = "ElectricalSeries"
        counts = np.random.default_rng(0).normal(0, 200, (N_SAMPLES, N_CHANNELS)).astype(np.int16)
        series.create_dataset("data", data=counts, **how)
        series["data"].attrs["conversion"] = 2e-7
        series["starting_time"] = 5.0
        series["starting_time"].attrs["rate"] = 1250.0
        series["electrodes"] = np.arange(N_CHANNELS)
        series["electrodes"].attrs["table"] = table.ref


WRITE = {
    "allen": as_allens,
    "shuffled": lambda path: as_small(path, chunks=(4000, 2), compression=4, shuffle=True),
    "latest": lambda path: as_small(
        path, chunks=(1000, 1), compression=4, fletcher32=True, libver="latest"
    ),
    "contiguous": as_small,
}


def places_of_samples(path: Path) -> list[tuple[int, int]]:
    """Where the bytes of samples lie in a file."""
    with h5py.File(path) as nwb:
        (series,) = (one for one in _series(nwb))
        data = nwb[series]["data"].id
        if data.get_offset() is not None:
            return [(data.get_offset(), data.get_offset() + data.get_storage_size())]
        chunks = (data.get_chunk_info(i) for i in range(data.get_num_chunks()))
        return [(chunk.byte_offset, chunk.byte_offset + chunk.size) for chunk in chunks]


def _series(nwb: h5py.File) -> list[str]:
    found: list[str] = []
    nwb.visititems(
        lambda name, item: (
            found.append(name)
            if item.attrs.get("neurodata_type") in ("ElectricalSeries", b"ElectricalSeries")
            else None
        )
    )
    return found


# --- one case -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Work:
    """The files as they should be, and how a corrupted one is judged."""

    folder: Path
    whole: dict[str, Told]

    def __call__(self, corrupt: Corrupt) -> Outcome:
        place = self.folder / "case"
        shutil.rmtree(place, ignore_errors=True)
        (place / "results").mkdir(parents=True)
        path = place / "probe.nwb"
        path.write_bytes(corrupt.apply((self.folder / corrupt.base).read_bytes()))
        rows = nwb_probes(SessionRow("s", "nwb", str(path)), reader())
        for row in rows:
            if row.status != "ok":
                outcome = refused(row.note)
                if outcome.word not in (NAMED, "refused in one line"):
                    return outcome
        readable = [row for row in rows if row.status == "ok"]
        if not readable:
            return refused(rows[0].note)
        if len(readable) > 1:
            raise WrongError(f"{len(readable)} probes")
        try:
            told, summary = tell(readable[0], place / "results")
        except UserError as error:
            return refused(str(error))
        if {one.name for one in place.iterdir()} != {"probe.nwb", "results"}:
            raise WrongError(f"files elsewhere: {list(place.iterdir())}")
        outcome = judge(told, self.whole[corrupt.base], summary, path, readable[0].series)
        if outcome.word == NAMED and summary.damage and not is_named(corrupt, summary):
            raise WrongError(f"named at the wrong place: {summary.describe_damage()}")
        return outcome


@cache
def reader() -> IsolatedReader:
    """As list_probes has it, for all cases."""
    return IsolatedReader()


def tell(row: Row, results: Path) -> tuple[Told, Summary]:
    """Make of a probe all that a run makes, and tell what it holds."""
    path, references, envelope = Path(row.address), results / "lfp.json", results / "envelope.zip"
    index_recording(str(path), references, session="s", probe="p", series=row.series)
    opened = open_references(references)
    summary = build_envelope(opened, envelope)
    write_channels(summary, results / "channels.csv")
    pictures = {"overview": results / "overview.png", "thumbnail": results / "thumbnail.png"}
    draw_probe(references, envelope, **pictures, width=800, height=600)
    found = checks.verify(references, envelope, chunks=None)
    if found["problems"]:
        raise UserError(found["problems"][0])
    with OpenProbe(opened, envelope) as probe:
        volts = probe.volts(probe.samples(0, opened.n_samples)).T
        seconds = np.array([opened.clock.seconds(i) for i in range(opened.n_samples)])
        channels = {"id": opened.channels.id.tolist()}
        channels |= {name: one.tolist() for name, one in opened.channels.columns.items()}
    return Told(row.note, volts, seconds, channels), summary


def judge(told: Told, whole: Told, summary: Summary, path: Path, series: str) -> Outcome:
    """Compare what is told of a corrupted file with what is told of the whole one."""
    named, stored = "", ""
    if summary.damage:
        named = f"{len(summary.damage)} damaged chunks"
        hidden = np.zeros(told.volts.shape, np.bool_)
        height, width = summary.references.layout.chunks
        for one in summary.damage:
            rows = slice(one.row * height, (one.row + 1) * height)
            hidden[rows, one.column * width : (one.column + 1) * width] = True
        if not np.isnan(told.volts[hidden]).all():
            raise WrongError("numbers in damaged chunks")
    else:
        hidden = np.zeros(told.volts.shape, np.bool_)
    if not _same(told.volts, whole.volts, ~hidden):
        stored = "samples"
        if not np.array_equal(told.volts[~hidden], _volts(path, series)[~hidden], equal_nan=True):
            raise WrongError("samples are neither the file's nor the whole one's")
    if not np.array_equal(told.seconds, whole.seconds, equal_nan=True):
        stored += " clock"
        if not _clock_is_stored(path, series, summary):
            raise WrongError("a clock that is neither the file's nor the whole one's")
    for name in told.channels.keys() | whole.channels.keys():
        if repr(told.channels.get(name)) != repr(whole.channels.get(name)):
            stored += f" {name}"
            if name not in told.channels or len(told.note) > len(whole.note):
                named += f" {name}: {told.note}"
    if named:
        return Outcome(NAMED, named)
    return Outcome(STORED, stored) if stored else Outcome(RIGHT)


def is_named(corrupt: Corrupt, summary: Summary) -> bool:
    """Tell whether the corrupted bit is in the chunk that is named, or not in a chunk at all."""
    r = summary.references
    inside = (r.lfp.offsets <= corrupt.offset) & (corrupt.offset < r.lfp.offsets + r.lfp.sizes)
    places = [(one.row, one.column) for one in summary.damage]
    return not inside.any() or [tuple(one) for one in np.argwhere(inside).tolist()] == places


def _same(ours: Any, theirs: Any, where: Any) -> bool:
    return ours.shape == theirs.shape and bool(
        np.array_equal(ours[where], theirs[where], equal_nan=True)
    )


def _volts(path: Path, series: str) -> npt.NDArray[np.float64]:
    """Volts as plain h5py reads them; NaN where it cannot."""
    with h5py.File(path) as nwb:
        data = nwb[series or _series(nwb)[0]]["data"]
        volts = np.full(data.shape, np.nan)
        for column in range(data.shape[1]):
            for start in range(0, data.shape[0], 1000):
                try:
                    volts[start : start + 1000, column] = data[start : start + 1000, column]
                except OSError:
                    continue
        scale = float(data.attrs.get("conversion", 1.0))
        return volts * scale + float(data.attrs.get("offset", 0.0))


def _clock_is_stored(path: Path, series: str, summary: Summary) -> bool:
    """Tell whether the clock is the one that plain h5py reads."""
    clock = summary.references.clock
    with h5py.File(path) as nwb:
        group = nwb[series or _series(nwb)[0]]
        if "timestamps" not in group:
            start = float(group["starting_time"][()])
            rate = float(group["starting_time"].attrs["rate"])
            start = start if np.isfinite(start) else 0.0
            return clock.t0 == start and np.isclose(clock.dt, 1 / rate)
        times = group["timestamps"][:]
    return all(
        abs(one.t0 + i * one.dt - times[one.first_sample + i]) <= one.residual + one.dt / 1000
        for one in clock.valid
        for i in range(one.n_samples)
    )


# --- all of them --------------------------------------------------------------------------------


def corruptions(folder: Path, n: argparse.Namespace) -> list[tuple[str, Corrupt]]:
    """Cases, each with its kind, spread over the files."""
    rng, cases = random.Random(n.seed), list[tuple[str, Corrupt]]()  # noqa: S311 - no secrets here
    samples, others = {}, {}
    for base in WRITE:
        inside = np.zeros((folder / base).stat().st_size, np.bool_)
        for start, stop in places_of_samples(folder / base):
            inside[start:stop] = True
        bytes_ = np.fromfile(folder / base, np.uint8)
        samples[base] = np.flatnonzero(inside)
        others[base] = np.flatnonzero(~inside & (bytes_ > 0))  # the rest is mostly unused room
    for i in range(max(n.cut, n.metadata, n.data)):
        base = list(WRITE)[i % len(WRITE)]
        size = (folder / base).stat().st_size
        if i < n.cut:
            cases.append(("cut", Corrupt(base, rng.randrange(size), -1)))
        if i < n.metadata:
            place = int(rng.choice(others[base]))
            cases.append(("bit of metadata", Corrupt(base, place, rng.randrange(8))))
        if i < n.data:
            kind = "bit of samples" if base == "contiguous" else "bit of compressed samples"
            place = int(rng.choice(samples[base]))
            cases.append((kind, Corrupt(base, place, rng.randrange(8))))
    return cases


def written(folder: Path, base: str) -> Told:
    """Write a file, and tell what it holds."""
    WRITE[base](folder / base)
    (folder / "results").mkdir(exist_ok=True)
    (row,) = probes_in_file(SessionRow("s", "nwb", ""), str(folder / base))
    return tell(row, folder / "results")[0]


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cut", type=int, default=200)
    parser.add_argument("--metadata", type=int, default=200)
    parser.add_argument("--data", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="print every case")
    n = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with ProcessPoolExecutor(
            1, get_context("fork")
        ) as process:  # threads do not survive a fork
            whole = dict(zip(WRITE, process.map(written, repeat(folder), WRITE), strict=True))
        finish(run_all(Work(folder, whole), corruptions(folder, n), show=n.show))


if __name__ == "__main__":
    main()
