"""Whether what was made of a probe is what its file holds: compared again, by other ways.

The references are compared with h5py and with kerchunk's own translation, the envelope with
samples. Places are chosen at random, the same ones each time.
"""

import json
import os
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from lfpscope.envelope.grid import bucket_starts
from lfpscope.envelope.read import OpenProbe
from lfpscope.errors import UserError
from lfpscope.io.addresses import is_remote
from lfpscope.nwb.file import open_nwb
from lfpscope.nwb.recording import Recording, read_clock, read_recording
from lfpscope.nwb.timestamps import read_times, time_scale
from lfpscope.references.model import ProbeReferences
from lfpscope.references.open import open_references
from lfpscope.references.source_check import check_checksums
from lfpscope.samples.chunk_reader import Damage, Source
from lfpscope.typing import Array
from lfpscope.verify import kerchunk_translation

REMOTE_CHUNKS = 4  # of a file on a server, whatever is asked for
MAX_BUCKETS = 1000
TRANSLATION_SECONDS = 120.0  # 2 for a probe of the released size


@dataclass(frozen=True)
class VerificationContext:
    """A probe, all that was made of it, and its file.

    Attributes
    ----------
    probe : OpenProbe
        References and envelope.
    nwb : h5py.File
        The file.
    recording : Recording
        What the file says of it now.
    n : int
        How many places of each kind are compared.
    everything : bool
        Whether that is all of them.
    """

    probe: OpenProbe
    nwb: h5py.File
    recording: Recording
    n: int
    everything: bool

    @property
    def references(self) -> ProbeReferences:
        """Where each chunk lies."""
        return self.probe.references

    @property
    def data(self) -> h5py.Dataset:
        """The samples, as in the file."""
        return self.nwb[self.recording.series]["data"]

    @property
    def random(self) -> np.random.Generator:
        """Random numbers that are the probe's own."""
        name = f"{self.references.session}/{self.references.probe}"
        return np.random.default_rng(zlib.crc32(name.encode()))

    def picked(self, n_all: int) -> npt.NDArray[np.int64]:
        """Numbers of some things out of so many, rising."""
        if self.n >= n_all:
            return np.arange(n_all)
        return np.sort(self.random.choice(n_all, self.n, replace=False))


CheckResult = tuple[str, list[str]]
"""What was compared, in words, and what differs."""


def verify(references: Path, envelope: Path, *, chunks: int | None) -> dict[str, Any]:
    """Compare what was made of a probe with its file.

    Parameters
    ----------
    references, envelope : Path
        ``lfp.json`` and ``envelope.zarr.zip`` of the probe.
    chunks : int, optional
        How many chunks, buckets and timestamps are compared; all without it. Of a file on a
        server only a few are.

    Returns
    -------
    dict
        ``whole``; ``checks``, what was compared, in words; and ``problems``, what differs, a line
        for each. Ready for JSON.

    Raises
    ------
    UserError
        If one of the files cannot be opened, or the source has changed.
    """
    opened = open_references(references)
    everything = chunks is None and not is_remote(opened.address)
    n = int(np.prod(opened.layout.grid)) if chunks is None else chunks
    n = min(n, REMOTE_CHUNKS) if is_remote(opened.address) else n
    with OpenProbe(opened, envelope) as probe, open_nwb(opened.address) as nwb:
        one = VerificationContext(probe, nwb, read_recording(nwb, opened.series), n, everything)
        found = {name: check(one) for name, check in CHECKS.items()}
    problems = [problem for _, differs in found.values() for problem in differs]
    return {
        "session": opened.session,
        "probe": opened.probe,
        "whole": not problems,
        "checks": {name: words for name, (words, _) in found.items()},
        "problems": problems,
    }


# --- the source ---------------------------------------------------------------------------------


def _checksums(one: VerificationContext) -> CheckResult:
    """Chunks whose checksums were noted when the file was indexed are still the same."""
    try:
        check_checksums(one.references)
    except UserError as error:
        return "they differ", [str(error)]
    return f"{len(one.references.provenance.checksums)} chunks as when indexed", []


