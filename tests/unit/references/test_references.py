"""lfp.json: what is in it, how it opens, and when it is refused."""

import json
import os
import pickle
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr

from lfpscope.errors import UserError
from lfpscope.nwb.file import open_nwb
from lfpscope.nwb.recording import read_clock, read_recording
from lfpscope.nwb.series import choose_series
from lfpscope.references.open import open_references
from lfpscope.references.schema import digest
from lfpscope.references.write import write_references
from lfpscope.summary.summarize import build_envelope

Edit = Callable[[dict[str, Any]], None]


def index(nwb_path: Path, n_chunks: int | None = 12) -> Path:
    """Write references."""
    path = nwb_path.with_suffix(".json")
    with open_nwb(nwb_path) as nwb:
        (series,), _ = choose_series(nwb)
        recording = read_recording(nwb, series)
        written = write_references(
            nwb,
            recording,
            read_clock(nwb, recording),
            session="monday",
            probe="a",
            address=str(nwb_path),
            path=path,
        )
    assert n_chunks in (None, written.lfp.n_chunks)
    return path


@pytest.fixture
def source(write_nwb, tmp_path):
    return write_nwb(tmp_path / "a.nwb")


@pytest.fixture
def path(source):
    return index(source)


# --- the format ---------------------------------------------------------------------------------


def test_version_1_with_one_address_behind_a_template(path, source):
    content = json.loads(path.read_text())
    assert set(content) == {"version", "templates", "refs", "provenance", "refs_sha256"}
    assert content["version"] == 1
    assert content["templates"] == {"u": str(source)}
    places = [ref for ref in content["refs"].values() if isinstance(ref, list)]
    assert {url for url, _, _ in places} == {"{{u}}"}
    inlined = [
        ref
        for key, ref in content["refs"].items()
        if isinstance(ref, str) and not key.rpartition("/")[2].startswith(".z")
    ]
    assert inlined
    assert all(ref.startswith("base64:") for ref in inlined)


def test_as_a_notebook_opens_it(path, source):
    with h5py.File(source) as nwb, xr.open_dataset(str(path), engine="kerchunk") as dataset:
        series = nwb["acquisition/LFP/lfp"]
        assert dataset.lfp.dims == ("time", "channel")
        assert dataset.attrs["session"], dataset.attrs["probe"] == ("monday", "a")
        assert dataset.channel.values.tolist() == [100, 101, 102, 103]
        assert dataset.depth.values.tolist() == [0, 20, 40, 60]
        assert dataset.area.values.tolist() == ["CA1"] * 4
        one = dataset.swap_dims(time="timestamps").lfp.sel(channel=102)
        np.testing.assert_array_equal(one.values, series["data"][:, 2])
        np.testing.assert_array_equal(one.timestamps.values, series["timestamps"][:])


OPENED: list[str] = []


def note_opened(event: str, found: tuple[Any, ...]) -> None:
    if event == "open" and str(found[0]).endswith((".json", ".nwb")):
        OPENED.append(str(found[0]))


sys.addaudithook(note_opened)  # for as long as Python runs: it cannot be removed


def test_opening_reads_no_samples_and_no_timestamps(path, source):
    OPENED.clear()
    with xr.open_dataset(str(path), engine="kerchunk") as dataset:
        assert str(path) in OPENED
        assert str(source) not in OPENED
        dataset.lfp[0, 0].values.sum()
        assert OPENED.count(str(source)) == 1


def test_moved_file_opens_with_another_address(path, source):
    moved = source.with_name("moved.nwb")
    source.rename(moved)
    options = {"template_overrides": {"u": str(moved)}}
    with xr.open_dataset(str(path), engine="kerchunk", storage_options=options) as dataset:
        assert np.isfinite(dataset.lfp.values).all()


@pytest.mark.parametrize("name", ["with space.nwb", "100%#.nwb", "é µ.nwb", "brace{0}.nwb"])
def test_odd_names(write_nwb, tmp_path, name):
    source = write_nwb(tmp_path / name)
    path = index(source)
    with xr.open_dataset(str(path), engine="kerchunk") as dataset, h5py.File(source) as nwb:
        np.testing.assert_array_equal(dataset.lfp.values, nwb["acquisition/LFP/lfp/data"][:])


def test_equal_input_gives_equal_bytes(path, source):
    before = path.read_bytes()
    assert index(source).read_bytes() == before


def test_opened(path, source):
    references = open_references(path)
    assert (references.session, references.probe) == ("monday", "a")
    assert references.series == "/acquisition/LFP/lfp"
    assert (references.n_samples, references.n_channels) == (3000, 4)
    assert references.layout.grid == references.lfp.offsets.shape == (3, 4)
    assert references.channels.id.tolist() == [100, 101, 102, 103]
    assert references.provenance.size == source.stat().st_size
    checksums = references.provenance.checksums
    assert checksums[0] == (0, 2048, zlib.crc32(source.read_bytes()[:2048]))
    assert len(checksums) == 1 + 12


