"""What was made of a probe is compared with its file: found the same, or named with its place."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import recorded
from serving import serve
from stored import FILTERS, Write, dataset, noise, write_series
from stored import index as index_series

from lfpscope.hdf5.layout import inline
from lfpscope.io.http import RemoteFile
from lfpscope.references.model import ProbeReferences
from lfpscope.references.open import open_references
from lfpscope.references.schema import digest
from lfpscope.summary.summarize import build_envelope
from lfpscope.verify import checks
from lfpscope.verify.checks import verify

SCRIPTS = Path(__file__).parents[3] / "scripts"
CHECKS = ("checksums", "extents", "samples", "channels", "clock", "envelope", "kerchunk")


def made(references: ProbeReferences) -> tuple[Path, Path]:
    """Summarise a probe; return its references and envelope."""
    return references.file, recorded.summarise(references)[1]


@pytest.fixture
def probe(tmp_path: Path) -> tuple[Path, Path]:
    data = recorded.walk(9000, 4, step=0.195e-6).astype(np.float32)
    times = 5 + np.arange(9000) / recorded.RATE
    times[4000:] += 2.0
    return made(recorded.index(tmp_path, data, chunks=(700, 1), times=times))


def edited(path: Path, **refs: Any) -> None:
    content = json.loads(path.read_text())
    content["refs"] |= refs
    sign(path, content)


def sign(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content | {"refs_sha256": digest(content["refs"])}))


def problem(probe: tuple[Path, Path], chunks: int | None = None) -> str:
    """Return the one thing that is found."""
    found = verify(*probe, chunks=chunks)
    assert not found["whole"]
    assert len(found["problems"]) == 1, found["problems"]
    assert "\n" not in found["problems"][0]
    return str(found["problems"][0])


# --- the same -----------------------------------------------------------------------------------


def test_all_is_compared(probe: tuple[Path, Path]) -> None:
    found = verify(*probe, chunks=None)
    assert found["problems"] == []
    assert found["whole"]
    assert tuple(found["checks"]) == CHECKS
    assert found["checks"]["extents"] == "52 of 52 chunks, all inside the file, none over another"
    assert found["checks"]["samples"] == "52 of 52 chunks as h5py reads them"
    assert found["checks"]["kerchunk"] == "52 chunks where kerchunk finds them"
    assert found["checks"]["clock"] == "the whole clock"


def test_a_clock_with_stretches_without_a_time_is_the_same(tmp_path: Path) -> None:
    data = recorded.walk(2000, 2, step=0.195e-6).astype(np.float32)
    times = 5 + np.arange(2000) / recorded.RATE
    times[:300] = -1.0
    one = made(recorded.index(tmp_path, data, chunks=(700, 1), times=times))
    assert verify(*one, chunks=None)["problems"] == []


def test_values_that_are_not_finite_are_the_same(tmp_path: Path) -> None:
    data = recorded.walk(3000, 4, step=0.195e-6).astype(np.float32)
    data[100, 0], data[200:230, 1], data[2000:2200, 2] = np.inf, -np.inf, np.nan
    data[700, 3], data[:, 2][:200] = 3e38, np.inf
    one = made(recorded.index(tmp_path, data, chunks=(700, 1)))
    assert verify(*one, chunks=None)["problems"] == []


@pytest.mark.slow
def test_a_disk_without_locks(
    probe: tuple[Path, Path], nolock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through h5py, and in the process of kerchunk."""
    verified = probe[0].with_name("verified.json")
    monkeypatch.setenv("LD_PRELOAD", str(nolock))
    command = [sys.executable, SCRIPTS / "verify_probe.py", *probe, "--verified", verified]
    subprocess.run(command, check=True, capture_output=True)
    found = json.loads(verified.read_text())
    assert found["whole"]
    assert found["checks"]["kerchunk"] == "52 chunks where kerchunk finds them"