def _extents(one: VerificationContext) -> CheckResult:
    """Every chunk is there, inside the file, and none lies over another."""
    references, lfp = one.references, one.references.lfp
    size, problems = references.provenance.size, []
    for table in (lfp, references.timestamps):
        ends = (table.offsets + table.sizes)[table.offsets >= 0]
        problems += [
            f"a chunk that ends at byte {end}, outside the {size} bytes of {references.address}"
            for end in ends[ends > size][:1].tolist()
        ]
    there, n_there = lfp.offsets >= 0, lfp.n_chunks
    words = f"{n_there} of {there.size} chunks, all inside the file"
    if one.data.chunks is None:  # one piece, into which references may overlap
        return words, problems
    if not is_remote(references.address):  # the count costs a walk over the whole index
        n_stored = one.data.id.get_num_chunks()
        if n_stored != n_there:
            problems.append(f"{n_there} chunks referred to, {n_stored} in {references.address}")
    order = np.argsort(lfp.offsets[there])
    starts, sizes = lfp.offsets[there][order], lfp.sizes[there][order]
    over = np.flatnonzero(starts[1:] < (starts + sizes)[:-1])
    problems += [f"two chunks overlap at byte {starts[i + 1]}" for i in over[:1].tolist()]
    return f"{words}, none over another", problems


# --- samples ------------------------------------------------------------------------------------


def _samples(one: VerificationContext) -> CheckResult:
    """Chunks are the same through the references and through h5py, bit for bit."""
    grid, problems, n_damaged = one.references.layout.grid, [], 0
    picked = one.picked(int(np.prod(grid)))
    with Source(one.references) as source:
        for place in picked.tolist():
            row, column = divmod(place, grid[1])
            ours, theirs = source.chunk(row, column), _through_h5py(one, row, column)
            if isinstance(ours, Damage) and theirs is None:
                n_damaged += 1  # of which the summary tells
            elif isinstance(ours, Damage) or theirs is None:
                who = "the references" if isinstance(ours, Damage) else "h5py"
                problems.append(
                    f"{one.references.describe_chunk(row, column)}: does not decode through {who}"
                )
            elif not _same(ours[: theirs.shape[0], : theirs.shape[1]], theirs):
                problems.append(
                    f"{one.references.describe_chunk(row, column)}: other values through h5py"
                )
    damaged = f", {n_damaged} damaged through both" * bool(n_damaged)
    return f"{picked.size} of {np.prod(grid)} chunks as h5py reads them{damaged}", problems


def _through_h5py(one: VerificationContext, row: int, column: int) -> Array | None:
    """Samples of a chunk, time first; None where it is damaged or missing."""
    layout, data = one.references.layout, one.data
    starts = (row * layout.chunks[0], column * layout.chunks[1])
    rows, columns = (
        slice(start, min(start + length, stop))
        for start, length, stop in zip(starts, layout.chunks, layout.shape, strict=True)
    )
    if data.chunks is not None:
        at = (starts[::-1] if layout.order == "F" else starts)[: data.ndim]
        if data.id.get_chunk_info_by_coord(at).byte_offset is None:
            return None
    try:
        if data.ndim == 1:
            block = data[rows][:, np.newaxis]
        else:
            block = data[columns, rows].T if layout.order == "F" else data[rows, columns]
    except OSError:
        return None
    return np.asarray(block)


def _same(ours: Array, theirs: Array) -> bool:
    """Tell whether values are the same bits, whatever the order of the bytes."""
    native = theirs.astype(theirs.dtype.newbyteorder("="))
    return ours.dtype == native.dtype and ours.tobytes() == native.tobytes()


def _envelope(one: VerificationContext) -> CheckResult:
    """Buckets hold the first, smallest, largest and last of their samples."""
    probe, random, problems = one.probe, one.random, []
    n = min(one.n, MAX_BUCKETS)
    for size in random.choice(probe.sizes, n).tolist():
        starts = bucket_starts(probe.references.clock, size)
        bucket = int(random.integers(starts.size - 1))
        channel = int(random.integers(probe.references.n_channels))
        start, stop = int(starts[bucket]), int(starts[bucket + 1])
        samples = probe.samples(start, stop, [channel])[0]  # without those that are left out
        numbers = samples[~np.isnan(samples)]
        expected = [np.nan] * 4
        if numbers.size:
            expected = [numbers[0], numbers.min(), numbers.max(), numbers[-1]]
        found = probe.buckets(size, bucket, bucket + 1)[:, channel, 0]
        if not np.array_equal(found, expected, equal_nan=True):
            problems.append(
                f"the envelope has {found.tolist()} for samples {start} to {stop} of channel "
                f"{probe.references.channels.id[channel]}, expected {[float(v) for v in expected]}."
                " Delete it and run again."
            )
    return f"{n} buckets as their samples", problems


# --- channels and clock -------------------------------------------------------------------------