# --- a source that is not what it was -----------------------------------------------------------


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as error:
        open_references(path)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_source_that_grew(path, source):
    with source.open("ab") as file:
        file.write(b"x")
    assert "when indexed. Run the pipeline again" in refusal(path)


def test_source_of_the_same_size_with_other_samples(path, source):
    before = source.stat()
    content = bytearray(source.read_bytes())
    offset = int(open_references(path).lfp.offsets[1, 2])
    content[offset + 9] ^= 1
    source.write_bytes(content)
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert f"the chunk at byte {offset} has changed" in refusal(path)


def test_source_of_the_same_size_with_another_start(path, source):
    before = source.stat()
    content = bytearray(source.read_bytes())
    content[100] ^= 1
    source.write_bytes(content)
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert f"{source}: its start has changed. Run the pipeline again" in refusal(path)


def test_checksums_of_many_chunks(write_nwb, tmp_path):
    path = index(write_nwb(tmp_path / "a.nwb", samples=30_000), 120)
    references = open_references(path)
    chunks = np.sort(references.lfp.offsets.ravel())
    starts = [start for start, _, _ in references.provenance.checksums]
    assert len(starts) == 33
    assert (starts[0], starts[1], starts[-1]) == (0, chunks[0], chunks[-1])
    steps = np.diff(np.searchsorted(chunks, starts[1:]))
    assert len(set(steps.tolist())) > 4  # an even stride would meet the same channels


def test_source_that_was_only_touched(path, source):
    os.utime(source)
    assert open_references(path).n_samples == 3000


def test_source_that_is_gone(path, source):
    source.unlink()
    assert "No such file or directory" in refusal(path)


# --- what is not ours ---------------------------------------------------------------------------


def edited(path: Path, edit: Edit) -> Path:
    """Edit references, as one who knows of their digest."""
    content = json.loads(path.read_text())
    edit(content)
    if "refs" in content:
        content["refs_sha256"] = digest(content["refs"])
    path.write_text(json.dumps(content))
    return path


def set_zarray(**changes: Any) -> Edit:
    def edit(content: dict[str, Any]) -> None:
        zarray = json.loads(content["refs"]["lfp/.zarray"])
        content["refs"]["lfp/.zarray"] = json.dumps(zarray | changes)

    return edit


@pytest.mark.parametrize(
    "edit",
    [
        lambda content: content.clear(),
        lambda content: content["refs"].clear(),
        lambda content: content["refs"].update({"lfp/.zarray": "{}"}),
        lambda content: content["refs"].update({"lfp/9.9": ["{{u}}", 0, 10]}),
        lambda content: content["refs"].update({"lfp/0": ["{{u}}", 0, 10]}),
        lambda content: content["refs"].update({"lfp/0.0": ["{{u}}"]}),
        lambda content: content["refs"].update({"lfp/0.0": "base64:!"}),
        lambda content: content["refs"].update({"channel/0": "base64:AAAA"}),
        set_zarray(chunks=[0, 1]),
        set_zarray(shape=[-5, 4]),
        set_zarray(dtype="|O"),
        set_zarray(compressor={"id": "pickle"}),
        set_zarray(filters=[{"id": "json2"}]),
    ],
)
def test_json_that_index_probe_did_not_write(path, edit):
    assert "not references written by index_probe" in refusal(edited(path, edit))


def test_pickles_are_not_opened(path, tmp_path):
    class Bomb:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "ran",))

    edited(path, set_zarray(compressor={"id": "pickle"}))
    edited(
        path, lambda content: content["refs"].update({"lfp/0.0": pickle.dumps(Bomb(), 0).decode()})
    )
    assert "not references" in refusal(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("text", ["", "[1, 2]", "{", "null", "NaN", '"x"'])
def test_text_that_is_not_references(path, text):
    path.write_text(text)
    refusal(path)


def test_file_that_is_not_there(tmp_path):
    assert "no such file" in refusal(tmp_path / "none.json")


# --- what the envelope makes of odd layouts -----------------------------------------------------


@pytest.mark.parametrize(
    "how",
    [
        {"chunks": (4, 700), "compression": "gzip", "fletcher32": True, "shuffle": True},
        {"chunks": (1, 700), "compression": "gzip"},
        {},
    ],
    ids=["several", "one_channel", "contiguous"],
)
def test_summary_of_channels_first(write_nwb, tmp_path, monkeypatch, how):
    monkeypatch.setattr("lfpscope.hdf5.describe_layout.CHANNEL_BYTES", 1000)
    source = write_nwb(tmp_path / "a.nwb", samples=2999)  # prime: references overlap
    with h5py.File(source, "r+") as nwb:
        series = nwb["acquisition/LFP/lfp"]
        volts = series["data"][:]
        del series["data"]
        series.create_dataset("data", data=volts.T, **how)
    path = index(source, n_chunks=None)
    table = build_envelope(open_references(path), tmp_path / "e.zarr.zip").table()
    for i, row in enumerate(table):
        assert float(row["min"]) == volts[:, i].min()
        assert float(row["max"]) == volts[:, i].max()
        assert int(row["n_damaged"]) == 0