def test_some_are_compared_and_the_same_ones_each_time(probe: tuple[Path, Path]) -> None:
    found = verify(*probe, chunks=7)
    assert found["whole"]
    assert found["checks"]["samples"] == "7 of 52 chunks as h5py reads them"
    assert found["checks"]["clock"].startswith("7 timestamps")
    assert verify(*probe, chunks=7) == found


LAYOUTS: dict[str, Write] = {
    **{name: dataset(noise((600, 3)), chunks=(64, 2), **how) for name, how in FILTERS.items()},
    "contiguous": dataset(noise((600, 3))),
    "big_endian": dataset(noise((600, 3), ">f4"), chunks=(64, 2), compression="gzip"),
    "int16": dataset(noise((600, 3), "<i2"), chunks=(600, 3), compression="gzip"),
    "one_channel": dataset(noise((600, 1))[:, 0], chunks=(64,), compression="gzip"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYOUTS)
def test_any_layout(tmp_path: Path, name: str) -> None:
    found = verify(
        *made(index_series(write_series(tmp_path / "a.nwb", LAYOUTS[name]))), chunks=None
    )
    assert found["problems"] == []
    left_out = "fletcher32" in name
    assert found["checks"]["kerchunk"].startswith("not compared: kerchunk leaves") == left_out


def test_channels_first(tmp_path: Path) -> None:
    def write(series: h5py.Group) -> None:
        series.create_dataset("data", data=noise((600, 3)).T, chunks=(2, 64), compression="gzip")
        series["timestamps"] = np.arange(600) / 1250

    found = verify(*made(index_series(write_series(tmp_path / "a.nwb", write))), chunks=None)
    assert found["problems"] == []
    assert found["checks"]["kerchunk"] == "20 chunks where kerchunk finds them"


def test_damage_that_h5py_sees_too_is_no_difference(tmp_path: Path) -> None:
    data = recorded.walk(3000, 4, step=0.195e-6).astype(np.float32)
    references = recorded.index(tmp_path, data, chunks=(700, 1), damaged=((2, 1), (3, 0)))
    found = verify(*made(references), chunks=None)
    assert found["problems"] == []
    assert found["checks"]["samples"].endswith(", 2 damaged through both")


def test_missing_chunks_are_no_difference(tmp_path: Path) -> None:
    def write(series: h5py.Group) -> None:
        stored = series.create_dataset("data", (300, 4), "<f4", chunks=(100, 2), compression="gzip")
        stored[:100] = noise((100, 4))

    found = verify(*made(index_series(write_series(tmp_path / "a.nwb", write))), chunks=None)
    assert found["problems"] == []
    assert found["checks"]["extents"].startswith("2 of 6 chunks")


def test_a_file_on_a_server_costs_little(tmp_path: Path) -> None:
    data = recorded.walk(9000, 4, step=0.195e-6).astype(np.float32)
    path, envelope = made(recorded.index(tmp_path, data, chunks=(700, 1)))
    content = json.loads(path.read_text())
    with serve(tmp_path) as served:
        content["templates"]["u"] = address = f"{served.address}/probe.nwb"
        # as index_probe would have it, with the ETag instead of the time
        with RemoteFile(address) as file:
            content["provenance"] |= {"address": address, **file.identity()}
        path.write_text(json.dumps(content))
        found = verify(path, envelope, chunks=None)
    assert found["problems"] == []
    assert found["checks"]["samples"] == "4 of 52 chunks as h5py reads them"
    assert found["checks"]["kerchunk"] == "not compared: the file is on a server"


# --- different ----------------------------------------------------------------------------------


def test_a_source_of_the_same_size_and_time(probe: tuple[Path, Path]) -> None:
    references = open_references(probe[0])
    source, offset = Path(references.address), int(references.provenance.checksums[5][0])
    before, content = source.stat(), bytearray(source.read_bytes())
    content[offset + 9] ^= 1
    source.write_bytes(content)
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    message = verify(*probe, chunks=1)["problems"][0]
    assert message.startswith(f"{source}: the chunk at byte {offset} has changed")
    assert "--forcerun fetch_probe" in message


def test_two_chunks_exchanged(probe: tuple[Path, Path]) -> None:
    refs = json.loads(probe[0].read_text())["refs"]
    edited(probe[0], **{"lfp/3.1": refs["lfp/4.1"], "lfp/4.1": refs["lfp/3.1"]})
    build_envelope_again(probe)
    found = verify(*probe, chunks=None)["problems"]
    assert f"probe probe, channel 1, 6.680 to 7.239 s, byte {refs['lfp/4.1'][1]}" in found[0]
    assert found[0].endswith("other values through h5py")
    assert any("kerchunk's translation" in one for one in found)


def test_chunks_that_overlap(probe: tuple[Path, Path]) -> None:
    refs = json.loads(probe[0].read_text())["refs"]
    edited(probe[0], **{"lfp/3.1": refs["lfp/4.1"]})
    build_envelope_again(probe)
    assert any("two chunks overlap" in one for one in verify(*probe, chunks=1)["problems"])


def test_a_chunk_that_was_left_out(probe: tuple[Path, Path]) -> None:
    content = json.loads(probe[0].read_text())
    del content["refs"]["lfp/3.1"]
    sign(probe[0], content)
    build_envelope_again(probe)
    found = verify(*probe, chunks=1)["problems"]
    assert any(one.startswith("51 chunks referred to, 52 in") for one in found)


@pytest.mark.slow
def test_other_electrodes(probe: tuple[Path, Path]) -> None:
    edited(probe[0], **{"channel/0": inline(np.array([0, 2, 1, 3], "<i8").tobytes())})
    assert problem(probe).startswith("electrode ids differs in")


@pytest.mark.slow
@pytest.mark.parametrize("chunks", [20, None])
def test_another_clock(probe: tuple[Path, Path], chunks: int | None) -> None:
    content = json.loads(probe[0].read_text())
    root = json.loads(content["refs"][".zattrs"])
    root["clock"][1][2] += 0.5
    edited(probe[0], **{".zattrs": json.dumps(root)})
    envelope = build_envelope_again(probe)
    found = verify(probe[0], envelope, chunks=chunks)["problems"]
    assert found
    assert all("the clock" in one for one in found)


def build_envelope_again(probe: tuple[Path, Path]) -> Path:
    build_envelope(open_references(probe[0]), probe[1])
    return probe[1]


def test_an_envelope_of_other_samples(probe: tuple[Path, Path]) -> None:
    references = open_references(probe[0])
    bits = replace(references.layout, dtype=np.dtype("<i4"))
    build_envelope(replace(references, lfp=replace(references.lfp, layout=bits)), probe[1])
    message = verify(*probe, chunks=None)["problems"][0]
    assert message.startswith("the envelope has [")
    assert message.endswith("Delete it and run again.")


# --- kerchunk does not answer -------------------------------------------------------------------


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A program in the place of kerchunk's."""
    path = tmp_path / "translation.py"
    monkeypatch.setattr(checks.kerchunk_translation, "__file__", str(path))
    return path


def test_kerchunk_waits_for_ever(
    probe: tuple[Path, Path], program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "TRANSLATION_SECONDS", 0.5)
    program.write_text("import time; time.sleep(60)")
    found = verify(*probe, chunks=2)
    assert found["whole"]
    assert found["checks"]["kerchunk"] == "not compared: kerchunk gave no answer in 0.5 s"


def test_kerchunk_fails(probe: tuple[Path, Path], program: Path) -> None:
    program.write_text("raise RuntimeError('not this layout')")
    found = verify(*probe, chunks=2)
    assert found["whole"]
    assert found["checks"]["kerchunk"].endswith("failed: RuntimeError: not this layout")


# --- the program --------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_program_writes_what_it_found(probe: tuple[Path, Path], tmp_path: Path) -> None:
    verified = tmp_path / "out/verified.json"
    command = [sys.executable, SCRIPTS / "verify_probe.py", *probe, "--verified", verified]
    done = subprocess.run(
        [*command, "--chunks", "all"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(verified.read_text()) == verify(*probe, chunks=None)
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == list(CHECKS)
    assert done.stderr.strip() == ""