def _channels(one: VerificationContext) -> CheckResult:
    """Shape, layout, units and electrodes are those that the file has."""
    references, recording = one.references, one.recording
    columns = recording.channels.columns
    scale = recording.conversion * columns.get("channel_conversion", np.ones(1))
    same = {
        "layout": references.layout == recording.layout,
        "electrode ids": np.array_equal(references.channels.id, recording.channels.id),
        "volts": bool((references.scale == scale).all()) and references.add == recording.offset,
    } | {
        name: name in columns and _equal(values, columns[name])
        for name, values in references.channels.columns.items()
    }
    problems = [f"{name} differs in {references.address}" for name in same if not same[name]]
    factor = recording.unit_factor
    note = "" if factor == 1 else f" (volts × {factor:g}, by the unit of the data)"
    return f"{', '.join(same)} as in the file{note}", problems


def _equal(ours: Array, theirs: Array) -> bool:
    numbers = ours.dtype.kind == theirs.dtype.kind == "f"
    return bool(np.array_equal(ours, theirs, equal_nan=numbers))


def _clock(one: VerificationContext) -> CheckResult:
    """The clock tells the time that the file has."""
    clock, times = one.references.clock, one.nwb[one.recording.series].get("timestamps")
    if one.everything or times is None:
        same = read_clock(one.nwb, one.recording).to_json() == clock.to_json()  # NaN is null there
        return "the whole clock", [] if same else ["the clock differs from the file's"]
    scale = time_scale(one.nwb[one.recording.series])
    compared, problems = 0, []
    for sample in one.picked(clock.n_samples).tolist():
        segment = next(s for s in clock.segments if s.first_sample <= sample < s.stop_sample)
        stored, ours = scale * read_times(times, sample, sample + 1)[0], clock.seconds(sample)
        if not segment.valid or np.isnan(stored):  # NaN: interpolated within a buffer
            continue
        compared += 1
        if not abs(stored - ours) <= segment.residual + segment.dt / 1000:
            problems.append(f"sample {sample} is at {stored} s, and at {ours} s by the clock")
    return f"{compared} timestamps, to {max(s.residual for s in clock.segments):.2g} s", problems


# --- kerchunk -----------------------------------------------------------------------------------


def _kerchunk(one: VerificationContext) -> CheckResult:
    """In kerchunk's own translation every chunk lies where it does in ours."""
    references = one.references
    if is_remote(references.address):
        return "not compared: the file is on a server", []
    theirs = _translate(references)
    if isinstance(theirs, str):
        return f"not compared: {theirs}", []
    if ".zarray" not in theirs:
        return "not compared: kerchunk leaves this layout out", []
    places = {key: tuple(ref[1:]) for key, ref in theirs.items() if not key.startswith(".")}
    ours = dict(_as_in_the_file(one))
    if one.data.chunks is None:  # kerchunk refers to it as one piece
        ((start, size),) = places.values()
        same = all(start <= at and at + length <= start + size for at, length in ours.values())
    else:
        same = ours == places and _codecs(json.loads(theirs[".zarray"])) == [
            codec["id"] for codec in references.layout.codecs
        ]
    problem = f"kerchunk's translation of {references.address} differs: {len(places)} chunks"
    return f"{len(places)} chunks where kerchunk finds them", [] if same else [problem]


def _translate(references: ProbeReferences) -> dict[str, Any] | str:
    """Run kerchunk in a process of its own; a word on why where it does not answer."""
    # -P: the modules beside the program are not modules of the top level
    command = [
        sys.executable,
        "-P",
        kerchunk_translation.__file__,
        references.address,
        references.series,
    ]
    # the file is only read, and open here as well: HDF5 needs no lock, which its disk may not have
    environment = os.environ | {"HDF5_USE_FILE_LOCKING": "FALSE"}
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TRANSLATION_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"kerchunk gave no answer in {TRANSLATION_SECONDS:g} s"
    if done.returncode:
        return f"kerchunk failed: {(done.stderr.strip().splitlines() or ['no word'])[-1]}"
    refs: dict[str, Any] = json.loads(done.stdout)
    return refs


def _as_in_the_file(one: VerificationContext) -> Iterator[tuple[str, tuple[int, int]]]:
    """Our chunks by the names that they have in the file's own order of axes."""
    references = one.references
    lfp = references.lfp
    for row, column in np.argwhere(lfp.offsets >= 0).tolist():
        place = (column, row) if references.layout.order == "F" else (row, column)
        key = ".".join(map(str, place[: one.data.ndim]))
        yield key, (int(lfp.offsets[row, column]), int(lfp.sizes[row, column]))


def _codecs(zarray: dict[str, Any]) -> list[str]:
    codecs = [*(zarray["filters"] or ()), zarray["compressor"]]
    return [codec["id"] for codec in codecs if codec]


CHECKS: dict[str, Callable[[VerificationContext], CheckResult]] = {
    "checksums": _checksums,
    "extents": _extents,
    "samples": _samples,
    "channels": _channels,
    "clock": _clock,
    "envelope": _envelope,
    "kerchunk": _kerchunk,
}
